//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use driftproof::node_agent::Deed;
use driftproof::scenario::FailureMode;

const EXIT_CODES: &str = "\
Exit codes:
  0  every scenario passed
  1  an objective failed
  2  nothing was started: wrong usage, an invalid scenario, a missing right, a cluster that does not answer
  3  inconclusive: a fault is not proven, data is missing, a scenario could not be run or was not reached, the run was
     interrupted, or a report could not be written
  4  left dirty: something could not be undone; the first line of every report says what";

const EXAMPLES: &str = "\
Examples:
  driftproof run scenarios                   all of them, on the embedded cluster
  driftproof run my.toml --seed 7            one, with the choices of seed 7
  driftproof plan my.toml --context staging  what would be done on a live cluster
  driftproof run my.toml --context staging   do it there";

/// Chaos engineering and drift verification for Kubernetes: inject, prove, measure, judge.
///
/// Scenario files describe faults and objectives. Driftproof injects the faults, proves that they took effect, measures
/// recovery, availability and data, heals, and writes a report. Without --context everything happens on an embedded,
/// simulated cluster and no network is used.
#[derive(Debug, Parser)]
#[command(name = "driftproof", version, max_term_width = 110, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: When,
    /// Say every event of a run (-v), and more about what Driftproof itself does (-vv); `RUST_LOG` overrides the latter
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say only what did not pass, and the summary
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

/// The image of every pod that Driftproof starts, unless another one is named.
pub(super) const DEFAULT_IMAGE: &str = concat!("driftproof:", env!("CARGO_PKG_VERSION"));

const AGENT_IMAGE: &str = "\
Image of this driftproof, for the pods that it starts on a live cluster

One probes and proves from inside, in the target's namespace (`driftproof agent --help` says what it does); others act on nodes (kubelet-stop, network-cut). All are removed when the run ends.";

const AGENT: &str = "\
Runs inside a pod: probes and opens connections for a run of driftproof, and reports each attempt.

Nobody starts this by hand. `driftproof run` starts a pod of this image when a probe or the clients of a store say from = \"cluster\" or a partition is to be proven from inside, attaches to it, and removes it. Orders arrive on standard input and reports leave on standard output, one JSON object a line, both numbered and kept until they are acknowledged, so that a stream that breaks is resumed without loss. Connections of a store's clients arrive through a forwarded port on the loopback address of the pod, and are passed on only to places that were named by an order. The pod needs no right on the cluster and no volume.

When nobody has spoken to it for --idle-exit it ends, whatever became of the run that started it.";

const UNDO: &str = "\
Takes back what runs have left on a live cluster, whatever became of them and of the machine that they ran on.

Needs no local file: every run keeps a record on the cluster, a ConfigMap in its target's namespace, from before its first fault until everything is undone, and marks each object, cordon and taint with its name. What will be done is shown first. Each step is verified; what does not carry the run's mark is left alone, whatever a record says; a run whose lock is still held is skipped unless --run names it; doing it twice does no harm.";

const UNDO_EXIT_CODES: &str = "\
Exit codes:
  0  nothing is left
  2  wrong usage, or the cluster does not answer
  3  a run may still be at work and was skipped; or nothing was found, and not everything could be looked at
  4  something could not be taken back; the last lines say what, and the command that does it";

/// `driftproof schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// That of report.json instead; that of series.json is among its definitions
    #[arg(long)]
    pub(super) report: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios and write a report
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Show what would be done: targets, blast radius, rights; injects nothing
    Plan(Plan),
    /// Check scenario files without a cluster
    Validate(Files),
    /// Print the service account and the roles that these scenarios need, for `kubectl apply -f -`
    Rbac(Rbac),
    /// Take back what runs have left on a live cluster, whatever became of them and of the machine that they ran on
    #[command(long_about = UNDO, after_help = UNDO_EXIT_CODES)]
    Undo(Undo),
    /// Judge a recorded history: is it linearizable, what was lost, which anomaly is it
    Check(super::check::Check),
    /// Show that the checkers find every lie of a store that lies, and accuse no honest one
    Selftest(super::selftest::SelfTest),
    /// Judge stored evidence again
    Verdict(Stored),
    /// Write the reports of stored evidence again
    Report(Stored),
    /// Print the JSON Schema of scenario files, or of report.json
    Schema(Schema),
    /// Print the completions of a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man {
        /// Of this command, such as run
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
    /// Act on the node that this runs on; started by Driftproof, never by a person
    #[command(hide = true)]
    NodeAgent(NodeAgent),
    /// Probe from inside a pod, for a run elsewhere
    #[command(hide = true, long_about = AGENT)]
    Agent(Agent),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Rbac {
    #[command(flatten)]
    pub(super) files: Files,
    /// Namespace of the service account
    #[arg(long, value_name = "NAMESPACE", default_value = "default", value_parser = label)]
    pub(super) namespace: String,
    /// Name of the service account and of the roles
    #[arg(long, value_name = "NAME", default_value = "driftproof", value_parser = label)]
    pub(super) account: String,
    /// Also what applying and removing the fixtures needs
    #[arg(long)]
    pub(super) apply_fixtures: bool,
    /// Also what `driftproof undo` needs to look into every namespace
    #[arg(long)]
    pub(super) undo: bool,
    /// Roles of namespaces alone, nothing of the whole cluster: enough for pod kills, partitions and probes, whose reports
    /// then say what was not seen (zones, when volumes were attached)
    #[arg(long, conflicts_with = "undo")]
    pub(super) namespaced: bool,
    #[command(flatten)]
    pub(super) nodes: Nodes,
}

#[derive(Clone, Debug, Args)]
pub(super) struct NodeAgent {
    /// What is done to the node
    #[arg(long, value_name = "MODE", value_parser = PossibleValuesParser::new(Deed::ALL.map(Deed::word)).map(|word| deed(&word)))]
    pub(super) mode: Deed,
    /// The node heals itself after this time
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) timer: Duration,
    /// The node's address
    #[arg(long, value_name = "IP", default_value = "")]
    pub(super) ip: String,
    /// Be the process that acts
    #[arg(long)]
    pub(super) act: bool,
}

/// A name as Kubernetes takes it for a namespace.
fn label(text: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let whole = !text.is_empty() && text.len() <= 63 && text.chars().all(plain);
    if whole && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(text.to_owned());
    }
    Err("use up to 63 lowercase letters, digits and -, with a letter or digit at both ends".to_owned())
}

fn deed(word: &str) -> Deed {
    Deed::ALL.into_iter().find(|deed| deed.word() == word).unwrap_or(Deed::StopKubelet)
}

#[derive(Clone, Debug, Args)]
pub(super) struct Files {
    /// Scenario files, or folders whose *.toml files are taken (folders below them are not); - is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// Only scenarios with one of these tags
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
}

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Cluster {
    /// Touch this live cluster, a context of the kubeconfig; there is no default context
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The kubeconfig file; otherwise those of $KUBECONFIG, or ~/.kube/config
    // Not an `env` of clap: a variable that is merely set must not ask for --context, and it may list several files.
    #[arg(long, value_name = "FILE", requires = "context")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Prometheus for [[query]], on a live cluster
    #[arg(long, value_name = "URL", requires = "context")]
    pub(super) prometheus: Option<String>,
    /// Leave out [[query]] and the conditions of [[abort]] that ask Prometheus, where there is none; every report says so
    #[arg(long, conflicts_with = "prometheus")]
    pub(super) skip_queries: bool,
    /// Apply the fixtures to the live cluster, and remove them afterwards
    #[arg(long, requires = "context")]
    pub(super) apply_fixtures: bool,
    /// Let the commands of scenario files run on this machine
    #[arg(long, requires = "context")]
    pub(super) allow_commands: bool,
    /// Go without the dead-man's switch: a Job that makes the cluster itself lift a partition when nobody does
    #[arg(long, requires = "context")]
    pub(super) no_failsafe: bool,
    /// Take over the lock of another run before its time; only when that run is dead
    #[arg(long, requires = "context")]
    pub(super) break_lock: bool,
    /// Let the agent be added to the target's pods as an ephemeral container, where it stays until they end
    #[arg(long, requires = "context")]
    pub(super) allow_ephemeral_containers: bool,
    #[command(flatten)]
    pub(super) nodes: Nodes,
}

/// How nodes are made to fail on a live cluster.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Nodes {
    /// How every node failure happens on the live cluster, whatever the scenario says
    #[arg(long, value_name = "MODE", value_parser = PossibleValuesParser::new(FailureMode::ALL.map(FailureMode::word)).map(|word| mode(&word)))]
    pub(super) node_failure_mode: Option<FailureMode>,
    /// Commands that make a node fail and bring it back, for every node failure; `DRIFTPROOF_NODE` and `DRIFTPROOF_NODE_IP`
    /// are in their environment. Needs --allow-commands
    #[arg(long, num_args = 2, value_names = ["INJECT", "HEAL"], conflicts_with = "node_failure_mode")]
    pub(super) node_failure_command: Vec<String>,
    /// Image of this driftproof, for the pods that it starts on a live cluster
    #[arg(long, value_name = "IMAGE", default_value = DEFAULT_IMAGE, long_help = AGENT_IMAGE)]
    pub(super) agent_image: String,
    /// Namespace of the pods that act on nodes; it must allow privileged pods
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub(super) node_agent_namespace: String,
}

fn mode(word: &str) -> FailureMode {
    FailureMode::ALL.into_iter().find(|mode| mode.word() == word).unwrap_or_default()
}

#[derive(Clone, Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) files: Files,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// The seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Print the plan as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) files: Files,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// The seed of every random choice; the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Run each scenario this often, with the seeds N, N+1, …
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) runs: u32,
    /// Write the report exactly here instead of reports/<run-id>; what an earlier run left there is removed
    #[arg(long, value_name = "DIR")]
    pub(super) report_dir: Option<PathBuf>,
    /// Stop after the first scenario that does not pass
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Same as `driftproof plan`
    #[arg(long)]
    #[expect(clippy::struct_field_names, reason = "`--dry-run` is what the flag is called everywhere")]
    pub(super) dry_run: bool,
    /// On a terminal, do not show the plan of a live run and ask before it begins
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Scenarios at a time on the embedded cluster; one for each processor by default. A live cluster gets one at a time
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Undo {
    /// The live cluster, a context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(super) context: String,
    /// The kubeconfig file; otherwise those of $KUBECONFIG, or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Only what this run has left
    #[arg(long, value_name = "ID")]
    pub(super) run: Option<String>,
    /// Look into this namespace only, where there is no right to look into all; nodes are always looked at
    #[arg(long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// Show what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask on a terminal
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Run this for each node that a run has made fail by a command and that is not Ready; `DRIFTPROOF_NODE` and
    /// `DRIFTPROOF_NODE_IP` are in its environment. Never taken from the cluster
    #[arg(long, value_name = "COMMAND")]
    pub(super) node_heal_command: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Stored {
    /// A run's folder, a scenario's folder in it, or an evidence.jsonl
    #[arg(value_name = "RUN")]
    pub(super) run: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Agent {
    /// End when nobody has spoken to it for so long
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = humantime::parse_duration)]
    pub(super) idle_exit: Duration,
    /// Reports kept until they are acknowledged; beyond that the oldest are dropped, and the run is told
    #[arg(long, value_name = "COUNT", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) buffer: u32,
    /// Accept TCP connections here, so that it can be seen who reaches this pod
    #[arg(long, value_name = "PORT")]
    pub(super) listen: Option<u16>,
}
