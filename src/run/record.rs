//! The run's record on the cluster: one small ConfigMap in the target's namespace that says what this run will do and how
//! each of it is taken back. Written before the deed, so that `driftproof undo` needs neither the machine that ran nor its
//! evidence. Holds no command: what comes from a cluster is never run.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::evidence::Undo;
use crate::plan::{self, MANAGED_BY, MANAGER, RUN};

use super::context::Context;
use super::{RunError, calls, written};

/// The label of records.
pub(super) const RECORD: &str = "driftproof.dev/record";
/// The version of the format.
pub(super) const VERSION: u32 = 1;
/// The entry that describes the run.
pub(super) const HEADER: &str = "run";
/// The entry of what was created beside the faults.
pub(super) const CREATED: &str = "created";
/// The annotation with the digest of the run's evidence.
const EVIDENCE: &str = "driftproof.dev/evidence-sha256";

fn name(context: &Context) -> String {
    plan::object_name(&context.run, &format!("record-{}", context.scenario.name))
}

fn api(context: &Context) -> Api<ConfigMap> {
    Api::namespaced(context.client(), &context.scenario.target.namespace)
}

/// Opens the record with what is about to be created.
///
/// # Errors
/// The API server's refusal: nothing is touched without a record of it.
pub(super) async fn open(context: &Context) -> Result<(), RunError> {
    let name = name(context);
    let namespace = &context.scenario.target.namespace;
    let header = json!({
        "version": VERSION,
        "tool": concat!("driftproof ", env!("CARGO_PKG_VERSION")),
        "run": &*context.run,
        "scenario": context.scenario.name,
        "target": context.target(),
        "started": context.clock().started().to_string(),
        "written": written::of(&context.scenario, &context.run),
    });
    let manifest = json!({
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": { MANAGED_BY: MANAGER, RUN: plan::label(&context.run), RECORD: VERSION.to_string() },
            "annotations": { "driftproof.dev/undo-with": format!("driftproof undo --context CONTEXT --run {}", context.run) },
        },
        "data": { HEADER: header.to_string(), CREATED: entry(&context.ledger.created()) },
    });
    let what = format!("create ConfigMap {namespace}/{name}");
    let failed = |error: String| RunError::Cluster(format!("{what}, the record of the run: {error}"));
    let map: ConfigMap = serde_json::from_value(manifest).map_err(|error| failed(error.to_string()))?;
    let api = api(context);
    let params = PostParams::default();
    let made = calls::called(context, &what, || api.create(&params, &map)).await;
    // An attempt of ours was carried out without our hearing of it.
    if made.echo() == Some(409) {
        return Ok(());
    }
    made.result.map(drop).map_err(|error| failed(calls::text(&error)))
}

/// Adds a fault's undo before it is injected.
///
/// # Errors
/// The API server's refusal.
pub(super) async fn add(context: &Context, step: &str, undo: &[Undo]) -> Result<(), String> {
    let name = name(context);
    let what = format!("write the undo of {step} to ConfigMap {}/{name}", context.scenario.target.namespace);
    let patch = Patch::Merge(json!({ "data": { plan::label(step): entry(undo) } }));
    let (api, params) = (api(context), PatchParams::default());
    let patched = calls::patiently(context, &what, || api.patch(&name, &params, &patch)).await;
    patched.map(drop).map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// Writes down what the evidence of the run was when it was closed: SHA-256 of its lines. The run is over, and what does not
/// work is told to nobody: a record without it proves less, and is no less right.
pub(super) async fn seal(context: &Context, digest: &str) {
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { EVIDENCE: digest } } }));
    let (api, name, params) = (api(context), name(context), PatchParams::default());
    let _ = calls::patiently(context, "write the digest of the evidence", || api.patch(&name, &params, &patch)).await;
}

/// Removes the record: everything was taken back.
///
/// # Errors
/// What is left, and the command that removes it.
pub(super) async fn close(context: &Context) -> Result<(), String> {
    let (name, namespace) = (name(context), &context.scenario.target.namespace);
    let what = format!("delete ConfigMap {namespace}/{name}");
    let (api, params) = (api(context), DeleteParams::background());
    match calls::patiently(context, &what, || api.delete(&name, &params)).await {
        Ok(_) => Ok(()),
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err(format!(
            "{what}: {}; run: kubectl --namespace {namespace} delete configmap {name}",
            calls::text(&error)
        )),
    }
}

/// The undo as it goes onto the cluster. A command that brings a node back stays at home: it may hold a password, and it
/// must never be taken from where others can write.
fn entry(undo: &[Undo]) -> String {
    let bare = |undo: &Undo| match undo.clone() {
        Undo::RestoreNode { node, ip, mode, command: _ } => Undo::RestoreNode { node, ip, mode, command: None },
        other => other,
    };
    json!(undo.iter().map(bare).collect::<Vec<Undo>>()).to_string()
}

/// What one entry says.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(text: &str) -> Result<Vec<Undo>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// What the header of a record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) scenario: String,
    pub(super) target: String,
    pub(super) started: String,
    /// What may be left in stores, for people.
    pub(super) written: Vec<String>,
}

/// The header of a record.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn header(text: &str) -> Result<Head, String> {
    let header: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if header["version"] != VERSION {
        return Err(format!("it has version {}, and this driftproof reads version {VERSION}", header["version"]));
    }
    let [scenario, target, started] =
        ["scenario", "target", "started"].map(|field| header[field].as_str().unwrap_or_default().to_owned());
    Ok(Head { scenario, target, started, written: written::told(&header["written"]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::FailureMode;

    #[test]
    fn no_command_goes_onto_the_cluster() {
        let undo = Undo::RestoreNode {
            node: "w1".to_owned(),
            ip: "10.0.0.1".to_owned(),
            mode: FailureMode::PowerOff,
            command: Some("cloud start --token hunter2 w1".to_owned()),
        };
        let text = entry(&[undo, Undo::Uncordon { node: "w2".to_owned() }]);
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(read(&text).unwrap().len(), 2);
    }

    #[test]
    fn a_record_of_another_version_is_not_guessed_at() {
        assert!(header("{\"version\":2}").unwrap_err().contains("version 2"));
        assert!(header("oops").is_err());
    }
}
