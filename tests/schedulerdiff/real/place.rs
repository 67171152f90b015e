//! The real scheduler and pods without claims: one after the other in the same world.

use std::time::Duration;

use serde_json::Value;

use super::{GLANCE, NODES, PODS, Real, name, of};
use crate::words;
use crate::worlds::Places;

/// Until informers have seen what was written.
const SEEN: Duration = Duration::from_millis(100);
/// Until the scheduler has forgotten a pod that was deleted.
const FORGOTTEN: Duration = Duration::from_millis(20);
/// How long the pods that are ended for another must have stayed the same.
const STABLE: Duration = Duration::from_millis(200);

impl Real {
    /// What becomes of each newcomer of a world.
    pub(crate) async fn place(&self, world: &Places) -> Result<Vec<String>, String> {
        self.create_nodes(&world.nodes).await?;
        let mut outcomes = Vec::new();
        self.stand(world).await?;
        for newcomer in &world.newcomers {
            let (outcome, spoiled) = self.ask(newcomer).await?;
            outcomes.push(outcome);
            if spoiled {
                self.clear(PODS).await?;
                self.stand(world).await?;
            }
        }
        self.clear(PODS).await?;
        self.clear(NODES).await?;
        tokio::time::sleep(SEEN).await;
        Ok(outcomes)
    }

    /// Creates the pods that stand on nodes.
    async fn stand(&self, world: &Places) -> Result<(), String> {
        for pod in &world.placed {
            self.create_placed(pod).await?;
        }
        tokio::time::sleep(SEEN).await;
        Ok(())
    }

    /// The outcome of one newcomer, and whether the world is no longer what it was.
    async fn ask(&self, newcomer: &Value) -> Result<(String, bool), String> {
        let (code, _) = self.send("POST", PODS, newcomer).await?;
        if code >= 400 {
            return Ok(("refused".to_owned(), false));
        }
        let path = of(PODS, newcomer);
        let mut outcome = None;
        for _ in 0..1000 {
            let (_, pod) = self.send("GET", &path, &Value::Null).await?;
            if let Some(decided) = words::outcome(&pod, &[]) {
                outcome = Some(decided);
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
        let Some(mut decided) = outcome else { return Ok(("nothing".to_owned(), true)) };
        let mut spoiled = false;
        if decided != "scheduled" && !decided.contains("preemption:") {
            // Pods are being ended for it: who, is known a moment later.
            let ended = self.ended().await?;
            let (_, pod) = self.send("GET", &path, &Value::Null).await?;
            decided = words::outcome(&pod, &ended).unwrap_or(decided);
            spoiled = true;
        }
        self.delete(&path).await?;
        tokio::time::sleep(FORGOTTEN).await;
        Ok((decided, spoiled))
    }

    /// The pods that are being ended, once these stay the same.
    async fn ended(&self) -> Result<Vec<String>, String> {
        let mut known = Vec::new();
        for _ in 0..20 {
            tokio::time::sleep(STABLE).await;
            let all = self.list(PODS).await?;
            let ending = all.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_string());
            let mut ended: Vec<_> = ending.map(|pod| name(pod).to_owned()).collect();
            ended.sort();
            if ended == known && !ended.is_empty() {
                break;
            }
            known = ended;
        }
        Ok(known)
    }
}
