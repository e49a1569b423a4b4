//! The host's disk: direct I/O through the rings.
//!
//! A small durable batch of one write goes to a second descriptor of the same file opened with
//! O_DSYNC; others are written and then flushed by fdatasync. Measured on virtio: 4 KiB 108 µs against
//! 130 µs, 64 KiB the same, 256 KiB several times slower than the flush.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::future::join_all;
use glommio::io::{Directory, DmaBuffer, DmaFile, OpenOptions};
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::fault;
use super::probe::probe;
use crate::buffer::{AlignedBuf, BLOCK, BlockAddr};
use crate::disk::{BlockWrite, DirEntry, Lock, OpenMode, bytes_of};
use crate::error::{Result, RtError};
use crate::machine::{BufResult, LocalBoxFuture, RawDisk, RawFile};
use crate::sync::Mutex;

/// A single durable write up to this size goes through O_DSYNC.
const DSYNC_BYTES_MAX: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct UringDisk;

impl RawDisk for UringDisk {
    fn open<'a>(&'a self, path: &'a Path, mode: OpenMode) -> LocalBoxFuture<'a, Result<Box<dyn RawFile>>> {
        Box::pin(async move {
            probe(path.parent().unwrap_or(path)).await;
            let mut options = OpenOptions::new();
            options.read(true).write(mode != OpenMode::ReadOnly).create_new(mode == OpenMode::CreateNew);
            let file = options.dma_open(path).await.map_err(|error| fault::of_open(path, error))?;
            let file = UringFile { file, dsync: Mutex::default(), path: path.to_owned() };
            Ok(Box::new(file) as Box<dyn RawFile>)
        })
    }

    fn lock_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            let object = || dir.display().to_string();
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            let open = rustix::fs::open(dir, flags, Mode::empty());
            let open = open.map_err(|errno| RtError::from_io("lock", object(), &errno.into()))?;
            match rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Lock::new(open)),
                Err(rustix::io::Errno::WOULDBLOCK) => Err(RtError::Locked { op: "lock", object: object() }),
                Err(errno) => Err(RtError::from_io("lock", object(), &errno.into())),
            }
        })
    }

    fn create_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        let made = std::fs::create_dir_all(dir);
        let made =
            made.map_err(|error| RtError::from_io("create directory", dir.display().to_string(), &error));
        Box::pin(std::future::ready(made))
    }

    fn sync_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let failed = |error| fault::of_file("sync directory", dir, error);
            let directory = Directory::open(dir).await.map_err(failed)?;
            directory.sync().await.map_err(failed)?;
            directory.close().await.map_err(failed)
        })
    }

    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            glommio::io::rename(from, to).await.map_err(|error| fault::of_file("rename", from, error))
        })
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            glommio::io::remove(path).await.map_err(|error| fault::of_file("remove", path, error))
        })
    }

    fn list<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Vec<DirEntry>>> {
        let listed = list(dir).map_err(|error| RtError::from_io("list", dir.display().to_string(), &error));
        Box::pin(std::future::ready(listed))
    }
}

fn list(dir: &Path) -> std::io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let about = entry.metadata()?;
        let len = if about.is_dir() { 0 } else { about.len() };
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push(DirEntry { name, is_dir: about.is_dir(), len });
    }
    Ok(entries)
}

struct UringFile {
    file: DmaFile,
    /// The descriptor with O_DSYNC, once it was needed; `Some(None)` where it cannot be had.
    dsync: Mutex<Option<Option<Rc<DmaFile>>>>,
    path: PathBuf,
}

impl UringFile {
    fn failed(&self, op: &'static str) -> impl Fn(glommio::GlommioError<()>) -> RtError + '_ {
        move |error| fault::of_file(op, &self.path, error)
    }

    async fn write_to(&self, file: &DmaFile, at: BlockAddr, buf: AlignedBuf) -> BufResult<(), AlignedBuf> {
        let memory = buf.into_arena().unwrap_or_else(|heap| {
            let mut memory = glommio::allocate_dma_buffer(heap.len());
            memory.as_bytes_mut().copy_from_slice(&heap);
            memory
        });
        let len = memory.len();
        let shared = Rc::new(memory);
        let written = file.write_rc_at(Rc::clone(&shared), at.bytes()).await;
        let result = written.map_err(self.failed("write")).and_then(|count| self.check_whole(count, len));
        (result, unshared(shared))
    }

    fn check_whole(&self, count: usize, len: usize) -> Result<()> {
        if count == len {
            return Ok(());
        }
        let reason = format!("{count} of {len} bytes were written");
        Err(RtError::Io { op: "write", object: self.path.display().to_string(), reason })
    }

    /// The same file with O_DSYNC. It is opened by descriptor, since the name may be another's by now.
    async fn dsync(&self) -> Option<Rc<DmaFile>> {
        let mut known = self.dsync.lock().await;
        if known.is_none() {
            let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(OFlags::DSYNC.bits() as i32);
            *known = Some(options.dma_open(path).await.ok().map(Rc::new));
        }
        known.as_ref().and_then(Clone::clone)
    }
}

/// The buffer of an operation that has ended.
fn unshared(shared: Rc<DmaBuffer>) -> AlignedBuf {
    match Rc::try_unwrap(shared) {
        Ok(memory) => AlignedBuf::back_from_arena(memory),
        Err(shared) => {
            let mut copy = AlignedBuf::heap(shared.len() / BLOCK);
            copy.copy_from_slice(shared.as_bytes());
            copy
        }
    }
}

impl RawFile for UringFile {
    fn read_at(
        &self,
        at: BlockAddr,
        mut buf: AlignedBuf,
    ) -> LocalBoxFuture<'_, BufResult<usize, AlignedBuf>> {
        Box::pin(async move {
            let mut read = 0;
            while read < buf.len() {
                let from = at.bytes() + read as u64;
                match self.file.read_at_aligned(from, buf.len() - read).await {
                    Ok(bytes) => {
                        buf[read..read + bytes.len()].copy_from_slice(&bytes);
                        read += bytes.len();
                        // A part of a block is the end of the file, and cannot be read on from.
                        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
                            break;
                        }
                    }
                    Err(error) => return (Err(self.failed("read")(error)), buf),
                }
            }
            (Ok(read), buf)
        })
    }

    fn write_at(&self, at: BlockAddr, buf: AlignedBuf) -> LocalBoxFuture<'_, BufResult<(), AlignedBuf>> {
        Box::pin(self.write_to(&self.file, at, buf))
    }

    fn write_durable(
        &self,
        mut batch: Vec<BlockWrite>,
    ) -> LocalBoxFuture<'_, BufResult<(), Vec<AlignedBuf>>> {
        Box::pin(async move {
            let small = batch.len() == 1 && batch[0].buf.len() <= DSYNC_BYTES_MAX;
            if small
                && let Some(file) = self.dsync().await
                && let Some(write) = batch.pop()
            {
                let (result, buf) = self.write_to(&file, write.at, write.buf).await;
                return (result, vec![buf]);
            }
            let writes = batch.into_iter().map(|write| self.write_to(&self.file, write.at, write.buf));
            let (results, buffers): (Vec<_>, Vec<_>) = join_all(writes).await.into_iter().unzip();
            match results.into_iter().collect::<Result<()>>() {
                Ok(()) if buffers.is_empty() => (Ok(()), buffers),
                Ok(()) => (self.sync().await, buffers),
                Err(error) => (Err(error), buffers),
            }
        })
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move { self.file.fdatasync().await.map_err(self.failed("sync")) })
    }

    fn pre_allocate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if blocks == 0 {
                return Ok(());
            }
            self.file.pre_allocate(bytes_of(blocks), false).await.map_err(self.failed("pre-allocate"))
        })
    }

    fn truncate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move { self.file.truncate(bytes_of(blocks)).await.map_err(self.failed("truncate")) })
    }

    fn size(&self) -> LocalBoxFuture<'_, Result<u64>> {
        Box::pin(async move { self.file.file_size().await.map_err(self.failed("stat")) })
    }
}
