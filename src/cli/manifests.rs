//! Where the manifests of a fixture come from: a file, a folder as `kubectl apply -f FOLDER` reads it, or what is piped in.
//! Reads; never judges what it read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use driftproof::scenario::{self, Colour, FixtureFile};

use super::sources::{self, Roots};

/// Stands for what is piped in.
const PIPED: &str = "-";

/// What was piped in, read once for all scenarios that name it.
static STDIN: OnceLock<Result<String, String>> = OnceLock::new();

/// The texts that were read, by the name under which messages show them.
pub(super) type Texts = BTreeMap<String, String>;

/// Reads one entry of `fixture.manifests`.
///
/// # Errors
/// The messages for all its files that could not be read.
pub(super) fn read(
    folder: &Path,
    entry: &str,
    roots: &Roots,
    texts: &mut Texts,
    colour: Colour,
) -> Result<FixtureFile, Vec<String>> {
    let path = folder.join(entry);
    let text = |file: &Path| (file.display().to_string(), roots.inside(file).and_then(|real| sources::regular(&real)));
    let sources = if entry == PIPED {
        vec![("(piped in)".to_owned(), piped())]
    } else if path.is_dir() {
        roots.inside(&path).map_err(|why| vec![format!("error: {}: {why}", path.display())])?;
        let files = files(&path).map_err(|error| vec![format!("error: {}: {error}", path.display())])?;
        if files.is_empty() {
            return Err(vec![format!("error: {}: no .yaml, .yml or .json file in this folder", path.display())]);
        }
        files.iter().map(|file| text(file)).collect()
    } else if path.exists() {
        vec![text(&path)]
    } else {
        return Ok(FixtureFile::Missing);
    };
    let (mut objects, mut messages) = (Vec::new(), Vec::new());
    for (name, text) in sources {
        match text.map(|text| (scenario::documents(&name, &text), text)) {
            Ok((Ok(mut read), text)) => {
                objects.append(&mut read);
                texts.insert(name, text);
            }
            // What is no manifest at all may be anything that lies there, and is not repeated.
            Ok((Err(_), text)) if !is_manifest(&text) => {
                messages.push(format!(
                    "error: {name}: it holds no object of Kubernetes: no line has `apiVersion` or `kind`"
                ));
            }
            Ok((Err(diagnostics), text)) => messages.push(scenario::render(&diagnostics, &name, &text, colour)),
            Err(message) => messages.push(format!("error: {name}: {message}")),
        }
    }
    if messages.is_empty() { Ok(FixtureFile::Read(objects)) } else { Err(messages) }
}

fn is_manifest(text: &str) -> bool {
    ["apiVersion", "kind"].into_iter().any(|word| text.contains(word))
}

/// The manifests in a folder, in the order of their names; folders below it are not looked into.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_manifest = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml" | "json")) && path.is_file()
    };
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = entries.collect::<io::Result<Vec<_>>>()?.into_iter().filter(is_manifest).collect();
    files.sort();
    Ok(files)
}

fn piped() -> Result<String, String> {
    let read = || {
        let mut stdin = io::stdin();
        if stdin.is_terminal() {
            return Err("nothing is piped in; for example: kustomize build FOLDER | driftproof run SCENARIO".to_owned());
        }
        let text = sources::limited(&mut stdin)?;
        if text.trim().is_empty() {
            return Err("what was piped in is empty; does the command before the pipe print manifests?".to_owned());
        }
        Ok(text)
    };
    STDIN.get_or_init(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
    }

    #[test]
    fn a_folder_is_read_as_kubectl_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("k8s");
        fs::create_dir_all(below.join("deeper")).expect("folders");
        for (file, text) in [
            ("b.yml", object("b")),
            ("a.yaml", object("a")),
            ("c.json", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}".to_owned()),
            ("README.md", "hello".to_owned()),
            ("deeper/d.yaml", object("d")),
        ] {
            fs::write(below.join(file), text).expect("a file");
        }
        let mut texts = Texts::new();
        let read = read(folder.path(), "k8s", &Roots::of(folder.path(), &[]), &mut texts, Colour::Never)
            .expect("a folder of manifests");
        let names: Vec<&str> = read.objects().filter_map(|object| object["metadata"]["name"].as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(texts.len(), 3);
    }

    #[test]
    fn all_files_that_cannot_be_read_are_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.yaml"), "a: [").expect("a file");
        fs::write(folder.path().join("b.yaml"), "kind: A").expect("a file");
        let roots = Roots::of(folder.path(), &[]);
        let told = read(folder.path(), ".", &roots, &mut Texts::new(), Colour::Never).expect_err("two mistakes");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(read(folder.path(), "absent", &roots, &mut Texts::new(), Colour::Never), Ok(FixtureFile::Missing));
    }
}
