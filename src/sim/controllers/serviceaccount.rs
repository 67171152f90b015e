//! The service account controller: a `default` account in every namespace.

use serde_json::json;

use super::queue::TryAgain;
use crate::{Key, Kind, State};

/// The account's name.
pub(super) const DEFAULT: &str = "default";

/// Makes sure that a namespace (the key) has its default account.
pub(super) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(namespace) = state.store.get(Kind::Namespace, key) else { return Ok(()) };
    if namespace.is_terminating() || state.store.find(Kind::ServiceAccount, &key.name, DEFAULT).is_some() {
        return Ok(());
    }
    let account = json!({ "metadata": { "name": DEFAULT, "namespace": key.name } });
    state.create(Kind::ServiceAccount, account).map(drop).map_err(|_| TryAgain)
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{NS, cluster, delete, run};
    use crate::{Kind, State};

    #[test]
    fn every_namespace_has_a_default_account() {
        let accounts = |state: &State| state.store.all(Kind::ServiceAccount).count();
        let mut state = cluster();
        run(&mut state, 1);
        assert_eq!(accounts(&state), 5, "four system namespaces and the test's own");
        let account = state.store.find(Kind::ServiceAccount, NS, "default").expect("an account").uid().to_owned();
        delete(&mut state, Kind::ServiceAccount, "default");
        run(&mut state, 1);
        assert_ne!(state.store.find(Kind::ServiceAccount, NS, "default").expect("a new one").uid(), account);
    }
}
