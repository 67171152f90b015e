//! The register against the trial of all orders, exhaustively where that is short; and what it says of each anomaly.

use crate::consistency::Engine;
use crate::consistency::differential::{KINDS, compare, every};

/// All histories of up to 3 operations (also indeterminate ones), and all of 4 reads and writes.
#[test]
fn every_short_history() {
    let (mut count, mut good) = (0, 0);
    for (length, cas, indeterminate) in [(1, true, true), (2, true, true), (3, true, true), (4, false, false)] {
        every(length, cas, indeterminate, &mut |history| {
            count += 1;
            let engines = [Engine::Auto, Engine::Portfolio];
            good += u32::from(compare(history, KINDS[0], &engines).unwrap_or_else(|wrong| panic!("{wrong}")));
        });
    }
    println!("{count} histories, {good} can be explained");
    assert!(good > 1000 && count > 50_000, "{count} histories, {good} can be explained");
}
