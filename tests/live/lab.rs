//! A cluster to be met over the wire: the embedded one in real time, behind HTTP on 127.0.0.1, with a kubeconfig and a
//! Prometheus beside it. Knows nothing of what the tests expect.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use driftproof::sim::{Cluster, Kind, Settings, Timings};
use http::{Method, Request, Uri};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::server::{Mood, Server};

/// No command and no wait takes longer.
const DEADLINE: Duration = Duration::from_secs(35);

/// A served cluster and a scratch folder.
pub(crate) struct Lab {
    pub(crate) cluster: Cluster,
    folder: TempDir,
    server: Server,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ended {
    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Asserts the exit code, and shows everything when it is another one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

/// Three nodes whose timers fit into a test.
pub(crate) fn settings() -> Settings {
    let ms = Duration::from_millis;
    let timings = Timings {
        lease_renew_interval: ms(300),
        node_monitor_grace_period: ms(1500),
        node_monitor_period: ms(200),
        node_eviction_rate: 10.0,
        secondary_node_eviction_rate: 10.0,
        default_toleration_seconds: 1,
        image_size: 1,
        container_start: ms(50),
        app_start: ms(50),
        app_stop: ms(50),
        boot: ms(300),
        ..Timings::default()
    };
    Settings { timings, ..Settings::default() }
}

impl Lab {
    /// Boots and serves a cluster on the current runtime.
    pub(crate) async fn start(settings: Settings) -> Self {
        let cluster = Cluster::start(settings, 1);
        let folder = tempfile::tempdir().expect("scratch folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let server = Server::new(cluster.clone());
        tokio::spawn(server.clone().serve(listener));
        std::fs::create_dir(folder.path().join("off")).expect("writable");
        tokio::spawn(machines(cluster.clone(), folder.path().join("off")));
        let lab = Self { cluster, folder, server };
        lab.write("web.yaml", include_str!("web.yaml"));
        lab.kubeconfig("kubeconfig", &url);
        lab.write("prometheus", &url);
        lab
    }

    /// Writes a file of the scratch folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("writable");
    }

    /// A kubeconfig whose context `lab` leads to `url`; its current context leads to a port where nothing listens.
    pub(crate) fn kubeconfig(&self, name: &str, url: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: trap\n\
             clusters:\n- {{ name: lab, cluster: {{ server: \"{url}\" }} }}\n- {{ name: trap, cluster: {{ server: \"http://127.0.0.1:1\" }} }}\n\
             users:\n- {{ name: me, user: {{}} }}\n\
             contexts:\n- {{ name: lab, context: {{ cluster: lab, user: me }} }}\n- {{ name: trap, context: {{ cluster: trap, user: me }} }}\n"
        );
        self.write(name, &text);
    }

    /// Writes `scenario.toml`: the target, a fast steady state and a probe, then what is given.
    pub(crate) fn scenario(&self, rest: &str) {
        let head = "name = \"live\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n\
            [fixture]\nmanifests = [\"web.yaml\"]\n[steady]\nwindow = \"500ms\"\ntimeout = \"20s\"\n\
            [[probe]]\nname = \"reads\"\nkind = \"http\"\nservice = \"web:80\"\nrate = 10\n";
        self.write("scenario.toml", &format!("{head}{rest}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn prometheus(&self) -> String {
        self.read("prometheus")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The real command, in the scratch folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftproof"));
        command.current_dir(self.folder.path()).args(arguments).env("NO_COLOR", "1").kill_on_drop(true);
        for name in ["GITHUB_STEP_SUMMARY", "KUBECONFIG", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) async fn call(&self, arguments: &[&str]) -> Ended {
        let child = self.command(arguments).spawn().expect("the command starts");
        Self::end(child).await
    }

    /// `driftproof undo` on the live cluster with further arguments.
    pub(crate) async fn undo(&self, more: &[&str]) -> Ended {
        self.call(&[&["undo", "--context", "lab", "--kubeconfig", "kubeconfig"], more].concat()).await
    }

    /// The run that `driftproof undo` has shown first.
    pub(crate) fn shown(out: &str) -> &str {
        let run = out.lines().find_map(|line| line.strip_prefix("run ")).and_then(|line| line.split(' ').next());
        run.unwrap_or_else(|| panic!("no run is shown: {out}"))
    }

    /// Creates an object as somebody else would have, at the path of its collection.
    pub(crate) async fn create(&self, collection: &str, object: &serde_json::Value) {
        let request = Request::post(collection).header("content-type", "application/json");
        let request = request.body(object.to_string().into_bytes()).expect("a request");
        let created = self.cluster.client().request::<serde_json::Value>(request).await;
        created.unwrap_or_else(|error| panic!("{object}: {error}"));
    }

    /// Runs `scenario.toml` on the live cluster with further arguments.
    pub(crate) async fn run(&self, more: &[&str]) -> Ended {
        Self::end(self.begin(more)).await
    }

    pub(crate) fn begin(&self, more: &[&str]) -> Child {
        let known = ["run", "scenario.toml", "--context", "lab", "--kubeconfig", "kubeconfig", "--report-dir", "out"];
        self.command(&[&known, more].concat()).spawn().expect("the command starts")
    }

    pub(crate) async fn end(child: Child) -> Ended {
        let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
        output.expect("the command ends in time").expect("its output can be read").into()
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("{what} did not come"));
    }

    /// Creates the fixture as somebody else would have, and waits for it.
    pub(crate) async fn deploy(&self) {
        let manifests = driftproof::scenario::manifests("web.yaml", include_str!("web.yaml")).expect("valid");
        for manifest in manifests {
            let collection = match manifest["kind"].as_str() {
                Some("Namespace") => "/api/v1/namespaces",
                Some("Deployment") => "/apis/apps/v1/namespaces/shop/deployments",
                Some("Service") => "/api/v1/namespaces/shop/services",
                other => panic!("{other:?} is not in the fixture"),
            };
            self.create(collection, &manifest).await;
        }
    }

    /// Creates a namespace as somebody else would have.
    pub(crate) async fn namespace(&self, name: &str) {
        let object = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.create("/api/v1/namespaces", &object).await;
    }

    /// What bears our mark or would not be there without us: labels, annotations, cordons.
    pub(crate) fn ours(&self) -> BTreeSet<String> {
        self.cluster.with(|state| {
            let every = Kind::ALL.into_iter().flat_map(|kind| state.store.all(kind).map(move |found| (kind, found)));
            let marked = every.filter(|(_, (_, object))| {
                let text = object.at("/metadata").map(ToString::to_string).unwrap_or_default();
                text.contains("\"app.kubernetes.io/managed-by\":\"driftproof\"")
                    || text.contains("\"driftproof.dev/")
                    || object.at("/spec/unschedulable").is_some_and(|value| value == true)
            });
            marked.map(|(kind, (key, _))| format!("{kind:?} {}/{}", key.namespace, key.name)).collect()
        })
    }

    /// Whether an object is there.
    pub(crate) fn has(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        self.cluster.with(|state| state.store.find(kind, namespace, name).is_some())
    }

    /// The requests so far that ask for more than to be told something.
    pub(crate) fn changes(&self) -> Vec<String> {
        let asks = |(method, uri): &(Method, Uri)| *method == Method::GET || uri.path().contains("/selfsubject");
        let changes = self.requests().into_iter().filter(|request| !asks(request));
        changes.map(|(method, uri)| format!("{method} {}", uri.path())).collect()
    }

    /// The requests that came over the wire.
    pub(crate) fn requests(&self) -> Vec<(Method, Uri)> {
        self.server.requests()
    }

    /// Changes how the API server behaves.
    pub(crate) fn api(&self, mood: Mood) {
        self.server.be(mood);
    }
}

/// Power switches: a node is off while a file of its name is there.
async fn machines(cluster: Cluster, folder: PathBuf) {
    let mut off = BTreeSet::new();
    loop {
        let present = nodes_off(&folder);
        for node in present.difference(&off) {
            cluster.power_off(node);
        }
        for node in off.difference(&present) {
            cluster.power_on(node);
        }
        off = present;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn nodes_off(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
