//! Files as a run's folder needs them: replaced as a whole or not at all, never through a link.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file. Whatever happens, the name holds the old content or the new; a link of that name is replaced, not
/// followed.
///
/// # Errors
/// As the file system says; nothing is left of the attempt.
pub(in crate::cli) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let next = file.with_file_name(format!(".{name}.unfinished"));
    // Left by a run that was killed meanwhile.
    let _ = fs::remove_file(&next);
    let written = File::create_new(&next).and_then(|mut opened| {
        opened.write_all(content)?;
        opened.flush()
    });
    written.and_then(|()| fs::rename(&next, file)).inspect_err(|_| drop(fs::remove_file(&next)))
}

/// Whether this is a folder, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether this is a file, and no link to one.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Whether there is anything of this name, be it a link to nothing.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let (precious, link) = (scratch.path().join("precious"), scratch.path().join("report.md"));
        fs::write(&precious, "keep").expect("written");
        std::os::unix::fs::symlink(&precious, &link).expect("linked");
        replace(&link, b"new").expect("replaced");
        assert_eq!(fs::read_to_string(&precious).expect("there"), "keep");
        assert_eq!(fs::read_to_string(&link).expect("there"), "new");
        assert!(is_file(&link) && !is_folder(&link));
    }
}
