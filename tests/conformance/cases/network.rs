//! Partitions by NetworkPolicy, where the network enforces them and where it does not.

use crate::case::{Act, At, Case, Company, Enforcement, Victims};

/// Every direction, before, during and after.
const fn partition(manifest: &'static str) -> [(At, Act); 14] {
    const fn connect(at: u64, from: &'static str, to: &'static str) -> (At, Act) {
        (At::Seconds(at), Act::Connect { from, to })
    }
    [
        connect(0, "front", "back"),
        connect(0, "back", "front"),
        connect(0, "front", "other"),
        connect(0, "other", "back"),
        (At::Seconds(2), Act::Apply(manifest)),
        connect(6, "front", "back"),
        connect(6, "back", "front"),
        connect(6, "front", "other"),
        connect(6, "other", "back"),
        (At::Seconds(16), Act::DeletePolicy("partition")),
        connect(20, "front", "back"),
        connect(20, "back", "front"),
        connect(20, "front", "other"),
        connect(20, "other", "back"),
    ]
}

const DENY_ALL: [(At, Act); 14] = partition("deny-all");
const GROUPS: [(At, Act); 14] = partition("groups");

const BASE: Case = Case {
    name: "",
    says: "",
    manifests: &["pair"],
    victims: Victims::None,
    acts: &[],
    until: At::Seconds(25),
    company: Company::Others,
    enforcement: Enforcement::On,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "partition-all", says: "nobody may speak with anybody, and then again", acts: &DENY_ALL, ..BASE },
    Case { name: "partition-groups", says: "two groups are cut from each other, and joined", acts: &GROUPS, ..BASE },
    Case {
        name: "partition-all-unenforced",
        says: "a network that ignores policies lets everything pass",
        acts: &DENY_ALL,
        enforcement: Enforcement::Off,
        ..BASE
    },
    Case {
        name: "partition-groups-unenforced",
        says: "so it does between groups",
        acts: &GROUPS,
        enforcement: Enforcement::Off,
        ..BASE
    },
];
