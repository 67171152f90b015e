//! A mistake in a file, and how it is shown: code, file, line, the source underlined, and what to write instead.

use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::codes::Code;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind.
    pub code: Code,
    /// The file, as the person named it.
    pub file: String,
    /// What is wrong, lowercase and without a full stop.
    pub message: String,
    /// Bytes of the source that are wrong.
    pub span: Range<usize>,
    /// A word beside the underline; may be empty.
    pub label: String,
    /// Another place that matters, with its label: the first use of a name.
    pub other: Option<(Range<usize>, String)>,
    /// What to write instead; may be empty.
    pub help: String,
}

impl Diagnostic {
    /// A mistake without further words.
    pub(super) fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        let (file, label, help) = (String::new(), String::new(), String::new());
        Self { code, file, message: message.into(), span, label, other: None, help }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub(super) fn other(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.other = Some((span, label.into()));
        self
    }

    /// The line in which it begins, from 1.
    #[must_use]
    pub fn line(&self, text: &str) -> usize {
        text.bytes().take(self.span.start).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// Whether rendered text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// ANSI escapes.
    Always,
    /// Plain text.
    Never,
}

/// Mistakes of one file that are shown: whoever has more has one mistake, many times.
const SHOWN: usize = 60;

/// The mistakes of one file for people, an empty line between two, with a newline at the end. Of very many the first are
/// shown, and the others counted.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], name: &str, text: &str, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        out.push_str(&renderer.render(&[group(diagnostic, name, text)]));
        out.push_str("\n\n");
    }
    out.truncate(out.trim_end().len());
    if diagnostics.len() > SHOWN {
        let _ = write!(out, "\n\n… and {} more mistakes in {name}", diagnostics.len() - SHOWN);
    }
    out.push('\n');
    out
}

fn group<'a>(diagnostic: &'a Diagnostic, name: &'a str, text: &'a str) -> Group<'a> {
    let mut primary = AnnotationKind::Primary.span(within(&diagnostic.span, text));
    if !diagnostic.label.is_empty() {
        primary = primary.label(&diagnostic.label);
    }
    let mut snippet = Snippet::source(text).path(name).annotation(primary);
    if let Some((span, label)) = &diagnostic.other {
        snippet = snippet.annotation(AnnotationKind::Context.span(within(span, text)).label(label));
    }
    let title = Level::ERROR.primary_title(&diagnostic.message).id(diagnostic.code.to_string());
    let group = title.element(snippet);
    if diagnostic.help.is_empty() { group } else { group.element(Level::HELP.message(&diagnostic.help)) }
}

/// The span, cut to whole characters of the text: spans come from other crates' parsers.
fn within(span: &Range<usize>, text: &str) -> Range<usize> {
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let start = (0..=span.start.min(text.len())).rev().find(is_boundary).unwrap_or(0);
    let end = (span.end.clamp(start, text.len())..=text.len()).find(is_boundary).unwrap_or(text.len());
    start..end
}
