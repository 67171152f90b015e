//! Label selectors as the API server reads them (`metav1.LabelSelector`). An empty selector selects everything.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::Labels;

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The label is there with one of these values.
    In(String, Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(String, Vec<String>),
    /// The label is there.
    Exists(String),
    /// The label is absent.
    DoesNotExist(String),
    /// An operator that Kubernetes does not know: selects nothing (the real API server refuses the object).
    Nothing,
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::DoesNotExist(key) => !labels.contains_key(key),
            Self::Nothing => false,
        }
    }
}

/// All requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    /// Reads `matchLabels` and `matchExpressions`.
    #[must_use]
    pub fn read(api: &LabelSelector) -> Self {
        let labels = api.match_labels.iter().flatten();
        let exact = labels.map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()]));
        let expressions = api.match_expressions.iter().flatten().map(|expression| {
            let key = expression.key.clone();
            let values = expression.values.clone().unwrap_or_default();
            match expression.operator.as_str() {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::DoesNotExist(key),
                _ => Requirement::Nothing,
            }
        });
        Self(exact.chain(expressions).collect())
    }

    /// Whether these labels are selected.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }
}
