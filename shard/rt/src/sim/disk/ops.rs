//! The operations of a simulated disk: their time, their faults, their effect.

use std::path::{Path, PathBuf};

use super::{DiskOp, Effect, Entry, FileId, InFlight, SimDisk, blocks_of};
use crate::buffer::{AlignedBuf, BLOCK, BlockAddr};
use crate::disk::{BlockWrite, DirEntry, Lock, OpenMode, bytes_of};
use crate::error::{Result, RtError};
use crate::machine::{BufResult, LocalBoxFuture, RawDisk, RawFile};
use crate::timer::nanos;

fn failure(op: DiskOp, path: &Path) -> RtError {
    let reason = "input/output error (injected)".into();
    RtError::Io { op: op.verb(), object: path.display().to_string(), reason }
}

impl SimDisk {
    /// Draws the faults of an operation and takes its time. Gives the fault that is left to do.
    async fn begin(
        &self,
        op: DiskOp,
        path: &Path,
        file: Option<FileId>,
        bytes: u64,
    ) -> Result<Option<Effect>> {
        let world = self.world.upgrade().expect("invariant: tasks end before their world");
        let (effect, mut latency_ns) = {
            let mut state = self.state.borrow_mut();
            let state = &mut *state;
            let blocks =
                file.and_then(|id| state.files.get(&id)).map_or(0, |file| blocks_of(file.content.len()));
            let ordered = state.orders.take(op, path);
            let effect = ordered.or_else(|| state.config.draw(op, blocks, bytes, &mut state.rng));
            (effect, state.config.latency_ns(op, &mut state.rng))
        };
        if let Some(Effect::Delay(longer)) = effect {
            latency_ns = latency_ns.saturating_add(nanos(longer));
        }
        world.mark(op.verb(), latency_ns);
        world.delay(latency_ns).await;
        match effect {
            Some(Effect::NoSpace) => {
                Err(RtError::NoSpace { op: op.verb(), object: path.display().to_string() })
            }
            Some(Effect::Delay(_)) => Ok(None),
            other => Ok(other),
        }
    }

    /// An operation on names: it fails, or does its work.
    async fn on_names(&self, op: DiskOp, path: &Path) -> Result<()> {
        match self.begin(op, path, None, 0).await? {
            Some(Effect::Error) => Err(failure(op, path)),
            _ => Ok(()),
        }
    }

    fn not_found(&self, op: DiskOp, path: &Path) -> RtError {
        RtError::NotFound { op: op.verb(), object: path.display().to_string() }
    }
}

impl RawDisk for SimDisk {
    fn open<'a>(&'a self, path: &'a Path, mode: OpenMode) -> LocalBoxFuture<'a, Result<Box<dyn RawFile>>> {
        Box::pin(async move {
            self.on_names(DiskOp::Open, path).await?;
            let mut state = self.state.borrow_mut();
            let id = match (state.names.get(path), mode) {
                (Some(_), OpenMode::CreateNew) => {
                    return Err(RtError::AlreadyExists { op: "open", object: path.display().to_string() });
                }
                (None, OpenMode::CreateNew) => {
                    if !path.parent().is_some_and(|dir| state.names.has_dir(dir)) {
                        return Err(self.not_found(DiskOp::Open, path));
                    }
                    let id = state.make_file();
                    state.names.put(path, Entry::File(id));
                    id
                }
                (Some(Entry::File(id)), _) => id,
                _ => return Err(self.not_found(DiskOp::Open, path)),
            };
            state.file(id).handles += 1;
            let file = SimFile { disk: self.clone(), id, path: path.to_owned(), epoch: state.epoch };
            Ok(Box::new(file) as Box<dyn RawFile>)
        })
    }

    fn lock_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            self.on_names(DiskOp::Open, dir).await?;
            let mut state = self.state.borrow_mut();
            if !state.names.has_dir(dir) {
                return Err(self.not_found(DiskOp::Open, dir));
            }
            if !state.locks.insert(dir.to_owned()) {
                return Err(RtError::Locked { op: "lock", object: dir.display().to_string() });
            }
            Ok(Lock::new(HeldLock { disk: self.clone(), dir: dir.to_owned(), epoch: state.epoch }))
        })
    }

    fn create_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.on_names(DiskOp::Open, dir).await?;
            let mut state = self.state.borrow_mut();
            let mut above: Vec<&Path> = dir.ancestors().filter(|path| !state.names.has_dir(path)).collect();
            while let Some(path) = above.pop() {
                if state.names.get(path).is_some() {
                    let object = path.display().to_string();
                    return Err(RtError::AlreadyExists { op: "create directory", object });
                }
                state.names.put(path, Entry::Dir);
            }
            Ok(())
        })
    }

    fn sync_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match self.begin(DiskOp::SyncDir, dir, None, 0).await? {
                Some(Effect::Error) => return Err(failure(DiskOp::SyncDir, dir)),
                Some(Effect::Lose) => return Ok(()),
                _ => {}
            }
            let mut state = self.state.borrow_mut();
            if !state.names.has_dir(dir) {
                return Err(self.not_found(DiskOp::SyncDir, dir));
            }
            state.names.sync_dir(dir);
            state.collect();
            Ok(())
        })
    }

    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.on_names(DiskOp::Rename, from).await?;
            let mut state = self.state.borrow_mut();
            let named = matches!(state.names.get(from), Some(Entry::File(_)));
            if !named || !to.parent().is_some_and(|dir| state.names.has_dir(dir)) {
                return Err(self.not_found(DiskOp::Rename, from));
            }
            state.names.rename(from, to);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.on_names(DiskOp::Remove, path).await?;
            let mut state = self.state.borrow_mut();
            if !matches!(state.names.get(path), Some(Entry::File(_))) {
                return Err(self.not_found(DiskOp::Remove, path));
            }
            state.names.remove(path);
            Ok(())
        })
    }

    fn list<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Vec<DirEntry>>> {
        Box::pin(async move {
            self.on_names(DiskOp::List, dir).await?;
            let state = self.state.borrow();
            if !state.names.has_dir(dir) {
                return Err(self.not_found(DiskOp::List, dir));
            }
            let entries = state.names.children(dir).map(|(path, entry)| DirEntry {
                name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
                is_dir: entry == Entry::Dir,
                len: match entry {
                    Entry::File(id) => state.files.get(&id).map_or(0, |file| file.content.len()),
                    Entry::Dir => 0,
                },
            });
            Ok(entries.collect())
        })
    }
}

struct HeldLock {
    disk: SimDisk,
    dir: PathBuf,
    epoch: u64,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut state = self.disk.state.borrow_mut();
        if state.epoch == self.epoch {
            state.locks.remove(&self.dir);
        }
    }
}

struct SimFile {
    disk: SimDisk,
    id: FileId,
    path: PathBuf,
    epoch: u64,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.state.borrow_mut();
        if state.epoch == self.epoch {
            state.file(self.id).handles -= 1;
            state.collect();
        }
    }
}

/// A write under way. Dropped before its end it still happens, unsynced.
struct Underway<'a> {
    file: &'a SimFile,
    number: u64,
}

impl Underway<'_> {
    fn end(&self) -> Option<InFlight> {
        self.file.disk.state.borrow_mut().in_flight.remove(&self.number)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if let Some(write) = self.end()
            && self.file.check_alive(DiskOp::Write).is_ok()
        {
            let mut state = self.file.disk.state.borrow_mut();
            for (offset, bytes) in &write.parts {
                state.file(write.file).content.write(*offset, bytes, |_| true);
            }
        }
    }
}

impl SimFile {
    /// A handle of before a crash does nothing any more.
    fn check_alive(&self, op: DiskOp) -> Result<()> {
        if self.disk.state.borrow().epoch == self.epoch { Ok(()) } else { Err(failure(op, &self.path)) }
    }

    /// Writes the parts, durable or not.
    async fn write(&self, op: DiskOp, parts: Vec<(u64, Vec<u8>)>) -> Result<()> {
        self.check_alive(op)?;
        let end = parts.iter().map(|(offset, bytes)| offset + bytes.len() as u64).max().unwrap_or(0);
        let underway = {
            let mut state = self.disk.state.borrow_mut();
            state.check_space(self.id, end, op, &self.path)?;
            let number = state.writes_begun;
            state.writes_begun += 1;
            state.in_flight.insert(number, InFlight { file: self.id, parts });
            Underway { file: self, number }
        };
        let effect = self.disk.begin(op, &self.path, Some(self.id), end).await;
        let Some(write) = underway.end() else {
            return Err(failure(op, &self.path));
        };
        let mut state = self.disk.state.borrow_mut();
        let shift = match effect? {
            Some(Effect::Error) => {
                state.tear(self.id, &write.parts);
                return Err(failure(op, &self.path));
            }
            Some(Effect::Lose) => return Ok(()),
            Some(Effect::Misdirect(blocks)) => blocks,
            _ => 0,
        };
        let content = &mut state.file(self.id).content;
        for (offset, bytes) in &write.parts {
            let offset = misdirected(*offset, shift, content.len());
            if op == DiskOp::WriteDurable {
                content.write_durable(offset, bytes);
            } else {
                content.write(offset, bytes, |_| true);
            }
        }
        Ok(())
    }
}

/// `offset` moved by `blocks`, within the blocks of the file.
fn misdirected(offset: u64, blocks: i64, len: u64) -> u64 {
    let (at, count) = ((offset / BLOCK as u64) as i64, blocks_of(len).max(1) as i64);
    if blocks == 0 { offset } else { bytes_of((at + blocks).rem_euclid(count) as u64) }
}

impl RawFile for SimFile {
    fn read_at(
        &self,
        at: BlockAddr,
        mut buf: AlignedBuf,
    ) -> LocalBoxFuture<'_, BufResult<usize, AlignedBuf>> {
        Box::pin(async move {
            let effect = self.disk.begin(DiskOp::Read, &self.path, Some(self.id), buf.len() as u64).await;
            let alive = self.check_alive(DiskOp::Read);
            let effect = match alive.and(effect) {
                Ok(Some(Effect::Error)) => return (Err(failure(DiskOp::Read, &self.path)), buf),
                Ok(effect) => effect,
                Err(error) => return (Err(error), buf),
            };
            let mut state = self.disk.state.borrow_mut();
            let content = &mut state.file(self.id).content;
            let mut from = at.bytes();
            match effect {
                Some(Effect::FlipBit { byte, bit }) if from + byte < content.len() => {
                    content.flip_bit(from + byte, bit);
                }
                Some(Effect::Misdirect(blocks)) => from = misdirected(from, blocks, content.len()),
                _ => {}
            }
            let count = content.read(from, &mut buf);
            (Ok(count), buf)
        })
    }

    fn write_at(&self, at: BlockAddr, buf: AlignedBuf) -> LocalBoxFuture<'_, BufResult<(), AlignedBuf>> {
        Box::pin(async move {
            let parts = vec![(at.bytes(), buf.to_vec())];
            (self.write(DiskOp::Write, parts).await, buf)
        })
    }

    fn write_durable(&self, batch: Vec<BlockWrite>) -> LocalBoxFuture<'_, BufResult<(), Vec<AlignedBuf>>> {
        Box::pin(async move {
            let parts = batch.iter().map(|write| (write.at.bytes(), write.buf.to_vec())).collect();
            let result = self.write(DiskOp::WriteDurable, parts).await;
            (result, batch.into_iter().map(|write| write.buf).collect())
        })
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.check_alive(DiskOp::Sync)?;
            let mark = self.disk.state.borrow_mut().file(self.id).content.mark();
            let effect = self.disk.begin(DiskOp::Sync, &self.path, Some(self.id), 0).await?;
            self.check_alive(DiskOp::Sync)?;
            let mut state = self.disk.state.borrow_mut();
            let content = &mut state.file(self.id).content;
            match effect {
                Some(Effect::Error) => {
                    content.sync_failed();
                    Err(failure(DiskOp::Sync, &self.path))
                }
                Some(Effect::Lose) => Ok(()),
                _ => {
                    content.sync(mark);
                    Ok(())
                }
            }
        })
    }

    fn pre_allocate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(
            async move { self.set_len(DiskOp::PreAllocate, blocks, |len, wanted| len.max(wanted)).await },
        )
    }

    fn truncate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move { self.set_len(DiskOp::Truncate, blocks, |_, wanted| wanted).await })
    }

    fn size(&self) -> LocalBoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            self.check_alive(DiskOp::Read)?;
            Ok(self.disk.state.borrow_mut().file(self.id).content.len())
        })
    }
}

impl SimFile {
    async fn set_len(&self, op: DiskOp, blocks: u64, len: impl Fn(u64, u64) -> u64) -> Result<()> {
        if let Some(Effect::Error) = self.disk.begin(op, &self.path, Some(self.id), 0).await? {
            return Err(failure(op, &self.path));
        }
        self.check_alive(op)?;
        let mut state = self.disk.state.borrow_mut();
        let wanted = len(state.file(self.id).content.len(), bytes_of(blocks));
        state.check_space(self.id, wanted, op, &self.path)?;
        state.file(self.id).content.set_len(wanted);
        Ok(())
    }
}
