//! Workloads grow, shrink and go by their own rules; drains that budgets let pass or not.

use crate::case::{Act, At, Case, Company, Enforcement, Victims, Workload};

const BASE: Case = Case {
    name: "",
    says: "",
    manifests: &[],
    victims: Victims::None,
    acts: &[],
    until: At::Seconds(30),
    company: Company::Others,
    enforcement: Enforcement::On,
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "statefulsets",
        says: "two StatefulSets, ordered and parallel, go from 1 to 3, to 1 and away",
        manifests: &["sets"],
        acts: &[
            (At::Seconds(0), Act::Scale { kind: Workload::StatefulSet, app: "ordered", replicas: 3 }),
            (At::Seconds(0), Act::Scale { kind: Workload::StatefulSet, app: "parallel", replicas: 3 }),
            (At::Seconds(14), Act::Scale { kind: Workload::StatefulSet, app: "ordered", replicas: 1 }),
            (At::Seconds(14), Act::Scale { kind: Workload::StatefulSet, app: "parallel", replicas: 1 }),
            (At::Seconds(24), Act::DeleteWorkload { kind: Workload::StatefulSet, app: "ordered" }),
            (At::Seconds(24), Act::DeleteWorkload { kind: Workload::StatefulSet, app: "parallel" }),
        ],
        until: At::Seconds(32),
        ..BASE
    },
    Case {
        name: "rollout",
        says: "a Deployment of 3 rolls: one more at a time, none less",
        manifests: &["spread"],
        acts: &[(At::Seconds(0), Act::Rollout { kind: Workload::Deployment, app: "spread" })],
        until: At::Seconds(20),
        ..BASE
    },
    Case {
        name: "spread-scale",
        says: "a Deployment that must spread over zones grows from 3 to 6 and shrinks to 3",
        manifests: &["spread"],
        acts: &[
            (At::Seconds(0), Act::Scale { kind: Workload::Deployment, app: "spread", replicas: 6 }),
            (At::Seconds(8), Act::Scale { kind: Workload::Deployment, app: "spread", replicas: 3 }),
        ],
        until: At::Seconds(16),
        ..BASE
    },
    Case {
        name: "drain",
        says: "a node is drained under a budget that lets one of three go, and is uncordoned later",
        manifests: &["four", "budget-open"],
        victims: Victims::Holding("solo"),
        acts: &[(At::Seconds(0), Act::Drain { patience: 12 }), (At::Seconds(14), Act::Uncordon)],
        until: At::Seconds(22),
        company: Company::Alone,
        ..BASE
    },
    Case {
        name: "drain-blocked",
        says: "a drain meets a budget that lets nobody go: it retries every 5 s until its patience ends",
        manifests: &["four", "budget-closed"],
        victims: Victims::Holding("solo"),
        acts: &[(At::Seconds(0), Act::Drain { patience: 12 }), (At::Seconds(14), Act::Uncordon)],
        until: At::Seconds(22),
        company: Company::Alone,
        ..BASE
    },
];
