//! `StorageClass`es (pkg/apis/storage/validation).

use super::field::Field;
use super::words;

/// A `StorageClass`.
pub(super) fn class(class: &Field<'_>) {
    let provisioner = class.at("provisioner");
    if provisioner.is_given() {
        provisioner.text_by(|text| words::qualified(&text.to_lowercase()));
    }
    if class.at("parameters").len() > 512 {
        class.at("parameters").too_long(512);
    }
    for (key, value) in class.at("parameters").entries() {
        if key.is_empty() {
            value.invalid_value(key, "field can not be empty.");
        }
    }
    class.at("reclaimPolicy").one_of(&["Delete", "Retain"]);
    class.at("volumeBindingMode").one_of(&["Immediate", "WaitForFirstConsumer"]);
    let terms: Vec<Field<'_>> = class.at("allowedTopologies").items().collect();
    for (index, term) in terms.iter().enumerate() {
        // A term without requirements equals the empty ones that the real server compares with.
        let empty = term.at("matchLabelExpressions").is_empty();
        if empty || terms[..index].iter().any(|other| other.value == term.value) {
            term.at("matchLabelExpressions").duplicate();
        }
        let mut keys = std::collections::BTreeSet::new();
        for requirement in term.at("matchLabelExpressions").items() {
            let key = requirement.at("key");
            key.text_by(words::qualified);
            if !keys.insert(key.text()) {
                key.duplicate();
            }
            let values = requirement.at("values");
            if values.is_empty() {
                values.required("");
            }
            let mut seen = std::collections::BTreeSet::new();
            for value in values.items() {
                if !seen.insert(value.text()) {
                    value.duplicate();
                }
            }
        }
    }
}
