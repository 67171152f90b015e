//! What a run of a pod fault receives does not grow with the cluster around its namespace.

use std::sync::atomic::Ordering;

#[path = "bench/received.rs"]
mod received;

#[test]
fn a_pod_kill_reads_no_more_on_a_larger_cluster() {
    let small = received::received(0, 3);
    let large = received::received(300, 30);
    let requests = |of: &received::Received| of.requests.load(Ordering::Relaxed);
    let bytes = |of: &received::Received| of.bytes.load(Ordering::Relaxed);
    // The three pods may be on fewer or more nodes, each of which is read once.
    assert!(requests(&large).abs_diff(requests(&small)) <= 3, "{small:?} against {large:?}");
    assert!(bytes(&large) < bytes(&small) + bytes(&small) / 10, "{small:?} against {large:?}");
}
