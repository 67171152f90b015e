//! Workloads on stores as part of runs: what is recorded, what is judged, and that nothing which is missing passes.

use std::collections::BTreeMap;
use std::path::Path;

use driftproof::evidence::{Event, Evidence, HistorySeen, LineDigest, Log, Memory};
use driftproof::measure::{Beside, MEMORY_DEFAULT, measure_with};
use driftproof::report::{self, Entry, Results};
use driftproof::run::{Job, News, RunError, Update, run};
use driftproof::scenario::{Scenario, manifests, parse};
use driftproof::verdict::{Outcome, Verdict, judge};
use driftproof::world::embedded;
use tokio::sync::{mpsc, watch};

/// What a run leaves: its evidence, and the histories beside it.
struct Left {
    evidence: Evidence,
    files: BTreeMap<String, String>,
}

fn job(name: &str, change: impl FnOnce(&mut Scenario)) -> Job {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&file).expect("readable");
    let mut scenario = parse(name, &text).expect("a valid scenario");
    change(&mut scenario);
    let folder = file.parent().expect("a folder");
    let read = |path: &String| {
        let text = std::fs::read_to_string(folder.join(path)).expect("readable");
        manifests(path, &text).expect("valid manifests")
    };
    let manifests = scenario.fixture.manifests.iter().flat_map(read).collect();
    Job {
        scenario,
        manifests,
        apply_fixtures: true,
        seed: 1,
        run: "test".to_owned(),
        again: "again".to_owned(),
        allow_commands: false,
        failsafe: true,
        break_lock: false,
        skipped: Vec::new(),
    }
}

fn tried(job: Job, stopped_at_once: bool) -> Result<Left, RunError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let memory = Memory::default();
    let checks = job.scenario.data.len();
    runtime.block_on(async {
        let world = embedded::start(&job.scenario, job.seed).expect("a cluster");
        let (progress, mut news) = mpsc::unbounded_channel::<Update>();
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::spawn(async move {
            while let Some(update) = news.recv().await {
                let News::Planned { .. } = update.what else { continue };
                if stopped_at_once {
                    let _ = stop.send(true);
                }
            }
        });
        let ended = run(&world, job, &Log::new(Box::new(memory.clone())), progress, stopped).await;
        listener.abort();
        ended
    })?;
    let evidence = Evidence::read(&memory.text()).expect("readable");
    let names = (0..checks).map(HistorySeen::file_of);
    let files = names.filter_map(|name| Some((name.clone(), memory.file(&name)?))).collect();
    Ok(Left { evidence, files })
}

fn left(job: Job) -> Left {
    tried(job, false).expect("the run begins")
}

impl Left {
    fn entry(&self) -> Entry {
        let read = |name: &str| {
            let file = self.files.get(name).map(|text| text.clone().into_bytes());
            file.ok_or_else(|| "no such file".to_owned())
        };
        let measurements =
            measure_with(&self.evidence, Beside { read: &read, memory: MEMORY_DEFAULT, exhausted: &|| false });
        let header = self.evidence.header.clone();
        let verdict = judge(&header.scenario, &measurements);
        let surroundings = report::Surroundings::of(&self.evidence);
        Entry { name: header.scenario.name.clone(), header, plan: None, measurements, verdict, surroundings }
    }

    fn verdict(&self) -> Verdict {
        self.entry().verdict
    }

    fn history(&mut self) -> &mut String {
        self.files.get_mut("history-0.jsonl").expect("a history")
    }

    /// Another history, as if the run had written it.
    fn plant(&mut self, text: String) {
        let mut digest = LineDigest::default();
        digest.add(text.as_bytes());
        let (lines, sha256) = digest.end();
        for record in &mut self.evidence.records {
            if let Event::History(seen) = &mut record.event {
                (seen.lines, seen.sha256) = (lines, sha256.clone());
            }
        }
        *self.history() = text;
    }
}

/// Outcome and reason of an objective.
fn objective(verdict: &Verdict, name: &str) -> (Outcome, String) {
    let found = verdict.objectives.iter().find(|one| one.objective == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {:?}", verdict.objectives));
    (found.outcome, found.reason.clone())
}

fn register(verdict: &Verdict) -> (Outcome, String) {
    objective(verdict, "consistency.register")
}

#[test]
fn the_same_seed_gives_the_same_history_and_a_pass() {
    let (one, other) = (left(job("db-linearizable", |_| {})), left(job("db-linearizable", |_| {})));
    assert!(one.files["history-0.jsonl"].lines().count() > 1000);
    assert!(one.files == other.files, "histories differ");
    let verdict = one.verdict();
    assert_eq!(register(&verdict).0, Outcome::Pass, "{verdict:?}");
    assert_eq!(verdict.outcome, Outcome::Pass, "{verdict:?}");
}

#[test]
fn a_stale_read_is_told_in_every_report() {
    let stale = left(job("anti-patterns/stale-reads", |_| {}));
    let entry = stale.entry();
    let (outcome, reason) = register(&entry.verdict);
    assert_eq!(outcome, Outcome::Fail);
    assert!(reason.contains("stale read") && reason.contains("answered by db-"), "{reason}");
    assert!(reason.contains("in the steady window"), "{reason}");
    let results = Results::of([entry]);
    let page = report::html(&results);
    assert!(page.contains("stale-read") && page.contains("<svg xmlns"), "the section of the check");
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    for text in
        [report::markdown(&results), report::junit(&results).expect("XML"), report::json(&results).expect("JSON")]
    {
        assert!(text.contains("consistency.register"), "{text}");
    }
}

#[test]
fn what_is_missing_cut_or_changed_is_inconclusive() {
    let mut whole = left(job("db-linearizable", |_| {}));
    let text = whole.history().clone();
    let mut told = |change: &dyn Fn(&str) -> String, words: &str| {
        *whole.history() = change(&text);
        let (outcome, reason) = register(&whole.verdict());
        assert!(outcome == Outcome::Inconclusive && reason.contains(words), "{outcome:?}: {reason}");
    };
    told(&|text| text[..text.len() / 2].to_owned(), "is cut");
    told(
        &|text| text.replacen("\"type\":\"info\"", "\"type\":\"fail\"", 1).replacen("\"t\":8", "\"t\":9", 1),
        "digest differs",
    );
    whole.files.clear();
    let (outcome, reason) = register(&whole.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("cannot be read"), "{reason}");
    whole.evidence.records.retain(|record| !matches!(record.event, Event::History(_)));
    let (outcome, reason) = register(&whole.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("cut off"), "{reason}");
}

#[test]
fn planted_histories_are_judged_by_what_they_say() {
    let mut run = left(job("db-linearizable", |_| {}));
    let text = run.history().clone();
    run.plant(String::new());
    let (outcome, reason) = register(&run.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("nothing completed"), "{reason}");
    // Whatever was done during the fault was done before it.
    let quiet = |text: &str| -> String {
        let moved = text.lines().map(|line| {
            let mut event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let t = event["t"].as_i64().expect("a time");
            if (20_000_000_000..28_700_000_000).contains(&t) {
                event["t"] = 20_000_000_000_i64.into();
            }
            format!("{event}\n")
        });
        moved.collect()
    };
    run.plant(quiet(&text));
    let (outcome, reason) = register(&run.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("in 1-pod-kill"), "{outcome:?} {reason}");
    // One read of what nobody wrote.
    let last = text.lines().last().expect("lines");
    let key = &last[last.find("\"v\":").expect("a value")..];
    let phantom = key.replacen("\"v\":", "\"v\":99", 1);
    run.plant(text.replace(last, &last.replace(key, &phantom)));
    let (outcome, reason) = register(&run.verdict());
    assert!(outcome == Outcome::Fail && reason.contains("phantom read"), "{outcome:?} {reason}");
    run.plant("{\"i\":0}\n".to_owned());
    let (outcome, reason) = register(&run.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("unusable"), "{reason}");
}

fn with_store(scenario: &mut Scenario, json: &str) {
    scenario.data = vec![serde_json::from_str(json).expect("a check")];
}

#[test]
fn elements_that_an_asynchronous_store_loses_are_the_rpo() {
    let change = |scenario: &mut Scenario| {
        with_store(scenario, r#"{"kind":"set","keys":1,"store":{"kind":"kv","service":"db:80"}}"#);
    };
    let run = left(job("anti-patterns/async-replication", change));
    let verdict = run.verdict();
    let (outcome, reason) = objective(&verdict, "rpo");
    assert!(outcome == Outcome::Fail && reason.contains("acknowledged elements of set are gone"), "{verdict:?}");
    assert!(reason.contains("lost write"), "{reason}");
}

#[test]
fn a_store_that_cannot_be_spoken_to_here_is_refused_before_anything_is_touched() {
    for (store, words) in [
        (r#"{"kind":"etcd","service":"db:80"}"#, "cannot be run on the embedded cluster"),
        (r#"{"kind":"command","command":["true"]}"#, "only with --allow-commands"),
        (r#"{"kind":"http","endpoints":["a=10.0.0.1:80"]}"#, "has no way out"),
    ] {
        let check = format!(r#"{{"kind":"register","store":{store}}}"#);
        let refused = tried(job("db-linearizable", |scenario| with_store(scenario, &check)), false);
        match refused {
            Err(RunError::NotAllowed(why)) => assert!(why.contains(words), "{why}"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{store} was run"),
        }
    }
}

#[test]
fn a_service_by_templates_is_spoken_to_as_the_store_itself() {
    let check = r#"{"kind":"register","name":"api","store":{"kind":"http","service":"db:80",
        "read":{"request":"GET /kv/{key}","absent":[404]},"write":{"request":"PUT /kv/{key}","body":"{value}"},
        "cas":{"request":"POST /cas/{key}","body":"{\"from\":\"{from}\",\"to\":\"{to}\"}","definite":[409],"actual":"/actual"}}}"#;
    let run = left(job("db-linearizable", |scenario| with_store(scenario, check)));
    let verdict = run.verdict();
    assert_eq!(objective(&verdict, "consistency.api").0, Outcome::Pass, "{verdict:?}");
}

#[test]
fn a_run_that_is_stopped_has_read_nothing_and_proves_nothing() {
    let stopped = tried(job("db-linearizable", |_| {}), true).expect("the run begins");
    let (outcome, reason) = register(&stopped.verdict());
    assert!(outcome == Outcome::Inconclusive && reason.contains("ended before everything was read"), "{reason}");
}

#[test]
fn scenarios_of_real_stores_can_be_planned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/stores");
    let mut planned = 0;
    for file in std::fs::read_dir(folder).expect("the folder") {
        let path = file.expect("readable").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let job = job(&format!("stores/{name}"), |_| {});
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let prepared = runtime.block_on(async {
            let world = embedded::start(&job.scenario, job.seed).expect("a cluster");
            driftproof::run::prepare(&world, &job).await.expect("a plan")
        });
        assert_eq!((prepared.plan.problems.len(), prepared.dirty.len()), (0, 0), "{name}: {:?}", prepared.plan);
        assert!(!prepared.plan.steps.is_empty(), "{name}");
        planned += 1;
    }
    assert!(planned >= 5, "etcd, Redis and PostgreSQL: {planned}");
}

const INSIDE: &str = r#"
name = "inside"
[target]
namespace = "shop"
workload = "statefulset/db"
[fixture]
manifests = ["fixtures/db.yaml"]
[[data]]
kind = "register"
from = "cluster"
store = { kind = "kv", service = "db:80" }
"#;

/// A run whose clients start inside, and how often a request ended how between two seconds of the run.
fn inside(fault: &str, from: i64, to: i64) -> (Left, BTreeMap<String, usize>) {
    let text = format!("{INSIDE}{fault}");
    let mut left = left(job("db-linearizable", |scenario| *scenario = parse("inside", &text).expect("valid")));
    let mut ends = BTreeMap::new();
    for line in left.history().lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a line");
        let kind = event["type"].as_str().expect("a type");
        let second = event["t"].as_i64().expect("a time") / 1_000_000_000;
        if kind != "invoke" && (from..to).contains(&second) {
            *ends.entry(kind.to_owned()).or_default() += 1;
        }
    }
    (left, ends)
}

fn agents(left: &Left) -> Vec<String> {
    let seen = left.evidence.records.iter().find_map(|record| match &record.event {
        Event::History(seen) => Some(seen.inside.clone()),
        _ => None,
    });
    seen.expect("a history")
}

#[test]
fn clients_inside_are_cut_off_by_a_network_policy() {
    let fault = "[[fault]]\nat = \"10s\"\nkind = \"network-partition\"\nhold = \"20s\"\n[guard]\nmax_pods = \"100%\"\n\
                 allow = [\"last-ready-replica\"]\n";
    let (left, _) = inside(fault, 0, 0);
    assert_eq!(agents(&left), ["shop/driftproof-agent-test"]);
    let started = left.evidence.records.iter().find(
        |record| matches!(&record.event, Event::Fault(fault) if format!("{:?}", fault.life).starts_with("Injected")),
    );
    let second = i64::try_from(started.expect("a cut").t / 1_000_000).expect("a time");
    let (_, before) = inside(fault, second - 6, second - 1);
    assert!(before["ok"] > 100, "{before:?}");
    let (_, cut) = inside(fault, second + 2, second + 18);
    assert_eq!(cut.get("ok"), None, "{cut:?}");
    assert!(cut.values().sum::<usize>() > 10, "{cut:?}");
}

#[test]
fn an_agent_that_is_lost_leaves_nothing_half_known() {
    let fault = "[[fault]]\nat = \"10s\"\nkind = \"pod-kill\"\nforce = true\n\
                 pods = { selector = \"app.kubernetes.io/name=driftproof-agent\" }\n[guard]\nmax_pods = \"100%\"\n\
                 allow = [\"last-ready-replica\"]\n";
    let (mut left, _) = inside(fault, 0, 100);
    assert_eq!(agents(&left), ["shop/driftproof-agent-test", "shop/driftproof-agent-test-2"]);
    let failed = left.history().lines().filter(|line| line.contains("not sent: there is no agent")).count();
    let not_reached = left.history().lines().filter(|line| line.contains("is not reached")).count();
    assert!(failed + not_reached > 0, "{failed} and {not_reached}");
    let broken = left.history().lines().filter(|line| line.contains("the agent was lost before the answer"));
    assert!(broken.into_iter().all(|line| line.contains("\"type\":\"info\"")));
    assert_eq!(register(&left.verdict()).0, Outcome::Pass, "{:?}", left.verdict());
}
