//! Runs on the embedded cluster, seen through their evidence: what a run records, in which order, and how it ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use driftproof::evidence::{Ending, Event, Evidence, FaultRecord, Life, Log, Memory, Stage, Undo};
use driftproof::measure::measure;
use driftproof::run::{Job, News, RunError, Update, run};
use driftproof::scenario::{Fault, Percent, Rail, Scenario, manifests, parse};
use driftproof::verdict::{Outcome, judge};
use driftproof::world::{Metrics, World, embedded};
use futures::future::BoxFuture;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// A shipped scenario as a job, perhaps changed.
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
    let run = format!("test-{}", scenario.name);
    Job {
        scenario,
        manifests,
        apply_fixtures: true,
        seed: 1,
        run,
        again: "again".to_owned(),
        allow_commands: false,
        failsafe: true,
        break_lock: false,
        skipped: Vec::new(),
    }
}

/// Runs a job on a cluster of its own; asks for a stop once that many faults were injected.
fn evidence(job: Job, stop_after: usize) -> Evidence {
    evidence_of(job, stop_after, None)
}

/// The same with a Prometheus.
fn evidence_of(job: Job, stop_after: usize, metrics: Option<Arc<dyn Metrics>>) -> Evidence {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let memory = Memory::default();
    let ended = runtime.block_on(async {
        let world = embedded::start(&job.scenario, job.seed).expect("a cluster");
        let world = World { metrics, ..world };
        let (progress, mut news) = mpsc::unbounded_channel::<Update>();
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::spawn(async move {
            let mut injected = 0;
            while let Some(update) = news.recv().await {
                let News::Fault(record) = update.what else { continue };
                injected += usize::from(record.life == Life::Injected);
                if stop_after > 0 && injected == stop_after {
                    let _ = stop.send(true);
                }
            }
        });
        let ended = run(&world, job, &Log::new(Box::new(memory.clone())), progress, stopped).await;
        listener.abort();
        ended.expect("the run begins")
    });
    let evidence = Evidence::read(&memory.text()).expect("readable");
    assert_eq!(evidence.cut, None);
    assert_eq!(evidence.records.last().map(|record| &record.event), Some(&Event::End(ended)));
    evidence
}

/// `step life` of every fault record, in order.
fn lives(evidence: &Evidence) -> Vec<String> {
    let word = |record: &FaultRecord| {
        let life = serde_json::to_value(&record.life).expect("serialises");
        format!("{} {}", record.step, life["life"].as_str().expect("a word"))
    };
    evidence
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Fault(fault) => Some(word(fault)),
            _ => None,
        })
        .collect()
}

fn stages(evidence: &Evidence) -> Vec<Stage> {
    let stage = |event: &Event| if let Event::Stage { stage } = event { Some(*stage) } else { None };
    evidence.records.iter().filter_map(|record| stage(&record.event)).collect()
}

fn ending(evidence: &Evidence) -> (&Ending, &[String]) {
    match &evidence.records.last().expect("records").event {
        Event::End(end) => (&end.how, &end.dirty),
        other => panic!("the last record is {other:?}"),
    }
}

/// What another run has left or still holds, and why a partition of the target does not begin beside it.
#[tokio::test(start_paused = true)]
async fn nothing_starts_beside_what_another_run_holds() {
    let left = |kind: &str, name: &str, annotations: Value, spec: Value| {
        let labels = json!({ "app.kubernetes.io/managed-by": "driftproof", "driftproof.dev/run": "dead" });
        let group = if kind == "Lease" { "coordination.k8s.io/v1" } else { "networking.k8s.io/v1" };
        let metadata = json!({ "name": name, "namespace": "shop", "labels": labels, "annotations": annotations });
        json!({ "apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec })
    };
    let cut = json!({ "podSelector": { "matchLabels": { "app": "web" } }, "policyTypes": ["Ingress"] });
    let held =
        json!({ "holderIdentity": "dead", "leaseDurationSeconds": 86_400, "renewTime": "2026-01-01T00:00:00.000000Z" });
    let stale =
        json!({ "holderIdentity": "dead", "leaseDurationSeconds": 60, "renewTime": "2020-01-01T00:00:00.000000Z" });
    for (object, wanted) in [
        (left("NetworkPolicy", "cut", json!({}), cut), Some("NetworkPolicy shop/cut was left by run dead")),
        (
            left("Lease", "driftproof-deployment-web", json!({}), held),
            Some("run dead works on deployment/web in shop until"),
        ),
        (left("Lease", "driftproof-deployment-web", json!({}), stale), None),
    ] {
        let job = job("partition-deny-all", |_| {});
        let world = embedded::start(&job.scenario, 1).expect("a cluster");
        for object in [json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }), object] {
            create(&world.client, object).await;
        }
        let (progress, _news) = mpsc::unbounded_channel::<Update>();
        let (_stop, stopped) = watch::channel(false);
        let ended = run(&world, job, &Log::new(Box::new(Memory::default())), progress, stopped).await;
        match (ended, wanted) {
            (Err(RunError::Busy(message)), Some(wanted)) => assert!(message.starts_with(wanted), "{message}"),
            (Ok(ended), None) => assert_eq!(ended.how, Ending::Completed),
            (ended, wanted) => panic!("{ended:?}, not {wanted:?}"),
        }
    }
}

async fn create(client: &Client, object: Value) {
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let types = object.types.clone().expect("a kind");
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.create(&PostParams::default(), &object).await.expect("it is created");
}

#[test]
fn a_run_goes_through_its_stages_and_a_fault_through_its_life() {
    let evidence = evidence(job("partition-deny-all", |_| {}), 0);
    let step = "1-network-partition";
    // A cut is proven twice: by new connections at once, and at its end with what became of open ones.
    let life = ["intent", "injecting", "injected", "proof", "proof", "healing", "healed", "heal-proof"];
    assert_eq!(lives(&evidence), life.map(|word| format!("{step} {word}")));
    let all = [Stage::Prepare, Stage::Steady, Stage::Fault, Stage::Settle, Stage::Check, Stage::Clean];
    assert_eq!(stages(&evidence), all);
    assert_eq!(ending(&evidence), (&Ending::Completed, &[] as &[String]));
}

#[test]
fn what_is_created_is_on_record_before_it_is_seen() {
    let evidence = evidence(job("pod-kill-one", |_| {}), 0);
    let at = |wanted: &dyn Fn(&Event) -> bool| {
        evidence.records.iter().position(|record| wanted(&record.event)).expect("on record")
    };
    let creating = at(&|event| matches!(event, Event::Creating { .. }));
    let seen =
        at(&|event| matches!(event, Event::Seen(seen) if matches!(**seen, driftproof::evidence::Seen::Workload(_))));
    assert!(creating < seen);
}

#[test]
fn a_stop_heals_in_reverse_order_and_cleans_up() {
    let evidence = evidence(job("overlapping-faults", |_| {}), 2);
    let lives = lives(&evidence);
    let healing: Vec<&String> =
        lives.iter().filter(|life| life.ends_with(" healing") || life.ends_with(" healed")).collect();
    let expected =
        ["2-node-drain healing", "2-node-drain healed", "1-network-partition healing", "1-network-partition healed"];
    assert_eq!(healing, expected);
    assert_eq!(stages(&evidence).last(), Some(&Stage::Clean));
    assert_eq!(ending(&evidence), (&Ending::Interrupted, &[] as &[String]));
}

#[test]
fn a_condition_that_is_met_heals_at_once() {
    let job = job("partition-deny-all", |scenario| {
        scenario.faults[0].hold = Duration::from_secs(600);
        let condition = format!("probe = \"{}\"\noutage = \"3s\"\nverdict = \"fail\"", scenario.probes[0].name);
        scenario.aborts = vec![toml::from_str(&condition).expect("a condition")];
    });
    let evidence = evidence(job, 0);
    let (Ending::Aborted { reason }, []) = ending(&evidence) else { panic!("{:?}", ending(&evidence)) };
    assert_eq!(reason, "a condition of the scenario ended its faults");
    let at = |wanted: &dyn Fn(&Event) -> bool| evidence.records.iter().find(|one| wanted(&one.event)).expect("there").t;
    let injected = at(&|event| matches!(event, Event::Fault(fault) if fault.life == Life::Injected));
    let met = at(&|event| matches!(event, Event::Abort { condition: 0, .. }));
    let healed = at(&|event| matches!(event, Event::Fault(fault) if fault.life == Life::Healed));
    assert!((2_900_000..4_000_000).contains(&(met - injected)), "{}", met - injected);
    assert!(healed - met < 1_000_000, "{}", healed - met);
    let verdict = judge(&evidence.header.scenario, &measure(&evidence));
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(verdict.line.contains("was without an answer for 3s"), "{}", verdict.line);
}

/// Answers every query after the first few with another number.
struct Gauge {
    asked: AtomicUsize,
    answers: fn(usize) -> Result<Vec<f64>, String>,
}

impl Metrics for Gauge {
    fn query<'a>(&'a self, _: &'a str, _: Option<(Duration, Duration)>) -> BoxFuture<'a, Result<Vec<f64>, String>> {
        let answer = (self.answers)(self.asked.fetch_add(1, Ordering::SeqCst));
        Box::pin(async move { answer })
    }
}

#[test]
fn a_query_heals_when_it_breaks_its_bound_and_makes_no_pass_when_it_is_blind() {
    type Answers = fn(usize) -> Result<Vec<f64>, String>;
    let cases: [(&str, Option<Answers>, Outcome, &str); 4] = [
        ("it holds", Some(|_| Ok(vec![0.01, 0.02])), Outcome::Pass, ""),
        (
            "one sample breaks it",
            Some(|asked| Ok(vec![0.01, if asked < 2 { 0.02 } else { 0.5 }])),
            Outcome::Fail,
            "gave 0.5",
        ),
        ("it has no data", Some(|_| Ok(Vec::new())), Outcome::Inconclusive, "could not be watched: no samples"),
        ("there is no Prometheus", None, Outcome::Inconclusive, "could not be watched: this cluster has no Prometheus"),
    ];
    for (what, answers, outcome, reason) in cases {
        let job = job("partition-deny-all", |scenario| {
            let condition = "query = \"errors\"\nbound = \"< 0.05\"\nevery = \"1s\"\nverdict = \"fail\"";
            scenario.aborts = vec![toml::from_str(condition).expect("a condition")];
        });
        let gauge = |answers| -> Arc<dyn Metrics> { Arc::new(Gauge { asked: AtomicUsize::new(0), answers }) };
        let evidence = evidence_of(job, 0, answers.map(gauge));
        let verdict = judge(&evidence.header.scenario, &measure(&evidence));
        assert_eq!(verdict.outcome, outcome, "{what}: {}", verdict.line);
        let reasons: Vec<&str> = verdict.objectives.iter().map(|one| one.reason.as_str()).collect();
        assert!(reasons.iter().any(|one| one.contains(reason)), "{what}: {reasons:?}");
    }
}

#[test]
fn a_target_that_is_never_steady_is_left_alone() {
    let unsteady = job("pod-kill-one", |scenario| {
        // Nothing fits a node of this size.
        scenario.cluster.capacity.insert("cpu".to_owned(), "1m".to_owned());
        scenario.steady.timeout = Duration::from_secs(20);
    });
    let evidence = evidence(unsteady, 0);
    assert_eq!(lives(&evidence), [""; 0]);
    let (Ending::Aborted { reason }, []) = ending(&evidence) else { panic!("{:?}", ending(&evidence)) };
    assert!(reason.contains("deployment/web in shop was not steady within 20s, nothing was injected"), "{reason}");
    assert!(reason.contains("Insufficient cpu"), "the scheduler's words: {reason}");
}

#[test]
fn a_fault_that_is_healed_before_it_bites_is_not_proven() {
    let short = job("node-lost", |scenario| scenario.faults[0].hold = Duration::from_secs(20));
    let evidence = evidence(short, 0);
    let proof = evidence.records.iter().find_map(|record| match &record.event {
        Event::Fault(fault) => match &fault.life {
            Life::Proof(proof) => Some(proof.clone()),
            _ => None,
        },
        _ => None,
    });
    let proof = proof.expect("a proof on record");
    assert!(!proof.proven);
    assert!(proof.statement.contains("hold it longer"), "{}", proof.statement);
}

/// `partition-from-inside` with another fault in place of the partition.
fn from_inside(fault: &str) -> Evidence {
    let fault: Fault = serde_json::from_str(fault).expect("a fault");
    let change = |scenario: &mut Scenario| {
        scenario.faults = vec![fault];
        scenario.guard.max_nodes = Percent(100.0);
        (scenario.guard.max_pods, scenario.guard.max_namespace_pods) = (Percent(100.0), Percent(100.0));
        scenario.guard.allow = vec![Rail::LastReadyReplica, Rail::OwnAgentNode];
    };
    evidence(job("partition-from-inside", change), 0)
}

fn gaps(evidence: &Evidence) -> Vec<(String, bool)> {
    let gap = |event: &Event| match event {
        Event::Gap { what, recovered } => Some((what.clone(), *recovered)),
        _ => None,
    };
    evidence.records.iter().filter_map(|record| gap(&record.event)).collect()
}

/// Agents that were created, in order.
fn agents(evidence: &Evidence) -> Vec<String> {
    let agent = |event: &Event| match event {
        Event::Creating { undo: Undo::DeleteObject { kind, name, .. } } if kind == "Pod" => Some(name.clone()),
        _ => None,
    };
    evidence.records.iter().filter_map(|record| agent(&record.event)).collect()
}

#[test]
fn an_agent_that_is_killed_is_replaced_and_the_hole_is_on_record() {
    let killed = from_inside(
        r#"{"kind":"pod-kill","at":"2s","pods":{"selector":"app.kubernetes.io/name=driftproof-agent"},"hold":"10s"}"#,
    );
    let name = "driftproof-agent-test-partition-from-inside";
    assert_eq!(agents(&killed), [name.to_owned(), format!("{name}-2")]);
    let lost = format!("agent shop/{name}: its pod ended");
    assert_eq!(gaps(&killed), [(lost, false)]);
    let verdict = judge(&killed.header.scenario, &measure(&killed));
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:?}");
    let end = killed.records.iter().rev().find_map(|record| match &record.event {
        Event::Attempt(attempt) => Some(attempt.outcome.clone()),
        _ => None,
    });
    assert!(matches!(end, Some(driftproof::evidence::Outcome::Ok { .. })), "the second one probes: {end:?}");
}

#[test]
fn an_agent_that_is_cut_off_for_a_while_tells_later_what_it_saw() {
    // Every node of the cluster, the agent's among them.
    let cut = from_inside(
        r#"{"kind":"node-failure","at":"2s","node":{"selector":"kubernetes.io/os=linux","count":"100%"},"mode":"kubelet-stop","hold":"20s"}"#,
    );
    let gaps = gaps(&cut);
    assert!(
        gaps.iter().any(|(what, recovered)| what.contains("its stream was broken") && *recovered),
        "{gaps:?} {:?}",
        cut.records.last()
    );
    assert_eq!(agents(&cut).len(), 1, "it is the same one all along");
    let due = |probe: usize| {
        let due = cut.records.iter().filter_map(|record| match &record.event {
            Event::Attempt(attempt) if attempt.probe == probe => Some(attempt.due),
            _ => None,
        });
        let mut due: Vec<u64> = due.collect();
        due.sort_unstable();
        due
    };
    assert!(due(0).windows(2).all(|pair| pair[1] - pair[0] == 50_000), "no attempt is missing");
}
