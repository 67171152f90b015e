//! Amounts of resources: what a node can give and what a pod asks for.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::quantity::{milli, whole};

/// CPU that a container without a request counts with when nodes are scored (`DefaultMilliCPURequest`).
const SCORED_CPU: i64 = 100;
/// Memory that a container without a request counts with when nodes are scored (`DefaultMemoryRequest`).
const SCORED_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts by resource name: CPU in thousandths, everything else in whole units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resources {
    amounts: BTreeMap<String, i64>,
}

impl Resources {
    /// Reads a `ResourceList`; what is no quantity counts as nothing.
    pub(super) fn read(list: Option<&BTreeMap<String, Quantity>>) -> Self {
        let amounts = list.into_iter().flatten().map(|(name, amount)| {
            let amount = if name == "cpu" { milli(&amount.0) } else { whole(&amount.0) };
            (name.clone(), amount.unwrap_or_default())
        });
        Self { amounts: amounts.collect() }
    }

    pub(super) fn get(&self, name: &str) -> i64 {
        self.amounts.get(name).copied().unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.amounts.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (name, amount) in &other.amounts {
            *self.entry(name) += amount;
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        for (name, amount) in &other.amounts {
            *self.entry(name) -= amount;
        }
    }

    fn raise_to(&mut self, other: &Self) {
        for (name, amount) in &other.amounts {
            let known = self.entry(name);
            *known = (*known).max(*amount);
        }
    }

    fn entry(&mut self, name: &str) -> &mut i64 {
        if !self.amounts.contains_key(name) {
            self.amounts.insert(name.to_owned(), 0);
        }
        self.amounts.get_mut(name).expect("it was just put there")
    }
}

/// What a pod takes from its node: the larger of its running containers together and of its init containers one by
/// one, sidecars counting from their place in the order (`resourcehelper.PodRequests`).
pub(super) fn requests(spec: &PodSpec) -> Resources {
    pod_total(spec, |container| {
        Resources::read(container.resources.as_ref().and_then(|resources| resources.requests.as_ref()))
    })
}

/// The same with defaults for containers that ask for nothing, as scores use it.
pub(super) fn scored_requests(spec: &PodSpec) -> Resources {
    pod_total(spec, |container| {
        let asked = Resources::read(container.resources.as_ref().and_then(|resources| resources.requests.as_ref()));
        let mut amounts = BTreeMap::new();
        for (name, default) in [("cpu", SCORED_CPU), ("memory", SCORED_MEMORY)] {
            amounts.insert(name.to_owned(), asked.amounts.get(name).copied().unwrap_or(default));
        }
        Resources { amounts }
    })
}

fn pod_total(spec: &PodSpec, asked: impl Fn(&Container) -> Resources) -> Resources {
    let mut sidecars = Resources::default();
    let mut largest = Resources::default();
    for container in spec.init_containers.iter().flatten() {
        let mut step = asked(container);
        if container.restart_policy.as_deref() == Some("Always") {
            sidecars.add(&step);
            largest.raise_to(&sidecars);
        } else {
            step.add(&sidecars);
            largest.raise_to(&step);
        }
    }
    let mut total = sidecars;
    for container in &spec.containers {
        total.add(&asked(container));
    }
    total.raise_to(&largest);
    total.add(&Resources::read(spec.overhead.as_ref()));
    total
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn container(cpu: &str) -> Value {
        json!({ "name": "c", "resources": { "requests": { "cpu": cpu } } })
    }

    fn sidecar(cpu: &str) -> Value {
        let mut value = container(cpu);
        value["restartPolicy"] = json!("Always");
        value
    }

    #[test]
    fn a_pod_asks_for_its_widest_moment() {
        for (init, main, expected) in [
            (json!([]), json!([container("1"), container("500m")]), 1500),
            (json!([container("3"), container("2")]), json!([container("1")]), 3000),
            (json!([sidecar("1"), container("1")]), json!([container("500m")]), 2000),
            (json!([container("1"), sidecar("1")]), json!([container("500m")]), 1500),
        ] {
            let spec: PodSpec =
                serde_json::from_value(json!({ "initContainers": init, "containers": main })).expect("a spec");
            assert_eq!(requests(&spec).get("cpu"), expected, "{init} {main}");
        }
    }

    #[test]
    fn scores_count_containers_that_ask_for_nothing() {
        let spec: PodSpec = serde_json::from_value(json!({ "containers": [{ "name": "a" }] })).expect("a spec");
        assert_eq!(scored_requests(&spec).get("cpu"), SCORED_CPU);
        assert_eq!(requests(&spec).get("cpu"), 0);
    }
}
