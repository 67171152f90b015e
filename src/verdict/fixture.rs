//! Names the objects of the fixture that the embedded cluster keeps without acting on them, so that nobody takes their effect for
//! tested. Never changes an outcome.

use super::Judgement;
use super::judgement::Case;

/// How many are named.
const NAMED: usize = 5;

/// One note, when there are some.
pub(super) fn not_modelled(case: &Case<'_>) -> Option<Judgement> {
    let all = &case.measured.not_modelled;
    let (last, first) = all[..all.len().min(NAMED)].split_last()?;
    let mut names = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) };
    if all.len() > NAMED {
        names = format!("{}, {last} and {} more", first.join(", "), all.len() - NAMED);
    }
    let reason = format!("note: not modelled: the embedded cluster keeps {names} and does not act on them");
    Some(Judgement::pass("fixture", reason))
}
