//! The search at scale: registers of three values, honest and recorded by many clients.

use std::time::{Duration, Instant};

use driftproof::consistency::{Options, Outcome, check};

use driftproof::consistency::differential::{Dice, KINDS, Kind, recorded};

use crate::unique::{forget_peak, peak};

const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn measure() {
    println!("search, one key, honest objects; {} s at most", TIMEOUT.as_secs());
    println!(
        "{:<15} {:>11} {:>8} {:>15} {:>9} {:>8}  answer",
        "model", "operations", "clients", "indeterminate %", "seconds", "peak MB"
    );
    let kinds = KINDS.into_iter().filter(|kind| !kind.unique && *kind == Kind::of(kind.model));
    for kind in kinds {
        for (operations, clients, indeterminate) in
            [(100_000, 5, 0), (100_000, 5, 1), (10_000, 20, 0), (10_000, 20, 1), (2_000, 5, 10)]
        {
            let history = recorded(&mut Dice(5), kind, operations, clients, [0, indeterminate]);
            forget_peak();
            let start = Instant::now();
            let options = Options { memory: Some(2 << 30), ..Options::default() };
            let outcome = check(&history, kind.model, &options, &|| start.elapsed() > TIMEOUT);
            let answer = match &outcome {
                Outcome::Ok(_) => "ok".to_owned(),
                Outcome::Violation(_) => panic!("the recorder was honest"),
                Outcome::Unknown(budget) => format!("{budget:?}"),
            };
            let (name, time) = (kind.model.name(), start.elapsed().as_secs_f64());
            let peak = peak();
            println!("{name:<15} {operations:>11} {clients:>8} {indeterminate:>15} {time:>9.3} {peak:>8}  {answer}");
        }
    }
    println!();
}
