//! `report.html`: one file that needs no network. Plots are SVG made here; nothing is computed in the browser.

mod drifts;
mod histories;
mod lanes;
mod page;
mod plots;
mod scale;
mod tables;

pub use page::html;
