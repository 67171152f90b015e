//! The measured cases: each run several times, its edges and recovery time compared with the audit log, its cost printed.

use driftproof::measure::Measurements;
use driftproof::scenario::Phase;
use jiff::Timestamp;

use crate::cases::{self, Case};
use crate::cost::{Cost, cold_start};
use crate::kubelet;
use crate::lab::{Lab, Run};
use crate::truth;

/// What others needed for the same, medians of five runs on such a cluster (Krkn 6738978, Chaos Toolkit 1.19, a script of
/// two kubectl commands), and the bar that was set from it.
const PEERS: &str = "
beside it, as measured once with the peers' own releases (kubectl script / Chaos Toolkit / Krkn), and the bar:
| pod kill, Deployment | past the recovery, s | 3.8 to 5.2 / 0.16 / 7.5 | at most 0.3, the settle window apart |
| pod kill, Deployment | before the act, s | 0.10 / 0.68 / 2.4 | at most 0.3 |
| pod kill, Deployment | CPU s | 0.18 / 0.82 / 3.40 | 0.2 |
| pod kill, Deployment | memory, MB | 47 / 73 / 311 | 48 |
| pod kill, Deployment | requests | 6 / 5 / 23 | at most 25, not growing |
| pod kill, Deployment | reported - true, s | +3.8 to +5.2 / +0.03 to +0.06 / -0.04 to +0.04 | under 0.05 |
| pod kill, StatefulSet (true 6.2 s) | reported, s | 6.3 / 0.06 / 11.9 | within 0.05 of the truth |
| node power-off (true 12.9 to 14.0 s) | reported, s | 0.3 / - / 0.53 | within 0.05 of the truth |
| cold start, s | | 0.035 / 0.13 / 0.83 | |";

/// What one run gave.
struct Sample {
    cost: Cost,
    edges: Vec<truth::Edge>,
    /// Microseconds from the kubelet's word that a container runs to our edge.
    starts: Vec<i64>,
}

pub(crate) async fn measure(lab: &Lab, runs: usize) -> Result<(), String> {
    let (mut all, mut starts): (Vec<truth::Edge>, Vec<i64>) = (Vec::new(), Vec::new());
    println!(
        "| case | runs | recovery, s: true | reported − true | before the act, s | past the recovery, s | past the old one's end, s | CPU s | memory, MiB | requests (for rights, watches) | received, kB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for case in cases::measured(lab) {
        let mut samples = Vec::new();
        lab.write("scenario.toml", &case.scenario)?;
        lab.grant("scenario.toml", &[])?;
        for _ in 0..runs {
            samples.push(sample(lab, &case).await?);
        }
        println!("{}", Cost::row(case.title, &samples.iter().map(|sample| sample.cost).collect::<Vec<_>>()));
        for sample in samples {
            all.extend(sample.edges);
            starts.extend(sample.starts);
        }
    }
    println!("{PEERS}");
    println!("\ncold start (`driftproof --version`): {:.3} s\n", cold_start()?);
    print_edges(&all);
    println!("{}", errors("started, after the kubelet's own word", starts));
    Ok(())
}

async fn sample(lab: &Lab, case: &Case) -> Result<Sample, String> {
    // What the run before disturbed must be at rest, or this run measures that.
    for workload in ["deployment/web", "statefulset/db"] {
        lab.kubectl(&["rollout", "status", workload, "--namespace", "accuracy", "--timeout", "120s"])?;
    }
    lab.kubectl(&["wait", "--for=condition=Ready", "nodes", "--all", "--timeout", "120s"])?;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let run = lab.run("scenario.toml", case.more).await?;
    if run.code != Some(0) {
        return Err(format!("{}: exit code {:?}\n{}", case.name, run.code, run.said));
    }
    let (measured, started) = run.measured(case.name)?;
    let edges = truth::edges(&measured, &started, &run.log)?;
    let cost = cost(lab, case, &run, &measured, &edges)?;
    Ok(Sample { cost, edges, starts: starts(lab, &measured, &started)? })
}

/// The `started` edges against the kubelets' logs: what the report of a pod's status adds is in them.
fn starts(lab: &Lab, measured: &Measurements, started: &str) -> Result<Vec<i64>, String> {
    let mut all = Vec::new();
    for (new, at) in truth::starts(measured, started)? {
        let log = lab.kubelet_log(&new.node)?;
        let missing = || format!("the kubelet of {} says nothing of the start of {}", new.node, new.pod);
        all.push(at - kubelet::started(&log, &new.uid, Timestamp::now()).ok_or_else(missing)?);
    }
    Ok(all)
}

fn cost(lab: &Lab, case: &Case, run: &Run, measured: &Measurements, edges: &[truth::Edge]) -> Result<Cost, String> {
    let missing = |what: &str| format!("{}: the audit log shows no {what}", case.name);
    let act = if case.name == "node-power-off" {
        let (begun, ended) = powered_off(lab)?;
        // The machine dies somewhere in between; a recovery counts from the begin of the deed.
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a command")]
        let took = (ended - begun) as f64 / 1e6;
        println!("(the command that powers off took {took:.3} s; the recovery is counted from its begin)");
        begun
    } else {
        run.log
            .iter()
            .find(|entry| entry.by(crate::lab::USER) && entry.changes() && entry.kills_pod())
            .ok_or_else(|| missing("deletion"))?
            .received
    };
    let ready = edges
        .iter()
        .filter(|edge| edge.phase == Phase::Ready)
        .map(|edge| edge.truth)
        .max()
        .ok_or_else(|| missing("recovery"))?;
    let reported = measured.drifts.iter().filter_map(|drift| {
        let ready = drift.edges.iter().find(|edge| edge.phase == Phase::Ready)?;
        Some(ready.at.saturating_sub(drift.from))
    });
    let reported = reported.max().ok_or_else(|| format!("{}: no drift was measured", case.name))?;
    // A power-off is over when it is healed, a killed pod when its object is gone.
    let gone = run.log.iter().filter(|entry| entry.removes_pod("accuracy")).map(|entry| entry.answered).max();
    Ok(Cost::of(run, act, ready, i64::try_from(reported).unwrap_or(i64::MAX), gone))
}

/// When the command that powers a node off began and ended, in microseconds since 1970.
fn powered_off(lab: &Lab) -> Result<(i64, i64), String> {
    let wrong = |what: &dyn std::fmt::Display| format!("times of the power-off: {what}");
    let text = std::fs::read_to_string(lab.path("powered-off")).map_err(|error| wrong(&error))?;
    let stamps: Result<Vec<i64>, _> = text.lines().map(str::parse::<i64>).collect();
    match stamps.map_err(|error| wrong(&error))?.as_slice() {
        [begun, ended] => Ok((begun / 1000, ended / 1000)),
        other => Err(wrong(&format!("{} of 2 stamps", other.len()))),
    }
}

fn print_edges(all: &[truth::Edge]) {
    println!("| edge | samples | median error, ms | worst, ms |");
    println!("|---|---|---|---|");
    for phase in Phase::ALL {
        let of_phase: Vec<i64> = all.iter().filter(|edge| edge.phase == phase).map(truth::Edge::error).collect();
        if !of_phase.is_empty() {
            println!("{}", errors(phase.word(), of_phase));
        }
    }
}

/// A row of the table of edges, from microseconds.
fn errors(title: &str, mut errors: Vec<i64>) -> String {
    errors.sort_unstable_by_key(|error| error.abs());
    let ms = |micros: Option<&i64>| micros.map_or(f64::NAN, |micros| *micros as f64 / 1000.0);
    let (median, worst) = (ms(errors.get(errors.len() / 2)), ms(errors.last()));
    format!("| {title} | {} | {median:.1} | {worst:.1} |", errors.len())
}
