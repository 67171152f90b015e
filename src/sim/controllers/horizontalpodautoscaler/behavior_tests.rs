//! The examples of the documentation of `behavior`, and the defaults.

use std::time::Duration;

use serde_json::{Value, json};

use super::behavior::{History, Look, Normalized};

/// Looks every 15 seconds at a target that follows at once; each look wants so many. Gives back what it had each time.
fn follow(behavior: &Value, mut current: i64, bounds: (i64, i64), wanted: &[i64]) -> Vec<i64> {
    let mut history = History::default();
    let mut seen = Vec::new();
    for (index, wanted) in (0..).zip(wanted) {
        let now = Duration::from_secs(1000 + 15 * index);
        let found = look(&mut history, behavior, now, current, bounds, *wanted);
        if found.desired != current {
            history.scaled(now, current, found.desired);
        }
        current = found.desired;
        seen.push(current);
    }
    seen
}

fn look(
    history: &mut History,
    behavior: &Value,
    now: Duration,
    current: i64,
    (least, most): (i64, i64),
    wanted: i64,
) -> Normalized {
    let behavior = (!behavior.is_null()).then(|| serde_json::from_value(behavior.clone()).expect("a behavior"));
    history.normalize(Look { now, current, least, most }, wanted, behavior.as_ref())
}

#[test]
fn without_a_behavior_replicas_double_and_sink_after_five_minutes() {
    assert_eq!(follow(&Value::Null, 1, (1, 100), &[80; 6]), [4, 8, 16, 32, 64, 80]);
    let sinks = follow(&Value::Null, 10, (2, 100), &[1; 22]);
    assert_eq!((sinks[19], sinks[20]), (10, 2), "{sinks:?}");
    // One high recommendation within the window holds the number.
    let wanted: Vec<i64> = (0..24).map(|index| if index == 4 { 8 } else { 1 }).collect();
    let held = follow(&Value::Null, 10, (2, 100), &wanted);
    assert_eq!((held[20], held[23]), (8, 8), "{held:?}");
}

#[test]
fn an_empty_behavior_has_the_documented_defaults() {
    // Four pods or double in 15 seconds, whichever is more.
    assert_eq!(follow(&json!({}), 1, (1, 100), &[80; 6]), [5, 10, 20, 40, 80, 80]);
    let sinks = follow(&json!({}), 80, (2, 100), &[3; 22]);
    assert_eq!((sinks[19], sinks[20]), (80, 3), "all that are too many go at once: {sinks:?}");
}

#[test]
fn a_policy_of_pods_and_one_of_percent_the_larger_change_counts() {
    // "scale down at most 4 Pods in one minute" beside "at most 10 % of the replicas in one minute", from 80 on.
    let policies = json!([
        { "type": "Pods", "value": 4, "periodSeconds": 60 }, { "type": "Percent", "value": 10, "periodSeconds": 60 },
    ]);
    let behavior = json!({ "scaleDown": { "stabilizationWindowSeconds": 0, "policies": policies } });
    let seen = follow(&behavior, 80, (1, 100), &[10; 9]);
    assert_eq!(seen, [72, 72, 72, 72, 64, 64, 64, 64, 57], "8 of 80, then 8 of 72, then 7 of 64");
    // Below 40 replicas four pods are more than ten percent.
    assert_eq!(follow(&behavior, 36, (1, 100), &[10; 5]), [32, 32, 32, 32, 28]);
    // The smaller change when it is chosen.
    let mut least = behavior.clone();
    least["scaleDown"]["selectPolicy"] = json!("Min");
    assert_eq!(follow(&least, 80, (1, 100), &[10; 5]), [76, 76, 76, 76, 72]);
}

#[test]
fn scaling_up_is_held_to_its_policies_too() {
    let behavior = |select: &str| {
        json!({ "scaleUp": { "selectPolicy": select, "policies": [
            { "type": "Percent", "value": 900, "periodSeconds": 60 }, { "type": "Pods", "value": 2, "periodSeconds": 15 },
        ] } })
    };
    assert_eq!(follow(&behavior("Max"), 1, (1, 1000), &[500; 5]), [10, 12, 14, 16, 100]);
    assert_eq!(follow(&behavior("Min"), 1, (1, 1000), &[500; 3]), [3, 5, 7]);
    assert_eq!(follow(&behavior("Disabled"), 1, (1, 1000), &[500; 3]), [1, 1, 1]);
    // A small share of few is rounded up.
    let small = json!({ "scaleUp": { "policies": [{ "type": "Percent", "value": 10, "periodSeconds": 15 }] } });
    assert_eq!(follow(&small, 2, (1, 10), &[9; 3]), [3, 4, 5]);
}

#[test]
fn a_window_for_scaling_up_waits_until_every_recommendation_of_it_agrees() {
    let behavior = json!({ "scaleUp": { "stabilizationWindowSeconds": 60 } });
    assert_eq!(follow(&behavior, 2, (1, 100), &[6, 6, 6, 6, 6, 6]), [2, 2, 2, 2, 6, 6]);
}

#[test]
fn what_held_a_number_back_is_told() {
    let mut history = History::default();
    let now = Duration::from_secs(1000);
    let disabled = json!({ "scaleDown": { "selectPolicy": "Disabled", "stabilizationWindowSeconds": 0 } });
    let found = look(&mut history, &disabled, now, 5, (1, 10), 2);
    assert_eq!((found.desired, found.limited, found.limit.0, found.stabilized), (5, true, "ScaleDownLimit", None));
    let found = look(&mut History::default(), &json!({}), now, 5, (1, 10), 2);
    assert_eq!((found.desired, found.limited), (5, false));
    assert_eq!(found.stabilized.map(|(reason, _)| reason), Some("ScaleDownStabilized"));
    let found = look(&mut History::default(), &Value::Null, now, 5, (1, 7), 20);
    assert_eq!((found.desired, found.limit.0), (7, "TooManyReplicas"));
}
