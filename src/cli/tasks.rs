//! Which runs a command line asks for: each scenario with each seed, and the command that repeats it.

use driftproof::evidence::shell_word;

use super::args::Run;
use super::execute::Task;
use super::load::Loaded;

/// Each scenario with each seed, in the order of the files. `id` is that of the run.
pub(super) fn tasks(run: &Run, loaded: &[Loaded], id: &str) -> Vec<Task> {
    let mut tasks = Vec::new();
    for one in loaded {
        for index in 0..run.runs {
            let seed = run.seed.wrapping_add(u64::from(index));
            let name = &one.scenario.name;
            tasks.push(Task {
                name: if run.runs == 1 { name.clone() } else { format!("{name}-seed-{seed}") },
                loaded: one.clone(),
                seed,
                run: run_name(run, seed, id),
                again: again(run, one, seed),
            });
        }
    }
    tasks
}

/// The embedded cluster is new for each run, so that its name need not tell runs apart; a live one's must.
fn run_name(run: &Run, seed: u64, id: &str) -> String {
    if run.cluster.context.is_none() {
        return format!("s{seed}");
    }
    let time: String = id.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("r{time}")
}

/// The command that repeats a run.
fn again(run: &Run, loaded: &Loaded, seed: u64) -> String {
    let mut command = format!("driftproof run {} --seed {seed}", shell_word(&loaded.path.display().to_string()));
    let cluster = &run.cluster;
    let kubeconfig = cluster.kubeconfig.as_ref().map(|path| path.display().to_string());
    // Evidence is passed around: a URL with a password in it must not become part of it.
    let prometheus = cluster.prometheus.clone().filter(|url| !url.contains(['@', '?']));
    let values = [("--context", cluster.context.clone()), ("--kubeconfig", kubeconfig), ("--prometheus", prometheus)];
    for (flag, value) in values.iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?))) {
        command.extend([" ", flag, " ", &shell_word(value)]);
    }
    for (given, flag) in [
        (cluster.apply_fixtures, " --apply-fixtures"),
        (cluster.allow_commands, " --allow-commands"),
        (cluster.skip_queries, " --skip-queries"),
        (cluster.no_failsafe, " --no-failsafe"),
        (cluster.allow_ephemeral_containers, " --allow-ephemeral-containers"),
    ] {
        if given {
            command.push_str(flag);
        }
    }
    let roots = run.files.manifest_root.iter().map(|root| ("--manifest-root", root.display().to_string()));
    let variables = cluster.password_env.iter().map(|name| ("--password-env", name.clone()));
    let endpoints = cluster.allow_endpoint.iter().map(|endpoint| ("--allow-endpoint", endpoint.clone()));
    for (flag, value) in roots.chain(variables).chain(endpoints) {
        command.extend([" ", flag, " ", &shell_word(&value)]);
    }
    if run.cluster.context.is_some() || run.cluster.nodes.node_failure_mode.is_some() {
        for word in run.cluster.nodes.again(&loaded.scenario) {
            command.extend([" ", &shell_word(&word)]);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn parsed(arguments: &[&str]) -> Run {
        let cli = Cli::try_parse_from([&["driftproof", "run"], arguments].concat()).expect("parses");
        let Command::Run(run) = cli.command else { panic!("not a run") };
        run
    }

    #[test]
    fn the_command_that_repeats_a_run_is_complete() {
        let at = |path: &str| {
            let text = "name = \"x\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"pod-kill\"\n";
            let scenario = driftproof::scenario::parse("x.toml", text).expect("valid");
            Loaded {
                path: PathBuf::from(path),
                scenario,
                manifests: Vec::new(),
                remarks: Vec::new(),
                skipped: Vec::new(),
            }
        };
        let run = parsed(&["x.toml", "--context", "my cluster", "--kubeconfig", "k", "--apply-fixtures"]);
        assert_eq!(
            again(&run, &at("a b/x.toml"), 9),
            "driftproof run 'a b/x.toml' --seed 9 --context 'my cluster' --kubeconfig k --apply-fixtures"
        );
        assert_eq!(again(&parsed(&["x.toml"]), &at("x.toml"), 1), "driftproof run x.toml --seed 1");
        let run = parsed(&["x.toml", "--skip-queries"]);
        assert_eq!(again(&run, &at("x.toml"), 1), "driftproof run x.toml --seed 1 --skip-queries");
        let run = parsed(&["x.toml", "--context", "c", "--allow-commands", "--node-failure-command", "off it", "on"]);
        assert_eq!(
            again(&run, &at("x.toml"), 1),
            "driftproof run x.toml --seed 1 --context c --allow-commands --node-failure-command 'off it' on"
        );
    }

    #[test]
    fn a_live_cluster_must_be_named_before_anything_can_be_allowed_on_it() {
        for flag in ["--apply-fixtures", "--allow-commands", "--allow-ephemeral-containers"] {
            assert!(Cli::try_parse_from(["driftproof", "run", "x.toml", flag]).is_err(), "{flag}");
        }
    }
}
