//! From a URL path to what it names: a kind, a namespace, a name, a subresource.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{Key, Kind, Store, registry};

use super::query::decode;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Kind of the collection or object.
    pub(super) kind: Kind,
    /// Namespace; `None` for all namespaces and for cluster-scoped kinds.
    pub(super) namespace: Option<String>,
    /// Name of the object; `None` for a collection.
    pub(super) name: Option<String>,
    /// Subresource, such as `status`.
    pub(super) sub: Option<String>,
    /// The version that was asked for, which need not be the one that is stored.
    pub(super) version: String,
}

impl Target {
    /// Key of the named object.
    pub(super) fn key(&self) -> Key {
        Key::new(self.namespace.clone().unwrap_or_default(), self.name.clone().unwrap_or_default())
    }

    /// An object of a custom kind in the version that was asked for: without a webhook only its name differs.
    pub(super) fn shown<'a>(&self, value: &'a Value) -> Cow<'a, Value> {
        let facts = self.kind.facts();
        if !matches!(self.kind, Kind::Stored(_)) || facts.version == self.version {
            return Cow::Borrowed(value);
        }
        let mut shown = value.clone();
        shown["apiVersion"] = json!(format!("{}/{}", facts.group, self.version));
        Cow::Owned(shown)
    }

    /// Resource as authorisation names it: `pods` or `pods/eviction`.
    pub(super) fn resource(&self) -> String {
        let plural = self.kind.facts().plural;
        self.sub.as_ref().map_or_else(|| plural.to_owned(), |sub| format!("{plural}/{sub}"))
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// A collection, an object or a subresource.
    Resource(Target),
    /// `selfsubjectaccessreviews`.
    AccessReview,
    /// `selfsubjectrulesreviews`.
    RulesReview,
    /// Discovery and health: the segments of the path.
    Other(Vec<String>),
}

/// Reads a path; which custom kinds there are, the store knows.
pub(super) fn route(store: &Store, path: &str) -> Route {
    // Decoded first, as the real server does: an escaped slash is a slash.
    let segments: Vec<String> = decode(path).split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = match parts.as_slice() {
        ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => Some(Route::AccessReview),
        ["apis", "authorization.k8s.io", "v1", "selfsubjectrulesreviews"] => Some(Route::RulesReview),
        ["api", version, rest @ ..] => target(store, "", version, rest).map(Route::Resource),
        ["apis", group, version, rest @ ..] => target(store, group, version, rest).map(Route::Resource),
        _ => None,
    };
    found.unwrap_or(Route::Other(segments))
}

fn target(store: &Store, group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    let (namespace, rest) = match rest {
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, inner @ ..] => (Some((*namespace).to_owned()), inner),
        _ => (None, rest),
    };
    let (plural, rest) = rest.split_first()?;
    let kind = registry::served(store, group, version, plural)?;
    let namespaced = kind.facts().namespaced;
    // A cluster-scoped kind below a namespace, or a namespaced object without one, does not exist.
    if (namespace.is_some() && !namespaced) || (namespace.is_none() && namespaced && !rest.is_empty()) {
        return None;
    }
    let name = rest.first().map(|name| (*name).to_owned());
    let sub = rest.get(1).map(|sub| (*sub).to_owned());
    if rest.len() > 2 && sub.as_deref() != Some("proxy") {
        return None;
    }
    Some(Target { kind, namespace, name, sub, version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_kinds_namespaces_names_and_subresources() {
        let table: &[(&str, &str)] = &[
            ("/api/v1/pods", "Pod - - -"),
            ("/api/v1/namespaces", "Namespace - - -"),
            ("/api/v1/namespaces/shop", "Namespace - shop -"),
            ("/api/v1/namespaces/shop/finalize", "Namespace - shop finalize"),
            ("/api/v1/namespaces/shop/pods", "Pod shop - -"),
            ("/api/v1/namespaces/shop/pods/web-0/eviction", "Pod shop web-0 eviction"),
            ("/api/v1/namespaces/shop/services/http:web:80/proxy/a/b", "Service shop http:web:80 proxy"),
            ("/apis/apps/v1/namespaces/shop/deployments/web/scale", "Deployment shop web scale"),
            ("/api/v1/nodes/n1/status", "Node - n1 status"),
            ("/apis/apps/v1/namespaces/shop/nodes", "none"),
            ("/api/v1/namespaces/shop/nodes/n1", "none"),
            ("/api/v1/pods/web-0", "none"),
            ("/version", "none"),
        ];
        for (path, wanted) in table {
            let got = match route(&Store::default(), path) {
                Route::Resource(Target { kind, namespace, name, sub, .. }) => {
                    let text = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
                    format!("{kind:?} {} {} {}", text(namespace), text(name), text(sub))
                }
                Route::AccessReview | Route::RulesReview | Route::Other(_) => "none".to_owned(),
            };
            assert_eq!(&got, wanted, "{path}");
        }
    }
}
