//! The table, for a terminal and for the repository. Pure.

use std::fmt::Write as _;

use crate::case::Case;
use crate::compare::{Row, Verdict};
use crate::policies::{Difference, Truth};

/// A case with what came of it.
pub(crate) struct Compared<'a> {
    pub(crate) case: &'a Case,
    pub(crate) rows: Vec<Row>,
}

impl Compared<'_> {
    fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict.is_wrong()).count()
    }
}

fn seconds(at: Option<f64>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| format!("{at:.1}"))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::Shown => "agrees, time shown",
        Verdict::Late => "TIME DIFFERS",
        Verdict::Differs => "DIFFERS",
        Verdict::Known(why) => why,
    }
}

/// For a person at a terminal: a line for each case, and what is wrong with it.
pub(crate) fn terminal(compared: &[Compared<'_>], all: bool) -> String {
    let mut out = String::new();
    for one in compared {
        let word = if one.wrong() == 0 { "agrees " } else { "DIFFERS" };
        let known = one.rows.iter().filter(|row| matches!(row.verdict, Verdict::Known(_))).count();
        let known = if known == 0 { String::new() } else { format!(", {known} known differences") };
        let _ = writeln!(out, "{word}  {:<28} {:>3} edges{known}", one.case.name, one.rows.len());
        for row in one.rows.iter().filter(|row| all || row.verdict.is_wrong()) {
            let (ours, theirs) = (seconds(row.embedded), seconds(row.real));
            let word = verdict(row.verdict);
            let _ = writeln!(out, "    {:<44} {:<46} {ours:>7} {theirs:>7}  {word}", row.of, row.what);
        }
    }
    out
}

/// One case for the repository.
pub(crate) fn markdown(one: &Compared<'_>) -> String {
    let mut out = format!("### {}\n\n{}\n\n", one.case.name, sentence(one.case.says));
    out.push_str("| who | what | embedded, s | real, s | |\n|---|---|---:|---:|---|\n");
    let mut last = "";
    for row in &one.rows {
        let of = if row.of == last { "" } else { row.of.as_str() };
        last = &row.of;
        let (ours, theirs) = (seconds(row.embedded), seconds(row.real));
        let word = verdict(row.verdict);
        let _ = writeln!(out, "| {of} | {} | {ours} | {theirs} | {word} |", row.what);
    }
    out + "\n"
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// A line for each case.
pub(crate) fn summary(compared: &[Compared<'_>]) -> String {
    let mut out =
        "| case | edges | agree | time shown | known differences | differ |\n|---|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for one in compared {
        let count = |wanted: fn(Verdict) -> bool| one.rows.iter().filter(|row| wanted(row.verdict)).count();
        let _ = writeln!(
            out,
            "| [{name}](#{name}) | {} | {} | {} | {} | {} |",
            one.rows.len(),
            count(|verdict| verdict == Verdict::Agrees),
            count(|verdict| verdict == Verdict::Shown),
            count(|verdict| matches!(verdict, Verdict::Known(_))),
            one.wrong(),
            name = one.case.name,
        );
    }
    out
}

fn connections(truth: &Truth) -> usize {
    truth.sets.values().flat_map(|reach| reach.values()).flat_map(|row| row.values()).map(String::len).sum()
}

/// The policies, for a person at a terminal.
pub(crate) fn network(truth: &Truth, differences: &[Difference]) -> String {
    let wrong = differences.iter().filter(|one| one.known.is_none()).count();
    let word = if wrong == 0 { "agrees " } else { "DIFFERS" };
    let (sets, all) = (truth.sets.len(), connections(truth));
    let mut out = format!(
        "{word}  {:<28} {sets} sets, {all} connections, {} pairs differ\n",
        "network-policies",
        differences.len()
    );
    for one in differences.iter().filter(|one| one.known.is_none()) {
        let Difference { set, from, to, embedded, real, .. } = one;
        let _ = writeln!(out, "    {set:<44} {from} to {to}: embedded {embedded}, real {real}");
    }
    out
}

/// The policies, for the repository.
pub(crate) fn policies(truth: &Truth, differences: &[Difference]) -> String {
    let mut out = format!(
        "### network-policies\n\n\
         {} sets of policies (`policies/policies.yaml`), under each of which every one of six pods tried three ports of \
         every other: {} connections on Kubernetes {}, enforced by {} (`policies/truth.json`), and the same on the \
         embedded network. They differ on {} pairs of pods.\n\n",
        truth.sets.len(),
        connections(truth),
        truth.kubernetes,
        truth.enforcer,
        differences.len()
    );
    if !differences.is_empty() {
        out.push_str("| set | from | to | embedded | real | |\n|---|---|---|---|---|---|\n");
    }
    for one in differences {
        let Difference { set, from, to, embedded, real, known } = one;
        let _ = writeln!(out, "| {set} | {from} | {to} | {embedded} | {real} | {} |", known.unwrap_or("DIFFERS"));
    }
    if !differences.is_empty() {
        out.push_str("\nDigits stand for the ports 8080, 8081 and 53: 1 is open.\n\n");
    }
    out
}
