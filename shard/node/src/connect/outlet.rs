//! Outputs into sinks: the rows of one definition, from all partitions of its space.
//!
//! Invariants: a partition's rows are put in the order in which they were made; the first partition's log says how
//! far all are and how long the files were then, so a start goes on exactly there; the other partitions are told
//! behind it what they need not keep.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use cep_types::StreamId;
use cep_types::log::{Marker, OutputPosition};
use futures_util::future::try_join_all;

use super::shard::{ask, tell};
use super::supervise::Running;
use super::{Collect, ConnectorError, Connectors, Handed, Outlet, Plan};
use crate::lanes::{Tell, ToShard};
use crate::partition::holds::OVER;
use crate::shard::Shard;

/// Rows asked of a partition at once.
const ROWS_MAX: usize = 8_192;
/// Markers are at least this far apart while rows come, ns (DESIGN §8).
const MARK_NS: u64 = 100_000_000;
/// How long a stop waits for what is there to be handed over, ns.
const STOP_NS: u64 = 5_000_000_000;
/// How soon after nothing was there it is looked again, at first and at last.
const LOOK_MIN: Duration = Duration::from_millis(1);
const LOOK_MAX: Duration = Duration::from_millis(20);

/// How far the sinks of a definition are.
struct Reached {
    positions: Vec<OutputPosition>,
    /// Rows were put that no marker covers.
    is_dirty: bool,
    marked_ns: u64,
}

/// Hands rows over until the activation is over or the node stops.
///
/// # Errors
/// What stopped it; called again, it goes on at the last marker.
pub(super) async fn hand_over(
    shard: &Rc<Shard>,
    plan: &Plan,
    connectors: &dyn Connectors,
    running: &Running,
) -> Result<(), ConnectorError> {
    let (positions, lengths) = begin(shard, plan).await?;
    let is_new = lengths.is_none();
    let mut outlet = connectors.outlet(plan, lengths)?;
    let mut reached = Reached { positions, is_dirty: is_new, marked_ns: shard.rt.now() };
    if is_new {
        // Where the files begin is known before the first row is in them.
        mark(shard, plan, outlet.as_mut(), &mut reached).await?;
    }
    let mut look = LOOK_MIN;
    let mut stop_ns = None;
    loop {
        let sources_done = running.sources_done.get();
        let was_put = put(shard, plan, outlet.as_mut(), &mut reached).await;
        if shard.stopping.get() {
            let until = *stop_ns.get_or_insert_with(|| shard.rt.now() + STOP_NS);
            if matches!(was_put, Ok((true, _))) && shard.rt.now() < until {
                continue;
            }
            // Other shards may have ended already; the first partition's is this one.
            return if reached.is_dirty {
                mark(shard, plan, outlet.as_mut(), &mut reached).await
            } else {
                Ok(())
            };
        }
        let (some, is_over) = was_put?;
        let is_due = shard.rt.now().saturating_sub(reached.marked_ns) >= MARK_NS;
        if reached.is_dirty && (!some || is_due) {
            mark(shard, plan, outlet.as_mut(), &mut reached).await?;
        }
        if is_over {
            reached.positions.fill(OVER);
            return mark(shard, plan, outlet.as_mut(), &mut reached).await;
        }
        if some {
            look = LOOK_MIN;
            continue;
        }
        if sources_done && !running.told_end.replace(true) {
            connectors.ended(plan, Ok(()));
        }
        shard.rt.sleep(look).await;
        look = (look * 2).min(LOOK_MAX);
    }
}

/// Where each partition goes on, and the lengths of files if anything was said of them.
async fn begin(
    shard: &Rc<Shard>,
    plan: &Plan,
) -> Result<(Vec<OutputPosition>, Option<BTreeMap<StreamId, u64>>), ConnectorError> {
    let asked = plan.partitions().map(|partition| {
        ask(shard, partition, move |reply| ToShard::Handed(partition, plan.name.clone(), reply))
    });
    let handed = try_join_all(asked).await.map_err(ConnectorError::passing)?;
    let handed: Option<Vec<Handed>> = handed.into_iter().collect();
    let handed = handed.filter(|all| all.iter().all(|handed| handed.epoch == plan.epoch));
    let handed = handed.ok_or_else(|| ConnectorError::passing("its partitions do not run it yet"))?;
    let home = handed.first().filter(|home| home.all.len() == handed.len());
    Ok(match home {
        Some(home) => (home.all.clone(), Some(home.lengths.iter().copied().collect())),
        None => (handed.iter().map(|handed| handed.upto).collect(), None),
    })
}

/// Puts what partitions have; whether there was any, and whether that was the last.
async fn put(
    shard: &Rc<Shard>,
    plan: &Plan,
    outlet: &mut dyn Outlet,
    reached: &mut Reached,
) -> Result<(bool, bool), ConnectorError> {
    let streams: Vec<StreamId> = plan.outputs.iter().map(|(stream, _)| *stream).collect();
    let asked = plan.partitions().zip(&reached.positions).map(|(partition, after)| {
        let asked = Collect {
            name: plan.name.clone(),
            epoch: plan.epoch,
            streams: streams.clone(),
            after: *after,
            rows_max: ROWS_MAX,
        };
        ask(shard, partition, move |reply| ToShard::Collect(partition, asked.clone(), reply))
    });
    let collected = try_join_all(asked).await.map_err(ConnectorError::passing)?;
    let (mut some, mut is_over) = (false, true);
    for (at, collected) in collected.into_iter().enumerate() {
        is_over &= collected.is_over;
        if collected.gone {
            let text =
                format!("rows of partition {at} behind the last that were written are not kept any more");
            return Err(ConnectorError::last(text));
        }
        let Some(last) = collected.rows.last() else { continue };
        let ordinal = last.first.ordinal + (last.rows.num_rows() as u32 - 1);
        let position = OutputPosition { index: last.first.index, ordinal };
        outlet.put(collected.rows).await?;
        reached.positions[at] = position;
        (reached.is_dirty, some) = (true, true);
    }
    Ok((some, is_over))
}

/// Brings what was put to where it stays, and logs that.
async fn mark(
    shard: &Rc<Shard>,
    plan: &Plan,
    outlet: &mut dyn Outlet,
    reached: &mut Reached,
) -> Result<(), ConnectorError> {
    let lengths = outlet.settle().await?;
    let mut lengths = Some(lengths);
    for (partition, upto) in plan.partitions().zip(reached.positions.clone()) {
        let lengths = lengths.take();
        let all = if lengths.is_some() { reached.positions.clone() } else { Vec::new() };
        let marker = Marker {
            name: plan.name.clone(),
            epoch: plan.epoch,
            upto,
            all,
            lengths: lengths.unwrap_or_default(),
        };
        tell(shard, partition, Tell::Marker(marker)).await.map_err(ConnectorError::passing)?;
    }
    reached.is_dirty = false;
    reached.marked_ns = shard.rt.now();
    Ok(())
}
