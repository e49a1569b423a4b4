//! Questions to shards, and their answers.

use std::time::Duration;

use shard_control::{Change, Command, CommandId, Control, Outcome, Role};
use shard_node::lanes::{Reply, ToShard};
use shard_node::report::ShardReport;
use tokio::sync::oneshot;

use super::Node;
use super::fail::Fail;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Node {
    /// Asks a shard.
    pub async fn ask<T: Send + 'static>(
        &self,
        shard: u32,
        message: impl FnOnce(Reply<T>) -> ToShard,
    ) -> Result<T, Fail> {
        let (sender, receiver) = oneshot::channel();
        let reply = Box::new(move |answer| drop(sender.send(answer)));
        self.lanes.send(shard, message(reply)).map_err(|error| Fail::busy(error.to_string()))?;
        match tokio::time::timeout(PATIENCE, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Fail::busy(format!("shard {shard} has ended"))),
            Err(_) => Err(Fail::busy(format!("shard {shard} does not answer; try again"))),
        }
    }

    /// Looks at the control group's state.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Control) -> T + Send + 'static,
    ) -> Result<T, Fail> {
        let asked = self.ask(0, |reply: Reply<Option<T>>| {
            ToShard::Control(Box::new(move |control| reply(control.map(look))))
        });
        asked.await?.ok_or_else(|| Fail::busy("the control group is starting; try again"))
    }

    /// Has the control group do something.
    pub async fn propose(&self, why: &str, change: Change) -> Result<Outcome, Fail> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| Fail::busy(format!("no random numbers: {error}")))?;
        let command = Command {
            id: CommandId(u128::from_le_bytes(id)),
            actor: "admin".into(),
            role: Role::Admin,
            why: why.to_owned(),
            base: None,
            change,
        };
        let outcome = self.ask(0, |reply| ToShard::Propose(Box::new(command), reply)).await?;
        let outcome = outcome.map_err(Fail::busy)?;
        super::fail::accepted(&outcome)?;
        Ok(outcome)
    }

    /// How all shards are; with hashes of states, which take as long as a checkpoint, only where asked for.
    pub async fn reports(&self, hashes: bool) -> Result<Vec<ShardReport>, Fail> {
        let mut reports = Vec::new();
        for shard in 0..self.lanes.shards() {
            reports.push(self.ask(shard, |reply| ToShard::Report { hashes, reply }).await?);
        }
        Ok(reports)
    }
}
