//! Figures of the embedded cluster: wall time and peak memory, printed, never asserted.
//! `cargo bench --bench embedded` measures all; `… -- shipped` and `… -- zone` one part.
//!
//! Each part runs the release build of the command as a user would, in a process of its own, so that its memory is its own.

#![expect(clippy::disallowed_types, reason = "a bench measures the wall clock")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |part: &str| wanted.is_empty() || wanted.iter().any(|word| part.contains(word.as_str()));
    let scratch = std::env::temp_dir().join(format!("driftproof-bench-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("scratch folder");
    if asked("shipped") {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        measure("shipped scenarios", &scenarios, &scratch.join("shipped"), RUNS);
    }
    if asked("zone") {
        let scenario = scratch.join("zone-of-300.toml");
        fs::write(scratch.join("fleet.yaml"), fleet(30, 100)).expect("fixture");
        fs::write(&scenario, ZONE_LOST).expect("scenario");
        measure("zone lost, 300 nodes, 3000 pods", &scenario, &scratch.join("zone"), 3);
    }
    let _ = fs::remove_dir_all(&scratch);
}

/// A zone of 100 nodes out of 300 loses power; its thousand pods are replaced with default timings.
const ZONE_LOST: &str = r#"
name = "zone-of-300"
[target]
namespace = "fleet"
selector = "part-of=fleet"
[fixture]
manifests = ["fleet.yaml"]
[cluster]
nodes = 300
[steady]
timeout = "10m"
[[probe]]
name = "reads"
kind = "http"
service = "app-0:80"
rate = 10
[[fault]]
at = "1s"
kind = "node-failure"
node = { zone = "zone-2" }
hold = "8m"
[guard]
max_nodes = "50%"
[expect]
longest_outage = "1m"
"#;

/// So many Deployments of so many replicas, behind a Service each.
fn fleet(deployments: usize, replicas: usize) -> String {
    let mut yaml = "apiVersion: v1\nkind: Namespace\nmetadata: { name: fleet }\n".to_owned();
    for index in 0..deployments {
        let _ = write!(
            yaml,
            r"---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: app-{index}, namespace: fleet }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: app-{index} }} }}
  template:
    metadata: {{ labels: {{ app: app-{index}, part-of: fleet }} }}
    spec:
      containers:
        - name: app
          image: registry.example/fleet/app:1
          ports: [{{ containerPort: 8080 }}]
          resources: {{ requests: {{ cpu: 100m, memory: 64Mi }} }}
---
apiVersion: v1
kind: Service
metadata: {{ name: app-{index}, namespace: fleet }}
spec:
  selector: {{ app: app-{index} }}
  ports: [{{ port: 80, targetPort: 8080 }}]
"
        );
    }
    yaml
}

/// Runs the command and prints minimum, median and maximum of its wall time, and its peak memory.
fn measure(what: &str, scenario: &Path, report: &Path, runs: usize) {
    let mut walls = Vec::new();
    let mut peak = 0;
    let mut last = String::new();
    for _ in 0..runs {
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_driftproof"))
            .arg("run")
            .arg(scenario)
            .arg("--report-dir")
            .arg(report)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let status = format!("/proc/{}/status", child.id());
        while child.try_wait().expect("waitable").is_none() {
            peak = peak.max(fs::read_to_string(&status).ok().as_deref().and_then(high_water).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(5));
        }
        walls.push(start.elapsed());
        let output = child.wait_with_output().expect("waitable");
        let printed = String::from_utf8_lossy(&output.stdout);
        let tally = printed.lines().rev().find(|line| !line.is_empty() && !line.contains('/'));
        tally.unwrap_or_default().clone_into(&mut last);
    }
    walls.sort();
    let seconds = |wall: Duration| format!("{:.2}", wall.as_secs_f64());
    println!(
        "{what}: wall {} s (median of {runs}; {} to {}), peak memory {} MiB, result: {last}",
        seconds(walls[runs / 2]),
        seconds(walls[0]),
        seconds(walls[runs - 1]),
        peak / 1024,
    );
}

/// `VmHWM` in KiB.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
