//! What the workloads of a run write into stores, as its record on the cluster tells it: when the runner dies, nobody else
//! can say which keys may be left. Reaches no store, and takes no command from a cluster: only names that are plain.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::scenario::{DataCheck, Scenario};
use crate::store::postgres::PostgresOptions;
use crate::workload::StoreKind;

/// The keys of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    /// Name of the check.
    check: String,
    store: StoreKind,
    /// The Service or the endpoints.
    at: String,
    /// All keys begin with it.
    prefix: String,
}

/// What all keys of a check begin with.
pub(super) fn prefix(run: &str, index: usize) -> String {
    format!("driftproof-{run}-{index}-")
}

/// What the workloads of a scenario are going to write, as data.
pub(super) fn of(scenario: &Scenario, run: &str) -> Value {
    let checks = scenario.data.iter().enumerate().filter_map(|(index, check)| match check {
        // What is written into the embedded cluster's own store ends with it.
        DataCheck::Store(check) if check.store.kind != StoreKind::Kv => {
            let endpoints = check.store.endpoints.iter().map(|endpoint| endpoint.name.clone());
            let at = check.store.service.iter().map(ToString::to_string).chain(endpoints);
            let at = at.collect::<Vec<_>>().join(", ");
            Some(Written { check: check.name().to_owned(), store: check.store.kind, at, prefix: prefix(run, index) })
        }
        DataCheck::Store(_) | DataCheck::Set(_) | DataCheck::Volume(_) => None,
    });
    json!(checks.collect::<Vec<Written>>())
}

/// For people: what may be left of what a record names, and what removes it. What cannot be read says nothing.
pub(super) fn told(record: &Value) -> Vec<String> {
    let all: Vec<Written> = serde_json::from_value(record.clone()).unwrap_or_default();
    all.iter().map(tell).collect()
}

fn tell(written: &Written) -> String {
    let Written { check, store, at, prefix } = written;
    let at = if at.is_empty() { String::new() } else { format!(" at {at}") };
    let what = format!("keys that begin with {prefix} may be left in the store of data {check}, {}{at}", store.name());
    match remedy(*store, prefix).filter(|_| is_plain(prefix)) {
        Some(remedy) => format!("{what}; {remedy}"),
        None => what,
    }
}

/// A prefix of ours, which no shell and no store reads as anything else.
fn is_plain(prefix: &str) -> bool {
    prefix.strip_prefix("driftproof-").is_some_and(|rest| rest.len() > 1)
        && prefix.ends_with('-')
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn remedy(store: StoreKind, prefix: &str) -> Option<String> {
    match store {
        StoreKind::Etcd => Some(format!("run there: etcdctl del --prefix {prefix}")),
        StoreKind::Redis => Some(format!("run there: redis-cli --scan --pattern '{prefix}*' | xargs -r redis-cli del")),
        StoreKind::Postgres => {
            let schema = PostgresOptions::default().schema;
            Some(format!("they are in a schema of our own, run there: drop schema if exists {schema} cascade"))
        }
        StoreKind::Command => {
            Some(format!("the program's own request removes them: {}", json!({ "op": "remove", "k": prefix })))
        }
        StoreKind::Http => Some("the service has no request that removes them".to_owned()),
        StoreKind::Kv => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(checks: &str) -> Scenario {
        let head = "name = \"a\"\n[target]\nnamespace = \"shop\"\nworkload = \"statefulset/db\"\n[[fault]]\nkind = \"pod-kill\"\n";
        crate::scenario::parse("a.toml", &format!("{head}{checks}")).expect("a scenario")
    }

    #[test]
    fn each_store_is_named_with_what_removes_its_keys() {
        let checks = "
            [[data]]
            kind = \"volume\"
            path = \"/data\"
            [[data]]
            name = \"kept\"
            kind = \"register\"
            store = { kind = \"etcd\", service = \"etcd:2379\" }
            [[data]]
            name = \"cached\"
            kind = \"register\"
            store = { kind = \"redis\", endpoints = [\"a=10.0.0.7:6379\"] }
            [[data]]
            name = \"ours\"
            kind = \"register\"
            store = { kind = \"kv\", service = \"db:80\" }";
        assert_eq!(
            told(&of(&scenario(checks), "r7")),
            [
                "keys that begin with driftproof-r7-1- may be left in the store of data kept, etcd at etcd:2379; run there: etcdctl del --prefix driftproof-r7-1-",
                "keys that begin with driftproof-r7-2- may be left in the store of data cached, redis at a; run there: redis-cli --scan --pattern 'driftproof-r7-2-*' | xargs -r redis-cli del",
            ]
        );
    }

    #[test]
    fn a_record_that_means_harm_gives_no_command() {
        for prefix in ["", "driftproof-", "driftproof-a; rm -rf /-", "driftproof-$(id)-", "shop-", "driftproof-*-"] {
            let record = json!([{ "check": "a", "store": "etcd", "at": "", "prefix": prefix }]);
            let told = told(&record).join("");
            assert!(told.contains("may be left") && !told.contains("etcdctl"), "{told}");
        }
        assert_eq!(told(&json!([{ "store": "abacus" }])), [""; 0]);
        assert_eq!(told(&Value::Null), [""; 0]);
    }
}
