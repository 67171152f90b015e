//! The one body: it runs a case on a cluster and tells what happened, and puts everything back. It does not know which
//! cluster it is.

use futures::future::try_join_all;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::acts::{Stage, apply};
use crate::case::{Act, Case, Timings};
use crate::hands::Arm;
use crate::observed::Story;
use crate::record::Recorder;
use crate::timeline::{self, Acted, Cast};
use crate::{objects, steady};

/// Runs a case.
///
/// # Errors
/// What went wrong with the running of it: a cluster that does not become steady, an act that is refused.
pub(crate) async fn run(arm: &Arm, case: &Case, timings: &Timings) -> Result<Story, String> {
    let namespace = format!("conformance-{}", case.name);
    let mut stage = Stage {
        arm,
        case,
        namespace: namespace.clone(),
        victims: std::collections::BTreeSet::default(),
        picked: std::collections::BTreeSet::default(),
        notes: std::sync::Mutex::default(),
    };
    let told = play(&mut stage, timings).await;
    let restored = restore(&mut stage).await;
    let story = told.map_err(|why| format!("{}: {why}", case.name))?;
    restored.map_err(|why| format!("{}: put back: {why}", case.name))?;
    Ok(story)
}

async fn play(stage: &mut Stage<'_>, timings: &Timings) -> Result<Story, String> {
    let client = stage.arm.client.clone();
    steady::nodes(&client).await?;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": stage.namespace } });
    objects::create(&client, "", &namespace).await?;
    for manifest in stage.case.manifests {
        apply(stage.arm, &stage.namespace, manifest).await?;
    }
    steady::namespace(&client, &stage.namespace).await?;
    stage.choose_victims().await?;
    stage.choose_pods().await?;
    let recorder = Recorder::start(&client, &stage.namespace).await;
    let before = recorder.told();
    let start = Instant::now();
    let mut acted = Vec::new();
    // Acts of one time are done at once.
    for together in stage.case.acts.chunk_by(|one, other| one.0.resolve(timings) == other.0.resolve(timings)) {
        let planned = together[0].0.resolve(timings);
        sleep_until(start + planned).await;
        let begun = Instant::now();
        try_join_all(together.iter().map(|(_, act)| stage.act(*act))).await?;
        // A machine is off when its switch has been thrown, a request counts from when it was sent.
        let switched = together.iter().any(|(_, act)| matches!(act, Act::Machine(_)));
        acted.push(Acted { planned, done: if switched { Instant::now() } else { begun } });
    }
    sleep_until(start + stage.case.until.resolve(timings)).await;
    let seen = recorder.stop();
    let cast = Cast { case: stage.case, timings, victims: &stage.victims, picked: &stage.picked };
    let notes = stage.notes.lock().expect("no panic while held");
    Ok(timeline::story(&cast, &acted, seen.split_at(before), &notes))
}

/// Takes back what was done to the nodes, and removes the namespace. Does all of it, whatever fails.
async fn restore(stage: &mut Stage<'_>) -> Result<(), String> {
    let mut failed = Vec::new();
    for (_, act) in stage.case.acts.iter().rev() {
        failed.extend(stage.undo(*act).await.err());
    }
    let client = stage.arm.client.clone();
    failed.extend(steady::nodes(&client).await.err());
    let namespaces = objects::api(&client, "v1", "Namespace", None);
    failed.extend(objects::delete(&namespaces, &stage.namespace, None).await.err());
    failed.extend(steady::gone(&client, &stage.namespace).await.err());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}
