//! Random pods and volumes for a real scheduler and volume controller and for the embedded ones: who says otherwise?
//!
//! `tests/schedulerdiff/control-plane up` starts a control plane without nodes from the testbed's programs and prints its
//! kubeconfig; `cargo test --test schedulerdiff -- --context schedulerdiff [--pods N] [--volumes N] [--seed S] [--record FILE]`
//! asks it. Without `--context` it only says how. Compared are: fits or not, the reasons, which pods are ended for whom;
//! phases and bindings. Ends with 1 when the two disagree.

mod embedded;
mod real;
mod words;
mod worlds;

use std::process::ExitCode;

use serde_json::json;

/// How many newcomers ask in one world.
pub(crate) const NEWCOMERS: usize = 20;

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
    let mut differ = 0;
    let mut places = Vec::new();
    for index in 0..wanted.pods.div_ceil(NEWCOMERS) {
        let world = worlds::places(wanted.seed, index, NEWCOMERS);
        let said = real.place(&world).await?;
        for (newcomer, said) in world.newcomers.iter().zip(&said) {
            let ours = embedded::place(&world, newcomer);
            if ours != *said {
                differ += 1;
                let name = newcomer["metadata"]["name"].as_str().unwrap_or_default();
                println!("world {index}, {name}\n  real     {said}\n  embedded {ours}");
                for object in world.nodes.iter().chain(&world.placed).chain([newcomer]) {
                    println!("  {}", json!([object["metadata"], object["spec"], object["status"]["allocatable"]]));
                }
            }
        }
        places.push(said);
    }
    let mut bindings = Vec::new();
    for index in 0..wanted.volumes {
        let world = worlds::volumes(wanted.seed, index);
        let said = real.bind(&world).await?;
        let ours = embedded::bind(&world);
        if ours != said {
            differ += 1;
            println!("volumes {index}\n  real     {said}\n  embedded {ours}");
            for object in world.volumes.iter().chain(&world.claims) {
                println!("  {} {}", object["metadata"]["name"], object["spec"]);
            }
        }
        bindings.push(said);
    }
    let asked: usize = places.iter().map(Vec::len).sum();
    println!("{asked} pods and {} worlds of volumes: {differ} disagreements", bindings.len());
    if let Some(file) = &wanted.record {
        let recorded = json!({ "seed": wanted.seed, "places": places, "bindings": bindings });
        let text = serde_json::to_string_pretty(&recorded).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n").map_err(|error| format!("write {file}: {error}"))?;
    }
    Ok(differ)
}
