//! What is wrong with the fixture of a scenario, told where the scenario names it: manifests that are not there, manifests
//! that leave the target's namespace, and leave that nothing needs. Reads no file; which objects leave is `scope`'s decision.

use serde_json::Value;
use toml::de::DeTable;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::manifests::Manifest;
use super::parse::finish;
use super::reader::listed;
use super::scope::{Refusal, Scopes, Way, is_named, kind_of, objects};
use super::spans::Spans;
use super::{PROTECTED_NAMESPACES, Scenario};

/// What is known of one file that a fixture names.
#[derive(Clone, Debug, PartialEq)]
pub enum FixtureFile {
    /// There is no such file.
    Missing,
    /// It could not be read; that is told elsewhere.
    Unread,
    /// Its objects; of a folder, those of all its files.
    Read(Vec<Manifest>),
}

impl FixtureFile {
    /// Its objects with their places, none when it was not read.
    #[must_use]
    pub fn manifests(&self) -> &[Manifest] {
        if let Self::Read(all) = self { all } else { &[] }
    }

    /// Its objects, none when it was not read.
    pub fn objects(&self) -> impl Iterator<Item = &Value> + Clone {
        self.manifests().iter().map(|manifest| &manifest.object)
    }
}

/// What a fixture is read by.
const KEYS: [&str; 5] =
    ["target/namespace", "fixture/manifests", "fixture/namespaces", "fixture/cluster_scoped", "guard/allow"];

/// Adds to the mistakes of a scenario those of its fixture; `files` are those of `fixture.manifests`, in their order.
#[must_use]
pub fn check_fixture(
    name: &str,
    text: &str,
    scenario: &Scenario,
    files: &[FixtureFile],
    mut found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let spans = Spans::new(document.get_ref());
    let is_misread = |key: &&str| {
        let span = spans.of(key);
        spans.has(key) && found.iter().any(|other| span.start <= other.span.start && other.span.end <= span.end)
    };
    // What was read wrongly, or not at all, would be blamed on the manifests.
    if !errors.is_empty() || scenario.target.namespace.is_empty() || KEYS.iter().any(is_misread) {
        return found;
    }
    for (index, file) in files.iter().enumerate() {
        if *file == FixtureFile::Missing {
            let message = format!("there is no manifest `{}`", scenario.fixture.manifests[index]);
            let diagnostic = Diagnostic::new(Code::MissingManifest, spans.of(&place(index)), message);
            found
                .push(diagnostic.help(
                    "paths are relative to the scenario file; a folder and `-` (what is piped in) are taken too",
                ));
        }
    }
    let manifests = files.iter().flat_map(FixtureFile::objects);
    let scopes = Scopes::new(scenario, manifests.clone());
    for (index, file) in files.iter().enumerate() {
        leaving(scenario, &scopes, index, file, spans, &mut found);
    }
    if files.iter().all(|file| matches!(file, FixtureFile::Read(_))) {
        super::named::check(scenario, &scopes, manifests.clone(), spans, &mut found);
        idle(scenario, &scopes, manifests, spans, &mut found);
    }
    finish(&mut found, name);
    found
}

fn place(index: usize) -> String {
    format!("fixture/manifests/{index}")
}

/// One diagnostic for each namespace and each kind that the objects of one file leave by.
fn leaving(
    scenario: &Scenario,
    scopes: &Scopes<'_>,
    index: usize,
    written: &FixtureFile,
    spans: Spans<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut ways: Vec<(Refusal, usize)> = Vec::new();
    for refusal in written.objects().flat_map(objects).filter_map(|object| scopes.refusal(object)) {
        match ways.iter_mut().find(|(known, _)| known.way == refusal.way) {
            Some((_, more)) => *more += 1,
            None => ways.push((refusal, 0)),
        }
    }
    let (file, target) = (&scenario.fixture.manifests[index], &scenario.target.namespace);
    for (refusal, more) in ways {
        let what = if more == 0 { refusal.object.clone() } else { format!("{} and {more} more", refusal.object) };
        let message = match &refusal.way {
            Way::Namespace(namespace) if namespace == target => {
                format!("`{file}` writes into the protected namespace {target}: {what}")
            }
            Way::Namespace(_) | Way::Kind(_) => format!("`{file}` leaves the target's namespace {target}: {what}"),
        };
        let help = match &refusal.way {
            Way::Namespace(namespace) if PROTECTED_NAMESPACES.contains(&namespace.as_str()) => {
                format!("the cluster itself depends on {namespace}; {} would allow it", refusal.allow)
            }
            Way::Namespace(_) => format!("if it must, allow it by name: {}", refusal.allow),
            Way::Kind(kind) => {
                format!(
                    "{kind} has no namespace, it is the whole cluster's; if it must be, allow it by name: {}",
                    refusal.allow
                )
            }
        };
        found.push(Diagnostic::new(Code::LeavesNamespace, spans.of(&place(index)), message).help(help));
    }
}

/// Leave that no manifest needs is only a hole.
fn idle<'a>(
    scenario: &Scenario,
    scopes: &Scopes<'_>,
    manifests: impl Iterator<Item = &'a Value>,
    spans: Spans<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let objects: Vec<&Value> = manifests.flat_map(objects).collect();
    let kinds: Vec<(&str, &str)> =
        objects.iter().filter(|object| scopes.namespace(object).is_none()).map(|object| kind_of(object)).collect();
    for (index, word) in scenario.fixture.cluster_scoped.iter().enumerate() {
        if word == "Namespace" || !kinds.iter().any(|(group, kind)| is_named(word, group, kind)) {
            let message = format!("no manifest needs `{word}` without a namespace to be allowed");
            let help = match word.as_str() {
                "Namespace" => "namespaces are allowed by their own names, in `namespaces`",
                _ => "leave it out: what is allowed and not needed is only a hole",
            };
            let span = spans.of(&format!("fixture/cluster_scoped/{index}"));
            found.push(Diagnostic::new(Code::NoEffect, span, message).help(help));
        }
    }
    let used: Vec<&str> = objects.iter().filter_map(|object| scopes.home(object)).collect();
    for (index, name) in scenario.fixture.namespaces.iter().enumerate() {
        let span = spans.of(&format!("fixture/namespaces/{index}"));
        if *name == scenario.target.namespace {
            let message = format!("`{name}` is the target's namespace, which fixtures may write into");
            found.push(Diagnostic::new(Code::NoEffect, span, message).help("leave it out"));
        } else if !used.contains(&name.as_str()) {
            let mut others: Vec<&str> = used.clone();
            others.sort_unstable();
            others.dedup();
            let help = format!("the manifests write into {}", listed(&others));
            let message = format!("no manifest writes into `{name}`");
            found.push(Diagnostic::new(Code::NoEffect, span, message).help(help));
        }
    }
}
