//! Runs on the embedded cluster, seen through their evidence: what a run records, in which order, and that it repeats.

use std::path::{Path, PathBuf};

use driftproof::evidence::{Ending, Event, Evidence, Life, Log, Memory, Stage};
use driftproof::run::{Job, run};
use driftproof::scenario::{Scenario, manifests, parse};
use driftproof::world::embedded;
use tokio::sync::{mpsc, watch};

fn scenario(file: &Path, change: impl FnOnce(&mut Scenario)) -> Job {
    let text = std::fs::read_to_string(file).expect("readable");
    let name = file.display().to_string();
    let mut scenario = parse(&name, &text).expect("a valid scenario");
    change(&mut scenario);
    let folder = file.parent().expect("a folder");
    let read = |path: &String| {
        let text = std::fs::read_to_string(folder.join(path)).expect("readable");
        manifests(path, &text).expect("valid manifests")
    };
    let manifests = scenario.fixture.manifests.iter().flat_map(read).collect();
    let run = format!("test-{}", scenario.name);
    Job { scenario, manifests, apply_fixtures: true, seed: 1, run, again: "again".to_owned(), allow_commands: false }
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"))
}

/// Runs a job; `stop_after` asks for a stop when that many faults were injected.
fn evidence(job: Job, stop_after: usize) -> String {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("runtime");
    let memory = Memory::default();
    runtime.block_on(async {
        let world = embedded::start(&job.scenario, job.seed).expect("a cluster");
        let (progress, mut news) = mpsc::unbounded_channel::<driftproof::run::Update>();
        let (stop, stopped) = watch::channel(false);
        let log = Log::new(Box::new(memory.clone()));
        let listen = tokio::spawn(async move {
            let mut injected = 0;
            while let Some(update) = news.recv().await {
                if let driftproof::run::News::Fault(record) = &update.what
                    && record.life == Life::Injected
                {
                    injected += 1;
                    if injected == stop_after {
                        let _ = stop.send(true);
                    }
                }
            }
        });
        run(&world, job, &log, progress, stopped).await.expect("the run begins");
        listen.abort();
    });
    memory.text()
}

fn read(text: &str) -> Evidence {
    let evidence = Evidence::read(text).expect("readable");
    assert_eq!(evidence.cut, None);
    evidence
}

#[test]
#[ignore = "prints"]
fn show() {
    let name = std::env::var("SCENARIO").unwrap_or("pod-kill-one".to_owned());
    let stop = std::env::var("STOP").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let text = evidence(scenario(&shipped(&name), |_| {}), stop);
    let filter = std::env::var("ONLY").unwrap_or_default();
    for line in text.lines().filter(|line| filter.is_empty() || filter.split(',').any(|word| line.contains(word))) {
        println!("{}", line.chars().take(700).collect::<String>());
    }
}
