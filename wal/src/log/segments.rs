//! Files: making segments ahead of need, taking the next one, using freed ones again.
//!
//! Invariants: a file becomes a segment by its name first and its header then, and takes records only
//! when both are durable; a file is a spare only when the log durably says that nothing in it counts,
//! or when it was written with zeros once and flushed; want of space is waited out, never a failure
//! (R-DUR-2).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use shard_rt::{BLOCK, BlockAddr, BlockWrite, File, OpenMode, Rt, RtError};

use super::Shared;
use super::state::{Sealed, State, Tail};
use crate::error::{Result, WalError};
use crate::format::{HEADER_BYTES_MAX, PartitionMark, SegmentHeader, SegmentRef};
use crate::id::{PartitionId, SEGMENTS_EVER_MAX};
use crate::index::Partition;
use crate::options::Options;

/// How long to wait before trying again when there is no space.
const RETRY: Duration = Duration::from_millis(200);
/// Files are filled with zeros by writes of this many blocks.
const ZERO_BLOCKS: u64 = 256;

/// The file name of a segment.
pub(crate) fn segment_name(segment: u64) -> String {
    format!("{segment:016x}.seg")
}

/// The segment that a file name says.
pub(crate) fn segment_of_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().filter(|segment| *segment < SEGMENTS_EVER_MAX)
}

/// The number of a file that was written with zeros.
pub(super) fn spare_number(name: &str) -> Option<u64> {
    name.strip_prefix("spare-")?.strip_suffix(".wal")?.parse().ok()
}

/// The number of a file that was being written with zeros.
pub(super) fn new_number(name: &str) -> Option<u64> {
    name.strip_prefix("new-")?.strip_suffix(".wal")?.parse().ok()
}

impl Shared {
    /// Makes the next segment the tail.
    pub(super) async fn next_segment(&self) -> Result<()> {
        let unsynced = self.state.borrow().tail.unsynced_since_ns.is_some();
        if unsynced {
            self.sync().await?;
        }
        let spare = self.take_spare().await?;
        self.make.one();
        let header = self.state.borrow().header_after_tail(&self.options)?;
        let file = self.files.begin_segment(&spare, &header).await?;
        {
            let mut state = self.state.borrow_mut();
            let tail = Tail::at_start(&header, file);
            let sealed = std::mem::replace(&mut state.tail, tail);
            state.live.emptied |= state.live.of(sealed.segment) == 0;
            let of_old = Sealed { end: sealed.offset, file: sealed.file, freeing: false };
            state.sealed.insert(sealed.segment, of_old);
            state.counters.rotations += 1;
            state.free_dead(&self.options);
        }
        self.clean.one();
        Ok(())
    }

    /// One spare is left for the next start.
    async fn take_spare(&self) -> Result<String> {
        loop {
            {
                let mut state = self.state.borrow_mut();
                if let Some(error) = &state.poisoned {
                    return Err(error.clone());
                }
                if state.spares.len() > 1 {
                    return Ok(state.spares.remove(0));
                }
            }
            self.spare.notified().await;
        }
    }

    /// The log says durably that nothing in the segment counts.
    pub(super) fn segment_is_free(&self, segment: u64) {
        let name = segment_name(segment);
        {
            let mut state = self.state.borrow_mut();
            state.sealed.remove(&segment);
            state.live.forget(segment);
            state.counters.segments_freed += 1;
            if state.spares.len() < self.options.segments_ahead + 2 {
                state.spares.push(name);
            } else {
                self.trash.borrow_mut().push(name);
            }
        }
        self.spare.one();
        self.room.all();
        self.make.one();
    }
}

/// The task that makes segments ahead of need and removes those that are too many.
pub(super) async fn run_maker(shared: Rc<Shared>) {
    loop {
        let trash = std::mem::take(&mut *shared.trash.borrow_mut());
        for name in trash {
            // What stays is a spare at the next start.
            let _ = shared.rt.disk().remove(shared.files.path(&name)).await;
        }
        let wanted = {
            let state = shared.state.borrow();
            let all = state.sealed.len() + 1 + state.spares.len();
            state.spares.len() < shared.options.segments_ahead && all < shared.options.segments_max
        };
        if !wanted {
            shared.make.notified().await;
            continue;
        }
        match shared.files.make_spare().await {
            Ok(name) => {
                {
                    let mut state = shared.state.borrow_mut();
                    state.spares.push(name);
                    state.device_full = false;
                    state.counters.segments_made += 1;
                }
                shared.spare.one();
                shared.room.all();
            }
            Err(WalError::Disk(RtError::NoSpace { .. })) => {
                shared.state.borrow_mut().device_full = true;
                // A freed segment may end the need sooner than the device gets space.
                let _ = shared.rt.timeout(RETRY, shared.make.notified()).await;
            }
            Err(error) => {
                shared.poison(&error);
                return;
            }
        }
    }
}

/// The files of a log.
pub(super) struct Files {
    rt: Rt,
    dir: PathBuf,
    segment_bytes: u64,
    made: Cell<u64>,
}

impl Files {
    pub(super) fn new(rt: &Rt, dir: &Path, segment_bytes: u64, made: u64) -> Self {
        Self { rt: rt.clone(), dir: dir.to_owned(), segment_bytes, made: Cell::new(made) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes both copies of a header, durably.
    pub(super) async fn write_header(&self, file: &File, header: &SegmentHeader) -> Result<()> {
        let blocks = header.bytes() / BLOCK as u64;
        let last = self.segment_bytes / BLOCK as u64 - blocks;
        let mut batch = Vec::new();
        for at in [0, last] {
            let mut buf = self.rt.buffer(blocks as usize);
            header.encode(&mut buf);
            batch.push(BlockWrite { at: BlockAddr::block(at), buf });
        }
        let (result, _) = file.write_durable(batch).await;
        Ok(result?)
    }

    /// Does it again while there is no space for it.
    async fn with_space<T>(&self, mut work: impl AsyncFnMut() -> shard_rt::Result<T>) -> Result<T> {
        loop {
            match work().await {
                Err(RtError::NoSpace { .. }) => self.rt.sleep(RETRY).await,
                other => return Ok(other?),
            }
        }
    }

    /// Gives the file its name and its header.
    pub(super) async fn begin_segment(&self, spare: &str, header: &SegmentHeader) -> Result<File> {
        let (disk, name) = (self.rt.disk(), self.path(&segment_name(header.segment)));
        self.with_space(async || disk.rename(self.path(spare), &name).await).await?;
        let file = self.with_space(async || disk.open(&name, OpenMode::Existing).await).await?;
        self.write_header(&file, header).await?;
        disk.sync_dir(&self.dir).await?;
        Ok(file)
    }

    /// A new file: zeros, flushed, named.
    pub(super) async fn make_spare(&self) -> Result<String> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let (new, spare) = (format!("new-{number}.wal"), format!("spare-{number}.wal"));
        match self.fill(&new).await {
            Ok(()) => {
                let disk = self.rt.disk();
                disk.rename(self.path(&new), self.path(&spare)).await?;
                disk.sync_dir(&self.dir).await?;
                Ok(spare)
            }
            Err(error) => {
                let _ = self.rt.disk().remove(self.path(&new)).await;
                Err(error)
            }
        }
    }

    async fn fill(&self, name: &str) -> Result<()> {
        let file = self.rt.disk().open(self.path(name), OpenMode::CreateNew).await?;
        file.pre_allocate(self.segment_bytes / BLOCK as u64).await?;
        self.zero(&file, 0, self.segment_bytes).await
    }

    /// Fills a range with zeros, durably.
    pub(super) async fn zero(&self, file: &File, from: u64, to: u64) -> Result<()> {
        let (mut at, end) = (from / BLOCK as u64, to / BLOCK as u64);
        let mut buf = self.rt.buffer(ZERO_BLOCKS.min(end - at) as usize);
        while at < end {
            if end - at < buf.blocks() as u64 {
                buf = self.rt.buffer((end - at) as usize);
            }
            let (result, back) = file.write_at(BlockAddr::block(at), buf).await;
            result?;
            at += back.blocks() as u64;
            buf = back;
        }
        Ok(file.sync().await?)
    }
}

impl Tail {
    /// Behind the header of a new segment.
    pub(super) fn at_start(header: &SegmentHeader, file: File) -> Self {
        let start = header.bytes();
        Self {
            segment: header.segment,
            file,
            offset: start,
            // A block is left for the mark.
            limit: header.segment_bytes - start - BLOCK as u64,
            durable: start,
            unsynced_since_ns: None,
            marked: true,
        }
    }
}

impl State {
    /// The header of the segment behind the tail.
    fn header_after_tail(&self, options: &Options) -> Result<SegmentHeader> {
        let sealed = self.sealed.iter().map(|(segment, sealed)| (*segment, sealed.end));
        let ends = sealed.chain([(self.tail.segment, self.tail.offset)]).collect();
        let known = (&self.partitions, self.log_serial_written);
        header_of(self.log_id, self.tail.segment + 1, options, ends, known, self.unattributed)
    }
}

/// The header of a segment: the segments before it by number and end, and the partitions.
pub(super) fn header_of(
    log_id: u64,
    segment: u64,
    options: &Options,
    ends: Vec<(u64, u64)>,
    (partitions, log_serial): (&BTreeMap<PartitionId, Partition>, u64),
    damage_unattributed: bool,
) -> Result<SegmentHeader> {
    let segment_bytes = options.segment_bytes;
    let log = PartitionMark { partition: PartitionId::LOG, serial: log_serial, damaged: false };
    let marks = partitions.iter().map(|(partition, known)| PartitionMark {
        partition: *partition,
        serial: known.serial_written,
        damaged: known.damage.is_some(),
    });
    let header = SegmentHeader {
        log_id,
        segment,
        segment_bytes,
        damage_unattributed,
        segments: ends.into_iter().map(|(segment, end)| SegmentRef { segment, end }).collect(),
        partitions: marks.chain([log]).collect(),
    };
    if header.bytes() > HEADER_BYTES_MAX.min(segment_bytes / 4) {
        let reason = "too many partitions for the size of a segment".to_owned();
        return Err(WalError::Option { name: "segment_bytes", value: segment_bytes, reason });
    }
    Ok(header)
}
