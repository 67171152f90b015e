//! A register's history judged while it is read, piece by piece: of each operation twenty bytes are kept instead of its words.
//!
//! Opens no file: the caller brings the bytes. Says what the general way (`check_text`) says, in the same words: where it
//! cannot, it says so and has no opinion.
//!
//! The general way holds every operation with its texts, some hundred bytes each, since any model may ask for any of them. The
//! register with unique writes asks only which values are equal and what was before what, so that one look at the file
//! is enough for numbers (`gather`), and these are enough for a judgement (`judge`). A register that is broken
//! has to be told with its operations: which ones is decided by number (`pick`), and a second look brings their lines (`tell`).
//!
//! What only a search can judge (values that are written twice, above all) is left to the general way.

mod gather;
mod judge;
mod names;
mod pick;
mod tell;
#[cfg(test)]
mod tests;

pub use tell::Telling;

use self::gather::Gather;
use self::pick::Picked;
use super::allowance::{Allowance, Meter, Stop, caught};
use super::check::{Engine, FailedCas, Model, Options};
use super::format::{Format, Lines, ReadError};
use super::outcome::{Budget, Certificate, Outcome};
use super::text::{Claim, Judged, Request, nothing_completed};
use super::vacuity::Tally;

/// A history that is being read.
pub struct Reading<'a> {
    options: Options,
    exhausted: &'a (dyn Fn() -> bool + Sync),
    meter: Meter<'a>,
    lines: Lines,
    gather: Gather,
    stop: Option<Stop>,
}

/// What became of it.
pub enum Answered {
    /// This is the outcome; an order, or a budget that was used up.
    Judged(Judged),
    /// It is broken: the same bytes once more, to tell what is.
    Again(Box<Telling>),
    /// Nothing was decided: the general way may.
    Undecided,
}

impl<'a> Reading<'a> {
    /// Begins to read, if a history can be judged in this way as it is asked for. `exhausted` is asked whether the time is over.
    #[must_use]
    pub fn new(request: &Request, exhausted: &'a (dyn Fn() -> bool + Sync)) -> Option<Self> {
        let options = &request.options;
        let applies = request.model == Model::Register
            && request.format == Format::Native
            && matches!(request.claim, None | Some(Claim::Linearizable))
            && options.engine == Engine::Auto
            && options.failed_cas == FailedCas::Excluded;
        applies.then(|| Self {
            options: options.clone(),
            exhausted,
            meter: Allowance::of(options, exhausted).meter(),
            lines: Lines::default(),
            gather: Gather::new(options),
            stop: None,
        })
    }

    /// Counts on the way what a run needs to know besides.
    #[must_use]
    pub fn counting(mut self, tally: Tally) -> Self {
        self.gather.tally = Some(tally);
        self
    }

    /// The next bytes of the file; whether more are of use.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        if self.stop.is_none() {
            let (gather, meter) = (&mut self.gather, &self.meter);
            self.stop = self.lines.push(piece, |number, line| gather.line(number, line, meter)).err();
        }
        self.stop.is_none()
    }

    /// The answer, when all bytes were given.
    ///
    /// # Errors
    /// The first place at which the bytes are no history of a register.
    pub fn finish(self) -> Result<Answered, ReadError> {
        self.finish_counted().map(|(answered, _)| answered)
    }

    /// The same, with what was counted; none of a history that was not read to its end.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_counted(self) -> Result<(Answered, Option<Tally>), ReadError> {
        let Self { options, exhausted, meter, lines, mut gather, stop } = self;
        let read = stop.map_or_else(|| lines.finish(|number, line| gather.line(number, line, &meter)), Err);
        match read {
            Ok(()) => {}
            Err(Stop::Input(error)) => return Err(error),
            Err(Stop::Budget(budget)) => return Ok((unknown(budget), None)),
        }
        let tally = gather.tally.take();
        if meter.is_over() {
            return Ok((unknown(meter.time()), tally));
        }
        answered(gather, options, exhausted).map(|answered| (answered, tally))
    }
}

/// Judges what was read.
fn answered(
    mut gather: Gather,
    options: Options,
    exhausted: &(dyn Fn() -> bool + Sync),
) -> Result<Answered, ReadError> {
    if let Some(error) = gather.strange {
        return Err(error);
    }
    if gather.beyond {
        return Ok(Answered::Undecided);
    }
    let calls = u32::try_from(gather.accesses.len()).unwrap_or(u32::MAX);
    let timed = gather.timed.map(|operation| {
        let start = gather.accesses[operation as usize].start;
        Picked { start, operation }
    });
    let judged = match caught(|| judge::all(&mut gather, &options, &exhausted)) {
        Ok(judged) => judged,
        Err(fault) => return Ok(unknown(fault)),
    };
    Ok(match judged {
        judge::Judged::Orders(_) if !gather.something => whole(nothing_completed()),
        judge::Judged::Orders(orders) => {
            let judged = Judged::of(Outcome::Ok(Certificate::Orders(orders)));
            Answered::Judged(Judged { notes: gather.notes(), ..judged })
        }
        judge::Judged::Broken(findings) => {
            Answered::Again(Box::new(Telling::new(gather, calls, timed, findings, options)))
        }
        judge::Judged::Stopped(budget) => unknown(budget),
        judge::Judged::Beyond => Answered::Undecided,
    })
}

fn unknown(budget: Budget) -> Answered {
    whole(Outcome::Unknown(budget))
}

fn whole(outcome: Outcome) -> Answered {
    Answered::Judged(Judged::of(outcome))
}
