//! Whether every fault was injected, bit, and is gone again. A fault without proof is never a pass.

use crate::measure::{FaultSpan, text};

use super::judgement::Case;
use super::knob::budget;
use super::{Judgement, Outcome};

/// What is wrong with one fault.
struct Wrong {
    outcome: Outcome,
    reason: String,
    knob: String,
}

pub(super) fn faults(case: &Case<'_>) -> Judgement {
    let faults = &case.measured.faults;
    let mut wrong: Vec<Wrong> = faults.iter().filter_map(wrong).collect();
    // The worst first; of equal ones the order of the plan.
    wrong.sort_by_key(|wrong| std::cmp::Reverse(wrong.outcome));
    let proven = faults.iter().filter(|fault| fault.proof.as_ref().is_some_and(|proof| proof.proven)).count();
    let measured = format!("{proven} of {} proven", faults.len());
    let Some(worst) = wrong.first() else {
        if faults.is_empty() {
            return Judgement::inconclusive("faults", "nothing was planned").measured(measured);
        }
        let statements: Vec<&str> =
            faults.iter().filter_map(|fault| fault.proof.as_ref()).map(|proof| proof.statement.as_str()).collect();
        return Judgement::pass("faults", text::some(&statements, 3)).measured(measured);
    };
    let more = wrong.len() - 1;
    let reason = if more == 0 { worst.reason.clone() } else { format!("{} (and {more} more)", worst.reason) };
    Judgement::new("faults", worst.outcome, reason).measured(measured).knob(worst.knob.clone())
}

fn wrong(fault: &FaultSpan) -> Option<Wrong> {
    let step = &fault.step;
    let unsure = |reason: String| Some(Wrong { outcome: Outcome::Inconclusive, reason, knob: String::new() });
    if let Some(budget) = budget(&fault.problem).filter(|_| fault.kind == "node-drain") {
        // A drain that began is what was tested, and the workload did not allow it. One that was refused tested nothing.
        let outcome = if fault.injected.is_some() { Outcome::Fail } else { Outcome::Inconclusive };
        return Some(Wrong { outcome, reason: format!("{step}: {}", fault.problem), knob: budget });
    }
    if !fault.problem.is_empty() {
        return unsure(format!("{step}: {}", fault.problem));
    }
    if fault.injected.is_none() {
        return unsure(format!("{step} was never injected"));
    }
    match &fault.proof {
        None => return unsure(format!("{step} has no proof that it took effect")),
        Some(proof) if !proof.proven => return unsure(format!("{step} is not proven: {}", proof.statement)),
        Some(_) => {}
    }
    if !fault.to_heal {
        return None;
    }
    if fault.healed.is_none() {
        return unsure(format!("{step} was not healed"));
    }
    match &fault.heal_proof {
        None => unsure(format!("{step} has no proof that it is gone")),
        Some(proof) if !proof.proven => unsure(format!("{step} may still be in effect: {}", proof.statement)),
        Some(_) => None,
    }
}

pub(super) fn clean(case: &Case<'_>) -> Judgement {
    let dirty = &case.measured.dirty;
    if dirty.is_empty() {
        return Judgement::pass("clean", "everything was undone");
    }
    Judgement::fail("clean", format!("left dirty: {}", text::some(dirty, 3)))
        .measured(text::count(dirty.len() as u64, "leftover"))
}

/// After the last heal the target must be steady again, whatever the scenario expects.
pub(super) fn steady(case: &Case<'_>) -> Judgement {
    let window = text::bound(case.scenario.steady.window);
    let judgement = match case.measured.steady_after {
        Some(at) => {
            let reason = format!("{} was steady again for good at {}", case.target(), text::duration(at));
            return Judgement::pass("steady", reason);
        }
        None if !case.injected() => Judgement::inconclusive("steady", "no fault was injected"),
        None => {
            let reason = format!(
                "{} was not steady again for {window} after the last fault{}",
                case.target(),
                case.at_the_end()
            );
            Judgement::new("steady", case.fail_if_complete(), reason)
        }
    };
    judgement.bound(format!("steady for {window}"))
}
