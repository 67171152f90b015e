//! From evidence to verdict: stories in, lines out. Needs no cluster and no clock.

mod causes;
mod data;
mod drifts;
mod guards;
mod lines;
mod never_pass;
mod objectives;
mod recovery;
mod steps;
mod stories;
mod story;

use driftproof::measure::{Measurements, measure};
use driftproof::verdict::{Judgement, Outcome, Verdict, judge};

/// What was measured of a story.
fn measured(scenario: &str, story: &str) -> Measurements {
    measure(&story::evidence(scenario, story))
}

/// How a story is judged.
fn judged(scenario: &str, story: &str) -> Verdict {
    let evidence = story::evidence(scenario, story);
    judge(&evidence.header.scenario, &measure(&evidence))
}

/// One objective of a verdict.
fn objective<'a>(verdict: &'a Verdict, name: &str) -> &'a Judgement {
    let found = verdict.objectives.iter().find(|judgement| judgement.objective == name);
    found.unwrap_or_else(|| panic!("no objective `{name}` among {:#?}", verdict.objectives))
}

/// `PASS the reason` of one objective.
#[track_caller]
fn check(verdict: &Verdict, name: &str, outcome: Outcome, reason: &str) {
    let judgement = objective(verdict, name);
    assert_eq!((judgement.outcome, judgement.reason.as_str()), (outcome, reason), "{judgement:#?}");
}
