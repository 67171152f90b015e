//! The folder of a run: its own alone, locked while it runs, and opened before anything starts, so that a run of hours does
//! not end without a place for its report.

mod files;
mod index;
mod previous;
mod written;

pub(super) use files::replace;
pub(super) use index::{Index, Kept};
pub(super) use written::Written;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs as unix;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use driftproof::report::{self, Results};

/// A folder for one run.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held as long as anybody holds this: nobody else runs here meanwhile. `None` where the file system knows no locks.
    _lock: Option<Arc<File>>,
}

/// Name of the evidence file in a scenario's folder.
pub(super) const EVIDENCE: &str = "evidence.jsonl";
/// What is written beside the scenarios' folders, and again by `driftproof report`.
const REPORTS: [&str; 5] = ["report.json", "series.json", "junit.xml", "report.md", "report.html"];
/// The link to the newest run, beside the folders of runs.
const LATEST: &str = "latest";
/// So many runs may begin in one second.
const SAME_SECOND: u32 = 10_000;

impl Folder {
    /// Creates `reports/<run-id>`, or takes exactly the folder that was named and removes what a run left there before.
    /// `scenarios` are the folders that will be needed in it.
    ///
    /// # Errors
    /// When it cannot be created or written, another run works in it, or what is in it must stay.
    pub(super) fn create(named: Option<&Path>, run: &str, scenarios: &[&str]) -> Result<Self, String> {
        let Some(path) = named else { return Self::fresh(Path::new("reports"), run) };
        fs::create_dir_all(path).map_err(|error| elsewhere(path, &error))?;
        let folder = Self::locked(path)?;
        previous::clear(path, scenarios)?;
        Ok(folder)
    }

    /// A folder that nobody had before, and the link to it.
    fn fresh(reports: &Path, run: &str) -> Result<Self, String> {
        fs::create_dir_all(reports).map_err(|error| elsewhere(reports, &error))?;
        for count in 1..=SAME_SECOND {
            let name = if count == 1 { run.to_owned() } else { format!("{run}-{count}") };
            let path = reports.join(&name);
            match DirBuilder::new().create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(elsewhere(&path, &error)),
                Ok(()) => {
                    let folder = Self::locked(&path)?;
                    // The link is a help; a run does not fail for want of it.
                    let _ = link(reports, &name);
                    return Ok(folder);
                }
            }
        }
        Err(format!("{}: {SAME_SECOND} runs began in this second", reports.join(run).display()))
    }

    /// A folder that exists, for this process alone.
    ///
    /// # Errors
    /// When a run works in it.
    pub(super) fn locked(path: &Path) -> Result<Self, String> {
        let opened = File::open(path).map_err(|error| elsewhere(path, &error))?;
        let lock = match opened.try_lock() {
            Ok(()) => Some(Arc::new(opened)),
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(format!(
                    "{path}: another run of driftproof is at work in this folder: wait for it, or choose another place with --report-dir"
                ));
            }
            // Some network file systems know no locks for folders.
            Err(TryLockError::Error(_)) => None,
        };
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the evidence file of a scenario, which must not be there yet. `durable` makes its name survive a power cut.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn evidence(&self, name: &str, durable: bool) -> Result<File, String> {
        let folder = self.path.join(name);
        let file = folder.join(EVIDENCE);
        let wrong = |error: io::Error| format!("{}: {error}", file.display());
        // One that is there may hold other people's files; a link may lead to them.
        match DirBuilder::new().create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && files::is_folder(&folder) => {}
            created => created.map_err(wrong)?,
        }
        let opened = File::create_new(&file).map_err(wrong)?;
        if durable {
            for holder in [&folder, &self.path] {
                File::open(holder).and_then(|holder| holder.sync_all()).map_err(wrong)?;
            }
        }
        Ok(opened)
    }

    /// Writes what is known of all selected scenarios.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn index(&self, index: &Index) -> Result<(), String> {
        index.write(&self.path)
    }

    /// Writes all reports; one that fails costs no other.
    ///
    /// # Errors
    /// Those that cannot be rendered or written, and why.
    pub(super) fn write(&self, results: &Results) -> Result<(), Vec<String>> {
        let mut failed = Vec::new();
        for name in REPORTS {
            let content = match name {
                "report.json" => report::json(results).map_err(|error| error.to_string()),
                "series.json" => report::series(results).map_err(|error| error.to_string()),
                "junit.xml" => report::junit(results).map_err(|error| error.to_string()),
                "report.md" => Ok(report::markdown(results)),
                _ => Ok(report::html(results)),
            };
            let file = self.path.join(name);
            let written =
                content.and_then(|content| replace(&file, content.as_bytes()).map_err(|error| error.to_string()));
            failed.extend(written.err().map(|error| format!("{}: {error}", file.display())));
        }
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }
}

fn elsewhere(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}; choose another place with --report-dir", path.display())
}

/// Lets `latest` lead to a run; at every moment it leads to one. What is no link stays.
fn link(reports: &Path, run: &str) -> io::Result<()> {
    let (latest, next) = (reports.join(LATEST), reports.join(format!(".{LATEST}-{run}")));
    if fs::symlink_metadata(&latest).is_ok_and(|found| !found.is_symlink()) {
        return Ok(());
    }
    unix::symlink(run, &next)?;
    fs::rename(&next, &latest).inspect_err(|_| drop(fs::remove_file(&next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_second_get_folders_of_their_own_and_the_link_goes_to_the_last() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let reports = scratch.path().join("reports");
        let first = Folder::fresh(&reports, "r").expect("created");
        let second = Folder::fresh(&reports, "r").expect("created");
        assert_eq!(first.path(), reports.join("r"));
        assert_eq!(second.path(), reports.join("r-2"));
        assert_eq!(fs::read_link(reports.join(LATEST)).expect("a link"), Path::new("r-2"));
        assert_eq!(fs::read_dir(&reports).expect("exists").count(), 3);
    }

    #[test]
    fn a_folder_that_is_called_latest_stays() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let latest = scratch.path().join(LATEST);
        fs::create_dir(&latest).expect("created");
        Folder::fresh(scratch.path(), "r").expect("created");
        assert!(fs::symlink_metadata(&latest).expect("there").is_dir());
    }

    #[test]
    fn a_folder_is_for_one_run_at_a_time() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let held = Folder::create(Some(scratch.path()), "r", &[]).expect("free");
        let refused = Folder::create(Some(scratch.path()), "r", &[]).expect_err("in use");
        assert!(refused.contains("another run of driftproof is at work"), "{refused}");
        drop(held);
        Folder::create(Some(scratch.path()), "r", &[]).expect("free again");
    }

    #[test]
    fn evidence_is_never_written_through_a_link_or_over_a_file() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let (run, foreign) = (scratch.path().join("run"), scratch.path().join("foreign"));
        fs::create_dir(&foreign).expect("created");
        let folder = Folder::create(Some(&run), "r", &[]).expect("free");
        unix::symlink(&foreign, run.join("web")).expect("linked");
        folder.evidence("web", false).expect_err("a link");
        assert_eq!(fs::read_dir(&foreign).expect("there").count(), 0);
        drop(folder.evidence("db", true).expect("free"));
        folder.evidence("db", false).expect_err("there is one");
    }
}
