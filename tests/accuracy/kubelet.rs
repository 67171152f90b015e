//! The kubelets' logs: when a container was started, by the one who started it. Judges nothing.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a kubelet says, at its verbosity 2, when its pod lifecycle event generator has seen a container run.
const STARTED: &str = "\"Type\":\"ContainerStarted\"";

/// When the last container of a pod was started, in microseconds since 1970, by the log of its node's kubelet.
///
/// The pod's sandbox is told as a container too, and before it.
pub(crate) fn started(log: &str, pod_uid: &str, now: Timestamp) -> Option<i64> {
    let of_pod = format!("{{\"ID\":\"{pod_uid}\"");
    let line = log.lines().rev().find(|line| line.contains(STARTED) && line.contains(&of_pod))?;
    stamp(line, now)
}

/// klog's `I1126 17:48:31.589607`: local time without a year.
fn stamp(line: &str, now: Timestamp) -> Option<i64> {
    let (date, rest) = line.get(1..)?.split_once(' ')?;
    let (time, _) = rest.trim_start().split_once(' ')?;
    let (month, day) = (date.get(..2)?, date.get(2..4)?);
    let year = now.to_zoned(TimeZone::system()).year();
    let text = format!("{year:04}-{month}-{day}T{time}");
    let local: DateTime = text.parse().ok()?;
    let at = local.to_zoned(TimeZone::system()).ok()?.timestamp();
    // A log of last December, read in January.
    let at = if at.as_second() > now.as_second() + 86_400 {
        local.with().year(year - 1).build().ok()?.to_zoned(TimeZone::system()).ok()?.timestamp()
    } else {
        at
    };
    Some(at.as_microsecond())
}
