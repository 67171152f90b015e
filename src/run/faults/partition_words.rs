//! What canaries saw, in one sentence: what was blocked, on which connections, and what could not be tried. Pure.

use std::fmt::Write;

use crate::evidence::{CanaryResult, Connection};
use crate::scenario::Direction;

use super::canaries::{Line, Opened, Seen, Tried};

/// The observations that say something.
pub(super) fn results(tried: &[Tried]) -> Vec<CanaryResult> {
    let result = |one: &Tried| {
        let now = match one.seen {
            Seen::Passes => true,
            Seen::Blocked => false,
            Seen::Unknown(_) => return None,
        };
        Some(CanaryResult { path: one.path.clone(), connection: one.connection, before: true, now })
    };
    tried.iter().filter_map(result).collect()
}

/// New connections that still pass. What passes through a proxy may be an old one: beside a direct one that is blocked it
/// does not count.
pub(super) fn passing(tried: &[Tried]) -> Vec<String> {
    let direct =
        |one: &&Tried| one.connection == Connection::New && !one.proxied && one.direction == Direction::Ingress;
    let cut = tried.iter().filter(direct).any(|one| one.seen == Seen::Blocked);
    let passes = tried.iter().filter(|one| one.connection == Connection::New && one.seen == Seen::Passes);
    passes.filter(|one| !(cut && one.proxied)).map(|one| one.path.clone()).collect()
}

/// The statement of a proof.
pub(super) fn blocked(opened: &Opened, tried: &[Tried]) -> String {
    let such = |connection: Connection, seen: &dyn Fn(&Seen) -> bool| {
        let found = tried.iter().filter(|one| one.connection == connection && seen(&one.seen));
        found.map(|one| one.path.as_str()).collect::<Vec<_>>()
    };
    let new = such(Connection::New, &|seen| *seen == Seen::Blocked);
    let cut = such(Connection::Established, &|seen| *seen == Seen::Blocked);
    let still = such(Connection::Established, &|seen| *seen == Seen::Passes);
    let unknown = such(Connection::Established, &|seen| matches!(seen, Seen::Unknown(_)));
    let looked_at = tried.iter().any(|one| one.connection == Connection::Established);
    let established = match (cut.as_slice(), still.as_slice(), unknown.as_slice()) {
        ([], [], []) if !looked_at => ", on new connections".to_owned(),
        ([], [], _) => {
            format!("; established connections could not be tried: {}", why_not(tried, Connection::Established))
        }
        (_, [], []) => ", on new and on established connections".to_owned(),
        ([], _, []) => format!("; on established connections traffic still passes: {}", still.join(", ")),
        (_, [], _) => format!(
            ", on new connections; established ones: blocked {}, not tried {}",
            cut.join(", "),
            unknown.join(", ")
        ),
        (_, _, _) => {
            let parts = [("traffic still passes", still), ("blocked", cut), ("not tried", unknown)];
            let parts = parts.into_iter().filter(|(_, paths)| !paths.is_empty());
            let parts: Vec<String> = parts.map(|(what, paths)| format!("{what}: {}", paths.join(", "))).collect();
            format!("; on established connections {}", parts.join("; "))
        }
    };
    let proxied = such(Connection::New, &|seen| *seen == Seen::Passes);
    let proxied = match proxied.as_slice() {
        [] => String::new(),
        paths => format!(
            "; through the API server, which may use a connection from before, traffic still passes: {}",
            paths.join(", ")
        ),
    };
    format!("blocked: {}{established}{proxied}{}", new.join(", "), untried(opened))
}

/// The single directions that the cut should block.
pub(super) const fn wanted(opened: &Opened) -> &'static [(Direction, &'static str)] {
    match opened.direction {
        Direction::Ingress => &[(Direction::Ingress, "ingress")],
        Direction::Egress => &[(Direction::Egress, "egress")],
        Direction::Both => &[(Direction::Ingress, "ingress"), (Direction::Egress, "egress")],
    }
}

/// The directions of the cut in which no canary could show anything; empty when each was tried.
pub(super) fn untried(opened: &Opened) -> String {
    let mut text = String::new();
    for (direction, word) in wanted(opened) {
        let lines: Vec<&Line> = opened.lines.iter().filter(|line| line.direction == *direction).collect();
        if lines.iter().any(|line| line.before.is_ok()) {
            continue;
        }
        let why = if lines.is_empty() { "no canary is known".to_owned() } else { reasons(lines.into_iter()) };
        let _ = write!(
            text,
            "; not proven for {word}, which could not be tried: {why}; leave it out if it does not matter (`direction`)"
        );
    }
    text
}

fn reasons<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let why = |line: &Line| match &line.before {
        Ok(()) => line.path(),
        Err(error) => format!("{} ({error})", line.path()),
    };
    lines.map(why).collect::<Vec<_>>().join(", ")
}

/// Why nothing could be proven.
pub(super) fn nothing_passed(opened: &Opened) -> String {
    format!("no canary passed before the cut, so that none can show it: {}", reasons(opened.lines.iter()))
}

/// What could not be seen, and why.
pub(super) fn why_not(tried: &[Tried], connection: Connection) -> String {
    let why = |one: &Tried| match &one.seen {
        Seen::Unknown(reason) if one.connection == connection => Some(format!("{} ({reason})", one.path)),
        Seen::Unknown(_) | Seen::Passes | Seen::Blocked => None,
    };
    tried.iter().filter_map(why).collect::<Vec<_>>().join(", ")
}
