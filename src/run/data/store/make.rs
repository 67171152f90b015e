//! Clients from what the scenario says of a store: where its endpoints are in this world, and which options they get.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;

use crate::scenario::{EtcdReads, HttpCall, Isolation, Store as Wanted, StoreCheck, Update};
use crate::store::command::{Command, CommandOptions};
use crate::store::etcd::{Etcd, EtcdOptions, Reads};
use crate::store::http::{Call, Http, HttpOptions, Template};
use crate::store::postgres::{self, Postgres, PostgresOptions};
use crate::store::redis::{Redis, RedisOptions, Sentinel, Wait};
use crate::store::{Endpoint, Http1, HttpSend, Store};
use crate::workload::StoreKind;
use crate::world::Place;

use super::super::super::calls;
use super::super::super::context::Context;
use super::super::set::target_port;
use super::bridge::{Bridge, Inside};

/// `WAIT` gives up after this time unless the scenario says otherwise.
const WAIT_TIMEOUT: Duration = Duration::from_millis(500);

/// The endpoints of a store, and the way to them.
pub(super) struct Way {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) bridge: Bridge,
    /// Whether HTTP goes over connections through an agent, instead of as whole requests.
    connected: bool,
}

impl Way {
    /// The pods of the target, or what the scenario names.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn find(context: &Context, check: &StoreCheck) -> Result<Self, String> {
        let store = &check.store;
        let through_agent = check.from_cluster() && context.world.agents.needed();
        let mut places = BTreeMap::new();
        let mut endpoints = Vec::new();
        if let Some(service) = &store.service {
            let wanted = target_port(context, service).await;
            for pod in pods(context) {
                let (namespace, name) = (&pod.0, &pod.1);
                let port = number(&pod.2, &wanted)
                    .ok_or_else(|| format!("pod {namespace}/{name} has no port {wanted}, to which {service} leads"))?;
                // As a host would be written: it becomes part of requests.
                let address = format!("{name}.{namespace}:{port}");
                let place = match dns_name(context, &pod.2).await.filter(|_| through_agent) {
                    Some(host) => Place::Url(format!("{host}:{port}")),
                    None => Place::Pod { namespace: namespace.clone(), name: name.clone(), port: port.to_string() },
                };
                places.insert(address.clone(), place);
                endpoints.push(Endpoint { name: name.as_str().into(), address });
            }
        }
        let direct = |named: &crate::scenario::NamedEndpoint| Endpoint {
            name: named.name.as_str().into(),
            address: named.address.clone(),
        };
        endpoints.extend(store.endpoints.iter().map(direct));
        if endpoints.is_empty() && store.kind != StoreKind::Command {
            return Err(format!("{} has no running pod to speak to", context.target()));
        }
        let inside = check.from_cluster().then(|| Inside {
            agents: context.world.agents.clone(),
            present: context.present.clone(),
            named: store.endpoints.iter().chain(&store.sentinels).map(|named| named.address.clone()).collect(),
            board: context.board.clone(),
        });
        let bridge = Bridge::new(context.world.network.clone(), places, inside);
        Ok(Self { endpoints, bridge, connected: through_agent })
    }
}

/// The name that DNS gives a pod, so that its clients cross DNS too: where a headless Service governs it. All other pods have
/// only an address.
async fn dns_name(context: &Context, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let (host, subdomain) = (spec.hostname.as_ref()?, spec.subdomain.as_ref()?);
    let namespace = pod.metadata.namespace.as_ref()?;
    let services: Api<Service> = Api::namespaced(context.client(), namespace);
    let service = calls::attempt(context.clock(), services.get_opt(subdomain)).await.ok()??;
    let headless = service.spec.is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None"));
    headless.then(|| format!("{host}.{subdomain}.{namespace}.svc"))
}

/// The target's running pods, by name.
fn pods(context: &Context) -> Vec<(String, String, Pod)> {
    let mut pods: Vec<_> = context.board.look(|picture| {
        let running = picture.target_pods().filter(|state| state.running());
        running.map(|state| (state.seen.namespace.clone(), state.seen.name.clone(), state.pod.clone())).collect()
    });
    pods.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    pods
}

/// The number of a port of a pod that may be given by its name.
fn number(pod: &Pod, wanted: &str) -> Option<i32> {
    let mut ports = pod.spec.iter().flat_map(|spec| &spec.containers).flat_map(|one| one.ports.iter().flatten());
    wanted
        .parse()
        .ok()
        .or_else(|| ports.find(|port| port.name.as_deref() == Some(wanted)).map(|port| port.container_port))
}

/// Every client of a check.
///
/// # Errors
/// An option that cannot be used here.
pub(super) fn clients(store: &Wanted, way: &Way, count: usize) -> Result<Vec<Box<dyn Store>>, String> {
    Ok((0..count).map(maker(store, way)?).collect())
}

type Maker = Box<dyn FnMut(usize) -> Box<dyn Store>>;

fn maker(store: &Wanted, way: &Way) -> Result<Maker, String> {
    let (endpoints, bridge) = (way.endpoints.clone(), way.bridge.clone());
    let dial = Arc::new(bridge.clone());
    Ok(match store.kind {
        StoreKind::Kv => http(HttpOptions::kv(), way),
        StoreKind::Http => http(templates(store)?, way),
        StoreKind::Etcd => {
            let reads = match store.reads {
                Some(EtcdReads::Serializable) => Reads::Serializable,
                Some(EtcdReads::Linearizable) | None => Reads::Linearizable,
            };
            let options = EtcdOptions { reads, ..EtcdOptions::default() };
            Box::new(move |client| Box::new(Etcd::new(dial.clone(), endpoints.clone(), client, options)))
        }
        StoreKind::Redis => {
            let options = redis(store)?;
            Box::new(move |client| Box::new(Redis::new(dial.clone(), endpoints.clone(), client, options.clone())))
        }
        StoreKind::Postgres => {
            let options = postgres(store)?;
            Box::new(move |client| Box::new(Postgres::new(dial.clone(), endpoints.clone(), client, options.clone())))
        }
        StoreKind::Command => {
            let options = CommandOptions { command: store.command.clone(), environment: Vec::new() };
            Box::new(move |client| Box::new(Command::new(endpoints.clone(), client, options.clone())))
        }
    })
}

fn http(options: HttpOptions, way: &Way) -> Maker {
    let (endpoints, bridge, connected) = (way.endpoints.clone(), way.bridge.clone(), way.connected);
    Box::new(move |client| {
        let sender: Box<dyn HttpSend> =
            if connected { Box::new(Http1::new(Arc::new(bridge.clone()))) } else { Box::new(bridge.clone()) };
        Box::new(Http::new(sender, endpoints.clone(), client, options.clone()))
    })
}

fn templates(store: &Wanted) -> Result<HttpOptions, String> {
    let call = |call: &Option<HttpCall>| call.as_ref().map(self::call).transpose();
    Ok(HttpOptions {
        headers: store.headers.clone().into_iter().collect(),
        read: call(&store.read)?,
        write: call(&store.write)?,
        cas: call(&store.cas)?,
        add: call(&store.add)?,
        members: call(&store.members)?,
        local_members: call(&store.local_members)?,
    })
}

fn call(call: &HttpCall) -> Result<Call, String> {
    let template = |text: &str| Template::parse(text).map_err(|error| error.to_string());
    let (method, path) = call.request.split_once(' ').unwrap_or(("GET", &call.request));
    Ok(Call {
        method: method.to_owned(),
        path: template(path)?,
        body: call.body.as_deref().map(template).transpose()?,
        value: call.value.clone(),
        definite: call.definite.clone(),
        absent: call.absent.clone(),
        actual: call.actual.clone(),
    })
}

/// A password is kept out of scenarios, since they become evidence.
fn password(store: &Wanted) -> Result<Option<String>, String> {
    let read = |name: &String| std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"));
    store.password_env.as_ref().map(read).transpose()
}

fn redis(store: &Wanted) -> Result<RedisOptions, String> {
    let endpoint = |named: &crate::scenario::NamedEndpoint| Endpoint {
        name: named.name.as_str().into(),
        address: named.address.clone(),
    };
    let sentinels: Vec<Endpoint> = store.sentinels.iter().map(endpoint).collect();
    let sentinel = store.master.clone().map(|master| Sentinel { endpoints: sentinels, master });
    let timeout = store.wait_timeout.unwrap_or(WAIT_TIMEOUT);
    let wait = store.wait.map(|replicas| Wait { replicas, timeout });
    Ok(RedisOptions { password: password(store)?, wait, sentinel, ..RedisOptions::default() })
}

fn postgres(store: &Wanted) -> Result<PostgresOptions, String> {
    let default = PostgresOptions::default();
    let isolation = match store.isolation {
        Some(Isolation::ReadCommitted) => postgres::Isolation::ReadCommitted,
        Some(Isolation::RepeatableRead) => postgres::Isolation::RepeatableRead,
        Some(Isolation::Serializable) | None => postgres::Isolation::Serializable,
    };
    let update = match store.update {
        Some(Update::ReadThenWrite) => postgres::Update::ReadThenWrite,
        Some(Update::OneStatement) | None => postgres::Update::OneStatement,
    };
    Ok(PostgresOptions {
        user: store.user.clone().unwrap_or_else(|| default.user.clone()),
        database: store.database.clone().unwrap_or_else(|| default.database.clone()),
        password: password(store)?,
        isolation,
        update,
        ..default
    })
}
