//! Nodes are lost in each way, with one instance of every kind of workload on them, and come back.

use crate::case::{Act, At, Case, Company, Enforcement, Switch, Victims, Workload};

const BASE: Case = Case {
    name: "",
    says: "",
    manifests: &["four"],
    victims: Victims::Holding("solo"),
    acts: &[],
    until: At::Evicted(28),
    company: Company::Alone,
    enforcement: Enforcement::On,
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "node-power-off",
        says: "a machine loses its power, and gets it back after its pods were evicted",
        manifests: &["four", "spread"],
        acts: &[(At::Seconds(0), Act::Machine(Switch::PowerOff)), (At::Evicted(12), Act::Machine(Switch::PowerOn))],
        ..BASE
    },
    Case {
        name: "node-kubelet-death",
        says: "a kubelet dies, its containers run on, and it starts again after its pods were evicted",
        acts: &[
            (At::Seconds(0), Act::Machine(Switch::KillKubelet)),
            (At::Evicted(8), Act::Machine(Switch::StartKubelet)),
        ],
        ..BASE
    },
    Case {
        name: "node-network-cut",
        says: "a machine is cut off, its pods run on, and it is joined again after they were evicted",
        acts: &[
            (At::Seconds(0), Act::Machine(Switch::CutNetwork)),
            (At::Evicted(8), Act::Machine(Switch::JoinNetwork)),
        ],
        until: At::Evicted(36),
        ..BASE
    },
    Case {
        name: "node-blink",
        says: "a kubelet dies for longer than it takes to be seen and shorter than it takes its pods to be evicted",
        acts: &[(At::Seconds(0), Act::Machine(Switch::KillKubelet)), (At::Lost(2), Act::Machine(Switch::StartKubelet))],
        until: At::Evicted(10),
        ..BASE
    },
    Case {
        name: "out-of-service",
        says: "a machine without power is declared out of service: the StatefulSet's pod goes, and is replaced",
        acts: &[
            (At::Seconds(0), Act::Machine(Switch::PowerOff)),
            (At::Evicted(6), Act::OutOfService),
            (At::Evicted(32), Act::InService),
            (At::Evicted(32), Act::Machine(Switch::PowerOn)),
        ],
        until: At::Evicted(42),
        ..BASE
    },
    Case {
        name: "two-of-three-lost",
        says: "two of three machines are cut off at once, and joined again",
        victims: Victims::AllButHolding("solo"),
        acts: &[
            (At::Seconds(0), Act::Machine(Switch::CutNetwork)),
            (At::Evicted(22), Act::Machine(Switch::JoinNetwork)),
        ],
        until: At::Evicted(65),
        ..BASE
    },
    Case {
        name: "rollout-during-loss",
        says: "a Deployment is rolled while one of its nodes is without power: what is lost already goes first",
        manifests: &["patient"],
        victims: Victims::Holding("patient"),
        acts: &[
            (At::Seconds(0), Act::Machine(Switch::PowerOff)),
            (At::Lost(4), Act::Rollout { kind: Workload::Deployment, app: "patient" }),
            (At::Evicted(17), Act::Machine(Switch::PowerOn)),
        ],
        until: At::Evicted(50),
        ..BASE
    },
];
