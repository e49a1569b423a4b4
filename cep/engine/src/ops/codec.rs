//! State of operators as bytes: one arm a kind, no default arm.

use super::Operator;
use crate::codec::{DecodeError, Reader, Result, Writer};

impl Operator {
    fn tag(&self) -> u8 {
        match self {
            Operator::Rows(_) => 0,
            Operator::Aligned(_) => 1,
            Operator::Session(_) => 2,
            Operator::Batch(_) => 3,
            Operator::Over(_) => 4,
            Operator::Group(_) => 5,
            Operator::Rate(_) => 6,
            Operator::Aggregation(_) => 7,
            Operator::Sliding(_) => 8,
            Operator::Delay(_) => 9,
            // 10 to 19: joins of streams.
            Operator::TableJoin(_) => 20,
            Operator::TableWrite(_) => 21,
            Operator::Trigger(_) => 22,
            Operator::Join(_) => 10,
            Operator::Pattern(_) => 11,
            Operator::AsOf(_) => 12,
            // 30 and 31: bundles.
            Operator::Metrics(_) => 30,
            Operator::Rules(_) => 31,
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(self.tag());
        match self {
            // Their state is the table's.
            Operator::Rows(_) | Operator::TableJoin(_) | Operator::TableWrite(_) | Operator::Rules(_) => {}
            Operator::Aligned(op) => op.encode(out),
            Operator::Session(op) => op.encode(out),
            Operator::Batch(op) => op.encode(out),
            Operator::Over(op) => op.encode(out),
            Operator::Group(op) => op.encode(out),
            Operator::Rate(op) => op.encode(out),
            Operator::Aggregation(op) => op.encode(out),
            Operator::Sliding(op) => op.encode(out),
            Operator::Delay(op) => op.encode(out),
            Operator::Trigger(op) => op.encode(out),
            Operator::Join(op) => op.encode(out),
            Operator::AsOf(op) => op.encode(out),
            Operator::Pattern(op) => op.encode(out),
            Operator::Metrics(op) => op.encode(out),
        }
    }

    /// Reads what [`Operator::encode`] of an operator of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged or of another plan.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        let tag = input.u8()?;
        if tag != self.tag() {
            return Err(DecodeError(format!("operator kind {tag} where the program has {}", self.tag())));
        }
        match self {
            Operator::Rows(_) | Operator::TableJoin(_) | Operator::TableWrite(_) | Operator::Rules(_) => {
                Ok(())
            }
            Operator::Aligned(op) => op.decode(input),
            Operator::Session(op) => op.decode(input),
            Operator::Batch(op) => op.decode(input),
            Operator::Over(op) => op.decode(input),
            Operator::Group(op) => op.decode(input),
            Operator::Rate(op) => op.decode(input),
            Operator::Aggregation(op) => op.decode(input),
            Operator::Sliding(op) => op.decode(input),
            Operator::Delay(op) => op.decode(input),
            Operator::Trigger(op) => op.decode(input),
            Operator::Join(op) => op.decode(input),
            Operator::AsOf(op) => op.decode(input),
            Operator::Pattern(op) => op.decode(input),
            Operator::Metrics(op) => op.decode(input),
        }
    }

    /// Begins a cut of the state (`crate::cut`). True if more than `out` got is to come from
    /// [`Operator::cut_next`]; what does not say so is written at once.
    pub fn freeze(&mut self, out: &mut Writer) -> bool {
        let tag = self.tag();
        match self {
            Operator::Aligned(op) => {
                out.u8(tag);
                op.freeze(out)
            }
            Operator::Group(op) => {
                out.u8(tag);
                op.freeze(out)
            }
            Operator::Aggregation(op) => {
                out.u8(tag);
                op.freeze(out)
            }
            other => {
                other.encode(out);
                false
            }
        }
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written.
    pub fn cut_next(&mut self, out: &mut Writer, until: usize) -> bool {
        match self {
            Operator::Aligned(op) => op.cut_next(out, until),
            Operator::Group(op) => op.cut_next(out, until),
            Operator::Aggregation(op) => op.cut_next(out, until),
            _ => true,
        }
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        match self {
            Operator::Aligned(op) => op.thaw(),
            Operator::Group(op) => op.thaw(),
            Operator::Aggregation(op) => op.thaw(),
            _ => {}
        }
    }
}
