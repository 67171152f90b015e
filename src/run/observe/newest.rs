//! The newest version of each object that a watch has shown, and what a list knows beyond it. A state that is newer than the
//! list is never taken for one that is older. Pure.

use std::collections::BTreeMap;

/// How far an object was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// This resource version was shown.
    At(String),
    /// Its end was shown; UIDs do not come back.
    Gone,
}

/// One object that a watch has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    namespace: String,
    name: String,
    state: State,
}

/// The objects of one collection that its watches have shown, by UID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Newest(BTreeMap<String, Known>);

/// A list of one collection, in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The resource version as of which it is.
    pub(super) version: String,
    /// Empty for what has no namespace.
    pub(super) namespace: String,
    /// Name and resource version of each object, by UID.
    pub(super) objects: BTreeMap<String, (String, String)>,
}

/// An object of which a list knows more than the watches have shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Missed {
    pub(super) uid: String,
    pub(super) name: String,
}

impl Newest {
    /// A watch or a list showed an object.
    pub(super) fn shown(&mut self, uid: &str, namespace: &str, name: &str, version: &str) {
        let known = self.0.get(uid);
        if known.is_some_and(|known| match &known.state {
            State::Gone => true,
            State::At(before) => is_later(before, version),
        }) {
            return;
        }
        let known =
            Known { namespace: namespace.to_owned(), name: name.to_owned(), state: State::At(version.to_owned()) };
        self.0.insert(uid.to_owned(), known);
    }

    /// A watch showed an object's end, or a list that it is no longer there.
    pub(super) fn gone(&mut self, uid: &str) {
        if let Some(known) = self.0.get_mut(uid) {
            known.state = State::Gone;
        }
    }

    /// What the list knows and no watch has shown. An object that the list does not have is missed when it was not made
    /// after it.
    pub(super) fn missed(&self, listed: &Listed) -> Vec<Missed> {
        let behind =
            listed.objects.iter().filter(|(uid, (_, version))| match self.0.get(*uid).map(|known| &known.state) {
                Some(State::Gone) => false,
                Some(State::At(shown)) => shown != version && !is_later(shown, version),
                None => true,
            });
        let behind = behind.map(|(uid, (name, _))| Missed { uid: uid.clone(), name: name.clone() });
        let ended = self.0.iter().filter(|(uid, known)| {
            let here = known.namespace == listed.namespace && !listed.objects.contains_key(*uid);
            here && matches!(&known.state, State::At(shown) if !is_later(shown, &listed.version))
        });
        let ended = ended.map(|(uid, known)| Missed { uid: uid.clone(), name: known.name.clone() });
        behind.chain(ended).collect()
    }
}

/// Whether a resource version is later than another. They are whole numbers that grow:
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
fn is_later(one: &str, other: &str) -> bool {
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => one > other,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// `(uid, version)`; 0 is its end.
    fn newest(events: &[(&str, u64)]) -> Newest {
        let mut newest = Newest::default();
        for (uid, version) in events {
            match version {
                0 => newest.gone(uid),
                version => newest.shown(uid, "shop", uid, &version.to_string()),
            }
        }
        newest
    }

    fn listed(version: u64, objects: &[(&str, u64)]) -> Listed {
        let objects =
            objects.iter().map(|(uid, version)| ((*uid).to_owned(), ((*uid).to_owned(), version.to_string())));
        Listed { version: version.to_string(), namespace: "shop".to_owned(), objects: objects.collect() }
    }

    #[test]
    fn newer_is_never_missed_and_older_is() {
        for (what, events, version, objects, expected) in [
            ("the same", vec![("a", 5)], 9, vec![("a", 5)], vec![]),
            ("changed after the list", vec![("a", 5), ("a", 12)], 9, vec![("a", 5)], vec![]),
            ("ended after the list", vec![("a", 5), ("a", 0)], 9, vec![("a", 5)], vec![]),
            ("made after the list", vec![("a", 5), ("b", 11)], 9, vec![("a", 5)], vec![]),
            ("made and ended after the list", vec![("a", 5), ("b", 11), ("b", 0)], 9, vec![("a", 5)], vec![]),
            ("a change that was not shown", vec![("a", 5)], 9, vec![("a", 8)], vec!["a"]),
            ("one change shown, the next not", vec![("a", 5), ("a", 7)], 9, vec![("a", 8)], vec!["a"]),
            ("an object that was not shown", vec![("a", 5)], 9, vec![("a", 5), ("b", 7)], vec!["b"]),
            ("an end that was not shown", vec![("a", 5), ("b", 6)], 9, vec![("a", 5)], vec!["b"]),
            ("a late repetition of an old state", vec![("a", 8), ("a", 5)], 9, vec![("a", 8)], vec![]),
        ] {
            let missed: Vec<String> =
                newest(&events).missed(&listed(version, &objects)).into_iter().map(|missed| missed.uid).collect();
            assert_eq!(missed, expected, "{what}");
        }
    }

    #[test]
    fn other_namespaces_are_not_judged_by_a_list_of_one() {
        let mut newest = newest(&[("a", 5)]);
        newest.shown("b", "other", "b", "6");
        assert_eq!(newest.missed(&listed(9, &[("a", 5)])), []);
    }

    /// A history of a cluster, a list at a random moment of it, and a watch that has come to another moment.
    #[test]
    fn whatever_the_order_of_list_and_events_only_a_watch_that_is_behind_has_missed_something() {
        for seed in 0..2_000 {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            let uids = ["a", "b", "c", "d"];
            let mut there: BTreeMap<&str, u64> = BTreeMap::new();
            let mut ended: BTreeSet<&str> = BTreeSet::new();
            let mut events: Vec<(&str, u64, bool)> = Vec::new();
            let mut lists = vec![there.clone()];
            for version in 1..30 {
                let uid = uids[chance.random_range(0..uids.len())];
                let ends = there.contains_key(uid) && chance.random_ratio(1, 4);
                if !ended.contains(uid) {
                    events.push((uid, version, ends));
                    if ends {
                        there.remove(uid);
                        ended.insert(uid);
                    } else {
                        there.insert(uid, version);
                    }
                }
                lists.push(there.clone());
            }
            let as_of = chance.random_range(0..lists.len());
            let followed = chance.random_range(0..lists.len());
            let mut newest = Newest::default();
            for (uid, _, ends) in events.iter().filter(|(_, version, _)| *version <= followed as u64) {
                let version = events.iter().rfind(|event| event.0 == *uid && event.1 <= followed as u64);
                match ends {
                    true => newest.gone(uid),
                    false => newest.shown(uid, "shop", uid, &version.expect("it is there").1.to_string()),
                }
            }
            let objects: Vec<(&str, u64)> = lists[as_of].iter().map(|(uid, version)| (*uid, *version)).collect();
            let missed = newest.missed(&listed(as_of as u64, &objects));
            if followed >= as_of {
                assert_eq!(missed, [], "seed {seed}: listed at {as_of}, followed to {followed}");
            } else {
                let unseen: BTreeSet<&str> = (events.iter())
                    .filter(|(_, version, _)| (followed as u64 + 1..=as_of as u64).contains(version))
                    .map(|event| event.0)
                    .filter(|uid| lists[as_of].contains_key(uid) || lists[followed].contains_key(uid))
                    .collect();
                let named: BTreeSet<&str> = missed.iter().map(|missed| missed.uid.as_str()).collect();
                assert_eq!(named, unseen, "seed {seed}: listed at {as_of}, followed to {followed}");
            }
        }
    }
}
