//! `driftproof undo`: takes back what runs have left on a live cluster, from the cluster alone. Shows what it will do, does
//! it, verifies it; does nothing to what is not Driftproof's.

use std::io::IsTerminal;

use driftproof::evidence::{self, shell_word};
use driftproof::run::leftovers::{self, Left, Survey, TakenBack};
use driftproof::world::{World, live};
use jiff::Timestamp;

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
    let (wanted, living): (Vec<&Left>, Vec<&Left>) = survey.runs.iter().partition(|left| !may_live(undo, left));
    for left in &living {
        let context = shell_word(&undo.context);
        print::out(&format!(
            "skipped   run {}, which may be at work; when it is dead: driftproof undo --context {context} --run {}\n",
            safe(&left.run),
            safe(&shell_word(&left.run))
        ));
    }
    let rest = if living.is_empty() { Exit::Passed } else { Exit::Inconclusive };
    if undo.dry_run || wanted.is_empty() || !confirmed(undo) {
        print::out("nothing was changed\n");
        return Ok(rest);
    }
    Ok(match take_back(&world, undo, &wanted).await {
        Exit::Passed => rest,
        worse => worse,
    })
}

/// Whether a run may still be at work. One that is named is dead: the person says so.
fn may_live(undo: &Undo, left: &Left) -> bool {
    undo.run.is_none() && left.locked_until.is_some_and(|until| until > Timestamp::now())
}

fn show(survey: &Survey, style: Style) {
    let (bold, plain) = if style.out { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    for left in &survey.runs {
        print::out(&format!("{bold}run {}{plain}  {}\n", safe(&left.run), safe(&left.about)));
        if let Some(until) = left.locked_until {
            print::out(&format!("  its lock is held until {until}: it may still be at work\n"));
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

/// What became of the runs that were taken back.
#[derive(Default)]
struct Count {
    failed: u64,
    foreign: u64,
}

/// All runs side by side: one that is waited for keeps no other one's faults in.
async fn take_back(world: &World, undo: &Undo, runs: &[&Left]) -> Exit {
    let several = runs.len() > 1;
    let each = runs.iter().map(|left| one(world, undo, left, several));
    let counts = futures::future::join_all(each).await;
    for written in runs.iter().flat_map(|left| &left.written) {
        print::out(&format!("look      {}\n", safe(written)));
    }
    let foreign: u64 = counts.iter().map(|count| count.foreign).sum();
    if foreign > 0 {
        print::out(&format!("{foreign} not of Driftproof, left alone\n"));
    }
    let failed: u64 = counts.iter().map(|count| count.failed).sum();
    if failed > 0 { fail(&format!("{failed} could not be taken back"), Exit::Dirty) } else { Exit::Passed }
}

async fn one(world: &World, undo: &Undo, left: &Left, several: bool) -> Count {
    let whose = if several { format!(" (run {})", left.run) } else { String::new() };
    let say = |word: &str, what: &str| print::out(&format!("{word:<9} {}\n", safe(&format!("{what}{whose}"))));
    let mut count = Count::default();
    for one in &left.undo {
        // The record says what is left: it stays while anything is.
        if count.failed > 0 && is_record(one) {
            say("kept", &format!("{}, which names what is left", leftovers::describe(one)));
            continue;
        }
        match leftovers::take_back(world, left, one, undo.node_heal_command.as_deref()).await {
            TakenBack::Done(what) => say("done", &what),
            TakenBack::Absent(what) => say("absent", &what),
            TakenBack::Foreign(what) => {
                count.foreign += 1;
                say("foreign", &what);
            }
            TakenBack::Failed(what) => {
                count.failed += 1;
                say("LEFT", &what);
            }
        }
    }
    count
}

/// Whether it is about the record of a run.
fn is_record(undo: &evidence::Undo) -> bool {
    matches!(undo, evidence::Undo::DeleteObject { kind, name, .. } if kind == "ConfigMap" && name.starts_with("driftproof-"))
}
