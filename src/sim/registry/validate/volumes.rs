//! Volumes of pods (`ValidateVolumes` in pkg/apis/core/validation).

use std::collections::BTreeSet;

use super::field::Field;
use super::pods::Of;
use super::{persistent, resources, words};

const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// Fields that an environment variable may show.
pub(super) const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const FILE_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

const RESOURCE_FIELDS: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// Checks all volumes; gives back those that containers may use, which are the sound ones.
pub(super) fn all<'a>(volumes: &Field<'a>, pod: &str, of: Of) -> Vec<Field<'a>> {
    let mut names = BTreeSet::new();
    let mut sound = Vec::new();
    let made: Vec<String> = if pod.is_empty() {
        Vec::new()
    } else {
        let ephemeral = volumes.items().filter(|volume| volume.at("ephemeral").is_set());
        ephemeral.map(|volume| format!("{pod}-{}", volume.at("name").text())).collect()
    };
    for volume in volumes.items() {
        let name = volume.at("name");
        let before = volume.refusals();
        source(&volume, of);
        name.given_by(words::label);
        if names.contains(name.text()) {
            name.duplicate();
        }
        if volume.refusals() == before {
            names.insert(name.text());
            sound.push(volume.clone());
        }
        let claim = volume.at("persistentVolumeClaim").at("claimName");
        if made.iter().any(|made| made == claim.text()) {
            claim.invalid("must not reference a PVC that gets created for an ephemeral volume");
        }
        if volume.at("ephemeral").is_set() && !pod.is_empty() {
            let made = format!("{pod}-{}", name.text());
            if let Some(wrong) = words::subdomain(&made) {
                name.invalid(&format!("PVC name {made:?}: {wrong}"));
            }
        }
    }
    sound
}

fn source(volume: &Field<'_>, of: Of) {
    if volume.at_most_one(&SOURCES, "may not specify more than 1 volume type") == 0 {
        volume.required("must specify a volume type");
        return;
    }
    let Some((kind, source)) = SOURCES.into_iter().map(|kind| (kind, volume.at(kind))).find(|(_, one)| one.is_set())
    else {
        return;
    };
    match kind {
        "emptyDir" => {
            let limit = source.at("sizeLimit");
            if limit.is_set() && resources::quantity(&limit).is_some_and(|amount| amount < 0) {
                limit.forbidden("SizeLimit field must be a valid resource quantity");
            }
        }
        "secret" => {
            source.at("secretName").is_given();
            keys(&source);
        }
        "configMap" => {
            source.at("name").is_given();
            keys(&source);
        }
        "persistentVolumeClaim" => _ = source.at("claimName").is_given(),
        "downwardAPI" => {
            mode(&source.at("defaultMode"));
            for file in source.at("items").items() {
                downward_file(&file);
            }
        }
        "projected" => projected(&source),
        "ephemeral" => {
            let template = source.at("volumeClaimTemplate");
            if template.is_set() {
                super::meta::template(&template.at("metadata"));
                persistent::claim_spec(&template.at("spec"));
            } else {
                template.required("");
            }
        }
        "image" => {
            if of == Of::Pod {
                source.at("reference").is_given();
            }
            source.at("pullPolicy").one_of_required(&["Always", "IfNotPresent", "Never"]);
        }
        "csi" => {
            persistent::driver(&source.at("driver"));
            if source.at("nodePublishSecretRef").is_set() {
                source.at("nodePublishSecretRef").at("name").given_by(words::subdomain);
            }
        }
        other => persistent::old_source(other, &source),
    }
}

fn mode(mode: &Field<'_>) {
    if mode.number().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        mode.invalid(MODE);
    }
}

/// The keys of a ConfigMap or Secret as files.
fn keys(source: &Field<'_>) {
    mode(&source.at("defaultMode"));
    for item in source.at("items").items() {
        key_to_path(&item);
    }
}

fn key_to_path(item: &Field<'_>) {
    item.at("key").is_given();
    item.at("path").is_given();
    item.at("path").text_by(words::unreserved_path);
    mode(&item.at("mode"));
}

fn downward_file(file: &Field<'_>) {
    file.at("path").is_given();
    file.at("path").text_by(words::unreserved_path);
    match (file.at("fieldRef").is_set(), file.at("resourceFieldRef").is_set()) {
        (true, both) => {
            field_reference(&file.at("fieldRef"), FILE_FIELDS);
            if both {
                file.invalid_value("resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        }
        (false, true) => resource_reference(&file.at("resourceFieldRef"), true),
        (false, false) => file.required("one of fieldRef and resourceFieldRef is required"),
    }
    mode(&file.at("mode"));
}

fn projected(source: &Field<'_>) {
    mode(&source.at("defaultMode"));
    let mut paths = BTreeSet::new();
    let mut take = |path: &Field<'_>| {
        if !path.text().is_empty() && !paths.insert(path.text().to_owned()) {
            source.invalid_value(path.text(), "conflicting duplicate paths");
        }
    };
    for one in source.at("sources").items() {
        for kind in ["secret", "configMap"].map(|kind| one.at(kind)).into_iter().filter(Field::is_set) {
            kind.at("name").is_given();
            for item in kind.at("items").items() {
                key_to_path(&item);
                take(&item.at("path"));
            }
        }
        for file in one.at("downwardAPI").at("items").items() {
            downward_file(&file);
            take(&file.at("path"));
        }
        let token = one.at("serviceAccountToken");
        if token.is_set() {
            let expiry = token.at("expirationSeconds");
            if expiry.number().is_some_and(|seconds| seconds < 600) {
                expiry.invalid("may not specify a duration less than 10 minutes");
            }
            if expiry.number().is_some_and(|seconds| seconds > 1 << 32) {
                expiry.invalid("may not specify a duration larger than 2^32 seconds");
            }
            let path = token.at("path");
            if path.text().is_empty() {
                source.at("path").required("");
            } else if let Some(wrong) = words::unreserved_path(path.text()) {
                source.at("path").invalid_value(path.text(), &wrong);
            }
        }
        // Bundles and certificates of pods need features that are off by default: the server drops both
        // (`DropDisabledFields`), and a source of which nothing is left is valid.
        let kinds = ["secret", "configMap", "downwardAPI", "serviceAccountToken"];
        if kinds.into_iter().filter(|kind| one.at(kind).is_set()).count() > 1 {
            one.forbidden("may not specify more than 1 source type");
        }
    }
}

/// A field of the pod.
pub(super) fn field_reference(reference: &Field<'_>, known: &[&str]) {
    if !reference.at("apiVersion").is_given() || !reference.at("fieldPath").is_given() {
        return;
    }
    let path = reference.at("fieldPath");
    if reference.at("apiVersion").text() != "v1" {
        path.invalid(&format!(
            "error converting fieldPath: unsupported pod version: {}",
            reference.at("apiVersion").text()
        ));
        return;
    }
    let subscript = path.text().strip_suffix("']").and_then(|start| start.split_once("['"));
    if let Some((map, key)) = subscript {
        let key = match map {
            "metadata.annotations" => key.to_lowercase(),
            "metadata.labels" => key.to_owned(),
            _ => return path.invalid("error converting fieldPath: field label does not support subscript"),
        };
        if let Some(wrong) = words::qualified(&key) {
            reference.invalid_value(&key, &wrong);
        }
        return;
    }
    let convertible = FILE_FIELDS.contains(&path.text())
        || ENV_FIELDS.contains(&path.text())
        || matches!(
            path.text(),
            "spec.host" | "spec.restartPolicy" | "spec.schedulerName" | "spec.hostNetwork" | "status.phase"
        );
    if !convertible {
        path.invalid(&format!("error converting fieldPath: field label not supported: {}", path.text()));
    } else if !known.contains(&path.text()) {
        path.unsupported(known);
    }
}

/// An amount of a container's resources.
pub(super) fn resource_reference(reference: &Field<'_>, names_container: bool) {
    let resource = reference.at("resource");
    let name = resource.text();
    let huge = name.starts_with("requests.hugepages-") || name.starts_with("limits.hugepages-");
    if names_container && reference.at("containerName").text().is_empty() {
        reference.at("containerName").required("");
    } else if name.is_empty() {
        resource.required("");
    } else if !RESOURCE_FIELDS.contains(&name) && !huge {
        resource.unsupported(&RESOURCE_FIELDS);
    }
    let divisor = reference.at("divisor");
    if !divisor.is_set() || matches!(divisor.text(), "0" | "") {
        return;
    }
    let fits = match name {
        "limits.cpu" | "requests.cpu" => matches!(divisor.text(), "1m" | "1"),
        _ => ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
            .contains(&divisor.text()),
    };
    if !fits {
        let wrong = if matches!(name, "limits.cpu" | "requests.cpu") {
            "only divisor's values 1m and 1 are supported with the cpu resource"
        } else {
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource"
        };
        divisor.invalid(wrong);
    }
}
