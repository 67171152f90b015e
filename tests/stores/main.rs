//! Real stores on loopback: every workload without faults, and the anomalies that are known of them. Not part of
//! `cargo test`, since it needs their programs; a case whose program is not there is skipped and says so.
//!
//! `cargo test --test stores` runs all cases, `cargo test --test stores -- redis` those whose name contains the word.
//! etcd and redis-server are looked for in `PATH` (or `DRIFTPROOF_ETCD`, `DRIFTPROOF_REDIS`), PostgreSQL in
//! `/usr/lib/postgresql` (or `DRIFTPROOF_POSTGRES_BIN`). With `DRIFTPROOF_HISTORIES=FOLDER` the histories are kept.

#![expect(clippy::print_stdout, reason = "a program whose output is its result")]

mod case;
mod drive;
mod etcd_cases;
mod etcd_server;
mod judge;
mod plain;
mod postgres_cases;
mod postgres_server;
mod process;
mod proxy;
mod redis_cases;
mod redis_server;

use std::path::PathBuf;
use std::process::ExitCode;

use case::{Case, Expected};

fn cases() -> Vec<Case> {
    macro_rules! case {
        ($name:literal, $needs:literal, $expected:expr, $run:path) => {
            Case { name: $name, needs: $needs, expected: $expected, run: |folder| Box::pin($run(folder)) }
        };
    }
    use Expected::{Anomaly, Clean};
    vec![
        case!("etcd-plain", "etcd", Clean, plain::etcd),
        case!("redis-plain", "redis-server", Clean, plain::redis),
        case!("postgres-plain", "postgres", Clean, plain::postgres),
        case!("http-plain", "python3", Clean, plain::http),
        case!("command-plain", "python3", Clean, plain::command),
        case!("etcd-serializable-partition", "etcd", Anomaly("stale-read"), etcd_cases::serializable),
        case!("etcd-linearizable-partition", "etcd", Clean, etcd_cases::linearizable),
        case!("etcd-linearizable-kill", "etcd", Clean, etcd_cases::killed),
        case!("redis-failover", "redis-server", Anomaly("lost-write"), redis_cases::failover),
        case!("redis-sentinel", "redis-server", Anomaly("lost-write"), redis_cases::sentinel),
        case!("redis-wait", "redis-server", Clean, redis_cases::wait),
        case!("postgres-promotion", "postgres", Anomaly("lost-write"), postgres_cases::promotion),
        case!("postgres-read-committed-register", "postgres", Anomaly("lost-update"), postgres_cases::register),
        case!("postgres-read-committed-append", "postgres", Anomaly("lost-update"), postgres_cases::append),
        case!("postgres-read-committed-bank", "postgres", Anomaly("wrong-total"), postgres_cases::bank),
        case!("postgres-serializable-kill", "postgres", Clean, postgres_cases::killed),
    ]
}

/// Whether a case went as it must; none when its program is not there.
async fn run(case: &Case, keep: Option<&PathBuf>) -> Result<Option<bool>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let Some(all) = (case.run)(folder.path()).await? else {
        return Ok(None);
    };
    let mut good = true;
    for seen in &all {
        println!("      {} ({}): {}", seen.name, seen.kind.name(), seen.recording.summary());
        for (reason, count) in seen.recording.reasons().into_iter().take(8) {
            println!("        {count} x {}", reason.lines().next().unwrap_or_default());
        }
        let judgement = judge::judge(seen)?;
        let kinds = judgement.kinds.iter().copied().collect::<Vec<_>>().join(" ");
        println!("        {}: {} {kinds}", seen.claim.name(), judgement.word);
        for sentence in judgement.sentences.iter().take(3) {
            println!("        {sentence}");
        }
        good &= match case.expected {
            Expected::Clean => judgement.word == "ok",
            Expected::Anomaly(name) => judgement.kinds.contains(name),
        };
        if let Some(keep) = keep {
            let file = keep.join(format!("{}.jsonl", seen.name));
            std::fs::write(&file, seen.recording.lines()).map_err(|error| error.to_string())?;
        }
    }
    Ok(Some(good))
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let keep = std::env::var_os("DRIFTPROOF_HISTORIES").map(PathBuf::from);
    let mut failed = Vec::new();
    for case in cases() {
        if !words.is_empty() && !words.iter().any(|word| case.name.contains(word.as_str())) {
            continue;
        }
        println!("RUN   {}", case.name);
        match run(&case, keep.as_ref()).await {
            Ok(None) => println!("SKIP  {}: {} is not there", case.name, case.needs),
            Ok(Some(true)) => println!("OK    {}", case.name),
            Ok(Some(false)) => {
                println!("FAIL  {}: expected {:?}", case.name, case.expected);
                failed.push(case.name);
            }
            Err(error) => {
                println!("FAIL  {}: {error}", case.name);
                failed.push(case.name);
            }
        }
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
