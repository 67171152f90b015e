//! The API server's side: spelling, kinds, admission, validation.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A Deployment of one, with more fields for its spec, its pod and its container.
fn web(pod: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
{pod}      containers:
        - name: web
          image: registry.example/web:1
          ports: [{{containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: /readyz, port: 8080}}, periodSeconds: 1}}
{container}"
    )
}

/// The outcome of a command on a scenario with this fixture.
struct Ran {
    code: Option<i32>,
    text: String,
    /// `report.json`, empty when there is none.
    report: String,
}

fn driftproof(command: &str, manifest: &str, more: &str, stdin: Option<&str>) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let named = if stdin.is_some() { "-" } else { "web.yaml" };
    fs::write(folder.path().join("web.yaml"), manifest).expect("a manifest");
    let scenario = format!(
        "name = \"case\"
[target]
namespace = \"default\"
workload = \"deployment/web\"
[fixture]
manifests = [\"{named}\"]
{more}
[steady]
window = \"1s\"
timeout = \"20s\"
[[fault]]
at = \"0s\"
kind = \"pod-kill\"
[expect]
rto = \"1m\"
"
    );
    fs::write(folder.path().join("case.toml"), scenario).expect("a scenario");
    let output = run(folder.path(), command, stdin.unwrap_or_default());
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let report = fs::read_to_string(folder.path().join("out/report.json")).unwrap_or_default();
    Ran { code: output.status.code(), text, report }
}

fn run(folder: &Path, command: &str, stdin: &str) -> Output {
    let mut driftproof = Command::new(env!("CARGO_BIN_EXE_driftproof"));
    driftproof.current_dir(folder).args([command, "case.toml"]);
    if command == "run" {
        driftproof.args(["--report-dir", "out"]);
    }
    let piped = folder.join("piped");
    fs::write(&piped, stdin).expect("a file");
    driftproof.stdin(fs::File::open(&piped).expect("a file")).output().expect("driftproof runs")
}

#[track_caller]
fn passes(manifest: &str, more: &str) {
    let ran = driftproof("run", manifest, more, None);
    assert_eq!(ran.code, Some(0), "{manifest}\n{}", ran.text);
}

#[track_caller]
fn is_refused(manifest: &str, parts: &[&str]) {
    let ran = driftproof("validate", manifest, "", None);
    assert_eq!(ran.code, Some(2), "{manifest}\n{}", ran.text);
    for part in parts {
        assert!(ran.text.contains(part), "`{part}` is missing:\n{manifest}\n{}", ran.text);
    }
}

#[test]
fn numbers_are_read_as_kubectl_reads_them() {
    let keys = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {id: x}\n";
    let octal = "      volumes: [{name: keys, secret: {secretName: keys, defaultMode: 0440}}]\n";
    passes(&format!("{}{keys}", web(octal, "")).replace("replicas: 2", "replicas: 02"), "");
    passes(&web("", "").replace("replicas: 2", "replicas: 2.0"), "");
}

#[test]
fn what_kubectl_takes_is_taken() {
    let empty = "          resources: {limits: {cpu: , memory: 64Mi}}\n";
    passes(&web("", empty), "");
    let config = "---\n\u{feff}apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: c}, data: {EMPTY: }}]\n";
    passes(&format!("{}{config}", web("", "")), "");
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: cert}\ndata:\n  ca.crt: |\n    aGVsbG8gd29y\n    bGQgaGVsbG8=\n";
    passes(&format!("{}{secret}", web("", "")), "");
    passes(&web("", "").replace("{name: web}\nspec", "{name: web, managedFields: [{manager: kubectl}]}\nspec"), "");
    let twins = "          env: [{name: A, value: \"1\"}, {name: A, value: \"2\"}]\n";
    passes(&web("", twins), "");
    let json = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"d\"}}";
    passes(&format!("{}---\n{json}", web("", "")), "");
}

#[test]
fn kinds_that_nothing_acts_on_are_kept() {
    let more = "---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: older}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3, targetCPUUtilizationPercentage: 50}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {
    spec: {type: object, properties: {size: {type: integer}}, x-kubernetes-validations: [{rule: self.size < 9}]}}}}}]
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: one}
spec: {size: 3}
";
    let manifest = format!("{}{more}", web("", ""));
    let ran = driftproof("run", &manifest, "cluster_scoped = [\"CustomResourceDefinition\"]", None);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    for part in ["not modelled", "Ingress web", "Thing one", "the x-kubernetes-validations of things.example.com"] {
        assert!(ran.report.contains(part), "`{part}` is missing: {}", ran.report);
    }
}

#[test]
fn admission_holds_pods_back_with_the_servers_words() {
    let lacking = [
        ("      serviceAccountName: nobody\n", "serviceaccount \"nobody\" not found"),
        ("      runtimeClassName: sandbox\n", "RuntimeClass \"sandbox\" not found"),
    ];
    for (pod, words) in lacking {
        let ran = driftproof("run", &web(pod, ""), "", None);
        assert_eq!(ran.code, Some(3), "{}", ran.text);
        assert!(ran.text.contains(words) || ran.text.contains("steady"), "{}", ran.text);
    }
    let guarded = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {pods: \"1\"}}\n";
    let ran = driftproof("run", &format!("{}{guarded}", web("", "")), "", None);
    assert_eq!(ran.code, Some(3), "{}", ran.text);
}

#[test]
fn mistakes_are_told_with_their_line() {
    is_refused(
        &web("      topologySpreadConstraint: []\n", "          readynessProbe: {}\n"),
        &["E0032", "web.yaml:10", "topologySpreadConstraint", "web.yaml:16", "readynessProbe"],
    );
    is_refused(&web("", "").replace("replicas: 2", "replicas: three"), &["web.yaml:5", "spec.replicas"]);
    is_refused(
        &web("", "").replace("8080}]", "8080, name: a-name-that-is-too-long}]"),
        &["web.yaml:13", "no more than 15"],
    );
    is_refused(
        &web("", "          imagePullPolicy: Never\n          imagePullPolicy: Always\n"),
        &["`imagePullPolicy` is written twice, in line 15 and in line 16"],
    );
    let policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.7/24}}]}]}\n";
    is_refused(
        &format!("{}{policy}", web("", "")),
        &["web.yaml:19", "must not have bits set beyond the prefix length"],
    );
    let old = "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n---\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: b}\n";
    is_refused(
        &format!("{}{old}", web("", "")),
        &["E0031", "removed in Kubernetes 1.25", "policy/v1 ", "removed in Kubernetes 1.22", "networking.k8s.io/v1 "],
    );
    is_refused(&web("", "").replace("metadata: {name: web}", "metadata: {name: wbe}"), &["E0033", "deployment/wbe"]);
    let annotated = web("", "")
        .replace("labels: {app: web}}", "labels: {app: web}, annotations: {embedded.driftproof.dev/kind: kv}}");
    is_refused(&annotated, &["E0034", "embedded.driftproof.dev/kind"]);
    is_refused(
        "resources: [a.yaml]\nkind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n",
        &["kubectl kustomize"],
    );
    is_refused(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: {{ .Values.a }}\n",
        &["helm template"],
    );
}

#[test]
fn what_is_piped_in_is_taken() {
    let ran = driftproof("run", "", "", Some(&web("", "")));
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let nothing = driftproof("validate", "", "", Some(""));
    assert_eq!(nothing.code, Some(2), "{}", nothing.text);
    assert!(nothing.text.contains("empty"), "{}", nothing.text);
}
