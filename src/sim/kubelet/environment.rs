//! What a container's environment is taken from: ConfigMaps and Secrets that must be there before it is created
//! (kubelet `makeEnvironmentVariables`). Pure; never reads a value.

use k8s_openapi::api::core::v1::{Container, EnvVar};

use crate::store::Store;
use crate::{Kind, Object};

/// Why a container cannot be created, in the kubelet's words; `None` when all is there.
pub(super) fn missing(store: &Store, namespace: &str, container: &Container) -> Option<String> {
    let whole = container.env_from.iter().flatten().find_map(|from| {
        let map = from.config_map_ref.as_ref().map(|map| (Kind::ConfigMap, &map.name, map.optional));
        let secret = || from.secret_ref.as_ref().map(|secret| (Kind::Secret, &secret.name, secret.optional));
        let (kind, name, optional) = map.or_else(secret)?;
        found(store, kind, namespace, name, optional).err()
    });
    whole.or_else(|| container.env.iter().flatten().find_map(|variable| missing_key(store, namespace, variable)))
}

fn missing_key(store: &Store, namespace: &str, variable: &EnvVar) -> Option<String> {
    // A value wins over a source.
    let from = variable.value_from.as_ref().filter(|_| variable.value.as_deref().unwrap_or_default().is_empty())?;
    let map = from.config_map_key_ref.as_ref().map(|map| (Kind::ConfigMap, &map.name, &map.key, map.optional));
    let secret =
        || from.secret_key_ref.as_ref().map(|secret| (Kind::Secret, &secret.name, &secret.key, secret.optional));
    let (kind, name, key, optional) = map.or_else(secret)?;
    let object = match found(store, kind, namespace, name, optional) {
        Ok(object) => object?,
        Err(why) => return Some(why),
    };
    let parts: &[&str] = if kind == Kind::Secret { &["data", "stringData"] } else { &["data"] };
    let has = parts.iter().any(|part| object.value()[*part].get(key).is_some());
    (!has && optional != Some(true))
        .then(|| format!("couldn't find key {key} in {} {namespace}/{name}", kind.facts().kind))
}

/// The object, nothing when it is optional and not there.
fn found<'a>(
    store: &'a Store,
    kind: Kind,
    namespace: &str,
    name: &str,
    optional: Option<bool>,
) -> Result<Option<&'a Object>, String> {
    match store.find(kind, namespace, name) {
        Some(object) => Ok(Some(object)),
        None if optional == Some(true) => Ok(None),
        None => Err(format!("{} \"{name}\" not found", kind.facts().kind.to_lowercase())),
    }
}
