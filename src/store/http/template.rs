//! Texts with places for values. Parsed once; what is filled in is always escaped for where it stands.

use std::fmt::Write as _;

/// A text with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key,
    Value,
    From,
    To,
}

/// What is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filling<'a> {
    pub(super) key: &'a str,
    pub(super) value: Option<i64>,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{name}}}` in the template `{text}` is unknown; use `{{key}}`, `{{value}}`, `{{from}}` or `{{to}}`")]
pub struct TemplateError {
    /// The place.
    pub name: String,
    /// The whole template.
    pub text: String,
}

impl Template {
    /// Reads a template. A brace that does not enclose letters stands for itself, as JSON needs it.
    ///
    /// # Errors
    /// A place that does not exist.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let letters = after.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(after.len());
            if letters == 0 || !after[letters..].starts_with('}') {
                plain.push('{');
                rest = after;
                continue;
            }
            let part = match &after[..letters] {
                "key" => Part::Key,
                "value" => Part::Value,
                "from" => Part::From,
                "to" => Part::To,
                name => return Err(TemplateError { name: name.to_owned(), text: text.to_owned() }),
            };
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(part);
            rest = &after[letters + 1..];
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self { parts })
    }

    pub(super) fn path(&self, filling: &Filling<'_>) -> String {
        self.fill(filling, percent)
    }

    pub(super) fn body(&self, filling: &Filling<'_>) -> String {
        self.fill(filling, |text| {
            let quoted = serde_json::Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        })
    }

    fn fill(&self, filling: &Filling<'_>, escape: impl Fn(&str) -> String) -> String {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Key => escape(filling.key),
            Part::Value => number(filling.value),
            Part::From => number(filling.from),
            Part::To => number(filling.to),
        });
        parts.collect()
    }
}

/// All but the letters that RFC 3986 leaves alone.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => drop(write!(out, "%{other:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_escaped_for_where_they_stand() {
        let filling = Filling { key: "a/b \"c\"", value: Some(-4), from: Some(1), to: Some(2) };
        let path = Template::parse("/kv/{key}?v={value}").expect("valid");
        assert_eq!(path.path(&filling), "/kv/a%2Fb%20%22c%22?v=-4");
        let body = Template::parse(r#"{"k":"{key}","from":{from},"to":{to},"x":{}}"#).expect("valid");
        assert_eq!(body.body(&filling), r#"{"k":"a/b \"c\"","from":1,"to":2,"x":{}}"#);
    }

    #[test]
    fn an_unknown_place_is_named() {
        let error = Template::parse("/kv/{kye}").expect_err("refused").to_string();
        assert_eq!(error, "`{kye}` in the template `/kv/{kye}` is unknown; use `{key}`, `{value}`, `{from}` or `{to}`");
    }
}
