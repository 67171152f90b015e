//! Reads the history of a check and judges it: while it is read where that can be done, else with all of it in memory. Never
//! judges one that is not as the run left it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::consistency::stream::{Answered, Reading, Telling};
use crate::consistency::text::{self, Judged};
use crate::consistency::vacuity::Tally;
use crate::consistency::{Budget, Format, Options, Outcome, ReadError};
use crate::evidence::{HistorySeen, LineDigest};
use crate::measure::Measurements;
use crate::scenario::StoreCheck;

use super::{Beside, needs};

/// What is known of a history.
pub(super) struct Found {
    pub(super) judged: Judged,
    /// What was counted in it; none where it was not read to its end.
    pub(super) tally: Option<Tally>,
}

impl Found {
    fn nothing(budget: Budget) -> Self {
        Self { judged: Judged::of(Outcome::Unknown(budget)), tally: None }
    }
}

/// A checker that panics has found nothing: neither that the claim holds nor that it does not.
pub(super) fn guarded<T>(judge: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // Nothing that it may have left half-changed is looked at again.
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let why = why.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(format!("the checker itself broke off ({why}); please report this"))
    })
}

/// Judges the history that the run closed as `seen`.
///
/// # Errors
/// Why there is nothing to judge: it is missing, cut, another one, or no history.
pub(super) fn judged(
    seen: &HistorySeen,
    check: &StoreCheck,
    measured: &Measurements,
    beside: Beside<'_>,
) -> Result<Found, String> {
    let model = check.kind.model();
    let claim = Some(text::Claim::parse(model, check.claim().name())?);
    let options = Options { memory: Some(beside.memory), ..Options::default() };
    let request = text::Request { model, format: Format::Native, claim, options };
    let tally = || Tally::new(needs::windows(measured), needs::needs(check.kind, seen));
    let file = Looks { seen, beside };
    let Some(reading) = Reading::new(&request, beside.exhausted) else { return whole(&file, request, tally) };
    let mut reading = reading.counting(tally());
    file.look(|piece| {
        reading.push(piece);
        // A digest is of all bytes.
        true
    })?;
    let (answered, counted) = reading.finish_counted().map_err(|error| unusable(&error))?;
    match answered {
        Answered::Judged(judged) => Ok(Found { judged, tally: counted }),
        Answered::Undecided => whole(&file, request, tally),
        Answered::Again(telling) => broken(&file, *telling, counted, request, tally),
    }
}

/// What is broken is told with all that was going on around it, where there is memory for that; else by itself.
fn broken(
    file: &Looks<'_>,
    mut telling: Telling,
    counted: Option<Tally>,
    request: text::Request,
    tally: impl Fn() -> Tally,
) -> Result<Found, String> {
    let beside = Beside { memory: file.beside.memory.saturating_sub(telling.held()), ..file.beside };
    let found = whole(&Looks { beside, ..*file }, request, tally)?;
    if !matches!(found.judged.outcome, Outcome::Unknown(_)) {
        return Ok(found);
    }
    drop(found);
    file.look(|piece| {
        telling.push(piece);
        true
    })?;
    Ok(Found { judged: telling.finish().map_err(|error| unusable(&error))?, tally: counted })
}

/// Judges with the whole history in memory.
fn whole(file: &Looks<'_>, request: text::Request, tally: impl Fn() -> Tally) -> Result<Found, String> {
    let memory = file.beside.memory;
    let size = file.size()?;
    if size > memory {
        return Ok(Found::nothing(Budget::Memory(memory)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.look(|piece| {
        bytes.extend_from_slice(piece);
        true
    })?;
    let options = Options { memory: Some(memory), ..request.options };
    let request = text::Request { options, ..request };
    let judged = text::check_text(&bytes, &request, file.beside.exhausted).map_err(|error| unusable(&error))?;
    drop(bytes);
    let tally = judged.history.as_ref().map(|history| {
        let mut tally = tally();
        tally.add(history);
        tally
    });
    Ok(Found { judged, tally })
}

fn unusable(error: &ReadError) -> String {
    format!("the history is unusable: {error}")
}

/// The file of a history, which can be looked at as often as one likes.
struct Looks<'a> {
    seen: &'a HistorySeen,
    beside: Beside<'a>,
}

impl Looks<'_> {
    /// How many bytes it has.
    fn size(&self) -> Result<u64, String> {
        let mut size = 0;
        let read = (self.beside.read)(&self.seen.file, &mut |piece| {
            size += piece.len() as u64;
            size <= self.beside.memory
        });
        read.map(|()| size).map_err(|error| format!("{} cannot be read: {error}", self.seen.file))
    }

    /// Gives out the bytes of the file, and says whether they are those that the run closed.
    fn look(&self, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
        let (seen, file) = (self.seen, &self.seen.file);
        let mut digest = LineDigest::default();
        let read = (self.beside.read)(file, &mut |piece| {
            digest.add(piece);
            each(piece)
        });
        read.map_err(|error| format!("{file} cannot be read: {error}"))?;
        let (lines, sha256) = digest.end();
        if lines < seen.lines {
            return Err(format!("{file} is cut: it has {lines} of {} lines", seen.lines));
        }
        if lines != seen.lines || sha256 != seen.sha256 {
            return Err(format!("{file} is not the one that the run wrote: its digest differs"));
        }
        Ok(())
    }
}
