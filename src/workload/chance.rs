//! The seeded choices of a workload: one generator per client and concern, so that the pace of one client does not
//! change the choices of another. Never chooses from anything but the seed.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The generator of one concern.
pub(super) fn generator(seed: u64, label: &str) -> ChaCha8Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(label.as_bytes()).finalize();
    ChaCha8Rng::from_seed(digest.into())
}

/// A number below a bound. The bias of the remainder is far below anything that a workload could show.
pub(super) fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    usize::try_from(chance.next_u64() % (bound.max(1) as u64)).unwrap_or(0)
}

/// One of several things by weight; the last if all weights are 0.
pub(super) fn weighted<T: Copy>(chance: &mut ChaCha8Rng, weights: &[(T, u32)]) -> Option<T> {
    let total: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut left = chance.next_u64() % total.max(1);
    for (thing, weight) in weights {
        if left < u64::from(*weight) {
            return Some(*thing);
        }
        left -= u64::from(*weight);
    }
    weights.last().map(|(thing, _)| *thing)
}
