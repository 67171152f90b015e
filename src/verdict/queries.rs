//! Prometheus queries against their bounds. Every sample must keep the bound; no data is inconclusive.

use crate::measure::QueryMeasure;
use crate::scenario::Bound;

use super::Judgement;
use super::judgement::Case;

pub(super) fn queries(case: &Case<'_>) -> Vec<Judgement> {
    let queries = case.scenario.queries.iter();
    queries
        .map(|query| {
            let measured = case.measured.queries.iter().find(|measured| measured.name == query.name);
            let judged = judge(format!("query.{}", query.name), &query.bound, measured).bound(query.bound.clone());
            match Bound::parse(&query.bound) {
                Some(bound) => judged.limit(bound.comparison, bound.number, None),
                None => judged,
            }
        })
        .collect()
}

fn judge(objective: String, bound: &str, measured: Option<&QueryMeasure>) -> Judgement {
    let Some(bound) = Bound::parse(bound) else {
        return Judgement::inconclusive(objective, format!("`{bound}` is not a bound such as \">= 0.99\""));
    };
    let none = || {
        measured.map(|measured| measured.reason.as_str()).filter(|reason| !reason.is_empty()).unwrap_or("no samples")
    };
    let values = measured.and_then(|measured| measured.values.as_deref()).unwrap_or_default();
    if values.is_empty() {
        let knob = "--prometheus URL on a live cluster; --skip-queries leaves queries out";
        return Judgement::inconclusive(objective, format!("no data: {}", none())).knob(knob);
    }
    let wrong: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan() && !bound.holds(*value)).collect();
    if let Some(first) = wrong.first() {
        let reason = format!("{} of {} samples break the bound, the first is {first}", wrong.len(), values.len());
        return Judgement::fail(objective, reason).measured(first.to_string()).value(*first);
    }
    if values.iter().any(|value| value.is_nan()) {
        return Judgement::inconclusive(objective, "a sample is not a number");
    }
    let last = values.last().copied().unwrap_or_default();
    Judgement::pass(objective, format!("all {} samples keep the bound", values.len()))
        .measured(last.to_string())
        .value(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Outcome;

    #[test]
    fn every_sample_must_keep_the_bound() {
        let table: [(&str, Option<&[f64]>, Outcome); 9] = [
            (">= 0.99", Some(&[0.99, 1.0]), Outcome::Pass),
            (">= 0.99", Some(&[1.0, 0.98]), Outcome::Fail),
            ("< 5", Some(&[5.0]), Outcome::Fail),
            ("== 0", Some(&[0.0]), Outcome::Pass),
            ("!= 0", Some(&[0.0]), Outcome::Fail),
            ("<= 2", Some(&[f64::NAN]), Outcome::Inconclusive),
            ("<= 2", Some(&[]), Outcome::Inconclusive),
            ("<= 2", None, Outcome::Inconclusive),
            ("about 2", Some(&[2.0]), Outcome::Inconclusive),
        ];
        for (bound, values, outcome) in table {
            let measured =
                QueryMeasure { name: "q".to_owned(), values: values.map(<[f64]>::to_vec), reason: String::new() };
            assert_eq!(judge("query.q".to_owned(), bound, Some(&measured)).outcome, outcome, "{bound} {values:?}");
        }
    }
}
