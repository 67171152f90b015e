//! The folder of a run: opened before anything starts, so that a run of hours does not end without a place for its report.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use driftproof::report::{self, Results};

/// A folder for one run.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// Name of the evidence file in a scenario's folder.
pub(super) const EVIDENCE: &str = "evidence.jsonl";

impl Folder {
    /// Creates `reports/<run-id>`, or exactly the folder that was named.
    ///
    /// # Errors
    /// When it cannot be created or written.
    pub(super) fn create(named: Option<&Path>, run: &str) -> Result<Self, String> {
        let path = named.map_or_else(|| Path::new("reports").join(run), Path::to_owned);
        let wrong = |error: io::Error| format!("{}: {error}; choose another place with --report-dir", path.display());
        fs::create_dir_all(&path).map_err(wrong)?;
        let probe = path.join(".writable");
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(wrong)?;
        Ok(Self { path })
    }

    /// A folder that exists.
    pub(super) fn existing(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the evidence file of a scenario, empty.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn evidence(&self, name: &str) -> Result<fs::File, String> {
        let folder = self.path.join(name);
        let file = folder.join(EVIDENCE);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::File::create(&file))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Writes all reports.
    ///
    /// # Errors
    /// When one cannot be rendered or written.
    pub(super) fn write(&self, results: &Results) -> Result<(), String> {
        let json = report::json(results).map_err(|error| format!("report.json: {error}"))?;
        let junit = report::junit(results).map_err(|error| format!("junit.xml: {error}"))?;
        let files = [
            ("report.json", json),
            ("junit.xml", junit),
            ("report.md", report::markdown(results)),
            ("report.html", report::html(results)),
        ];
        for (name, content) in files {
            let file = self.path.join(name);
            fs::write(&file, content).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }
}

/// Appends the Markdown report to the summary page of a GitHub job, when there is one.
pub(super) fn github_summary(results: &Results) -> Result<(), String> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    let append = || -> io::Result<()> {
        let mut summary = fs::OpenOptions::new().create(true).append(true).open(&file)?;
        io::Write::write_all(&mut summary, report::markdown(results).as_bytes())
    };
    append().map_err(|error| format!("GITHUB_STEP_SUMMARY {}: {error}", Path::new(&file).display()))
}
