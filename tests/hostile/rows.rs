//! The scenarios of the campaign: some pass when nothing goes wrong, and some must never pass.

use std::path::Path;
use std::time::Duration;

use driftproof::run::Job;
use driftproof::scenario::{Enforcement, Percent, Rail, Scenario, manifests, parse};
use serde_json::Value;

use crate::fixture;

/// One scenario.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The fault's part of the file, and what is expected; a file of `scenarios` when it ends in `.toml`.
    text: &'static str,
    change: fn(&mut Scenario),
}

/// So many of [`ALL`] pass when nothing goes wrong; the rest never may.
pub(crate) const PASS: usize = 11;

const fn row(name: &'static str, text: &'static str) -> Row {
    Row { name, text, change: |_| {} }
}

/// Expected by all that pass.
const PASSING: &str = "\n[expect]\nrto = \"2m\"\nlongest_outage = \"60s\"\nsame_after = [\"replicas\", \"images\", \"config\", \"leftovers\", \"nodes\", \"spec\"]\n";

pub(crate) const ALL: [Row; 23] = [
    row("pod-kill", "kind = \"pod-kill\""),
    row("partition, deny-all", "kind = \"network-partition\"\nhold = \"8s\""),
    row(
        "partition, groups",
        "kind = \"network-partition\"\nhold = \"8s\"\nfrom = { workload = \"deployment/client\" }",
    ),
    row("drain", "kind = \"node-drain\"\nhold = \"8s\"\nnode = { of = \"target\" }"),
    row("power-off", "kind = \"node-failure\"\nhold = \"50s\"\nnode = { of = \"target\" }"),
    row("kubelet-stop", "kind = \"node-failure\"\nmode = \"kubelet-stop\"\nhold = \"50s\"\nnode = { of = \"target\" }"),
    row("network-cut", "kind = \"node-failure\"\nmode = \"network-cut\"\nhold = \"50s\"\nnode = { of = \"target\" }"),
    row("taint", "kind = \"node-failure\"\nmode = \"taint\"\nhold = \"10s\"\nnode = { of = \"target\" }"),
    row("leader killed, writes counted", "db-leader-killed.toml"),
    // Histories are judged from files, which a campaign does not write.
    Row { name: "a member moves", text: "db-member-moves.toml", change: |scenario| scenario.data.clear() },
    Row { name: "a member's disk is lost", text: "db-member-disk-lost.toml", change: |scenario| scenario.data.clear() },
    // What follows must not pass.
    row("pod-kill, rto of 1 ms", "kind = \"pod-kill\"\n[expect]\nrto = \"1ms\""),
    row("pod-kill, five must move", "kind = \"pod-kill\"\n[expect]\nmoved = 5"),
    row("pod-kill, a phase of 1 ms", "kind = \"pod-kill\"\n[expect]\nphase.image-pulled = \"1ms\""),
    Row {
        name: "pod-kill, all at once, no outage allowed",
        text: "kind = \"pod-kill\"\ncount = \"100%\"\n[expect]\nlongest_outage = \"1ms\"",
        change: |scenario| {
            // Often enough to see an outage of a tenth of a second.
            scenario.probes[0].rate = 50.0;
            (scenario.guard.max_pods, scenario.guard.allow) = (Percent(100.0), vec![Rail::LastReadyReplica]);
        },
    },
    row(
        "power-off, rto of 15 s",
        "kind = \"node-failure\"\nhold = \"60s\"\nnode = { of = \"target\" }\n[expect]\nrto = \"15s\"",
    ),
    row("power-off, held too short", "kind = \"node-failure\"\nhold = \"5s\"\nnode = { of = \"target\" }"),
    Row {
        name: "partition, not enforced",
        text: "kind = \"network-partition\"\nhold = \"15s\"",
        change: |scenario| scenario.cluster.network_policies = Enforcement::Ignored,
    },
    Row {
        name: "never steady",
        text: "kind = \"pod-kill\"",
        change: |scenario| {
            scenario.cluster.capacity.insert("pods".to_owned(), "0".to_owned());
            scenario.steady.timeout = Duration::from_secs(20);
        },
    },
    row("a drain that its budget blocks", "anti-patterns/budget-blocks-drain.toml"),
    row("acknowledged writes are lost", "anti-patterns/async-replication.toml"),
    row("a partition that is ignored", "anti-patterns/policies-ignored.toml"),
    Row {
        name: "a member that is added and forgotten",
        text: "anti-patterns/fixed-members.toml",
        change: |scenario| scenario.data.clear(),
    },
];

impl Row {
    /// Another one.
    pub(crate) const fn of(name: &'static str, text: &'static str) -> Self {
        row(name, text)
    }

    /// What is to be run.
    pub(crate) fn job(&self, seed: u64) -> Job {
        let (mut scenario, manifests) = if Path::new(self.text).extension().is_some_and(|word| word == "toml") {
            shipped(self.text)
        } else {
            let fault =
                if self.text.contains("[expect]") { self.text.to_owned() } else { format!("{}{PASSING}", self.text) };
            let text = fixture::file(&fault);
            let scenario = parse(self.name, &text).unwrap_or_else(|wrong| panic!("{}: {wrong:?}\n{text}", self.name));
            (scenario, vec![serde_saphyr::from_str(fixture::FIXTURE).expect("YAML")])
        };
        (self.change)(&mut scenario);
        Job {
            scenario,
            manifests,
            apply_fixtures: true,
            seed,
            run: "hostile".to_owned(),
            again: String::new(),
            allow_commands: false,
            failsafe: true,
            break_lock: false,
            skipped: Vec::new(),
        }
    }
}

fn shipped(name: &str) -> (Scenario, Vec<Value>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let scenario = parse(name, &std::fs::read_to_string(&file).expect("readable")).expect("a valid scenario");
    let folder = file.parent().expect("a folder");
    let read = |path: &String| {
        let text = std::fs::read_to_string(folder.join(path)).expect("readable");
        manifests(path, &text).expect("valid manifests")
    };
    let manifests = scenario.fixture.manifests.iter().flat_map(read).collect();
    (scenario, manifests)
}
