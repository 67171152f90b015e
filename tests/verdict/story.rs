//! Evidence from a short text, so that a test reads as what happened. One line is `SECONDS WORD ARGUMENTS`; the text is sorted by time.

use std::collections::BTreeMap;

use driftproof::evidence::{
    Ack, AttachmentSeen, Attempt, Change, ContainerSeen, End, Ending, EndpointSeen, EndpointsSeen, Event, EventSeen,
    Evidence, FaultRecord, Header, Life, NodeSeen, Outcome, PodSeen, Proof, QueryAnswer, Read, Record, Replacement,
    Seen, Snapshot, Undo, VERSION, Volume, When, WorkloadSeen, WorldName, Write,
};
use driftproof::plan::{Action, HeldBy, Plan, Problem, ProblemKind};
use driftproof::scenario::{Aspect, Scenario};

use super::steps::step;

/// The scenario's TOML and what happened.
pub(crate) fn evidence(scenario: &str, story: &str) -> Evidence {
    let scenario: Scenario = toml::from_str(scenario).expect("the test's scenario parses");
    let header = Header {
        version: VERSION,
        tool: "driftproof 0.1.0".to_owned(),
        run: "run-1".to_owned(),
        world: WorldName::Embedded,
        seed: 7,
        started: "2026-01-01T00:00:00Z".to_owned(),
        again: "driftproof run db.toml --seed 7".to_owned(),
        scenario,
        not_modelled: Vec::new(),
        skipped: Vec::new(),
    };
    let mut teller = Teller { pods: BTreeMap::new(), plan: plan(&header.scenario.name), events: Vec::new() };
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        teller.tell(line);
    }
    let mut events = teller.events;
    events.sort_by_key(|(t, _)| *t);
    let first = (0, Event::Header(Box::new(header.clone())));
    let any = !teller.plan.steps.is_empty() || !teller.plan.problems.is_empty();
    let planned = any.then(|| (0, Event::Plan(Box::new(teller.plan))));
    let all = [first].into_iter().chain(planned).chain(events);
    let records: Vec<Record> = all.zip(0..).map(|((t, event), i)| Record { i, t, event }).collect();
    Evidence { header, records, cut: None, digest: String::new() }
}

fn plan(scenario: &str) -> Plan {
    Plan {
        scenario: scenario.to_owned(),
        seed: 7,
        steps: Vec::new(),
        inside: Vec::new(),
        permissions: Vec::new(),
        lifted: Vec::new(),
        problems: Vec::new(),
    }
}

struct Teller {
    /// The last state of each pod by UID.
    pods: BTreeMap<String, PodSeen>,
    plan: Plan,
    events: Vec<(u64, Event)>,
}

impl Teller {
    fn tell(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let t = micros(words.next().expect("a time"));
        let word = words.next().expect("a word");
        let args: Vec<&str> = words.collect();
        let rest = |from: usize| args[from..].join(" ");
        let event = match word {
            "stage" => Event::Stage { stage: named(args[0]) },
            "steady" => Event::Steady { steady: true, reason: String::new() },
            "unsteady" => Event::Steady { steady: false, reason: rest(0) },
            "plan" => return self.plan.steps.push(step(&args)),
            "problem" => {
                let (kind, message) = (ProblemKind::NoTarget, rest(1));
                return self.plan.problems.push(Problem { step: args[0].to_owned(), kind, message, budget: None });
            }
            "inject" => return self.inject(t, args[0]),
            "heal" => return self.lives(t, args[0], [Life::Healing, Life::Healed]),
            "inject-failed" => fault(args[0], Life::InjectFailed { reason: rest(1), budget: None }),
            "inject-held" => {
                let budget = Some(HeldBy { budget: args[1].to_owned(), own: args[2] == "own" });
                fault(args[0], Life::InjectFailed { reason: rest(3), budget })
            }
            "proof" => fault(args[0], Life::Proof(proof(args[1], rest(2)))),
            "heal-proof" => fault(args[0], Life::HealProof(proof(args[1], rest(2)))),
            "pod" => self.pod(&args),
            "node" => seen(Seen::Node(node(&args))),
            "workload" => seen(Seen::Workload(WorkloadSeen {
                workload: args[0].to_owned(),
                desired: number(args[1]),
                ..WorkloadSeen::default()
            })),
            "endpoints" => seen(Seen::Endpoints(endpoints(&args))),
            "attach" => seen(Seen::Attachment(AttachmentSeen {
                volume: format!("pv-{}", args[0]),
                claim: args[0].to_owned(),
                node: args[1].to_owned(),
                attached: args[2] == "yes",
                change: Change::Modified,
            })),
            "event" => seen(Seen::Event(EventSeen {
                about: args[0].to_owned(),
                uid: args[1].to_owned(),
                level: "Warning".to_owned(),
                reason: args[2].to_owned(),
                message: rest(3),
                count: 1,
            })),
            "probes" => return self.probes(t, &args),
            "writes" => return self.writes(t, &args),
            "read" => Event::Read(read(&args)),
            "volume" => Event::Volume(volume(&args)),
            "query" => Event::Query(query(&args)),
            "same" => snapshot(&args),
            "gap" => Event::Gap { what: rest(1), recovered: args[0] == "recovered" },
            "abort" => Event::Abort { condition: args[0].parse().expect("a condition"), reason: rest(1) },
            "end" => Event::End(end(args[0], &rest(1))),
            other => panic!("`{other}` is no word of a story: {line}"),
        };
        self.events.push((t, event));
    }

    fn inject(&mut self, t: u64, id: &str) {
        let action = self.plan.steps.iter().find(|step| step.id == id).map(|step| step.action.clone());
        let intent = action.map(|action| {
            let undo = match &action {
                Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => {
                    nodes.iter().map(|node| Undo::Uncordon { node: node.name.clone() }).collect()
                }
                Action::NetworkPartition { .. } => vec![Undo::DeleteNetworkPolicy {
                    namespace: "shop".to_owned(),
                    name: format!("driftproof-run-1-{id}"),
                }],
                Action::EtcdMemberReplace { stateful_set, ordinals, leaving, guest, port, .. } => {
                    vec![Undo::RestoreMember(Replacement {
                        namespace: leaving.namespace.clone(),
                        stateful_set: stateful_set.clone(),
                        ordinals: *ordinals,
                        port: port.clone(),
                        pod: leaving.name.clone(),
                        pod_uid: leaving.uid.clone(),
                        claims: Vec::new(),
                        member: 1,
                        guest: guest.clone(),
                        guest_claims: Vec::new(),
                    })]
                }
                Action::PodKill { .. } => Vec::new(),
            };
            (t, fault(id, Life::Intent { action, undo }))
        });
        self.events.extend(intent);
        self.lives(t, id, [Life::Injecting, Life::Injected]);
    }

    fn lives<const N: usize>(&mut self, t: u64, step: &str, lives: [Life; N]) {
        self.events.extend(lives.map(|life| (t, fault(step, life))));
    }

    /// `pod UID NAME OWNER NODE STATE [claim=NAME]`; later lines need only `pod UID STATE`, or `pod UID NODE STATE` when it is bound.
    fn pod(&mut self, args: &[&str]) -> Event {
        let uid = args[0].to_owned();
        let state = if let [_, name, owner, node, state, more @ ..] = args {
            let claims = more.iter().filter_map(|word| word.strip_prefix("claim=")).map(str::to_owned).collect();
            let pod = PodSeen {
                change: Change::Added,
                namespace: "shop".to_owned(),
                name: (*name).to_owned(),
                uid: uid.clone(),
                target: true,
                owner: (*owner).to_owned(),
                node: if *node == "-" { String::new() } else { (*node).to_owned() },
                created: "2026-01-01T00:00:00Z".to_owned(),
                claims,
                containers: vec![ContainerSeen { name: "app".to_owned(), ..ContainerSeen::default() }],
                ..PodSeen::default()
            };
            self.pods.insert(uid.clone(), pod);
            *state
        } else {
            let pod = self.pods.get_mut(&uid).expect("a pod that was introduced");
            pod.change = Change::Modified;
            if let [_, node, _] = args {
                (*node).clone_into(&mut pod.node);
            }
            args[args.len() - 1]
        };
        let pod = self.pods.get_mut(&uid).expect("just there");
        apply(pod, state);
        seen(Seen::Pod(pod.clone()))
    }

    /// `probes UNTIL RATE ok|timeout|STATUS [POD]`: attempts of probe 0 from the line's time on.
    fn probes(&mut self, from: u64, args: &[&str]) {
        let (until, rate) = (micros(args[0]), args[1].parse::<u64>().expect("a rate"));
        let mut due = from;
        while due < until {
            let (probe, how) = args[2].split_once(':').unwrap_or(("0", args[2]));
            let probe = probe.parse().expect("a probe");
            let (took, outcome) = match how {
                "ok" => (2_000, Outcome::Ok { pod: args.get(3).map(|pod| (*pod).to_owned()) }),
                "slow" => (400_000, Outcome::Ok { pod: None }),
                "timeout" => (1_000_000, Outcome::Timeout),
                status => (3_000, Outcome::Status { status: status.parse().expect("a status") }),
            };
            self.events.push((due + took, Event::Attempt(Attempt { probe, due, took, outcome })));
            due += 1_000_000 / rate;
        }
    }

    /// `writes FIRST LAST ok|fail|info`: unique values of check 0, ten a second.
    fn writes(&mut self, from: u64, args: &[&str]) {
        let ack = named::<Ack>(args[2]);
        let (first, last): (u64, u64) = (args[0].parse().expect("a value"), args[1].parse().expect("a value"));
        for (sent, value) in (first..=last).enumerate().map(|(n, value)| (from + n as u64 * 100_000, value)) {
            self.events.push((sent + 1_000, Event::Write(Write { check: 0, client: 0, value, sent, ack })));
        }
    }
}

fn apply(pod: &mut PodSeen, state: &str) {
    let container = &mut pod.containers[0];
    let (phase, of_container, ready) = match state {
        "pending" => ("Pending", "", false),
        "waiting" => ("Pending", "waiting", false),
        "running" | "restarted" => ("Running", "running", false),
        "ready" => ("Running", "running", true),
        "killed" => ("Failed", "terminated", false),
        // A terminating pod keeps what it had, a StatefulSet's even Ready=True.
        "terminating" | "gone" => (pod.phase.as_str(), container.state.as_str(), pod.ready),
        other => panic!("`{other}` is no state of a pod"),
    };
    (pod.phase, container.state, pod.ready) = (phase.to_owned(), of_container.to_owned(), ready);
    match state {
        "terminating" => "2026-01-01T00:10:00Z".clone_into(&mut pod.deletion),
        "gone" => pod.change = Change::Deleted,
        "killed" => {
            "2026-01-01T00:10:00Z".clone_into(&mut pod.deletion);
            container.exit_code = Some(137);
        }
        "restarted" => container.restarts += 1,
        "waiting" => "ContainerCreating".clone_into(&mut container.reason),
        _ => {}
    }
}

fn micros(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<6}");
    seconds.parse::<u64>().expect("seconds") * 1_000_000 + fraction.parse::<u64>().expect("a fraction")
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}

fn named<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).expect("a known word")
}

fn seen(seen: Seen) -> Event {
    Event::Seen(Box::new(seen))
}

fn fault(step: &str, life: Life) -> Event {
    Event::Fault(Box::new(FaultRecord { step: step.to_owned(), life }))
}

fn proof(proven: &str, statement: String) -> Proof {
    Proof { proven: proven == "yes", statement, canaries: Vec::new() }
}

/// `plan STEP kill|partition|drain|fail TARGET…`: pods as `UID=NAME@NODE`, nodes by name.
/// By which the pods of a lost node are evicted.
const TAINT: &str = "node.kubernetes.io/unreachable:NoExecute";

fn node(args: &[&str]) -> NodeSeen {
    let (ready, cordoned) = match args[2] {
        "ready" => ("True", false),
        "cordoned" => ("True", true),
        "lost" | "tainted" => ("Unknown", false),
        other => panic!("`{other}` is no state of a node"),
    };
    NodeSeen {
        change: Change::Modified,
        name: args[0].to_owned(),
        zone: args[1].to_owned(),
        ready: ready.to_owned(),
        cordoned,
        taints: if args[2] == "tainted" { vec![TAINT.to_owned()] } else { Vec::new() },
        ..NodeSeen::default()
    }
}

fn endpoints(args: &[&str]) -> EndpointsSeen {
    let ready = EndpointSeen { ready: true, serving: true, terminating: false };
    EndpointsSeen {
        namespace: "shop".to_owned(),
        service: args[0].to_owned(),
        pods: args[1..].iter().map(|pod| ((*pod).to_owned(), ready)).collect(),
    }
}

/// `1,2,4..7`
fn values(text: &str) -> Vec<u64> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        values.extend(first.parse::<u64>().expect("a value")..=last.parse::<u64>().expect("a value"));
    }
    values
}

/// `read service|POD VALUES` or `read service|POD failed REASON`
fn read(args: &[&str]) -> Read {
    let replica = (args[0] != "service").then(|| args[0].to_owned());
    if args[1] == "failed" {
        return Read { check: 0, replica, values: None, reason: args[2..].join(" ") };
    }
    Read { check: 0, replica, values: Some(values(args[1])), reason: String::new() }
}

/// `volume POD before|after DIGEST FILES`
fn volume(args: &[&str]) -> Volume {
    let digest = (args[2] != "-").then(|| args[2].to_owned());
    let reason = if digest.is_none() { "no such pod".to_owned() } else { String::new() };
    Volume {
        check: 0,
        pod: args[0].to_owned(),
        when: named(args[1]),
        digest,
        files: u64::from(number(args[3])),
        reason,
    }
}

fn query(args: &[&str]) -> QueryAnswer {
    let values =
        (args[0] != "none").then(|| args[0].split(',').map(|value| value.parse().expect("a sample")).collect());
    QueryAnswer { query: 0, values, reason: "no answer".to_owned() }
}

/// `same before|after ASPECT SUBJECT STATE`
fn snapshot(args: &[&str]) -> Event {
    let states = BTreeMap::from([(args[2].to_owned(), args[3].to_owned())]);
    let aspects = BTreeMap::from([(named::<Aspect>(args[1]), states)]);
    Event::Snapshot(Box::new(Snapshot { when: named::<When>(args[0]), aspects }))
}

fn end(how: &str, rest: &str) -> End {
    let (how, dirty) = match how {
        "completed" => (Ending::Completed, Vec::new()),
        "interrupted" => (Ending::Interrupted, Vec::new()),
        "aborted" => (Ending::Aborted { reason: rest.to_owned() }, Vec::new()),
        "dirty" => (Ending::Completed, vec![rest.to_owned()]),
        other => panic!("`{other}` is no ending"),
    };
    End { how, dirty }
}
