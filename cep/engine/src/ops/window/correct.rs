//! Corrections of emitted windows (R-LATE-2): what a late row takes back and what it adds.

use cep_types::Op;

use super::bounded::{Moment, Relation};
use crate::chunk::Chunk;
use crate::column::Column;
use crate::keys::encode_value;

/// The rows of an earlier result.
#[derive(Debug, Default)]
pub struct OldRows {
    columns: Vec<Column>,
    keys: Vec<Vec<u8>>,
}

/// Differences of results. Has no state between rows.
#[derive(Debug, Default)]
pub struct Correction {}

impl Correction {
    /// Remembers a result.
    pub fn rows_of(&self, relation: &Relation) -> OldRows {
        OldRows { columns: relation.columns.clone(), keys: keys_of(&relation.columns, relation.rows) }
    }

    /// Emits the rows of `old` that `new` lacks and those of `new` that `old` lacked: updates in
    /// pairs as long as both have rows, then deletes or inserts.
    pub fn emit(&self, old: &OldRows, new: &Relation, at: Moment, out: &mut Chunk) {
        let new_keys = keys_of(&new.columns, new.rows);
        let gone = missing(&old.keys, &new_keys);
        let come = missing(&new_keys, &old.keys);
        for nth in 0..gone.len().max(come.len()) {
            let pair = nth < gone.len() && nth < come.len();
            if let Some(&row) = gone.get(nth) {
                push(&old.columns, row, at, if pair { Op::UpdateBefore } else { Op::Delete }, out);
            }
            if let Some(&row) = come.get(nth) {
                push(&new.columns, row, at, if pair { Op::UpdateAfter } else { Op::Insert }, out);
            }
        }
    }
}

fn keys_of(columns: &[Column], rows: usize) -> Vec<Vec<u8>> {
    let key = |row| {
        let mut bytes = Vec::new();
        columns.iter().for_each(|c| encode_value(c, row, &mut bytes));
        bytes
    };
    (0..rows).map(key).collect()
}

/// Numbers of the rows of `of` that are not in `within`, counting repetitions.
fn missing(of: &[Vec<u8>], within: &[Vec<u8>]) -> Vec<u32> {
    let mut left: Vec<&Vec<u8>> = within.iter().collect();
    left.sort();
    let mut used = vec![false; left.len()];
    let mut out = Vec::new();
    for (row, key) in of.iter().enumerate() {
        let from = left.partition_point(|k| *k < key);
        match (from..left.len()).take_while(|&i| left[i] == key).find(|&i| !used[i]) {
            Some(i) => used[i] = true,
            None => out.push(row as u32),
        }
    }
    out
}

fn push(columns: &[Column], row: u32, at: Moment, op: Op, out: &mut Chunk) {
    for (column, source) in out.columns.iter_mut().zip(columns) {
        column.append_gather(source, &[row]);
    }
    out.time.push(at.time);
    out.pos.push(at.pos);
    out.ops.push(op);
}
