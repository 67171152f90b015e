//! Plain scalars as kubectl reads them: YAML 1.1 by the rules of go-yaml (`resolve` in go.yaml.in/yaml/v2), then JSON as
//! sigs.k8s.io/yaml writes it. `0400` is octal, `yes` is true, `3.0` is the integer 3, a date stays text.

use serde_json::{Number, Value};

/// Above this, Go no longer writes a whole float as an integer that the API server could read as one.
const WHOLE_MAX: f64 = 9.2e18;

/// What a plain scalar means.
///
/// # Errors
/// Why it has no meaning in JSON.
pub(super) fn resolve(text: &str) -> Result<Value, String> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(format!("`{text}` is no number that JSON can hold")),
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') if is_float(text) => Ok(float(text)),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let digits: String = text.chars().filter(|c| *c != '_').collect();
            Ok(integer(&digits).or_else(|| is_float(&digits).then(|| float(&digits))).unwrap_or_else(|| text.into()))
        }
        _ => Ok(text.into()),
    }
}

/// A scalar under an explicit tag of YAML's own; `None` when the tag asks for nothing that is known.
///
/// # Errors
/// When the text is not of the type that the tag says.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Result<Value, String>> {
    let wrong = || Err(format!("cannot read `{text}` as !!{tag}"));
    match tag {
        "str" => Some(Ok(text.into())),
        "int" | "float" | "bool" | "null" => Some(resolve(text).and_then(|value| match (tag, &value) {
            ("int", Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(value),
            ("float", Value::Number(_)) | ("bool", Value::Bool(_)) | ("null", Value::Null) => Ok(value),
            _ => wrong(),
        })),
        "binary" => Some(bytes(text).map_or_else(wrong, |text| Ok(text.into()))),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<String> {
    use base64::Engine as _;
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// How a key of a mapping is written in JSON.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn key(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null => Err("a key that is empty".to_owned()),
        Value::Array(_) | Value::Object(_) => Err("a key that is not text".to_owned()),
    }
}

/// An integer of 64 bits in any of Go's notations (`strconv.ParseInt` with base 0).
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match (lower.get(..2), lower.len()) {
        (Some("0x"), _) => (16, &lower[2..]),
        (Some("0o"), _) => (8, &lower[2..]),
        (Some("0b"), _) => (2, &lower[2..]),
        (_, 2..) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let amount = i128::from_str_radix(digits, radix).ok()?;
    let amount = if negative { -amount } else { amount };
    if let Ok(amount) = i64::try_from(amount) {
        return Some(amount.into());
    }
    // `ParseUint` takes no sign.
    let signed = text.starts_with(['+', '-']);
    u64::try_from(amount).ok().filter(|_| !signed).map(Value::from)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let has_digits = if whole.is_empty() { fraction.is_some_and(|f| !f.is_empty()) } else { true };
    has_digits
        && digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

fn float(text: &str) -> Value {
    let Ok(number) = text.parse::<f64>() else { return text.into() };
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and far from the ends of the type")]
        return (number as i64).into();
    }
    Number::from_f64(number).map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_are_yaml_1_1_as_go_reads_it() {
        for (text, wanted) in [
            ("0400", json!(256)),
            ("0755", json!(493)),
            ("010", json!(8)),
            ("-010", json!(-8)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("+5", json!(5)),
            ("08", json!(8)),
            ("0", json!(0)),
            ("3.0", json!(3)),
            ("1e0", json!(1)),
            ("1e3", json!(1000)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            ("1.", json!(1)),
            ("-0.0", json!(0)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("~", json!(null)),
            ("2001-12-14", json!("2001-12-14")),
            ("1.2.3", json!("1.2.3")),
            ("10m", json!("10m")),
            ("1e", json!("1e")),
            ("0x", json!("0x")),
            ("-", json!("-")),
            ("1:20", json!("1:20")),
            ("yES", json!("yES")),
            ("1_a", json!("1_a")),
            (".", json!(".")),
        ] {
            assert_eq!(resolve(text), Ok(wanted), "{text}");
        }
        assert!(resolve(".nan").is_err());
    }

    #[test]
    fn tags_decide() {
        assert_eq!(tagged("str", "0400"), Some(Ok(json!("0400"))));
        assert_eq!(tagged("int", "0400"), Some(Ok(json!(256))));
        assert_eq!(tagged("binary", "aGk="), Some(Ok(json!("hi"))));
        assert!(tagged("bool", "3").is_some_and(|read| read.is_err()));
        assert_eq!(tagged("other", "3"), None);
    }
}
