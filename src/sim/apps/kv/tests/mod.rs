//! The store under the loss of leaders, machines and wires, with and without data on volumes, and with each
//! planted bug. Here: a StatefulSet of three to try it on.

mod asynchronous;
mod bugs;
mod members;
mod nemesis;
mod protocol;
mod synchronous;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::kubelet::Machine;
use crate::network::bench::{Bench, MS, at_pod};
use crate::network::{Answer, Request, Vantage};
use crate::storage::VolumeId;
use crate::{Kind, Settings, State};

const S: Duration = Duration::from_secs(1);

/// A StatefulSet `db` of three, `db-0` on `n1` and so on.
struct Db {
    bench: Bench,
    annotations: Value,
    uids: Vec<String>,
    /// Whether each pod has a volume that follows its name.
    volume: bool,
}

impl Db {
    fn new(annotations: Value) -> Self {
        Self::build(annotations, false)
    }

    fn build(annotations: Value, volume: bool) -> Self {
        Self::seeded(annotations, volume, 7)
    }

    fn seeded(annotations: Value, volume: bool, seed: u64) -> Self {
        let mut bench = Bench::with(Settings { nodes: Vec::new(), ..Settings::default() }, seed);
        bench.put(
            Kind::StatefulSet,
            json!({ "metadata": { "namespace": "shop", "name": "db", "uid": "db-set" }, "spec": { "replicas": 3 } }),
        );
        let mut db = Self { bench, annotations, uids: Vec::new(), volume };
        for index in 0..3 {
            let uid = db.start(index, &format!("n{}", index + 1), index);
            db.uids.push(uid);
            db.pass(S);
        }
        db.pass(2 * S);
        db
    }

    /// Starts `db-<index>` on a node, with an address of this number.
    fn start(&mut self, index: usize, node: &str, address: usize) -> String {
        let name = format!("db-{index}");
        let mut annotations = json!({ "embedded.driftproof.dev/app": "kv" });
        for (key, value) in self.annotations.as_object().expect("a map") {
            annotations[format!("embedded.driftproof.dev/{key}")] = value.clone();
        }
        let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "db-set", "controller": true });
        let more = json!({ "metadata": { "annotations": annotations, "ownerReferences": [owner] } });
        let uid = self.bench.prepare("shop", &name, node, &format!("10.0.3.{address}"), &more);
        if self.volume {
            let sandbox = self.bench.state.kubelet.sandboxes.get_mut(&uid).expect("sandbox");
            sandbox.mounts.insert("/data".to_owned(), VolumeId::Persistent(format!("pv-{index}")));
        }
        self.bench.state.app_started(&uid, "main");
        uid
    }

    fn pass(&mut self, time: Duration) {
        self.bench.pass(time);
    }

    fn state(&mut self) -> &mut State {
        &mut self.bench.state
    }

    fn machine(&mut self, name: &str) -> &mut Machine {
        self.bench.machine(name)
    }

    /// Sends a request to one pod, from outside or from the pod's own node.
    fn ask_from(
        &mut self,
        from: &Vantage,
        pod: usize,
        method: &str,
        path: &str,
        body: &str,
    ) -> oneshot::Receiver<Answer> {
        let request = Request { method: method.to_owned(), path: path.to_owned(), body: body.to_owned() };
        self.bench.send(from, &at_pod("shop", &format!("db-{pod}"), "http"), request)
    }

    fn ask(&mut self, pod: usize, method: &str, path: &str, body: &str) -> (u16, String) {
        let answer = self.ask_from(&Vantage::Outside, pod, method, path, body);
        self.finish(answer)
    }

    /// Waits up to two seconds; 0 stands for no answer of the application.
    fn finish(&mut self, mut answer: oneshot::Receiver<Answer>) -> (u16, String) {
        for _ in 0..200 {
            self.pass(10 * MS);
            match answer.try_recv() {
                Ok(Answer::Response { status, body, .. }) => return (status, body),
                Ok(Answer::Refused | Answer::Reset | Answer::Silent) => return (0, String::new()),
                Err(_) => {}
            }
        }
        panic!("no answer within two seconds")
    }

    fn put(&mut self, pod: usize, value: &str) -> u16 {
        self.ask(pod, "PUT", &format!("/set/s/{value}"), "").0
    }

    fn values(&mut self, pod: usize) -> Vec<String> {
        serde_json::from_str(&self.ask(pod, "GET", "/set/s", "").1).unwrap_or_default()
    }

    fn local(&mut self, pod: usize) -> Vec<String> {
        serde_json::from_str(&self.ask(pod, "GET", "/local/set/s", "").1).unwrap_or_default()
    }

    fn role(&mut self, pod: usize) -> String {
        let body: Value = serde_json::from_str(&self.ask(pod, "GET", "/role", "").1).unwrap_or_default();
        body["role"].as_str().unwrap_or_default().to_owned()
    }

    fn leaders(&mut self) -> Vec<usize> {
        (0..3).filter(|pod| self.role(*pod) == "leader").collect()
    }

    fn leader(&mut self) -> usize {
        let leaders = self.leaders();
        assert_eq!(leaders.len(), 1, "one leader: {leaders:?}");
        leaders[0]
    }

    fn label(&mut self, pod: usize) -> Option<String> {
        let object = self.bench.state.store.find(Kind::Pod, "shop", &format!("db-{pod}"))?;
        object.label("role").map(str::to_owned)
    }

    fn kill(&mut self, pod: usize) {
        let uid = self.uids[pod].clone();
        self.state().app_killed(&uid, "main");
    }

    fn restart(&mut self, pod: usize) {
        let uid = self.uids[pod].clone();
        self.state().app_started(&uid, "main");
    }

    fn others(pod: usize) -> [usize; 2] {
        [(pod + 1) % 3, (pod + 2) % 3]
    }
}

fn names(prefix: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|index| format!("{prefix}{index}")).collect()
}
