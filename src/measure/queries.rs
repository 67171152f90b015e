//! Answers of Prometheus by query. Does not compare them with a bound.

use super::model::QueryMeasure;
use super::timeline::Timeline;

pub(super) fn queries(timeline: &Timeline<'_>) -> Vec<QueryMeasure> {
    let measure = |(index, name): (usize, &str)| {
        let mut measured = QueryMeasure { name: name.to_owned(), values: None, reason: "it was not asked".to_owned() };
        for answer in timeline.queries.iter().filter(|answer| answer.query == index) {
            match &answer.values {
                Some(values) => measured.values.get_or_insert_default().extend(values),
                None => measured.reason.clone_from(&answer.reason),
            }
        }
        if measured.values.is_some() {
            measured.reason.clear();
        }
        measured
    };
    timeline.scenario.queries.iter().map(|query| query.name.as_str()).enumerate().map(measure).collect()
}
