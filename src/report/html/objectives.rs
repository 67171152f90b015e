//! The objectives of a scenario: those that did not hold first, each sentence once, those that held quieter below.

use maud::{Markup, html};

use super::order::symbol;
use super::words::badge;
use crate::report::Status;
use crate::report::knobs::knobs;
use crate::verdict::{Judgement, Outcome, Verdict};

/// What stands in the headline is not said again.
const SAID: &str = "as said above";

pub(super) fn objectives(verdict: &Verdict) -> Markup {
    let mut open: Vec<&Judgement> = verdict.objectives.iter().filter(|one| one.outcome != Outcome::Pass).collect();
    open.sort_by_key(|judgement| std::cmp::Reverse(judgement.outcome));
    let held = verdict.objectives.iter().filter(|judgement| judgement.outcome == Outcome::Pass);
    html! {
        table class="stack objectives" {
            thead { tr { th { "objective" } th { "result" } th { "measured" } th { "bound" } th { "why" } } }
            tbody { @for group in by_reason(&open) { (open_row(&group, verdict)) } }
            tbody class="quiet" { @for judgement in held { (held_row(judgement)) } }
        }
    }
}

/// Those together that have the same outcome and the same reason: one cause is told once.
fn by_reason<'a>(judgements: &[&'a Judgement]) -> Vec<Vec<&'a Judgement>> {
    let mut groups: Vec<Vec<&Judgement>> = Vec::new();
    for judgement in judgements {
        let same =
            |group: &&mut Vec<&Judgement>| group[0].reason == judgement.reason && group[0].outcome == judgement.outcome;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(judgement),
            None => groups.push(vec![judgement]),
        }
    }
    groups
}

fn open_row(group: &[&Judgement], verdict: &Verdict) -> Markup {
    let first = group[0];
    let said = !first.reason.is_empty() && verdict.line.starts_with(&first.reason);
    // Under the headline stands what to change; here only what does not stand there.
    let above = knobs(verdict);
    let knob =
        group.iter().map(|judgement| judgement.knob.as_str()).find(|knob| !knob.is_empty() && !above.contains(knob));
    html! {
        tr {
            td data-l="objective" { @for (index, judgement) in group.iter().enumerate() { @if index > 0 { br; } code { (judgement.objective) } } }
            td data-l="result" { (badge(first.outcome.into())) }
            td data-l="measured" class="number" { (lines(group, |judgement| &judgement.measured)) }
            td data-l="bound" class="number" { (lines(group, |judgement| &judgement.bound)) }
            td data-l="why" {
                @if said { span class="note" { (SAID) } } @else { (first.reason) }
                @if let Some(knob) = knob { p { strong { "Change: " (knob) } } }
            }
        }
    }
}

/// The values of a group below each other, beside their names.
fn lines(group: &[&Judgement], of: impl Fn(&Judgement) -> &str) -> Markup {
    let any = group.iter().any(|judgement| !of(judgement).is_empty());
    html! { @if any { @for (index, judgement) in group.iter().enumerate() { @if index > 0 { br; } (of(judgement)) } } }
}

fn held_row(judgement: &Judgement) -> Markup {
    html! {
        tr {
            td data-l="objective" { code { (judgement.objective) } }
            td data-l="result" { span class="held" { (symbol(Status::Pass)) " held" } }
            td data-l="measured" class="number" { (judgement.measured) }
            td data-l="bound" class="number" { (judgement.bound) }
            td data-l="why" { (judgement.reason) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(objective: &str, outcome: Outcome, reason: &str) -> Judgement {
        Judgement {
            objective: objective.to_owned(),
            outcome,
            value: None,
            limit: None,
            measured: String::new(),
            bound: String::new(),
            reason: reason.to_owned(),
            knob: String::new(),
        }
    }

    #[test]
    fn failures_come_first_and_one_sentence_is_said_once() {
        let why = "no pod matches app=web";
        let verdict = Verdict {
            outcome: Outcome::Fail,
            line: "rto was too long".to_owned(),
            objectives: vec![
                judgement("clean", Outcome::Pass, "all was healed"),
                judgement("faults", Outcome::Inconclusive, why),
                judgement("steady", Outcome::Inconclusive, why),
                judgement("rto", Outcome::Fail, "rto was too long"),
            ],
            dirty: Vec::new(),
        };
        let page = objectives(&verdict).into_string();
        let at = |word: &str| page.find(word).unwrap_or_else(|| panic!("no {word} in {page}"));
        assert!(at("<code>rto") < at("<code>faults") && at("<code>steady") < at("<code>clean"));
        assert_eq!(page.matches(why).count(), 1);
        assert!(page.contains(SAID));
    }
}
