//! The scheduler's plugins: one file for each, by its Kubernetes name.

pub(super) mod inter_pod_affinity;
pub(super) mod node_affinity;
pub(super) mod node_name;
pub(super) mod node_ports;
pub(super) mod node_resources_balanced_allocation;
pub(super) mod node_resources_fit;
pub(super) mod node_unschedulable;
pub(super) mod pod_topology_spread;
pub(super) mod taint_toleration;
pub(super) mod volume_binding;
pub(super) mod volume_restrictions;
pub(super) mod volume_zone;

/// A plugin that can refuse a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plugin {
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
}

/// Something that happened and may help a pod that fitted nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// A node came, or its taints, labels or amounts changed.
    Node,
    /// A placed pod came or its labels changed.
    PodPlaced,
    /// A placed pod is gone.
    PodGone,
    /// A claim, a volume or a class changed.
    Volume,
}

impl Plugin {
    /// Whether the plugin may judge otherwise after this (`EventsToRegister`).
    pub(super) const fn helped_by(self, hint: Hint) -> bool {
        match hint {
            Hint::Node => true,
            Hint::PodPlaced => matches!(self, Self::InterPodAffinity | Self::PodTopologySpread),
            Hint::PodGone => matches!(
                self,
                Self::InterPodAffinity
                    | Self::PodTopologySpread
                    | Self::NodePorts
                    | Self::NodeResourcesFit
                    | Self::VolumeRestrictions
            ),
            Hint::Volume => matches!(self, Self::VolumeBinding | Self::VolumeZone | Self::VolumeRestrictions),
        }
    }
}

/// Why a plugin refuses a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) plugin: Plugin,
    /// As a person reads them in `0/3 nodes are available: …`.
    pub(super) reasons: Vec<String>,
    /// Removing pods from the node could help (`Unschedulable`); otherwise nothing there could
    /// (`UnschedulableAndUnresolvable`).
    pub(super) removing_helps: bool,
}

impl Rejection {
    /// A refusal that the end of other pods could lift.
    pub(super) fn by(plugin: Plugin, reason: impl Into<String>) -> Self {
        Self { plugin, reasons: vec![reason.into()], removing_helps: true }
    }

    /// A refusal that no other pod's end could lift.
    pub(super) fn for_good(plugin: Plugin, reason: impl Into<String>) -> Self {
        Self { plugin, reasons: vec![reason.into()], removing_helps: false }
    }
}

/// Stretches scores to 0..=100 by the largest one, turned round when small is good (`DefaultNormalizeScore`).
pub(super) fn normalise(scores: &mut [i64], small_is_good: bool) {
    let max = scores.iter().copied().max().unwrap_or_default();
    for score in scores {
        *score = match (max, small_is_good) {
            (0, true) => 100,
            (0, false) => 0,
            (_, true) => 100 - *score * 100 / max,
            (_, false) => *score * 100 / max,
        };
    }
}
