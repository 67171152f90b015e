//! Words for people: lists in sentences, since evidence speaks of three hundred nodes as well as of one, and words of commands.

/// The first few of a list: `a, b, c and 4 more`.
#[must_use]
pub fn some<T: AsRef<str>>(items: &[T], at_most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(at_most).map(AsRef::as_ref).collect();
    let rest = items.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

/// A word as a POSIX shell takes it, in quotes where it must be: advice may name what a stranger has named.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = text.chars().all(|character| character.is_ascii_alphanumeric() || "/._-:@".contains(character));
    if plain && !text.is_empty() { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::{shell_word, some};

    #[test]
    fn what_a_shell_would_obey_is_quoted() {
        for plain in ["web-0", "/tmp/a.b", "user@host:1"] {
            assert_eq!(shell_word(plain), plain);
        }
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("web; curl x | sh #"), "'web; curl x | sh #'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(some(&["a", "b"], 2), "a, b");
        assert_eq!(some(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(some::<&str>(&[], 2), "");
    }
}
