//! The embedded cluster, with the machines and timings of the testbed.

use std::time::Duration;

use driftproof::sim::network::{Destination, Vantage};
use driftproof::sim::{Cluster, Kind, NodeSpec, Settings, Timings as SimTimings};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use crate::case::{Enforcement, Switch, Timings};
use crate::hands::{Arm, Door, Hands, PodName};

/// The image of every manifest: it is on each machine's disk, as on the testbed's.
const IMAGE: &str = "busybox:test";
/// A testbed machine's boot.
const BOOT: Duration = Duration::from_millis(500);
/// Patience with a connection, as `nc -w` has it on the testbed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs a future on a fresh embedded cluster, in virtual time.
pub(crate) fn on_cluster<T, F: Future<Output = T>>(
    timings: &Timings,
    enforcement: Enforcement,
    act: impl FnOnce(Arm) -> F,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async { act(start(timings, enforcement)).await })
}

fn start(timings: &Timings, enforcement: Enforcement) -> Arm {
    let settings = Settings {
        nodes: (1..=3).map(|index| NodeSpec::new(format!("worker-{index}"), format!("zone-{index}"))).collect(),
        policies_enforced: enforcement == Enforcement::On,
        timings: SimTimings {
            lease_renew_interval: timings.renew,
            node_monitor_grace_period: timings.grace,
            node_monitor_period: timings.period,
            default_toleration_seconds: timings.toleration.as_secs(),
            boot: BOOT,
            ..SimTimings::default()
        },
        ..Settings::default()
    };
    let cluster = Cluster::start(settings, 1);
    cluster.with(|state| {
        for machine in state.kubelet.machines.values_mut() {
            machine.images.insert(IMAGE.to_owned());
        }
    });
    Arm { client: cluster.client(), hands: Box::new(Embedded { cluster }) }
}

struct Embedded {
    cluster: Cluster,
}

impl Hands for Embedded {
    fn switch<'a>(&'a self, node: &'a str, switch: Switch) -> BoxFuture<'a, Result<(), String>> {
        match switch {
            Switch::PowerOff => self.cluster.power_off(node),
            Switch::PowerOn => self.cluster.power_on(node),
            Switch::KillKubelet => self.cluster.kill_kubelet(node),
            Switch::StartKubelet => self.cluster.start_kubelet(node),
            Switch::CutNetwork => self.cluster.cut_network(node),
            Switch::JoinNetwork => self.cluster.join_network(node),
        }
        async { Ok(()) }.boxed()
    }

    fn kill_container<'a>(&'a self, pod: &'a PodName, container: &'a str) -> BoxFuture<'a, Result<(), String>> {
        let killed = self.cluster.with(|state| {
            let uid = state.store.find(Kind::Pod, &pod.namespace, &pod.name).map(|object| object.uid().to_owned());
            let uid = uid.ok_or_else(|| format!("kill {container} in {}: no such pod", pod.name))?;
            state.kill_container(&uid, container);
            Ok(())
        });
        async { killed }.boxed()
    }

    fn connect<'a>(&'a self, from: &'a PodName, to: &'a [Door]) -> BoxFuture<'a, Result<Vec<bool>, String>> {
        let one = |door: &Door| {
            let vantage = Vantage::Pod { namespace: from.namespace.clone(), name: from.name.clone() };
            let door = Destination::Address { ip: door.ip.clone(), port: door.port };
            let cluster = self.cluster.clone();
            async move {
                let opened = tokio::time::timeout(PATIENCE, cluster.connect(vantage, door)).await;
                let Ok(Ok(connection)) = opened else { return false };
                cluster.close(connection);
                true
            }
        };
        join_all(to.iter().map(one)).map(Ok).boxed()
    }
}
