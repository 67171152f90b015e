//! The page: what did not pass first, in a table and then one by one; what passed folded below.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as page};
use sha2::{Digest, Sha256};

use super::order::{ORDER, Placed, placed, symbol, words};
use super::{scenario, summary};
use crate::measure::text::{duration, micros};
use crate::report::{Results, Status, text};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// With more scenarios than this, those that passed stay folded when the page is printed.
const PRINTED: usize = 30;

/// Renders `report.html`.
#[must_use]
pub fn html(results: &Results) -> String {
    let tally = results.tally();
    let placed = placed(&results.rows);
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
            body class=[(placed.len() > PRINTED).then_some("many")] {
                header {
                    @for row in results.rows.iter().filter(|row| !row.dirty().is_empty()) {
                        p class="dirty" { strong { "LEFT DIRTY " } (row.name) ": " (row.dirty().join("; ")) }
                    }
                    h1 { "Driftproof " span class="tally" { (tally) } }
                    (origin(results))
                }
                (bar(&placed))
                main { (summary::summary(&placed)) (groups(&placed)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// Nothing is loaded, and no script runs but the one that is part of the page.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
}

/// What all scenarios have in common, and when it was.
fn origin(results: &Results) -> Markup {
    page! {
        @if let Some(entry) = results.entries().next() {
            p class="note" {
                (text::world(&entry.header.world)) " · seed " (entry.header.seed) " · " (entry.header.tool)
                @if !results.started.is_empty() { " · started " (results.started) }
                @if let Some(took) = results.took { " · took " (duration(micros(took))) }
            }
        }
    }
}

/// Counts that lead to their groups, and filter them where the script runs; always in sight.
fn bar(placed: &[Placed<'_>]) -> Markup {
    let count = |status| placed.iter().filter(|one| one.status == status).count();
    let first = placed.first().filter(|one| one.status != Status::Pass);
    page! {
        nav class="bar" aria-label="scenarios" {
            a class="chip" href="#" data-f="" { "all " b { (placed.len()) } }
            @for status in ORDER.into_iter().filter(|status| count(*status) > 0) {
                a class="chip" href={ "#:" (status.key()) } data-f=(status.key()) {
                    span aria-hidden="true" { (symbol(status)) " " } (words(status)) " " b { (count(status)) }
                }
            }
            input type="search" placeholder="filter by name" aria-label="filter by name" hidden;
            span class="shown" role="status" {}
            @if let Some(first) = first { a class="next" href={ "#" (first.anchor) } { "next failure ↓" } }
            a href="#" { "top ↑" }
        }
    }
}

fn groups(placed: &[Placed<'_>]) -> Markup {
    let next =
        |index: usize| placed.get(index + 1).filter(|one| one.status != Status::Pass).map(|one| one.anchor.as_str());
    page! {
        @for status in ORDER {
            @let count = placed.iter().filter(|one| one.status == status).count();
            @if count > 0 {
                div class="group" data-g=(status.key()) {
                    h2 id={ ":" (status.key()) } { (count) " " (words(status)) }
                    @if status == Status::Pass { (summary::headings()) }
                    @for (index, one) in placed.iter().enumerate().filter(|(_, one)| one.status == status) {
                        @if status == Status::Pass { (scenario::folded(one)) } @else { (scenario::open(one, next(index))) }
                    }
                }
            }
        }
    }
}
