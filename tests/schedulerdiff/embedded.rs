//! The embedded scheduler and volume controller: a fresh control plane without machines for each question.

use std::time::Duration;

use driftproof::sim::{Key, Kind, Settings, State};
use serde_json::{Value, json};

use crate::words;
use crate::worlds::{self, Group, NAMESPACE, Places, Volumes};

fn control_plane() -> State {
    let mut settings = Settings { nodes: Vec::new(), ..Settings::default() };
    // Nobody renews Leases or runs pods here: nobody may notice.
    settings.timings.node_monitor_grace_period = Duration::from_secs(1 << 30);
    settings.timings.pod_gc_period = Duration::from_secs(1 << 30);
    let mut state = State::new(settings, 1);
    state.boot();
    state
}

fn create(state: &mut State, kind: Kind, object: &Value) -> Result<(), String> {
    state.create(kind, object.clone()).map(drop).map_err(|error| format!("refused: {}", error.message))
}

fn run(state: &mut State, seconds: u64) {
    state.advance(state.now + Duration::from_secs(seconds));
}

/// What becomes of one newcomer of a world.
pub(crate) fn place(world: &Places, newcomer: &Value) -> String {
    let mut state = control_plane();
    let all = [(Kind::PriorityClass, worlds::priority_classes()), (Kind::Node, world.nodes.clone())];
    for (kind, objects) in all.into_iter().chain([(Kind::Pod, world.placed.clone())]) {
        for object in objects {
            if let Err(why) = create(&mut state, kind, &object) {
                return format!("the world is {why}");
            }
        }
    }
    run(&mut state, 1);
    if create(&mut state, Kind::Pod, newcomer).is_err() {
        return "refused".to_owned();
    }
    let name = newcomer["metadata"]["name"].as_str().unwrap_or_default();
    state.advance(state.now + Duration::from_millis(500));
    let ended = state.store.in_namespace(Kind::Pod, NAMESPACE).filter(|(_, pod)| pod.is_terminating());
    let ended: Vec<_> = ended.map(|(key, _)| key.name.clone()).collect();
    let pod = state.store.find(Kind::Pod, NAMESPACE, name).map(|pod| pod.value().clone()).unwrap_or_default();
    words::outcome(&pod, &ended).unwrap_or_else(|| "nothing".to_owned())
}

/// What becomes of one group of a world with these nodes.
pub(crate) fn consume(nodes: &[Value], group: &Group) -> String {
    let mut state = control_plane();
    let classes = (Kind::PriorityClass, worlds::priority_classes());
    let before = [classes, (Kind::Node, nodes.to_vec()), (Kind::StorageClass, group.classes.clone())];
    let stages = [
        before.to_vec(),
        vec![(Kind::PersistentVolume, group.volumes.clone())],
        vec![(Kind::PersistentVolumeClaim, group.claims.clone())],
        vec![(Kind::Pod, group.holders.clone())],
    ];
    let newcomers = group.newcomers.iter().map(|newcomer| vec![(Kind::Pod, vec![newcomer.clone()])]);
    for stage in stages.into_iter().chain(newcomers) {
        for (kind, objects) in stage {
            for object in objects {
                if let Err(why) = create(&mut state, kind, &object) {
                    return format!("{} is {why}", text(&object));
                }
            }
        }
        run(&mut state, 20);
    }
    words::group(group, group.newcomers.len(), |name| {
        let found = |kind| state.store.find(kind, NAMESPACE, name);
        found(Kind::Pod).or_else(|| found(Kind::PersistentVolumeClaim)).map(|object| object.value())
    })
}

/// What becomes of the claims and volumes of a world.
pub(crate) fn bind(world: &Volumes) -> String {
    let mut state = control_plane();
    for class in worlds::storage_classes() {
        if let Err(why) = create(&mut state, Kind::StorageClass, &class) {
            return why;
        }
    }
    let mut names = Vec::new();
    for volume in &world.volumes {
        if let Err(why) = create(&mut state, Kind::PersistentVolume, volume) {
            return why;
        }
        names.push((Kind::PersistentVolume, Key::cluster(text(volume))));
    }
    run(&mut state, 5);
    for claim in &world.claims {
        if let Err(why) = create(&mut state, Kind::PersistentVolumeClaim, claim) {
            return why;
        }
        names.push((Kind::PersistentVolumeClaim, Key::new(NAMESPACE, text(claim))));
        run(&mut state, 5);
    }
    let found = names.into_iter().map(|(kind, key)| {
        let object = state.store.get(kind, &key).map_or_else(|| json!({}), |object| object.value().clone());
        (key.name, object)
    });
    words::bindings(&found.collect::<Vec<_>>())
}

fn text(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
