//! A feed into the partitions: the sources of one definition.

use std::rc::Rc;

use cep_types::StreamId;
use futures_util::future::{join, try_join_all};
use shard_control::PartitionRef;

use super::shard::{ask, tell};
use super::{ConnectorError, Connectors, Fed, Formed, Former, Plan, SourceAsk, SourceState};
use crate::lanes::{Tell, ToShard};
use crate::settings::Level;
use crate::shard::Shard;

/// What is known of the ends of streams, by stream to end and partition.
struct Ends {
    streams: Vec<(StreamId, StreamId)>,
    ended: Vec<Vec<bool>>,
}

/// Moves all rows of the sources into the partitions, and ends their streams. A definition whose streams
/// have ended is done at once.
///
/// # Errors
/// What stopped it; called again, it goes on exactly there.
pub(super) async fn pump(
    shard: &Rc<Shard>,
    plan: &Plan,
    connectors: &dyn Connectors,
) -> Result<(), ConnectorError> {
    let streams = plan.ends();
    let asked = SourceAsk {
        name: plan.name.clone(),
        sources: plan.routes.iter().map(|route| route.source).collect(),
        streams: streams.iter().map(|(_, stream)| *stream).collect(),
    };
    let states = plan.partitions().map(|partition| {
        let asked = &asked;
        ask(shard, partition, move |reply| ToShard::Sources(partition, asked.clone(), reply))
    });
    let states: Vec<SourceState> = try_join_all(states).await.map_err(ConnectorError::passing)?;
    let ended = (0..streams.len()).map(|at| states.iter().map(|state| state.ended[at]).collect());
    let mut ends = Ends { ended: ended.collect(), streams };
    if ends.are_done() {
        return Ok(());
    }
    let mut feed = connectors.feed(plan, Former::new(plan, &states))?;
    let mut rejected = 0;
    let mut next = feed.next().await?;
    loop {
        next = match next {
            Fed::Rows(formed) => {
                // The next rows are read while these are logged.
                let (logged, read) = join(log(shard, plan, formed), feed.next()).await;
                rejected += logged?;
                read?
            }
            Fed::Ended(stream) => {
                let only = ends.streams.iter().position(|(inner, _)| *inner == stream);
                ends.end(shard, plan, only.into_iter().collect()).await?;
                feed.next().await?
            }
            Fed::End => break,
        };
    }
    ends.end(shard, plan, (0..ends.streams.len()).collect()).await?;
    if rejected > 0 {
        let text = format!("definition '{}': {rejected} rows of its sources were rejected", plan.name);
        (shard.hooks.log)(Level::Warn, &text);
    }
    let text = format!("definition '{}' version {}: its sources have ended", plan.name, plan.version);
    (shard.hooks.log)(Level::Info, &text);
    Ok(())
}

/// Logs rows, those of each partition in their order; how many were rejected.
async fn log(shard: &Rc<Shard>, plan: &Plan, formed: Vec<Formed>) -> Result<u64, ConnectorError> {
    let mut of: Vec<(PartitionRef, Vec<Formed>)> = plan.partitions().map(|id| (id, Vec::new())).collect();
    for part in formed {
        of[part.partition.partition.0 as usize].1.push(part);
    }
    let some = of.into_iter().filter(|(_, formed)| !formed.is_empty());
    let logged = some.map(|(partition, formed)| {
        // Asked once: a second time there would be no rows.
        let formed = std::cell::RefCell::new(Some(formed));
        async move {
            ask(shard, partition, |reply| {
                ToShard::Feed(partition, formed.borrow_mut().take().unwrap_or_default(), reply)
            })
            .await
        }
    });
    let taken = try_join_all(logged).await.map_err(ConnectorError::passing)?;
    Ok(taken.iter().map(|taken| taken.rejected).sum())
}

impl Ends {
    fn are_done(&self) -> bool {
        !self.streams.is_empty() && self.ended.iter().flatten().all(|ended| *ended)
    }

    /// Ends some of the streams in the partitions where they have not ended.
    async fn end(&mut self, shard: &Rc<Shard>, plan: &Plan, which: Vec<usize>) -> Result<(), ConnectorError> {
        for at in which {
            let stream = self.streams[at].1;
            let open = plan.partitions().zip(&self.ended[at]).filter(|(_, ended)| !**ended);
            let told = open.map(|(partition, _)| tell(shard, partition, Tell::EndOfInput(stream)));
            try_join_all(told).await.map_err(ConnectorError::passing)?;
            self.ended[at].fill(true);
        }
        Ok(())
    }
}
