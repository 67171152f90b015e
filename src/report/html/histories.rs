//! The history of a store: what was counted, and each anomaly with its operations and its neighbourhood. Bounded, whatever the
//! length of the history; judges nothing.

use maud::{Markup, PreEscaped, html};

use crate::measure::{AnomalyMeasure, Held, HistoryMeasure};

/// A picture is far smaller; more would make the page too large to open.
const PICTURE_MAX: usize = 1 << 20;

pub(super) fn history(history: &HistoryMeasure) -> Markup {
    html! {
        h5 { "Consistency: " (history.name) }
        p {
            "workload " (history.workload.name()) " on " (history.store.name()) ", claim " strong { (history.claim.name()) } ": "
            @match history.held {
                Held::Ok => { "held" }
                Held::Violation => strong { "broken" },
                Held::Unknown => { "not known: " (history.unknown) }
            }
            @for (kind, count) in &history.found { ", " (count) " " code { (kind) } }
            "; every operation is in " code { (history.file) }
        }
        @if !history.functions.is_empty() {
            table class="small" {
                thead { tr { th { "function" } th { "ok" } th { "fail" } th { "info" } } }
                tbody { @for count in &history.functions {
                    tr { td { code { (count.function) } } td class="number" { (count.ok) }
                        td class="number" { (count.fail) } td class="number" { (count.info) } }
                } }
            }
        }
        @if !history.inside.is_empty() {
            p class="note" { "the clients' connections started inside the cluster, in " (history.inside.join(", then ")) }
        }
        @for anomaly in &history.anomalies { (told(anomaly)) }
        @if !history.left.is_empty() { p class="note" { (history.left) } }
    }
}

fn told(anomaly: &AnomalyMeasure) -> Markup {
    html! {
        p { strong { code { (anomaly.kind) } } " " (anomaly.headline) }
        table class="operations" { tbody {
            @for (number, operation) in (1..).zip(&anomaly.operations) { tr { td class="number" { (number) } td { (operation) } } }
        } }
        @if !anomaly.surroundings.is_empty() || anomaly.steady.is_some() {
            ul {
                @for line in &anomaly.surroundings { li { (line) } }
                @if let Some(line) = &anomaly.steady { li { (line) } }
            }
        }
        @if !anomaly.svg.is_empty() && anomaly.svg.len() <= PICTURE_MAX {
            // Drawn by `consistency::explain`, which escapes all text.
            div class="scroll" tabindex="0" role="region" aria-label="the operations around the anomaly" { (PreEscaped(&anomaly.svg)) }
        }
    }
}
