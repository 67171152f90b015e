//! Acknowledged unique writes through a Service, and the sets read back from it and from every replica.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::Api;

use crate::evidence::{Event, Read, Write};
use crate::scenario::{DataCheck, ServicePort, SetCheck};
use crate::world::{Call, Place, Vantage};

use super::super::calls;
use super::super::context::Context;
use super::super::tasks::Tasks;
use super::super::wait::Bell;
use super::template;

/// A final read is tried again until this is over.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Pause between two tries.
const READ_PAUSE: Duration = Duration::from_secs(1);

/// Writers that run until they are stopped.
#[derive(Debug)]
pub(in crate::run) struct Writers {
    tasks: Tasks,
    stop: Arc<Bell>,
}

impl Writers {
    /// Starts the writers of every set check.
    pub(in crate::run) fn start(context: &Context) -> Self {
        let stop: Arc<Bell> = Arc::default();
        let mut tasks = Tasks::new(&context.recorder);
        for (index, check) in context.scenario.data.iter().enumerate() {
            if let DataCheck::Set(check) = check {
                tasks.spawn(
                    format!("the writers of data {}", check.name),
                    drive(context.clone(), index, check.clone(), stop.clone()),
                );
            }
        }
        Self { tasks, stop }
    }

    /// Writes nothing more and waits for the answers that are still out.
    pub(in crate::run) async fn finish(mut self) {
        self.stop.ring();
        self.tasks.finish().await;
    }
}

/// A write is due at the set rate and goes to the first client that is free. With every client waiting for an answer
/// it is left out, so that the values stay in the order in which they were sent.
async fn drive(context: Context, index: usize, check: SetCheck, stop: Arc<Bell>) {
    let clock = context.clock();
    let begun = clock.elapsed();
    let mut free: BTreeSet<u32> = (0..check.clients).collect();
    let mut under_way = FuturesUnordered::new();
    let (mut due, mut value) = (0_u32, 0_u64);
    loop {
        let next = begun + Duration::from_secs_f64(f64::from(due) / check.rate);
        tokio::select! {
            biased;
            () = stop.ever() => break,
            Some(write) = under_way.next() => { free.insert(record(&context, write)); }
            () = clock.sleep_until(next) => {
                if let Some(client) = free.pop_first() {
                    value += 1;
                    under_way.push(write(&context, index, &check, client, value));
                }
                due += 1;
            }
        }
    }
    while let Some(write) = under_way.next().await {
        record(&context, write);
    }
}

fn record(context: &Context, write: Write) -> u32 {
    let client = write.client;
    context.recorder.note(Event::Write(write));
    client
}

async fn write(context: &Context, index: usize, check: &SetCheck, client: u32, value: u64) -> Write {
    let sent = context.clock().micros();
    let (method, path) = template::request(&check.write, Some(value));
    let to = super::service(&check.service, &context.scenario);
    let answer = context.world.network.http(&Vantage::Outside, &to, Call::bare(&method, &path), check.timeout).await;
    Write { check: index, client, value, sent, ack: template::acknowledged(&answer) }
}

/// Reads every set through its Service and from every pod of the target, each until it works or the limit is over.
pub(in crate::run) async fn read_back(context: &Context) {
    for (index, check) in context.scenario.data.iter().enumerate() {
        let DataCheck::Set(check) = check else { continue };
        let to = super::service(&check.service, &context.scenario);
        read(context, index, None, &to, &check.read, check.timeout).await;
        let port = target_port(context, &check.service).await;
        for (namespace, pod) in pods(context) {
            let to = Place::Pod { namespace, name: pod.clone(), port: port.clone() };
            read(context, index, Some(pod), &to, &check.replica_read, check.timeout).await;
        }
    }
}

/// Pods of the target that should still answer, by name.
fn pods(context: &Context) -> BTreeSet<(String, String)> {
    let name = |state: &super::super::observe::PodState| (state.seen.namespace.clone(), state.seen.name.clone());
    context.board.look(|picture| picture.target_pods().filter(|state| !state.terminating()).map(name).collect())
}

async fn read(context: &Context, check: usize, replica: Option<String>, to: &Place, request: &str, timeout: Duration) {
    let (method, path) = template::request(request, None);
    let clock = context.clock();
    let deadline = clock.elapsed() + READ_LIMIT;
    loop {
        let answer = context.world.network.http(&Vantage::Outside, to, Call::bare(&method, &path), timeout).await;
        match template::values(answer) {
            Ok(values) => {
                let read = Read { check, replica, values: Some(values), reason: String::new() };
                context.recorder.note(Event::Read(read));
                return;
            }
            Err(_) if clock.elapsed() + READ_PAUSE < deadline => clock.sleep(READ_PAUSE).await,
            Err(reason) => {
                let reason = format!("{reason}, for {}", humantime::format_duration(READ_LIMIT));
                context.recorder.note(Event::Read(Read { check, replica, values: None, reason }));
                return;
            }
        }
    }
}

/// The port of the pods behind a Service port; the Service's own when that cannot be told.
pub(super) async fn target_port(context: &Context, to: &ServicePort) -> String {
    let wanted = &to.port;
    let namespace = to.namespace.as_ref().unwrap_or(&context.scenario.target.namespace);
    let api: Api<Service> = Api::namespaced(context.client(), namespace);
    let service = match calls::patiently(context, "get a Service", || api.get(&to.service)).await {
        Ok(service) => service,
        Err(error) => {
            let reason = calls::text(&error);
            context.recorder.gap(format!("service {namespace}/{}: {reason}", to.service), true);
            return wanted.clone();
        }
    };
    let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let port = ports.into_iter().find(|port| port.name.as_ref() == Some(wanted) || port.port.to_string() == *wanted);
    match port.map(|port| port.target_port.unwrap_or(IntOrString::Int(port.port))) {
        Some(IntOrString::Int(number)) => number.to_string(),
        Some(IntOrString::String(name)) => name,
        None => wanted.clone(),
    }
}
