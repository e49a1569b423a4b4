//! One partition's answer, in slices between which other tasks of the shard run.
//!
//! Invariant: while it is read the partition applies nothing, at most for [`HOLD_NS_MAX`].

use std::sync::Arc;

use cep_engine::replica::{AskError, Planned, Replica};
use net_wire::Status;
use shard_rt::{Rt, yield_now};

use super::{BYTES_MAX, GROUPS_MAX, HOLD_NS_MAX, PartAnswer, PartAsk, Unanswered};
use crate::partition::Partition;

/// Groups of a slice: some hundred microseconds.
const GROUPS_PER_SLICE: usize = 256;

/// Keeps the partition at one log index.
struct Hold<'a>(&'a Partition);

impl<'a> Hold<'a> {
    fn new(partition: &'a Partition) -> Self {
        partition.group.machine(|machine| machine.hold(true));
        Hold(partition)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.group.machine(|machine| machine.hold(false));
    }
}

/// Answers a question from what the partition holds now.
///
/// # Errors
/// Why it cannot.
pub(crate) async fn answer(rt: &Rt, partition: &Partition, ask: PartAsk) -> Result<PartAnswer, Unanswered> {
    let deadline_ns = rt.now().saturating_add(ask.timeout.as_nanos() as u64);
    if !partition.group.metrics().leads {
        let text = format!("partition {} has no leader here now", partition.id);
        return Err(Unanswered::later(Status::TransientRetry, text));
    }
    let hold = Hold::new(partition);
    while !look(partition, Replica::is_between_entries) {
        if rt.now() >= deadline_ns {
            return Err(Unanswered::too_late());
        }
        yield_now().await;
    }
    let deadline_ns = deadline_ns.min(rt.now().saturating_add(HOLD_NS_MAX));
    let planned = match &ask.planned {
        Some(planned) => Arc::clone(planned),
        None => Arc::new(look(partition, |replica| plan(replica, &ask))?),
    };
    let mut asking = look(partition, |replica| replica.begin_answer(&planned))?;
    while !look(partition, |replica| replica.go_on_answering(&planned, &mut asking, GROUPS_PER_SLICE))? {
        if asking.groups() > GROUPS_MAX {
            return Err(Unanswered::too_large("groups or rows of one partition", GROUPS_MAX));
        }
        if rt.now() >= deadline_ns {
            return Err(Unanswered::too_late());
        }
        yield_now().await;
    }
    let (rows, index) =
        look(partition, |replica| replica.end_answer(&planned, asking).map(|rows| (rows, replica.index())))?;
    drop(hold);
    if rows.get_array_memory_size() > BYTES_MAX {
        return Err(Unanswered::too_large("bytes", BYTES_MAX));
    }
    Ok(PartAnswer { planned, rows, index })
}

fn plan(replica: &Replica, ask: &PartAsk) -> Result<Planned, AskError> {
    let mut planned = replica.plan(&ask.question)?;
    if ask.is_one_of_many {
        planned.apart(replica);
    }
    Ok(planned)
}

fn look<T>(partition: &Partition, look: impl FnOnce(&Replica) -> T) -> T {
    partition.group.machine(|machine| look(machine.replica()))
}
