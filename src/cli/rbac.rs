//! `driftproof rbac`: the service account and the roles that scenarios need on a live cluster, as YAML. Asks no cluster.

use std::collections::BTreeSet;

use driftproof::plan::{self, Permission};
use driftproof::scenario::{PROTECTED_NAMESPACES, Scopes, objects};

use super::args::Rbac;
use super::describe;
use super::exit::Exit;
use super::load::{Loaded, load};
use super::style::Style;

/// `driftproof rbac`.
pub(super) fn rbac(rbac: &Rbac, style: Style) -> Exit {
    let mut loaded = match load(&rbac.files, style.diagnostics()) {
        Ok(loaded) => loaded,
        Err(rejected) => return describe::reject(&rejected),
    };
    for one in &mut loaded {
        rbac.nodes.apply(&mut one.scenario);
    }
    let (mut permissions, mut there) = (BTreeSet::new(), BTreeSet::new());
    for one in &loaded {
        permissions.extend(plan::permissions(&one.scenario));
        permissions.extend(plan::failsafe_permissions(&one.scenario));
        permissions.extend(plan::node_agent_permissions(&one.scenario, &rbac.nodes.node_agent_namespace));
        if rbac.undo {
            permissions.extend(plan::undo_permissions(None));
        }
        if rbac.apply_fixtures {
            there.extend(namespaces(one));
            permissions.extend(plan::fixture_permissions(&one.scenario, &one.manifests, &there));
        }
    }
    let permissions: Vec<Permission> = permissions.into_iter().collect();
    // Those of the cluster itself are there on every cluster.
    let created: BTreeSet<String> =
        there.into_iter().filter(|name| !PROTECTED_NAMESPACES.contains(&name.as_str())).collect();
    let text = plan::rbac(&permissions, &created, &rbac.namespace, &rbac.account);
    describe::product(text.as_bytes())
}

/// The namespaces in which fixtures are applied. A role cannot be in a namespace that is not there yet: these are made with
/// the roles, and runs then leave them where they are.
fn namespaces(loaded: &Loaded) -> BTreeSet<String> {
    let scopes = Scopes::new(&loaded.scenario, &loaded.manifests);
    let homes = loaded.manifests.iter().flat_map(objects).filter_map(|object| scopes.home(object).map(str::to_owned));
    homes.chain([loaded.scenario.target.namespace.clone()]).collect()
}
