//! Kubernetes quantities: `500m`, `2`, `1.5Gi`, `12e6`. Never knows which resource is meant.

/// A quantity in thousandths, rounded up as the scheduler does. `None` when the text is no quantity.
pub(crate) fn milli(text: &str) -> Option<i64> {
    scaled(text, 1000)
}

/// A quantity in whole units, rounded up. `None` when the text is no quantity.
pub(crate) fn whole(text: &str) -> Option<i64> {
    scaled(text, 1)
}

/// The value times `unit`, rounded up and saturating.
fn scaled(text: &str, unit: i128) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (integer.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let digits: i128 = format!("0{integer}{fraction}").parse().ok()?;
    let (times, over) = scale(suffix)?;
    let over = over.checked_mul(10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    let product = digits.checked_mul(times).and_then(|product| product.checked_mul(unit));
    let amount = product.map_or(i128::MAX, |product| if negative { product / over } else { ceil(product, over) });
    let amount = i64::try_from(amount).unwrap_or(i64::MAX);
    Some(if negative { -amount } else { amount })
}

fn ceil(product: i128, over: i128) -> i128 {
    product / over + i128::from(product % over != 0)
}

/// What a suffix multiplies with and divides by.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const SUFFIXES: [(&str, i128, i128); 16] = [
        ("", 1, 1),
        ("n", 1, 1_000_000_000),
        ("u", 1, 1_000_000),
        ("m", 1, 1000),
        ("k", 1000, 1),
        ("M", 1_000_000, 1),
        ("G", 1_000_000_000, 1),
        ("T", 1_000_000_000_000, 1),
        ("P", 1_000_000_000_000_000, 1),
        ("E", 1_000_000_000_000_000_000, 1),
        ("Ki", 1 << 10, 1),
        ("Mi", 1 << 20, 1),
        ("Gi", 1 << 30, 1),
        ("Ti", 1 << 40, 1),
        ("Pi", 1 << 50, 1),
        ("Ei", 1 << 60, 1),
    ];
    if let Some((_, times, over)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((*times, *over));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, thousandths) in [
            ("500m", Some(500)),
            ("2", Some(2000)),
            ("0.1", Some(100)),
            (".5", Some(500)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("16Gi", Some(17_179_869_184_000)),
            ("1k", Some(1_000_000)),
            ("12e6", Some(12_000_000_000)),
            ("1E", Some(i64::MAX)),
            ("100n", Some(1)),
            ("-1", Some(-1000)),
            ("", None),
            ("1.2.3", None),
            ("1 Gi", None),
            ("Gi", None),
        ] {
            assert_eq!(milli(text), thousandths, "{text}");
        }
        assert_eq!(whole("1500m"), Some(2));
    }
}
