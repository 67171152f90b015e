//! `report.html`: one file that needs no network. Plots are made here; a script in the page only filters, unfolds and leads to
//! the next failure, and the page is whole without it.

mod drifts;
mod histories;
mod lanes;
mod objectives;
mod order;
mod outages;
mod page;
mod plots;
mod scale;
mod scenario;
mod summary;
mod tables;
mod timeline;
mod words;

pub use page::html;
