//! What people bring along from other tools: their names of faults and keys, and what stands for them here. Only words; a
//! name is never taken for another one, and what does not exist here is not made to look as if it did.

use toml::de::DeValue;

use super::reader::Value;

/// Names of faults elsewhere (Chaos Mesh, `LitmusChaos`, chaosk8s, `kubectl`), without their punctuation, and ours.
const KINDS: [(&str, &str); 31] = [
    ("poddelete", "pod-kill"),
    ("deletepod", "pod-kill"),
    ("deletepods", "pod-kill"),
    ("killpod", "pod-kill"),
    ("podkiller", "pod-kill"),
    ("podchaos", "pod-kill"),
    ("terminatepod", "pod-kill"),
    ("terminatepods", "pod-kill"),
    ("drain", "node-drain"),
    ("drainnode", "node-drain"),
    ("drainnodes", "node-drain"),
    ("cordon", "node-drain"),
    ("evict", "node-drain"),
    ("partition", "network-partition"),
    ("networkchaos", "network-partition"),
    ("podnetworkpartition", "network-partition"),
    ("denyallingress", "network-partition"),
    ("denyallegress", "network-partition"),
    ("poweroff", "node-failure"),
    ("nodepoweroff", "node-failure"),
    ("nodestop", "node-failure"),
    ("stopnode", "node-failure"),
    ("nodekill", "node-failure"),
    ("noderestart", "node-failure"),
    ("nodereboot", "node-failure"),
    ("ec2stopinstance", "node-failure"),
    ("ec2terminate", "node-failure"),
    ("gcpvminstancestop", "node-failure"),
    ("azureinstancestop", "node-failure"),
    ("kubeletstop", "node-failure"),
    ("kubeletservicekill", "node-failure"),
];

/// Words of faults that other tools have and that are not here, with what they do.
const ABSENT: [(&str, &str); 20] = [
    ("podfailure", "a pod that does not run for a while"),
    ("containerkill", "a container killed in its pod"),
    ("delay", "latency"),
    ("latency", "latency"),
    ("loss", "lost packets"),
    ("corrupt", "corrupted packets"),
    ("duplicat", "duplicated packets"),
    ("reorder", "reordered packets"),
    ("bandwidth", "a limit of bandwidth"),
    ("ratelimit", "a limit of bandwidth"),
    ("cpu", "load on the CPU"),
    ("memory", "use of memory"),
    ("stress", "load on CPU or memory"),
    ("hog", "load on CPU or memory"),
    ("diskfill", "a full disk"),
    ("io", "faults of a disk"),
    ("dns", "faults of name resolution"),
    ("http", "faults of HTTP requests"),
    ("time", "a clock that is wrong"),
    ("kernel", "faults of the kernel"),
];

fn bare(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What to say of a kind of fault that another tool has; `None` when no tool is known to have it.
pub(super) fn kind(word: &str) -> Option<String> {
    let bare = bare(word);
    if let Some((_, ours)) = KINDS.iter().find(|(theirs, _)| *theirs == bare) {
        return Some(format!("did you mean `{ours}`?"));
    }
    // `io` and `time` are whole words: many others contain them.
    let parts: Vec<String> = word.split(|char: char| !char.is_ascii_alphanumeric()).map(self::bare).collect();
    let is = |part: &str| {
        if part.len() < 5 {
            parts.iter().any(|one| one.strip_suffix("chaos").unwrap_or(one) == part)
        } else {
            bare.contains(part)
        }
    };
    let (_, what) = ABSENT.iter().find(|(part, _)| is(part))?;
    Some(format!("there is no such fault here yet ({what})"))
}

/// What to say of a key of `[[fault]]` that another tool has, or that belongs to another kind.
pub(super) fn key(kind: &str, key: &str, value: &Value<'_>) -> Option<String> {
    let text = value.get_ref().as_str();
    let number = match value.get_ref() {
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::String(text) => text.trim_end_matches('%').parse::<u32>().ok().map(|number| number.to_string()),
        _ => None,
    };
    Some(match (kind, bare(key).as_str()) {
        ("pod-kill", "duration" | "totalchaosduration") => {
            "a kill does not last: to kill again and again write `every = \"10s\"` and `times = 6`".to_owned()
        }
        (_, "duration" | "totalchaosduration") => "did you mean `hold`?".to_owned(),
        (_, "interval" | "chaosinterval" | "period" | "schedule") => "did you mean `every`, with `times`?".to_owned(),
        (_, "repeat" | "repeats" | "iterations") => "did you mean `times`, with `every`?".to_owned(),
        (_, "delay" | "start" | "ramptime" | "after") => "did you mean `at`?".to_owned(),
        (_, "action" | "type" | "fault") => "did you mean `kind`?".to_owned(),
        ("pod-kill", "mode") => match text {
            Some("one") => "did you mean `count = 1`?".to_owned(),
            Some("all") => "did you mean `count = \"all\"`?".to_owned(),
            Some("fixed") => "did you mean `count`, with a number?".to_owned(),
            Some("fixed-percent" | "random-max-percent") => {
                "did you mean `count`, with a share such as \"50%\"?".to_owned()
            }
            _ => "`mode` belongs to node-failure; how many pods are killed is `count`".to_owned(),
        },
        ("pod-kill", "value" | "quantity" | "qty" | "number") => {
            format!("did you mean `count = {}`?", number.unwrap_or_else(|| "1".to_owned()))
        }
        ("pod-kill", "percentage" | "podsaffectedperc" | "percent") => {
            format!("did you mean `count = \"{}%\"`?", number.unwrap_or_else(|| "50".to_owned()))
        }
        ("pod-kill", "graceperiod" | "graceperiodseconds") => "did you mean `grace`, such as \"30s\"?".to_owned(),
        ("network-partition", "to" | "target" | "externaltargets" | "destination") => {
            "did you mean `from`, with `direction = \"egress\"`?".to_owned()
        }
        ("pod-kill" | "network-partition", "selector" | "labelselector" | "applabel" | "labels" | "label") => {
            format!("did you mean `pods = {{ selector = \"{}\" }}`?", text.unwrap_or("app=web"))
        }
        ("pod-kill" | "network-partition", "workload" | "deployment" | "pod") => {
            format!("did you mean `pods = {{ workload = \"{}\" }}`?", text.unwrap_or("deployment/web"))
        }
        ("node-drain" | "node-failure", "name" | "nodename" | "targetnode" | "targetnodes" | "nodes") => {
            format!("did you mean `node = {{ name = \"{}\" }}`?", text.unwrap_or("worker-1"))
        }
        ("node-drain" | "node-failure", "pods" | "selector" | "zone" | "role" | "count" | "ordinal") => {
            format!(
                "nodes are chosen by `node = {{ … }}`; `{key}` may stand in it, `of = \"target\"` takes one under the target"
            )
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_tool_is_never_a_wrong_suggestion() {
        for (word, said) in [
            ("pod-delete", "did you mean `pod-kill`?"),
            ("PodDelete", "did you mean `pod-kill`?"),
            ("terminate_pods", "did you mean `pod-kill`?"),
            ("drain", "did you mean `node-drain`?"),
            ("pod-failure", "there is no such fault here yet (a pod that does not run for a while)"),
            ("container-kill", "there is no such fault here yet (a container killed in its pod)"),
            ("network-delay", "there is no such fault here yet (latency)"),
            ("pod-network-loss", "there is no such fault here yet (lost packets)"),
            ("pod-cpu-hog", "there is no such fault here yet (load on the CPU)"),
            ("IOChaos", "there is no such fault here yet (faults of a disk)"),
            ("TimeChaos", "there is no such fault here yet (a clock that is wrong)"),
        ] {
            assert_eq!(kind(word).as_deref(), Some(said), "{word}");
        }
        for word in ["pod-kil", "ratio", "node-failur", "nonsense"] {
            assert_eq!(kind(word), None, "{word}");
        }
    }
}
