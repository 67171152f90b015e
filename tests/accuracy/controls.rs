//! The negative controls: nothing can be injected, or nothing is allowed. None of them may pass.

use crate::cases::{self, BARE_POD, Control};
use crate::lab::{Lab, Run, USER};

pub(crate) async fn try_all(lab: &Lab, unenforced: Option<&Lab>) -> Result<(), String> {
    println!("\n| control | exit code | seconds | changes asked for | what it says |");
    println!("|---|---|---|---|---|");
    let mut passed = Vec::new();
    for control in cases::controls() {
        let Some(lab) = (if control.unenforced { unenforced } else { Some(lab) }) else {
            println!("| {} | not run: give --unenforced | | | |", control.title);
            continue;
        };
        let run = one(lab, &control).await?;
        let changes = run.log.iter().filter(|entry| entry.by(USER) && entry.changes()).count();
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
        let seconds = (run.ended - run.begun) as f64 / 1e6;
        let code = run.code.map_or("signal".to_owned(), |code| code.to_string());
        println!("| {} | {code} | {seconds:.1} | {changes} | {} |", control.title, reason(&run));
        if run.code == Some(0) {
            passed.push(control.title);
        }
    }
    if passed.is_empty() { Ok(()) } else { Err(format!("false pass: {}", passed.join(", "))) }
}

async fn one(lab: &Lab, control: &Control) -> Result<Run, String> {
    lab.kubectl(&["rollout", "status", "deployment/web", "--namespace", "accuracy", "--timeout", "120s"])?;
    lab.write("scenario.toml", &control.scenario)?;
    if control.granted {
        lab.grant("scenario.toml", &[])?;
    } else {
        lab.kubectl(&["delete", "clusterrolebinding", "driftproof", "--ignore-not-found"])?;
        lab.kubectl(&["delete", "rolebinding", "driftproof", "--namespace", "accuracy", "--ignore-not-found"])?;
    }
    let added = beforehand(lab, control)?;
    let run = lab.run("scenario.toml", &[]).await;
    if let Some(file) = added {
        lab.kubectl(&["delete", "-f", &file, "--ignore-not-found"])?;
    }
    run
}

/// Applies what the control needs; returns the file by which it is removed.
fn beforehand(lab: &Lab, control: &Control) -> Result<Option<String>, String> {
    if control.beforehand.is_empty() {
        return Ok(None);
    }
    let mut text = control.beforehand.to_owned();
    if control.beforehand == BARE_POD {
        // On every node, for the drain chooses one by the seed.
        let nodes = lab.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"])?;
        let bare = |node: &str| BARE_POD.replace("NODE", node).replace("name: bare,", &format!("name: bare-{node},"));
        text = nodes.split_whitespace().map(bare).collect::<Vec<_>>().join("---\n");
    }
    lab.write("beforehand.yaml", &text)?;
    let file = lab.path("beforehand.yaml").display().to_string();
    lab.kubectl(&["apply", "-f", &file])?;
    Ok(Some(file))
}

/// The line that says why, without what would break a table.
fn reason(run: &Run) -> String {
    let telling = |line: &&str| ["FAIL", "INCONCLUSIVE", "PASS", "error:"].iter().any(|word| line.starts_with(word));
    let line = run.said.lines().find(telling).or(run.said.lines().last()).unwrap_or_default();
    let line: String = line.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "/");
    if line.chars().count() > 160 { line.chars().take(160).chain(['…']).collect() } else { line }
}
