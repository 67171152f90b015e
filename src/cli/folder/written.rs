//! Which evidence the `report.json` of a folder was written of: whoever makes a chain of digests anew does not have this one.
//! Judges nothing.
//!
//! A folder of a run is known by its index: there evidence belongs to the report of its name, always. Elsewhere evidence
//! may have been put in place of other evidence by its owner: there only a run on a live cluster, which has a moment of its
//! own, is known again. Runs on the embedded cluster all begin at the same simulated one.

use std::fs;
use std::path::Path;

use driftproof::evidence::{Header, WorldName};
use serde::Deserialize;

use super::{EVIDENCE, Index};

/// What `report.json` says of evidence.
#[derive(Debug, Default, Deserialize)]
pub(in crate::cli) struct Written {
    scenarios: Vec<Scenario>,
    #[serde(skip)]
    is_of_a_run: bool,
}

#[derive(Debug, Deserialize)]
struct Scenario {
    name: String,
    seed: u64,
    run: Option<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    run: String,
    started: String,
    evidence_sha256: Option<String>,
}

impl Written {
    /// What the report beside the folder of this evidence says, or the one in it; nothing where there is none.
    pub(in crate::cli) fn beside(evidence: &Path) -> Self {
        let own = match evidence.parent() {
            Some(own) if !own.as_os_str().is_empty() => own.to_owned(),
            _ => Path::new(".").to_owned(),
        };
        let above = fs::canonicalize(&own).ok().and_then(|own| Some(own.parent()?.to_owned()));
        Self::read(&above.filter(|above| is_of_a_run(above)).unwrap_or(own))
    }

    /// What the report in a folder says; nothing where there is none.
    pub(in crate::cli) fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("report.json")).unwrap_or_default();
        let written: Self = serde_json::from_str(&text).unwrap_or_default();
        Self { is_of_a_run: is_of_a_run(folder), ..written }
    }

    /// This, or another report if this one says nothing at all.
    pub(in crate::cli) fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.scenarios.is_empty() { other } else { self }
    }

    /// The digest of the evidence of which it was written; none if it says nothing of this one.
    pub(in crate::cli) fn digest(&self, evidence: &Path, header: &Header) -> Option<&str> {
        let folder = fs::canonicalize(evidence).ok();
        let folder =
            folder.as_deref().and_then(Path::parent).and_then(Path::file_name).map(|name| name.to_string_lossy());
        let is_live = matches!(header.world, WorldName::Live { .. });
        let is_it = |scenario: &&Scenario| {
            let same =
                |run: &Known| (&run.run, &run.started, scenario.seed) == (&header.run, &header.started, header.seed);
            if self.is_of_a_run && evidence.ends_with(EVIDENCE) {
                folder.as_deref() == Some(scenario.name.as_str())
            } else {
                is_live && scenario.run.as_ref().is_some_and(same)
            }
        };
        self.scenarios.iter().find(is_it)?.run.as_ref()?.evidence_sha256.as_deref()
    }
}

fn is_of_a_run(folder: &Path) -> bool {
    matches!(Index::read(folder), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(world: &str) -> Header {
        let scenario = r#"{"name":"web","target":{"namespace":"shop","workload":"deployment/web"},"fault":[]}"#;
        let text = format!(
            r#"{{"version":2,"tool":"driftproof","run":"r1","world":{world},"seed":1,"started":"2026-01-01T00:00:00Z","again":"again","scenario":{scenario}}}"#
        );
        serde_json::from_str(&text).expect("a header")
    }

    fn report(name: &str, started: &str, digest: &str) -> String {
        format!(
            r#"{{"version":1,"scenarios":[{{"name":"other","seed":1,"run":null}},{{"name":"{name}","seed":1,"rto_s":1.5,"run":{{"run":"r1","started":"{started}","evidence_sha256":{digest}}}}}]}}"#
        )
    }

    const INDEX: &str = r#"{"version":1,"tool":"driftproof 0.1.0","started":"","took_seconds":null,"scenarios":[]}"#;
    const LIVE: &str = r#"{"kind":"live","context":"staging","version":"v1"}"#;
    const EMBEDDED: &str = r#"{"kind":"embedded"}"#;
    const STARTED: &str = "2026-01-01T00:00:00Z";

    #[test]
    fn a_report_knows_the_evidence_that_it_was_written_of_and_no_other() {
        let known = report("web", STARTED, "\"abc\"");
        // The world of the evidence, whether the folder is one of a run, its report, and the digest that is expected.
        let cases = [
            (EMBEDDED, true, known.clone(), Some("abc")),
            (LIVE, true, report("web", "2026-02-02T00:00:00Z", "\"abc\""), Some("abc")),
            (EMBEDDED, true, report("db", STARTED, "\"abc\""), None),
            (EMBEDDED, true, report("web", STARTED, "null"), None),
            (EMBEDDED, true, "{".to_owned(), None),
            (EMBEDDED, true, String::new(), None),
            // Evidence that its owner collects, and replaces by that of another run.
            (EMBEDDED, false, known.clone(), None),
            (LIVE, false, known.clone(), Some("abc")),
            (LIVE, false, report("another-name", STARTED, "\"abc\""), Some("abc")),
            (LIVE, false, report("web", "2026-02-02T00:00:00Z", "\"abc\""), None),
        ];
        for (world, is_of_a_run, report, expected) in cases {
            let scratch = tempfile::tempdir().expect("scratch folder");
            let above = scratch.path().join("run");
            let evidence = above.join("web").join(EVIDENCE);
            fs::create_dir_all(above.join("web")).expect("created");
            fs::write(&evidence, "").expect("written");
            let beside = if is_of_a_run { above.clone() } else { above.join("web") };
            if is_of_a_run {
                fs::write(above.join("run.json"), INDEX).expect("written");
            }
            fs::write(beside.join("report.json"), &report).expect("written");
            let header = header(world);
            assert_eq!(Written::beside(&evidence).digest(&evidence, &header), expected, "{world} {report}");
            assert_eq!(Written::read(&beside).digest(&evidence, &header), expected, "{world} {report}");
        }
    }
}
