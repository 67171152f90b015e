//! Admission of new objects: what depends on other objects or on the cluster's settings. The plugins that kube-apiserver
//! turns on by default, in its order: those that change an object, then (after validation) those that only refuse.

mod limit_ranger;
mod pod_security;
mod pods;
mod resource_quota;
mod runtime_class;
mod service;
mod service_account;

use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::{Key, Kind, State};

pub(in crate::registry) use pod_security::bad_labels;

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

impl State {
    /// Completes a new object in place, after its kind's defaults.
    pub(super) fn admission(&mut self, kind: Kind, key: &Key, value: &mut Value) -> Result<(), ApiError> {
        match kind {
            Kind::Pod => {
                self.default_resources(key, value);
                self.account(key, value)?;
                self.prioritise(key, value)?;
                self.tolerate_failing_nodes(value);
                self.runtime_class(key, value)?;
                pods::classify(value);
                Ok(())
            }
            Kind::Service => self.allocate_cluster_ip(key, value),
            Kind::PersistentVolumeClaim => {
                self.default_storage_class(value);
                Ok(())
            }
            Kind::Namespace => {
                let mut finalizers = value["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
                if !finalizers.contains(&json!("kubernetes")) {
                    finalizers.push(json!("kubernetes"));
                }
                value["spec"]["finalizers"] = json!(finalizers);
                Ok(())
            }
            Kind::Stored(_) => self.define(kind, key, value),
            Kind::Node
            | Kind::ConfigMap
            | Kind::Secret
            | Kind::ServiceAccount
            | Kind::PersistentVolume
            | Kind::Event
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::ControllerRevision
            | Kind::Job
            | Kind::PodDisruptionBudget
            | Kind::EndpointSlice
            | Kind::NetworkPolicy
            | Kind::StorageClass
            | Kind::VolumeAttachment
            | Kind::Lease
            | Kind::PriorityClass
            | Kind::Role
            | Kind::RoleBinding
            | Kind::ClusterRole
            | Kind::ClusterRoleBinding
            | Kind::CronJob
            | Kind::HorizontalPodAutoscaler
            | Kind::LimitRange
            | Kind::ResourceQuota
            | Kind::RuntimeClass => Ok(()),
        }
    }

    /// What refuses a complete, valid object because of others.
    pub(super) fn admissible(&self, kind: Kind, key: &Key, value: &Value) -> Result<(), ApiError> {
        match kind {
            Kind::Pod => {
                self.within_limits(kind, key, value)?;
                self.secure(key, value)?;
            }
            Kind::PersistentVolumeClaim => self.within_limits(kind, key, value)?,
            _ => {}
        }
        self.within_quota(kind, key, value)
    }

    /// `DefaultStorageClass`: a claim that names no class gets the default one; of several the newest, then the first by name.
    fn default_storage_class(&self, claim: &mut Value) {
        if claim.pointer("/spec/storageClassName").is_some()
            || claim
                .pointer("/metadata/annotations")
                .is_some_and(|annotations| annotations.get("volume.beta.kubernetes.io/storage-class").is_some())
        {
            return;
        }
        let classes = self.store.all(Kind::StorageClass);
        let defaults = classes.filter(|(_, class)| class.annotation(DEFAULT_CLASS) == Some("true"));
        let newest = defaults.max_by(|(one, a), (other, b)| {
            let time = a.text("/metadata/creationTimestamp").cmp(b.text("/metadata/creationTimestamp"));
            time.then_with(|| other.name.cmp(&one.name))
        });
        if let Some((class, _)) = newest {
            claim["spec"]["storageClassName"] = json!(class.name);
        }
    }
}
