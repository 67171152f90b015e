//! Kubernetes quantities of bytes. Source: `k8s.io/apimachinery/pkg/api/resource`, binary and decimal suffixes.

/// Whole bytes of a quantity such as `100Mi` or `2G`.
///
/// # Errors
/// When it is no number with a known suffix, or too large.
pub fn quantity(text: &str) -> Result<u64, String> {
    const SUFFIXES: [(&str, f64); 9] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("", 1.0),
    ];
    let wrong = || format!("`{text}` is not a quantity such as \"100Mi\"");
    let (number, factor) = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| Some((text.trim().strip_suffix(suffix)?, factor)))
        .ok_or_else(wrong)?;
    let bytes = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
    if !(0.0..9e15).contains(&bytes) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small number that is not negative"
    )]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn suffixes_are_those_of_kubernetes() {
        assert_eq!(quantity("100Mi"), Ok(100 << 20));
        assert_eq!(quantity("1.5Gi"), Ok(3 << 29));
        assert_eq!(quantity("2G"), Ok(2_000_000_000));
        assert_eq!(quantity("512"), Ok(512));
        for wrong in ["", "Mi", "-1", "1 Bi", "NaN", "1e30"] {
            assert!(quantity(wrong).is_err(), "{wrong}");
        }
    }
}
