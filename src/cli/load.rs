//! From paths to checked scenarios with their fixtures. Reports every mistake in every file before anything starts.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use driftproof::scenario::{self, Abort, Colour, FixtureFile, Scenario};
use serde_json::Value;

use super::args::{Cluster, Files};
use super::manifests::{self, Texts};
use super::review::review;
use super::sources::{self, Roots};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// A scenario that is ready to run.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The file as it was named.
    pub(super) path: PathBuf,
    /// The scenario.
    pub(super) scenario: Scenario,
    /// The objects of its fixtures.
    pub(super) manifests: Vec<Value>,
    /// What only another cluster than the embedded one can take, one line each.
    pub(super) remarks: Vec<String>,
    /// What was left out of it by `--skip-queries`, for people.
    pub(super) skipped: Vec<String>,
}

impl Loaded {
    /// Makes of the scenario what the arguments say beside it.
    pub(super) fn adapt(&mut self, cluster: &Cluster) {
        cluster.nodes.apply(&mut self.scenario);
        if cluster.skip_queries {
            let queries = self.scenario.queries.drain(..).map(|query| format!("query.{}", query.name));
            self.skipped.extend(queries);
            let (asking, others) = self.scenario.aborts.drain(..).partition(|abort| abort.query.is_some());
            self.scenario.aborts = others;
            let named = |abort: Abort| format!("the abort condition {}", abort.query.unwrap_or_default());
            self.skipped.extend(Vec::into_iter(asking).map(named));
        }
    }
}

/// What is wrong with the input, rendered for a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    /// The messages, in the order of the files.
    pub(super) messages: Vec<String>,
}

/// Which cluster the fixtures are meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// The embedded one, whose API server is asked what it makes of them.
    Embedded,
    /// A live one, which says itself what it takes.
    Live,
}

impl On {
    /// By the context that was named.
    pub(super) fn of(context: Option<&String>) -> Self {
        if context.is_some() { Self::Live } else { Self::Embedded }
    }
}

/// Reads and checks all scenarios.
///
/// # Errors
/// Every mistake in every file, rendered.
pub(super) fn load(files: &Files, cluster: On, colour: Colour) -> Result<Vec<Loaded>, Rejected> {
    let mut messages = Vec::new();
    let mut loaded: Vec<Loaded> = Vec::new();
    for path in paths(files, &mut messages) {
        match read(&path, files, cluster, colour) {
            Ok(one) => loaded.push(one),
            Err(mut problems) => messages.append(&mut problems),
        }
    }
    let tags: BTreeSet<String> = loaded.iter().flat_map(|one| one.scenario.tags.iter().cloned()).collect();
    if !files.tag.is_empty() {
        loaded.retain(|one| one.scenario.tags.iter().any(|tag| files.tag.contains(tag)));
    }
    messages.extend(same_names(&loaded));
    if messages.is_empty() && loaded.is_empty() {
        messages.push(if files.tag.is_empty() {
            "error: no scenario found: give a .toml file, or a folder that holds some".to_owned()
        } else {
            let there = if tags.is_empty() {
                "none has any".to_owned()
            } else {
                format!("tags here are {}", tags.into_iter().collect::<Vec<_>>().join(", "))
            };
            format!("error: no scenario has the tag {}: {there}", files.tag.join(" or "))
        });
    }
    if messages.is_empty() { Ok(loaded) } else { Err(Rejected { messages }) }
}

/// The scenario files that the arguments name, each folder's in the order of their names.
fn paths(files: &Files, messages: &mut Vec<String>) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in &files.paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut found: Vec<PathBuf> = entries
                    .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                    .filter(|path| path.extension().is_some_and(|extension| extension == "toml") && path.is_file())
                    .collect();
                found.sort();
                if found.is_empty() {
                    messages.push(format!("error: {}: no .toml file in this folder", path.display()));
                }
                all.append(&mut found);
            }
            Err(error) => messages.push(format!("error: {}: {error}", path.display())),
        }
    }
    all
}

fn read(path: &Path, files: &Files, cluster: On, colour: Colour) -> Result<Loaded, Vec<String>> {
    let stdin = path == Path::new(STDIN);
    let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
    let text = if stdin {
        sources::limited(io::stdin().lock())
    } else if sources::leads_out(path) {
        Err("it is a link that leads out of its folder: name the file itself".to_owned())
    } else {
        sources::text(path)
    };
    let text = text.map_err(|error| vec![format!("error: {name}: {error}")])?;
    let (scenario, mistakes) = scenario::draft(&name, &text);
    // Fixtures of a scenario from standard input are found from here.
    let folder = path.parent().unwrap_or(Path::new(""));
    let roots = Roots::of(folder, &files.manifest_root);
    let (mut messages, mut texts) = (Vec::new(), Texts::new());
    let files: Vec<FixtureFile> = scenario
        .fixture
        .manifests
        .iter()
        .map(|entry| {
            manifests::read(folder, entry, &roots, &mut texts, colour).unwrap_or_else(|mut problems| {
                messages.append(&mut problems);
                FixtureFile::Unread
            })
        })
        .collect();
    let mistakes = scenario::check_fixture(&name, &text, &scenario, &files, mistakes);
    if !mistakes.is_empty() {
        messages.insert(0, scenario::render(&mistakes, &name, &text, colour));
    }
    let mut remarks = Vec::new();
    if cluster == On::Embedded {
        let review = review(&scenario, &files, &texts, colour);
        messages.extend(review.messages);
        remarks = review.remarks;
    }
    if !messages.is_empty() {
        return Err(messages);
    }
    let manifests = files.iter().flat_map(FixtureFile::objects).cloned().collect();
    Ok(Loaded { path: path.to_owned(), scenario, manifests, remarks, skipped: Vec::new() })
}

/// Two scenarios of one name would write to one folder.
fn same_names(loaded: &[Loaded]) -> Vec<String> {
    let mut messages = Vec::new();
    for (index, one) in loaded.iter().enumerate() {
        if let Some(other) = loaded[..index].iter().find(|other| other.scenario.name == one.scenario.name) {
            messages.push(format!(
                "error: {} and {} have the same name `{}`: rename one, or run them apart",
                other.path.display(),
                one.path.display(),
                one.scenario.name
            ));
        }
    }
    messages
}
