//! NetworkPolicy, held against a real network: sets of policies, and which connections between six pods pass under each.
//! Runs on any arm; what a real network was seen to do is committed beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::hands::{Arm, Door, PodName};
use crate::{objects, steady};

mod gaps;

pub(crate) use gaps::gap;

/// Every pod listens on these.
const PORTS: [u16; 3] = [8080, 8081, 53];
/// Namespaces with their labels.
const NAMESPACES: [(&str, Option<&str>); 3] = [("a", Some("a")), ("b", Some("b")), ("c", None)];
/// From a change of policies until the first look.
const ENFORCED: Duration = Duration::from_millis(2500);
/// Between two looks that must be the same.
const AGAIN: Duration = Duration::from_millis(700);
/// Looks until the network is said to be restless.
const LOOKS: usize = 12;

/// Policies in force together.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Set {
    pub(crate) name: String,
    policies: Vec<Policy>,
}

#[derive(Clone, Debug, Deserialize)]
struct Policy {
    namespace: String,
    spec: Value,
}

/// For each sending pod: the receiving pods, each with a `1` for every port that answers and a `0` for the others.
pub(crate) type Reach = BTreeMap<String, BTreeMap<String, String>>;

/// What was seen under each set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// Version of Kubernetes.
    pub(crate) kubernetes: String,
    /// Who enforced the policies.
    pub(crate) enforcer: String,
    pub(crate) sets: BTreeMap<String, Reach>,
}

/// The sets, as data.
pub(crate) fn sets() -> Vec<Set> {
    serde_saphyr::from_str(include_str!("policies.yaml")).expect("the sets can be read")
}

fn namespace(letter: &str) -> String {
    format!("conformance-net-{letter}")
}

/// A pod that runs.
#[derive(Clone, Debug)]
struct Peer {
    /// `a/web`.
    name: String,
    pod: PodName,
    ip: String,
}

/// Looks at every set.
///
/// # Errors
/// A cluster that does not do what it is asked.
pub(crate) async fn observe(arm: &Arm, sets: &[Set], said: impl Fn(&str)) -> Result<BTreeMap<String, Reach>, String> {
    let told = under_all(arm, sets, said).await;
    let namespaces = objects::api(&arm.client, "v1", "Namespace", None);
    let mut failed = Vec::new();
    for (letter, _) in NAMESPACES {
        failed.extend(objects::delete(&namespaces, &namespace(letter), None).await.err());
    }
    for (letter, _) in NAMESPACES {
        failed.extend(steady::gone(&arm.client, &namespace(letter)).await.err());
    }
    let told = told?;
    if failed.is_empty() { Ok(told) } else { Err(failed.join("; ")) }
}

async fn under_all(arm: &Arm, sets: &[Set], said: impl Fn(&str)) -> Result<BTreeMap<String, Reach>, String> {
    let peers = settle(arm).await?;
    let mut told = BTreeMap::new();
    for set in sets {
        put(arm, set, &peers).await?;
        let reach = look(arm, &peers).await.map_err(|why| format!("{}: {why}", set.name))?;
        take(arm, set).await?;
        said(&set.name);
        told.insert(set.name.clone(), reach);
    }
    Ok(told)
}

/// Creates the pods and waits for them.
async fn settle(arm: &Arm) -> Result<Vec<Peer>, String> {
    steady::nodes(&arm.client).await?;
    for (letter, team) in NAMESPACES {
        let labels = team.map(|team| json!({ "team": team })).unwrap_or_default();
        let object = json!({ "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": namespace(letter), "labels": labels } });
        objects::create(&arm.client, "", &object).await?;
    }
    let pods = driftproof::scenario::manifests("pods.yaml", include_str!("pods.yaml"));
    for mut pod in pods.map_err(|_| "pods.yaml cannot be read")? {
        let letter = pod["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        pod["metadata"]["namespace"] = namespace(&letter).into();
        objects::create_patiently(&arm.client, &namespace(&letter), &pod).await?;
    }
    let mut peers = Vec::new();
    for (letter, _) in NAMESPACES {
        let place = namespace(letter);
        steady::namespace(&arm.client, &place).await?;
        for pod in objects::list(&arm.client, "v1", "Pod", Some(&place)).await? {
            let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let pod = PodName { namespace: place.clone(), name: text("/metadata/name") };
            peers.push(Peer { name: format!("{letter}/{}", pod.name), pod, ip: text("/status/podIP") });
        }
    }
    Ok(peers)
}

/// A policy with the addresses of this cluster.
fn addressed(spec: &Value, peers: &[Peer]) -> Result<Value, String> {
    let mut text = spec.to_string();
    let block = |ip: &str, parts: usize| {
        let kept: Vec<&str> = ip.split('.').take(parts).collect();
        format!("{}{}/{}", kept.join("."), ".0".repeat(4 - parts), parts * 8)
    };
    for peer in peers {
        text = text.replace(&format!("$IP({})", peer.name), &peer.ip);
        text = text.replace(&format!("$NODE({})", peer.name), &block(&peer.ip, 3));
        text = text.replace("$PODS", &block(&peer.ip, 2));
    }
    for (letter, _) in NAMESPACES {
        text = text.replace(&format!("$NS({letter})"), &namespace(letter));
    }
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

async fn put(arm: &Arm, set: &Set, peers: &[Peer]) -> Result<(), String> {
    for (index, policy) in set.policies.iter().enumerate() {
        let object = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": { "name": format!("{}-{index}", set.name) }, "spec": addressed(&policy.spec, peers)? });
        objects::create(&arm.client, &namespace(&policy.namespace), &object).await?;
    }
    Ok(())
}

async fn take(arm: &Arm, set: &Set) -> Result<(), String> {
    for (index, policy) in set.policies.iter().enumerate() {
        let place = namespace(&policy.namespace);
        let api = objects::api(&arm.client, "networking.k8s.io/v1", "NetworkPolicy", Some(&place));
        objects::delete(&api, &format!("{}-{index}", set.name), None).await?;
    }
    Ok(())
}

/// Looks until two looks in a row see the same.
async fn look(arm: &Arm, peers: &[Peer]) -> Result<Reach, String> {
    sleep(ENFORCED).await;
    let mut before = glance(arm, peers).await?;
    for _ in 0..LOOKS {
        sleep(AGAIN).await;
        let now = glance(arm, peers).await?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
    Err("the network does not come to rest".to_owned())
}

/// Tries every port of every other pod from every pod, all at once.
async fn glance(arm: &Arm, peers: &[Peer]) -> Result<Reach, String> {
    let from = peers.iter().map(async |sender| {
        let others: Vec<&Peer> = peers.iter().filter(|peer| peer.name != sender.name).collect();
        let doors = others.iter().flat_map(|peer| PORTS.map(|port| Door { ip: peer.ip.clone(), port }));
        let doors: Vec<Door> = doors.collect();
        let open = arm.hands.connect(&sender.pod, &doors).await?;
        let words =
            open.chunks(PORTS.len()).map(|ports| ports.iter().map(|open| if *open { '1' } else { '0' }).collect());
        Ok::<_, String>((sender.name.clone(), others.iter().map(|peer| peer.name.clone()).zip(words).collect()))
    });
    Ok(try_join_all(from).await?.into_iter().collect())
}

/// One connection on which two networks differ, with the reason when it is known.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) set: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) embedded: String,
    pub(crate) real: String,
    pub(crate) known: Option<&'static str>,
}

/// Everything on which they differ, set by set.
pub(crate) fn differences(embedded: &BTreeMap<String, Reach>, real: &BTreeMap<String, Reach>) -> Vec<Difference> {
    let mut all = Vec::new();
    for (set, theirs) in real {
        let ours = embedded.get(set).cloned().unwrap_or_default();
        for (from, to) in theirs.iter().flat_map(|(from, row)| row.keys().map(move |to| (from, to))) {
            let ports = |reach: &Reach| reach.get(from).and_then(|row| row.get(to)).cloned().unwrap_or_default();
            let (embedded, real) = (ports(&ours), ports(theirs));
            if embedded != real {
                let known = gap(set, from, to);
                all.push(Difference { set: set.clone(), from: from.clone(), to: to.clone(), embedded, real, known });
            }
        }
    }
    all
}
