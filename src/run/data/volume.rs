//! The content of the target's volumes before and after, by digest.

use std::collections::BTreeSet;

use crate::evidence::{Event, Volume, When};
use crate::scenario::{DataCheck, VolumeCheck};

use super::super::context::Context;

/// Writes the marker files, where a check asks for one.
pub(in crate::run) async fn mark(context: &Context) {
    for (index, check) in checks(context) {
        let Some(file) = &check.write else { continue };
        for (namespace, pod) in pods(context) {
            let text = format!("driftproof {} {namespace}/{pod}\n", context.run);
            let written = context.world.volumes.write(&namespace, &pod, &check.path, file, &text).await;
            if let Err(error) = written {
                let reason = format!("write {}/{file}: {error}", check.path);
                note(context, Volume { check: index, pod, when: When::Before, digest: None, files: 0, reason });
            }
        }
    }
}

/// Records the digest of every check's volume in every pod of the target.
pub(in crate::run) async fn measure(context: &Context, when: When) {
    for (index, check) in checks(context) {
        for (namespace, pod) in pods(context) {
            let volume = match context.world.volumes.digest(&namespace, &pod, &check.path).await {
                Ok((digest, files)) => {
                    Volume { check: index, pod, when, digest: Some(digest), files, reason: String::new() }
                }
                Err(reason) => Volume { check: index, pod, when, digest: None, files: 0, reason },
            };
            note(context, volume);
        }
    }
}

fn note(context: &Context, volume: Volume) {
    context.recorder.note(Event::Volume(volume));
}

fn checks(context: &Context) -> impl Iterator<Item = (usize, &VolumeCheck)> {
    context.scenario.data.iter().enumerate().filter_map(|(index, check)| match check {
        DataCheck::Volume(check) => Some((index, check)),
        DataCheck::Set(_) | DataCheck::Store(_) => None,
    })
}

/// The target's running pods, by name.
fn pods(context: &Context) -> BTreeSet<(String, String)> {
    let name = |state: &super::super::observe::PodState| (state.seen.namespace.clone(), state.seen.name.clone());
    context.board.look(|picture| picture.target_pods().filter(|state| state.running()).map(name).collect())
}
