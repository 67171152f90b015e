//! `driftproof rbac`: the service account and the roles that scenarios need on a live cluster, as YAML. Asks no cluster.

use std::collections::BTreeSet;

use driftproof::plan::{self, Permission};
use serde_json::Value;

use super::args::Rbac;
use super::exit::Exit;
use super::load::{Loaded, load};
use super::style::Style;
use super::{describe, fail};

/// `driftproof rbac`.
pub(super) fn rbac(rbac: &Rbac, style: Style) -> Exit {
    let mut loaded = match load(&rbac.files, style.diagnostics()) {
        Ok(loaded) => loaded,
        Err(rejected) => return describe::reject(&rejected),
    };
    for one in &mut loaded {
        rbac.nodes.apply(&mut one.scenario);
    }
    let (mut permissions, mut created) = (BTreeSet::new(), BTreeSet::new());
    for one in &loaded {
        permissions.extend(plan::permissions(&one.scenario));
        permissions.extend(plan::failsafe_permissions(&one.scenario));
        permissions.extend(plan::node_agent_permissions(&one.scenario, &rbac.nodes.node_agent_namespace));
        if rbac.undo {
            permissions.extend(plan::undo_permissions(None));
        }
        if rbac.apply_fixtures {
            created.extend(namespaces(one));
            permissions.extend(plan::fixture_permissions(&one.manifests, &one.scenario.target.namespace, &created));
        }
    }
    let permissions: Vec<Permission> = permissions.into_iter().collect();
    let text = plan::rbac(&permissions, &created, &rbac.namespace, &rbac.account);
    match describe::print(text.as_bytes()) {
        Exit::Passed => Exit::Passed,
        exit => fail("the roles could not be printed", exit),
    }
}

/// The namespaces in which fixtures are applied. A role cannot be in a namespace that is not there yet: these are made with
/// the roles, and runs then leave them where they are.
fn namespaces(loaded: &Loaded) -> BTreeSet<String> {
    let mut all = plan::namespaces_of_fixtures(&loaded.manifests);
    all.insert(loaded.scenario.target.namespace.clone());
    let within = loaded.manifests.iter().filter_map(|manifest| manifest.pointer("/metadata/namespace"));
    all.extend(within.filter_map(Value::as_str).map(str::to_owned));
    all
}
