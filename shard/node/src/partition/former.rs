//! How what waits becomes entries, and how who waits is answered.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cep_types::StampNs;
use futures_util::future::{Either, select};
use raft::{Answer, RaftError, Submitted};

use super::Partition;
use super::answer;
use super::queue::{Batch, entry_of};

/// Entries under way at most: one that is applied, one that is written, one that is next.
const UNDER_WAY_MAX: usize = 3;
/// While others are under way, an entry is begun when so many bytes or rows wait for it.
const GATHER_BYTES: u64 = 32 << 10;
const GATHER_ROWS: u64 = 512;
/// How often deadlines are looked at while entries wait, and a log that has no room.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes that the group puts behind an entry, and more.
const ROOM_BEHIND: usize = 64;

type UnderWay = VecDeque<(Batch, Submitted)>;

impl Partition {
    /// Makes entries of what waits, for ever.
    pub(super) async fn form(&self) {
        let mut under_way = UnderWay::new();
        loop {
            self.tell_late();
            while self.may_begin(under_way.len()) {
                let batch = self.queue.borrow_mut().take(self.rt.now(), self.entry_bytes_max);
                let Some(batch) = batch else { break };
                self.busy.set(true);
                self.hand_over(batch, &mut under_way).await;
            }
            self.busy.set(!under_way.is_empty());
            self.wait(&mut under_way).await;
        }
    }

    /// Whether an entry is begun now, with so many under way.
    fn may_begin(&self, under_way: usize) -> bool {
        let queue = self.queue.borrow();
        if queue.is_empty() {
            self.is_short.set(false);
        }
        if queue.is_empty() || under_way >= UNDER_WAY_MAX {
            return false;
        }
        let (rows, bytes) = queue.waiting();
        if under_way > 0 && rows < GATHER_ROWS && bytes < GATHER_BYTES {
            return false;
        }
        // What one entry takes of it.
        let bytes = bytes.min(2 * self.entry_bytes_max as u64);
        let is_short = self.failed.borrow().is_none() && !self.reserve.leaves(&self.wal, bytes);
        self.is_short.set(is_short);
        !is_short
    }

    /// Gives an entry its time and hands it to the group.
    async fn hand_over(&self, batch: Batch, under_way: &mut UnderWay) {
        if matches!(batch, Batch::Appends(_)) {
            self.logged_ns.set(self.rt.now());
        }
        let stamp = self.rt.wall_ns().min(i64::MAX as u64) as i64;
        let stamp = stamp.max(self.stamp.get());
        self.stamp.set(stamp);
        let entry = entry_of(&batch, StampNs(stamp));
        match self.group.submit(payload(&entry)).await {
            Ok(submitted) => under_way.push_back((batch, submitted)),
            Err(error) => self.done(batch, &Err(error)),
        }
    }

    /// Waits until an entry is done, or more has come, or it is time to look again.
    async fn wait(&self, under_way: &mut UnderWay) {
        let work = self.work.notified();
        let Some((_, submitted)) = under_way.front_mut() else {
            if self.is_short.get() {
                // What is applied becomes checkpoints, and what is behind those is purged.
                self.reserve.ask();
                return self.rt.sleep(LOOK).await;
            }
            return work.await;
        };
        let Some(answer) = self.first_of(submitted, work).await else { return };
        let (batch, _) = under_way.pop_front().expect("there is one under way");
        self.done(batch, &answer);
    }

    /// The answer to an entry, if that comes before more work and the time to look at deadlines.
    async fn first_of(
        &self,
        submitted: &mut Submitted,
        work: impl Future<Output = ()>,
    ) -> Option<Result<Answer, RaftError>> {
        let (answer, work) = (std::pin::pin!(submitted.answer()), std::pin::pin!(work));
        let either = select(answer, work);
        let ended = if self.queue.borrow().has_deadlines() {
            self.rt.timeout(LOOK, either).await.ok()?
        } else {
            either.await
        };
        match ended {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    /// Tells everyone in a batch what became of it; after a failure of the log nothing else comes.
    fn done(&self, batch: Batch, answer: &Result<Answer, RaftError>) {
        answer_batch(batch, answer);
        if let Err(error @ (RaftError::Durability { .. } | RaftError::Stopped)) = answer {
            *self.failed.borrow_mut() = Some(error.to_string());
            let waiting = self.queue.borrow_mut().drain();
            waiting.into_iter().for_each(|batch| answer_batch(batch, answer));
        }
    }

    /// Tells those that have waited too long.
    fn tell_late(&self) {
        let late = self.queue.borrow_mut().expired(self.rt.now());
        late.into_iter().for_each(|item| (item.done)(None));
    }
}

/// The bytes of an entry, with room for what the group puts behind them.
fn payload(entry: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(entry.len() + ROOM_BEHIND);
    bytes.extend_from_slice(entry);
    bytes.freeze()
}

/// Tells everyone in a batch what became of it.
fn answer_batch(batch: Batch, answer: &Result<Answer, RaftError>) {
    match (batch, answer) {
        (Batch::Tell(item), Ok(answer)) => (item.done)(Ok(answer.position.index.0)),
        (Batch::Tell(item), Err(error)) => (item.done)(Err(error.clone())),
        (Batch::Appends(items), Err(error)) => {
            items.into_iter().for_each(|item| (item.done)(Some(Err(error.clone()))));
        }
        (Batch::Appends(items), Ok(answer)) => {
            let mut outcomes = answer::decode(&answer.bytes).into_iter();
            let mut row = 0;
            for item in items {
                let rows = item.head.rows;
                let runs = outcomes.next().unwrap_or_default();
                (item.done)(Some(Ok((answer.position.index.0, row, runs))));
                row += rows;
            }
        }
    }
}
