//! Every engine against the trial of all orders, as long as one likes, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use driftproof::consistency::append::oracle::Agreed;
use driftproof::consistency::append::{self, Claim};
use driftproof::consistency::differential::{Dice, ENGINES, KINDS, Shape, compare, every, random};

/// Histories that one thread takes at once.
const BATCH: u64 = 10_000;

pub(crate) fn measure(model: Option<&str>, histories: u64, exhaustive: u64) {
    println!("engines {ENGINES:?} against the trial of all orders, every certificate and witness verified");
    for kind in KINDS.into_iter().filter(|kind| model.is_none_or(|model| kind.model.name() == model)) {
        let start = Instant::now();
        let (next, good) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = || {
            loop {
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= histories {
                    return;
                }
                let mut dice = Dice(from);
                for _ in from..histories.min(from + BATCH) {
                    let length = 1 + usize::try_from(dice.below(10)).unwrap_or(0);
                    let clients = 1 + dice.below(5);
                    let history = random(&mut dice, kind, length, clients);
                    let explained =
                        compare(&history, kind, &ENGINES).unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}"));
                    good.fetch_add(u64::from(explained), Ordering::Relaxed);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        println!(
            "{:<15} unique {:<5} failed cas {:<8} nil {:<8}: {histories} histories, {} can be explained, 0 mismatches, {:.1} s",
            kind.model.name(),
            kind.unique,
            format!("{:?}", kind.failed_cas),
            format!("{:?}", kind.nil),
            good.into_inner(),
            start.elapsed().as_secs_f64(),
        );
    }
    for length in 1..=usize::try_from(exhaustive).unwrap_or(usize::MAX) {
        let start = Instant::now();
        let (mut count, mut good) = (0_u64, 0);
        // Each of these multiplies the number: they end earlier.
        let shape = Shape { length, cas: length <= 5, indeterminate: length <= 4, phantom: length <= 4 };
        every(shape, &mut |history| {
            count += 1;
            good += u64::from(compare(history, KINDS[0], &ENGINES[..1]).unwrap_or_else(|wrong| panic!("{wrong}")));
        });
        println!(
            "all histories of a register, {shape:?}: {count}, {good} can be explained, 0 mismatches, {:.1} s",
            start.elapsed().as_secs_f64(),
        );
    }
}

/// Every claim of transactions against its definition, by the seeds of random histories.
pub(crate) fn isolation(histories: u64) {
    type Compare = fn(u64) -> Result<[Agreed; Claim::ALL.len()], String>;
    for (name, compare) in
        [("append", append::oracle::compare as Compare), ("rw-register", append::registers::oracle::compare)]
    {
        let start = Instant::now();
        let next = AtomicU64::new(0);
        let counts = Mutex::new([[0_u64; 3]; Claim::ALL.len()]);
        let work = || {
            loop {
                let from = next.fetch_add(BATCH / 100, Ordering::Relaxed);
                if from >= histories {
                    return;
                }
                for seed in from..histories.min(from + BATCH / 100) {
                    let agreed = compare(seed).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
                    let mut counts = counts.lock().expect("no other thread failed");
                    agreed.into_iter().zip(counts.iter_mut()).for_each(|(agreed, count)| count[agreed as usize] += 1);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        println!("{name}: {histories} histories by each claim, 0 mismatches, {:.1} s", start.elapsed().as_secs_f64());
        for (claim, [holds, broken, open]) in Claim::ALL.into_iter().zip(counts.into_inner().expect("no thread failed"))
        {
            println!("  {:<28} {holds:>9} hold {broken:>9} do not {open:>7} say too little", claim.word());
        }
    }
}
