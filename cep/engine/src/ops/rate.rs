//! OUTPUT … EVERY … (R-SQL-8): which rows of a period are let through, and when.
//!
//! A period is a number of rows, or a time by stamp that begins with the first row and repeats.
//! ALL gives the rows of a period together at its end. FIRST lets the first row of each group
//! through at once and no other of that group until the period ends. LAST gives the last row of each
//! group at the end, marked as the change since the period before. SNAPSHOT gives the latest row of
//! every group, of all periods, at the end. Groups come in order of their first row; SNAPSHOT forgets
//! groups that are deleted. The end of input ends the period.

use cep_lang::ast::{RateEvery, RateKind};
use cep_lang::plan::RateNode;
use cep_types::Op;

use super::{CLOSE_ROWS, FEW_CLOSES, OpContext};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;
use crate::keys::{KeyTable, encode_value};
use crate::time::NodeTime;

/// Rank of a group that was deleted.
const GONE: u64 = u64::MAX;

/// An output rate limiter.
#[derive(Debug)]
pub struct RateOp {
    kind: RateKind,
    every: Every,
    keys: Vec<usize>,
    types: Vec<arrow_schema::DataType>,
    /// Rows held back: all of the period, or one a group.
    held: Chunk,
    groups: KeyTable,
    /// Row of `held` of each group.
    row_of: Vec<u32>,
    /// Rank of each group by its first row since it was there.
    ranks: Vec<u64>,
    next_rank: u64,
    /// Groups that are gone.
    gone: usize,
    /// Rows of the chunk that are in `held`, or need not be.
    taken: usize,
    /// LAST of rows that replace each other: whether each group was there before the period.
    was_there: Vec<bool>,
    /// Rows of the period so far.
    count: u64,
    /// Stamp at which the period ends.
    due: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Every {
    Rows(u64),
    Ns(i64),
}

impl RateOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &RateNode) -> std::result::Result<Self, String> {
        let every = match node.every {
            RateEvery::Events(n) => Every::Rows(n.max(1)),
            RateEvery::Time(d) if d.months == 0 => {
                let days = i64::from(d.days).checked_mul(86_400_000_000_000);
                let ns = days.and_then(|days| days.checked_add(d.nanos)).filter(|&ns| ns > 0);
                Every::Ns(ns.ok_or("OUTPUT EVERY takes a time above 0 and below 292 years")?)
            }
            RateEvery::Time(_) => {
                return Err("OUTPUT EVERY takes days or shorter units, not months; count in days".to_string());
            }
        };
        let types: Vec<_> = node.input.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        Ok(RateOp {
            kind: node.kind,
            every,
            keys: node.keys.clone(),
            held: Chunk { columns: types.iter().map(Column::new).collect(), ..Chunk::default() },
            types,
            groups: KeyTable::new(),
            row_of: Vec::new(),
            ranks: Vec::new(),
            next_rank: 0,
            gone: 0,
            taken: 0,
            was_there: Vec::new(),
            count: 0,
            due: None,
        })
    }

    /// The least stamp that gives rows without another one.
    pub fn due_stamp(&self) -> Option<i64> {
        let gives = match self.kind {
            RateKind::First => false,
            RateKind::All | RateKind::Last => self.count > 0,
            RateKind::Snapshot => self.there_count() > 0,
        };
        self.due.filter(|_| gives)
    }

    /// Stamp up to which about `CLOSE_ROWS` rows of snapshots are emitted; `None`: no stamp
    /// makes it emit more than that.
    pub fn stamp_horizon(&self) -> Option<i64> {
        let (Every::Ns(ns), RateKind::Snapshot, Some(due)) = (self.every, self.kind, self.due) else {
            return None;
        };
        let live = self.there_count();
        (live > 0).then(|| due.saturating_add(ns.saturating_mul((CLOSE_ROWS / live) as i64)))
    }

    /// An advance of the stamp that ends more than `FEW_CLOSES` periods, each with a snapshot.
    pub fn jump_ns(&self) -> Option<i64> {
        match (self.every, self.kind) {
            (Every::Ns(ns), RateKind::Snapshot) => Some(ns.saturating_mul(FEW_CLOSES)),
            _ => None,
        }
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let time = cx.time;
        self.taken = 0;
        for row in 0..input.rows() {
            let step = step_row(input.pos[row]);
            self.end_periods((input, row), step, time, out);
            if let (Every::Ns(ns), None) = (self.every, self.due) {
                // A period that ends beyond all time never ends.
                self.due = time.stamps[step].checked_add(ns);
            }
            self.take(input, row, out);
            self.count += 1;
            if matches!(self.every, Every::Rows(n) if self.count >= n) {
                self.hold(input, row + 1);
                self.give(input.pos[row], out);
            }
        }
        self.end_periods((input, input.rows()), time.last_row(), time, out);
        self.hold(input, input.rows());
        if time.flush {
            self.give(position(time.last_row(), Phase::Flush), out);
        }
    }

    /// Ends the periods whose end the stamps have reached by step row `step`; `before` are the rows of
    /// the chunk so far.
    fn end_periods(&mut self, before: (&Chunk, usize), step: usize, time: NodeTime<'_>, out: &mut Chunk) {
        let Every::Ns(ns) = self.every else { return };
        while let Some(due) = self.due.filter(|&d| d <= time.stamps[step]) {
            self.hold(before.0, before.1);
            let first = time.first_stamp_reaching(due, 0).expect("it is reached by `step`");
            self.give(position(first, Phase::Stamp).max(out.pos.last().copied().unwrap_or(0)), out);
            // Empty periods pass without output, but for snapshots of what there is.
            let behind = time.stamps[step].saturating_sub(due) / ns;
            let repeats = self.kind == RateKind::Snapshot && self.there_count() > 0;
            let skip = if repeats { 0 } else { behind };
            // A period that ends beyond all time never ends.
            let passed = skip.checked_add(1).and_then(|periods| ns.checked_mul(periods));
            self.due = passed.and_then(|passed| due.checked_add(passed));
        }
    }

    fn group(&mut self, input: &Chunk, row: usize) -> (usize, bool) {
        let mut key = Vec::new();
        for &column in &self.keys {
            encode_value(&input.columns[column], row, &mut key);
        }
        let before = self.groups.len();
        let group = self.groups.find_or_insert(&key) as usize;
        (group, group == before)
    }

    fn take(&mut self, input: &Chunk, row: usize, out: &mut Chunk) {
        match self.kind {
            RateKind::All => {}
            RateKind::First => {
                if self.group(input, row).1 {
                    out.append_range(input, row, row + 1);
                }
            }
            RateKind::Last | RateKind::Snapshot => {
                let (group, is_new) = self.group(input, row);
                let at = (self.held.rows() + row - self.taken) as u32;
                if is_new {
                    self.row_of.push(at);
                    self.ranks.push(self.next_rank);
                    self.was_there.push(input.ops.get(row).is_some_and(|&op| op != Op::Insert));
                } else {
                    self.row_of[group] = at;
                    if self.ranks[group] == GONE {
                        self.ranks[group] = self.next_rank;
                        self.gone -= 1;
                    }
                }
                self.next_rank += 1;
                if self.kind == RateKind::Snapshot && input.ops.get(row) == Some(&Op::Delete) {
                    self.ranks[group] = GONE;
                    self.gone += 1;
                }
            }
        }
    }

    /// Puts the rows of the chunk before `to` into `held`.
    fn hold(&mut self, input: &Chunk, to: usize) {
        if self.kind != RateKind::First {
            self.held.append_range(input, self.taken, to);
        }
        self.taken = to;
        let replaces = matches!(self.kind, RateKind::Last | RateKind::Snapshot);
        if replaces && self.held.rows() > 64 && self.held.rows() > 2 * self.there_count() {
            self.compact();
        }
    }

    fn there_count(&self) -> usize {
        self.row_of.len() - self.gone
    }

    /// Groups that are there, by number.
    fn there(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.row_of.len()).filter(|&g| self.ranks[g] != GONE)
    }

    /// The same in order of their first rows.
    fn in_order(&self) -> Vec<usize> {
        let mut groups: Vec<usize> = self.there().collect();
        if !groups.is_sorted_by_key(|&g| self.ranks[g]) {
            groups.sort_by_key(|&g| self.ranks[g]);
        }
        groups
    }

    /// Drops held rows that a later row of their group has replaced, and groups that are gone.
    fn compact(&mut self) {
        let ranks = &self.ranks;
        let groups = self.groups.retain(|g| ranks[g as usize] != GONE);
        let rows: Vec<u32> = groups.iter().map(|&g| self.row_of[g as usize]).collect();
        let mut kept = Chunk { columns: self.types.iter().map(Column::new).collect(), ..Chunk::default() };
        kept.append_gather(&self.held, &rows);
        self.held = kept;
        self.row_of = (0..rows.len() as u32).collect();
        self.ranks = groups.iter().map(|&g| self.ranks[g as usize]).collect();
        self.was_there = groups.iter().map(|&g| self.was_there[g as usize]).collect();
        self.gone = 0;
    }

    /// Ends the period at `pos`.
    fn give(&mut self, pos: u32, out: &mut Chunk) {
        let from = out.rows();
        match self.kind {
            RateKind::All => out.append_range(&self.held, 0, self.held.rows()),
            RateKind::First => {}
            RateKind::Last if self.held.ops.is_empty() => out.append_gather(&self.held, &self.row_of),
            RateKind::Last => {
                for (&row, &was_there) in self.row_of.iter().zip(&self.was_there) {
                    let op = match (self.held.ops[row as usize], was_there) {
                        (Op::Delete, true) => Op::Delete,
                        (Op::Delete, false) => continue,
                        (_, true) => Op::UpdateAfter,
                        (_, false) => Op::Insert,
                    };
                    out.append_gather(&self.held, &[row]);
                    *out.ops.last_mut().expect("just appended with its mark") = op;
                }
            }
            RateKind::Snapshot => {
                let live: Vec<u32> = self.in_order().into_iter().map(|g| self.row_of[g]).collect();
                out.append_gather(&self.held, &live);
                if !self.held.ops.is_empty() {
                    out.ops[from..].fill(Op::Insert);
                }
            }
        }
        out.pos[from..].fill(pos);
        self.count = 0;
        if self.kind != RateKind::Snapshot {
            self.held.clear();
            self.groups.clear();
            self.row_of.clear();
            self.ranks.clear();
            self.next_rank = 0;
            self.gone = 0;
            self.was_there.clear();
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        let groups = self.in_order();
        let rows: Vec<u32> = match self.kind {
            RateKind::All | RateKind::First => (0..self.held.rows() as u32).collect(),
            RateKind::Last | RateKind::Snapshot => groups.iter().map(|&g| self.row_of[g]).collect(),
        };
        let mut live = Chunk { columns: self.types.iter().map(Column::new).collect(), ..Chunk::default() };
        live.append_gather(&self.held, &rows);
        out.u64(self.count);
        out.opt_i64(self.due);
        out.i64s(&live.time);
        out.blob(&live.ops.iter().map(|o| o.code()).collect::<Vec<_>>());
        for (column, data_type) in live.columns.iter().zip(&self.types) {
            out.column(column, data_type);
        }
        if self.kind == RateKind::First {
            out.u64(self.groups.len() as u64);
            (0..self.groups.len() as u32).for_each(|g| out.blob(self.groups.key(g)));
        } else {
            out.u64(groups.len() as u64);
            groups.iter().for_each(|&g| out.blob(self.groups.key(g as u32)));
        }
        groups.iter().for_each(|&g| out.bool(self.was_there[g]));
    }

    /// Reads what [`RateOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.count = input.u64()?;
        self.due = input.opt_i64()?;
        self.held.clear();
        self.held.time = input.i64s()?;
        let rows = self.held.time.len();
        self.held.pos = vec![0; rows];
        let ops = input.blob()?.iter().map(|&c| Op::from_code(c)).collect::<Option<Vec<_>>>();
        self.held.ops = ops.ok_or_else(|| DecodeError("an unknown change".into()))?;
        for (column, data_type) in self.held.columns.iter_mut().zip(&self.types) {
            *column = input.column(data_type)?;
            if column.len() != rows {
                return Err(DecodeError("held rows of different lengths".into()));
            }
        }
        self.groups.clear();
        for group in 0..input.len(8)? {
            if self.groups.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a key twice".into()));
            }
        }
        self.row_of = match self.kind {
            RateKind::All | RateKind::First => Vec::new(),
            RateKind::Last | RateKind::Snapshot if self.groups.len() == rows => (0..rows as u32).collect(),
            RateKind::Last | RateKind::Snapshot => return Err(DecodeError("groups without rows".into())),
        };
        self.next_rank = self.row_of.len() as u64;
        self.ranks = (0..self.next_rank).collect();
        self.gone = 0;
        self.was_there.clear();
        for _ in 0..self.row_of.len() {
            self.was_there.push(input.bool()?);
        }
        Ok(())
    }
}
