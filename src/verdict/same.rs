//! What must be the same after the drift, aspect by aspect.

use crate::measure::{SameMeasure, text};
use crate::scenario::Aspect;

use super::judgement::Case;
use super::{Judgement, Outcome};

pub(super) fn same(case: &Case<'_>) -> Vec<Judgement> {
    let judge = |aspect: &Aspect| {
        let found = case.measured.same.iter().find(|same| same.aspect == *aspect);
        let objective = format!("same.{}", word(*aspect));
        let judgement = match found {
            Some(same) if same.compared => compared(case, objective, same),
            Some(_) | None => Judgement::inconclusive(objective, "it was not read before and after"),
        };
        judgement.bound("the same as before")
    };
    case.scenario.expect.same_after.iter().map(judge).collect()
}

fn compared(case: &Case<'_>, objective: String, same: &SameMeasure) -> Judgement {
    if same.differences.is_empty() {
        return Judgement::pass(objective, "the same before and after").measured("the same");
    }
    let told: Vec<String> =
        same.differences.iter().map(|(subject, before, after)| difference(subject, before, after)).collect();
    let outcome = if is_watched(same.aspect) { case.fail_if_observed() } else { Outcome::Fail };
    Judgement::new(objective, outcome, text::some(&told, 3)).measured(text::count(told.len() as u64, "difference"))
}

/// Whether the aspect is read from what watches have shown, and not from the API server when it is compared.
const fn is_watched(aspect: Aspect) -> bool {
    match aspect {
        Aspect::Replicas | Aspect::Spread | Aspect::Zones | Aspect::Images | Aspect::Nodes => true,
        Aspect::Spec | Aspect::Config | Aspect::Budgets | Aspect::Leftovers => false,
    }
}

fn difference(subject: &str, before: &str, after: &str) -> String {
    match (before, after) {
        ("", after) => format!("{subject} is new: {after}"),
        (before, "") => format!("{subject} is gone, it was {before}"),
        (before, after) => format!("{subject}: {before} → {after}"),
    }
}

const fn word(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Replicas => "replicas",
        Aspect::Spread => "spread",
        Aspect::Zones => "zones",
        Aspect::Images => "images",
        Aspect::Spec => "spec",
        Aspect::Config => "config",
        Aspect::Budgets => "budgets",
        Aspect::Nodes => "nodes",
        Aspect::Leftovers => "leftovers",
    }
}
