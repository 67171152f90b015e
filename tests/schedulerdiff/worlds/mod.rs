//! Small clusters drawn from a seed, for the real components and for the embedded ones.
//! The same seed gives the same objects.

pub(crate) mod consumers;
mod places;
mod volumes;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

pub(crate) use consumers::{Group, consumers};
pub(crate) use places::{Places, places};
pub(crate) use volumes::{Volumes, storage_classes, volumes};

/// Where everything is created.
pub(crate) const NAMESPACE: &str = "default";

struct Draw(ChaCha8Rng);

impl Draw {
    fn new(seed: u64, world: usize) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(world as u64)))
    }

    /// A number from `low` on, below `high`.
    fn number(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..high)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.number(0, times) == 0
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.number(0, all.len())]
    }
}

/// The classes of priority that pods have.
pub(crate) fn priority_classes() -> Vec<Value> {
    let class = |name: &str, value: i32, policy: &str| {
        json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": name },
            "value": value, "preemptionPolicy": policy,
        })
    };
    let lower = "PreemptLowerPriority";
    vec![class("low", 1, lower), class("middle", 50, lower), class("high", 100, lower), class("meek", 100, "Never")]
}
