//! Reading files that a stranger's scenario names, or is: below the folders that are meant, links resolved, up to a size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Neither a scenario nor a file of manifests is longer.
const LONGEST: u64 = 32 << 20;

/// The folders below which files may lie.
#[derive(Clone, Debug)]
pub(super) struct Roots(Vec<PathBuf>);

impl Roots {
    /// Below the folder of the scenario, below the one in which the command was called, and below those that were named.
    pub(super) fn of(folder: &Path, named: &[PathBuf]) -> Self {
        let here = std::env::current_dir().ok().filter(|here| here.parent().is_some());
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let all = [folder.to_owned()].into_iter().chain(here).chain(named.iter().cloned());
        Self(all.filter_map(|root| root.canonicalize().ok()).collect())
    }

    /// The path without links.
    ///
    /// # Errors
    /// That it leads out, or why it cannot be followed.
    pub(super) fn inside(&self, path: &Path) -> Result<PathBuf, String> {
        let real = path.canonicalize().map_err(|error| error.to_string())?;
        if self.0.iter().any(|root| real.starts_with(root)) {
            return Ok(real);
        }
        Err("it lies neither below the scenario's folder nor below this one: allow its folder by --manifest-root DIR"
            .to_owned())
    }
}

/// Whether a link leads out of its own folder, and not into the one in which the command was called. What a person has piped
/// in by name (`<(…)` of a shell) does not.
pub(super) fn leads_out(path: &Path) -> bool {
    let is_link = path.symlink_metadata().is_ok_and(|data| data.file_type().is_symlink());
    let is_file = path.metadata().is_ok_and(|data| data.is_file());
    is_link && is_file && Roots::of(path.parent().unwrap_or(Path::new("")), &[]).inside(path).is_err()
}

/// The text of a file, or of what is piped in under a name.
///
/// # Errors
/// Why it is none.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    limited(file)
}

/// The text of a regular file.
///
/// # Errors
/// Why it is none.
pub(super) fn regular(path: &Path) -> Result<String, String> {
    if !fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    text(path)
}

/// What can be read, up to the limit.
///
/// # Errors
/// That it is too long, no text, or cannot be read.
pub(super) fn limited(from: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error: io::Error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {} MiB", LONGEST >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_elsewhere_is_read_when_its_folder_is_named() {
        let (own, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let secret = other.path().join("secret");
        fs::write(&secret, "hunter2").expect("written");
        std::os::unix::fs::symlink(&secret, own.path().join("link.yaml")).expect("linked");
        fs::create_dir(own.path().join("sub")).expect("made");
        fs::write(own.path().join("own.yaml"), "a: 1").expect("written");
        let roots = Roots::of(own.path(), &[]);
        for out in [secret.clone(), own.path().join("link.yaml"), PathBuf::from("/proc/self/environ")] {
            let refusal = roots.inside(&out).expect_err("it leads out");
            assert!(refusal.contains("--manifest-root"), "{refusal}");
        }
        assert!(leads_out(&own.path().join("link.yaml")) && !leads_out(&own.path().join("own.yaml")));
        assert!(roots.inside(&own.path().join("sub/../own.yaml")).is_ok());
        assert!(Roots::of(own.path(), &[other.path().to_owned()]).inside(&secret).is_ok());
    }

    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        assert_eq!(limited(io::repeat(b'a')), Err("it is longer than 32 MiB".to_owned()));
        assert_eq!(limited(&b"\xff"[..]), Err("it is not text in UTF-8".to_owned()));
        assert!(regular(Path::new("/dev/zero")).is_err());
    }
}
