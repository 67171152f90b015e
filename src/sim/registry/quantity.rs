//! Amounts in billionths as Kubernetes writes quantities: the shortest decimal form.

/// `1500000000` is `1500m`, `2000000000` is `2`, a GiB is `1Gi`.
pub(super) fn text(nanos: i128) -> String {
    const NANO: i128 = 1_000_000_000;
    if nanos == 0 {
        return "0".to_owned();
    }
    if nanos % NANO == 0 {
        let whole = nanos / NANO;
        for (suffix, size) in [("Ti", 1_i128 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
            if whole % size == 0 {
                return format!("{}{suffix}", whole / size);
            }
        }
        for (suffix, size) in [("T", 1_000_000_000_000), ("G", NANO), ("M", 1_000_000), ("k", 1_000)] {
            if whole % size == 0 {
                return format!("{}{suffix}", whole / size);
            }
        }
        return whole.to_string();
    }
    for (suffix, size) in [("m", 1_000_000), ("u", 1_000)] {
        if nanos % size == 0 {
            return format!("{}{suffix}", nanos / size);
        }
    }
    format!("{nanos}n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shortest_form() {
        for (nanos, wanted) in [
            (0, "0"),
            (1_500_000_000, "1500m"),
            (2_000_000_000, "2"),
            ((1_i128 << 30) * 1_000_000_000, "1Gi"),
            (5_000 * 1_000_000_000, "5k"),
            (1, "1n"),
        ] {
            assert_eq!(super::text(nanos), wanted);
        }
    }
}
