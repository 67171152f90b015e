//! Small pieces of the page: badges, texts of a bounded length, what to change.

use maud::{Markup, html};

use super::order::symbol;
use crate::report::Status;
use crate::report::knobs::knobs;
use crate::verdict::Verdict;

/// An outcome as a sign, a word and a colour.
pub(super) fn badge(status: Status) -> Markup {
    html! { span class={ "badge " (status.key()) } { span aria-hidden="true" { (symbol(status)) " " } (status.word()) } }
}

/// What to change, in bold; nothing when nothing is known.
pub(super) fn change(verdict: &Verdict) -> Markup {
    let knobs = knobs(verdict);
    html! { @if !knobs.is_empty() { strong { "Change: " (knobs.join("; or ")) } } }
}

/// At most `limit` characters, cut between words; the whole stands elsewhere.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let cut: String = text.chars().take(limit).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before);
    format!("{} …", cut.trim_end_matches([',', ';', ':', '→', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(shortened("worker-1 → worker-2, worker-2 → worker-3", 24), "worker-1 → worker-2 …");
        assert_eq!(shortened("short", 24), "short");
        assert_eq!(shortened(&"é".repeat(30), 10), format!("{} …", "é".repeat(10)));
    }
}
