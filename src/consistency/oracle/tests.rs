//! Every claim of every model beside brute force, on seeded histories.

use super::{SUBJECTS, agree, random};
use crate::differential::Dice;

/// Histories of each claim; the bench takes as many as one likes.
const HISTORIES: u64 = 2_000;

#[test]
fn every_claim_of_every_model_agrees_with_brute_force() {
    for subject in SUBJECTS {
        let mut dice = Dice(23);
        let (mut broken, mut lacking) = (0, 0);
        for _ in 0..HISTORIES {
            let (history, options) = random(&mut dice, subject);
            let truth = agree(&history, subject, &options).unwrap_or_else(|wrong| panic!("{subject:?}: {wrong}"));
            broken += u64::from(truth.broken);
            lacking += u64::from(!truth.says_enough);
        }
        println!("{} {}: {broken} broken, {lacking} say too little", subject.model, subject.claim_word());
        // Both answers occur, or the comparison shows nothing.
        assert!(
            broken > HISTORIES / 50 && broken < HISTORIES * 9 / 10,
            "{subject:?}: {broken} of {HISTORIES} are broken"
        );
        assert!(lacking < HISTORIES * 9 / 10, "{subject:?}: {lacking} of {HISTORIES} say too little");
    }
}
