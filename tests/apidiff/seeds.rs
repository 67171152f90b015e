//! The sound objects that everything starts from: one of each kind, and the fixtures of the shipped scenarios.

use std::fs;
use std::path::Path;

use driftproof::scenario::manifests;
use serde_json::Value;

/// All of them.
pub(crate) fn all() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("tests/apidiff/seeds.yaml")];
    let folder = fs::read_dir(root.join("scenarios/fixtures")).expect("the fixtures");
    files.extend(folder.map(|entry| entry.expect("readable").path()));
    files.sort();
    let mut objects = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        for mut object in manifests(&file.display().to_string(), &text).expect("manifests") {
            // They are asked for in the namespace of the test.
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("namespace");
            }
            objects.push(object);
        }
    }
    objects
}

/// The definitions of kinds of our own.
pub(crate) fn definitions() -> Vec<Value> {
    manifests("definitions.yaml", include_str!("definitions.yaml")).expect("manifests")
}
