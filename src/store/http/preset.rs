//! The protocol of the embedded cluster's key-value store, as data.

use super::{Call, HttpOptions, Template};

impl HttpOptions {
    /// The key-value store of the embedded cluster: registers, and sets that each replica can be asked for.
    #[must_use]
    pub fn kv() -> Self {
        let call = |method: &str, path: &str, body: Option<&str>| {
            // Our own templates have only places that exist.
            let template = |text: &str| Template::parse(text).ok();
            Some(Call {
                method: method.to_owned(),
                path: template(path)?,
                body: body.and_then(template),
                value: String::new(),
                definite: vec![409],
                absent: vec![404],
                actual: Some("/actual".to_owned()),
            })
        };
        Self {
            headers: Vec::new(),
            read: call("GET", "/kv/{key}", None),
            write: call("PUT", "/kv/{key}", Some("{value}")),
            cas: call("POST", "/cas/{key}", Some(r#"{"from":"{from}","to":"{to}"}"#)),
            add: call("PUT", "/set/{key}/{value}", None),
            members: call("GET", "/set/{key}", None),
            local_members: call("GET", "/local/set/{key}", None),
        }
    }
}
