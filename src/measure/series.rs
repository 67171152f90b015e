//! A probe over time in few buckets, for the plots: the report's size must not grow with the length of the run.

use crate::evidence::Attempt;

use super::model::Bucket;
use super::probes::{latencies, percentile};

/// The most buckets of one probe.
const BUCKETS: u64 = 600;

/// Buckets of equal width over attempts that are sorted by when they were due; empty stretches have none.
pub(super) fn series(attempts: &[&Attempt]) -> Vec<Bucket> {
    let (Some(first), Some(last)) = (attempts.first(), attempts.last()) else { return Vec::new() };
    let width = ((last.due - first.due) / BUCKETS + 1).max(1);
    let index = |attempt: &&Attempt| (attempt.due - first.due) / width;
    attempts
        .chunk_by(|a, b| index(a) == index(b))
        .map(|chunk| {
            let took = latencies(chunk);
            Bucket {
                from: first.due + index(&chunk[0]) * width,
                attempts: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
                failed: u32::try_from(chunk.len() - took.len()).unwrap_or(u32::MAX),
                p50: percentile(&took, 50).unwrap_or(0),
                max: took.last().copied().unwrap_or(0),
            }
        })
        .collect()
}
