//! A question to a space: its partitions one after the other, wherever they are on the node.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use cep_engine::replica::Planned;
use cep_types::PartitionId;
use net_wire::Status;
use shard_control::PartitionRef;

use super::{
    Answer, Ask, BYTES_MAX, PartAnswer, PartAsk, QUESTIONS_MAX, ROWS_MAX, TIMEOUT_MAX, Unanswered, part,
};
use crate::lanes::ToShard;
use crate::shard::Shard;

/// How much longer than its time a partition of another shard is waited for.
const GRACE: Duration = Duration::from_millis(200);

/// Counts the questions that are being answered.
struct Counted<'a>(&'a Shard);

impl<'a> Counted<'a> {
    fn new(shard: &'a Shard) -> Option<Self> {
        let count = shard.questions.get();
        (count < QUESTIONS_MAX).then(|| {
            shard.questions.set(count + 1);
            Counted(shard)
        })
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.questions.set(self.0.questions.get() - 1);
    }
}

/// Answers a question.
///
/// # Errors
/// Why it cannot.
pub(crate) async fn answer(shard: &Rc<Shard>, ask: Ask) -> Result<Answer, Unanswered> {
    let Some(_counted) = Counted::new(shard) else {
        let text = "the node is answering as many queries as it may; ask again later";
        return Err(Unanswered::later(Status::TransientBackpressure, text));
    };
    let deadline_ns = shard.rt.now().saturating_add(ask.timeout.min(TIMEOUT_MAX).as_nanos() as u64);
    let partitions = partitions(shard, &ask)?;
    let mut planned: Option<Arc<Planned>> = None;
    let (mut answers, mut read_at) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for &partition in &partitions {
        let left_ns = deadline_ns.saturating_sub(shard.rt.now());
        if left_ns == 0 {
            return Err(Unanswered::too_late());
        }
        let asked = PartAsk {
            question: Arc::clone(&ask.question),
            planned: planned.clone(),
            is_one_of_many: partitions.len() > 1,
            timeout: Duration::from_nanos(left_ns),
        };
        let answer = one(shard, partition, asked).await?;
        bytes += answer.rows.get_array_memory_size();
        if bytes > BYTES_MAX {
            return Err(Unanswered::too_large("bytes", BYTES_MAX));
        }
        read_at.push((partition.partition, answer.index));
        planned = Some(answer.planned);
        answers.push(answer.rows);
    }
    let planned = planned.expect("a space has a partition");
    let rows = if let [only] = answers.as_slice() { only.clone() } else { planned.together(&answers)? };
    let (rows, is_truncated) = cut(rows, ask.rows_max)?;
    Ok(Answer { rows, is_truncated, read_at })
}

/// As many rows as are wanted. More than the server gives are an error: half of a result is none.
fn cut(rows: RecordBatch, wanted: Option<u32>) -> Result<(RecordBatch, bool), Unanswered> {
    let count = rows.num_rows();
    match wanted.filter(|&wanted| wanted <= ROWS_MAX) {
        Some(wanted) if count > wanted as usize => Ok((rows.slice(0, wanted as usize), true)),
        None if count > ROWS_MAX as usize => Err(Unanswered::too_large("rows", ROWS_MAX)),
        _ => Ok((rows, false)),
    }
}

/// The partitions that are asked.
fn partitions(shard: &Shard, ask: &Ask) -> Result<Vec<PartitionRef>, Unanswered> {
    let view = shard.view.borrow();
    if view.is_empty() {
        return Err(Unanswered::later(Status::TransientWarmup, "the node is starting"));
    }
    let spaces = &view.routing.spaces;
    let named = |name: &str| spaces.iter().find(|space| space.name == name);
    let space = match (ask.space.as_str(), spaces.as_slice()) {
        ("", [only]) => Some(only),
        (name, _) => named(name),
    };
    let Some(space) = space else {
        let known: Vec<&str> = spaces.iter().map(|space| space.name.as_str()).collect();
        let text = format!("there is no space '{}'; name one of {}", ask.space, known.join(", "));
        return Err(Unanswered::wrong(text));
    };
    let count = space.leaders.len() as u32;
    let of = |partition| PartitionRef { space: space.id, partition };
    match ask.partition {
        None => Ok((0..count).map(PartitionId).map(of).collect()),
        Some(partition) if partition.0 < count => Ok(vec![of(partition)]),
        Some(partition) => {
            let text =
                format!("there is no partition {} in space '{}': it has {count}", partition.0, space.name);
            Err(Unanswered { status: Status::PermanentEpoch, ..Unanswered::wrong(text) })
        }
    }
}

/// The answer of one partition, here or on another shard.
async fn one(shard: &Shard, partition: PartitionRef, ask: PartAsk) -> Result<PartAnswer, Unanswered> {
    if let Some(here) = shard.partition(partition) {
        return part::answer(&shard.rt, &here, ask).await;
    }
    let later = |text: String| Unanswered::later(Status::TransientRetry, text);
    let owner = crate::ids::shard_of(partition, shard.lanes.shards());
    if owner == shard.number {
        return Err(later(format!("partition {partition} is not here yet; try again")));
    }
    let wait = ask.timeout + GRACE;
    let (sender, mut receiver) = shard_rt::mailbox::channel(1);
    let reply = Box::new(move |answer| drop(sender.try_send(answer)));
    let message = ToShard::Query(partition, ask, reply);
    shard.lanes.send(owner, message).map_err(|error| later(error.to_string()))?;
    match shard.rt.timeout(wait, receiver.recv()).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Err(later(format!("shard {owner} has ended"))),
        Err(_) => Err(Unanswered::too_late()),
    }
}
