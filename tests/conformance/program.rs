//! The program: runs the arms that were asked for, compares, prints, writes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use futures::StreamExt;

use crate::arms::{embedded, testbed};
use crate::case::{self, Case, Company, Enforcement, Timings};
use crate::committed::Committed;
use crate::observed::Story;
use crate::table::{self, Compared};
use crate::{body, cases, policies};

/// Holds the embedded cluster against a real one.
#[derive(Parser, Debug)]
#[command(name = "conformance")]
struct Arguments {
    /// The timings of both clusters.
    #[arg(long, value_enum, default_value = "short")]
    timings: Named,
    /// Only these cases; `network-policies` is the table of policies.
    #[arg(long = "case", num_args = 1..)]
    cases: Vec<String>,
    /// Which clusters to run on. What a real one did is otherwise taken from what is committed; `real` compares nothing.
    #[arg(long, value_enum, default_value = "embedded")]
    arm: Which,
    /// Name of the testbed's cluster; it is started when it is not up. `NAMEoff` is the one without enforcement.
    #[arg(long, default_value = "c")]
    cluster: String,
    /// Commit what was seen: the real cluster's stories, and the table.
    #[arg(long)]
    write: bool,
    /// Show every edge, not only those that differ.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Named {
    Short,
    Default,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Embedded,
    Real,
    Both,
}

/// Cases that run beside each other on a real cluster.
const BESIDE: usize = 3;
/// The name of the table of policies among the cases.
const NETWORK: &str = "network-policies";

pub(crate) fn main() -> ExitCode {
    // Of two TLS providers in the tree one must be chosen; a second choice changes nothing.
    let _chosen_already = rustls::crypto::ring::default_provider().install_default();
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let timings = match arguments.timings {
        Named::Short => case::SHORT,
        Named::Default => case::DEFAULT,
    };
    let all = cases::all();
    let asked = |name: &str| arguments.cases.is_empty() || arguments.cases.iter().any(|wanted| wanted == name);
    let known = |name: &String| name == NETWORK || all.iter().any(|case| case.name == name);
    if let Some(unknown) = arguments.cases.iter().find(|name| !known(name)) {
        return Err(format!("there is no case {unknown}"));
    }
    let chosen: Vec<&Case> = all.iter().filter(|case| asked(case.name)).collect();
    let mut real = Committed::read(timings.name)?;
    let mut failed = Vec::new();
    if arguments.arm != Which::Embedded {
        failed = on_testbed(arguments, &timings, &chosen, asked(NETWORK), &mut real)?;
    }
    if arguments.arm == Which::Real {
        return if failed.is_empty() { Ok(true) } else { Err(failed.join("\n")) };
    }
    let mut compared = Vec::new();
    for case in &chosen {
        let ours = on_embedded(case, &timings)?;
        compared.push(Compared { case, rows: real.compared(case.name, &ours) });
    }
    let network =
        if asked(NETWORK) { policies::differences(&network(&timings)?, &real.truth.sets) } else { Vec::new() };
    print!("{}{}", table::terminal(&compared, arguments.all), table::network(&real.truth, &network));
    if arguments.write && arguments.cases.is_empty() {
        real.write_table(&compared, &network)?;
    }
    if !failed.is_empty() {
        return Err(failed.join("\n"));
    }
    let mut rows = compared.iter().flat_map(|one| &one.rows);
    Ok(rows.all(|row| !row.verdict.is_wrong()) && network.iter().all(|one| one.known.is_some()))
}

/// Runs a case on a fresh embedded cluster.
pub(crate) fn on_embedded(case: &Case, timings: &Timings) -> Result<Story, String> {
    embedded::on_cluster(timings, case.enforcement, async |arm| body::run(&arm, case, timings).await)
}

/// Runs the table of policies on a fresh embedded cluster.
pub(crate) fn network(timings: &Timings) -> Result<std::collections::BTreeMap<String, policies::Reach>, String> {
    let sets = policies::sets();
    embedded::on_cluster(timings, Enforcement::On, async |arm| policies::observe(&arm, &sets, |_| ()).await)
}

/// Runs cases on the testbed. What was seen is committed case by case; gives what could not be run.
fn on_testbed(
    arguments: &Arguments,
    timings: &Timings,
    cases: &[&Case],
    network: bool,
    real: &mut Committed,
) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| format!("start: {error}"))?.block_on(async {
        let mut failed = Vec::new();
        for enforcement in [Enforcement::On, Enforcement::Off] {
            let cases: Vec<&Case> = cases.iter().copied().filter(|case| case.enforcement == enforcement).collect();
            let network = network && enforcement == Enforcement::On;
            if cases.is_empty() && !network {
                continue;
            }
            let name = match enforcement {
                Enforcement::On => arguments.cluster.clone(),
                Enforcement::Off => format!("{}off", arguments.cluster),
            };
            let (arm, version) = testbed::connect(&name, timings, enforcement).await?;
            real.kubernetes(&version);
            let (beside, alone): (Vec<&Case>, Vec<&Case>) =
                cases.into_iter().partition(|case| case.company == Company::Others);
            for (cases, width) in [(beside, BESIDE), (alone, 1)] {
                let each = cases.iter().map(|case| told(body::run(&arm, case, timings), case));
                let mut stories = futures::stream::iter(each).buffer_unordered(width);
                while let Some((name, story)) = stories.next().await {
                    match story {
                        Ok(story) => real.keep(name, story, arguments.write)?,
                        Err(why) => failed.push(why),
                    }
                }
            }
            if network {
                match policies::observe(&arm, &policies::sets(), |set| eprintln!("{set} was looked at")).await {
                    Ok(sets) => real.keep_network(&version, sets, arguments.write)?,
                    Err(why) => failed.push(why),
                }
            }
            if enforcement == Enforcement::Off {
                testbed::down(&name).await?;
            }
        }
        Ok(failed)
    })
}

async fn told(run: impl Future<Output = Result<Story, String>>, case: &Case) -> (&'static str, Result<Story, String>) {
    let begun = tokio::time::Instant::now();
    let story = run.await;
    eprintln!("{} ran for {} s", case.name, begun.elapsed().as_secs());
    (case.name, story)
}
