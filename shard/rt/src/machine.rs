//! What a backend provides. Tasks, timers, channels and mailboxes are not among it: those are the
//! same code on every backend (`exec`, `timer`, [`crate::sync`], [`crate::mailbox`]).
//!
//! A further backend implements these traits, drives the shard's executor, and passes the suite in
//! `conformance`.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};

use crate::buffer::{AlignedBuf, BlockAddr};
use crate::disk::{BlockWrite, DirEntry, Lock, OpenMode};
use crate::error::Result;

/// A future of a shard.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The result of an operation together with the buffer it was given.
pub type BufResult<T, B> = (Result<T>, B);

/// One shard's view of its machine.
pub trait Machine {
    /// Monotone nanoseconds; the origin has no meaning.
    fn now_ns(&self) -> u64;
    /// Nanoseconds since 1970 of the host's clock. May jump.
    fn wall_ns(&self) -> u64;
    /// `blocks` zeroed blocks, best for this backend's disk.
    fn buffer(&self, blocks: usize) -> AlignedBuf;
    /// The disk.
    fn disk(&self) -> &dyn RawDisk;
    /// The network.
    fn net(&self) -> &dyn RawNet;
}

/// See [`mod@crate::disk`] for the contract of each operation.
#[expect(missing_docs, reason = "the contract is told once, in crate::disk")]
pub trait RawDisk {
    fn open<'a>(&'a self, path: &'a Path, mode: OpenMode) -> LocalBoxFuture<'a, Result<Box<dyn RawFile>>>;
    fn lock_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Lock>>;
    fn create_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>>;
    fn sync_dir<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<()>>;
    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> LocalBoxFuture<'a, Result<()>>;
    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, Result<()>>;
    fn list<'a>(&'a self, dir: &'a Path) -> LocalBoxFuture<'a, Result<Vec<DirEntry>>>;
}

/// See [`crate::disk::File`].
#[expect(missing_docs, reason = "the contract is told once, in crate::disk")]
pub trait RawFile {
    fn read_at(&self, at: BlockAddr, buf: AlignedBuf) -> LocalBoxFuture<'_, BufResult<usize, AlignedBuf>>;
    fn write_at(&self, at: BlockAddr, buf: AlignedBuf) -> LocalBoxFuture<'_, BufResult<(), AlignedBuf>>;
    fn write_durable(&self, batch: Vec<BlockWrite>) -> LocalBoxFuture<'_, BufResult<(), Vec<AlignedBuf>>>;
    fn sync(&self) -> LocalBoxFuture<'_, Result<()>>;
    fn pre_allocate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>>;
    fn truncate(&self, blocks: u64) -> LocalBoxFuture<'_, Result<()>>;
    fn size(&self) -> LocalBoxFuture<'_, Result<u64>>;
}

/// See [`mod@crate::net`] for the contract of each operation.
#[expect(missing_docs, reason = "the contract is told once, in crate::net")]
pub trait RawNet {
    fn listen(&self, address: SocketAddr) -> Result<Box<dyn RawListener>>;
    fn dial(&self, address: SocketAddr) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>>;
}

/// See [`crate::net::Listener`].
#[expect(missing_docs, reason = "the contract is told once, in crate::net")]
pub trait RawListener {
    fn local_addr(&self) -> SocketAddr;
    fn accept(&self) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>>;
}

/// See [`crate::net::Stream`].
#[expect(missing_docs, reason = "the contract is told once, in crate::net")]
pub trait RawStream {
    fn peer_addr(&self) -> SocketAddr;
    fn read(&self, buf: BytesMut) -> LocalBoxFuture<'_, BufResult<usize, BytesMut>>;
    fn write_all(&self, bytes: Bytes) -> LocalBoxFuture<'_, Result<()>>;
    fn finish(&self) -> LocalBoxFuture<'_, Result<()>>;
}
