//! What a partition's shard does for connectors, and how they reach it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cep_engine::replica::{Outcome, RejectReason};
use cep_types::StampNs;
use shard_control::PartitionRef;

use super::{Formed, Handed, SourceAsk, SourceState, Taken};
use crate::ids::shard_of;
use crate::lanes::{Reply, Tell, ToShard};
use crate::partition::Partition;
use crate::partition::queue::{AppendItem, Appended};
use crate::shard::Shard;

/// How long after there was no room it is looked for again.
const ROOM: Duration = Duration::from_millis(1);

/// Asks the shard that has a partition; its own shard answers at once.
pub(super) async fn ask<T: Send + 'static>(
    shard: &Rc<Shard>,
    partition: PartitionRef,
    message: impl Fn(Reply<Result<T, String>>) -> ToShard,
) -> Result<T, String> {
    let at = shard_of(partition, shard.lanes.shards());
    let (sender, mut receiver) = shard_rt::mailbox::channel(1);
    let reply: Reply<Result<T, String>> = Box::new(move |answer| drop(sender.try_send(answer)));
    if at == shard.number {
        serve(shard, message(reply));
    } else {
        shard.lanes.send(at, message(reply)).map_err(|error| error.to_string())?;
    }
    receiver.recv().await.unwrap_or_else(|| Err("the shard has ended".into()))
}

/// Does what connectors ask of a shard; other messages are not for here.
pub(crate) fn serve(shard: &Rc<Shard>, message: ToShard) {
    let shard = Rc::clone(shard);
    match message {
        ToShard::Feed(id, formed, reply) => {
            let task = Rc::clone(&shard);
            shard.rt.spawn("feed", async move {
                reply(match task.here(id).await {
                    Ok(partition) => feed(&task, &partition, formed).await,
                    Err(error) => Err(error),
                });
            });
        }
        ToShard::Sources(id, asked, reply) => {
            let task = Rc::clone(&shard);
            let asking = async move { reply(task.here(id).await.and_then(|p| sources(&p, &asked))) };
            shard.rt.spawn("sources", asking);
        }
        ToShard::Handed(id, name, reply) => {
            let task = Rc::clone(&shard);
            let asking = async move { reply(task.here(id).await.map(|p| handed(&p, &name))) };
            shard.rt.spawn("handed", asking);
        }
        ToShard::Collect(id, asked, reply) => {
            let here = shard.partition(id).ok_or_else(|| format!("partition {id} is not here"));
            reply(here.map(|partition| partition.outputs.collect(&asked)));
        }
        ToShard::Tell(id, tell, reply) => {
            let task = Rc::clone(&shard);
            shard.rt.spawn("tell", async move { reply(task.tell(id, tell).await) });
        }
        _ => debug_assert!(false, "the lane's owner takes the others"),
    }
}

/// Puts something into the log of a partition.
pub(super) async fn tell(shard: &Rc<Shard>, id: PartitionRef, tell: Tell) -> Result<u64, String> {
    ask(shard, id, |reply| ToShard::Tell(id, tell.clone(), reply)).await
}

fn sources(partition: &Partition, asked: &SourceAsk) -> Result<SourceState, String> {
    partition.group.machine(|machine| {
        let replica = machine.replica();
        let next = asked.sources.iter().map(|source| replica.next_of_source(*source)).collect::<Option<_>>();
        let next = next.ok_or_else(|| format!("partition {} does not run its sources yet", partition.id))?;
        let ended = asked.streams.iter().map(|stream| replica.has_ended(&asked.name, *stream)).collect();
        Ok(SourceState { next, ended })
    })
}

fn handed(partition: &Partition, name: &str) -> Option<Handed> {
    let holds = partition.outputs.holds.borrow();
    let hold = holds.get(name)?;
    let (all, lengths) = (hold.all.clone(), hold.lengths.clone());
    Some(Handed { epoch: hold.epoch, upto: hold.upto, all, lengths })
}

/// Logs rows behind each other, and waits until they are applied.
async fn feed(shard: &Rc<Shard>, partition: &Partition, formed: Vec<Formed>) -> Result<Taken, String> {
    let (sender, receiver) = shard_rt::sync::oneshot::channel();
    let first_sent = StampNs(shard.rt.wall_ns().min(i64::MAX as u64) as i64);
    let tally =
        Rc::new(RefCell::new(Tally { left: formed.len(), taken: Ok(Taken::default()), done: Some(sender) }));
    let items = formed.into_iter().map(|Formed { partition: _, mut head, frame }| {
        head.first_sent = first_sent;
        let tally = Rc::clone(&tally);
        let done = Box::new(move |appended: Option<Appended>| tally.borrow_mut().note(appended));
        AppendItem { head, frame, deadline_ns: None, done }
    });
    let mut items: Vec<AppendItem> = items.collect();
    if items.is_empty() {
        return Ok(Taken::default());
    }
    loop {
        if let Some(error) = partition.failed() {
            return Err(error);
        }
        match partition.append_all(items, &shard.settings) {
            Ok(()) => break,
            Err(back) => items = back,
        }
        shard.rt.sleep(ROOM).await;
    }
    receiver.await.unwrap_or_else(|_| Err("the partition has ended".into()))
}

/// What became of the parts so far.
struct Tally {
    left: usize,
    taken: Result<Taken, String>,
    done: Option<shard_rt::sync::oneshot::Sender<Result<Taken, String>>>,
}

impl Tally {
    fn note(&mut self, appended: Option<Appended>) {
        match appended {
            Some(Ok((_, _, runs))) => {
                for run in runs {
                    match (run.outcome, &mut self.taken) {
                        (
                            Outcome::Rejected(
                                RejectReason::SequenceGap | RejectReason::Full | RejectReason::NoReader,
                            ),
                            taken,
                        ) => {
                            *taken = Err(
                                "rows before these are missing, or the definition does not run here any more"
                                    .into(),
                            );
                        }
                        (Outcome::Rejected(_), Ok(taken)) => taken.rejected += u64::from(run.rows),
                        _ => {}
                    }
                }
            }
            Some(Err(error)) => self.taken = Err(error.to_string()),
            None => self.taken = Err("they were not logged in time".into()),
        }
        self.left -= 1;
        if self.left == 0
            && let Some(done) = self.done.take()
        {
            let _ = done.send(self.taken.clone());
        }
    }
}
