//! The level `baseline`: no known way to more rights (`policy/check_*.go`, in the order of their names).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Pod, Violation, named, plural, quoted, setters, using};

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Kernel settings of a pod's own, with the release since which they are allowed.
const SYSCTLS: [(&str, u32); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

/// What breaks the level.
pub(super) fn violations(pod: Pod<'_>, minor: u32) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    found.extend(app_armor(pod));
    found.extend(capabilities(pod));
    found.extend(host_namespaces(pod));
    found.extend(host_paths(pod));
    found.extend(shared(pod, minor));
    found.extend(seccomp(pod));
    found.extend(rest(pod, minor));
    found
}

/// Those in the middle of the list, which the level above has as well.
pub(super) fn shared(pod: Pod<'_>, minor: u32) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(host_ports(pod));
    if minor >= 34 {
        found.extend(probe_hosts(pod));
    }
    let privileged = pod.named(|container| container.pointer("/securityContext/privileged") == Some(&json!(true)));
    if !privileged.is_empty() {
        found.push(("privileged", format!("{} must not set securityContext.privileged=true", named(&privileged))));
    }
    found.extend(proc_mount(pod, minor));
    found.extend(se_linux(pod, minor));
    found
}

/// Those at the end of the list, which the level above has as well.
pub(super) fn rest(pod: Pod<'_>, minor: u32) -> Vec<Violation> {
    let mut found = Vec::new();
    let all = pod.spec.pointer("/securityContext/sysctls").and_then(Value::as_array).into_iter().flatten();
    let names = all.filter_map(|sysctl| sysctl["name"].as_str());
    let bad: Vec<&str> =
        names.filter(|name| !SYSCTLS.iter().any(|(known, since)| known == name && *since <= minor)).collect();
    if !bad.is_empty() {
        found.push(("forbidden sysctls", bad.join(", ")));
    }
    let is_process = |value: &Value| value.pointer("/securityContext/windowsOptions/hostProcess") == Some(&json!(true));
    if let Some(who) = setters(is_process(pod.spec), &pod.named(is_process)) {
        found.push(("hostProcess", format!("{who} must not set securityContext.windowsOptions.hostProcess=true")));
    }
    found
}

pub(super) fn app_armor(pod: Pod<'_>) -> Option<Violation> {
    let bad = |value: &Value| {
        let kind = value.pointer("/securityContext/appArmorProfile")?.get("type").and_then(Value::as_str)?;
        (!matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
    };
    let containers = pod.named(|container| bad(container).is_some());
    let mut values: BTreeSet<String> = pod.containers().filter_map(bad).collect();
    values.extend(bad(pod.spec));
    let mut values: Vec<String> = values.into_iter().collect();
    let annotations = pod.metadata["annotations"].as_object().into_iter().flatten();
    let notes: Vec<String> = annotations
        .filter_map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            let fine = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
            (name.starts_with("container.apparmor.security.beta.kubernetes.io/") && !fine)
                .then(|| format!("{name}={value:?}"))
        })
        .collect();
    let mut who: Vec<String> = setters(bad(pod.spec).is_some(), &containers).into_iter().collect();
    if !notes.is_empty() {
        who.push(plural("annotation", notes.len()));
        values.extend(notes);
    }
    if who.is_empty() {
        return None;
    }
    let reason = if values.len() == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" };
    Some((reason, format!("{} must not set AppArmor profile type to {}", who.join(" and "), quoted(&values))))
}

fn capabilities(pod: Pod<'_>) -> Option<Violation> {
    let added = |container: &Value| -> Vec<String> {
        let all = container.pointer("/securityContext/capabilities/add").and_then(Value::as_array);
        let names = all.into_iter().flatten().filter_map(Value::as_str);
        names.filter(|name| !CAPABILITIES.contains(name)).map(str::to_owned).collect()
    };
    let containers = pod.named(|container| !added(container).is_empty());
    let all: BTreeSet<String> = pod.containers().flat_map(added).collect();
    (!containers.is_empty()).then(|| {
        let detail =
            format!("{} must not include {} in securityContext.capabilities.add", named(&containers), quoted(&all));
        ("non-default capabilities", detail)
    })
}

pub(super) fn host_namespaces(pod: Pod<'_>) -> Option<Violation> {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|field| pod.spec[*field] == json!(true));
    let shared: Vec<String> = shared.map(|field| format!("{field}=true")).collect();
    (!shared.is_empty()).then(|| ("host namespaces", shared.join(", ")))
}

fn host_paths(pod: Pod<'_>) -> Option<Violation> {
    let volumes =
        pod.spec["volumes"].as_array().into_iter().flatten().filter(|volume| volume.get("hostPath").is_some());
    let names: Vec<&str> = volumes.map(|volume| volume["name"].as_str().unwrap_or_default()).collect();
    (!names.is_empty()).then(|| ("hostPath volumes", format!("{} {}", plural("volume", names.len()), quoted(&names))))
}

fn host_ports(pod: Pod<'_>) -> Option<Violation> {
    let ports = |container: &Value| -> Vec<String> {
        let all = container["ports"].as_array().into_iter().flatten().filter_map(|port| port["hostPort"].as_i64());
        all.filter(|port| *port != 0).map(|port| port.to_string()).collect()
    };
    let containers = pod.named(|container| !ports(container).is_empty());
    let all: BTreeSet<String> = pod.containers().flat_map(ports).collect();
    let shown = all.iter().cloned().collect::<Vec<_>>().join(", ");
    (!containers.is_empty()).then(|| ("hostPort", using("container", &containers, "hostPort", &all, &shown)))
}

fn probe_hosts(pod: Pod<'_>) -> Option<Violation> {
    const HANDLERS: [&str; 5] =
        ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];
    let hosts = |container: &Value| -> Vec<String> {
        let handlers = HANDLERS.into_iter().filter_map(|handler| container.pointer(handler));
        let all = handlers.flat_map(|handler| [handler.pointer("/httpGet/host"), handler.pointer("/tcpSocket/host")]);
        let all = all.flatten().filter_map(Value::as_str);
        all.filter(|host| !matches!(*host, "" | "127.0.0.1" | "::1")).map(str::to_owned).collect()
    };
    let mut containers = pod.named(|container| !hosts(container).is_empty());
    containers.sort_unstable();
    let all: BTreeSet<String> = pod.containers().flat_map(hosts).collect();
    let shown = quoted(&all);
    (!containers.is_empty())
        .then(|| ("probe or lifecycle host", using("container", &containers, "probe or lifecycle host", &all, &shown)))
}

fn proc_mount(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if minor >= 35 && pod.has_user_namespace() {
        return None;
    }
    let mount = |container: &Value| {
        let kind = container.pointer("/securityContext/procMount").and_then(Value::as_str)?;
        (kind != "Default").then(|| kind.to_owned())
    };
    let containers = pod.named(|container| mount(container).is_some());
    let all: BTreeSet<String> = pod.containers().filter_map(mount).collect();
    (!containers.is_empty()).then(|| {
        ("procMount", format!("{} must not set securityContext.procMount to {}", named(&containers), quoted(&all)))
    })
}

fn se_linux(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    let options = |value: &Value| value.pointer("/securityContext/seLinuxOptions").cloned();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let allowed = |kind: &str| {
        matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
            || (minor >= 31 && kind == "container_engine_t")
    };
    let is_bad = |value: &Value| {
        options(value).is_some_and(|one| {
            !allowed(&text(&one, "type")) || !text(&one, "user").is_empty() || !text(&one, "role").is_empty()
        })
    };
    let who = setters(is_bad(pod.spec), &pod.named(is_bad))?;
    let all: Vec<Value> = pod.containers().chain([pod.spec]).filter_map(options).collect();
    let types: BTreeSet<String> = all.iter().map(|one| text(one, "type")).filter(|kind| !allowed(kind)).collect();
    let mut parts = Vec::new();
    if !types.is_empty() {
        parts.push(format!("{} {}", plural("type", types.len()), quoted(&types)));
    }
    for field in ["user", "role"] {
        if all.iter().any(|one| !text(one, field).is_empty()) {
            parts.push(format!("{field} may not be set"));
        }
    }
    Some(("seLinuxOptions", format!("{who} set forbidden securityContext.seLinuxOptions: {}", parts.join("; "))))
}

/// The kind of a seccomp profile that is set and not allowed.
pub(super) fn bad_seccomp(value: &Value) -> Option<String> {
    let kind =
        value.pointer("/securityContext/seccompProfile")?.get("type").and_then(Value::as_str).unwrap_or_default();
    (!matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
}

pub(super) fn seccomp(pod: Pod<'_>) -> Option<Violation> {
    let containers = pod.named(|container| bad_seccomp(container).is_some());
    let who = setters(bad_seccomp(pod.spec).is_some(), &containers)?;
    let all: BTreeSet<String> = pod.containers().chain([pod.spec]).filter_map(bad_seccomp).collect();
    Some(("seccompProfile", format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(&all))))
}
