//! Which collections are watched, and what each change does to the picture.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Node, PersistentVolumeClaim, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::VolumeAttachment;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::Api;
use kube::{Resource, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::evidence::{Change, Seen, WorkloadSeen};
use crate::plan::{self, controller};
use crate::scenario::{Workload, WorkloadKind};

use super::super::context::Context;
use super::super::wait::Bell;
use super::{Feed, Filter, Group, Notice, Picture, Watches, follow, near, services};

/// Spawns followers and counts their first lists.
struct Starter<'a> {
    context: &'a Context,
    tasks: JoinSet<()>,
    listed: (mpsc::UnboundedSender<()>, mpsc::UnboundedReceiver<()>),
    begun: usize,
}

impl Starter<'_> {
    fn follow<K>(
        &mut self,
        what: String,
        api: Api<K>,
        filter: Filter,
        mut take: impl FnMut(&mut Picture, Notice<K>) -> Vec<Seen> + Send + 'static,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let feed = Feed::of(self.context);
        let (to, listed) = (feed.clone(), self.listed.0.clone());
        self.begun += 1;
        self.tasks.spawn(follow(feed, what, api, filter, move |notice| {
            if matches!(notice, Notice::Listed) {
                let _ = listed.send(());
            }
            to.take(|picture| take(picture, notice));
        }));
    }
}

pub(super) async fn start(context: &Context) -> Watches {
    let mut starter = Starter { context, tasks: JoinSet::new(), listed: mpsc::unbounded_channel(), begun: 0 };
    let near = nodes(&mut starter);
    replica_sets(&mut starter);
    pods(&mut starter, near.as_ref());
    workload(&mut starter);
    endpoints(&mut starter);
    volumes(&mut starter);
    events(&mut starter);
    for _ in 0..starter.begun {
        let _ = starter.listed.1.recv().await;
    }
    Watches { tasks: starter.tasks }
}

fn groups(context: &Context) -> Vec<Group> {
    let (target, others) = Group::all(&context.scenario);
    std::iter::once(target).chain(others).collect()
}

/// All nodes, when a fault takes some; otherwise the way to have those read on which watched pods are.
fn nodes(starter: &mut Starter<'_>) -> Option<near::Asker> {
    if !plan::watches_all_nodes(&starter.context.scenario) {
        return near::start(starter.context, &mut starter.tasks);
    }
    let api: Api<Node> = Api::all(starter.context.client());
    let mut names = std::collections::BTreeMap::new();
    starter.follow("nodes".to_owned(), api, Filter::default(), move |picture, notice| match notice {
        Notice::Object(change, node) => {
            names.insert(node.uid().unwrap_or_default(), node.name_any());
            picture.node(change, &node)
        }
        Notice::Lost(uid) => match names.remove(&uid) {
            // Another node has taken its name: that one is not lost.
            Some(name) if names.values().any(|other| *other == name) => picture.node_gone(&uid),
            Some(name) => picture.node_lost(&uid, &name),
            None => Vec::new(),
        },
        Notice::Listed => Vec::new(),
    });
    None
}

fn replica_sets(starter: &mut Starter<'_>) {
    let groups = groups(starter.context);
    let namespaces: BTreeSet<&str> =
        groups.iter().filter(|group| group.needs_replica_sets()).map(Group::namespace).collect();
    for namespace in namespaces {
        let api: Api<ReplicaSet> = Api::namespaced(starter.context.client(), namespace);
        starter.follow(format!("replicasets in {namespace}"), api, Filter::default(), |picture, notice| match notice {
            Notice::Object(Change::Deleted, _) | Notice::Lost(_) | Notice::Listed => Vec::new(),
            Notice::Object(_, set) => match controller(&set.metadata) {
                Some(("Deployment", name, _)) => picture.replica_set(&set.uid().unwrap_or_default(), name.to_owned()),
                _ => Vec::new(),
            },
        });
    }
}

fn pods(starter: &mut Starter<'_>, near: Option<&near::Asker>) {
    let groups = groups(starter.context);
    let namespaces: BTreeSet<&str> = groups.iter().map(Group::namespace).collect();
    for namespace in namespaces {
        let api: Api<Pod> = Api::namespaced(starter.context.client(), namespace);
        let mut near = near.cloned();
        starter.follow(format!("pods in {namespace}"), api, Filter::default(), move |picture, notice| match notice {
            Notice::Object(change, pod) => {
                let seen = picture.pod(change, pod);
                if let Some(near) = &mut near {
                    near.pods(&seen, picture);
                }
                seen
            }
            Notice::Lost(uid) => picture.pod_lost(&uid),
            Notice::Listed => Vec::new(),
        });
    }
}

fn workload(starter: &mut Starter<'_>) {
    let target = starter.context.scenario.target.clone();
    let Some(workload) = target.workload else { return };
    let (client, namespace) = (starter.context.client(), target.namespace);
    let (what, filter) =
        (format!("{workload} in {namespace}"), Filter::fields(format!("metadata.name={}", workload.name)));
    match workload.kind {
        WorkloadKind::Deployment => {
            let api: Api<Deployment> = Api::namespaced(client, &namespace);
            starter.follow(what, api, filter, move |picture, notice| {
                of_workload(picture, &workload, notice, |object: &Deployment| {
                    let (spec, status) = (object.spec.as_ref(), object.status.as_ref());
                    let desired = spec.and_then(|spec| spec.replicas).unwrap_or(1);
                    let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
                    (desired, ready, status.and_then(|status| status.observed_generation))
                })
            });
        }
        WorkloadKind::StatefulSet => {
            let api: Api<StatefulSet> = Api::namespaced(client, &namespace);
            starter.follow(what, api, filter, move |picture, notice| {
                of_workload(picture, &workload, notice, |object: &StatefulSet| {
                    let (spec, status) = (object.spec.as_ref(), object.status.as_ref());
                    let desired = spec.and_then(|spec| spec.replicas).unwrap_or(1);
                    let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
                    (desired, ready, status.and_then(|status| status.observed_generation))
                })
            });
        }
        WorkloadKind::DaemonSet => {
            let api: Api<DaemonSet> = Api::namespaced(client, &namespace);
            starter.follow(what, api, filter, move |picture, notice| {
                of_workload(picture, &workload, notice, |object: &DaemonSet| {
                    let status = object.status.as_ref();
                    let desired = status.map_or(0, |status| status.desired_number_scheduled);
                    let ready = status.map_or(0, |status| status.number_ready);
                    (desired, ready, status.and_then(|status| status.observed_generation))
                })
            });
        }
        // Nothing wants a bare pod but the scenario itself.
        WorkloadKind::Pod => {}
    }
}

fn of_workload<K: Resource<DynamicType = ()>>(
    picture: &mut Picture,
    workload: &Workload,
    notice: Notice<K>,
    numbers: impl FnOnce(&K) -> (i32, i32, Option<i64>),
) -> Vec<Seen> {
    let (change, object) = match notice {
        Notice::Object(change, object) => (change, object),
        Notice::Lost(_) => {
            let Some(before) = picture.workload.clone() else { return Vec::new() };
            return picture.workload(WorkloadSeen { change: Change::Deleted, ..before });
        }
        Notice::Listed => return Vec::new(),
    };
    let (desired, ready, observed) = numbers(&object);
    picture.workload(WorkloadSeen {
        change,
        workload: workload.to_string(),
        desired: u32::try_from(desired).unwrap_or_default(),
        ready: u32::try_from(ready).unwrap_or_default(),
        generation: object.meta().generation.unwrap_or_default(),
        observed: observed.unwrap_or_default(),
    })
}

fn endpoints(starter: &mut Starter<'_>) {
    for key in services(&starter.context.scenario) {
        let api: Api<EndpointSlice> = Api::namespaced(starter.context.client(), &key.0);
        let filter = Filter::labels(format!("kubernetes.io/service-name={}", key.1));
        let what = format!("endpointslices of service {}/{}", key.0, key.1);
        let mut slices = std::collections::BTreeMap::new();
        starter.follow(what, api, filter, move |picture, notice| match notice {
            Notice::Object(change, slice) => {
                let seen = picture.slice(change, &key, &slice);
                slices.insert(slice.uid().unwrap_or_default(), slice);
                seen
            }
            Notice::Lost(uid) => {
                slices.remove(&uid).map(|slice| picture.slice(Change::Deleted, &key, &slice)).unwrap_or_default()
            }
            Notice::Listed => Vec::new(),
        });
    }
}

fn volumes(starter: &mut Starter<'_>) {
    let namespace = starter.context.scenario.target.namespace.clone();
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(starter.context.client(), &namespace);
    let what = format!("persistentvolumeclaims in {namespace}");
    let first = Arc::new(Bell::default());
    let mut claimed = first.listen();
    starter.follow(what, claims, Filter::default(), move |picture, notice| match notice {
        Notice::Object(Change::Deleted, _) | Notice::Lost(_) | Notice::Listed => Vec::new(),
        Notice::Object(_, claim) => {
            let seen = picture.claim(&claim);
            if !picture.claims.is_empty() {
                first.ring();
            }
            seen
        }
    });
    if starter.context.unreadable.contains("volumeattachments") {
        return;
    }
    let attachments = follow_attachments(starter.context);
    starter.tasks.spawn(async move {
        claimed.rung().await;
        attachments.await;
    });
}

/// Attachments are objects of the whole cluster: they are only read once a claim of the target's namespace has a volume.
fn follow_attachments(context: &Context) -> impl Future<Output = ()> + Send + use<> {
    let attachments: Api<VolumeAttachment> = Api::all(context.client());
    let feed = Feed::of(context);
    let to = feed.clone();
    let mut known = std::collections::BTreeMap::new();
    follow(feed, "volumeattachments".to_owned(), attachments, Filter::default(), move |notice| {
        to.take(|picture| match notice {
            Notice::Object(change, attachment) => {
                let seen = picture.attachment(change, &attachment);
                known.insert(attachment.uid().unwrap_or_default(), attachment);
                seen
            }
            Notice::Lost(uid) => known
                .remove(&uid)
                .map(|attachment| picture.attachment(Change::Deleted, &attachment))
                .unwrap_or_default(),
            Notice::Listed => Vec::new(),
        });
    })
}

/// Events that were there before the run are of no interest.
fn events(starter: &mut Starter<'_>) {
    let namespace = starter.context.scenario.target.namespace.clone();
    let api: Api<Event> = Api::namespaced(starter.context.client(), &namespace);
    starter.follow(format!("events in {namespace}"), api, Filter::default(), |picture, notice| match notice {
        Notice::Object(Change::Added | Change::Modified, event) => picture.event(&event),
        Notice::Object(Change::Initial | Change::Deleted, _) | Notice::Lost(_) | Notice::Listed => Vec::new(),
    });
}
