//! Containers: ports, environment, mounts, probes and hooks (`validateContainerCommon` and what it calls in
//! pkg/apis/core/validation).

use std::collections::BTreeSet;

use super::field::Field;
use super::{resources, security, volumes, words};

const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// What a container may refer to.
pub(super) struct Pod<'a> {
    /// The pod's spec.
    pub(super) spec: Field<'a>,
    /// Its sound volumes.
    pub(super) volumes: Vec<Field<'a>>,
    /// The names of its resource claims.
    pub(super) claims: Vec<&'a str>,
}

impl<'a> Pod<'a> {
    fn volume(&self, name: &str) -> Option<&Field<'a>> {
        self.volumes.iter().find(|volume| volume.at("name").text() == name)
    }

    fn grace(&self) -> i64 {
        self.spec.at("terminationGracePeriodSeconds").number().unwrap_or(30)
    }
}

/// All containers of a pod.
pub(super) fn all(pod: &Pod<'_>) {
    let (containers, inits) = (pod.spec.at("containers"), pod.spec.at("initContainers"));
    if containers.is_empty() {
        containers.required("");
    }
    let mut names = BTreeSet::new();
    for container in containers.items() {
        common(&container, pod);
        unique(&container.at("name"), &mut names);
        hooks_and_probes(&container, pod);
        container.at("restartPolicy").one_of(&["Always", "Never", "OnFailure"]);
        restart_rules(&container);
    }
    host_ports(containers.items());
    for container in inits.items() {
        common(&container, pod);
        unique(&container.at("name"), &mut names);
        host_ports(std::iter::once(container.clone()));
        container.at("restartPolicy").one_of(&["Always", "Never", "OnFailure"]);
        restart_rules(&container);
        if container.at("restartPolicy").text() == "Always" {
            hooks_and_probes(&container, pod);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.at(field).is_set() {
                container.at(field).forbidden("may not be set for init containers without restartPolicy=Always");
            }
        }
    }
}

/// Rules by exit code beside a container's restart policy.
fn restart_rules(container: &Field<'_>) {
    let rules = container.at("restartPolicyRules");
    if !rules.is_empty() && !container.at("restartPolicy").is_set() {
        container.at("restartPolicy").required("must specify restartPolicy when restart rules are used");
    }
    if rules.len() > 20 {
        rules.too_many(20);
    }
    for rule in rules.items() {
        rule.at("action").one_of_required(&["Restart", "RestartAllContainers"]);
        let codes = rule.at("exitCodes");
        if codes.is_set() {
            codes.at("operator").one_of_required(&["In", "NotIn"]);
            if codes.at("values").len() > 255 {
                codes.at("values").too_many(255);
            }
        } else {
            codes.required("must be specified");
        }
    }
}

fn unique<'a>(name: &Field<'a>, seen: &mut BTreeSet<&'a str>) {
    if !name.text().is_empty() && !seen.insert(name.text()) {
        name.duplicate();
    }
}

fn common(container: &Field<'_>, pod: &Pod<'_>) {
    container.at("name").given_by(words::label);
    container.at("image").is_given();
    container.at("terminationMessagePolicy").one_of_required(&["File", "FallbackToLogsOnError"]);
    container.at("imagePullPolicy").one_of_required(&PULL_POLICIES);
    ports(&container.at("ports"));
    environment(container, pod);
    mounts(container, pod);
    devices(container, pod);
    resources::requirements(&container.at("resources"), &pod.claims);
    let mut resized = BTreeSet::new();
    for policy in container.at("resizePolicy").items() {
        let name = policy.at("resourceName");
        name.one_of_required(&["cpu", "memory"]);
        if !resized.insert(name.text()) {
            policy.duplicate();
        }
        policy.at("restartPolicy").one_of_required(&["NotRequired", "RestartContainer"]);
        if pod.spec.at("restartPolicy").text() == "Never" && policy.at("restartPolicy").text() != "NotRequired" {
            policy.at("restartPolicy").invalid("must be 'NotRequired' when `restartPolicy` is 'Never'");
        }
    }
    let unmasked = pod.spec.at("hostUsers").value.as_bool() != Some(false);
    security::container(&container.at("securityContext"), unmasked);
}

fn ports(ports: &Field<'_>) {
    let mut names = BTreeSet::new();
    for port in ports.items() {
        let name = port.at("name");
        if !name.text().is_empty() {
            match words::port_name(name.text()) {
                Some(wrong) => name.invalid(&wrong),
                None if !names.insert(name.text()) => name.duplicate(),
                None => {}
            }
        }
        if port.at("containerPort").number().unwrap_or(0) == 0 {
            port.at("containerPort").required("");
        } else {
            port.at("containerPort").between(1, 65535);
        }
        if port.at("hostPort").number().unwrap_or(0) != 0 {
            port.at("hostPort").between(1, 65535);
        }
        port.at("protocol").one_of_required(&["SCTP", "TCP", "UDP"]);
    }
}

/// No two ports on the same address of the node.
fn host_ports<'a>(containers: impl Iterator<Item = Field<'a>>) {
    let mut taken = BTreeSet::new();
    for port in containers.flat_map(|container| container.at("ports").items()) {
        let number = port.at("hostPort");
        let Some(asked) = number.number().filter(|port| *port != 0) else { continue };
        if !taken.insert((asked, port.at("hostIP").text(), port.at("protocol").text())) {
            number.duplicate();
        }
    }
}

fn environment(container: &Field<'_>, pod: &Pod<'_>) {
    for variable in container.at("env").items() {
        variable.at("name").given_by(words::env_name);
        let from = variable.at("valueFrom");
        if !from.is_set() {
            continue;
        }
        if from.at("fieldRef").is_set() {
            volumes::field_reference(&from.at("fieldRef"), volumes::ENV_FIELDS);
        }
        if from.at("resourceFieldRef").is_set() {
            volumes::resource_reference(&from.at("resourceFieldRef"), false);
        }
        for source in ["configMapKeyRef", "secretKeyRef"] {
            let source = from.at(source);
            if source.is_set() {
                source.at("name").text_by(words::subdomain);
                source.at("key").given_by(words::config_key);
            }
        }
        if from.at("fileKeyRef").is_set() {
            file_key(&from.at("fileKeyRef"), &pod.spec);
        }
        let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
        match sources.into_iter().filter(|source| from.at(source).is_set()).count() {
            0 => from.invalid_value(
                "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            ),
            _ if !variable.at("value").text().is_empty() => {
                from.invalid_value("", "may not be specified when `value` is not empty");
            }
            1 => {}
            _ => from.invalid_value("", "may not have more than one field specified at a time"),
        }
    }
    let all = container.at("envFrom");
    for source in all.items() {
        source.at("prefix").text_by_if_any(words::env_name);
        let set: Vec<Field<'_>> =
            ["configMapRef", "secretRef"].into_iter().map(|one| source.at(one)).filter(Field::is_set).collect();
        for one in &set {
            one.at("name").given_by(words::subdomain);
        }
        match set.len() {
            0 => all.invalid_value("", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => all.invalid_value("", "may not have more than one field specified at a time"),
        }
    }
}

/// A variable out of a file, which lies in an `emptyDir` of the pod (`validateFileKeySelector`, `validateFileKeyRefVolumes`).
fn file_key(source: &Field<'_>, spec: &Field<'_>) {
    let name = source.at("volumeName");
    source.at("key").given_by(words::env_name);
    name.given_by(words::label);
    if source.at("path").is_given() {
        source.at("path").text_by(words::no_backsteps);
    }
    // The last of a name counts, as in the map that the real server makes.
    match spec.at("volumes").items().filter(|volume| volume.at("name").text() == name.text()).last() {
        None => name.not_found(),
        Some(volume) if !volume.at("emptyDir").is_set() => name.invalid("referenced volume must be of type emptyDir"),
        Some(_) => {}
    }
}

fn mounts(container: &Field<'_>, pod: &Pod<'_>) {
    let (all, devices) = (container.at("volumeMounts"), container.at("volumeDevices"));
    let mut paths = BTreeSet::new();
    for mount in all.items() {
        let (name, path) = (mount.at("name"), mount.at("mountPath"));
        name.is_given();
        if pod.volume(name.text()).is_none() {
            name.not_found();
        }
        path.is_given();
        if !paths.insert(path.text()) {
            path.invalid("must be unique");
        }
        if devices.items().any(|device| device.at("name").text() == name.text()) {
            name.invalid("must not already exist in volumeDevices");
        }
        if devices.items().any(|device| device.at("devicePath").text() == path.text()) {
            path.invalid("must not already exist as a path in volumeDevices");
        }
        mount.at("subPath").text_by_if_any(words::descending_path);
        mount.at("subPathExpr").text_by_if_any(words::descending_path);
        if !mount.at("subPath").text().is_empty() && !mount.at("subPathExpr").text().is_empty() {
            mount.at("subPathExpr").invalid("subPathExpr and subPath are mutually exclusive");
        }
        let propagation = mount.at("mountPropagation");
        propagation.one_of(&["Bidirectional", "HostToContainer", "None"]);
        let privileged = container.at("securityContext").at("privileged").is_true();
        if propagation.text() == "Bidirectional" && !privileged {
            propagation.forbidden("Bidirectional mount propagation is available only to privileged containers");
        }
        recursive_read_only(&mount);
    }
}

fn recursive_read_only(mount: &Field<'_>) {
    let wanted = mount.at("recursiveReadOnly");
    wanted.one_of(&["Disabled", "Enabled", "IfPossible"]);
    if !matches!(wanted.text(), "Enabled" | "IfPossible") {
        return;
    }
    if !mount.at("readOnly").is_true() {
        wanted.forbidden("may only be specified when readOnly is true");
    }
    if !matches!(mount.at("mountPropagation").text(), "" | "None") {
        wanted.forbidden("may only be specified when mountPropagation is None or not specified");
    }
}

fn devices(container: &Field<'_>, pod: &Pod<'_>) {
    let mounts = container.at("volumeMounts");
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for device in container.at("volumeDevices").items() {
        let (name, path) = (device.at("name"), device.at("devicePath"));
        name.is_given();
        if !name.text().is_empty() && !names.insert(name.text()) {
            name.invalid("must be unique");
        }
        match pod.volume(name.text()) {
            Some(volume) if !volume.at("persistentVolumeClaim").is_set() && !volume.at("ephemeral").is_set() => {
                name.invalid("can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            }
            Some(_) => {}
            None => name.not_found(),
        }
        path.is_given();
        if !paths.insert(path.text()) {
            path.invalid("must be unique");
        }
        if words::no_backsteps(path.text()).is_some() {
            path.invalid("can not contain backsteps ('..')");
        }
        if mounts.items().any(|mount| mount.at("name").text() == name.text()) {
            name.invalid("must not already exist in volumeMounts");
        }
        if mounts.items().any(|mount| mount.at("mountPath").text() == path.text()) {
            path.invalid("must not already exist as a path in volumeMounts");
        }
    }
}

fn hooks_and_probes(container: &Field<'_>, pod: &Pod<'_>) {
    for hook in ["postStart", "preStop"] {
        let hook = container.at("lifecycle").at(hook);
        if hook.is_set() {
            handler(&hook, pod.grace());
        }
    }
    for (name, once) in [("livenessProbe", true), ("readinessProbe", false), ("startupProbe", true)] {
        let probe = container.at(name);
        if !probe.is_set() {
            continue;
        }
        handler(&probe, pod.grace());
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            probe.at(field).not_negative();
        }
        let grace = probe.at("terminationGracePeriodSeconds");
        if grace.number().is_some_and(|grace| grace <= 0) {
            grace.invalid("must be greater than 0");
        }
        if once && probe.at("successThreshold").number() != Some(1) {
            probe.at("successThreshold").invalid("must be 1");
        }
        if name == "readinessProbe" && grace.is_set() {
            grace.invalid("must not be set for readinessProbes");
        }
    }
}

fn handler(handler: &Field<'_>, grace: i64) {
    if handler.at_most_one(&HANDLERS, "may not specify more than 1 handler type") == 0 {
        handler.required("must specify a handler type");
        return;
    }
    let first = HANDLERS.into_iter().map(|name| (name, handler.at(name))).find(|(_, one)| one.is_set());
    match first {
        Some(("exec", exec)) if exec.at("command").is_empty() => exec.at("command").required(""),
        Some(("httpGet", get)) => {
            get.at("path").is_given();
            port(&get.at("port"));
            get.at("scheme").one_of_required(&["HTTP", "HTTPS"]);
            for header in get.at("httpHeaders").items() {
                if let Some(wrong) = words::header_name(header.at("name").text()) {
                    get.at("httpHeaders").invalid_value(header.at("name").text(), &wrong);
                }
            }
        }
        Some(("tcpSocket", socket)) => port(&socket.at("port")),
        Some(("grpc", grpc)) => port(&grpc.at("port")),
        Some(("sleep", sleep)) => {
            let seconds = sleep.at("seconds");
            if !(0..=grace).contains(&seconds.number().unwrap_or(0)) {
                let wrong = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                seconds.invalid(&wrong);
            }
        }
        _ => {}
    }
}

/// A number or a name of a port (`ValidatePortNumOrName`).
pub(super) fn port(port: &Field<'_>) {
    if port.value.is_string() {
        port.text_by(words::port_name);
    } else if port.number().is_none_or(|number| !(1..=65535).contains(&number)) {
        port.invalid("must be between 1 and 65535, inclusive");
    }
}
