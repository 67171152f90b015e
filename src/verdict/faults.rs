//! Whether every fault was injected, bit, and is gone again. A fault without proof is never a pass.

use crate::measure::{FaultSpan, text};

use super::Judgement;
use super::judgement::Case;
use super::knob::budget;

pub(super) fn faults(case: &Case<'_>) -> Judgement {
    let faults = &case.measured.faults;
    let wrong: Vec<String> = faults.iter().filter_map(problem).collect();
    // What was refused comes before what was therefore never tried.
    let wrong = if wrong.is_empty() { faults.iter().filter_map(unproven).collect() } else { wrong };
    let proven = faults.iter().filter(|fault| fault.proof.as_ref().is_some_and(|proof| proof.proven)).count();
    let measured = format!("{proven} of {} proven", faults.len());
    if wrong.is_empty() {
        if faults.is_empty() {
            return Judgement::inconclusive("faults", "nothing was planned").measured(measured);
        }
        let statements: Vec<&str> =
            faults.iter().filter_map(|fault| fault.proof.as_ref()).map(|proof| proof.statement.as_str()).collect();
        return Judgement::pass("faults", text::some(&statements, 3)).measured(measured);
    }
    let knob = faults.iter().find_map(|fault| fault.budget.as_ref()).map(budget).unwrap_or_default();
    Judgement::inconclusive("faults", text::some(&wrong, 3)).measured(measured).knob(knob)
}

/// Whether the target let itself be drained. Only there when a budget stood in the way: one of its own says that it cannot
/// be moved, one of somebody else's nothing about it.
pub(super) fn drained(case: &Case<'_>) -> Option<Judgement> {
    let own = |fault: &&FaultSpan| fault.budget.as_ref().is_some_and(|held| held.own);
    let held = case.measured.faults.iter().filter(|fault| fault.budget.is_some());
    let fault = held.clone().find(own).or(held.clone().next())?;
    let held = fault.budget.as_ref()?;
    let reason = format!("{}: {}", fault.step, fault.problem);
    let judgement = if held.own {
        Judgement::fail("drained", reason)
    } else {
        Judgement::inconclusive("drained", format!("{reason}; the budget is not one of {}", case.target()))
    };
    Some(judgement.knob(budget(held)))
}

fn problem(fault: &FaultSpan) -> Option<String> {
    (!fault.problem.is_empty()).then(|| format!("{}: {}", fault.step, fault.problem))
}

fn unproven(fault: &FaultSpan) -> Option<String> {
    let step = &fault.step;
    if fault.injected.is_none() {
        return Some(format!("{step} was never injected"));
    }
    match &fault.proof {
        None => return Some(format!("{step} has no proof that it took effect")),
        Some(proof) if !proof.proven => return Some(format!("{step} is not proven: {}", proof.statement)),
        Some(_) => {}
    }
    if !fault.to_heal {
        return None;
    }
    if fault.healed.is_none() {
        return Some(format!("{step} was not healed"));
    }
    match &fault.heal_proof {
        None => Some(format!("{step} has no proof that it is gone")),
        Some(proof) if !proof.proven => Some(format!("{step} may still be in effect: {}", proof.statement)),
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
