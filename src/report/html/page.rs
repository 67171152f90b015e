//! The page: what did not pass first, in a table and then one by one; what passed folded below.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as page};
use sha2::{Digest, Sha256};

use super::order::{Group, Row, rows};
use super::{scenario, summary};
use crate::report::{Entry, text};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// With more scenarios than this, those that passed stay folded when the page is printed.
const PRINTED: usize = 30;

/// Renders `report.html`.
#[must_use]
pub fn html(entries: &[Entry]) -> String {
    let tally = text::tally(entries.iter().map(|entry| entry.verdict.outcome));
    let rows = rows(entries);
    let markup = page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy());
                title { "Driftproof: " (tally) }
                style { (PreEscaped(STYLE)) }
            }
            body class=[(rows.len() > PRINTED).then_some("many")] {
                header {
                    @for entry in entries.iter().filter(|entry| !entry.verdict.dirty.is_empty()) {
                        p class="dirty" { strong { "LEFT DIRTY " } (entry.name) ": " (entry.verdict.dirty.join("; ")) }
                    }
                    h1 { "Driftproof " span class="tally" { (tally) } }
                    (origin(entries))
                }
                (bar(&rows))
                main { (summary::summary(&rows)) (groups(&rows)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// Nothing is loaded, and no script runs but the one that is part of the page.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

/// What all scenarios have in common.
fn origin(entries: &[Entry]) -> Markup {
    page! {
        @if let Some(entry) = entries.first() {
            p class="note" { (text::world(&entry.header.world)) " · seed " (entry.header.seed) " · " (entry.header.tool)
                " · started " (entry.header.started) }
        }
    }
}

/// Counts that lead to their groups, and filter them where the script runs; always in sight.
fn bar(rows: &[Row<'_>]) -> Markup {
    let count = |group| rows.iter().filter(|row| row.group == group).count();
    let first = rows.first().filter(|row| row.group != Group::Passed);
    page! {
        nav class="bar" aria-label="scenarios" {
            a class="chip all" href="#" data-f="" { "all " b { (rows.len()) } }
            @for group in Group::ALL.into_iter().filter(|group| count(*group) > 0) {
                a class={ "chip " (group.class()) } href={ "#:" (group.class()) } data-f=(group.class()) {
                    span aria-hidden="true" { (group.symbol()) " " } (group.words()) " " b { (count(group)) }
                }
            }
            input type="search" placeholder="filter by name" aria-label="filter by name" hidden;
            span class="shown" role="status" {}
            @if let Some(first) = first { a class="next" href={ "#" (first.anchor) } { "next failure ↓" } }
            a href="#" { "top ↑" }
        }
    }
}

fn groups(rows: &[Row<'_>]) -> Markup {
    let next = |index: usize| rows.get(index + 1).filter(|row| row.group != Group::Passed).map(|row| row.anchor.as_str());
    page! {
        @for group in Group::ALL {
            @let count = rows.iter().filter(|row| row.group == group).count();
            @if count > 0 {
                div class={ "group g-" (group.class()) } data-g=(group.class()) {
                    h2 id={ ":" (group.class()) } { (count) " " (group.words()) }
                    @if group == Group::Passed { (summary::headings()) }
                    @for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.group == group) {
                        @if group == Group::Passed { (scenario::folded(row)) } @else { (scenario::open(row, next(index))) }
                    }
                }
            }
        }
    }
}
