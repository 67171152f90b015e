//! What a Job makes of a failed pod (`podFailurePolicy`) and of succeeded indexes (`successPolicy`). Pure.

use k8s_openapi::api::batch::v1::{
    JobSpec, PodFailurePolicyOnExitCodesRequirement as ExitCodes, PodFailurePolicyRule, SuccessPolicyRule,
};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::indexes::{self, Indexes};
use crate::Object;
use crate::controllers::pod;

/// What a failure counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Towards the limit of failures.
    Count,
    /// Not at all.
    Ignore,
    /// As the end of its index.
    FailIndex,
    /// As the end of the Job, and why.
    FailJob(String),
}

/// Whether a terminating pod is waited for until it has really failed (`podReplacementPolicy: Failed`).
pub(super) fn waits_for_failure(spec: &JobSpec) -> bool {
    match spec.pod_replacement_policy.as_deref() {
        Some(policy) => policy == "Failed",
        None => spec.pod_failure_policy.is_some(),
    }
}

/// Whether a pod has failed: it says so, or it is being deleted and nobody waits for it to say so.
pub(super) fn has_failed(spec: &JobSpec, object: &Object) -> bool {
    let phase = pod::phase(object);
    phase == "Failed" || (!waits_for_failure(spec) && object.is_terminating() && phase != "Succeeded")
}

/// What a pod's failure counts as: the first rule that matches decides.
pub(super) fn of_failure(spec: &JobSpec, object: &Object) -> Action {
    let rules = spec.pod_failure_policy.iter().flat_map(|policy| policy.rules.iter().enumerate());
    let matched = rules.filter_map(|(index, rule)| Some((index, rule, cause(rule, object)?)));
    for (index, rule, cause) in matched {
        match rule.action.as_str() {
            "Ignore" => return Action::Ignore,
            "FailIndex" => return Action::FailIndex,
            "Count" => return Action::Count,
            "FailJob" => return Action::FailJob(format!("{cause} matching FailJob rule at index {index}")),
            _ => {}
        }
    }
    Action::Count
}

/// What of a pod a rule matches, for a person.
fn cause(rule: &PodFailurePolicyRule, object: &Object) -> Option<String> {
    let (namespace, name) = (object.text("/metadata/namespace"), object.text("/metadata/name"));
    let status = object.typed::<Pod>().status.as_ref()?;
    if let Some(wanted) = &rule.on_exit_codes {
        let lists = [&status.container_statuses, &status.init_container_statuses];
        let all = lists.into_iter().flatten().flatten();
        let found = all.filter_map(|container| Some((container, exit_code(container)?)));
        let (container, code) = found.into_iter().find(|(container, code)| matches(wanted, container, *code))?;
        return Some(format!("Container {} for pod {namespace}/{name} failed with exit code {code}", container.name));
    }
    let patterns = rule.on_pod_conditions.iter().flatten();
    let known = |type_: &str, wanted: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|condition| condition.type_ == type_ && condition.status == wanted)
    };
    let hit = patterns
        .map(|pattern| {
            (pattern.type_.as_str(), pattern.status.as_deref().filter(|status| !status.is_empty()).unwrap_or("True"))
        })
        .find(|(type_, wanted)| known(type_, wanted))?;
    Some(format!("Pod {namespace}/{name} has condition {}", hit.0))
}

fn exit_code(container: &ContainerStatus) -> Option<i32> {
    container.state.as_ref()?.terminated.as_ref().map(|ended| ended.exit_code).filter(|code| *code != 0)
}

fn matches(wanted: &ExitCodes, container: &ContainerStatus, code: i32) -> bool {
    let listed = wanted.values.contains(&code);
    wanted.container_name.as_deref().is_none_or(|name| name == container.name)
        && match wanted.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            _ => false,
        }
}

/// The first rule of a success policy that the succeeded indexes satisfy, as a message.
pub(super) fn of_success(spec: &JobSpec, succeeded: &Indexes) -> Option<String> {
    let completions = completions(spec);
    let holds = |rule: &SuccessPolicyRule| {
        let enough = |count: usize| {
            rule.succeeded_count.is_some_and(|wanted| usize::try_from(wanted).is_ok_and(|wanted| wanted <= count))
        };
        match &rule.succeeded_indexes {
            None => enough(succeeded.len()),
            Some(text) => {
                let wanted = indexes::parse(text, completions);
                let reached = wanted.intersection(succeeded).count();
                !wanted.is_empty() && (reached == wanted.len() || enough(reached))
            }
        }
    };
    if succeeded.is_empty() {
        return None;
    }
    let index = spec.success_policy.as_ref()?.rules.iter().position(holds)?;
    Some(format!("Matched rules at index {index}"))
}

/// `completions` as a bound of indexes.
pub(super) fn completions(spec: &JobSpec) -> u32 {
    spec.completions.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// Whether the Job's pods are told apart by an index.
pub(super) fn is_indexed(spec: &JobSpec) -> bool {
    spec.completion_mode.as_deref() == Some("Indexed")
}
