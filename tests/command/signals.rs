//! Signals, sent to the real process: the first heals and reports, the second stops at once; also when nobody reads any more.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{command, scenario};

/// More runs of one scenario than can be over before a signal arrives.
const RUNS: &str = "400";

/// Starts them and waits until the first one has ended. `read` says whether standard error is read any further.
fn begun(folder: &Path, read: bool) -> (Child, Option<BufReader<impl std::io::Read + use<>>>) {
    let file = scenario("pod-kill-one");
    let arguments = ["run", &file, "--runs", RUNS, "--jobs", "1", "--report-dir", "out"];
    let mut child =
        command(folder, &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut told = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    assert!(line.starts_with("PASS"), "{line}");
    (child, read.then_some(told))
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().expect("a process id")).expect("not zero");
    kill_process(pid, signal).expect("it runs");
}

#[test]
fn each_signal_heals_reports_and_names_what_was_not_run() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        for read in [true, false] {
            let folder = tempfile::tempdir().expect("scratch folder");
            let (mut child, told) = begun(folder.path(), read);
            send(&child, signal);
            let said: String = told.map(|told| told.lines().map_while(Result::ok).collect()).unwrap_or_default();
            assert_eq!(child.wait().expect("ends").code(), Some(3), "{signal:?}");
            assert!(!read || said.contains("interrupted: healing, then reporting"), "{signal:?}: {said}");
            let report = fs::read_to_string(folder.path().join("out/report.json")).expect("written");
            let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
            assert_eq!(report["scenarios"].as_array().expect("rows").len().to_string(), RUNS);
            assert!(report["counts"]["not_run"].as_u64().expect("a count") > 0, "{signal:?}");
            for file in ["report.html", "report.md", "junit.xml"] {
                assert!(folder.path().join("out").join(file).is_file(), "{signal:?}: {file}");
            }
        }
    }
}

#[test]
fn the_second_signal_stops_at_once() {
    for read in [true, false] {
        let folder = tempfile::tempdir().expect("scratch folder");
        let (mut child, told) = begun(folder.path(), read);
        send(&child, Signal::TERM);
        send(&child, Signal::HUP);
        let said: String = told.map(|told| told.lines().map_while(Result::ok).collect()).unwrap_or_default();
        assert_eq!(child.wait().expect("ends").code(), Some(4), "{said}");
        assert!(!read || said.contains("stopped at once: what was injected and created may still be there"), "{said}");
    }
}
