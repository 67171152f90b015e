//! What `report.html` promises: one file, failures first, whatever text came from a cluster.

use driftproof::report::html;

use super::{read, without_verdicts};

/// Where a text stands, once.
fn at(page: &str, text: &str) -> usize {
    page.find(text).unwrap_or_else(|| panic!("no {text}"))
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = read("report.html");
    for reference in ["<link", "src=", "url(", "@import", "<iframe", "<object", "fetch(", "XMLHttpRequest", "import("] {
        // The hostile scenario's own text is there, escaped.
        let page = page.replace("src=x onerror", "");
        assert!(!page.contains(reference), "{reference}");
    }
    // The name space of a picture is a name, not a place.
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
}

#[test]
fn text_stays_text() {
    let page = read("report.html");
    assert!(page.contains("&lt;script&gt;alert(1)"), "the description is shown");
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    assert_eq!(page.matches("</style>").count(), 1, "only the page's own");
    assert!(!page.contains("<img"));
    let page = html(&without_verdicts());
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !page.contains("<b> &"), "{page}");
}

#[test]
fn what_did_not_pass_stands_before_what_did() {
    let page = read("report.html");
    let main = &page[at(&page, "<main")..];
    let place = |name: &str| at(main, &format!("id=\"{name}\""));
    let failed = place("hostpath-left-behind").max(place("single-replica"));
    assert!(failed < place("no-match"), "failed before inconclusive");
    assert!(place("no-match") < place("db-drained").min(place("pod-kill-one")), "inconclusive before passed");
    assert_eq!(main.matches("<details class=\"scenario pass\"").count(), 4, "passed ones are folded");
    assert_eq!(main.matches("<section").count(), 3, "the others are not");
    // The table above has those alone that did not pass.
    let table = &main[at(main, "summary\"")..at(main, "</table>")];
    assert!(table.contains("single-replica") && !table.contains("pod-kill-one"));
}

#[test]
fn every_scenario_can_be_linked_to_and_every_link_leads_somewhere() {
    for page in [read("report.html"), html(&without_verdicts())] {
        let anchors: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let links: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!links.is_empty());
        for link in links.iter().filter(|link| !link.is_empty()) {
            assert_eq!(anchors.iter().filter(|anchor| anchor == &link).count(), 1, "#{link}");
        }
    }
    for name in ["pod-kill-one", "single-replica", "no-match", "hostile"] {
        assert_eq!(read("report.html").matches(&format!(" id=\"{name}\"")).count(), 1, "{name}");
    }
}

#[test]
fn the_knob_stands_under_the_headline_and_in_the_table() {
    let page = read("report.html");
    let change = "<strong>Change: replicas on deployment/web";
    assert_eq!(page.matches(change).count(), 2, "in the table and under the headline");
    let section = &page[at(&page, "id=\"single-replica\"")..];
    assert!(at(section, "class=\"headline\"") < at(section, change) && at(section, change) < at(section, "<table"));
}

#[test]
fn a_passing_row_shows_the_bound_beside_the_number() {
    let page = read("report.html");
    let line = &page[at(&page, "<b>pod-kill-one</b>")..];
    let line = &line[..at(line, "</summary>")];
    assert!(line.contains("100%") && line.contains("≥ 99.9%"), "{line}");
}

#[test]
fn what_was_not_judged_is_a_row_with_its_reason() {
    let page = html(&without_verdicts());
    for text in ["NOT RUN", "--fail-fast: no-right did not pass", "ERROR", "the role that has it: driftproof rbac"] {
        assert!(page.contains(text), "{text}");
    }
    let main = &page[at(&page, "<main")..];
    assert!(at(main, "id=\"no-right\"") < at(main, "id=\"later\""), "an error before what was not run");
}

#[test]
fn the_same_results_give_the_same_page() {
    assert!(html(&without_verdicts()) == html(&without_verdicts()));
}
