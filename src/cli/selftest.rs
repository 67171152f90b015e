//! `driftproof selftest`: whether the checkers find every lie of a store that lies, and accuse no honest one.

use std::fmt::Write as _;

use clap::Args;
use driftproof::selftest::{Row, Settings, run, words};

use super::exit::Exit;
use super::style::{Style, safe};
use super::{fail, print};

const HELP: &str = "\
An embedded store is operated by each workload: honestly, then with each lie in turn, then so that the history says too
little. Each line says what the checkers must answer and what they answered.

Exit codes:
  0  every lie was found under a right name, and nothing else was accused
  1  something was not as expected
  2  wrong usage; nothing was played
  3  too few seeds to judge whether each lie is found";

/// A lie that fewer seeds than this do not show may only have been unlucky.
const SEEDS_MIN: u64 = 3;

/// What can be typed after `driftproof selftest`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct SelfTest {
    /// Only the lines of these lies, workloads or claims, such as split-brain, append, honest
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds for each line
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Print one JSON object for each line
    #[arg(long)]
    json: bool,
}

/// `driftproof selftest`.
pub(super) fn selftest(test: &SelfTest, style: Style) -> Exit {
    let settings = Settings { seed: test.seed, seeds: test.seeds, words: test.words.clone() };
    let few = test.seeds < SEEDS_MIN;
    let rows = run(&settings, |row| {
        let shown = if test.json { json(row) } else { line(row, few, style.out) };
        print::out(&shown);
    });
    if rows.is_empty() {
        let there: Vec<String> = words().into_iter().collect();
        let message = format!(
            "no lie, workload or claim has one of these names; without names all are played; there are {}",
            there.join(", ")
        );
        return fail(&message, Exit::Usage);
    }
    let undecided = rows.iter().filter(|row| few && row.missed).count();
    let wrong = rows.iter().filter(|row| row.wrong.is_some()).count() - undecided;
    if !test.json {
        let mut tally = format!("{} lines, {wrong} not as expected", rows.len());
        if undecided > 0 {
            let _ = write!(tally, ", {undecided} not judged: too few seeds, give at least --seeds {SEEDS_MIN}");
        }
        tally.push('\n');
        print::out(&tally);
    }
    match (wrong, undecided) {
        (0, 0) => Exit::Passed,
        (0, _) => Exit::Inconclusive,
        _ => Exit::Failed,
    }
}

fn line(row: &Row, few: bool, colour: bool) -> String {
    let undecided = few && row.missed;
    let (word, code) = match (&row.wrong, undecided) {
        (Some(_), true) => ("unknown", "33"),
        (Some(_), false) => ("WRONG", "31"),
        (None, _) => ("as expected", "32"),
    };
    let word = if colour { format!("\x1b[1;{code}m{word:<11}\x1b[0m") } else { format!("{word:<11}") };
    let until = row.operations.map_or_else(String::new, |count| format!(", after {count} operations at best"));
    let mut text = format!(
        "{word}  {:<18} {:<8} {:<27} expected {}; found {} in {} of {}{until}, {} verified\n",
        row.bug,
        row.workload,
        row.claim,
        row.expected.join(" or "),
        if row.found.is_empty() { "nothing".to_owned() } else { row.found.join(", ") },
        row.caught,
        row.histories,
        row.verified,
    );
    let few = undecided.then(|| "not found, and too few seeds to judge".to_owned());
    for more in
        few.iter().chain(row.wrong.iter().filter(|_| !undecided)).chain([&row.witness]).filter(|more| !more.is_empty())
    {
        let _ = writeln!(text, "             {}", safe(more));
    }
    text
}

fn json(row: &Row) -> String {
    let value = serde_json::json!({
        "bug": row.bug,
        "workload": row.workload,
        "claim": row.claim,
        "expected": row.expected,
        "found": row.found,
        "caught": row.caught,
        "histories": row.histories,
        "operations": row.operations,
        "verified": row.verified,
        "witness": row.witness,
        "wrong": row.wrong,
    });
    format!("{value}\n")
}
