//! The seeded choices of a plan. One generator per concern, from (seed, label), so that one more fault in a scenario
//! does not change the choices of the others.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The generator of one concern.
#[must_use]
pub fn generator(seed: u64, label: &str) -> ChaCha8Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(label.as_bytes()).finalize();
    ChaCha8Rng::from_seed(digest.into())
}

/// Shuffles a list that is in a defined order. Written out (Fisher and Yates) because the stream of a library's
/// shuffle may change between its versions, and with it every plan of every stored seed.
pub fn shuffle<T>(list: &mut [T], generator: &mut ChaCha8Rng) {
    for last in (1..list.len()).rev() {
        let bound = last as u64 + 1;
        let chosen = usize::try_from(generator.next_u64() % bound).unwrap_or(last);
        list.swap(last, chosen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_never_changes() {
        let mut list: Vec<u32> = (0..8).collect();
        shuffle(&mut list, &mut generator(7, "fault-0-0"));
        assert_eq!(list, [7, 3, 4, 2, 5, 0, 6, 1]);
    }

    #[test]
    fn concerns_are_independent() {
        let draw = |seed, label| generator(seed, label).next_u64();
        assert_eq!(draw(7, "fault-0-0"), draw(7, "fault-0-0"));
        assert_ne!(draw(7, "fault-0-0"), draw(7, "fault-1-0"));
        assert_ne!(draw(7, "fault-0-0"), draw(8, "fault-0-0"));
    }
}
