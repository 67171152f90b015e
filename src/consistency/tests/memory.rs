//! Whether `--memory` holds: what reading and judging a history takes of a process's memory, as the kernel counts it, beside what
//! was allowed. Each history is judged in a process of its own. Says nothing where there is no `/proc`.

use std::fmt::Write as _;
use std::process::Command;

use driftproof_consistency::{Format, Model, Options, Outcome, Request, check_text};

/// Which part of the test a process is: the shape of its history and what it may hold, in bytes.
const PART: &str = "DRIFTPROOF_MEMORY_TEST";
/// Bytes that a process takes whatever it judges.
const SLACK: u64 = 3 << 20;

/// Histories of some megabytes: name, model, format, and text.
type Shape = (&'static str, Model, Format, fn() -> String);

const SHAPES: [Shape; 4] = [
    ("lists of many small numbers", Model::Set, Format::Native, lists),
    ("many small operations", Model::Queue, Format::Native, operations),
    ("transactions in one vector", Model::RwRegister, Format::JepsenEdn, transactions),
    ("texts", Model::Kv, Format::JepsenJson, texts),
];

fn event(text: &mut String, place: u64, kind: &str, rest: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, r#"{{"i":{place},"t":{place},"p":1,"type":"{kind}",{rest}}}"#);
}

fn lists() -> String {
    let (mut text, mut place) = (String::new(), 0);
    let mut both = |sent: String, came: String, function: &str| {
        event(&mut text, place, "invoke", format_args!(r#""f":"{function}","k":"k","v":{sent}"#));
        event(&mut text, place + 1, "ok", format_args!(r#""f":"{function}","k":"k","v":{came}"#));
        place += 2;
    };
    (0..1000).for_each(|one| both(one.to_string(), one.to_string(), "add"));
    let all = format!("{:?}", (0..1000).collect::<Vec<_>>()).replace(' ', "");
    (0..1000).for_each(|_| both("null".to_owned(), all.clone(), "read"));
    text
}

fn operations() -> String {
    let mut text = String::new();
    for one in 0..50_000_u64 {
        let (function, value) = if one % 2 == 0 { ("enqueue", one) } else { ("dequeue", one - 1) };
        event(&mut text, 2 * one, "invoke", format_args!(r#""f":"{function}","k":"k","v":{value}"#));
        event(&mut text, 2 * one + 1, "ok", format_args!(r#""f":"{function}","k":"k","v":{value}"#));
    }
    text
}

fn transactions() -> String {
    let mut text = String::from("[");
    for one in 1..25_000_u64 {
        for (kind, read) in [("invoke", "nil".to_owned()), ("ok", (one - 1).to_string())] {
            let read = if one == 1 { "nil" } else { &read };
            let _ = write!(text, "{{:process 0, :type :{kind}, :f :txn, :value [[:r 1 {read}] [:w 1 {one}]]}} ");
        }
    }
    text + "]"
}

fn texts() -> String {
    let mut text = String::new();
    let value = "x".repeat(400);
    for one in 0..10_000_u64 {
        for kind in ["invoke", "ok"] {
            let _ = writeln!(text, r#"{{"process":0,"type":"{kind}","f":"put","value":"{value}{one}"}}"#);
        }
    }
    text
}

/// A line of what the kernel says of this process, in bytes.
fn status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_matches(|one: char| !one.is_ascii_digit()).parse::<u64>().ok()? << 10)
}

/// In a process of its own: what judging took beside what was there before, and what was said.
fn part(part: &str) -> String {
    let (shape, memory) = part.split_once(' ').expect("two numbers");
    let (_, model, format, text) = SHAPES[shape.parse::<usize>().expect("a number")];
    let memory = memory.parse().expect("a number");
    let text = text();
    let options = Options { memory: Some(memory), ..Options::default() };
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS:").unwrap_or(0).saturating_sub(text.len() as u64);
    let judged = check_text(text.as_bytes(), &Request { model, format, claim: None, options }, &|| false);
    let word = match judged.expect("a history").outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Violation(_) => "violation",
        Outcome::Unknown(_) => "unknown",
    };
    format!("took {} {word}", status("VmHWM:").unwrap_or(0).saturating_sub(before))
}

/// What a process says that judges the shape within so many bytes.
fn child(shape: usize, memory: u64) -> (u64, String) {
    let own = std::env::current_exe().expect("a path");
    let child =
        Command::new(own).args(["--exact", NAME, "--nocapture"]).env(PART, format!("{shape} {memory}")).output();
    let text = String::from_utf8_lossy(&child.expect("it starts").stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("took ")).unwrap_or_else(|| panic!("{text}")).1;
    let (took, word) = line.split_once(' ').expect("two words");
    (took.parse().expect("a number"), word.to_owned())
}

const NAME: &str = "a_budget_of_memory_is_kept_and_suffices";

#[test]
fn a_budget_of_memory_is_kept_and_suffices() {
    if let Ok(part_of_it) = std::env::var(PART) {
        println!("{}", part(&part_of_it));
        return;
    }
    if status("VmHWM:").is_none() {
        return;
    }
    for (shape, (name, .., text)) in SHAPES.iter().enumerate() {
        let (size, (whole, word)) = (text().len() as u64, child(shape, 1 << 40));
        assert_eq!(word, "ok", "{name}");
        for tenths in [2, 5, 8] {
            // The text is there before anything is read of it.
            let memory = size + (whole - size) * tenths / 10;
            let (took, word) = child(shape, memory);
            println!("{name}: {tenths} tenths of {whole} bytes: took {took}, {word}");
            assert_eq!(word, "unknown", "{name}, {tenths} tenths of {whole}");
            assert!(took <= memory + memory / 10 + SLACK, "{name}: took {took} of {memory} bytes");
        }
        // What is counted is not so far above what is taken that a budget would be of little use.
        let (_, word) = child(shape, whole * 2);
        assert_eq!(word, "ok", "{name}: {whole} bytes were taken, and twice as many do not suffice");
    }
}
