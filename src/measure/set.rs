//! Acknowledged unique writes against what was read back. A write with an unknown outcome may be there or not: it is neither
//! lost nor a phantom.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Ack, Read, Write};
use crate::scenario::SetCheck;

use super::faults::in_force;
use super::model::{FaultSpan, SetMeasure};
use super::timeline::{Timeline, in_strength};

/// How the final read through the Service is named among the replicas.
const SERVICE: &str = "service";

pub(super) fn set(timeline: &Timeline<'_>, check: usize, wanted: &SetCheck, faults: &[FaultSpan]) -> SetMeasure {
    let writes: Vec<&Write> = timeline.writes.iter().copied().filter(|write| write.check == check).collect();
    let of = |ack| writes.iter().filter(move |write| write.ack == ack);
    let acknowledged: BTreeMap<u64, u64> = of(Ack::Ok).map(|write| (write.value, write.sent)).collect();
    let possible: BTreeSet<u64> = of(Ack::Ok).chain(of(Ack::Info)).map(|write| write.value).collect();
    let windows: Vec<(u64, u64)> = faults.iter().filter_map(|fault| in_force(fault, timeline.observed)).collect();
    let in_fault = |sent: u64| windows.iter().any(|(from, to)| (*from..=*to).contains(&sent));
    let reads = reads(timeline, check);
    let service = reads.get(SERVICE).and_then(|read| read.as_ref().ok());
    let service: Option<BTreeSet<u64>> = service.map(|reads| reads.iter().copied().flatten().copied().collect());
    let lost: Vec<u64> =
        service.iter().flat_map(|there| acknowledged.keys().copied().filter(|value| !there.contains(value))).collect();
    let seen = || reads.values().filter_map(|read| read.as_ref().ok()).flatten().copied();
    SetMeasure {
        name: wanted.name.clone(),
        acknowledged: acknowledged.len() as u64,
        acknowledged_in_fault: acknowledged.values().filter(|sent| in_fault(**sent)).count() as u64,
        indeterminate: of(Ack::Info).count() as u64,
        refused: of(Ack::Fail).count() as u64,
        lost_between: lost_between(&lost, &acknowledged),
        lost,
        duplicated: seen().flat_map(twice).collect::<BTreeSet<_>>().into_iter().collect(),
        phantom: seen()
            .flatten()
            .copied()
            .filter(|value| !possible.contains(value))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        missing_on: reads
            .iter()
            .filter(|(replica, _)| replica.as_str() != SERVICE)
            .filter_map(|(replica, read)| Some((replica.clone(), missing(read.as_ref().ok()?, &acknowledged))))
            .collect(),
        unread: reads
            .iter()
            .filter_map(|(replica, read)| Some((replica.clone(), read.as_ref().err()?.clone())))
            .collect(),
    }
}

/// The final reads by replica: an answer beats a failure, whichever came first. Ready pods that were not asked count as unread.
fn reads<'a>(timeline: &Timeline<'a>, check: usize) -> BTreeMap<String, Result<Vec<&'a [u64]>, String>> {
    let unread = || Err("it was not read at the end".to_owned());
    let mut reads: BTreeMap<String, Result<Vec<&[u64]>, String>> = BTreeMap::from([(SERVICE.to_owned(), unread())]);
    for life in &timeline.pods {
        if life.seen.last().is_some_and(|(_, pod)| in_strength(pod)) {
            reads.insert(life.name().to_owned(), unread());
        }
    }
    for read in timeline.reads.iter().filter(|read| read.check == check) {
        let Read { replica, values, reason, .. } = *read;
        let slot = reads.entry(replica.clone().unwrap_or_else(|| SERVICE.to_owned())).or_insert_with(unread);
        match (values, &mut *slot) {
            // Several reads through the Service may reach several replicas: a value that any of them returned is not lost.
            (Some(values), Ok(known)) => known.push(values),
            (Some(values), Err(_)) => *slot = Ok(vec![values]),
            (None, Err(why)) => why.clone_from(reason),
            (None, Ok(_)) => {}
        }
    }
    reads
}

fn twice(values: &[u64]) -> Vec<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect()
}

fn missing(reads: &[&[u64]], acknowledged: &BTreeMap<u64, u64>) -> u64 {
    let there: BTreeSet<&u64> = reads.last().into_iter().copied().flatten().collect();
    acknowledged.keys().filter(|value| !there.contains(value)).count() as u64
}

fn lost_between(lost: &[u64], acknowledged: &BTreeMap<u64, u64>) -> Option<(u64, u64)> {
    let sent = || lost.iter().filter_map(|value| acknowledged.get(value).copied());
    Some((sent().min()?, sent().max()?))
}
