//! The same objects for a real API server (by dry run) and for the embedded one: which takes what the other refuses?
//!
//! `cargo test --test apidiff -- --context NAME [--objects N] [--seed S] [--record FILE] [--defaults]` asks a cluster that
//! may be asked (`tests/schedulerdiff/control-plane up`); without `--context` it only says how. `--defaults` prints the fields in
//! which the two answers to an object that both take differ. Objects are sound ones with one to three changes, by hand and by the
//! API's own schema. Prints each disagreement with the fields that were refused; ends with 1 when one is left unexplained.

mod ask;
mod change;
mod defaults;
mod explain;
mod real;
mod seeds;

use std::collections::BTreeMap;
use std::process::ExitCode;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use ask::{Answer, Embedded, Question};
use change::Changer;
pub(crate) use real::NAMESPACE;

/// How many disagreements of one kind are printed in full.
const SHOWN: usize = 2;

/// How many objects of each kind are recorded at most.
const RECORDED: usize = 60;

/// What the command line asks for.
struct Wanted {
    context: Option<String>,
    objects: usize,
    seed: u64,
    record: Option<String>,
    defaults: bool,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { context: None, objects: 1000, seed: 1, record: None, defaults: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--context" => wanted.context = Some(value()?),
            "--objects" => wanted.objects = value()?.parse().map_err(|_| "--objects needs a number".to_owned())?,
            "--seed" => wanted.seed = value()?.parse().map_err(|_| "--seed needs a number".to_owned())?,
            "--defaults" => wanted.defaults = true,
            "--record" => wanted.record = Some(value()?),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(wanted)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    drop(rustls::crypto::ring::default_provider().install_default());
    match wanted() {
        Ok(wanted @ Wanted { context: Some(_), .. }) => match compare(&wanted).await {
            Ok(0) => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(message) => {
                println!("error: {message}");
                ExitCode::from(2)
            }
        },
        Ok(_) => {
            println!("--context NAME names the cluster to ask; nothing was compared");
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Compares and prints. Gives back how many disagreements nothing explains.
async fn compare(wanted: &Wanted) -> Result<usize, String> {
    let Wanted { context, objects, seed, record, .. } = wanted;
    let real = real::Real::connect(context.as_deref().unwrap_or_default()).await?;
    let schemas = real.schemas().await?;
    let seeds = seeds::all();
    let mut changer = Changer { dice: ChaCha8Rng::seed_from_u64(*seed), seeds: &seeds, schemas: &schemas };
    let mut embedded = Embedded::new();
    let (mut taken, mut explained) = (0, 0);
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut recorded = Vec::new();
    let mut kept = BTreeMap::new();
    let mut differences = defaults::Differences::default();
    for index in 0..*objects {
        let object = if index < seeds.len() { seeds[index].clone() } else { changer.object() };
        let Some(kind) = embedded.kind(&object) else { continue };
        let question = Question { apply: index % 4 == 3, object, kind };
        let (theirs, ours) = (real.ask(&question).await, embedded.ask(&question));
        taken += usize::from(theirs.taken);
        let reason = explain::reason(&question, &ours, &theirs);
        if ours.taken && theirs.taken {
            differences.add(kind.facts().kind, &ours.object, &theirs.object);
        }
        if ours.taken == theirs.taken {
            let kept: &mut usize = kept.entry(kind).or_default();
            if *kept < RECORDED {
                recorded.push(entry(&question, &theirs));
            }
            *kept += 1;
        } else if reason.is_some() {
            explained += 1;
        } else {
            let (key, text) = told(&question, &ours, &theirs);
            wrong.entry(key).or_default().push(text);
        }
    }
    print(&wrong);
    if wanted.defaults {
        differences.print();
        println!("{} fields differ in objects that both take", differences.count());
    }
    let left: usize = wrong.values().map(Vec::len).sum();
    println!(
        "{objects} objects, {taken} taken by the real server; {left} disagreements unexplained, {explained} explained"
    );
    if let Some(file) = record {
        let text = serde_json::to_string(&recorded).map_err(|error| error.to_string())?;
        std::fs::write(file, text.replace("},{\"apply\"", "},\n{\"apply\""))
            .map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(left)
}

/// One line of the recorded table.
fn entry(question: &Question, theirs: &Answer) -> Value {
    json!({ "apply": question.apply, "taken": theirs.taken, "object": question.object })
}

fn told(question: &Question, ours: &Answer, theirs: &Answer) -> (String, String) {
    let (who, said) = if theirs.taken { ("EMBEDDED REFUSES", ours) } else { ("EMBEDDED TAKES", theirs) };
    let what = said.causes.first().cloned().unwrap_or_else(|| said.message.chars().take(160).collect());
    let plain: String = what.chars().filter(|c| !c.is_ascii_digit()).collect();
    let how = if question.apply { "apply" } else { "create" };
    let kind = question.kind.facts().kind;
    (format!("{who} {kind}: {plain}"), format!("{how} {}\n    {}", question.object, said.message))
}

fn print(wrong: &BTreeMap<String, Vec<String>>) {
    let mut kinds: Vec<(&String, &Vec<String>)> = wrong.iter().collect();
    kinds.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    for (key, all) in kinds {
        println!("{:5} {key}", all.len());
        for text in all.iter().take(SHOWN) {
            println!("    {text}");
        }
    }
}
