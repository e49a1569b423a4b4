//! State of the graph as bytes.

use super::{Graph, NodeKind};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::cut::Pieces;
use crate::ops::Operator;
use crate::time::StreamClock;

impl Graph {
    /// Writes the state of clocks, merges, operators and tables.
    pub(crate) fn encode(&self, out: &mut Writer) {
        self.encode_clocks(out);
        for node in &self.nodes {
            out.bool(node.flushed);
            match &node.kind {
                NodeKind::Merge { inputs: _, merge: _, slots: _ } => {}
                NodeKind::Retime { input: _, column: _, time: _, clock } => clock.encode(out),
                NodeKind::Operator { input: _, operator }
                | NodeKind::Join { inputs: _, slots: _, late: _, operator } => operator.encode(out),
            }
        }
        self.tables.iter().for_each(|table| table.encode(out));
    }

    /// Begins a cut: pieces are bytes, and nodes that have more to write.
    pub(crate) fn freeze(&mut self, out: &mut Writer, pieces: &mut Pieces<usize>) {
        self.encode_clocks(out);
        for (number, node) in self.nodes.iter_mut().enumerate() {
            out.bool(node.flushed);
            match &mut node.kind {
                NodeKind::Merge { inputs: _, merge: _, slots: _ } => {}
                NodeKind::Retime { input: _, column: _, time: _, clock } => clock.encode(out),
                NodeKind::Operator { input: _, operator }
                | NodeKind::Join { inputs: _, slots: _, late: _, operator } => {
                    if operator.freeze(out) {
                        pieces.bytes(std::mem::take(&mut out.bytes));
                        pieces.store(number);
                    }
                }
            }
        }
        self.tables.iter().for_each(|table| table.encode(out));
    }

    /// The operator of a node that has more to write.
    pub(crate) fn frozen(&mut self, number: usize) -> Option<&mut Operator> {
        match &mut self.nodes.get_mut(number)?.kind {
            NodeKind::Operator { operator, .. } | NodeKind::Join { operator, .. } => Some(operator),
            NodeKind::Merge { .. } | NodeKind::Retime { .. } => None,
        }
    }

    /// Gives up a cut.
    pub(crate) fn thaw(&mut self) {
        (0..self.nodes.len()).for_each(|number| self.frozen(number).into_iter().for_each(Operator::thaw));
    }

    fn encode_clocks(&self, out: &mut Writer) {
        self.clocks.iter().flatten().for_each(|c| c.encode(out));
        self.slot_floor.iter().for_each(|&f| out.i64(f));
        out.u32(self.nodes.len() as u32);
    }

    /// Reads what [`Graph::encode`] of a graph of the same program wrote.
    pub(crate) fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        for clock in self.clocks.iter_mut().flatten() {
            *clock = StreamClock::decode(input)?;
        }
        for floor in &mut self.slot_floor {
            *floor = input.i64()?;
        }
        let nodes = input.u32()? as usize;
        if nodes != self.nodes.len() {
            return Err(DecodeError(format!("it has {nodes} operators, the program {}", self.nodes.len())));
        }
        for node in &mut self.nodes {
            node.flushed = input.bool()?;
            match &mut node.kind {
                NodeKind::Merge { inputs: _, merge: _, slots: _ } => {}
                NodeKind::Retime { input: _, column: _, time: _, clock } => {
                    *clock = StreamClock::decode(input)?
                }
                NodeKind::Operator { input: _, operator }
                | NodeKind::Join { inputs: _, slots: _, late: _, operator } => operator.decode(input)?,
            }
        }
        self.tables.iter_mut().try_for_each(|table| table.decode(input))
    }
}
