//! The same seed gives the same bytes.

use std::time::Duration;

use kube::api::ListParams;
use serde_json::json;

use super::{api, config, create, pod};
use crate::{Cluster, Kind, Settings};

async fn story(seed: u64) -> String {
    let client = Cluster::start(Settings { nodes: Vec::new(), ..Settings::default() }, seed).client();
    let mut generated = pod("ignored", json!({}));
    generated["metadata"] = json!({ "generateName": "web-" });
    let tasks: Vec<_> = (0..5)
        .map(|index| {
            let (client, generated) = (client.clone(), generated.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(index % 3)).await;
                create(&client, Kind::Pod, generated).await.expect("create");
                create(&client, Kind::ConfigMap, config(&format!("c{index}"), json!({}))).await.expect("create");
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("joined");
    }
    let mut story = String::new();
    for kind in [Kind::Pod, Kind::ConfigMap] {
        let list = api(&client, kind).list(&ListParams::default()).await.expect("list");
        story.push_str(&serde_json::to_string(&list).expect("JSON"));
    }
    story
}

#[tokio::test(start_paused = true)]
async fn two_runs_are_equal_and_two_seeds_are_not() {
    let first = story(7).await;
    assert_eq!(first, story(7).await);
    assert_ne!(first, story(8).await);
}
