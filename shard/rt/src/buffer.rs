//! Memory for disk I/O.
//!
//! Invariants: an [`AlignedBuf`] starts at a multiple of [`BLOCK`] and its length is a positive
//! multiple of it; a [`BlockAddr`] is a multiple of it. Disk operations take nothing else, so a
//! misaligned one does not compile.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use bytemuck::{Pod, Zeroable};

use crate::error::{Result, RtError};

/// Bytes of a block: the unit of alignment and of size of all disk I/O.
pub const BLOCK: usize = 4096;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(4096))]
struct Block([u8; BLOCK]);

/// Bytes for disk I/O, aligned to [`BLOCK`]. Owned by an operation while it runs, and given back by it.
pub struct AlignedBuf {
    memory: Memory,
}

enum Memory {
    Heap(Box<[Block]>),
    /// From the arena that the executor registered with its rings.
    #[cfg(feature = "glommio")]
    Arena(glommio::io::DmaBuffer),
}

impl AlignedBuf {
    /// `blocks` zeroed blocks from the heap. Prefer [`crate::buffer()`], which takes them from where
    /// the backend does I/O without a copy.
    ///
    /// # Panics
    /// If `blocks` is zero.
    pub fn heap(blocks: usize) -> Self {
        assert!(blocks > 0, "an empty buffer reads and writes nothing");
        Self { memory: Memory::Heap(bytemuck::zeroed_slice_box(blocks)) }
    }

    #[cfg(feature = "glommio")]
    pub(crate) fn arena(mut memory: glommio::io::DmaBuffer) -> Self {
        assert_eq!(memory.as_ptr().align_offset(BLOCK), 0, "the arena aligns to blocks");
        assert!(!memory.is_empty() && memory.len().is_multiple_of(BLOCK), "the arena gives whole blocks");
        memory.as_bytes_mut().fill(0);
        Self { memory: Memory::Arena(memory) }
    }

    /// The arena's buffer, or this one back if it is not from there.
    #[cfg(feature = "glommio")]
    pub(crate) fn into_arena(self) -> std::result::Result<glommio::io::DmaBuffer, Self> {
        match self.memory {
            Memory::Arena(memory) => Ok(memory),
            memory @ Memory::Heap(_) => Err(Self { memory }),
        }
    }

    /// Like [`AlignedBuf::arena`], with the content kept.
    #[cfg(feature = "glommio")]
    pub(crate) fn back_from_arena(memory: glommio::io::DmaBuffer) -> Self {
        Self { memory: Memory::Arena(memory) }
    }

    /// Length in blocks.
    pub fn blocks(&self) -> usize {
        self.len() / BLOCK
    }

    /// A copy that does not share memory.
    pub fn duplicate(&self) -> Self {
        let mut copy = Self::heap(self.blocks());
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Heap(blocks) => bytemuck::cast_slice(blocks),
            #[cfg(feature = "glommio")]
            Memory::Arena(memory) => memory.as_bytes(),
        }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Heap(blocks) => bytemuck::cast_slice_mut(blocks),
            #[cfg(feature = "glommio")]
            Memory::Arena(memory) => memory.as_bytes_mut(),
        }
    }
}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBuf({} bytes)", self.len())
    }
}

/// A position in a file: a multiple of [`BLOCK`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockAddr(u64);

impl BlockAddr {
    /// The start of a file.
    pub const ZERO: Self = Self(0);

    /// The position of the block with this index.
    ///
    /// # Panics
    /// If the position in bytes does not fit into 63 bits.
    pub fn block(index: u64) -> Self {
        let bytes = index.checked_mul(BLOCK as u64).filter(|bytes| *bytes <= i64::MAX as u64);
        Self(bytes.expect("invariant: files are shorter than 2^63 bytes"))
    }

    /// The position in bytes.
    ///
    /// # Errors
    /// [`RtError::Misuse`] if it is not a multiple of [`BLOCK`].
    pub fn from_bytes(offset: u64) -> Result<Self> {
        if offset.is_multiple_of(BLOCK as u64) && offset <= i64::MAX as u64 {
            return Ok(Self(offset));
        }
        let reason = format!("is not a multiple of {BLOCK} below 2^63");
        Err(RtError::Misuse { op: "position", object: offset.to_string(), reason })
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The position `blocks` further on.
    ///
    /// # Panics
    /// As [`BlockAddr::block`].
    pub fn plus(self, blocks: u64) -> Self {
        Self::block(self.0 / BLOCK as u64 + blocks)
    }
}

/// Buffers of one size, kept for reuse. Their content is what the last user left.
pub struct BufPool {
    blocks: usize,
    spare_max: usize,
    spare: RefCell<Vec<AlignedBuf>>,
}

impl BufPool {
    /// A pool of buffers of `blocks` blocks that keeps at most `spare_max` of them.
    ///
    /// # Panics
    /// If `blocks` is zero.
    pub fn new(blocks: usize, spare_max: usize) -> Self {
        assert!(blocks > 0, "an empty buffer reads and writes nothing");
        Self { blocks, spare_max, spare: RefCell::new(Vec::with_capacity(spare_max)) }
    }

    /// A buffer: a spare one, or a new one of the current runtime.
    ///
    /// # Panics
    /// Outside a runtime, if no spare one is left.
    pub fn take(&self) -> AlignedBuf {
        let spare = self.spare.borrow_mut().pop();
        spare.unwrap_or_else(|| crate::buffer(self.blocks))
    }

    /// Gives a buffer back. One of another size, or one too many, is dropped.
    pub fn put(&self, buf: AlignedBuf) {
        let mut spare = self.spare.borrow_mut();
        if buf.blocks() == self.blocks && spare.len() < self.spare_max {
            spare.push(buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeroed_and_whole_blocks() {
        for blocks in [1, 3, 64] {
            let mut buf = AlignedBuf::heap(blocks);
            assert_eq!(buf.as_ptr().align_offset(BLOCK), 0);
            assert_eq!(buf.len(), blocks * BLOCK);
            assert!(buf.iter().all(|byte| *byte == 0));
            buf[17] = 3;
            assert_eq!(buf.duplicate()[17], 3);
        }
    }

    #[test]
    fn a_misaligned_position_is_refused() {
        assert!(matches!(BlockAddr::from_bytes(512), Err(RtError::Misuse { .. })));
        assert_eq!(BlockAddr::from_bytes(8192), Ok(BlockAddr::block(2)));
        assert_eq!(BlockAddr::ZERO.plus(2).bytes(), 8192);
    }

    #[test]
    fn a_pool_gives_back_what_it_got_up_to_its_bound() {
        let pool = BufPool::new(2, 1);
        let mut buf = AlignedBuf::heap(2);
        buf[0] = 7;
        pool.put(buf);
        pool.put(AlignedBuf::heap(2));
        pool.put(AlignedBuf::heap(3));
        assert_eq!(pool.take()[0], 7);
        assert!(pool.spare.borrow().is_empty());
    }
}
