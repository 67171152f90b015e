//! Both searches against the trial of all orders; budgets; partitions.

use crate::consistency::differential::{Dice, ENGINES, KINDS, compare, random};
use crate::consistency::{Engine, Model};

#[test]
fn random_histories_of_every_model() {
    for kind in KINDS {
        let mut dice = Dice(7);
        let (mut good, total) = (0, 3000);
        for _ in 0..total {
            let length = 1 + usize::try_from(dice.below(9)).unwrap_or(0);
            let clients = 1 + dice.below(5);
            let history = random(&mut dice, kind, length, clients);
            good += u32::from(compare(&history, kind, &ENGINES).unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}")));
        }
        // Both answers occur, or the comparison shows nothing.
        assert!(good > total / 10 && good < total - total / 50, "{kind:?}: {good} of {total} can be explained");
    }
}

#[test]
fn longer_histories_of_a_register() {
    let mut dice = Dice(11);
    for kind in KINDS.into_iter().filter(|kind| kind.model == Model::Register) {
        for _ in 0..150 {
            let history = random(&mut dice, kind, 24, 4);
            compare(&history, kind, &[Engine::Auto, Engine::Portfolio])
                .unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}"));
        }
    }
}
