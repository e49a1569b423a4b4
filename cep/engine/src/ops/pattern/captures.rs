//! Rows that partial matches hold, and which of them: chains that share their beginnings.
//!
//! Invariants:
//! - A row is kept once, however many chains hold it; of it only the columns that something reads.
//! - A chain is named by its last node. Nodes and rows are counted by who refers to them, and are gone
//!   with the last one.
//! - What conditions ask of a chain (its first and last rows by element) is kept in each node, so that
//!   no test walks a chain.

use crate::expr::row::Scalar;

/// Index of a node; [`NONE`]: no rows.
pub type NodeId = u32;
/// Index of a row.
pub type RowId = u32;
/// Nothing.
pub const NONE: u32 = u32::MAX;

/// A link of a chain.
#[derive(Debug, Clone, Copy)]
struct Node {
    before: NodeId,
    row: RowId,
    leaf: u16,
    refs: u32,
}

/// What is known of a row besides its values.
#[derive(Debug, Clone, Copy)]
pub struct RowInfo {
    /// Its number among the rows of its key.
    pub seq: u64,
    /// Event time, ns.
    pub time: i64,
    refs: u32,
}

/// First and last rows by element that a chain remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// By occurrence of an element: whether it counts.
    pub counts: Vec<bool>,
    /// First rows that are kept.
    pub first: usize,
    /// Last rows that are kept.
    pub last: usize,
}

/// A row and as which occurrence it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub row: RowId,
    /// The occurrence.
    pub leaf: u16,
}

const NOT_TAKEN: Taken = Taken { row: NONE, leaf: u16::MAX };

/// All rows and chains of an operator.
#[derive(Debug, Default)]
pub struct Captures {
    nodes: Vec<Node>,
    free_nodes: Vec<NodeId>,
    rows: Vec<RowInfo>,
    free_rows: Vec<RowId>,
    /// Values of each row.
    values: Vec<Scalar<'static>>,
    width: usize,
    /// What each node remembers, `stride` of them a node.
    memory: Vec<Taken>,
    tracks: Vec<Track>,
    stride: usize,
    /// Bytes of texts.
    text_bytes: usize,
    /// Nodes made so far, for tests of the work.
    #[cfg(test)]
    pub made: u64,
}

impl Captures {
    /// Nothing, for rows of `width` columns of which conditions ask `tracks`.
    pub fn new(width: usize, tracks: Vec<Track>) -> Self {
        let stride = tracks.iter().map(|t| t.first + t.last).sum();
        Captures { width, tracks, stride, ..Captures::default() }
    }

    /// Keeps a row; it must be given to a node or freed.
    pub fn add_row(&mut self, seq: u64, time: i64, values: impl Iterator<Item = Scalar<'static>>) -> RowId {
        let info = RowInfo { seq, time, refs: 1 };
        let text = |v: &Scalar<'_>| if let Scalar::Bytes(b) = v { b.len() } else { 0 };
        match self.free_rows.pop() {
            Some(row) => {
                self.rows[row as usize] = info;
                for (at, value) in values.enumerate() {
                    self.text_bytes += text(&value);
                    self.values[row as usize * self.width + at] = value;
                }
                row
            }
            None => {
                self.rows.push(info);
                for value in values {
                    self.text_bytes += text(&value);
                    self.values.push(value);
                }
                self.rows.len() as RowId - 1
            }
        }
    }

    /// One more refers to the row.
    pub fn hold_row(&mut self, row: RowId) {
        if row != NONE {
            self.rows[row as usize].refs += 1;
        }
    }

    /// One fewer refers to the row.
    pub fn free_row(&mut self, row: RowId) {
        if row == NONE {
            return;
        }
        let info = &mut self.rows[row as usize];
        info.refs -= 1;
        if info.refs == 0 {
            let from = row as usize * self.width;
            for value in &mut self.values[from..from + self.width] {
                if let Scalar::Bytes(b) = value {
                    self.text_bytes -= b.len();
                }
                *value = Scalar::Null;
            }
            self.free_rows.push(row);
        }
    }

    /// What is known of a row.
    pub fn info(&self, row: RowId) -> RowInfo {
        self.rows[row as usize]
    }

    /// Value of captured column `column` of a row.
    pub fn value(&self, row: RowId, column: usize) -> &Scalar<'static> {
        &self.values[row as usize * self.width + column]
    }

    /// Lengthens a chain by a row; the new chain is the caller's. Neither the row nor `before` changes
    /// hands: they are held once more.
    pub fn push(&mut self, before: NodeId, row: RowId, leaf: u16) -> NodeId {
        #[cfg(test)]
        {
            self.made += 1;
        }
        self.hold(before);
        self.hold_row(row);
        let node = Node { before, row, leaf, refs: 1 };
        let id = match self.free_nodes.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                self.nodes.push(node);
                self.memory.resize(self.nodes.len() * self.stride, NOT_TAKEN);
                self.nodes.len() as NodeId - 1
            }
        };
        self.remember(id, before, Taken { row, leaf });
        id
    }

    fn remember(&mut self, id: NodeId, before: NodeId, taken: Taken) {
        if self.stride == 0 {
            return;
        }
        let to = id as usize * self.stride;
        if before == NONE {
            self.memory[to..to + self.stride].fill(NOT_TAKEN);
        } else {
            let from = before as usize * self.stride;
            self.memory.copy_within(from..from + self.stride, to);
        }
        let mut at = to;
        for track in &self.tracks {
            let (first, last) = (at, at + track.first);
            at = last + track.last;
            if !track.counts[usize::from(taken.leaf)] {
                continue;
            }
            if let Some(free) = (first..last).find(|&f| self.memory[f].row == NONE) {
                self.memory[free] = taken;
            }
            if track.last > 0 {
                self.memory.copy_within(last..at - 1, last + 1);
                self.memory[last] = taken;
            }
        }
    }

    /// The n-th first row of a track, from 0.
    pub fn first(&self, node: NodeId, track: usize, n: usize) -> Option<Taken> {
        let at: usize = self.tracks[..track].iter().map(|t| t.first + t.last).sum();
        self.remembered(node, at + n)
    }

    /// The n-th last row of a track, from 0.
    pub fn last(&self, node: NodeId, track: usize, n: usize) -> Option<Taken> {
        let at: usize = self.tracks[..track].iter().map(|t| t.first + t.last).sum();
        self.remembered(node, at + self.tracks[track].first + n)
    }

    fn remembered(&self, node: NodeId, at: usize) -> Option<Taken> {
        if node == NONE {
            return None;
        }
        Some(self.memory[node as usize * self.stride + at]).filter(|t| t.row != NONE)
    }

    /// Whether two chains look alike to conditions that read these tracks.
    pub fn look_alike(&self, a: NodeId, b: NodeId, tracks: &[bool]) -> bool {
        let mut at = 0;
        for (track, &is_read) in self.tracks.iter().zip(tracks) {
            for n in at..at + track.first + track.last {
                if is_read && self.remembered(a, n) != self.remembered(b, n) {
                    return false;
                }
            }
            at += track.first + track.last;
        }
        true
    }

    /// One more refers to a chain.
    pub fn hold(&mut self, node: NodeId) {
        if node != NONE {
            self.nodes[node as usize].refs += 1;
        }
    }

    /// One fewer refers to a chain; calls `gone` with each node that is no more.
    pub fn free(&mut self, mut node: NodeId, mut gone: impl FnMut(NodeId)) {
        while node != NONE {
            let at = &mut self.nodes[node as usize];
            at.refs -= 1;
            if at.refs > 0 {
                return;
            }
            let Node { before, row, .. } = *at;
            self.free_row(row);
            self.free_nodes.push(node);
            gone(node);
            node = before;
        }
    }

    /// The rows of a chain, the last first.
    pub fn chain(&self, mut node: NodeId) -> impl Iterator<Item = Taken> + '_ {
        std::iter::from_fn(move || {
            let at = *self.nodes.get(node as usize)?;
            node = at.before;
            Some(Taken { row: at.row, leaf: at.leaf })
        })
    }

    /// The chain before the last row of one, and that row.
    pub fn link(&self, node: NodeId) -> (NodeId, Taken) {
        let at = self.nodes[node as usize];
        (at.before, Taken { row: at.row, leaf: at.leaf })
    }

    /// The last row of a chain.
    pub fn last_row(&self, node: NodeId) -> Option<Taken> {
        (node != NONE).then(|| self.link(node).1)
    }

    /// Number of nodes and of rows that are held.
    pub fn held(&self) -> (usize, usize) {
        (self.nodes.len() - self.free_nodes.len(), self.rows.len() - self.free_rows.len())
    }

    /// Nodes that there is room for.
    pub fn node_slots(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        let (nodes, rows) = self.held();
        nodes * (size_of::<Node>() + self.stride * size_of::<Taken>())
            + rows * (size_of::<RowInfo>() + self.width * size_of::<Scalar<'_>>())
            + self.text_bytes
    }

    /// Gives room back when little of it is in use; nothing may be held.
    pub fn shrink(&mut self) {
        if self.held() == (0, 0) && self.nodes.len() + self.rows.len() > 1024 {
            self.nodes = Vec::new();
            self.free_nodes = Vec::new();
            self.rows = Vec::new();
            self.free_rows = Vec::new();
            self.values = Vec::new();
            self.memory = Vec::new();
        }
    }
}
