//! Scenario × inventory × seed → steps.

use crate::scenario::{DataCheck, Fault, FaultKind, Scenario, StoreCheck};

use super::inventory::Inventory;
use super::model::{Action, Draw, HeldBy, Plan, Problem, ProblemKind, Step};
use super::{Group, chance, drain, etcd_member, guard, nodes, partition, permissions, pod_kill, taint};

/// Why a fault could not be resolved, before it is known as whose problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: ProblemKind,
    pub(super) message: String,
    pub(super) budget: Option<HeldBy>,
}

impl Trouble {
    pub(super) const fn no_target(message: String) -> Self {
        Self { kind: ProblemKind::NoTarget, message, budget: None }
    }

    pub(super) const fn refused(message: String) -> Self {
        Self { kind: ProblemKind::Refused, message, budget: None }
    }

    pub(super) const fn unprovable(message: String) -> Self {
        Self { kind: ProblemKind::Unprovable, message, budget: None }
    }

    pub(super) fn at(self, step: String) -> Problem {
        Problem { step, kind: self.kind, message: self.message, budget: self.budget }
    }
}

/// The whole plan. Steps that cannot or must not be done are left out, each with a [`Problem`].
///
/// `run` is the run's name; it becomes part of the names of everything that the run creates.
#[must_use]
pub fn make(scenario: &Scenario, inventory: &Inventory, seed: u64, run: &str) -> Plan {
    let (mut steps, mut problems) = (Vec::new(), Vec::new());
    for (fault, written) in scenario.faults.iter().enumerate() {
        for repeat in 0..written.times {
            match choose(scenario, inventory, seed, run, fault, repeat, &[]) {
                Ok(step) => steps.push(step),
                Err(problem) => problems.push(problem),
            }
        }
    }
    steps.sort_by_key(|step| (step.at, step.fault, step.repeat));
    let refused = guard::overlaps(scenario, inventory, &steps);
    steps.retain(|step| refused.iter().all(|problem| problem.step != step.id));
    problems.extend(refused);
    Plan {
        scenario: scenario.name.clone(),
        seed,
        steps,
        inside: inside(scenario),
        permissions: permissions::of(scenario),
        lifted: guard::lifted(scenario),
        problems,
    }
}

/// The clients of stores that start inside the cluster.
fn inside(scenario: &Scenario) -> Vec<String> {
    let checks = scenario.data.iter().filter_map(|check| match check {
        DataCheck::Store(check) if check.from_cluster() => Some(check),
        DataCheck::Store(_) | DataCheck::Set(_) | DataCheck::Volume(_) => None,
    });
    let line = |check: &StoreCheck| {
        let store = &check.store;
        let pods = store.service.as_ref().map(|service| {
            format!("the pods of {}, at the port behind {service}", Group::from(&scenario.target).describe())
        });
        let named = store.endpoints.iter().chain(&store.sentinels).map(|endpoint| endpoint.address.clone());
        let places: Vec<String> = pods.into_iter().chain(named).collect();
        format!("data {}: its clients speak to {}", check.name(), places.join(", "))
    };
    checks.map(|check| line(check)).collect()
}

/// One step, chosen on the inventory of its moment. The choice depends on nothing but the arguments: on an unchanged
/// inventory it is the one that [`make`] made. Guard rails hold here too, for this step beside those that are `in_force`.
///
/// # Errors
/// The problem, when nothing can be chosen, a guard rail forbids it, or its effect could not be proven.
///
/// # Panics
/// When the scenario has no fault of this index.
pub fn choose(
    scenario: &Scenario,
    inventory: &Inventory,
    seed: u64,
    run: &str,
    fault: usize,
    repeat: u32,
    in_force: &[Step],
) -> Result<Step, Problem> {
    let written = &scenario.faults[fault];
    let id = id(written, fault, repeat);
    let mut generator = chance::generator(seed, &format!("fault-{fault}-{repeat}"));
    let target = &scenario.target;
    let named = |action: Action| (action, None);
    let action = match &written.kind {
        FaultKind::PodKill(kind) => pod_kill::choose(kind, target, inventory, &mut generator),
        FaultKind::NetworkPartition(kind) => partition::choose(kind, target, inventory, run, &id).map(named),
        FaultKind::NodeDrain(kind) => nodes::drain(kind, target, inventory, &mut generator),
        FaultKind::NodeFailure(kind) => {
            nodes::failure(kind, target, inventory, &mut generator, &taint::taint_value(run, &id))
        }
        FaultKind::EtcdMemberReplace(kind) => etcd_member::choose(kind, target, inventory, &mut generator).map(named),
    };
    let step = action.map(|action| step(written, fault, repeat, id.clone(), action));
    let step = step.and_then(|step| {
        let rails = guard::check(scenario, inventory, &step, in_force);
        let touches = nodes::touches(&step.action, target, inventory);
        all([rails, touches, drain::can_end(&step.action, target, inventory)]).map(|()| step)
    });
    step.map_err(|trouble| trouble.at(id))
}

/// All troubles in one, of the kind of the first. That a budget stands in the way counts only when nothing else does.
pub(super) fn all(checks: impl IntoIterator<Item = Result<(), Trouble>>) -> Result<(), Trouble> {
    let mut troubles: Vec<Trouble> = checks.into_iter().filter_map(Result::err).collect();
    if troubles.len() < 2 {
        return troubles.pop().map_or(Ok(()), Err);
    }
    let message = troubles.iter().map(|trouble| trouble.message.as_str()).collect::<Vec<_>>().join("; ");
    Err(Trouble { kind: troubles[0].kind, message, budget: None })
}

fn step(fault: &Fault, index: usize, repeat: u32, id: String, chosen: (Action, Option<Draw>)) -> Step {
    let name = fault.name.clone().unwrap_or_else(|| fault.kind.word().to_owned());
    let name = if fault.times > 1 { format!("{name} {} of {}", repeat + 1, fault.times) } else { name };
    let at = fault.at.saturating_add(fault.every.unwrap_or_default().saturating_mul(repeat));
    let (action, drawn) = chosen;
    Step { id, name, fault: index, repeat, at, hold: fault.hold, action, drawn }
}

fn id(fault: &Fault, index: usize, repeat: u32) -> String {
    let id = format!("{}-{}", index + 1, fault.kind.word());
    if fault.times > 1 { format!("{id}-{}", repeat + 1) } else { id }
}
