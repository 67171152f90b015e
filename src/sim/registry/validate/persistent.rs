//! Persistent volumes, claims, storage classes and the older volume sources (pkg/apis/core/validation, pkg/apis/storage/validation).

use super::field::Field;
use super::{affinity, meta, resources, words};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

const VOLUME_SOURCES: [&str; 23] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
    "image",
];

/// The name of a CSI driver.
pub(super) fn driver(driver: &Field<'_>) {
    if !driver.is_given() {
        return;
    }
    if driver.text().len() > 63 {
        driver.too_long(63);
    }
    driver.text_by(|text| words::subdomain(&text.to_lowercase()));
}

fn access_modes(spec: &Field<'_>, lacking: &str) {
    let modes = spec.at("accessModes");
    if modes.is_empty() {
        modes.required(lacking);
    }
    for mode in modes.items() {
        if !MODES.contains(&mode.text()) {
            modes.unsupported_text(mode.text(), &MODES);
        }
    }
    let alone = modes.items().any(|mode| mode.text() == "ReadWriteOncePod");
    if alone && modes.items().any(|mode| mode.text() != "ReadWriteOncePod" && MODES.contains(&mode.text())) {
        modes.forbidden("may not use ReadWriteOncePod with other access modes");
    }
}

/// The spec of a claim, or of a template of claims.
pub(super) fn claim_spec(spec: &Field<'_>) {
    access_modes(spec, "at least 1 access mode is required");
    if spec.at("selector").is_set() {
        meta::selector(&spec.at("selector"));
    }
    let storage = spec.at("resources").at("requests").key("storage");
    let told = spec.at("resources").key("storage");
    if !storage.is_set() {
        told.required("");
    } else if resources::quantity(&storage).is_some_and(|amount| amount <= 0) {
        told.invalid_value(storage.text(), "must be greater than zero");
    }
    spec.at("storageClassName").text_by_if_any(words::subdomain);
    spec.at("volumeAttributesClassName").text_by_if_any(words::subdomain);
    spec.at("volumeMode").one_of(&["Block", "Filesystem"]);
    for source in ["dataSource", "dataSourceRef"].map(|field| spec.at(field)).into_iter().filter(Field::is_set) {
        source.at("name").is_given();
        source.at("kind").is_given();
        let group = source.at("apiGroup");
        if group.text().is_empty() && source.at("kind").text() != "PersistentVolumeClaim" {
            let wrong = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            source.invalid_value(source.at("kind").text(), wrong);
        }
        group.text_by_if_any(words::subdomain);
        source.at("namespace").text_by_if_any(words::label);
    }
    let (plain, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    if plain.is_set() && reference.is_set() {
        let other_namespace = !reference.at("namespace").text().is_empty();
        let same = |field| plain.at(field).text() == reference.at(field).text();
        if other_namespace {
            spec.invalid("may not be specified when dataSourceRef.namespace is specified");
        } else if !(same("name") && same("kind") && same("apiGroup")) {
            spec.invalid("must match dataSourceRef");
        }
    }
}

/// A volume that is written into its attachment (`ValidatePersistentVolumeSpec` for inline volumes).
pub(super) fn inline(spec: &Field<'_>) {
    const INLINE: &str = "may not be specified in the context of inline volumes";
    for field in ["claimRef", "storageClassName"].into_iter().filter(|field| spec.at(field).is_set()) {
        spec.at(field).forbidden(INLINE);
    }
    if !spec.at("capacity").is_empty() {
        spec.at("capacity").forbidden(INLINE);
    }
    if !spec.at("csi").is_set() {
        spec.at("csi").required("has to be specified in the context of inline volumes");
    }
    access_modes(spec, "");
    if spec.at_most_one(&VOLUME_SOURCES, "may not specify more than 1 volume type") == 0 {
        spec.required("must specify a volume type");
    }
}

/// A `PersistentVolume`.
pub(super) fn volume(volume: &Field<'_>) {
    let spec = volume.at("spec");
    access_modes(&spec, "");
    let capacity = spec.at("capacity");
    if capacity.is_empty() {
        capacity.required("");
    }
    if !capacity.key("storage").is_set() || capacity.len() > 1 {
        capacity.unsupported(&["storage"]);
    }
    for (_, amount) in capacity.entries() {
        if resources::quantity(&amount).is_some_and(|amount| amount <= 0) {
            amount.invalid("must be greater than zero");
        }
    }
    spec.at("persistentVolumeReclaimPolicy").one_of(&["Delete", "Recycle", "Retain"]);
    let affinity = spec.at("nodeAffinity");
    if affinity.is_set() {
        if affinity.at("required").is_set() {
            affinity::node_selector(&affinity.at("required"));
        } else {
            affinity.at("required").required("must specify required node constraints");
        }
    }
    if spec.at_most_one(&VOLUME_SOURCES, "may not specify more than 1 volume type") == 0 {
        spec.required("must specify a volume type");
    }
    let first = VOLUME_SOURCES.into_iter().map(|kind| (kind, spec.at(kind))).find(|(_, source)| source.is_set());
    match first {
        Some(("csi", source)) => {
            driver(&source.at("driver"));
            source.at("volumeHandle").is_given();
            let secrets = [
                "controllerPublishSecretRef",
                "controllerExpandSecretRef",
                "nodePublishSecretRef",
                "nodeExpandSecretRef",
            ];
            for secret in secrets.map(|field| source.at(field)).into_iter().filter(Field::is_set) {
                secret.at("name").given_by(words::subdomain);
                secret.at("namespace").given_by(words::label);
            }
        }
        Some(("local", source)) => {
            if source.at("path").is_given() {
                source.at("path").text_by(words::no_backsteps);
            }
            if !affinity.is_set() {
                spec.at("nodeAffinity").required("Local volume requires node affinity");
            }
        }
        Some((kind, source)) => old_source(kind, &source),
        None => {}
    }
    let root = spec.at("hostPath").at("path").text();
    let is_root = !root.is_empty() && root.chars().all(|c| matches!(c, '/' | '.'));
    if is_root && spec.at("persistentVolumeReclaimPolicy").text() == "Recycle" {
        spec.at("persistentVolumeReclaimPolicy").forbidden("may not be 'recycle' for a hostPath mount of '/'");
    }
    spec.at("storageClassName").text_by_if_any(words::subdomain);
    spec.at("volumeMode").one_of(&["Block", "Filesystem"]);
    if spec.at("volumeAttributesClassName").is_set() {
        spec.at("volumeAttributesClassName").given_by(words::subdomain);
        if !spec.at("csi").is_set() {
            spec.at("csi").required("has to be specified when using volumeAttributesClassName");
        }
    }
}

fn host_path(source: &Field<'_>) {
    if source.at("path").is_given() {
        source.at("path").text_by(words::no_backsteps);
        let types =
            ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
        source.at("type").one_of(&types);
    }
}

/// The sources that pods and persistent volumes have in common.
pub(super) fn old_source(kind: &str, source: &Field<'_>) {
    let given = |fields: &[&'static str]| fields.iter().for_each(|field| _ = source.at(field).is_given());
    match kind {
        "hostPath" => host_path(source),
        "nfs" => {
            given(&["server", "path"]);
            let path = source.at("path");
            if !path.text().is_empty() && !path.text().starts_with('/') {
                path.invalid("must be an absolute path");
            }
        }
        "iscsi" => iscsi(source),
        "fc" => {
            let (names, ids) = (source.at("targetWWNs"), source.at("wwids"));
            match (names.is_empty(), ids.is_empty()) {
                (true, true) => names.required("must specify either targetWWNs or wwids, but not both"),
                (false, false) => names.invalid("targetWWNs and wwids can not be specified simultaneously"),
                _ => {}
            }
            if !names.is_empty() {
                if source.at("lun").is_set() {
                    source.at("lun").between(0, 255);
                } else {
                    source.at("lun").required("lun is required if targetWWNs is specified");
                }
            }
        }
        "gcePersistentDisk" => {
            given(&["pdName"]);
            partition(&source.at("partition"));
        }
        "awsElasticBlockStore" => {
            given(&["volumeID"]);
            partition(&source.at("partition"));
        }
        "gitRepo" => {
            given(&["repository"]);
            source.at("directory").text_by_if_any(words::descending_path);
        }
        "glusterfs" => given(&["endpoints", "path"]),
        "rbd" => {
            if source.at("monitors").is_empty() {
                source.at("monitors").required("");
            }
            given(&["image"]);
        }
        "cephfs" if source.at("monitors").is_empty() => source.at("monitors").required(""),
        "cinder" | "portworxVolume" => given(&["volumeID"]),
        "flexVolume" => {
            given(&["driver"]);
            for (key, option) in source.at("options").entries() {
                let namespace = key.split('/').next().unwrap_or(key).to_lowercase();
                let dotted = format!(".{namespace}");
                if dotted.ends_with(".kubernetes.io") || dotted.ends_with(".k8s.io") {
                    option.invalid_value(key, "kubernetes.io and k8s.io namespaces are reserved");
                }
            }
        }
        "azureFile" => {
            given(&["secretName", "shareName"]);
            let namespace = source.at("secretNamespace");
            if namespace.is_set() && namespace.text().is_empty() {
                namespace.required("");
            }
        }
        "azureDisk" => azure_disk(source),
        "vsphereVolume" => given(&["volumePath"]),
        "photonPersistentDisk" => given(&["pdID"]),
        "quobyte" => {
            if !source.at("registry").text().split(',').all(|pair| pair.rsplit_once(':').is_some()) {
                source.at("registry").invalid("must be a host:port pair or multiple pairs separated by commas");
            }
            given(&["volume"]);
        }
        "scaleIO" => given(&["gateway", "system", "volumeName"]),
        "storageos" => {
            source.at("volumeName").given_by(words::label);
            source.at("volumeNamespace").text_by_if_any(words::label);
        }
        "flocker" => {
            let (name, id) = (source.at("datasetName"), source.at("datasetUUID"));
            match (name.text().is_empty(), id.text().is_empty()) {
                (true, true) => source.required("one of datasetName and datasetUUID is required"),
                (false, false) => {
                    source.invalid("resource: datasetName and datasetUUID can not be specified simultaneously");
                }
                _ => {}
            }
            if name.text().contains('/') {
                name.invalid("must not contain '/'");
            }
        }
        _ => {}
    }
}

fn partition(partition: &Field<'_>) {
    partition.between(0, 255);
}

fn iscsi(source: &Field<'_>) {
    source.at("targetPortal").is_given();
    let name = |name: &Field<'_>| {
        let text = name.text();
        let after = |prefix: &str, digits: usize| {
            text.strip_prefix(prefix)
                .is_some_and(|rest| rest.len() == digits && rest.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if text.starts_with("iqn") {
            // iqn.2001-04.com.example:storage
            let mut parts = text.splitn(3, '.');
            let date = parts.nth(1).unwrap_or_default();
            let dated = date.len() == 7
                && date.as_bytes()[4] == b'-'
                && date.bytes().enumerate().all(|(at, b)| at == 4 || b.is_ascii_digit());
            if !dated || parts.next().is_none_or(str::is_empty) {
                name.invalid("must be valid format");
            }
        } else if text.starts_with("eui") {
            if !after("eui.", 16) {
                name.invalid("must be valid format");
            }
        } else if text.starts_with("naa") {
            if !after("naa.", 32) && !after("naa.", 16) {
                name.invalid("must be valid format");
            }
        } else {
            name.invalid("must be valid format starting with iqn, eui, or naa");
        }
    };
    if source.at("iqn").is_given() {
        name(&source.at("iqn"));
    }
    source.at("lun").between(0, 255);
    let authenticates = source.at("chapAuthDiscovery").is_true() || source.at("chapAuthSession").is_true();
    if authenticates && !source.at("secretRef").is_set() {
        source.at("secretRef").required("");
    }
    if source.at("initiatorName").is_set() {
        name(&source.at("initiatorName"));
    }
}

fn azure_disk(source: &Field<'_>) {
    source.at("diskName").is_given();
    let address = source.at("diskURI");
    address.is_given();
    source.at("cachingMode").one_of(&["None", "ReadOnly", "ReadWrite"]);
    let kind = source.at("kind");
    kind.one_of(&["Dedicated", "Managed", "Shared"]);
    let managed = kind.text() == "Managed";
    if kind.is_set() && managed && !address.text().starts_with("/subscriptions/") {
        address.unsupported(&[
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ]);
    }
    if kind.is_set() && !managed && !address.text().starts_with("https://") {
        address.unsupported(&["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"]);
    }
}
