//! How many replicas the stated CPU of a target's pods asks for (`replica_calculator.go`). Pure.

use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec};
use k8s_openapi::api::core::v1::Pod;

use crate::Object;
use crate::controllers::pod;
use crate::scheduler::quantity::milli;

/// Annotation with the CPU that a pod uses.
const USAGE: &str = "embedded.driftproof.dev/cpu-usage";
/// `--horizontal-pod-autoscaler-tolerance`, in thousandths: a ratio so near to 1 changes nothing.
const TOLERANCE: i64 = 100;

/// How far usage may be below and above its target without a change, in thousandths of the target.
#[derive(Clone, Copy)]
struct Tolerances {
    below: i64,
    above: i64,
}

impl Tolerances {
    fn of(spec: &HorizontalPodAutoscalerSpec) -> Self {
        let behavior = spec.behavior.as_ref();
        let read = |rules: Option<&HPAScalingRules>| rules.and_then(|rules| milli(&rules.tolerance.as_ref()?.0));
        Self {
            below: read(behavior.and_then(|behavior| behavior.scale_down.as_ref())).unwrap_or(TOLERANCE),
            above: read(behavior.and_then(|behavior| behavior.scale_up.as_ref())).unwrap_or(TOLERANCE),
        }
    }

    /// Whether the difference is too small to matter (`isWithin`).
    fn cover(self, have: i64, want: i64) -> bool {
        have * 1000 >= want * (1000 - self.below) && have * 1000 <= want * (1000 + self.above)
    }
}

/// Why no number can be computed: reason, and for a person.
pub(super) type Unknown = (&'static str, String);

/// The replicas that the metrics ask for; several metrics give the largest number.
///
/// # Errors
/// The first metric that cannot be read, when no other asks for more than there are.
pub(super) fn replicas(spec: &HorizontalPodAutoscalerSpec, pods: &[Arc<Object>], current: i64) -> Result<i64, Unknown> {
    let tolerances = Tolerances::of(spec);
    let mut largest: Option<i64> = None;
    let mut unknown = None;
    for metric in spec.metrics.iter().flatten() {
        match one(metric, pods, current, tolerances) {
            Ok(number) => largest = Some(largest.map_or(number, |known| known.max(number))),
            Err(why) => drop(unknown.get_or_insert(why)),
        }
    }
    match (largest, unknown) {
        (Some(number), None) => Ok(number),
        // With a metric missing nothing is scaled down.
        (Some(number), Some(_)) if number > current => Ok(number),
        (_, Some(why)) => Err(why),
        (None, None) => Ok(current),
    }
}

fn one(metric: &MetricSpec, pods: &[Arc<Object>], current: i64, tolerances: Tolerances) -> Result<i64, Unknown> {
    let Some(resource) = metric.resource.as_ref().filter(|resource| resource.name == "cpu") else {
        return Err(unserved(metric));
    };
    let ready: Vec<_> = pods.iter().filter(|pod| pod::is_active(pod) && pod::is_ready(pod)).collect();
    let usage: Option<Vec<i64>> = ready.iter().map(|pod| milli(pod.annotation(USAGE)?)).collect();
    let Some(usage) = usage.filter(|usage| !usage.is_empty()) else { return Err(unserved(metric)) };
    let total: i64 = usage.iter().sum();
    let count = i64::try_from(usage.len()).unwrap_or(i64::MAX);
    let target = &resource.target;
    let (have, want) = if let Some(percent) = target.average_utilization {
        let requests: Option<Vec<i64>> = ready.iter().map(|pod| requested(pod)).collect();
        let Some(requests) = requests else {
            let name = ready.iter().find(|pod| requested(pod).is_none()).map(|pod| pod.text("/metadata/name"));
            let why = format!("missing request for cpu in a container of Pod {}", name.unwrap_or_default());
            return Err(("FailedGetResourceMetric", failed("failed to get cpu utilization", &why)));
        };
        (total * 100, i64::from(percent) * requests.iter().sum::<i64>())
    } else {
        let value = target.average_value.as_ref().and_then(|value| milli(&value.0)).unwrap_or_default();
        (total, value * count)
    };
    if want <= 0 || tolerances.cover(have, want) {
        return Ok(current);
    }
    Ok((have * count + want - 1) / want)
}

/// What a pod's containers ask for together; `None` when one asks for nothing.
fn requested(pod: &Object) -> Option<i64> {
    let containers = &pod.typed::<Pod>().spec.as_ref()?.containers;
    let cpu = |container: &k8s_openapi::api::core::v1::Container| {
        milli(&container.resources.as_ref()?.requests.as_ref()?.get("cpu")?.0)
    };
    containers.iter().map(cpu).sum()
}

fn failed(what: &str, why: &str) -> String {
    format!("the HPA was unable to compute the replica count: {what}: {why}")
}

/// What a cluster without a server for this kind of metric says.
fn unserved(metric: &MetricSpec) -> Unknown {
    let group = |reason, api: &str, what: &str| {
        let why = format!("unable to fetch metrics from {api}: the server could not find the requested resource");
        (reason, failed(what, &why))
    };
    match metric.type_.as_str() {
        "Pods" => group("FailedGetPodsMetric", "custom metrics API", "unable to get metric"),
        "Object" => group("FailedGetObjectMetric", "custom metrics API", "unable to get metric"),
        "External" => group("FailedGetExternalMetric", "external metrics API", "unable to get external metric"),
        kind => {
            let resource = metric.resource.as_ref().map(|resource| resource.name.as_str());
            let inner = metric.container_resource.as_ref().map(|resource| resource.name.as_str());
            let name = resource.or(inner).unwrap_or("cpu");
            let what = format!("failed to get {name} utilization: unable to get metrics for resource {name}");
            let why = "unable to fetch metrics from resource metrics API: \
                       the server could not find the requested resource (get pods.metrics.k8s.io)";
            let of_container = kind == "ContainerResource";
            let reason = if of_container { "FailedGetContainerResourceMetric" } else { "FailedGetResourceMetric" };
            (reason, failed(&what, why))
        }
    }
}
