//! A pod or a container is lost, and nothing else.

use crate::case::{Act, At, Case, Company, Enforcement, Victims};

const BASE: Case = Case {
    name: "",
    says: "",
    manifests: &["four"],
    victims: Victims::None,
    acts: &[],
    until: At::Seconds(12),
    company: Company::Others,
    enforcement: Enforcement::On,
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "pod-delete",
        says: "a pod of each workload is deleted with its own grace, which its process does not need",
        acts: &[
            (At::Seconds(0), Act::DeletePod { app: "web", grace: None }),
            (At::Seconds(0), Act::DeletePod { app: "db", grace: None }),
            (At::Seconds(0), Act::DeletePod { app: "agent", grace: None }),
            (At::Seconds(0), Act::DeletePod { app: "solo", grace: None }),
        ],
        ..BASE
    },
    Case {
        name: "pod-delete-forced",
        says: "a pod of each workload is deleted with grace 0: its object goes at once, whatever its process does",
        acts: &[
            (At::Seconds(0), Act::DeletePod { app: "web", grace: Some(0) }),
            (At::Seconds(0), Act::DeletePod { app: "db", grace: Some(0) }),
            (At::Seconds(0), Act::DeletePod { app: "agent", grace: Some(0) }),
            (At::Seconds(0), Act::DeletePod { app: "solo", grace: Some(0) }),
        ],
        ..BASE
    },
    Case {
        name: "pod-delete-stubborn",
        says: "a process that ignores SIGTERM is killed when its grace of 6 s is over; its replacement does not wait",
        manifests: &["stubborn"],
        acts: &[(At::Seconds(0), Act::DeletePod { app: "stubborn", grace: None })],
        until: At::Seconds(14),
        ..BASE
    },
    Case {
        name: "container-kill",
        says: "containers that end start again at once, then after 10 s and 20 s, unless their pod says never",
        manifests: &["crash"],
        acts: &[
            (At::Seconds(0), Act::Apply("crasher")),
            (At::Seconds(0), Act::KillContainer { app: "victim" }),
            (At::Seconds(0), Act::KillContainer { app: "once" }),
            (At::Seconds(5), Act::KillContainer { app: "victim" }),
            (At::Seconds(22), Act::KillContainer { app: "victim" }),
        ],
        until: At::Seconds(58),
        ..BASE
    },
];
