//! Random pods and volumes for a real scheduler and volume controller and for the embedded ones: who says otherwise?
//!
//! `tests/schedulerdiff/control-plane up` starts a control plane without nodes from the testbed's programs and prints its
//! kubeconfig; `cargo test --test schedulerdiff -- --context schedulerdiff [--pods N] [--volumes N] [--seed S] [--record FILE]`
//! asks it. Without `--context` it only says how. Compared are: fits or not, the reasons, which pods are ended for whom,
//! also of pods with claims (half of them); phases and bindings. Ends with 1 when the two disagree.

mod embedded;
mod real;
mod words;
mod worlds;

use std::process::ExitCode;

use serde_json::{Value, json};

/// How many newcomers ask in one world.
const NEWCOMERS: usize = 20;
/// How many groups of pods with claims stand in one world.
const GROUPS: usize = 80;
/// How many worlds of volumes are asked at once.
const WORLDS: usize = 250;

/// What the command line asks for.
struct Wanted {
    context: Option<String>,
    pods: usize,
    volumes: usize,
    seed: u64,
    record: Option<String>,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { context: None, pods: 400, volumes: 200, seed: 1, record: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let number = |text: String| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
        match argument.as_str() {
            "--context" => wanted.context = Some(value()?),
            "--pods" => wanted.pods = number(value()?)?,
            "--volumes" => wanted.volumes = number(value()?)?,
            "--seed" => wanted.seed = number(value()?)? as u64,
            "--record" => wanted.record = Some(value()?),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(wanted)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    drop(rustls::crypto::ring::default_provider().install_default());
    let outcome = match wanted() {
        Ok(wanted) => match &wanted.context {
            Some(context) => compare(context, &wanted).await,
            None => {
                println!("--context NAME names the control plane to ask; nothing was compared");
                Ok(0)
            }
        },
        Err(message) => Err(message),
    };
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            println!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Compares and prints. Gives back the number of disagreements.
async fn compare(context: &str, wanted: &Wanted) -> Result<usize, String> {
    let real = real::Real::connect(context).await?;
    let alone = places(&real, wanted).await?;
    let with_claims = consumers(&real, wanted).await?;
    let bound = bindings(&real, wanted).await?;
    let differ = alone.differ + with_claims.differ + bound.differ;
    println!(
        "{} pods alone, {} with claims and {} worlds of volumes: {differ} disagreements",
        alone.asked, with_claims.asked, bound.asked
    );
    if let Some(file) = &wanted.record {
        let recorded = json!({
            "seed": wanted.seed, "places": alone.said, "consumers": with_claims.said, "bindings": bound.said,
        });
        let text = serde_json::to_string_pretty(&recorded).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n").map_err(|error| format!("write {file}: {error}"))?;
    }
    Ok(differ)
}

/// What was asked of the real side, and how often the embedded one says otherwise.
#[derive(Default)]
struct Compared {
    asked: usize,
    differ: usize,
    said: Vec<Value>,
}

impl Compared {
    /// Counts a disagreement, and prints it with the objects that lead to it.
    fn tell<'a>(&mut self, what: &str, real: &str, embedded: &str, objects: impl Iterator<Item = &'a Value>) {
        if real == embedded {
            return;
        }
        self.differ += 1;
        println!("{what}\n  real     {real}\n  embedded {embedded}");
        for object in objects {
            println!("  {}", json!([object["metadata"], object["spec"], object["status"]["allocatable"]]));
        }
    }
}

/// Half of the pods: without claims.
async fn places(real: &real::Real, wanted: &Wanted) -> Result<Compared, String> {
    let mut compared = Compared::default();
    for index in 0..wanted.pods.div_ceil(2 * NEWCOMERS) {
        let world = worlds::places(wanted.seed, index, NEWCOMERS);
        let said = real.place(&world).await?;
        for (newcomer, said) in world.newcomers.iter().zip(&said) {
            let what = format!("world {index}, {}", newcomer["metadata"]["name"]);
            let objects = world.nodes.iter().chain(&world.placed).chain([newcomer]);
            compared.tell(&what, said, &embedded::place(&world, newcomer), objects);
        }
        compared.asked += said.len();
        compared.said.push(json!(said));
    }
    Ok(compared)
}

/// The other half: with claims.
async fn consumers(real: &real::Real, wanted: &Wanted) -> Result<Compared, String> {
    let mut compared = Compared::default();
    while compared.asked < wanted.pods / 2 {
        let world = worlds::consumers(wanted.seed, compared.said.len(), GROUPS);
        let said = real.consume(&world).await?;
        for (group, said) in world.groups.iter().zip(&said) {
            let objects = world.nodes.iter().chain(&group.classes).chain(&group.volumes).chain(&group.claims);
            let objects = objects.chain(&group.holders).chain(&group.newcomers);
            let ours = embedded::consume(&world.nodes, group);
            compared.tell(&format!("group {}", group.name), said, &ours, objects);
            compared.asked += group.newcomers.len();
        }
        compared.said.push(json!(said));
    }
    Ok(compared)
}

async fn bindings(real: &real::Real, wanted: &Wanted) -> Result<Compared, String> {
    let mut compared = Compared::default();
    while compared.asked < wanted.volumes {
        let first = compared.asked;
        let worlds: Vec<_> =
            (first..wanted.volumes.min(first + WORLDS)).map(|index| worlds::volumes(wanted.seed, index)).collect();
        for (world, said) in worlds.iter().zip(real.bind(&worlds).await?) {
            let objects = world.volumes.iter().chain(&world.claims);
            compared.tell(&format!("volumes {}", compared.asked), &said, &embedded::bind(world), objects);
            compared.asked += 1;
            compared.said.push(json!(said));
        }
    }
    Ok(compared)
}
