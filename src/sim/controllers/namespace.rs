//! The namespace controller: a terminating namespace loses its contents, then its `kubernetes` finalizer.

use serde_json::{Value, json};

use super::pod::key_of;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, State};

/// Reconciles one namespace.
pub(super) fn sync(state: &mut State, key: &Key) {
    let Some(namespace) = state.store.get(Kind::Namespace, key).cloned() else { return };
    if !namespace.is_terminating() {
        return;
    }
    if namespace.text("/status/phase") != "Terminating" {
        let _ = state.modify_value(Kind::Namespace, key, |value| value["status"]["phase"] = json!("Terminating"));
    }
    if delete_contents(state, &key.name) {
        finalize(state, key);
    }
    // What is left comes back to this queue when it goes (`watch`).
}

/// Deletes everything in a namespace that is not on its way out yet; tells whether nothing is left.
fn delete_contents(state: &mut State, namespace: &str) -> bool {
    let options = DeleteOptions { propagation: Some("Background".to_owned()), ..DeleteOptions::default() };
    let kinds: Vec<Kind> = state.store.kinds().filter(|kind| kind.facts().namespaced).collect();
    for kind in kinds.iter().copied() {
        let contents = state.store.in_namespace(kind, namespace).filter(|(_, object)| !object.is_terminating());
        let keys: Vec<Key> = contents.map(|(_, object)| key_of(object)).collect();
        for key in keys {
            let _ = state.delete(kind, &key, &options);
        }
    }
    kinds.into_iter().all(|kind| state.store.in_namespace(kind, namespace).next().is_none())
}

fn finalize(state: &mut State, key: &Key) {
    let _ = state.modify_value(Kind::Namespace, key, |value| {
        if let Some(finalizers) = value.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|finalizer| finalizer.as_str() != Some("kubernetes"));
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::controllers::testing::{NS, cluster, create, end_terminating, run, start_all, template};
    use crate::registry::DeleteOptions;
    use crate::{Key, Kind};

    #[test]
    fn a_namespace_goes_after_its_contents() {
        let mut state = cluster();
        let mut pod = template("web", "web:1");
        pod["metadata"]["name"] = json!("web");
        create(&mut state, Kind::Pod, pod);
        create(&mut state, Kind::ConfigMap, json!({ "metadata": { "name": "config" } }));
        start_all(&mut state, "worker-1");
        run(&mut state, 1);
        let key = Key::cluster(NS);
        state.delete(Kind::Namespace, &key, &DeleteOptions::default()).expect("the namespace exists");
        run(&mut state, 5);
        assert_eq!(state.store.in_namespace(Kind::ConfigMap, NS).count(), 0);
        assert!(state.store.find(Kind::Pod, NS, "web").expect("it ends gracefully").is_terminating());
        let namespace = state.store.get(Kind::Namespace, &key).expect("it waits for the pod");
        assert_eq!(namespace.text("/status/phase"), "Terminating");
        end_terminating(&mut state);
        run(&mut state, 5);
        assert!(state.store.get(Kind::Namespace, &key).is_none());
        assert!(state.store.in_namespace(Kind::Event, NS).next().is_none());
        assert!(state.store.find(Kind::ServiceAccount, NS, "default").is_none(), "none is made in a dying namespace");
    }
}
