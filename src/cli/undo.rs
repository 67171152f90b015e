//! `driftproof undo`: takes back what runs have left on a live cluster, from the cluster alone. Shows what it will do, does
//! it, verifies it; does nothing to what is not Driftproof's.

use std::io::IsTerminal;

use driftproof::evidence;
use driftproof::run::leftovers::{self, Survey, TakenBack};
use driftproof::world::{World, live};

use super::args::Undo;
use super::execute::{self, Failure};
use super::exit::Exit;
use super::style::{Style, safe};
use super::{describe, fail, print};

/// `driftproof undo`.
pub(super) fn undo(undo: &Undo, style: Style) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("async runtime: {error}"), Exit::Usage),
    };
    match runtime.block_on(all(undo, style)) {
        Ok(exit) => exit,
        Err(Failure::NotStarted(message) | Failure::Local(message)) => fail(&message, Exit::Usage),
    }
}

async fn all(undo: &Undo, style: Style) -> Result<Exit, Failure> {
    let options = live::Options {
        context: undo.context.clone(),
        kubeconfig: undo.kubeconfig.clone(),
        prometheus: None,
        allow_commands: undo.node_heal_command.is_some(),
        node_agent: undo.nodes(),
        agents: live::AgentOptions { image: String::new(), allow_ephemeral: false },
    };
    let world = execute::connect(&options).await?;
    let survey = leftovers::survey(&world, undo.namespace.as_deref(), undo.run.as_deref()).await;
    for blind in &survey.blind {
        print::tell(&format!("warning: {}", safe(blind)));
    }
    if survey.runs.is_empty() {
        let whose = undo.run.as_ref().map_or_else(|| "any run".to_owned(), |run| format!("run {run}"));
        print::out(&format!("nothing of {} is left on {}\n", safe(&whose), safe(&undo.context)));
        return Ok(if survey.blind.is_empty() { Exit::Passed } else { Exit::Inconclusive });
    }
    show(&survey, style);
    if undo.dry_run || !confirmed(undo) {
        print::out("nothing was changed\n");
        return Ok(Exit::Passed);
    }
    Ok(take_back(&world, undo, &survey).await)
}

fn show(survey: &Survey, style: Style) {
    let (bold, plain) = if style.out { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    for left in &survey.runs {
        print::out(&format!("{bold}run {}{plain}  {}\n", safe(&left.run), safe(&left.about)));
        if !left.locked_until.is_empty() {
            print::out(&format!("  its lock is held until {}: it may still be at work\n", safe(&left.locked_until)));
        }
        for undo in &left.undo {
            print::out(&format!("  {}\n", safe(&leftovers::describe(undo))));
        }
        for written in &left.written {
            print::out(&format!("  not by this command: {}\n", safe(written)));
        }
    }
}

/// On a terminal a person is asked; a script has said what it wants by calling.
fn confirmed(undo: &Undo) -> bool {
    if undo.yes || !std::io::stdin().is_terminal() {
        return true;
    }
    describe::agreed("take all of this back?")
}

async fn take_back(world: &World, undo: &Undo, survey: &Survey) -> Exit {
    let (mut failed, mut foreign) = (0, 0);
    for left in &survey.runs {
        let mut clean = true;
        for one in &left.undo {
            // The record says what is left: it stays while anything is.
            if !clean && is_record(one) {
                print::out(&format!("kept      {}, which names what is left\n", safe(&leftovers::describe(one))));
                continue;
            }
            match leftovers::take_back(world, left, one, undo.node_heal_command.as_deref()).await {
                TakenBack::Done(what) => print::out(&format!("done      {}\n", safe(&what))),
                TakenBack::Absent(what) => print::out(&format!("absent    {}\n", safe(&what))),
                TakenBack::Foreign(what) => {
                    foreign += 1;
                    print::out(&format!("foreign   {}\n", safe(&what)));
                }
                TakenBack::Failed(what) => {
                    failed += 1;
                    clean = false;
                    print::out(&format!("LEFT      {}\n", safe(&what)));
                }
            }
        }
    }
    for written in survey.runs.iter().flat_map(|left| &left.written) {
        print::out(&format!("look      {}\n", safe(written)));
    }
    if foreign > 0 {
        print::out(&format!("{foreign} not of Driftproof, left alone\n"));
    }
    if failed > 0 { fail(&format!("{failed} could not be taken back"), Exit::Dirty) } else { Exit::Passed }
}

/// Whether it is about the record of a run.
fn is_record(undo: &evidence::Undo) -> bool {
    matches!(undo, evidence::Undo::DeleteObject { kind, name, .. } if kind == "ConfigMap" && name.starts_with("driftproof-"))
}
