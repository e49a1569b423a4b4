//! The state as bytes.
//!
//! Keys stand by their bytes, runs by their number, and rows and chains in the order in which runs
//! refer to them: numbers of groups, rows and nodes, which depend on what was forgotten when, do not
//! show.

use std::collections::BTreeMap;

use arrow_schema::DataType;
use smallvec::SmallVec;

use super::captures::{NONE, NodeId, RowId};
use super::emit::push;
use super::operator::PatternOp;
use super::run::{Key, NEVER, Run, Thread, WindowRow};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;
use crate::expr::row::Scalar;

/// Numbers of what has been written.
#[derive(Default)]
struct Written {
    rows: BTreeMap<RowId, u32>,
    row_list: Vec<RowId>,
    nodes: BTreeMap<NodeId, u32>,
    node_list: Vec<NodeId>,
}

impl Written {
    fn row(&mut self, row: RowId) -> u32 {
        if row == NONE {
            return NONE;
        }
        let next = self.row_list.len() as u32;
        *self.rows.entry(row).or_insert_with(|| {
            self.row_list.push(row);
            next
        })
    }
}

fn damaged(what: &str) -> DecodeError {
    DecodeError(format!("{what} of a pattern are damaged"))
}

impl PatternOp {
    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        let machine = &self.machine;
        out.u64(machine.given_up);
        out.u64(machine.next_number);
        out.u64(self.arrivals);
        let mut groups: Vec<u32> = (0..self.keys.len() as u32).collect();
        groups.retain(|&g| !self.is_gone(&self.keys[g as usize]));
        groups.sort_by(|&a, &b| self.table.key(a).cmp(self.table.key(b)));
        let mut written = Written::default();
        for &group in &groups {
            self.number_rows(&self.keys[group as usize], &mut written);
        }
        self.encode_rows(&written, out);
        self.encode_nodes(&mut written, out);
        out.u64(groups.len() as u64);
        for &group in &groups {
            out.blob(self.table.key(group));
            self.encode_key(&self.keys[group as usize], &written, out);
        }
        if let Some(waiting) = &self.waiting {
            waiting.encode(out);
        }
    }

    /// Numbers what a key refers to, in order.
    fn number_rows(&self, key: &Key, written: &mut Written) {
        written.row(key.exemplar);
        for run in &key.runs {
            written.row(run.anchor);
            for head in run.threads.iter().map(|t| t.head).chain(run.best) {
                let mut fresh = Vec::new();
                let mut node = head;
                while node != NONE && !written.nodes.contains_key(&node) {
                    fresh.push(node);
                    node = self.machine.captures.link(node).0;
                }
                for node in fresh.into_iter().rev() {
                    written.row(self.machine.captures.link(node).1.row);
                    written.nodes.insert(node, written.node_list.len() as u32);
                    written.node_list.push(node);
                }
            }
        }
    }

    fn captured_types(&self) -> Vec<DataType> {
        let layout = &self.machine.layout;
        layout.captured.iter().map(|c| layout.type_of(c.0).clone()).collect()
    }

    fn encode_rows(&self, written: &Written, out: &mut Writer) {
        let captures = &self.machine.captures;
        out.u64(written.row_list.len() as u64);
        for &row in &written.row_list {
            let info = captures.info(row);
            out.u64(info.seq);
            out.i64(info.time);
        }
        for (at, data_type) in self.captured_types().iter().enumerate() {
            let mut column = Column::new(data_type);
            written.row_list.iter().for_each(|&row| push(&mut column, captures.value(row, at)));
            out.column(&column, data_type);
        }
    }

    fn encode_nodes(&self, written: &mut Written, out: &mut Writer) {
        out.u64(written.node_list.len() as u64);
        for &node in &written.node_list {
            let (before, taken) = self.machine.captures.link(node);
            out.u32(if before == NONE { NONE } else { written.nodes[&before] });
            out.u32(written.rows[&taken.row]);
            out.u32(u32::from(taken.leaf));
            for sums in &self.machine.sums {
                sums.chains.encode(node, &mut out.bytes);
            }
        }
    }

    fn encode_key(&self, key: &Key, written: &Written, out: &mut Writer) {
        let row = |row: RowId| if row == NONE { NONE } else { written.rows[&row] };
        let node = |node: NodeId| if node == NONE { NONE } else { written.nodes[&node] };
        out.u64(key.rows);
        out.bool(key.is_busy);
        out.bool(key.has_matched);
        out.bool(key.has_begun);
        out.u32(row(key.exemplar));
        out.u64(key.matches);
        out.u64(key.resume);
        out.u64(key.covered);
        out.u64(key.runs.len() as u64);
        for run in &key.runs {
            out.u64(run.number);
            out.bool(run.holds_start);
            out.u64(run.start);
            out.u32(row(run.anchor));
            out.bool(run.best.is_some());
            out.u32(node(run.best.unwrap_or(NONE)));
            out.u64(run.threads.len() as u64);
            for thread in &run.threads {
                out.u32(thread.state);
                out.u32(node(thread.head));
                thread.registers.iter().for_each(|&r| out.i64(r));
            }
        }
        out.u64(key.past as u64);
        out.u64(key.window.len() as u64);
        for row in &key.window {
            out.u64(row.arrival);
            out.i64(row.time);
            out.i64(row.stamp);
            out.i64(row.clock);
            row.fits.iter().for_each(|&f| out.bool(f));
        }
        for (at, &column) in self.window_columns.iter().enumerate() {
            let data_type = self.machine.layout.type_of(column);
            let mut column = Column::new(data_type);
            key.window.iter().for_each(|row| push(&mut column, &row.values[at]));
            out.column(&column, data_type);
        }
    }

    /// Reads what [`PatternOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.forget();
        self.machine.given_up = input.u64()?;
        self.machine.next_number = input.u64()?;
        self.arrivals = input.u64()?;
        let rows = self.decode_rows(input)?;
        let nodes = self.decode_nodes(&rows, input)?;
        for group in 0..input.len(8)? {
            if self.table.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a key twice".into()));
            }
            let key = self.decode_key(&rows, &nodes, input)?;
            self.keys.push(key);
        }
        // What runs refer to they hold themselves now.
        for node in nodes {
            self.machine.free(node);
        }
        for row in rows {
            self.machine.captures.free_row(row);
        }
        self.renumber();
        if let Some(waiting) = &mut self.waiting {
            waiting.decode(input)?;
        }
        Ok(())
    }

    /// Forgets all keys.
    fn forget(&mut self) {
        let machine = &mut self.machine;
        machine.captures =
            super::captures::Captures::new(machine.layout.captured.len(), machine.layout.tracks.clone());
        machine.sums.iter_mut().for_each(|s| s.chains.clear());
        machine.live = 0;
        machine.found.clear();
        self.table.clear();
        self.keys.clear();
    }

    fn decode_rows(&mut self, input: &mut Reader<'_>) -> Result<Vec<RowId>> {
        let count = input.len(16)?;
        let info = (0..count).map(|_| Ok((input.u64()?, input.i64()?))).collect::<Result<Vec<_>>>()?;
        let types = self.captured_types();
        let columns = types.iter().map(|t| input.column(t)).collect::<Result<Vec<_>>>()?;
        if columns.iter().any(|c| c.len() != count) {
            return Err(damaged("rows"));
        }
        let mut rows = Vec::with_capacity(count);
        for (at, (seq, time)) in info.into_iter().enumerate() {
            let values = columns.iter().map(|c| Scalar::of_column(c, at).into_owned());
            rows.push(self.machine.captures.add_row(seq, time, values));
        }
        Ok(rows)
    }

    fn decode_nodes(&mut self, rows: &[RowId], input: &mut Reader<'_>) -> Result<Vec<NodeId>> {
        let count = input.len(12)?;
        let mut nodes: Vec<NodeId> = Vec::with_capacity(count);
        for _ in 0..count {
            let before = known(&nodes, input.u32()?)?;
            let row = *rows.get(input.u32()? as usize).ok_or_else(|| damaged("rows"))?;
            let leaf = input.u32()?;
            if leaf as usize >= self.machine.automaton.leaves.len() {
                return Err(damaged("elements"));
            }
            let node = self.machine.captures.push(before, row, leaf as u16);
            for sums in &mut self.machine.sums {
                sums.chains.resize(self.machine.captures.node_slots().max(sums.chains.groups()));
                sums.chains.decode(node, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
            }
            nodes.push(node);
        }
        Ok(nodes)
    }

    fn decode_key(&mut self, rows: &[RowId], nodes: &[NodeId], input: &mut Reader<'_>) -> Result<Key> {
        let mut key = Key {
            rows: input.u64()?,
            is_busy: input.bool()?,
            has_matched: input.bool()?,
            has_begun: input.bool()?,
            ..Key::default()
        };
        key.exemplar = known(rows, input.u32()?)?;
        self.machine.captures.hold_row(key.exemplar);
        key.matches = input.u64()?;
        key.resume = input.u64()?;
        key.covered = input.u64()?;
        for _ in 0..input.len(8)? {
            let run = self.decode_run(rows, nodes, input)?;
            if key.runs.last().is_some_and(|last| last.number >= run.number) {
                return Err(damaged("runs"));
            }
            self.machine.live += run.weight();
            key.runs.push(run);
        }
        key.past = input.u64()? as usize;
        self.decode_window(&mut key, input)?;
        Ok(key)
    }

    fn decode_run(&mut self, rows: &[RowId], nodes: &[NodeId], input: &mut Reader<'_>) -> Result<Run> {
        let mut run = Run {
            number: input.u64()?,
            threads: SmallVec::new(),
            due: NEVER,
            holds_start: input.bool()?,
            start: input.u64()?,
            anchor: known(rows, input.u32()?)?,
            best: None,
        };
        self.machine.captures.hold_row(run.anchor);
        let (is_there, best) = (input.bool()?, known(nodes, input.u32()?)?);
        run.best = is_there.then_some(best);
        if is_there {
            self.machine.captures.hold(best);
        }
        for _ in 0..input.len(8)? {
            let state = input.u32()?;
            if state as usize >= self.machine.automaton.states.len() {
                return Err(damaged("states"));
            }
            let head = known(nodes, input.u32()?)?;
            let registers =
                (0..self.machine.automaton.registers).map(|_| input.i64()).collect::<Result<_>>()?;
            self.machine.captures.hold(head);
            run.threads.push(Thread { state, head, registers });
        }
        run.due = run.threads.iter().map(|t| self.machine.due(t)).min().unwrap_or(NEVER);
        Ok(run)
    }

    fn decode_window(&mut self, key: &mut Key, input: &mut Reader<'_>) -> Result<()> {
        let count = input.len(32)?;
        for _ in 0..count {
            key.window.push_back(WindowRow {
                arrival: input.u64()?,
                time: input.i64()?,
                stamp: input.i64()?,
                clock: input.i64()?,
                values: Box::default(),
                fits: (0..self.machine.tests.len()).map(|_| input.bool()).collect::<Result<_>>()?,
            });
        }
        let types = self.window_columns.iter().map(|&c| self.machine.layout.type_of(c));
        let columns = types.map(|t| input.column(t)).collect::<Result<Vec<_>>>()?;
        if key.past > count || columns.iter().any(|c| c.len() != count) {
            return Err(damaged("windows"));
        }
        for (at, row) in key.window.iter_mut().enumerate() {
            row.values = columns.iter().map(|c| Scalar::of_column(c, at).into_owned()).collect();
        }
        Ok(())
    }
}

/// What a written number stands for.
fn known(list: &[u32], at: u32) -> Result<u32> {
    if at == NONE { Ok(NONE) } else { list.get(at as usize).copied().ok_or_else(|| damaged("numbers")) }
}
