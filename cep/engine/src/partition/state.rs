//! The state as bytes and as a hash.

use cep_types::LogIndex;
use cep_types::hash::SpaceSeed;

use super::{Cursor, Partition};
use crate::codec::{DecodeError, Reader, Writer};

/// Version of the checkpoint format.
const CHECKPOINT_VERSION: u32 = 2;
const CHECKPOINT_MAGIC: u32 = 0x4345_5054;

impl Partition {
    /// The whole state as bytes (R-CKP-1): [`Partition::restore`] in a partition of the same
    /// program goes on exactly where this one is. Call only after [`Progress::Done`](super::Progress::Done).
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(CHECKPOINT_MAGIC);
        out.u32(CHECKPOINT_VERSION);
        out.u64(self.index.0);
        self.encode_state(&mut out);
        out.bytes
    }

    pub(super) fn encode_state(&self, out: &mut Writer) {
        debug_assert_eq!(self.cursor, Cursor::default(), "state is taken between entries");
        out.i64(self.stamp);
        self.ended.iter().for_each(|&e| out.bool(e));
        self.far_behind.iter().for_each(|&rows| out.u64(rows));
        self.graph.encode(out);
    }

    /// Restores what [`Partition::checkpoint`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged or of another program; this partition must then be thrown away.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(bytes);
        if input.u32()? != CHECKPOINT_MAGIC {
            return Err(DecodeError("it does not begin with a checkpoint's mark".into()));
        }
        let version = input.u32()?;
        if version != CHECKPOINT_VERSION {
            return Err(DecodeError(format!("version {version} is not version {CHECKPOINT_VERSION}")));
        }
        self.index = LogIndex(input.u64()?);
        self.stamp = input.i64()?;
        for ended in &mut self.ended {
            *ended = input.bool()?;
        }
        for rows in &mut self.far_behind {
            *rows = input.u64()?;
        }
        self.graph.decode(&mut input)?;
        input.finish()
    }

    /// Hash of the state, without log positions (R-DET-1): equal states, equal hashes.
    pub fn state_hash(&self) -> u64 {
        let mut out = Writer::default();
        self.encode_state(&mut out);
        SpaceSeed(0).hash(&out.bytes)
    }
}
