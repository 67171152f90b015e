//! Defaults and refusals of requests, as tables.

use serde_json::{Value, json};

use super::{cluster, config, create, pod, refusal};
use crate::Kind;

fn workload(kind: &str, spec: &Value) -> Value {
    let mut value = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "app", "image": "nginx", "readinessProbe": { "httpGet": { "port": 80 } } }] },
            },
        },
    });
    json_patch::merge(&mut value["spec"], spec);
    value
}

#[tokio::test(start_paused = true)]
async fn fields_that_say_nothing_get_their_defaults() {
    let client = cluster().client();
    let mut limited = pod("web", json!({}));
    limited["spec"]["containers"][0]["resources"] = json!({ "limits": { "cpu": 1, "memory": "1Gi" } });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] },
    });
    let headless = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "db" },
        "spec": { "clusterIP": "None", "ports": [{ "port": 80, "targetPort": "http" }] },
    });
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "web" },
        "spec": { "podSelector": {}, "egress": [{}] },
    });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    let toleration = |taint: &str| {
        json!({
            "key": format!("node.kubernetes.io/{taint}"), "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": 300,
        })
    };
    let table = [
        (Kind::Pod, limited, "/spec/containers/0/resources/requests/cpu", json!("1")),
        (
            Kind::Pod,
            pod("a", json!({})),
            "/spec/tolerations",
            json!([toleration("not-ready"), toleration("unreachable")]),
        ),
        (Kind::Pod, pod("b", json!({})), "/status", json!({ "phase": "Pending", "qosClass": "BestEffort" })),
        (Kind::Pod, pod("c", json!({})), "/spec/terminationGracePeriodSeconds", json!(30)),
        (Kind::Pod, pod("d", json!({})), "/spec/priority", json!(0)),
        (
            Kind::Deployment,
            workload("Deployment", &json!({})),
            "/spec/strategy",
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } }),
        ),
        (
            Kind::StatefulSet,
            workload("StatefulSet", &json!({ "serviceName": "web" })),
            "/spec/podManagementPolicy",
            json!("OrderedReady"),
        ),
        (
            Kind::DaemonSet,
            workload("DaemonSet", &json!({})),
            "/spec/template/spec/containers/0/readinessProbe",
            json!({
                "httpGet": { "port": 80, "path": "/", "scheme": "HTTP" }, "timeoutSeconds": 1, "periodSeconds": 10,
                "successThreshold": 1, "failureThreshold": 3,
            }),
        ),
        (Kind::Service, service, "/spec/clusterIP", json!("10.96.1.0")),
        (Kind::Service, headless, "/spec/clusterIP", json!("None")),
        (Kind::NetworkPolicy, policy, "/spec/policyTypes", json!(["Ingress", "Egress"])),
        (Kind::Namespace, namespace, "/metadata/labels", json!({ "kubernetes.io/metadata.name": "shop" })),
    ];
    for (kind, value, pointer, wanted) in table {
        let stored = create(&client, kind, value).await.expect("create");
        assert_eq!(stored.pointer(pointer), Some(&wanted), "{kind:?} {pointer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_objects_are_refused_with_their_field() {
    let client = cluster().client();
    let other = json!({ "selector": { "matchLabels": { "app": "db" } } });
    let never = json!({ "template": { "spec": { "restartPolicy": "Never" } } });
    let mut mounts = pod("web", json!({}));
    mounts["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    let mut unprioritised = pod("web", json!({}));
    unprioritised["spec"]["priorityClassName"] = json!("none");
    let mut wrong = pod("web", json!({}));
    wrong["spec"]["containers"] = json!("app");
    let table = [
        (
            Kind::ConfigMap,
            config("Web", json!({})),
            422,
            "ConfigMap \"Web\" is invalid: metadata.name: Invalid value: \"Web\"",
        ),
        (Kind::ConfigMap, config("web", json!({ "a b": "c" })), 422, "metadata.labels: Invalid value: \"a b\""),
        (
            Kind::Deployment,
            workload("Deployment", &other),
            422,
            "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: \
             `selector` does not match template `labels`",
        ),
        (Kind::Deployment, workload("Deployment", &json!({ "selector": null })), 422, "spec.selector: Required value"),
        (
            Kind::Deployment,
            workload("Deployment", &never),
            422,
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        (Kind::Pod, mounts, 422, "spec.containers[0].volumeMounts[0].name: Not found: \"data\""),
        (Kind::Pod, unprioritised, 403, "pods \"web\" is forbidden: no PriorityClass with name none was found"),
        (Kind::Pod, wrong, 400, "Pod in version \"v1\" cannot be handled as a Pod: invalid type: string \"app\""),
    ];
    for (kind, value, code, message) in table {
        let refused = refusal(create(&client, kind, value).await);
        assert_eq!(refused.0, code, "{refused:?}");
        assert!(refused.2.contains(message), "{} instead of {message}", refused.2);
    }
}
