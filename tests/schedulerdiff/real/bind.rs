//! The real volume controller and claims without pods: many worlds at once, which do not meet.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CLAIMS, CLASSES, GLANCE, Real, VOLUMES, name, of};
use crate::words;
use crate::worlds::{self, NAMESPACE, Volumes};

/// A volume and a claim for each other, by which one sees that the controller has come to the end of its queues.
const MARKER: &str = "marker";
/// More than the controller's own (`control-plane`), after which it looks at everything again.
const SYNC_PERIOD: Duration = Duration::from_millis(1200);

impl Real {
    /// What becomes of the claims and volumes of worlds.
    pub(crate) async fn bind(&self, all: &[Volumes]) -> Result<Vec<String>, String> {
        for class in worlds::storage_classes() {
            self.send("POST", CLASSES, &class).await?;
        }
        self.create_all(VOLUMES, all.iter().flat_map(|world| &world.volumes)).await?;
        self.settle().await?;
        let longest = all.iter().map(|world| world.claims.len()).max().unwrap_or_default();
        for index in 0..longest {
            self.create_all(CLAIMS, all.iter().filter_map(|world| world.claims.get(index))).await?;
            self.settle().await?;
        }
        let mut known = self.list(VOLUMES).await?;
        known.extend(self.list(CLAIMS).await?);
        let found = |object: &Value| {
            let found = known.iter().find(|known| name(known) == name(object)).cloned();
            (name(object).to_owned(), found.unwrap_or_default())
        };
        let outcome = |world: &Volumes| {
            words::bindings(&world.volumes.iter().chain(&world.claims).map(found).collect::<Vec<_>>())
        };
        let outcomes = all.iter().map(outcome).collect();
        self.clear(CLAIMS).await?;
        self.clear(VOLUMES).await?;
        Ok(outcomes)
    }

    /// Waits until the volume controller has nothing to do: it has looked at everything again, and nothing changed.
    pub(super) async fn settle(&self) -> Result<(), String> {
        let mut known = Vec::new();
        for _ in 0..50 {
            self.queues_passed().await?;
            tokio::time::sleep(SYNC_PERIOD).await;
            self.queues_passed().await?;
            let mut all = self.list(VOLUMES).await?;
            all.extend(self.list(CLAIMS).await?);
            let phases: Vec<_> =
                all.iter().map(|object| (name(object).to_owned(), object["status"]["phase"].clone())).collect();
            if phases == known {
                return Ok(());
            }
            known = phases;
        }
        Err("volumes and claims do not come to rest".to_owned())
    }

    /// The controller works on claims and on volumes one after the other: what was before the marker is done.
    async fn queues_passed(&self) -> Result<(), String> {
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": MARKER },
            "spec": {
                "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "storageClassName": MARKER,
                "hostPath": { "path": "/d" }, "persistentVolumeReclaimPolicy": "Retain",
            },
        });
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": MARKER, "namespace": NAMESPACE },
            "spec": {
                "resources": { "requests": { "storage": "1Gi" } }, "accessModes": ["ReadWriteOnce"],
                "storageClassName": MARKER,
            },
        });
        for (path, object, phase) in [(VOLUMES, &volume, "Available"), (CLAIMS, &claim, "Bound")] {
            self.send("POST", path, object).await?;
            self.reaches(&of(path, object), phase).await?;
        }
        for (path, object) in [(CLAIMS, &claim), (VOLUMES, &volume)] {
            let path = of(path, object);
            self.delete(&path).await?;
            self.patch(&path, &json!({ "metadata": { "finalizers": null } })).await?;
        }
        Ok(())
    }

    async fn reaches(&self, path: &str, phase: &str) -> Result<(), String> {
        for _ in 0..4000 {
            let (_, known) = self.send("GET", path, &Value::Null).await?;
            if known["status"]["phase"] == phase {
                return Ok(());
            }
            tokio::time::sleep(GLANCE).await;
        }
        Err(format!("{path} does not become {phase}: does the volume controller run?"))
    }
}
