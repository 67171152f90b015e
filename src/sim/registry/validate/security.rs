//! Security contexts of pods and containers, and what depends on the operating system.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field::Field;
use super::words;

const ID_MAX: i64 = 2_147_483_647;

fn id(field: &Field<'_>) {
    field.between(0, ID_MAX);
}

/// The security context of one container.
pub(super) fn container(context: &Field<'_>, unmasked_is_refused: bool) {
    if !context.is_set() {
        return;
    }
    id(&context.at("runAsUser"));
    id(&context.at("runAsGroup"));
    let mount = context.at("procMount");
    mount.one_of(&["Default", "Unmasked"]);
    if mount.text() == "Unmasked" && unmasked_is_refused {
        mount.invalid("`hostUsers` must be false to use `Unmasked`");
    }
    shared(context);
    if context.at("allowPrivilegeEscalation").value == &Value::Bool(false) {
        if context.at("privileged").is_true() {
            context.invalid("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        if context.at("capabilities").at("add").items().any(|capability| capability.text() == "CAP_SYS_ADMIN") {
            context.invalid("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }
}

/// What contexts of pods and of containers have in common.
fn shared(context: &Field<'_>) {
    seccomp(&context.at("seccompProfile"));
    app_armor(&context.at("appArmorProfile"));
    windows(&context.at("windowsOptions"));
}

fn seccomp(profile: &Field<'_>) {
    if !profile.is_set() {
        return;
    }
    profile.at("type").one_of_required(&["Localhost", "RuntimeDefault", "Unconfined"]);
    let local = profile.at("localhostProfile");
    if profile.at("type").text() == "Localhost" {
        if local.is_set() {
            local.text_by(words::descending_path);
        } else {
            local.required("must be set when seccomp type is Localhost");
        }
    } else if local.is_set() {
        local.invalid("can only be set when seccomp type is Localhost");
    }
}

fn app_armor(profile: &Field<'_>) {
    if !profile.is_set() {
        return;
    }
    let local = profile.at("localhostProfile");
    match profile.at("type").text() {
        "Localhost" => {
            let text = local.text();
            if text.trim() != text {
                local.invalid("must not be padded with whitespace");
            } else if text.is_empty() {
                local.required("must be set when AppArmor type is Localhost");
            }
            if text.len() > 4095 {
                local.too_long(4095);
            }
        }
        "RuntimeDefault" | "Unconfined" if local.is_set() => {
            local.invalid("can only be set when AppArmor type is Localhost");
        }
        "RuntimeDefault" | "Unconfined" => {}
        "" => profile.at("type").required("type is required when appArmorProfile is set"),
        _ => profile.at("type").unsupported(&["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

fn windows(options: &Field<'_>) {
    let name = options.at("gmsaCredentialSpecName");
    if name.is_set() {
        name.text_by(words::subdomain);
    }
    let spec = options.at("gmsaCredentialSpec");
    if spec.is_set() && spec.text().is_empty() {
        spec.invalid("gmsaCredentialSpec cannot be an empty string");
    } else if spec.text().len() > 64 * 1024 {
        spec.invalid("gmsaCredentialSpec size must be under 64 KiB");
    }
    let user = options.at("runAsUserName");
    if !user.is_set() {
        return;
    }
    let (domain, own) = user.text().split_once('\\').map_or((None, user.text()), |(domain, own)| (Some(domain), own));
    let wrong = if user.text().is_empty() {
        Some("runAsUserName cannot be an empty string")
    } else if user.text().chars().any(char::is_control) {
        Some("runAsUserName cannot contain control characters")
    } else if own.contains('\\') {
        Some("runAsUserName cannot contain more than one backslash")
    } else if domain.is_some_and(|domain| domain.is_empty() || domain.len() >= 256) {
        Some("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    } else if own.is_empty() {
        Some("runAsUserName's User cannot be empty")
    } else if own.len() > 104 {
        Some("runAsUserName's User length must not be longer than 104 characters")
    } else if own.chars().all(|c| matches!(c, '.' | ' ')) {
        Some("runAsUserName's User cannot contain only periods or spaces")
    } else if own.contains(['"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']) {
        Some("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        user.invalid(wrong);
    }
}

/// The security context of a pod, and what goes with it.
pub(super) fn pod(spec: &Field<'_>) {
    let context = spec.at("securityContext");
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        id(&context.at(field));
    }
    for group in context.at("supplementalGroups").items() {
        id(&group);
    }
    if spec.at("shareProcessNamespace").is_true() && spec.at("hostPID").is_true() {
        let field = context.at("shareProcessNamespace");
        field.invalid("ShareProcessNamespace and HostPID cannot both be enabled");
    }
    sysctls(spec);
    context.at("fsGroupChangePolicy").one_of(&["Always", "OnRootMismatch"]);
    context.at("supplementalGroupsPolicy").one_of(&["Merge", "Strict"]);
    context.at("seLinuxChangePolicy").one_of(&["MountOption", "Recursive"]);
    shared(&context);
    host_process(spec);
    operating_system(spec);
    if spec.at("hostUsers").value == &Value::Bool(false) {
        for (field, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
            if spec.at(field).is_true() {
                spec.at(shown).forbidden("when `hostUsers` is false");
            }
        }
        for container in containers(spec).filter(|container| !container.at("volumeDevices").is_empty()) {
            container.at("volumeDevices").forbidden("when `hostUsers` is false");
        }
    }
}

fn containers<'a>(spec: &Field<'a>) -> impl Iterator<Item = Field<'a>> + use<'a> {
    let fields = ["initContainers", "containers"].map(|field| spec.at(field));
    fields.into_iter().flat_map(|list| list.items())
}

fn sysctls(spec: &Field<'_>) {
    let is_segment = |part: &str| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.chars().all(|c| edge(c) || matches!(c, '-' | '_'))
            && part.chars().next().is_some_and(edge)
            && part.chars().last().is_some_and(edge)
    };
    let mut seen = BTreeSet::new();
    for sysctl in spec.at("securityContext").at("sysctls").items() {
        let name = sysctl.at("name");
        if !name.is_given() {
            continue;
        }
        if name.text().len() > 253 || !name.text().split(['.', '/']).all(is_segment) {
            name.invalid("must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
        } else if !seen.insert(name.text()) {
            name.duplicate();
        }
        let dotted = name.text().replace('/', ".");
        if spec.at("hostNetwork").is_true() && dotted.starts_with("net.") {
            name.invalid("may not be specified when 'hostNetwork' is true");
        }
        let ipc = dotted.starts_with("kernel.shm")
            || dotted.starts_with("kernel.msg")
            || dotted == "kernel.sem"
            || dotted.starts_with("fs.mqueue.");
        if spec.at("hostIPC").is_true() && ipc {
            name.invalid("may not be specified when 'hostIPC' is true");
        }
    }
}

/// Windows' privileged containers: all or none, and on the node's network (`validateWindowsHostProcessPod`).
fn host_process(spec: &Field<'_>) {
    let said = |context: &Field<'_>| context.at("windowsOptions").at("hostProcess").value.as_bool();
    let of_pod = said(&spec.at("securityContext"));
    let all: Vec<Field<'_>> = containers(spec).collect();
    let mut count = 0;
    for container in &all {
        let own = said(&container.at("securityContext"));
        if let (Some(own), Some(of_pod)) = (own, of_pod)
            && own != of_pod
        {
            let field = container.at("securityContext").at("windowsOptions").at("hostProcess");
            field.invalid("pod hostProcess value must be identical if both are specified");
        }
        count += usize::from(own.or(of_pod) == Some(true));
    }
    if count > 0 && count < all.len() {
        spec.invalid_value(
            "",
            "If pod contains any hostProcess containers then all containers must be HostProcess containers",
        );
    }
    if count > 0 && !spec.at("hostNetwork").is_true() {
        spec.at("hostNetwork").invalid("hostNetwork must be true if pod contains any hostProcess containers");
    }
}

fn operating_system(spec: &Field<'_>) {
    let os = spec.at("os");
    if !os.is_set() {
        return;
    }
    match os.at("name").text() {
        "" => os.at("name").required(""),
        "linux" => {
            for context in
                containers(spec).map(|container| container.at("securityContext")).chain([spec.at("securityContext")])
            {
                if context.at("windowsOptions").is_set() {
                    context.at("windowsOptions").forbidden("windows options cannot be set for a linux pod");
                }
            }
        }
        "windows" => {
            const WRONG: &str = "cannot be set for a windows pod";
            for field in ["hostPID", "hostIPC", "shareProcessNamespace"] {
                if spec.at(field).is_true() {
                    spec.at(field).forbidden(WRONG);
                }
            }
            let context = spec.at("securityContext");
            let of_pod = [
                "appArmorProfile",
                "seLinuxOptions",
                "seccompProfile",
                "fsGroup",
                "fsGroupChangePolicy",
                "runAsUser",
                "runAsGroup",
                "supplementalGroupsPolicy",
            ];
            for field in of_pod.into_iter().filter(|field| context.at(field).is_set()) {
                context.at(field).forbidden(WRONG);
            }
            for field in ["sysctls", "supplementalGroups"].into_iter().filter(|field| !context.at(field).is_empty()) {
                context.at(field).forbidden(WRONG);
            }
            for context in containers(spec).map(|container| container.at("securityContext")) {
                let own = [
                    "appArmorProfile",
                    "seLinuxOptions",
                    "seccompProfile",
                    "capabilities",
                    "readOnlyRootFilesystem",
                    "privileged",
                    "allowPrivilegeEscalation",
                    "procMount",
                    "runAsUser",
                    "runAsGroup",
                ];
                for field in own.into_iter().filter(|field| context.at(field).is_set()) {
                    context.at(field).forbidden(WRONG);
                }
            }
        }
        _ => os.unsupported_text(os.at("name").text(), &["linux", "windows"]),
    }
}
