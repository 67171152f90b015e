//! Injections, from intent to proof of healing.

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds;
use crate::evidence;
use crate::measure::FaultSpan;

/// One injection.
#[derive(Serialize, JsonSchema)]
pub(super) struct Fault<'a> {
    /// The plan's step: `1-pod-kill`.
    step: &'a str,
    /// Name for people.
    name: &'a str,
    /// `pod-kill` and so on, as in the scenario.
    kind: &'a str,
    /// What was chosen: `shop/web-1`, `worker-2`.
    targets: &'a [String],
    /// First API call of the injection; null when it was not injected.
    injected_at_s: Option<f64>,
    /// Healed and verified; null when it was not, or when there was nothing to heal.
    healed_at_s: Option<f64>,
    /// When the target was at full strength with steady probes after it; null when never.
    recovered_at_s: Option<f64>,
    /// From injection to recovery; null when it never recovered.
    rto_s: Option<f64>,
    /// Whether it bit; null when no proof was recorded.
    proof: Option<Proof<'a>>,
    /// Whether it was gone afterwards; null when no proof was recorded, or when there was nothing to heal.
    heal_proof: Option<Proof<'a>>,
    /// Why it could not be chosen, injected or healed; empty when all went well.
    problem: &'a str,
}

/// Evidence that something took effect.
#[derive(Serialize, JsonSchema)]
struct Proof<'a> {
    /// Whether it is proven.
    proven: bool,
    /// What was seen, on what.
    statement: &'a str,
    /// The single connections that were tried.
    connections: Vec<Connection<'a>>,
}

/// Traffic over one path.
#[derive(Serialize, JsonSchema)]
struct Connection<'a> {
    /// `outside → shop/web-1:8080`.
    path: &'a str,
    /// `new`, or `established` before the fault.
    connection: &'static str,
    /// Whether traffic passed before the fault.
    passed_before: bool,
    /// Whether it passed when it was tried for the proof.
    passed_then: bool,
}

impl<'a> Fault<'a> {
    pub(super) fn of(fault: &'a FaultSpan) -> Self {
        Self {
            step: &fault.step,
            name: &fault.name,
            kind: &fault.kind,
            targets: &fault.targets,
            injected_at_s: fault.injected.map(seconds),
            healed_at_s: fault.healed.map(seconds),
            recovered_at_s: fault.recovered.map(seconds),
            rto_s: fault.rto().map(seconds),
            proof: fault.proof.as_ref().map(proof),
            heal_proof: fault.heal_proof.as_ref().map(proof),
            problem: &fault.problem,
        }
    }
}

fn proof(proof: &evidence::Proof) -> Proof<'_> {
    let connections = proof.canaries.iter().map(|canary| Connection {
        path: &canary.path,
        connection: match canary.connection {
            evidence::Connection::New => "new",
            evidence::Connection::Established => "established",
        },
        passed_before: canary.before,
        passed_then: canary.now,
    });
    Proof { proven: proof.proven, statement: &proof.statement, connections: connections.collect() }
}
