//! Talks to the person: arguments, colour, progress, exit codes, files on disk. Knows every room; nobody imports it.

mod agent;
mod args;
mod check;
mod describe;
mod execute;
mod exit;
mod expected;
mod folder;
mod github;
mod guarded;
mod interrupt;
mod judge;
mod load;
mod manifests;
mod nodes;
mod outcome;
mod packed;
mod plan;
mod pool;
mod print;
mod progress;
mod rbac;
mod repeats;
mod review;
mod run;
mod selftest;
mod stored;
mod style;
mod table;
mod tasks;
mod undo;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use driftproof::node_agent::{self, Settings};
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use exit::Exit;
use style::Style;

/// The whole program.
pub(super) fn main() -> ExitCode {
    guarded::tell_panics();
    // What cannot be told because of a defect is inconclusive, here as in a scenario.
    guarded::guarded(command).unwrap_or(Exit::Inconclusive).into()
}

fn command() -> Exit {
    let cli = Cli::parse();
    let style = Style::new(&cli);
    log_to_stderr(cli.verbose);
    // Two TLS providers are linked in through dependencies; without a choice the first connection would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli.command {
        Command::Run(run) if run.dry_run => plan::plan(&run.into(), style),
        Command::Run(run) => run::run(&run, style),
        Command::Plan(plan) => plan::plan(&plan, style),
        Command::Validate(files) => describe::validate(&files, style),
        Command::Selftest(test) => selftest::selftest(&test, style),
        Command::Check(check) => check::check(&check, style),
        Command::Undo(undo) => undo::undo(&undo, style),
        Command::Verdict(stored) => stored::verdict(&stored, style),
        Command::Report(stored) => stored::report(&stored, style),
        Command::Schema(schema) => describe::schema(&schema),
        Command::Completions { shell } => describe::completions(shell, &Cli::command()),
        Command::Rbac(rbac) => rbac::rbac(&rbac, style),
        Command::NodeAgent(agent) => node_agent(&agent),
        Command::Man { command } => describe::man(Cli::command(), command.as_deref()),
        Command::Agent(agent) => agent::agent(&agent),
    }
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "off",
        1 => "driftproof=info",
        2 => "driftproof=debug",
        _ => "driftproof=trace,kube=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // By default what cannot be written is told with `eprintln!`, which panics where nothing can be written.
        .log_internal_errors(false)
        .without_time()
        .init();
}

/// Runs on a node, in a pod that Driftproof started.
fn node_agent(agent: &args::NodeAgent) -> Exit {
    let settings = Settings { deed: agent.mode, timer: agent.timer, ip: agent.ip.clone() };
    let ended = if agent.act {
        node_agent::act(&settings)
    } else {
        let uid = std::env::var(node_agent::UID_VARIABLE).unwrap_or_default();
        node_agent::serve(&settings, &uid)
    };
    ended.map_or_else(|reason| fail(&reason, Exit::Failed), |()| Exit::Passed)
}

/// Prints a message of failure and returns the code for it.
fn fail(message: &str, exit: Exit) -> Exit {
    print::tell(&format!("error: {message}"));
    exit
}
