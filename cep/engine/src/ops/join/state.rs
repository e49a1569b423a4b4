//! Checkpoints of joins.

use super::as_of::AsOfOp;
use super::operator::JoinOp;
use super::side::{EMPTY, NIL, NO_GROUP, Side};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::keys::KeyTable;

impl JoinOp {
    /// Writes the state: the rows kept, in order of arrival; keys by first appearance among them.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.over_rows);
        let groups = encode_keys(&self.table, &self.sides, out);
        for (side, groups) in self.sides.iter().zip(&groups) {
            encode_side(side, groups, out);
        }
    }

    /// Reads what [`JoinOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.seq = input.u64()?;
        self.late_rows = input.u64()?;
        self.over_rows = input.u64()?;
        self.pending.clear();
        let count = decode_keys(&mut self.table, input)?;
        self.lists.clear();
        self.lists.resize(count, [EMPTY; 2]);
        for (at, side) in self.sides.iter_mut().enumerate() {
            decode_side(side, count, input)?;
            side.rebuild(at, &mut self.lists);
            for row in side.live_rows().filter(|&row| side.outer && !side.is_matched(row)) {
                if let Some(due) = side.kept.due(side.mark[row as usize]) {
                    self.pending.insert((due, at as u8, row));
                }
            }
        }
        Ok(())
    }
}

impl AsOfOp {
    /// Writes the state: the rows kept, in order of arrival; of versions whether they are in force.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.over_rows);
        let groups = encode_keys(&self.table, &self.sides, out);
        for (side, groups) in self.sides.iter().zip(&groups) {
            encode_side(side, groups, out);
        }
    }

    /// Reads what [`AsOfOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.seq = input.u64()?;
        self.late_rows = input.u64()?;
        self.over_rows = input.u64()?;
        self.waiting.clear();
        self.in_force.clear();
        let count = decode_keys(&mut self.table, input)?;
        self.current.clear();
        self.current.resize(count, NIL);
        for at in [0, 1] {
            decode_side(&mut self.sides[at], count, input)?;
            let rows: Vec<u32> = self.sides[at].live_rows().collect();
            for row in rows {
                if !self.sides[at].is_matched(row) {
                    self.wait(at, row);
                    continue;
                }
                let group = self.sides[at].group[row as usize] as usize;
                if at == 0 || self.current.get(group).is_none_or(|version| *version != NIL) {
                    return Err(DecodeError("two versions in force of one key".into()));
                }
                self.put_in_force(row);
            }
        }
        Ok(())
    }
}

/// Writes the keys of the rows kept, by first appearance; the number of each row's key.
fn encode_keys(table: &KeyTable, sides: &[Side; 2], out: &mut Writer) -> [Vec<u32>; 2] {
    let mut number = vec![NO_GROUP; table.len()];
    let mut found: Vec<u32> = Vec::new();
    let mut groups: [Vec<u32>; 2] = Default::default();
    for (side, groups) in sides.iter().zip(&mut groups) {
        for row in side.live_rows() {
            let group = side.group[row as usize];
            if let Some(number) = number.get_mut(group as usize) {
                if *number == NO_GROUP {
                    *number = found.len() as u32;
                    found.push(group);
                }
                groups.push(*number);
            } else {
                groups.push(NO_GROUP);
            }
        }
    }
    out.u64(found.len() as u64);
    found.iter().for_each(|&group| out.blob(table.key(group)));
    groups
}

/// Reads keys; how many they are.
fn decode_keys(table: &mut KeyTable, input: &mut Reader<'_>) -> Result<usize> {
    table.clear();
    let count = input.len(8)?;
    for group in 0..count {
        if table.find_or_insert(input.blob()?) as usize != group {
            return Err(DecodeError("a key twice".into()));
        }
    }
    Ok(count)
}

fn encode_side(side: &Side, groups: &[u32], out: &mut Writer) {
    let live: Vec<u32> = side.live_rows().collect();
    out.u32s(groups);
    for (column, data_type) in side.columns.iter().zip(&side.types) {
        let mut kept = column.empty_like();
        kept.append_gather(column, &live);
        out.column(&kept, data_type);
    }
    for &row in &live {
        let at = row as usize;
        out.i64(side.time[at]);
        out.i64(side.mark[at]);
        out.u64(side.seq[at]);
        out.bool(side.is_matched(row));
    }
}

fn decode_side(side: &mut Side, keys: usize, input: &mut Reader<'_>) -> Result<()> {
    side.clear();
    let groups = input.u32s()?;
    if groups.iter().any(|&group| group != NO_GROUP && group as usize >= keys) {
        return Err(DecodeError("a row of no key".into()));
    }
    let rows = groups.len();
    side.group.extend(groups);
    for at in 0..side.types.len() {
        let column = input.column(&side.types[at])?;
        if column.len() != rows {
            return Err(DecodeError("a column of another length".into()));
        }
        side.columns[at].append(&column);
    }
    let mut matched = Vec::with_capacity(rows);
    for _ in 0..rows {
        side.time.push(input.i64()?);
        side.mark.push(input.i64()?);
        side.seq.push(input.u64()?);
        matched.push(input.bool()?);
    }
    if !side.seq[side.base()..].is_sorted() {
        return Err(DecodeError("rows of a join out of order".into()));
    }
    side.restore(&matched);
    Ok(())
}
