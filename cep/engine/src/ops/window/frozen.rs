//! A content of a window that is being written while rows come.
//!
//! Arrivals, keys and rows are only ever added behind, so they are written as they are, up to where they were;
//! groups are saved before they change.

use arrow_schema::DataType;

use super::content::{Content, Shape};
use crate::agg::AggSet;
use crate::codec::{WriteColumn, Writer};
use crate::column::{Column, Values};
use crate::cut::GroupsCut;
use crate::keys::KeyTable;

/// How far a content is written.
#[derive(Debug)]
pub struct Frozen {
    /// Groups or rows at the cut.
    total: usize,
    stage: Stage,
    /// Of the stage: what is next.
    at: usize,
    groups: GroupsCut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Count,
    Arrivals,
    /// Column by number: its head.
    Head(usize),
    /// Its NULLs.
    Mask(usize),
    /// Its values.
    Values(usize),
    Groups,
    Times,
    Ops,
    Done,
}

impl Frozen {
    /// Of a content with so many groups, or rows.
    pub fn new(total: usize, has_groups: bool) -> Self {
        let groups = GroupsCut::new(if has_groups { total } else { 0 });
        Frozen { total, stage: Stage::Count, at: 0, groups }
    }

    /// Saves those of the groups that are about to change.
    pub fn save(&mut self, groups: &[u32], table: &KeyTable, aggs: &AggSet) {
        for &group in groups {
            if self.groups.wants(group) {
                self.groups.save(group, |out| encode_group(group, table, aggs, out));
            }
        }
    }

    fn next(&mut self, stage: Stage) {
        (self.stage, self.at) = (stage, 0);
    }

    /// Items of a stage that are written now, of so many bytes each at least.
    fn some(&mut self, out: &Writer, until: usize, bytes: usize) -> std::ops::Range<usize> {
        let room = until.saturating_sub(out.bytes.len()) / bytes + 1;
        let from = self.at;
        self.at = self.total.min(from + room);
        from..self.at
    }

    /// Writes until `out` has `until` bytes; true when all is written.
    pub fn go_on(&mut self, content: &Content, shape: &Shape, out: &mut Writer, until: usize) -> bool {
        let (columns, types) = content.stored(shape);
        let behind_columns = if content.aggs().is_some() { Stage::Groups } else { Stage::Times };
        while out.bytes.len() < until && self.stage != Stage::Done {
            match self.stage {
                Stage::Count => {
                    out.u64(self.total as u64);
                    self.next(Stage::Arrivals);
                }
                Stage::Arrivals => {
                    let some = self.some(out, until, 8);
                    content.arrivals()[some].iter().for_each(|&arrival| out.u64(arrival));
                    if self.at == self.total {
                        self.next(if columns.is_empty() { behind_columns } else { Stage::Head(0) });
                    }
                }
                Stage::Head(number) => {
                    let is_whole = head(&columns[number], &types[number], self.total, out);
                    let has_nulls = !is_whole && nulls(&columns[number], self.total);
                    self.next(match (is_whole, has_nulls) {
                        (true, _) => self.behind(number, columns.len(), behind_columns),
                        (false, true) => Stage::Mask(number),
                        (false, false) => Stage::Values(number),
                    });
                }
                Stage::Mask(number) => {
                    let some = self.some(out, until, 1);
                    let valid = columns[number].valid.as_ref().expect("it has NULLs");
                    valid[some].iter().for_each(|&valid| out.bool(valid));
                    if self.at == self.total {
                        self.next(Stage::Values(number));
                    }
                }
                Stage::Values(number) => {
                    let some = self.some(out, until, 8);
                    out.column_values(&columns[number], some);
                    if self.at == self.total {
                        self.next(self.behind(number, columns.len(), behind_columns));
                    }
                }
                Stage::Groups => {
                    let (table, aggs) = (content.table(), content.aggs().expect("it has groups"));
                    let encode = |group, out: &mut Writer| encode_group(group, table, aggs, out);
                    if self.groups.go_on(out, until, encode) {
                        self.next(Stage::Done);
                    }
                }
                Stage::Times => {
                    let times = content.times();
                    if self.at == 0 {
                        out.u64(self.total as u64);
                    }
                    let some = self.some(out, until, 8);
                    times[some].iter().for_each(|&time| out.i64(time));
                    if self.at == self.total {
                        self.next(Stage::Ops);
                    }
                }
                Stage::Ops => {
                    // Rows of a stream that only adds have no operations.
                    let ops = content.ops();
                    let count = ops.len().min(self.total);
                    if self.at == 0 {
                        out.u64(count as u64);
                    }
                    let some = self.some(out, until, 1);
                    out.bytes.extend(ops[..count].get(some).unwrap_or(&[]).iter().map(|op| op.code()));
                    if self.at == self.total {
                        self.next(Stage::Done);
                    }
                }
                Stage::Done => {}
            }
        }
        self.stage == Stage::Done
    }

    fn behind(&self, number: usize, columns: usize, last: Stage) -> Stage {
        if number + 1 < columns { Stage::Head(number + 1) } else { last }
    }
}

fn encode_group(group: u32, table: &KeyTable, aggs: &AggSet, out: &mut Writer) {
    if !table.is_empty() {
        out.blob(table.key(group));
    }
    aggs.encode(group, &mut out.bytes);
}

fn nulls(column: &Column, rows: usize) -> bool {
    column.valid.as_ref().is_some_and(|valid| valid[..rows].iter().any(|valid| !valid))
}

/// What comes before NULLs and values; true if that is all there is.
fn head(column: &Column, data_type: &DataType, rows: usize, out: &mut Writer) -> bool {
    if let Values::Any(array) = &column.values {
        let first = Column { values: Values::Any(array.slice(0, rows)), valid: None, spare: Vec::new() };
        out.column(&first, data_type);
        return true;
    }
    out.u64(rows as u64);
    out.bool(nulls(column, rows));
    false
}
