//! ControllerRevisions: the templates that a StatefulSet or DaemonSet has had.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::pod::key_of;
use super::queue::TryAgain;
use super::{control, hash};
use crate::{Kind, Object, State};

/// Label of pods and revisions.
pub(super) const REVISION_HASH: &str = "controller-revision-hash";
const HASH: &str = "controller.kubernetes.io/hash";

/// The revision's number.
pub(super) fn number(revision: &Object) -> i64 {
    revision.value().get("revision").and_then(Value::as_i64).unwrap_or(0)
}

/// The hash in the revision's name.
pub(super) fn hash_of(revision: &Object) -> &str {
    revision.label(HASH).unwrap_or_default()
}

/// The revisions of an owner, oldest first.
pub(super) fn owned(state: &State, owner: &Object) -> Vec<Arc<Object>> {
    let mut revisions: Vec<_> = state
        .store
        .owned_by(owner.uid())
        .filter(|(kind, ..)| *kind == Kind::ControllerRevision)
        .map(|(_, _, revision)| revision.clone())
        .collect();
    revisions.sort_by_cached_key(|revision| (number(revision), key_of(revision)));
    revisions
}

/// The pod template that a revision keeps.
pub(super) fn template(revision: &Object) -> Value {
    let mut template = revision.at("/data/spec/template").cloned().unwrap_or_else(|| json!({}));
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    template
}

/// The owner's template in the form that revisions keep: a patch that replaces it.
fn data(owner: &Object) -> Value {
    let mut template = owner.at("/spec/template").cloned().unwrap_or_else(|| json!({}));
    template["$patch"] = json!("replace");
    json!({ "spec": { "template": template } })
}

/// The revision of the owner's present template: the newest one; an older equal one, which becomes the newest; or a
/// new one.
///
/// # Errors
/// When the name is taken by a stranger: the collision count has grown and the next try takes another name.
pub(super) fn ensure(
    state: &mut State,
    kind: Kind,
    owner: &Object,
    collisions: &mut Option<i32>,
) -> Result<Arc<Object>, TryAgain> {
    let revisions = owned(state, owner);
    let data = data(owner);
    let next = revisions.last().map_or(0, |last| number(last)) + 1;
    if let Some(equal) = revisions.iter().rev().find(|revision| revision.value().get("data") == Some(&data)) {
        if number(equal) + 1 == next {
            return Ok(equal.clone());
        }
        let bumped = state.modify_value(Kind::ControllerRevision, &key_of(equal), |value| {
            value["revision"] = json!(next);
        });
        return bumped.map_err(|_| TryAgain);
    }
    let hash = hash::of(&data, *collisions);
    let mut labels = owner.at("/spec/template/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    labels[HASH] = json!(hash);
    let revision = json!({
        "metadata": {
            "name": format!("{}-{hash}", owner.text("/metadata/name")),
            "namespace": owner.text("/metadata/namespace"),
            "labels": labels,
            "ownerReferences": [control::controller_reference(kind, owner)],
        },
        "data": data, "revision": next,
    });
    state.create(Kind::ControllerRevision, revision).map_err(|error| {
        if error.reason == "AlreadyExists" {
            *collisions.get_or_insert(0) += 1;
        }
        TryAgain
    })
}

/// Deletes the oldest revisions beyond the limit that are not live (named in `live`).
pub(super) fn truncate(state: &mut State, owner: &Object, live: &BTreeSet<String>, limit: i32) {
    let dead: Vec<_> = owned(state, owner)
        .into_iter()
        .filter(|revision| !live.contains(revision.text("/metadata/name")) && !live.contains(hash_of(revision)))
        .collect();
    let excess = dead.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for revision in dead.iter().take(excess) {
        control::delete_exactly(state, Kind::ControllerRevision, revision);
    }
}
