//! A clock that jumps is on record, and is nothing that a run recovers from.

use std::time::Duration;

use super::super::jumps::watch;
use super::super::wait::within;
use super::fake::{Script, context, gaps};

#[tokio::test(start_paused = true)]
async fn a_jump_is_put_on_record_once() {
    let (context, memory) = context(&Script::default(), |_| true);
    let clock = context.clock();
    let wall = move || {
        let set = Duration::from_secs(if clock.elapsed() > Duration::from_secs(5) { 3_600 } else { 0 });
        clock.wall().checked_add(set).expect("a time")
    };
    within(clock, Duration::from_secs(20), watch(context.recorder.clone(), clock, wall)).await;
    let gaps = gaps(&memory);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].0.contains("3600.0s forward") && !gaps[0].1, "{gaps:?}");
}
