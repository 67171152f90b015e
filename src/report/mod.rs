//! What became of each scenario (evidence, measurements, verdict; an error; not run) → bytes: JSON, JUnit XML, Markdown, self-contained HTML. Pure: computes no judgement.

mod figures;
mod html;
mod json;
mod junit;
mod knobs;
mod markdown;
mod results;
mod surroundings;
mod text;

pub use figures::{Figures, Recovery};
pub use html::html;
pub use json::{VERSION, json, json_schema, series};
pub use junit::junit;
pub use markdown::markdown;
pub use results::{Failure, Fate, Results, Row, Status};
pub use surroundings::Surroundings;
pub use text::world;

use crate::evidence::Header;
use crate::measure::Measurements;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// One scenario that was run and judged.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Folder of the scenario below the run's folder, also its name in tables.
    pub name: String,
    /// Where and how it was run.
    pub header: Header,
    /// What was planned; `None` when the run ended before.
    pub plan: Option<Plan>,
    /// What was measured.
    pub measurements: Measurements,
    /// How it was judged.
    pub verdict: Verdict,
    /// Where it ran and what it left.
    pub surroundings: Surroundings,
}
