//! What a run receives of the API: bytes and requests of one pod-kill, with so many pods and nodes elsewhere in the cluster.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftproof::evidence::{Log, Memory};
use driftproof::run::{Job, run};
use driftproof::scenario::{manifests, parse};
use driftproof::world::{World, embedded};
use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// The scenario: one of three replicas is deleted.
const SCENARIO: &str = r#"
name = "received"
[target]
namespace = "shop"
workload = "deployment/web"
[fixture]
manifests = ["web.yaml"]
[[probe]]
name = "reads"
kind = "http"
service = "web:80"
rate = 1
[[fault]]
at = "2s"
kind = "pod-kill"
[expect]
rto = "1m"
"#;

/// What the API server sent.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: AtomicU64,
    pub(crate) requests: AtomicU64,
}

/// Runs the scenario beside `pods` pods of another namespace on `nodes` nodes.
pub(crate) fn received(pods: usize, nodes: usize) -> Arc<Received> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut scenario = parse("received", SCENARIO).expect("a valid scenario");
        scenario.cluster.nodes = u32::try_from(nodes).expect("few nodes");
        let world = embedded::start(&scenario, 1).expect("a cluster");
        crowd(&world, pods).await;
        let received = Arc::new(Received::default());
        let client = counted(world.client.clone(), received.clone());
        let world = World { client, ..world };
        let (progress, mut news) = mpsc::unbounded_channel();
        let (_stop, stopped) = watch::channel(false);
        let listener = tokio::spawn(async move { while news.recv().await.is_some() {} });
        let memory = Memory::default();
        let job = job(scenario);
        run(&world, job, &Log::new(Box::new(memory)), progress, stopped).await.expect("the run begins");
        listener.abort();
        received
    })
}

fn job(scenario: driftproof::scenario::Scenario) -> Job {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/fixtures/web.yaml");
    let text = std::fs::read_to_string(&file).expect("readable");
    Job {
        scenario,
        manifests: manifests("web.yaml", &text).expect("valid manifests"),
        apply_fixtures: true,
        seed: 1,
        run: "received".to_owned(),
        again: "again".to_owned(),
        allow_commands: false,
        failsafe: true,
        break_lock: false,
        skipped: Vec::new(),
    }
}

/// The same client; what comes back is counted.
fn counted(client: Client, received: Arc<Received>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, received) = (client.clone(), received.clone());
        async move {
            received.requests.fetch_add(1, Ordering::Relaxed);
            let response = client.send(request).await.map_err(|error| tower::BoxError::from(error.to_string()))?;
            Ok::<_, tower::BoxError>(response.map(|body| {
                let count = move |frame: http_body::Frame<bytes::Bytes>| {
                    let size = frame.data_ref().map_or(0, bytes::Bytes::len);
                    received.bytes.fetch_add(u64::try_from(size).unwrap_or(u64::MAX), Ordering::Relaxed);
                    frame
                };
                body.map_frame(count).boxed_unsync()
            }))
        }
    });
    Client::new(service, "default")
}

/// Pods of somebody else, and time for them to run.
async fn crowd(world: &World, pods: usize) {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "crowd", "namespace": "crowd" },
        "spec": {
            "replicas": pods,
            "selector": { "matchLabels": { "app": "crowd" } },
            "template": {
                "metadata": { "labels": { "app": "crowd" } },
                "spec": { "containers": [{ "name": "c", "image": "registry.example/crowd:1" }] },
            },
        },
    });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "crowd" } });
    for (object, group, kind) in [(namespace, "", "Namespace"), (deployment, "apps", "Deployment")] {
        create(world, &object, group, kind).await;
    }
    world.clock.sleep(std::time::Duration::from_secs(600)).await;
}

async fn create(world: &World, object: &Value, group: &str, kind: &str) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    let object: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
    let api: Api<DynamicObject> = match object.metadata.namespace.as_deref() {
        Some(namespace) => Api::namespaced_with(world.client.clone(), namespace, &resource),
        None => Api::all_with(world.client.clone(), &resource),
    };
    api.create(&PostParams::default(), &object).await.expect("it is created");
}
