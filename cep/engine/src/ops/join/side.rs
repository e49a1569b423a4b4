//! The rows kept of one side, in order of arrival, with lists of rows by key.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow_array::new_null_array;
use arrow_schema::{DataType, Schema};

use super::bound::Kept;
use crate::column::Column;

/// No row in a list.
pub const NIL: u32 = u32::MAX;
/// Group of a row whose key is NULL: it has no partners.
pub const NO_GROUP: u32 = u32::MAX;
/// Rows that left and still stand in the columns at least, before they are moved out.
const GONE_MIN: usize = 1024;

/// Bytes of text of rows that left at least, before they are moved out.
const TEXT_GONE_MIN: usize = 1 << 26;

const LIVE: u8 = 1;
const MATCHED: u8 = 2;

/// First and last row of a key.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// First.
    pub head: u32,
    /// Last.
    pub tail: u32,
}

/// No rows of a key.
pub const EMPTY: List = List { head: NIL, tail: NIL };

/// What is known of a row that arrives.
#[derive(Debug, Clone, Copy)]
pub struct Arriving {
    /// Its row in the chunk.
    pub original: u32,
    /// Event time.
    pub time: i64,
    /// What its leaving goes by: stamp, value of a column, or event time.
    pub mark: i64,
    /// Number of arrival, over both sides.
    pub seq: u64,
    /// Group, or [`NO_GROUP`].
    pub group: u32,
    /// Bytes of its texts.
    pub text: u32,
}

/// Rows of one side. Row numbers are indexes into the vectors; they change in [`Side::compact`]
/// only. Where the other side is outer, row 0 is a row of NULLs that stands for no row.
#[derive(Debug)]
pub struct Side {
    /// Types of the columns.
    pub types: Vec<DataType>,
    /// Where they are in the input.
    reads: Vec<usize>,
    /// Rows that find no partner come out.
    pub outer: bool,
    /// How long rows are kept.
    pub kept: Kept,
    /// Columns; rows of the current step may be missing at the end until [`Side::fill`].
    pub columns: Vec<Column>,
    /// Event times.
    pub time: Vec<i64>,
    /// See [`Arriving::mark`].
    pub mark: Vec<i64>,
    /// Groups.
    pub group: Vec<u32>,
    /// Numbers of arrival.
    pub seq: Vec<u64>,
    /// Bytes of text of each row.
    pub text: Vec<u32>,
    /// Bytes of text of the rows kept, and of all rows in the columns.
    text_live: usize,
    text_held: usize,
    flags: Vec<u8>,
    next: Vec<u32>,
    prev: Vec<u32>,
    /// First row that is one.
    base: usize,
    /// Rows before it have left.
    front: usize,
    live: usize,
    /// (mark, row) of the rows, some of which have left; where they leave by mark.
    order: BinaryHeap<Reverse<(i64, u32)>>,
    /// Rows of the chunk that are not in the columns yet.
    missing: Vec<u32>,
}

impl Side {
    /// No rows of columns `reads` of the input. `nullable`: row 0 is to be one of NULLs.
    pub fn new(schema: &Schema, reads: &[usize], kept: Kept, outer: bool, nullable: bool) -> Self {
        let types: Vec<DataType> = reads.iter().map(|&at| schema.field(at).data_type().clone()).collect();
        let mut side = Side {
            types,
            reads: reads.to_vec(),
            outer,
            kept,
            columns: Vec::new(),
            time: Vec::new(),
            mark: Vec::new(),
            group: Vec::new(),
            seq: Vec::new(),
            text: Vec::new(),
            text_live: 0,
            text_held: 0,
            flags: Vec::new(),
            next: Vec::new(),
            prev: Vec::new(),
            base: usize::from(nullable),
            front: 0,
            live: 0,
            order: BinaryHeap::new(),
            missing: Vec::new(),
        };
        side.clear();
        side
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        self.columns = self.empty_columns();
        let base = self.base;
        for numbers in [&mut self.time, &mut self.mark] {
            numbers.clear();
            numbers.resize(base, 0);
        }
        self.seq.clear();
        self.seq.resize(base, 0);
        self.text.clear();
        self.text.resize(base, 0);
        self.text_live = 0;
        self.text_held = 0;
        self.flags.clear();
        self.flags.resize(base, 0);
        self.group.clear();
        self.group.resize(base, NO_GROUP);
        for links in [&mut self.next, &mut self.prev] {
            links.clear();
            links.resize(base, NIL);
        }
        self.front = base;
        self.live = 0;
        self.order.clear();
        self.missing.clear();
    }

    /// Columns with the row of NULLs, if there is to be one.
    fn empty_columns(&self) -> Vec<Column> {
        let of = |t: &DataType| match self.base {
            0 => Column::new(t),
            rows => Column::from_arrow(&new_null_array(t, rows)),
        };
        self.types.iter().map(of).collect()
    }

    /// Rows kept.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Bytes of text of row `row` of the input.
    pub fn text_in(&self, columns: &[Column], row: usize) -> u32 {
        text_of(self.reads.iter().map(|&at| &columns[at]), row)
    }

    /// Bytes of text of the rows kept.
    pub fn text_bytes(&self) -> usize {
        self.text_live
    }

    /// Rows kept, in order of arrival.
    pub fn live_rows(&self) -> impl Iterator<Item = u32> + '_ {
        (self.front..self.flags.len()).filter(|&row| self.is_live(row)).map(|row| row as u32)
    }

    fn is_live(&self, row: usize) -> bool {
        self.flags[row] & LIVE != 0
    }

    /// The row kept that arrived first.
    pub fn oldest(&self) -> Option<u32> {
        (self.live > 0).then_some(self.front as u32)
    }

    /// The row behind `row` of the same key.
    #[inline]
    pub fn next(&self, row: u32) -> u32 {
        self.next[row as usize]
    }

    /// Whether row `row` has had a partner.
    pub fn is_matched(&self, row: u32) -> bool {
        self.flags[row as usize] & MATCHED != 0
    }

    /// Row `row` has a partner; whether it is the first one.
    pub fn set_matched(&mut self, row: u32) -> bool {
        let before = self.flags[row as usize];
        self.flags[row as usize] |= MATCHED;
        before & MATCHED == 0
    }

    /// A row enters; `list` is that of its key.
    pub fn enter(&mut self, row: Arriving, list: Option<&mut List>) -> u32 {
        let at = self.flags.len() as u32;
        self.missing.push(row.original);
        self.time.push(row.time);
        self.mark.push(row.mark);
        self.group.push(row.group);
        self.seq.push(row.seq);
        self.text.push(row.text);
        self.text_live += row.text as usize;
        self.text_held += row.text as usize;
        self.flags.push(LIVE);
        self.next.push(NIL);
        self.prev.push(NIL);
        if let Some(list) = list {
            self.link(at, list);
        }
        if self.kept.is_by_mark() {
            self.order.push(Reverse((row.mark, at)));
        }
        self.live += 1;
        at
    }

    fn link(&mut self, row: u32, list: &mut List) {
        self.prev[row as usize] = list.tail;
        match list.tail {
            NIL => list.head = row,
            last => self.next[last as usize] = row,
        }
        list.tail = row;
    }

    /// Row `row` leaves; `list` is that of its key.
    pub fn leave(&mut self, row: u32, list: Option<&mut List>) {
        let at = row as usize;
        debug_assert!(self.is_live(at), "a row leaves once");
        self.flags[at] &= !LIVE;
        self.live -= 1;
        self.text_live -= self.text[at] as usize;
        if let Some(list) = list {
            let (prev, next) = (self.prev[at], self.next[at]);
            match prev {
                NIL => list.head = next,
                row => self.next[row as usize] = next,
            }
            match next {
                NIL => list.tail = prev,
                row => self.prev[row as usize] = prev,
            }
        }
        while self.front < self.flags.len() && !self.is_live(self.front) {
            self.front += 1;
        }
    }

    /// The row kept with the least mark, where rows leave by mark.
    pub fn least(&mut self) -> Option<(i64, u32)> {
        while let Some(&Reverse((mark, row))) = self.order.peek() {
            if self.is_live(row as usize) {
                return Some((mark, row));
            }
            self.order.pop();
        }
        None
    }

    /// Puts the rows of `columns` that entered into the columns.
    pub fn fill(&mut self, columns: &[Column]) {
        if self.missing.is_empty() {
            return;
        }
        let rows = &self.missing;
        let from = rows[0] as usize;
        let is_run = rows.len() == rows[rows.len() - 1] as usize + 1 - from;
        for (kept, &column) in self.columns.iter_mut().zip(&self.reads) {
            let column = &columns[column];
            if is_run {
                kept.append_range(column, from, from + rows.len());
            } else {
                kept.append_gather(column, rows);
            }
        }
        self.missing.clear();
    }

    /// Moves out the rows that left, if they are many. Returns the new number of each old row; those
    /// that left have none.
    pub fn compact(&mut self) -> Option<Vec<u32>> {
        let gone = self.flags.len() - self.base - self.live;
        let is_large = self.text_held - self.text_live > self.text_live + TEXT_GONE_MIN;
        if !is_large && (gone < GONE_MIN || gone < self.live) {
            return None;
        }
        let keep: Vec<u32> = (0..self.base as u32).chain(self.live_rows()).collect();
        let mut new = vec![NIL; self.flags.len()];
        keep.iter().enumerate().for_each(|(to, &from)| new[from as usize] = to as u32);
        for column in &mut self.columns {
            let mut kept = column.empty_like();
            kept.append_gather(column, &keep);
            *column = kept;
        }
        pick(&mut self.time, &keep);
        pick(&mut self.mark, &keep);
        pick(&mut self.group, &keep);
        pick(&mut self.seq, &keep);
        pick(&mut self.text, &keep);
        self.text_held = self.text_live;
        pick(&mut self.flags, &keep);
        pick(&mut self.next, &keep);
        pick(&mut self.prev, &keep);
        let renumber = |link: &mut u32| *link = new.get(*link as usize).copied().unwrap_or(NIL);
        self.next.iter_mut().chain(&mut self.prev).for_each(renumber);
        self.front = self.base;
        self.rebuild_order();
        Some(new)
    }

    /// Makes lists and order of rows that were decoded; `lists` of all keys are empty.
    pub fn rebuild(&mut self, side: usize, lists: &mut [[List; 2]]) {
        for row in self.base..self.flags.len() {
            if let Some(list) = lists.get_mut(self.group[row] as usize) {
                let mut own = list[side];
                self.link(row as u32, &mut own);
                list[side] = own;
            }
        }
        self.rebuild_order();
    }

    fn rebuild_order(&mut self) {
        self.order.clear();
        if self.kept.is_by_mark() {
            let rows = (self.base..self.flags.len()).map(|row| Reverse((self.mark[row], row as u32)));
            self.order.extend(rows);
        }
    }

    /// First row that is one.
    pub fn base(&self) -> usize {
        self.base
    }

    /// Takes rows that were decoded: the vectors hold them, `matched` says which had a partner.
    pub fn restore(&mut self, matched: &[bool]) {
        for &matched in matched {
            self.flags.push(LIVE | if matched { MATCHED } else { 0 });
            self.next.push(NIL);
            self.prev.push(NIL);
        }
        self.live = matched.len();
        for row in self.base..self.flags.len() {
            let bytes = text_of(self.columns.iter(), row);
            self.text.push(bytes);
            self.text_live += bytes as usize;
        }
        self.text_held = self.text_live;
    }
}

/// Bytes of text in row `row`.
fn text_of<'a>(columns: impl Iterator<Item = &'a Column>, row: usize) -> u32 {
    let bytes: usize = columns.map(|column| column.text_bytes(row, row + 1)).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Keeps the entries at `keep`, which ascends.
fn pick<T: Copy>(values: &mut Vec<T>, keep: &[u32]) {
    for (to, &from) in keep.iter().enumerate() {
        values[to] = values[from as usize];
    }
    values.truncate(keep.len());
}
