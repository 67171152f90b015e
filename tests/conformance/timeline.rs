//! From what was told to a story in words that are the same on every cluster: subjects are named by their part in the
//! case, never by a name that another run would not have. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::acts::Note;
use crate::case::{Case, Timings, Victims};
use crate::observed::{Edge, Lane, Story};
use crate::parts::Parts;
use crate::record::Seen;
use crate::{edges, smooth};

/// When acts were to be done, and when they were begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acted {
    pub(crate) planned: Duration,
    pub(crate) done: Instant,
}

/// Who plays which part.
pub(crate) struct Cast<'a> {
    pub(crate) case: &'a Case,
    pub(crate) timings: &'a Timings,
    pub(crate) victims: &'a BTreeSet<String>,
    pub(crate) picked: &'a BTreeSet<String>,
}

impl Cast<'_> {
    /// The part that a node plays.
    pub(crate) fn role(&self, node: &str) -> &'static str {
        match (self.case.victims, self.victims.contains(node)) {
            (Victims::None, _) => "a node",
            (_, true) => "the lost node",
            (_, false) => "another node",
        }
    }
}

/// Events whose coming depends on the speed of a machine or on its network plugins, not on a rule.
const CHANCE: [&str; 11] = [
    "Unhealthy",
    "Pulling",
    "FailedMount",
    "FailedCreatePodSandBox",
    "FailedKillPod",
    "SandboxChanged",
    "NetworkNotReady",
    "FailedToUpdateEndpoint",
    "FailedToUpdateEndpointSlices",
    "FailedSync",
    "DNSConfigForming",
];
/// What follows the return of a lost node is counted as if it had been ready this long after the act that brought it
/// back: how long that takes, its machine decides.
const RETURN: Duration = Duration::from_secs(10);
/// How much before such a moment what comes with it may be told.
const EARLIER: Duration = Duration::from_millis(500);

/// Tells the story, from what was there before the first act and what was told after it.
pub(crate) fn story(cast: &Cast<'_>, acted: &[Acted], (before, after): (&[Seen], &[Seen]), notes: &[Note]) -> Story {
    let mut teller =
        Teller { cast, plain: acted, acted: clock(cast, acted, after), parts: Parts::default(), raw: Raw::default() };
    for seen in before {
        teller.tell(seen, false);
    }
    for seen in after {
        teller.tell(seen, true);
    }
    for note in notes {
        teller.raw.add(&note.of, teller.since(note.at), note.what.clone());
    }
    teller.finish()
}

fn since(acted: &[Acted], at: Instant) -> f64 {
    let last = acted.iter().rev().find(|acted| acted.done <= at);
    last.map_or(0.0, |last| (last.planned + at.duration_since(last.done)).as_secs_f64())
}

fn ready(node: &Value) -> &str {
    let conditions =
        node.pointer("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    conditions.iter().find(|condition| condition["type"] == "Ready").map_or("", |condition| text(condition, "/status"))
}

/// When acts were done, and with them the two moments of a lost node from which others count: it is seen to be lost,
/// which depends on when it renewed its lease last, and it is ready again, which depends on its machine. What comes with
/// such a moment may be told a little before it.
fn clock(cast: &Cast<'_>, acted: &[Acted], after: &[Seen]) -> Vec<Acted> {
    let mut all = acted.to_vec();
    let victims = |seen: &&Seen| {
        text(&seen.object, "/kind") == "Node" && cast.victims.contains(text(&seen.object, "/metadata/name"))
    };
    let lost = after.iter().filter(victims).find(|seen| ready(&seen.object) == "Unknown").map(|seen| seen.at);
    let Some(lost) = lost else { return all };
    all.push(Acted { planned: cast.timings.grace.saturating_sub(EARLIER), done: lost - EARLIER });
    let back = after.iter().filter(victims).find(|seen| seen.at > lost && ready(&seen.object) == "True");
    let switched = acted.iter().rev().find(|acted| back.is_some_and(|back| acted.done <= back.at)).copied();
    if let (Some(back), Some(switched)) = (back, switched) {
        // Not before the act: what came before it does not follow from it.
        let done = (back.at - EARLIER).max(switched.done);
        all.push(Acted { planned: (switched.planned + RETURN).saturating_sub(back.at - done), done });
    }
    all.sort_by_key(|acted| acted.done);
    all
}

/// Lanes by a key in which pods and nodes stand as `{uid}`.
#[derive(Default)]
struct Raw {
    lanes: BTreeMap<String, Vec<Edge>>,
    counts: BTreeMap<String, (String, Vec<Edge>)>,
    reasons: BTreeSet<String>,
    /// When a lost node was ready again, by the plan of the case.
    returned: Option<f64>,
}

impl Raw {
    fn add(&mut self, of: &str, at: f64, what: String) {
        self.lanes.entry(of.to_owned()).or_default().push(Edge(at, what));
    }
}

struct Teller<'a> {
    cast: &'a Cast<'a>,
    /// Acts alone, and acts with the moments from which others count.
    plain: &'a [Acted],
    acted: Vec<Acted>,
    parts: Parts,
    raw: Raw,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Teller<'_> {
    /// Seconds by the plan of the case: an act that came late does not make late what it led to.
    fn since(&self, at: Instant) -> f64 {
        since(&self.acted, at)
    }

    fn tell(&mut self, seen: &Seen, live: bool) {
        let at = self.since(seen.at);
        match text(&seen.object, "/kind") {
            "Pod" => self.pod(seen, live, at),
            "Node" => self.node(seen, live, at),
            "EndpointSlice" => self.slice(seen, live, at),
            "Event" if live && !seen.gone => self.event(&seen.object),
            "Event" => {}
            _ => self.workload(seen, live, at),
        }
    }

    fn pod(&mut self, seen: &Seen, live: bool, at: f64) {
        let uid = text(&seen.object, "/metadata/uid").to_owned();
        if live {
            let cast = self.cast;
            let old = self.parts.version(&uid).filter(|_| self.parts.known(&uid));
            let changes = edges::pod(old, &seen.object, |node| cast.role(node).to_owned());
            let ends = seen.gone.then(|| edges::gone(&seen.object));
            for what in changes.into_iter().chain(ends) {
                self.raw.add(&format!("{{{uid}}}"), at, what);
            }
        }
        self.parts.pod(self.cast, &uid, &seen.object, (!live).then_some(()), at);
    }

    fn node(&mut self, seen: &Seen, live: bool, at: f64) {
        if self.cast.case.victims == Victims::None {
            return;
        }
        let name = text(&seen.object, "/metadata/name").to_owned();
        if live {
            let back = self.cast.victims.contains(&name) && ready(&seen.object) == "True";
            if back && self.parts.version(&name).is_some_and(|old| ready(old) != "True") && self.raw.returned.is_none()
            {
                self.raw.returned = Some(at);
            }
            let mut changes = edges::node(self.parts.version(&name), &seen.object);
            if seen.gone {
                changes.push("removed".to_owned());
            }
            for what in changes {
                let at = if what.starts_with("Ready=") { since(self.plain, seen.at) } else { at };
                self.raw.add(&format!("node {{{name}}}"), at, what);
            }
        }
        self.parts.node(&name, self.cast.role(&name), &seen.object);
    }

    fn slice(&mut self, seen: &Seen, live: bool, at: f64) {
        let key = text(&seen.object, "/metadata/uid").to_owned();
        let service = text(&seen.object, "/metadata/labels/kubernetes.io~1service-name").to_owned();
        let was = self.parts.version(&key).map(edges::endpoints).unwrap_or_default();
        let is = if seen.gone { BTreeMap::new() } else { edges::endpoints(&seen.object) };
        let uids: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for uid in uids {
            if live && was.get(uid) != is.get(uid) {
                let what = is.get(uid).copied().unwrap_or("no endpoint");
                self.raw.add(&format!("service {service}: {{{uid}}}"), at, what.to_owned());
            }
        }
        self.parts.keep(&key, &seen.object);
    }

    fn workload(&mut self, seen: &Seen, live: bool, at: f64) {
        let key = text(&seen.object, "/metadata/uid").to_owned();
        let kind = text(&seen.object, "/kind").to_lowercase();
        let name = format!("{kind} {}", text(&seen.object, "/metadata/name"));
        for (field, value) in edges::workload(&seen.object) {
            let lane = self.raw.counts.entry(format!("{name}: {field}")).or_insert_with(|| (value.clone(), Vec::new()));
            if live {
                lane.1.push(Edge(at, value));
            } else {
                lane.0 = value;
            }
        }
        if live && seen.gone {
            self.raw.add(&name, at, "gone".to_owned());
        }
        self.parts.keep(&key, &seen.object);
    }

    fn event(&mut self, event: &Value) {
        let reason = text(event, "/reason");
        if !CHANCE.contains(&reason) {
            self.raw.reasons.insert(format!("{} {reason}", text(event, "/involvedObject/kind")));
        }
    }

    fn finish(self) -> Story {
        let names = self.parts.names(|uid| self.raw.lanes.get(&format!("{{{uid}}}")).map_or(&[], Vec::as_slice));
        let mut lanes: Vec<Lane> = Vec::new();
        for (key, edges) in self.raw.lanes {
            lanes.push(Lane { of: named(&key, &names), edges: smooth::lane(edges) });
        }
        for (key, (first, edges)) in self.raw.counts {
            let edges = smooth::count(&first, edges, self.raw.returned);
            if !edges.is_empty() {
                lanes.push(Lane { of: key, edges });
            }
        }
        for lane in &mut lanes {
            for edge in &mut lane.edges {
                edge.0 = (edge.0 * 10.0).round() / 10.0;
                edge.1 = named(&edge.1, &names);
            }
        }
        lanes.sort_by(|one, other| one.of.cmp(&other.of));
        Story { lanes, reasons: self.raw.reasons }
    }
}

/// Puts names where UIDs stand.
pub(crate) fn named(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        let (uid, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(names.get(uid).map_or("somebody", String::as_str));
        rest = after;
    }
    out + rest
}

/// How long is short enough for two pods to be made by one decision.
pub(crate) const ONE_DECISION: Duration = Duration::from_secs(1);
