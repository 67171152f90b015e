//! Every scenario and every part of one that the README shows can be run as it stands.

use std::path::Path;

use driftproof::scenario::{Colour, FaultKind, parse, render};

/// What a recipe leaves out.
const HEAD: &str = "name = \"recipe\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n";

/// The TOML blocks of the README.
fn blocks(text: &str) -> Vec<String> {
    let parts = text.split("\n```toml\n").skip(1);
    parts.filter_map(|rest| rest.split("\n```").next()).map(|block| format!("{block}\n")).collect()
}

#[test]
fn every_recipe_of_the_readme_is_a_valid_scenario() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("readable");
    let blocks = blocks(&readme);
    let mut commands = 0;
    for block in &blocks {
        let text = if block.contains("[target]") { block.clone() } else { format!("{HEAD}{block}") };
        let scenario = parse("README.md", &text)
            .unwrap_or_else(|found| panic!("{block}\n{}", render(&found, "README.md", &text, Colour::Never)));
        let pairs = scenario.faults.iter().filter_map(|fault| match &fault.kind {
            FaultKind::NodeFailure(failure) => failure.command.as_ref(),
            FaultKind::PodKill(_)
            | FaultKind::NetworkPartition(_)
            | FaultKind::NodeDrain(_)
            | FaultKind::EtcdMemberReplace(_) => None,
        });
        for pair in pairs {
            commands += 1;
            for script in [&pair.inject, &pair.heal] {
                let checked = std::process::Command::new("sh").args(["-n", "-c", script]).status().expect("sh");
                assert!(checked.success(), "not for the shell: {script}");
                assert!(script.contains("$DRIFTPROOF_NODE"), "for every node the same: {script}");
            }
        }
    }
    assert!(commands >= 5, "recipes for kind, libvirt and three clouds: {commands}");
}
