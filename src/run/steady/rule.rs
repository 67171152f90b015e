//! The rule of the steady state, on one picture. Names what is missing, for people.

use crate::scenario::{Scenario, WorkloadKind};

use super::super::observe::{Picture, PodState, Strength};

/// Names that are listed before the rest is counted.
const NAMES: usize = 3;

/// Whether the target is steady.
///
/// # Errors
/// What is missing.
pub(in crate::run) fn judge(scenario: &Scenario, picture: &Picture) -> Result<(), String> {
    if let Some((what, reason)) = picture.blind.iter().next() {
        return Err(format!("{what} cannot be observed: {reason}"));
    }
    pods(scenario, picture)?;
    beside(picture)?;
    endpoints(picture)?;
    probes(scenario, picture)
}

/// Every wanted replica has a pod that is Ready, is not being deleted, and runs on a node that is Ready.
fn pods(scenario: &Scenario, picture: &Picture) -> Result<(), String> {
    let desired = desired(scenario, picture)?;
    let ready = picture.strong.len();
    if ready >= desired {
        return Ok(());
    }
    let name = crate::plan::Group::from(&scenario.target).describe();
    let mut missing: Vec<&PodState> =
        picture.target_pods().filter(|state| state.wanted() && !picture.strong.contains(&state.seen.uid)).collect();
    missing.sort_by(|a, b| a.seen.name.cmp(&b.seen.name));
    let mut why: Vec<String> = missing.iter().take(NAMES).map(|state| why_not(state, picture)).collect();
    if missing.len() > NAMES {
        why.push(format!("and {} more", missing.len() - NAMES));
    }
    let terminating = picture.target_pods().filter(|state| state.terminating()).count();
    if terminating > 0 {
        why.push(format!("{terminating} terminating"));
    }
    let absent = desired > ready + missing.len();
    let refused =
        scenario.target.workload.as_ref().filter(|_| absent).and_then(|workload| picture.not_created(workload));
    if let Some(refused) = refused {
        why.insert(0, format!("{} cannot be created, {refused}", count(desired - ready - missing.len())));
    } else if why.is_empty() {
        why.push(format!("{} not there", are(desired - ready)));
    }
    Err(format!("{ready} of {desired} pods of {name} are ready: {}", why.join("; ")))
}

/// What faults name beside the target is at full strength too: before the first steady state every pod that is there,
/// afterwards as many as then.
fn beside(picture: &Picture) -> Result<(), String> {
    for (index, pods) in picture.beside().into_iter().enumerate() {
        let ready = pods.iter().filter(|state| picture.serves(state)).count();
        let mut missing: Vec<&PodState> =
            pods.into_iter().filter(|state| state.wanted() && !picture.serves(state)).collect();
        let wanted = match &picture.strength {
            Some(strength) => strength.beside.get(index).copied().unwrap_or_default(),
            None => ready + missing.len(),
        };
        if ready < wanted {
            missing.sort_by(|a, b| a.seen.name.cmp(&b.seen.name));
            let why = missing.first().map(|state| why_not(state, picture));
            let why = why.unwrap_or_else(|| format!("{} not there", are(wanted - ready)));
            return Err(format!("{ready} of {wanted} pods that a fault names beside the target are ready: {why}"));
        }
    }
    Ok(())
}

fn count(pods: usize) -> String {
    if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") }
}

fn are(pods: usize) -> String {
    if pods == 1 { "1 is".to_owned() } else { format!("{pods} are") }
}

/// Whether pods are missing, without saying which: cheap enough to ask at every change of a large target.
pub(in crate::run) fn understaffed(scenario: &Scenario, picture: &Picture) -> bool {
    desired(scenario, picture).is_ok_and(|desired| picture.strong.len() < desired)
}

/// How many pods are wanted.
fn desired(scenario: &Scenario, picture: &Picture) -> Result<usize, String> {
    let target = &scenario.target;
    let name = || crate::plan::Group::from(target).describe();
    let desired = match &target.workload {
        None => match &picture.strength {
            Some(strength) => strength.pods,
            None => picture.wanted.len(),
        },
        Some(workload) if workload.kind == WorkloadKind::Pod => 1,
        Some(workload) => {
            let Some(seen) = &picture.workload else { return Err(format!("there is no {}", name())) };
            if seen.observed < seen.generation {
                return Err(format!("the last change of {} was not taken up yet", name()));
            }
            let wanted = seen.desired as usize;
            // Its controller takes a lost node out of the number; what it wanted at the steady state is the measure.
            match &picture.strength {
                Some(strength) if workload.kind == WorkloadKind::DaemonSet => wanted.max(strength.pods),
                Some(_) | None => wanted,
            }
        }
    };
    if desired > 0 {
        return Ok(desired);
    }
    Err(match &target.workload {
        Some(_) => format!("{} wants no pods", name()),
        None => format!("there are no pods of {}", name()),
    })
}

fn why_not(state: &PodState, picture: &Picture) -> String {
    let (pod, seen) = (&state.seen.name, &state.seen);
    let not_ready = |node: &&crate::evidence::NodeSeen| node.ready != "True";
    if let Some(node) = picture.nodes.get(&seen.node).filter(not_ready) {
        return format!("{pod} is on {}, which is not Ready ({})", node.name, node.reason);
    }
    if !seen.waits_for.is_empty() {
        let state = if seen.phase == "Running" { "Running, not Ready" } else { seen.phase.as_str() };
        return format!("{pod} is {state}: {}", seen.waits_for);
    }
    // That the pod cannot be scheduled follows from this.
    let claim = seen.claims.iter().find_map(|claim| Some((claim, picture.unprovisioned(claim)?)));
    if let Some((claim, why)) = claim.filter(|_| seen.node.is_empty()) {
        return format!("{pod} is {}: claim {claim} has no volume (ProvisioningFailed: {why})", seen.phase);
    }
    let waiting = seen.containers.iter().find(|container| !container.reason.is_empty());
    let waiting = waiting.map(|container| format!(", container {}: {}", container.name, container.reason));
    let warning = picture.warnings.get(&seen.uid).map(|warning| format!(" ({warning})"));
    let state = if seen.phase == "Running" { "Running, not Ready" } else { seen.phase.as_str() };
    format!("{pod} is {state}{}{}", waiting.unwrap_or_default(), warning.unwrap_or_default())
}

/// Before the first steady state every endpoint must be ready; afterwards as many as then.
fn endpoints(picture: &Picture) -> Result<(), String> {
    for ((namespace, service), endpoints) in &picture.endpoints {
        let ready = endpoints.ready();
        let wanted = match &picture.strength {
            Some(strength) => {
                strength.endpoints.get(&(namespace.clone(), service.clone())).copied().unwrap_or_default()
            }
            None => endpoints.pods.values().filter(|endpoint| !endpoint.terminating).count().max(1),
        };
        if ready < wanted {
            return Err(format!("{ready} of {wanted} endpoints of service {namespace}/{service} are ready"));
        }
    }
    Ok(())
}

/// Every probe of the target is answered.
fn probes(scenario: &Scenario, picture: &Picture) -> Result<(), String> {
    let all = scenario.probes.iter().zip(&picture.probes);
    for (probe, answers) in all.filter(|(probe, _)| !probe.control) {
        answers.judge().map_err(|why| format!("probe {} {why}", probe.name))?;
    }
    Ok(())
}

/// What full strength is at this moment, to be demanded again later.
pub(in crate::run) fn strength(picture: &Picture) -> Strength {
    Strength {
        pods: picture.strong.len(),
        beside: picture
            .beside()
            .into_iter()
            .map(|pods| pods.into_iter().filter(|state| picture.serves(state)).count())
            .collect(),
        endpoints: picture.endpoints.iter().map(|(key, endpoints)| (key.clone(), endpoints.ready())).collect(),
    }
}
