//! Label selectors: as text of a query (`app=web,tier in (a,b),!legacy`) and as a `metav1.LabelSelector`.

use serde_json::Value;

use super::error::ApiError;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

/// A conjunction of requirements; the empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector(Vec<(String, Rule)>);

impl Selector {
    /// Parses the text of `labelSelector`.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        split(text).into_iter().map(requirement).collect::<Result<_, _>>().map(Self)
    }

    /// Reads a `metav1.LabelSelector`.
    pub(crate) fn of(selector: &Value) -> Self {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
        let mut rules: Vec<(String, Rule)> = labels
            .map(|(name, value)| (name.clone(), Rule::In(vec![value.as_str().unwrap_or_default().to_owned()])))
            .collect();
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let name = expression["key"].as_str().unwrap_or_default().to_owned();
            let rule = match expression["operator"].as_str() {
                Some("In") => Rule::In(texts(&expression["values"])),
                Some("NotIn") => Rule::NotIn(texts(&expression["values"])),
                Some("Exists") => Rule::Exists,
                _ => Rule::Absent,
            };
            rules.push((name, rule));
        }
        Self(rules)
    }

    /// Whether nothing is required.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object's labels satisfy every requirement.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.is_empty() || self.matches_labels(object.get("metadata").and_then(|meta| meta.get("labels")))
    }

    /// Whether a map of labels satisfies every requirement.
    pub(crate) fn matches_labels(&self, labels: Option<&Value>) -> bool {
        let label = |name: &str| labels.and_then(|labels| labels.get(name)).and_then(Value::as_str);
        self.0.iter().all(|(name, rule)| match rule {
            Rule::In(values) => label(name).is_some_and(|value| values.iter().any(|v| v == value)),
            Rule::NotIn(values) => label(name).is_none_or(|value| values.iter().all(|v| v != value)),
            Rule::Exists => label(name).is_some(),
            Rule::Absent => label(name).is_none(),
        })
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<(String, Rule), ApiError> {
    let (name, rule) = if let Some(name) = text.strip_prefix('!') {
        (name, Rule::Absent)
    } else if let Some((name, values)) = text.split_once(" notin ") {
        (name, Rule::NotIn(set(text, values)?))
    } else if let Some((name, values)) = text.split_once(" in ") {
        (name, Rule::In(set(text, values)?))
    } else if let Some((name, value)) = text.split_once("!=") {
        (name, Rule::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (name, Rule::In(vec![value.trim().to_owned()]))
    } else {
        (text, Rule::Exists)
    };
    let name = name.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if name.is_empty() || !name.chars().all(fits) {
        return Err(ApiError::bad_request(format!("unable to parse requirement: invalid label key in \"{text}\"")));
    }
    Ok((name.to_owned(), rule))
}

fn set(text: &str, values: &str) -> Result<Vec<String>, ApiError> {
    let inner = values.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.ok_or_else(|| {
        ApiError::bad_request(format!("unable to parse requirement: found no set in parentheses in \"{text}\""))
    })?;
    Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requirements_select_by_labels() {
        let web = json!({ "metadata": { "labels": { "app": "web", "tier": "front" } } });
        let bare = json!({ "metadata": {} });
        let table: &[(&str, bool, bool)] = &[
            ("", true, true),
            ("app=web", true, false),
            ("app==web,tier=front", true, false),
            ("app!=web", false, true),
            ("app in (db, web)", true, false),
            ("app notin (db,web)", false, true),
            ("app", true, false),
            ("!app", false, true),
            ("tier in (back),app=web", false, false),
        ];
        for (text, on_web, on_bare) in table {
            let selector = Selector::parse(text).expect(text);
            assert_eq!((selector.matches(&web), selector.matches(&bare)), (*on_web, *on_bare), "{text}");
        }
        assert_eq!(Selector::parse("a b").expect_err("a space in a key").code, 400);
        assert_eq!(Selector::parse("a in b").expect_err("no set").code, 400);
    }

    #[test]
    fn label_selectors_select_by_expressions() {
        let selector = Selector::of(&json!({
            "matchLabels": { "app": "web" }, "matchExpressions": [{ "key": "legacy", "operator": "DoesNotExist" }],
        }));
        assert!(selector.matches_labels(Some(&json!({ "app": "web" }))));
        assert!(!selector.matches_labels(Some(&json!({ "app": "web", "legacy": "1" }))));
    }
}
