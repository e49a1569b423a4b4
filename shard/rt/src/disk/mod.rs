//! The disk of a shard: files of whole blocks, written around the page cache, and directories.
//!
//! Invariants:
//! - a write is durable after [`File::write_durable`], or after a [`File::sync`] that began when the
//!   write had ended, and not before;
//! - a new, renamed or removed name is durable after [`Disk::sync_dir`] of its directory, and not before;
//! - an operation owns its buffer until it ends and gives it back. Dropping the operation's future
//!   gives the buffer up; the operation itself may still happen;
//! - after a failed write or sync nothing is known about the file's content since the last success
//!   (R-DUR-2): close it and recover.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::buffer::{AlignedBuf, BLOCK, BlockAddr};
use crate::context::Rt;
use crate::error::{Result, RtError};
use crate::machine::{BufResult, RawFile};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// A new file, for reading and writing; an error if the name exists.
    CreateNew,
    /// An existing file, for reading and writing.
    Existing,
    /// An existing file, for reading.
    ReadOnly,
}

/// One write of a batch.
#[derive(Debug)]
pub struct BlockWrite {
    /// Where.
    pub at: BlockAddr,
    /// What.
    pub buf: AlignedBuf,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The last part of the path.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes of a file; 0 for a directory.
    pub len: u64,
}

/// A directory's lock; let go when dropped, and when the process ends.
pub struct Lock {
    _held: Box<dyn std::any::Any>,
}

impl Lock {
    /// A lock that lasts as long as `held`.
    pub fn new(held: impl std::any::Any) -> Self {
        Self { _held: Box::new(held) }
    }
}

/// The disk of a shard.
#[derive(Clone)]
pub struct Disk {
    rt: Rt,
}

impl Disk {
    pub(crate) fn new(rt: Rt) -> Self {
        Self { rt }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`RtError::AlreadyExists`], [`RtError::NotFound`], [`RtError::NoSpace`], [`RtError::Io`];
    /// [`RtError::Missing`] where the file system has no direct I/O.
    pub async fn open(&self, path: impl AsRef<Path>, mode: OpenMode) -> Result<File> {
        let path = path.as_ref();
        let raw = self.rt.inner().machine.disk().open(path, mode).await?;
        Ok(File { open: Rc::new(OpenFile { raw, path: path.to_owned(), mode }) })
    }

    /// Locks a directory against other processes and shards.
    ///
    /// # Errors
    /// [`RtError::Locked`] if it has a holder; [`RtError::NotFound`], [`RtError::Io`].
    pub async fn lock_dir(&self, dir: impl AsRef<Path>) -> Result<Lock> {
        self.rt.inner().machine.disk().lock_dir(dir.as_ref()).await
    }

    /// Makes a directory and those above it; one that exists is fine. A step of the start: it may
    /// block the shard.
    ///
    /// # Errors
    /// [`RtError::NoSpace`], [`RtError::Io`].
    pub async fn create_dir(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.rt.inner().machine.disk().create_dir(dir.as_ref()).await
    }

    /// Makes the directory's names durable.
    ///
    /// # Errors
    /// [`RtError::NotFound`], [`RtError::Io`].
    pub async fn sync_dir(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.rt.inner().machine.disk().sync_dir(dir.as_ref()).await
    }

    /// Gives a file another name, replacing what has it. Durable after [`Disk::sync_dir`] of both
    /// directories.
    ///
    /// # Errors
    /// [`RtError::NotFound`], [`RtError::NoSpace`], [`RtError::Io`].
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        self.rt.inner().machine.disk().rename(from.as_ref(), to.as_ref()).await
    }

    /// Removes a file's name; the content goes with the last handle. Durable after
    /// [`Disk::sync_dir`].
    ///
    /// # Errors
    /// [`RtError::NotFound`], [`RtError::Io`].
    pub async fn remove(&self, path: impl AsRef<Path>) -> Result<()> {
        self.rt.inner().machine.disk().remove(path.as_ref()).await
    }

    /// The names in a directory, sorted. A step of the start: it may block the shard.
    ///
    /// # Errors
    /// [`RtError::NotFound`], [`RtError::Io`].
    pub async fn list(&self, dir: impl AsRef<Path>) -> Result<Vec<DirEntry>> {
        let mut entries = self.rt.inner().machine.disk().list(dir.as_ref()).await?;
        entries.sort();
        Ok(entries)
    }
}

struct OpenFile {
    raw: Box<dyn RawFile>,
    path: PathBuf,
    mode: OpenMode,
}

/// An open file. Clones are the same handle. Operations of one file may run at the same time and end
/// in any order; writes that overlap in time must not overlap in place.
#[derive(Clone)]
pub struct File {
    open: Rc<OpenFile>,
}

impl File {
    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.open.path
    }

    /// Fills `buf` from `at`; the count of bytes is less than the buffer only at the end of the file.
    ///
    /// # Errors
    /// [`RtError::Io`].
    pub async fn read_at(&self, at: BlockAddr, buf: AlignedBuf) -> BufResult<usize, AlignedBuf> {
        self.open.raw.read_at(at, buf).await
    }

    /// Writes all of `buf` at `at`. Not durable: see the module.
    ///
    /// # Errors
    /// [`RtError::NoSpace`], [`RtError::Io`]; any part of the buffer may have been written then.
    pub async fn write_at(&self, at: BlockAddr, buf: AlignedBuf) -> BufResult<(), AlignedBuf> {
        match self.check_writable("write") {
            Ok(()) => self.open.raw.write_at(at, buf).await,
            Err(error) => (Err(error), buf),
        }
    }

    /// Writes the batch and makes it durable. All or none of it, in any order, may be on disk if
    /// power fails before the end. Earlier writes of this file may become durable with it, or not.
    /// The buffers come back in the order they were given.
    ///
    /// # Errors
    /// [`RtError::NoSpace`], [`RtError::Io`].
    pub async fn write_durable(&self, batch: Vec<BlockWrite>) -> BufResult<(), Vec<AlignedBuf>> {
        match self.check_writable("write") {
            Ok(()) => self.open.raw.write_durable(batch).await,
            Err(error) => (Err(error), batch.into_iter().map(|write| write.buf).collect()),
        }
    }

    /// Makes durable the content, and the length, that were there when it began.
    ///
    /// # Errors
    /// [`RtError::Io`]: what was unsynced may be lost, and a later success does not bring it back.
    pub async fn sync(&self) -> Result<()> {
        self.open.raw.sync().await
    }

    /// Reserves space so that the file has at least `blocks` blocks. The new ones read as zeros; write
    /// and sync them once before relying on the speed of later writes.
    ///
    /// # Errors
    /// [`RtError::NoSpace`], [`RtError::Io`].
    pub async fn pre_allocate(&self, blocks: u64) -> Result<()> {
        self.check_writable("pre-allocate")?;
        self.open.raw.pre_allocate(blocks).await
    }

    /// Sets the length to `blocks` blocks; new ones read as zeros. Durable after [`File::sync`].
    ///
    /// # Errors
    /// [`RtError::Io`].
    pub async fn truncate(&self, blocks: u64) -> Result<()> {
        self.check_writable("truncate")?;
        self.open.raw.truncate(blocks).await
    }

    /// Length in bytes.
    ///
    /// # Errors
    /// [`RtError::Io`].
    pub async fn len(&self) -> Result<u64> {
        self.open.raw.size().await
    }

    fn check_writable(&self, op: &'static str) -> Result<()> {
        if self.open.mode != OpenMode::ReadOnly {
            return Ok(());
        }
        let object = self.open.path.display().to_string();
        Err(RtError::Misuse { op, object, reason: "was opened for reading".into() })
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({})", self.open.path.display())
    }
}

/// Bytes of this many blocks.
pub(crate) fn bytes_of(blocks: u64) -> u64 {
    blocks * BLOCK as u64
}
