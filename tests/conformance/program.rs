//! The program: runs the arms that were asked for, compares, prints, writes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use futures::StreamExt;

use crate::arms::{embedded, testbed};
use crate::case::{self, Case, Company, Enforcement, Timings};
use crate::observed::{Observed, Story};
use crate::table::{self, Compared};
use crate::{body, cases, committed};

/// Holds the embedded cluster against a real one.
#[derive(Parser, Debug)]
#[command(name = "conformance")]
struct Arguments {
    /// The timings of both clusters.
    #[arg(long, value_enum, default_value = "short")]
    timings: Named,
    /// Only these cases.
    #[arg(long = "case", num_args = 1..)]
    cases: Vec<String>,
    /// Which clusters to run on. What is not run is taken from what is committed.
    #[arg(long, value_enum, default_value = "embedded")]
    arm: Which,
    /// Name of the testbed's cluster.
    #[arg(long, default_value = "c")]
    cluster: String,
    /// Commit what was seen: the real cluster's story, and the table.
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
const BESIDE: usize = 4;

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
    let wanted = |case: &&Case| arguments.cases.is_empty() || arguments.cases.iter().any(|name| name == case.name);
    let chosen: Vec<&Case> = all.iter().filter(wanted).collect();
    if let Some(unknown) = arguments.cases.iter().find(|name| all.iter().all(|case| case.name != **name)) {
        return Err(format!("there is no case {unknown}"));
    }
    let mut real = committed::read(timings.name)?;
    if arguments.arm != Which::Embedded {
        // Committed at once: what a slow cluster told is not lost to a later mistake.
        let seen = on_testbed(&arguments.cluster, &timings, &chosen)?;
        real.kubernetes = seen.kubernetes;
        real.timings = seen.timings;
        real.cases.extend(seen.cases);
        if arguments.write {
            committed::write(&real)?;
        }
    }
    let mut compared = Vec::new();
    for case in &chosen {
        let ours = on_embedded(case, &timings)?;
        let theirs = real.cases.get(case.name).cloned().unwrap_or_default();
        compared.push(Compared { case, rows: committed::compared(case.name, &ours, &theirs) });
    }
    print!("{}", table::terminal(&compared, arguments.all));
    if arguments.write && arguments.cases.is_empty() {
        committed::write_table(&real, &compared)?;
    }
    Ok(compared.iter().all(|one| one.rows.iter().all(|row| !row.verdict.is_wrong())))
}

/// Runs a case on a fresh embedded cluster.
pub(crate) fn on_embedded(case: &Case, timings: &Timings) -> Result<Story, String> {
    embedded::on_cluster(timings, case.enforcement, async |arm| body::run(&arm, case, timings).await)
}

fn on_testbed(cluster: &str, timings: &Timings, cases: &[&Case]) -> Result<Observed, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| format!("start: {error}"))?.block_on(async {
        let mut seen = Observed { timings: timings.name.to_owned(), ..Observed::default() };
        for enforcement in [Enforcement::On, Enforcement::Off] {
            let cases: Vec<&Case> = cases.iter().copied().filter(|case| case.enforcement == enforcement).collect();
            if cases.is_empty() {
                continue;
            }
            let name = match enforcement {
                Enforcement::On => cluster.to_owned(),
                Enforcement::Off => format!("{cluster}off"),
            };
            let (arm, version) = testbed::connect(&name, timings, enforcement).await?;
            seen.kubernetes = version;
            let (together, alone): (Vec<&Case>, Vec<&Case>) =
                cases.into_iter().partition(|case| case.company == Company::Others);
            let each = together.iter().map(|case| told(body::run(&arm, case, timings), case));
            let mut stories: Vec<_> = futures::stream::iter(each).buffer_unordered(BESIDE).collect().await;
            for case in alone {
                stories.push(told(body::run(&arm, case, timings), case).await);
            }
            if enforcement == Enforcement::Off {
                testbed::down(&name).await?;
            }
            for told in stories {
                let (name, story) = told?;
                seen.cases.insert(name.to_owned(), story);
            }
        }
        Ok(seen)
    })
}

async fn told(
    run: impl Future<Output = Result<Story, String>>,
    case: &Case,
) -> Result<(&'static str, Story), String> {
    let begun = tokio::time::Instant::now();
    let story = run.await?;
    eprintln!("{} ran for {} s", case.name, begun.elapsed().as_secs());
    Ok((case.name, story))
}

/// The folder of this suite.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}
