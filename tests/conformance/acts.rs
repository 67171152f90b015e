//! Does the acts of a case, through the Kubernetes API and the hands. Notes what it was answered; judges nothing.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use kube::api::{Api, DynamicObject, EvictParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::case::{Act, Case, Switch, Victims, Workload};
use crate::hands::{Arm, Door, PodName};
use crate::{cases, objects};

/// `kubectl drain` tries a refused eviction again after this long.
const RETRY: Duration = Duration::from_secs(5);
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Something that the body saw itself. `of` and `what` name pods by `{uid}`.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) at: Instant,
    pub(crate) of: String,
    pub(crate) what: String,
}

/// A case that runs.
pub(crate) struct Stage<'a> {
    pub(crate) arm: &'a Arm,
    pub(crate) case: &'a Case,
    pub(crate) namespace: String,
    /// Nodes that are lost.
    pub(crate) victims: BTreeSet<String>,
    /// UIDs of the pods that an act was aimed at.
    pub(crate) picked: BTreeSet<String>,
    pub(crate) notes: Mutex<Vec<Note>>,
}

fn name(object: &Value) -> String {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn uid(object: &Value) -> String {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Stage<'_> {
    fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        objects::api(&self.arm.client, version, kind, Some(&self.namespace))
    }

    fn workload(&self, kind: Workload) -> Api<DynamicObject> {
        self.api(
            "apps/v1",
            match kind {
                Workload::Deployment => "Deployment",
                Workload::StatefulSet => "StatefulSet",
            },
        )
    }

    async fn pods(&self) -> Result<Vec<Value>, String> {
        let mut pods = objects::list(&self.arm.client, "v1", "Pod", Some(&self.namespace)).await?;
        pods.sort_by_key(name);
        Ok(pods)
    }

    /// The pods of an application, by name.
    async fn pods_of(&self, app: &str) -> Result<Vec<Value>, String> {
        let pods = self.pods().await?;
        Ok(pods.into_iter().filter(|pod| pod["metadata"]["labels"]["app"] == app).collect())
    }

    async fn first(&self, app: &str) -> Result<Value, String> {
        self.pods_of(app).await?.into_iter().next().ok_or_else(|| format!("{app} has no pod"))
    }

    /// Finds out which nodes will be lost.
    pub(crate) async fn choose_victims(&mut self) -> Result<(), String> {
        let (app, others) = match self.case.victims {
            Victims::None => return Ok(()),
            Victims::Holding(app) => (app, false),
            Victims::AllButHolding(app) => (app, true),
        };
        let pod = self.first(app).await?;
        let nodes = objects::list(&self.arm.client, "v1", "Node", None).await?;
        let chosen = nodes.iter().map(name).filter(|node| (pod["spec"]["nodeName"] != node.as_str()) == others);
        self.victims = chosen.collect();
        Ok(())
    }

    /// Finds out which pods will be aimed at, before anything is done.
    pub(crate) async fn choose_pods(&mut self) -> Result<(), String> {
        for (_, act) in self.case.acts {
            if let Act::DeletePod { app, .. } | Act::KillContainer { app } = act {
                let pod = self.first(app).await?;
                self.picked.insert(uid(&pod));
            }
        }
        Ok(())
    }

    /// Does one act.
    pub(crate) async fn act(&self, act: Act) -> Result<(), String> {
        match act {
            Act::DeletePod { app, grace } => {
                let pod = self.first(app).await?;
                objects::delete(&self.api("v1", "Pod"), &name(&pod), grace).await
            }
            Act::KillContainer { app } => {
                let pod = PodName { namespace: self.namespace.clone(), name: name(&self.first(app).await?) };
                self.arm.hands.kill_container(&pod, "main").await
            }
            Act::DeleteWorkload { kind, app } => objects::delete(&self.workload(kind), app, None).await,
            Act::Scale { kind, app, replicas } => {
                objects::merge(&self.workload(kind), app, &json!({ "spec": { "replicas": replicas } })).await
            }
            Act::Rollout { kind, app } => {
                let patch = json!({ "spec": { "template": { "metadata": { "annotations": { "rolled": "once" } } } } });
                objects::merge(&self.workload(kind), app, &patch).await
            }
            Act::Machine(switch) => self.throw(switch).await,
            Act::Drain { patience } => self.drain(Duration::from_secs(patience)).await,
            Act::Uncordon => self.cordon(false).await,
            Act::OutOfService => self.out_of_service(true).await,
            Act::InService => self.out_of_service(false).await,
            Act::Apply(manifest) => apply(self.arm, &self.namespace, manifest).await,
            Act::DeletePolicy(policy) => {
                objects::delete(&self.api("networking.k8s.io/v1", "NetworkPolicy"), policy, None).await
            }
            Act::Connect { from, to } => self.connect(from, to).await,
        }
    }

    /// Takes an act back, whether or not it was done.
    pub(crate) async fn undo(&self, act: Act) -> Result<(), String> {
        match act {
            Act::Machine(switch) => match switch.undo() {
                Some(back) => self.throw(back).await,
                None => Ok(()),
            },
            Act::Drain { .. } => self.cordon(false).await,
            Act::OutOfService => self.out_of_service(false).await,
            // These concern the namespace only, which goes.
            Act::DeletePod { .. }
            | Act::KillContainer { .. }
            | Act::DeleteWorkload { .. }
            | Act::Scale { .. }
            | Act::Rollout { .. }
            | Act::Uncordon
            | Act::InService
            | Act::Apply(_)
            | Act::DeletePolicy(_)
            | Act::Connect { .. } => Ok(()),
        }
    }

    fn note(&self, of: String, what: &str) {
        let note = Note { at: Instant::now(), of, what: what.to_owned() };
        self.notes.lock().expect("no panic while held").push(note);
    }

    /// All at once, as far as hands can.
    async fn throw(&self, switch: Switch) -> Result<(), String> {
        let each = self.victims.iter().map(|node| self.arm.hands.switch(node, switch));
        futures::future::try_join_all(each).await.map(drop)
    }

    async fn cordon(&self, cordoned: bool) -> Result<(), String> {
        let nodes = objects::api(&self.arm.client, "v1", "Node", None);
        for node in &self.victims {
            objects::merge(&nodes, node, &json!({ "spec": { "unschedulable": cordoned } })).await?;
        }
        Ok(())
    }

    async fn out_of_service(&self, out: bool) -> Result<(), String> {
        let nodes = objects::api(&self.arm.client, "v1", "Node", None);
        for node in &self.victims {
            let object = nodes.get(node).await.map_err(|error| format!("get {node}: {error}"))?;
            let mut taints = object.data.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
            taints.retain(|taint| taint["key"] != OUT_OF_SERVICE);
            if out {
                taints.push(json!({ "key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute" }));
            }
            objects::merge(&nodes, node, &json!({ "spec": { "taints": taints } })).await?;
        }
        Ok(())
    }

    async fn drain(&self, patience: Duration) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        self.cordon(true).await?;
        // The scheduler learns of a cordon by a taint, which comes a moment later.
        sleep(Duration::from_millis(300)).await;
        let evictable = |pod: &Value, victims: &BTreeSet<String>| {
            let daemon = pod.pointer("/metadata/ownerReferences/0/kind").is_some_and(|kind| kind == "DaemonSet");
            !daemon && pod["spec"]["nodeName"].as_str().is_some_and(|node| victims.contains(node))
        };
        let mut left: Vec<Value> = self.pods().await?.into_iter().filter(|pod| evictable(pod, &self.victims)).collect();
        let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(self.arm.client.clone(), &self.namespace);
        loop {
            let mut refused = Vec::new();
            for pod in left {
                let answer = pods.evict(&name(&pod), &EvictParams::default()).await;
                let what = match &answer {
                    Ok(_) => "allowed".to_owned(),
                    Err(kube::Error::Api(status)) => refusal(status),
                    Err(error) => return Err(format!("evict {}: {error}", name(&pod))),
                };
                self.note(format!("eviction of {{{}}}", uid(&pod)), &what);
                if answer.is_err() {
                    refused.push(pod);
                }
            }
            left = refused;
            if left.is_empty() || Instant::now() + RETRY > deadline {
                return Ok(());
            }
            sleep(RETRY).await;
        }
    }

    async fn connect(&self, from: &str, to: &str) -> Result<(), String> {
        let receivers = self.pods_of(to).await?;
        let ip = |pod: &Value| pod["status"]["podIP"].as_str().unwrap_or_default().to_owned();
        let doors: Vec<Door> = receivers.iter().map(|pod| Door { ip: ip(pod), port: 8080 }).collect();
        for sender in self.pods_of(from).await? {
            let pod = PodName { namespace: self.namespace.clone(), name: name(&sender) };
            let open = self.arm.hands.connect(&pod, &doors).await?;
            for (receiver, open) in receivers.iter().zip(open) {
                let of = format!("{{{}}} to {{{}}}", uid(&sender), uid(receiver));
                let what = if open { "connects" } else { "does not connect" };
                self.note(of, what);
            }
        }
        Ok(())
    }
}

fn refusal(status: &kube::core::Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let causes: Vec<_> = causes.map(|cause| cause.reason.as_str()).collect();
    format!("refused with {} {}", status.code, causes.join(" ")).trim_end().to_owned()
}

/// Creates the objects of a manifest.
pub(crate) async fn apply(arm: &Arm, namespace: &str, manifest: &str) -> Result<(), String> {
    let objects = driftproof::scenario::manifests(manifest, cases::manifest(manifest));
    for object in objects.map_err(|_| format!("{manifest}: not a manifest"))? {
        objects::create_patiently(&arm.client, namespace, &object).await?;
    }
    Ok(())
}
