//! The real scheduler and volume controller, and pods with claims: all groups of a world at once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{CLAIMS, CLASSES, NODES, PODS, Real, VOLUMES, name};
use crate::words;
use crate::worlds::Group;
use crate::worlds::consumers::Consumers;

/// The scheduler asks once a second whether the claims of a pod are bound: so long nothing may have changed, and more.
const STABLE: Duration = Duration::from_millis(1500);
/// Longer than any of them takes.
const LIMIT: Duration = Duration::from_secs(20);

impl Real {
    /// What becomes of each group of a world.
    pub(crate) async fn consume(&self, world: &Consumers) -> Result<Vec<String>, String> {
        let groups = || world.groups.iter();
        self.create_nodes(&world.nodes).await?;
        self.create_all(CLASSES, groups().flat_map(|group| &group.classes)).await?;
        self.create_all(VOLUMES, groups().flat_map(|group| &group.volumes)).await?;
        self.settle().await?;
        // One after the other, for the first may take the volume that the second names.
        for index in 0..groups().map(|group| group.claims.len()).max().unwrap_or_default() {
            self.create_all(CLAIMS, groups().filter_map(|group| group.claims.get(index))).await?;
        }
        self.settle().await?;
        for holder in groups().flat_map(|group| &group.holders) {
            self.create_placed(holder).await?;
        }
        self.settle().await?;
        let longest = groups().map(|group| group.newcomers.len()).max().unwrap_or_default();
        let mut outcomes = Vec::new();
        for index in 0..longest {
            self.create_all(PODS, groups().filter_map(|group| group.newcomers.get(index))).await?;
            outcomes = self.outcomes(world, index).await?;
        }
        for path in [PODS, CLAIMS, VOLUMES, CLASSES, NODES] {
            self.clear(path).await?;
        }
        tokio::time::sleep(STABLE).await;
        Ok(outcomes)
    }

    /// What became of every group, once it stays the same.
    async fn outcomes(&self, world: &Consumers, created: usize) -> Result<Vec<String>, String> {
        let (begin, mut since, mut known) = (Instant::now(), Instant::now(), Vec::new());
        while since.elapsed() < STABLE && begin.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut all = BTreeMap::new();
            for path in [PODS, CLAIMS, VOLUMES] {
                all.extend(self.list(path).await?.into_iter().map(|object| (name(&object).to_owned(), object)));
            }
            let found = |group: &Group| words::group(group, created + 1, |name| all.get(name));
            let outcomes: Vec<_> = world.groups.iter().map(found).collect();
            if outcomes != known || outcomes.iter().any(|outcome| outcome.contains("undecided")) {
                (since, known) = (Instant::now(), outcomes);
            }
        }
        Ok(known)
    }
}
