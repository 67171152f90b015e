//! The rules of the house that no compiler checks: who may use whom, and how large a file may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that are crates of their own: the compiler holds that they use none of ours.
const CRATES: [&str; 2] = ["consistency", "sim"];

/// Each other room with the rooms that it may use. `cli` is part of the command and may use all; nobody can use it.
const ROOMS: [(&str, &[&str]); 13] = [
    ("process", &[]),
    ("workload", &["consistency"]),
    ("store", &["consistency", "workload", "process"]),
    ("selftest", &["consistency", "workload"]),
    ("scenario", &["workload"]),
    ("plan", &["workload", "scenario"]),
    ("evidence", &["scenario", "plan"]),
    ("world", &["scenario", "evidence", "sim", "process"]),
    ("node_agent", &[]),
    ("run", &["consistency", "workload", "store", "scenario", "plan", "evidence", "world", "node_agent"]),
    ("measure", &["consistency", "workload", "scenario", "plan", "evidence"]),
    ("verdict", &["workload", "scenario", "evidence", "measure"]),
    ("report", &["workload", "scenario", "plan", "evidence", "measure", "verdict"]),
];

/// The one file of `world` that may know the simulation.
const BRIDGE: &str = "src/world/embedded.rs";

const LINES_MAX: usize = 400;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("the folder exists").map(|entry| entry.expect("readable").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.append(&mut rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Rooms named by `crate::ROOM`, outside of comments.
fn used(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| {
        line.match_indices("crate::").map(|(at, word)| line[at + word.len()..].to_owned()).collect::<Vec<_>>()
    })
    .map(|rest| rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect())
    .collect()
}

#[test]
fn rooms_use_only_what_they_may() {
    let mut wrong = Vec::new();
    for (room, allowed) in ROOMS {
        for file in rust_files(&root().join("src").join(room)) {
            let name = file.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).expect("readable");
            for other in used(&text) {
                let known = CRATES.contains(&other.as_str()) || ROOMS.iter().any(|(known, _)| *known == other);
                let bridged = other != "sim" || name == BRIDGE;
                if known && (!bridged || (other != room && !allowed.contains(&other.as_str()))) {
                    wrong.push(format!("{name} uses {other}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction of data:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    for entry in fs::read_dir(root().join("src")).expect("src exists") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("named").to_string_lossy().into_owned();
        if path.is_dir() && name != "cli" {
            let known = CRATES.contains(&name.as_str()) || ROOMS.iter().any(|(room, _)| *room == name);
            assert!(known, "src/{name} is not in the table of rooms");
        }
    }
}

#[test]
fn files_stay_small_enough_to_read() {
    let mut long = Vec::new();
    for file in ["src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let lines = fs::read_to_string(&file).expect("readable").lines().count();
        if lines > LINES_MAX {
            long.push(format!("{} has {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "more than {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    for file in ["src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(text.starts_with("//!"), "{} does not begin with what it is", file.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    // Spelled in halves, so that this file does not find itself.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("#[ign", "ore"),
    ];
    for file in ["src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let text = fs::read_to_string(&file).expect("readable");
        for mark in marks {
            assert!(!text.contains(mark), "{} contains {mark}", file.display());
        }
    }
}

/// What is built and tested is the lowest version of each dependency that `Cargo.toml` allows, so that its lower bounds
/// are true. `cargo update` therefore goes with `Cargo.toml` (`cargo upgrade`, or by hand).
#[test]
fn the_versions_that_are_built_are_the_lowest_allowed() {
    let read = |file: &str| {
        let text = fs::read_to_string(root().join(file)).expect("readable");
        text.parse::<toml::Table>().expect("TOML")
    };
    let (manifest, lock) = (read("Cargo.toml"), read("Cargo.lock"));
    let packages = lock["package"].as_array().expect("packages");
    let is_built = |name: &str, bound: &str| {
        packages.iter().any(|package| {
            let version = package["version"].as_str().unwrap_or_default().split('+').next();
            package["name"].as_str() == Some(name) && version == Some(bound)
        })
    };
    let mut loose = Vec::new();
    for section in [&manifest["workspace"]["dependencies"], &manifest["dev-dependencies"]] {
        for (name, wanted) in section.as_table().expect("a section of dependencies") {
            let bound = wanted.as_str().or_else(|| wanted.get("version").and_then(toml::Value::as_str));
            let Some(bound) = bound else { continue }; // of this workspace
            if !is_built(name, bound) {
                loose.push(format!("{name} {bound} is allowed and not what Cargo.lock has"));
            }
        }
    }
    assert!(loose.is_empty(), "{}", loose.join("\n"));
}
