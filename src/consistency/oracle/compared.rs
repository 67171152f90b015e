//! A checker beside the truth, on one history.

use super::{Truth, truth};
use crate::account::queue::{Delivery, Order};
use crate::check::{Engine, Model, Options};
use crate::history::{Completion, History};
use crate::outcome::{Budget, Outcome};
use crate::text::{Claim, Request, check_history};
use crate::{Format, verify};

/// A claim of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The model.
    pub model: Model,
    /// The claim.
    pub claim: Claim,
}

const fn of(model: Model, claim: Claim) -> Subject {
    Subject { model, claim }
}

/// Every claim of every model but list-append.
pub const SUBJECTS: [Subject; 17] = [
    of(Model::Register, Claim::Linearizable),
    of(Model::Kv, Claim::Linearizable),
    of(Model::Set, Claim::Linearizable),
    of(Model::Set, Claim::Durable),
    of(Model::Counter, Claim::Linearizable),
    of(Model::Counter, Claim::Bounds),
    of(Model::Mutex, Claim::Linearizable),
    of(Model::Mutex, Claim::MutualExclusion),
    of(Model::Mutex, Claim::Fencing),
    of(Model::Queue, Claim::Delivery(Delivery::AtLeastOnce, Order::Any)),
    of(Model::Queue, Claim::Delivery(Delivery::AtLeastOnce, Order::Fifo)),
    of(Model::Queue, Claim::Delivery(Delivery::ExactlyOnce, Order::Any)),
    of(Model::Queue, Claim::Delivery(Delivery::ExactlyOnce, Order::Fifo)),
    of(Model::Bank, Claim::ConservedTotal),
    of(Model::Bank, Claim::ConservedTotalOverdraft),
    of(Model::Watch, Claim::OrderedDelivery),
    of(Model::MultiRegister, Claim::Linearizable),
];

impl Subject {
    /// The claim as the command line names it.
    #[must_use]
    pub fn claim_word(self) -> &'static str {
        Claim::of(self.model).into_iter().find(|(_, claim)| *claim == self.claim).map_or("", |(word, _)| word)
    }

    /// Engines that judge it: one, unless it is a matter of search.
    fn engines(self) -> &'static [Engine] {
        match (self.model, self.claim) {
            (Model::Counter, _) => &[Engine::Auto],
            (_, Claim::Linearizable) => &[Engine::Auto, Engine::Frontier, Engine::Depth, Engine::Portfolio],
            _ => &[Engine::Auto],
        }
    }
}

/// Compares what the checkers say of a history with the truth, which is returned. Orders and witnesses are verified.
///
/// # Errors
/// What disagreed, with the history.
pub fn agree(history: &History, subject: Subject, options: &Options) -> Result<Truth, String> {
    let truth = truth(history, subject.model, subject.claim, options);
    for &engine in subject.engines() {
        let options = Options { engine, ..options.clone() };
        let request = Request {
            model: subject.model,
            format: Format::Native,
            claim: Some(subject.claim),
            options: options.clone(),
        };
        let said = check_history(history, &request, &|| false);
        let wrong =
            |why: &str| Err(format!("{engine:?} said {said:?}; {why} ({truth:?}, {options:?}):\n{}", shown(history)));
        let nothing = history.operations.iter().all(|one| one.completion != Completion::Ok);
        match &said {
            Ok(Outcome::Ok(_)) if truth.broken => return wrong("a false ok"),
            Ok(Outcome::Ok(_)) if !truth.says_enough => return wrong("ok of a history that says too little"),
            Ok(Outcome::Violation(_)) if !truth.broken => return wrong("a false violation"),
            Ok(Outcome::Unknown(Budget::Evidence(_))) if nothing || (!truth.broken && !truth.says_enough) => {}
            Ok(Outcome::Unknown(_)) => return wrong("it is known"),
            Err(_) => return wrong("it is a history of the model"),
            Ok(outcome @ (Outcome::Ok(_) | Outcome::Violation(_))) => {
                let searched = subject.claim == Claim::Linearizable && subject.model != Model::Counter;
                if let Err(refusal) = verify(history, subject.model, &options, outcome)
                    && searched
                {
                    return wrong(&refusal.to_string());
                }
            }
        }
    }
    Ok(truth)
}

/// One line for each operation.
fn shown(history: &History) -> String {
    let line = |(index, one): (usize, &crate::Operation)| {
        let end = one.end.map_or(String::new(), |end| end.at.to_string());
        let key = one.key.as_ref().map_or(String::new(), ToString::to_string);
        format!(
            "{index}: [{}, {end}] process {}: {} {key} {} gave {}: {:?} {:?}\n",
            one.call.at, one.process, one.function, one.input, one.output, one.completion, one.saw
        )
    };
    history.operations.iter().enumerate().map(line).collect()
}
