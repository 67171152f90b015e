//! The kinds that the embedded API server knows: group, version, plural, scope and subresources.

mod custom;
mod stored;

pub use custom::{Names, custom};

/// One known Kubernetes kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is the Kubernetes kind of the same name")]
pub enum Kind {
    Namespace,
    Node,
    Pod,
    Service,
    ConfigMap,
    Secret,
    ServiceAccount,
    PersistentVolume,
    PersistentVolumeClaim,
    Event,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    ControllerRevision,
    Job,
    PodDisruptionBudget,
    EndpointSlice,
    NetworkPolicy,
    StorageClass,
    VolumeAttachment,
    Lease,
    PriorityClass,
    Role,
    RoleBinding,
    ClusterRole,
    ClusterRoleBinding,
    CronJob,
    HorizontalPodAutoscaler,
    LimitRange,
    ResourceQuota,
    RuntimeClass,
    /// A kind that nothing here acts on: its objects are checked, kept and served, and have no effect.
    Stored(&'static Facts),
}

/// What the API server needs to know of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own that the API server asks for")]
pub struct Facts {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// The API version in which objects are stored, without the group.
    pub version: &'static str,
    /// Whether the stored version is served: a definition may keep it to itself.
    pub served: bool,
    /// Plural name as in URLs.
    pub plural: &'static str,
    /// The `kind` field.
    pub kind: &'static str,
    /// Short names that kubectl accepts.
    pub short: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether the kind has a `/status` subresource.
    pub status: bool,
    /// Whether the kind has a `/scale` subresource.
    pub scale: bool,
    /// Older or newer versions under which the same objects are served.
    pub also: &'static [&'static str],
}

const fn facts(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Facts {
    Facts {
        group,
        version,
        served: true,
        plural,
        kind,
        short: &[],
        namespaced: true,
        status: false,
        scale: false,
        also: &[],
    }
}

impl Facts {
    const fn cluster(self) -> Self {
        Self { namespaced: false, ..self }
    }
    const fn status(self) -> Self {
        Self { status: true, ..self }
    }
    const fn scale(self) -> Self {
        Self { scale: true, ..self }
    }
    const fn short(self, short: &'static [&'static str]) -> Self {
        Self { short, ..self }
    }
    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// `v1` or `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Facts {
    /// Whether it is served under this version of its group.
    #[must_use]
    pub fn has_version(&self, version: &str) -> bool {
        (self.served && self.version == version) || self.also.contains(&version)
    }

    /// The versions that are served.
    pub fn versions(&self) -> impl Iterator<Item = &'static str> + use<> {
        let stored = self.served.then_some(self.version);
        stored.into_iter().chain(self.also.iter().copied())
    }

    /// As error messages name it: `pods` or `deployments.apps`.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

impl Kind {
    /// Every kind that something here acts on, or that is modelled at the API.
    const MODELLED: [Self; 32] = [
        Self::Namespace,
        Self::Node,
        Self::Pod,
        Self::Service,
        Self::ConfigMap,
        Self::Secret,
        Self::ServiceAccount,
        Self::PersistentVolume,
        Self::PersistentVolumeClaim,
        Self::Event,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ControllerRevision,
        Self::Job,
        Self::PodDisruptionBudget,
        Self::EndpointSlice,
        Self::NetworkPolicy,
        Self::StorageClass,
        Self::VolumeAttachment,
        Self::Lease,
        Self::PriorityClass,
        Self::Role,
        Self::RoleBinding,
        Self::ClusterRole,
        Self::ClusterRoleBinding,
        Self::CronJob,
        Self::HorizontalPodAutoscaler,
        Self::LimitRange,
        Self::ResourceQuota,
        Self::RuntimeClass,
    ];

    /// Every kind of Kubernetes' own that is served, in a fixed order.
    pub const ALL: [Self; Self::MODELLED.len() + stored::COUNT] = {
        let mut all = [Self::Namespace; Self::MODELLED.len() + stored::COUNT];
        let mut index = 0;
        while index < all.len() {
            all[index] = if index < Self::MODELLED.len() {
                Self::MODELLED[index]
            } else {
                Self::Stored(&stored::STORED[index - Self::MODELLED.len()])
            };
            index += 1;
        }
        all
    };

    /// Whether objects of this kind have an effect in the embedded cluster.
    #[must_use]
    pub const fn is_modelled(self) -> bool {
        !matches!(self, Self::Stored(_))
    }

    /// Whether a `CustomResourceDefinition` adds it.
    #[must_use]
    pub fn is_custom(self) -> bool {
        matches!(self, Self::Stored(_)) && !Self::ALL.contains(&self)
    }

    /// Group, version, plural, scope and subresources.
    #[must_use]
    pub const fn facts(self) -> Facts {
        match self {
            Self::Namespace => facts("", "v1", "namespaces", "Namespace").cluster().status().short(&["ns"]),
            Self::Node => facts("", "v1", "nodes", "Node").cluster().status().short(&["no"]),
            Self::Pod => facts("", "v1", "pods", "Pod").status().short(&["po"]),
            Self::Service => facts("", "v1", "services", "Service").status().short(&["svc"]),
            Self::ConfigMap => facts("", "v1", "configmaps", "ConfigMap").short(&["cm"]),
            Self::Secret => facts("", "v1", "secrets", "Secret"),
            Self::ServiceAccount => facts("", "v1", "serviceaccounts", "ServiceAccount").short(&["sa"]),
            Self::PersistentVolume => {
                facts("", "v1", "persistentvolumes", "PersistentVolume").cluster().status().short(&["pv"])
            }
            Self::PersistentVolumeClaim => {
                facts("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim").status().short(&["pvc"])
            }
            Self::Event => facts("", "v1", "events", "Event").short(&["ev"]),
            Self::Deployment => facts("apps", "v1", "deployments", "Deployment").status().scale().short(&["deploy"]),
            Self::ReplicaSet => facts("apps", "v1", "replicasets", "ReplicaSet").status().scale().short(&["rs"]),
            Self::StatefulSet => facts("apps", "v1", "statefulsets", "StatefulSet").status().scale().short(&["sts"]),
            Self::DaemonSet => facts("apps", "v1", "daemonsets", "DaemonSet").status().short(&["ds"]),
            Self::ControllerRevision => facts("apps", "v1", "controllerrevisions", "ControllerRevision"),
            Self::Job => facts("batch", "v1", "jobs", "Job").status(),
            Self::PodDisruptionBudget => {
                facts("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget").status().short(&["pdb"])
            }
            Self::EndpointSlice => facts("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
            Self::NetworkPolicy => {
                facts("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy").short(&["netpol"])
            }
            Self::StorageClass => {
                facts("storage.k8s.io", "v1", "storageclasses", "StorageClass").cluster().short(&["sc"])
            }
            Self::VolumeAttachment => {
                facts("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment").cluster().status()
            }
            Self::Lease => facts("coordination.k8s.io", "v1", "leases", "Lease"),
            Self::PriorityClass => {
                facts("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass").cluster().short(&["pc"])
            }
            Self::Role => facts("rbac.authorization.k8s.io", "v1", "roles", "Role"),
            Self::RoleBinding => facts("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
            Self::ClusterRole => facts("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole").cluster(),
            Self::ClusterRoleBinding => {
                facts("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding").cluster()
            }
            Self::CronJob => facts("batch", "v1", "cronjobs", "CronJob").status().short(&["cj"]),
            Self::HorizontalPodAutoscaler => {
                facts("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
                    .status()
                    .short(&["hpa"])
                    .also(&["v1"])
            }
            Self::LimitRange => facts("", "v1", "limitranges", "LimitRange").short(&["limits"]),
            Self::ResourceQuota => facts("", "v1", "resourcequotas", "ResourceQuota").status().short(&["quota"]),
            Self::RuntimeClass => facts("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass").cluster(),
            Self::Stored(facts) => *facts,
        }
    }

    /// The kind served under this group, version and plural.
    #[must_use]
    pub fn by_path(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let facts = kind.facts();
            facts.group == group && facts.has_version(version) && facts.plural == plural
        })
    }

    /// The kind with this `apiVersion` and `kind`.
    #[must_use]
    pub fn by_name(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| {
            let facts = known.facts();
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            facts.kind == kind && facts.group == group && facts.has_version(version)
        })
    }
}
