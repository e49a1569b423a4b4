//! The state as bytes and as a hash.

use cep_types::LogIndex;
use cep_types::hash::SpaceSeed;

use super::{Cursor, Partition};
use crate::codec::{DecodeError, Reader, Writer};
use crate::cut::Pieces;

/// Version of the checkpoint format.
const CHECKPOINT_VERSION: u32 = 2;
const CHECKPOINT_MAGIC: u32 = 0x4345_5054;

impl Partition {
    /// The whole state as bytes (R-CKP-1): [`Partition::restore`] in a partition of the same
    /// program goes on exactly where this one is. Call only after [`Progress::Done`](super::Progress::Done).
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.encode(&mut out);
        out.bytes
    }

    /// Writes what [`Partition::checkpoint`] gives.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_index(out);
        self.encode_state(out);
    }

    fn encode_index(&self, out: &mut Writer) {
        out.u32(CHECKPOINT_MAGIC);
        out.u32(CHECKPOINT_VERSION);
        out.u64(self.index.0);
    }

    fn encode_head(&self, out: &mut Writer) {
        debug_assert_eq!(self.cursor, Cursor::default(), "state is taken between entries");
        out.i64(self.stamp);
        self.ended.iter().for_each(|&e| out.bool(e));
        self.far_behind.iter().for_each(|&rows| out.u64(rows));
    }

    pub(super) fn encode_state(&self, out: &mut Writer) {
        self.encode_head(out);
        self.graph.encode(out);
    }

    /// Begins the same in slices: [`Partition::cut_next`] gives the bytes of now, whatever is applied
    /// meanwhile. Call only after [`Progress::Done`](super::Progress::Done).
    pub fn cut_begin(&mut self) {
        self.cut_end();
        let (mut out, mut pieces) = (Writer::default(), Pieces::default());
        self.encode_index(&mut out);
        self.encode_head(&mut out);
        self.graph.freeze(&mut out, &mut pieces);
        pieces.bytes(out.bytes);
        self.cut = Some(pieces);
    }

    /// Appends more of the checkpoint, until `out` has about `until` bytes; true when that was all, and the
    /// checkpoint is done. At any time, amid an entry, too.
    pub fn cut_next(&mut self, out: &mut Vec<u8>, until: usize) -> bool {
        let Some(mut pieces) = self.cut.take() else { return true };
        let done = pieces.go_on(out, until, |&node, out, until| {
            let mut writer = Writer { bytes: std::mem::take(out) };
            let done = self.graph.frozen(node).is_none_or(|operator| operator.cut_next(&mut writer, until));
            *out = writer.bytes;
            done
        });
        if !done {
            self.cut = Some(pieces);
        }
        done
    }

    /// Whether a checkpoint is being written.
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Gives up a checkpoint that is being written.
    pub fn cut_end(&mut self) {
        if self.cut.take().is_some() {
            self.graph.thaw();
        }
    }

    /// Restores what [`Partition::checkpoint`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged or of another program; this partition must then be thrown away.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(bytes);
        self.decode(&mut input)?;
        input.finish()
    }

    /// The same of bytes with others behind them.
    ///
    /// # Errors
    /// As [`Partition::restore`].
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
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
        self.graph.decode(input)
    }

    /// Hash of the state, without log positions (R-DET-1): equal states, equal hashes.
    pub fn state_hash(&self) -> u64 {
        let mut out = Writer::default();
        self.encode_state(&mut out);
        SpaceSeed(0).hash(&out.bytes)
    }
}
