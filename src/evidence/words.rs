//! Lists in sentences: evidence speaks of three hundred nodes as well as of one.

/// The first few of a list: `a, b, c and 4 more`.
#[must_use]
pub fn some<T: AsRef<str>>(items: &[T], at_most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(at_most).map(AsRef::as_ref).collect();
    let rest = items.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::some;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(some(&["a", "b"], 2), "a, b");
        assert_eq!(some(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(some::<&str>(&[], 2), "");
    }
}
