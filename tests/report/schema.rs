//! The committed schema is the one of the types, and what is written keeps it: every key is described, none is missing.

use driftproof::report::{json, json_schema, series};
use serde_json::Value;

use super::{read, root, without_verdicts};

#[test]
fn the_committed_schema_is_the_one_of_the_report() {
    let path = root().join("scenarios/report.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, json_schema()).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == json_schema(), "{} differs (UPDATE_SCHEMA=1 writes it anew)", path.display());
}

#[test]
fn what_is_written_keeps_the_schema() {
    let schema: Value = serde_json::from_str(&json_schema()).expect("JSON");
    let rows = without_verdicts();
    let (short, none) = (json(&rows).expect("JSON"), series(&rows).expect("JSON"));
    for (at, text) in
        [("", read("report.json")), ("", short), ("/$defs/Series", read("series.json")), ("/$defs/Series", none)]
    {
        let value = serde_json::from_str(&text).expect("JSON");
        let mut wrong = Vec::new();
        check(&schema, schema.pointer(at).expect("described"), &value, "$", &mut wrong);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn the_check_of_this_test_finds_what_is_missing_wrong_or_not_described() {
    let schema: Value = serde_json::from_str(&json_schema()).expect("JSON");
    let whole: Value = serde_json::from_str(&read("report.json")).expect("JSON");
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut value = whole.clone();
        change(&mut value);
        let mut wrong = Vec::new();
        check(&schema, &schema, &value, "$", &mut wrong);
        wrong.len()
    };
    assert_eq!(broken(&|_| {}), 0);
    assert_eq!(broken(&|value| value["counts"]["passed"] = "many".into()), 1);
    assert_eq!(broken(&|value| value["scenarios"][0]["outcome"] = "perhaps".into()), 1);
    assert_eq!(broken(&|value| value["scenarios"][0]["run"]["probes"][0]["more"] = 1.into()), 1);
    assert_eq!(broken(&|value| drop(value["scenarios"][1].as_object_mut().map(|one| one.remove("rto_s")))), 1);
}

#[test]
fn numbers_are_numbers_beside_their_limits() {
    let report: Value = serde_json::from_str(&read("report.json")).expect("JSON");
    let all = report["scenarios"].as_array().expect("scenarios");
    let named = |name: &str| all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let objective = |scenario: &str, objective: &str| {
        let list = named(scenario)["objectives"].as_array().expect("objectives");
        list.iter().find(|one| one["objective"] == objective).unwrap_or_else(|| panic!("no {objective}")).clone()
    };
    let failed = objective("single-replica", "longest_outage");
    let (value, limit) = (failed["value"].as_f64().expect("a number"), failed["limit"].as_f64().expect("a number"));
    assert!(value > limit && failed["comparison"] == "<=" && failed["unit"] == "s", "{failed}");
    assert_eq!(failed["outcome"], "fail");
    let held = objective("pod-kill-one", "availability");
    assert_eq!((&held["unit"], &held["comparison"]), (&"%".into(), &">=".into()));
    let rto = objective("pod-kill-one", "rto");
    assert_eq!(rto["value"], named("pod-kill-one")["rto_s"]);
    assert!(rto["limit"].as_f64().expect("a number") >= rto["value"].as_f64().expect("a number"), "{rto}");
    assert_eq!(objective("db-drained", "rpo")["unit"], "count");
    assert!(named("pod-kill-one")["run"]["cluster"]["nodes"].as_u64().expect("a number") > 0);
    assert_eq!(report["outcome"], "fail");
    assert_eq!(report["counts"]["selected"], all.len());
}

#[test]
fn what_was_not_judged_is_there_with_its_reason() {
    let report: Value = serde_json::from_str(&json(&without_verdicts()).expect("JSON")).expect("JSON");
    let told: Vec<_> =
        report["scenarios"].as_array().expect("scenarios").iter().map(|one| (&one["outcome"], &one["run"])).collect();
    let (not_run, error, inconclusive) = ("not-run".into(), "error".into(), "inconclusive".into());
    assert_eq!(told, [(&not_run, &Value::Null), (&error, &Value::Null), (&inconclusive, &Value::Null)]);
    assert_eq!(report["scenarios"][1]["reason"], "patch of nodes is forbidden");
    assert_eq!((&report["counts"]["errors"], &report["counts"]["not_run"]), (&1.into(), &1.into()));
}

/// What of a JSON Schema is used here, and stricter: an object has no key that is not described.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    keywords(root, schema, value, at, wrong);
    let (Some(object), Some(known)) = (value.as_object(), described(root, schema)) else { return };
    wrong.extend(object.keys().filter(|key| !known.contains(key)).map(|key| format!("{at}.{key} is not described")));
}

/// The keys of an object; `None` when any is allowed, or when there is a choice, which is checked on its own.
fn described(root: &Value, schema: &Value) -> Option<Vec<String>> {
    let own = schema["properties"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
    let other = schema["$ref"].as_str().and_then(|name| described(root, resolved(root, name)));
    match (own, other) {
        (None, None) => None,
        (own, other) => Some([own.unwrap_or_default(), other.unwrap_or_default()].concat()),
    }
}

fn resolved<'a>(root: &'a Value, name: &str) -> &'a Value {
    root.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is not defined"))
}

fn keywords(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (keyword, told) in schema.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "$ref" => keywords(root, resolved(root, told.as_str().expect("a name")), value, at, wrong),
            "type" if !types(told).iter().any(|name| is(value, name)) => {
                wrong.push(format!("{at} is {value}, not {told}"));
            }
            "const" if value != told => wrong.push(format!("{at} is {value}, not {told}")),
            "enum" if !told.as_array().is_some_and(|all| all.contains(value)) => wrong.push(format!("{at} is {value}")),
            "minimum" if value.as_f64().zip(told.as_f64()).is_some_and(|(value, least)| value < least) => {
                wrong.push(format!("{at} is below {told}"));
            }
            "required" => {
                let names = told.as_array().into_iter().flatten().filter_map(Value::as_str);
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                wrong.extend(missing.map(|name| format!("{at}.{name} is missing")));
            }
            "properties" => {
                for (name, schema) in told.as_object().into_iter().flatten() {
                    let Some(value) = value.get(name) else { continue };
                    check(root, schema, value, &format!("{at}.{name}"), wrong);
                }
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    check(root, told, value, &format!("{at}.{name}"), wrong);
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, told, value, &format!("{at}[{index}]"), wrong);
                }
            }
            "oneOf" | "anyOf" => {
                let fits = |schema: &&Value| {
                    let mut wrong = Vec::new();
                    check(root, schema, value, at, &mut wrong);
                    wrong.is_empty()
                };
                if told.as_array().into_iter().flatten().filter(fits).count() != 1 {
                    wrong.push(format!("{at} is none of the choices: {value}"));
                }
            }
            "type" | "const" | "enum" | "minimum" | "description" | "title" | "format" | "$schema" | "$defs" => {}
            other => panic!("{at}: this test does not know the keyword {other}"),
        }
    }
}

fn types(told: &Value) -> Vec<&str> {
    told.as_str()
        .map_or_else(|| told.as_array().into_iter().flatten().filter_map(Value::as_str).collect(), |one| vec![one])
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
