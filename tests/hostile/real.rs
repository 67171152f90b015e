//! A sample of the campaign on a real cluster: the same layer before the client of a live one, the same promises.

use std::path::PathBuf;

use driftproof::verdict::Outcome;
use driftproof::world::{NodeAgent, World, live};

use crate::campaign::{self, Run};
use crate::rows::Row;
use crate::trouble::Schedule;

/// Scenarios that need less than a minute on a cluster with short timings, and whether they may pass.
const ROWS: [(Row, bool); 4] = [
    (Row::of("pod-kill", "pod-kill-one.toml"), true),
    (Row::of("partition, deny-all", "partition-deny-all.toml"), true),
    (Row::of("drain", "drain-under-budget.toml"), true),
    (Row::of("a single replica is killed", "anti-patterns/single-replica.toml"), false),
];
/// Runs are that much shorter than on the embedded cluster with its default timings.
const SHORTER: u32 = 4;

/// The cluster.
pub(crate) struct Place {
    pub(crate) context: String,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) agent_image: String,
}

/// Runs schedules one after the other. Returns how many broke a promise.
pub(crate) fn campaign(place: &Place, schedules: std::ops::Range<u64>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let world = connect(place).await;
        println!("| schedule | troubles | scenario | it ended | what was wrong |\n|---|---|---|---|---|");
        let mut broken = 0;
        for seed in schedules {
            let (row, may_pass) = &ROWS[usize::try_from(seed).unwrap_or(0) % ROWS.len()];
            let schedule = Schedule::of(seed).sooner(SHORTER);
            let kinds: Vec<String> = schedule.troubles.iter().map(|one| format!("{:?}", one.kind)).collect();
            let mut job = row.job(seed);
            job.run = format!("hostile-{seed}");
            let mut run = Box::pin(campaign::attempt(&world, job, schedule, World::clone)).await;
            if run.outcome() == Some(Outcome::Pass) && !may_pass {
                run.wrong.push("passed, which it does not when nothing goes wrong".to_owned());
            }
            println!("| {seed} | {} | {} | {} | {} |", kinds.join(", "), row.name, how(&run), run.wrong.join("; "));
            broken += usize::from(!run.wrong.is_empty());
        }
        println!("\n{broken} broken promises");
        broken
    })
}

fn how(run: &Run) -> String {
    let line = match (&run.refused, &run.verdict) {
        (Some(why), _) => format!("did not start: {why}"),
        (None, Some(verdict)) => format!("{} {}", verdict.outcome.word(), verdict.line),
        (None, None) => "hung".to_owned(),
    };
    let line: String = line.lines().next().unwrap_or_default().replace('|', "/").chars().take(120).collect();
    if run.dirty { format!("{line} (dirty, then undone)") } else { line }
}

async fn connect(place: &Place) -> World {
    let options = live::Options {
        context: place.context.clone(),
        kubeconfig: Some(place.kubeconfig.clone()),
        prometheus: None,
        allow_commands: false,
        node_agent: NodeAgent { image: place.agent_image.clone(), namespace: "kube-system".to_owned() },
        agents: live::AgentOptions { image: place.agent_image.clone(), allow_ephemeral: false },
    };
    live::connect(&options).await.unwrap_or_else(|error| panic!("{error}"))
}
