//! The task that writes: it gathers what waits, writes it as one batch, and acknowledges it.

use std::rc::Rc;
use std::time::Duration;

use shard_rt::{AlignedBuf, BLOCK, BlockAddr, BlockWrite, File};

use super::Shared;
use super::state::{Done, Item, State, alone, needs_flush};
use crate::error::{Result, WalError};
use crate::format::{BATCH_HEADER, BatchHeader, Queued, RecordHeader, RecordKind, batch_bytes, encode_batch};
use crate::id::{Position, round_up};
use crate::options::{BatchReport, Mode, Options};

/// A batch ready to be written.
struct Batch {
    buf: AlignedBuf,
    file: File,
    at: u64,
    headers: Vec<RecordHeader>,
    dones: Vec<Done>,
    flush: bool,
}

/// What the writer does next.
enum Step {
    Write(Batch),
    /// Acknowledge: nothing has to be written for these.
    Acknowledge(Vec<Done>),
    /// The tail is full.
    NextSegment,
    Wait,
    /// All is written and no more will come.
    Close(Done),
    /// Another task met a failure.
    Stop,
}

pub(super) async fn run(shared: Rc<Shared>) {
    loop {
        let result = match shared.form() {
            Step::Write(batch) => shared.write(batch).await,
            Step::Acknowledge(dones) => {
                dones.into_iter().for_each(|done| done(Ok(())));
                Ok(())
            }
            Step::NextSegment => shared.next_segment().await,
            Step::Wait => shared.wait().await,
            Step::Close(done) => {
                done(shared.finish().await);
                return;
            }
            Step::Stop => return,
        };
        let result = match result {
            Ok(()) => shared.sync_if_due().await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            shared.poison(&error);
            return;
        }
    }
}

impl Shared {
    fn form(&self) -> Step {
        let mut state = self.state.borrow_mut();
        if state.poisoned.is_some() {
            return Step::Stop;
        }
        let Some(Item::Record(first)) = state.queue.front() else {
            let dones = take_dones(&mut state);
            if !dones.is_empty() {
                return Step::Acknowledge(dones);
            }
            return state.closing.take().map_or(Step::Wait, Step::Close);
        };
        if alone(first.header.bytes_in_log()) > state.tail.limit - state.tail.offset {
            return Step::NextSegment;
        }
        let (queued, dones) = gather(&mut state, &self.options);
        Step::Write(self.encode(&mut state, queued, dones))
    }

    fn encode(&self, state: &mut State, mut queued: Vec<Queued>, dones: Vec<Done>) -> Batch {
        let bytes = batch_bytes(&queued);
        let at = state.tail.offset;
        let mut buf = self.take_buffer((bytes / BLOCK as u64) as usize);
        let place = |offset| Position::new(state.tail.segment, offset);
        encode_batch(state.log_id, place(at), place(state.tail.durable), &mut queued, &mut buf);
        let headers: Vec<RecordHeader> = queued.into_iter().map(|queued| queued.header).collect();
        headers.iter().for_each(|header| note_written(state, header));
        state.tail.offset = at + bytes;
        state.tail.marked = false;
        let flush = self.options.mode == Mode::Strict || headers.iter().any(needs_flush);
        Batch { buf, file: state.tail.file.clone(), at, headers, dones, flush }
    }

    fn take_buffer(&self, blocks: usize) -> AlignedBuf {
        match self.buffers.get(blocks - 1) {
            Some(pool) => pool.take(),
            None => self.rt.buffer(blocks),
        }
    }

    fn give_buffer(&self, buf: AlignedBuf) {
        if let Some(pool) = self.buffers.get(buf.blocks() - 1) {
            pool.put(buf);
        }
    }

    async fn write(&self, mut batch: Batch) -> Result<()> {
        let begun = self.rt.now();
        let bytes = batch.buf.len() as u64;
        #[cfg(feature = "sabotage")]
        if self.options.sabotage == Some(crate::options::Sabotage::AckEarly) {
            batch.dones.drain(..).for_each(|done| done(Ok(())));
        }
        let written = self.put(&batch.file, batch.at, batch.buf, batch.flush).await;
        // Another task may have met a failure meanwhile.
        let poisoned = self.state.borrow().poisoned.clone();
        match poisoned.map_or(written, Err) {
            Ok(buf) => self.give_buffer(buf),
            Err(error) => {
                let error = self.poison(&error);
                batch.dones.into_iter().for_each(|done| done(Err(error.clone())));
                return Err(error);
            }
        }
        self.settle(&batch.headers, batch.at + bytes, batch.flush, bytes);
        let latency_ns = self.rt.now().saturating_sub(begun);
        if let Some(observer) = &self.options.observer {
            let records = batch.headers.len() as u64;
            observer.batch(BatchReport { records, bytes, latency_ns, flushed: batch.flush });
        }
        batch.dones.drain(..).for_each(|done| done(Ok(())));
        self.room.all();
        Ok(())
    }

    /// Writes, and flushes all that was written if asked to.
    async fn put(&self, file: &File, at: u64, buf: AlignedBuf, flush: bool) -> Result<AlignedBuf> {
        let at = BlockAddr::from_bytes(at)?;
        #[cfg(feature = "sabotage")]
        let flush = flush && self.options.sabotage != Some(crate::options::Sabotage::SkipFlush);
        if !flush {
            let (result, buf) = file.write_at(at, buf).await;
            return result.map(|()| buf).map_err(WalError::from);
        }
        let unsynced = self.state.borrow().tail.unsynced_since_ns.is_some();
        let (result, buf) = if unsynced {
            let (result, buf) = file.write_at(at, buf).await;
            (result, Some(buf))
        } else {
            let (result, mut bufs) = file.write_durable(vec![BlockWrite { at, buf }]).await;
            (result, bufs.pop())
        };
        result?;
        if unsynced {
            file.sync().await?;
        }
        Ok(buf.expect("invariant: an operation gives its buffers back"))
    }

    fn settle(&self, headers: &[RecordHeader], end: u64, flushed: bool, bytes: u64) {
        let freed: Vec<u64> = {
            let mut state = self.state.borrow_mut();
            let state = &mut *state;
            state.counters.batches += 1;
            state.counters.bytes += bytes;
            state.counters.records += headers.len() as u64;
            if flushed {
                state.counters.flushes += 1;
                state.tail.durable = end;
                state.tail.unsynced_since_ns = None;
            } else {
                state.tail.unsynced_since_ns.get_or_insert(self.rt.now());
            }
            headers.iter().for_each(|header| state.settle(&self.options, header));
            let copies = headers.iter().any(|header| header.serial != header.origin);
            if copies {
                state.free_dead(&self.options);
            }
            let freed = headers.iter().filter(|header| header.kind == RecordKind::Freed);
            freed.map(|header| header.index).collect()
        };
        freed.into_iter().for_each(|segment| self.segment_is_free(segment));
    }

    async fn sync_if_due(&self) -> Result<()> {
        let Mode::GroupFsync(interval) = self.options.mode else {
            return Ok(());
        };
        let due = {
            let state = self.state.borrow();
            let since = state.tail.unsynced_since_ns;
            since.is_some_and(|since| self.rt.now().saturating_sub(since) >= nanos(interval))
        };
        if due { self.sync().await } else { Ok(()) }
    }

    /// Flushes the tail.
    pub(super) async fn sync(&self) -> Result<()> {
        let (file, end) = {
            let state = self.state.borrow();
            (state.tail.file.clone(), state.tail.offset)
        };
        file.sync().await?;
        let mut state = self.state.borrow_mut();
        state.counters.flushes += 1;
        state.tail.durable = end;
        state.tail.unsynced_since_ns = None;
        Ok(())
    }

    /// Waits for work; flushes or marks what is due meanwhile.
    async fn wait(&self) -> Result<()> {
        let idle = {
            let state = self.state.borrow();
            match (self.options.mode, state.tail.unsynced_since_ns) {
                (Mode::GroupFsync(interval), Some(since)) => {
                    let due = since.saturating_add(nanos(interval));
                    Some(Duration::from_nanos(due.saturating_sub(self.rt.now())))
                }
                _ if !state.tail.marked => Some(self.options.mark_after),
                _ => None,
            }
        };
        let Some(idle) = idle else {
            self.work.notified().await;
            return Ok(());
        };
        if self.rt.timeout(idle, self.work.notified()).await.is_ok() {
            return Ok(());
        }
        let unsynced = self.state.borrow().tail.unsynced_since_ns.is_some();
        if unsynced { Ok(()) } else { self.mark().await }
    }

    /// Writes down that all is durable. The next batch takes the place.
    async fn mark(&self) -> Result<()> {
        let (file, header) = {
            let mut state = self.state.borrow_mut();
            state.tail.marked = true;
            let tail = &state.tail;
            if tail.durable < tail.offset {
                return Ok(());
            }
            let at = Position::new(tail.segment, tail.offset);
            let bytes = BLOCK as u32;
            (tail.file.clone(), BatchHeader { log_id: state.log_id, at, durable: at, bytes, records: 0 })
        };
        let mut buf = self.take_buffer(1);
        buf.fill(0);
        header.encode(&mut buf);
        let buf = self.put(&file, header.at.offset(), buf, true).await?;
        self.give_buffer(buf);
        self.state.borrow_mut().counters.marks += 1;
        Ok(())
    }

    /// After the last record: flush and mark.
    async fn finish(&self) -> Result<()> {
        let unsynced = self.state.borrow().tail.unsynced_since_ns.is_some();
        let result = if unsynced { self.sync().await } else { Ok(()) };
        let result = match result {
            Ok(()) => self.mark().await,
            Err(error) => Err(error),
        };
        result.map_err(|error| self.poison(&error))
    }
}

/// Records for one batch, and what to call after it.
fn gather(state: &mut State, options: &Options) -> (Vec<Queued>, Vec<Done>) {
    let space = state.tail.limit - state.tail.offset;
    let (mut queued, mut dones, mut bytes) = (Vec::new(), Vec::new(), BATCH_HEADER as u64);
    loop {
        dones.extend(take_dones(state));
        let Some(Item::Record(next)) = state.queue.front() else {
            break;
        };
        let more = bytes + next.header.bytes_in_log();
        let full = more > options.batch_bytes_max as u64 || queued.len() >= options.batch_records_max;
        if !queued.is_empty() && (full || round_up(more, BLOCK as u64) > space) {
            break;
        }
        bytes = more;
        let Some(Item::Record(next)) = state.queue.pop_front() else {
            break;
        };
        state.queue_bytes -= alone(next.header.bytes_in_log());
        queued.push(next);
    }
    (queued, dones)
}

fn take_dones(state: &mut State) -> Vec<Done> {
    let mut dones = Vec::new();
    while let Some(Item::Done(_)) = state.queue.front() {
        if let Some(Item::Done(done)) = state.queue.pop_front() {
            dones.push(done);
        }
    }
    dones
}

/// The header of the next segment must say which serials are before it.
fn note_written(state: &mut State, header: &RecordHeader) {
    if header.kind == RecordKind::Freed {
        state.log_serial_written = header.serial;
    } else if let Some(partition) = state.partitions.get_mut(&header.partition) {
        partition.serial_written = header.serial;
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
