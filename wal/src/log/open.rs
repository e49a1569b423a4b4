//! Opening a log: sealing what was, beginning a new segment, starting the tasks.
//!
//! Invariants: after a start nothing is written into a segment of before, but the tail's own bytes once
//! more; the new segment's header says durably where the old tail ends, so what was behind that never
//! comes back; damage that was found is written there too and stays until the partition is removed.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use shard_rt::sync::Notify;
use shard_rt::{BufPool, Rt};

use super::recovery::{Past, Reader, Recovered};
use super::segments::{Files, header_of, segment_name};
use super::state::{State, Tail};
use super::{Shared, Wal, clean, segments, writer};
use crate::error::Result;
use crate::index::{HotTail, Live, Partition};
use crate::options::Options;
use crate::stats::Counters;

/// Buffers up to this many blocks are kept.
const BUFFER_BLOCKS: usize = 16;

impl Wal {
    /// Opens the log in `dir`, or makes one there. One log a directory at a time. Segments ahead are
    /// made later: to start, one ready segment or the space for one is enough. Until then entries may be
    /// refused as [`WalError::Full`](crate::WalError::Full); [`Wal::room`] waits for it.
    ///
    /// # Errors
    /// [`WalError::Option`](crate::WalError::Option), [`WalError::LogDamaged`](crate::WalError::LogDamaged), [`WalError::Version`](crate::WalError::Version), [`WalError::Disk`](crate::WalError::Disk).
    pub async fn open(rt: &Rt, dir: impl AsRef<Path>, options: Options) -> Result<(Self, Recovered)> {
        options.check()?;
        let disk = rt.disk();
        let dir = dir.as_ref();
        disk.create_dir(dir).await?;
        let lock = disk.lock_dir(dir).await?;
        let reader = Reader { rt: rt.clone(), dir: dir.to_owned(), options: options.clone() };
        let inventory = reader.inventory().await?;
        let files = Files::new(rt, dir, options.segment_bytes, inventory.files_made);
        let past = reader.past(inventory).await?;
        let recovered = past.recovered.clone();
        let state = first_state(past, &files, &options).await?;
        let shared = Rc::new(Shared {
            rt: rt.clone(),
            buffers: (1..=BUFFER_BLOCKS).map(|blocks| BufPool::new(blocks, 2)).collect(),
            files,
            options,
            state: RefCell::new(state),
            work: Notify::new(),
            spare: Notify::new(),
            room: Notify::new(),
            make: Notify::new(),
            clean: Notify::new(),
            trash: RefCell::default(),
            _lock: lock,
        });
        shared.state.borrow_mut().free_dead(&shared.options);
        shared.clean.one();
        let tasks = vec![
            rt.spawn("wal writer", writer::run(Rc::clone(&shared))).abort_on_drop(),
            rt.spawn("wal segments", segments::run_maker(Rc::clone(&shared))).abort_on_drop(),
            rt.spawn("wal rewriting", clean::run(Rc::clone(&shared))).abort_on_drop(),
        ];
        Ok((Self { shared, _tasks: Rc::new(tasks) }, recovered))
    }
}

/// Begins the segment that this start writes.
async fn first_state(mut past: Past, files: &Files, options: &Options) -> Result<State> {
    let mut live = Live::default();
    live.emptied = true;
    let partitions = std::mem::take(&mut past.replayed.partitions).into_iter();
    let partitions = partitions.map(|(id, image)| (id, Partition::of(image, &mut live))).collect();
    let ends = past.sealed.iter().map(|(segment, sealed)| (*segment, sealed.end)).collect();
    let log_serial = past.replayed.log_serial;
    let unattributed = past.replayed.unattributed;
    let header = header_of(past.log_id, past.next, options, ends, (&partitions, log_serial), unattributed)?;
    let tail = match past.empty {
        // Its header must stay until a newer one is durable, so its file cannot become the next.
        Some((header, file)) if past.spares.is_empty() => {
            files.write_header(&file, &header).await?;
            files.zero(&file, header.bytes(), options.segment_bytes - header.bytes()).await?;
            Tail::at_start(&header, file)
        }
        empty => {
            let spare = match past.spares.is_empty() {
                true => files.make_spare().await?,
                false => past.spares.remove(0),
            };
            let file = files.begin_segment(&spare, &header).await?;
            past.spares.extend(empty.map(|(header, _)| segment_name(header.segment)));
            Tail::at_start(&header, file)
        }
    };
    Ok(State {
        log_id: past.log_id,
        partitions,
        log_serial,
        log_serial_written: log_serial,
        unattributed,
        live,
        rewrite_credit: options.segment_bytes * past.sealed.len() as u64,
        sealed: past.sealed,
        tail,
        spares: past.spares,
        device_full: false,
        queue: std::collections::VecDeque::new(),
        queue_bytes: 0,
        record_bytes_seen: 0,
        hot: HotTail::default(),
        unmovable: std::collections::BTreeSet::new(),
        poisoned: None,
        closed: false,
        closing: None,
        counters: Counters::default(),
    })
}
