//! The embedded scheduler and volume controller against what the real ones were seen to decide (`recorded.json`, written
//! by `schedulerdiff --record`): no cluster is needed.

mod embedded;
mod words;
mod worlds;

use serde_json::Value;

fn recorded() -> Value {
    serde_json::from_str(include_str!("recorded.json")).expect("the record is JSON")
}

#[test]
fn the_embedded_scheduler_decides_as_a_real_one_did() {
    let recorded = recorded();
    let seed = recorded["seed"].as_u64().expect("a seed");
    let mut wrong = Vec::new();
    for (index, said) in recorded["places"].as_array().expect("worlds").iter().enumerate() {
        let said = said.as_array().expect("outcomes");
        let world = worlds::places(seed, index, said.len());
        for (newcomer, said) in world.newcomers.iter().zip(said) {
            let ours = embedded::place(&world, newcomer);
            if said != ours.as_str() {
                wrong.push(format!("world {index}, {}: real {said}, embedded {ours}", newcomer["metadata"]["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pods_with_claims_end_as_on_a_real_control_plane() {
    let recorded = recorded();
    let seed = recorded["seed"].as_u64().expect("a seed");
    let mut wrong = Vec::new();
    for (index, said) in recorded["consumers"].as_array().expect("worlds").iter().enumerate() {
        let said = said.as_array().expect("outcomes");
        let world = worlds::consumers(seed, index, said.len());
        for (group, said) in world.groups.iter().zip(said) {
            let ours = embedded::consume(&world.nodes, group);
            if said != ours.as_str() {
                wrong.push(format!("group {}: real {said}, embedded {ours}", group.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_embedded_volume_controller_binds_as_a_real_one_did() {
    let recorded = recorded();
    let seed = recorded["seed"].as_u64().expect("a seed");
    let mut wrong = Vec::new();
    for (index, said) in recorded["bindings"].as_array().expect("worlds").iter().enumerate() {
        let ours = embedded::bind(&worlds::volumes(seed, index));
        if said != ours.as_str() {
            wrong.push(format!("world {index}: real {said}, embedded {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
