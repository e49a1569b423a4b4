//! The bytes of an input that are in memory.

use std::io::{self, Read};

use super::Position;

/// Bytes asked for in one read.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;

/// A stretch of the input in memory; decoders take records from its front.
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Position of the first byte not taken.
    position: Position,
    at_end: bool,
    block_bytes: usize,
}

impl Window {
    /// An empty window that reads `block_bytes` at a time.
    pub(crate) fn new(block_bytes: usize) -> Window {
        Window {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            position: Position { byte: 0, line: 1 },
            at_end: false,
            block_bytes: block_bytes.max(1),
        }
    }

    /// The bytes not taken yet.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where they start.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Whether nothing follows them.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Takes `bytes` bytes with `lines` line ends from the front.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize, lines: u64) {
        debug_assert!(bytes <= self.end - self.start);
        self.start += bytes;
        self.position.byte += bytes as u64;
        self.position.line += lines;
    }

    /// Reads one more block behind the bytes that are there.
    pub(crate) fn fill(&mut self, input: &mut dyn Read) -> io::Result<()> {
        if self.buffer.len() - self.end < self.block_bytes && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let needed = self.end + self.block_bytes;
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
        let space = &mut self.buffer[self.end..self.end + self.block_bytes];
        match input.read(space)? {
            0 => self.at_end = true,
            count => self.end += count,
        }
        Ok(())
    }
}
