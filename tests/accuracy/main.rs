//! How good the measurement is and what it costs, on a real cluster of the testbed: phase edges held against the API
//! server's audit log and the kubelets' logs, the cost of a run, and the negative controls of the field. Prints; asserts nothing but that it could measure.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

mod audit;
mod cases;
mod controls;
mod cost;
mod edges;
mod kubelet;
mod lab;
mod outages;
mod proxy;
mod truth;

use std::process::ExitCode;

use lab::Lab;

const HELP: &str = "measures Driftproof on a cluster of the testbed (tests/testbed/testbed up --timings short)

  cargo test --test accuracy -- [--cluster a] [--unenforced NAME] [--runs 3] [edges|outages|controls]…

edges     recovery times and phase edges against the audit log, and what a run costs
outages   outages as a client sees them, against a service whose outages are known
controls  runs in which nothing can be injected: none may pass
--unenforced NAME names a cluster that was started with --policies off, for the control that needs it";

struct Options {
    cluster: String,
    unenforced: Option<String>,
    runs: usize,
    parts: Vec<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { cluster: "a".to_owned(), unenforced: None, runs: 3, parts: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--cluster" => options.cluster = value()?,
            "--unenforced" => options.unenforced = Some(value()?),
            "--runs" => options.runs = value()?.parse().map_err(|error| format!("--runs: {error}"))?,
            "edges" | "outages" | "controls" => options.parts.push(word),
            _ => return Err(HELP.to_owned()),
        }
    }
    if options.parts.is_empty() {
        options.parts = ["edges", "outages", "controls"].map(str::to_owned).to_vec();
    }
    Ok(options)
}

async fn measure(options: &Options) -> Result<(), String> {
    let lab = prepared(&options.cluster).await?;
    let without = match &options.unenforced {
        Some(name) => Some(prepared(name).await?),
        None => None,
    };
    for part in &options.parts {
        match part.as_str() {
            "edges" => edges::measure(&lab, options.runs).await?,
            "outages" => outages::measure(&lab).await?,
            _ => controls::try_all(&lab, without.as_ref()).await?,
        }
    }
    for lab in [Some(&lab), without.as_ref()].into_iter().flatten() {
        lab.kubectl(&["delete", "namespace", "accuracy", "driftproof", "--wait=false"])?;
        lab.kubectl(&["delete", "clusterrole,clusterrolebinding", "driftproof", "--ignore-not-found"])?;
    }
    Ok(())
}

/// Meets a cluster and starts the workloads on it.
async fn prepared(cluster: &str) -> Result<Lab, String> {
    let lab = Lab::meet(cluster).await?;
    lab.write("web.yaml", include_str!("scenarios/web.yaml"))?;
    lab.kubectl(&["apply", "-f", &lab.path("web.yaml").display().to_string()])?;
    for workload in ["deployment/web", "statefulset/db"] {
        lab.kubectl(&["rollout", "status", workload, "--namespace", "accuracy", "--timeout", "90s"])?;
    }
    Ok(lab)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = options()
        .and_then(|options| runtime.map_err(|error| format!("async runtime: {error}"))?.block_on(measure(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
