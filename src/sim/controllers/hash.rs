//! The hash of a template that names ReplicaSets and ControllerRevisions.

use serde_json::Value;

/// A short hash of a value and the number of collisions so far, in the letters that generated names use.
/// Same value, same hash, in every run; not the same letters as a real cluster, which hashes Go's memory layout.
pub(super) fn of(value: &Value, collisions: Option<i32>) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let collisions = collisions.map(|count| count.to_string()).unwrap_or_default();
    for byte in value.to_string().bytes().chain(collisions.bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    safe_encode(&hash.to_string())
}

/// Spells digits with consonants and numbers that form no bad words (`rand.SafeEncodeString`).
fn safe_encode(text: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    text.bytes().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digits_are_spelt_as_the_real_one_does() {
        assert_eq!(safe_encode("0123456789"), "456789bcdf");
        assert_eq!(of(&json!({ "a": 1 }), None), of(&json!({ "a": 1 }), None));
        assert_ne!(of(&json!({ "a": 1 }), None), of(&json!({ "a": 1 }), Some(1)));
    }
}
