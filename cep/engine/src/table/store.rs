//! The rows of a table, one behind the other; those that were replaced or removed leave a gap until
//! the gaps are the most.

use arrow_schema::DataType;

use crate::column::Column;

/// Rows at least before gaps are closed.
const ROWS_MIN: usize = 1024;

/// Rows with gaps.
#[derive(Debug)]
pub(super) struct Store {
    columns: Vec<Column>,
    /// Whether the row is there.
    live: Vec<bool>,
    /// Stamp of its writing; kept with a TTL only.
    written: Option<Vec<i64>>,
    /// All rows before are gaps, and this one is none.
    front: usize,
    live_count: usize,
}

impl Store {
    pub(super) fn new(types: &[DataType], keeps_stamps: bool) -> Store {
        Store {
            columns: types.iter().map(Column::new).collect(),
            live: Vec::new(),
            written: keeps_stamps.then(Vec::new),
            front: 0,
            live_count: 0,
        }
    }

    /// Rows as they are, without gaps.
    pub(super) fn of(columns: Vec<Column>, written: Option<Vec<i64>>, rows: usize) -> Store {
        Store { columns, live: vec![true; rows], written, front: 0, live_count: rows }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn live(&self) -> usize {
        self.live_count
    }

    #[inline]
    pub(super) fn is_live(&self, row: u32) -> bool {
        self.live[row as usize]
    }

    /// Whether row `row` is older at `stamp` than `ttl` allows.
    #[inline]
    pub(super) fn is_past(&self, row: u32, stamp: i64, ttl: Option<i64>) -> bool {
        match (ttl, &self.written) {
            (Some(ttl), Some(written)) => stamp.saturating_sub(written[row as usize]) > ttl,
            _ => false,
        }
    }

    /// All rows begin to age at `stamp`.
    pub(super) fn begin(&mut self, stamp: i64) {
        self.written.iter_mut().for_each(|written| written.fill(stamp));
    }

    /// Places of rows and gaps.
    pub(super) fn range(&self) -> std::ops::Range<u32> {
        self.front as u32..self.live.len() as u32
    }

    /// The row that was written longest ago.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.front < self.live.len()).then_some(self.front as u32)
    }

    /// Bytes of text that the fullest column holds, gaps among them.
    pub(super) fn text_bytes(&self) -> usize {
        self.columns.iter().map(|c| c.text_bytes(0, c.len())).max().unwrap_or(0)
    }

    /// Appends row `row` of `source`; its number.
    pub(super) fn push(&mut self, source: &[Column], row: usize, stamp: i64) -> u32 {
        for (own, column) in self.columns.iter_mut().zip(source) {
            own.append_range(column, row, row + 1);
        }
        self.live.push(true);
        if let Some(written) = &mut self.written {
            written.push(stamp);
        }
        self.live_count += 1;
        (self.live.len() - 1) as u32
    }

    /// Row `row` is a gap from now on.
    pub(super) fn remove(&mut self, row: u32) {
        self.live[row as usize] = false;
        self.live_count -= 1;
        while self.front < self.live.len() && !self.live[self.front] {
            self.front += 1;
        }
    }

    /// Whether gaps are the most.
    pub(super) fn is_sparse(&self) -> bool {
        self.live.len() > ROWS_MIN && self.live.len() > 2 * self.live_count
    }

    /// Columns and stamps of the rows that are there.
    pub(super) fn compacted(&self, types: &[DataType]) -> (Vec<Column>, Option<Vec<i64>>) {
        let rows: Vec<u32> = self.range().filter(|&row| self.is_live(row)).collect();
        let columns = self.columns.iter().zip(types).map(|(column, data_type)| {
            let mut out = Column::new(data_type);
            out.append_gather(column, &rows);
            out
        });
        let written = self.written.as_ref().map(|w| rows.iter().map(|&r| w[r as usize]).collect());
        (columns.collect(), written)
    }
}
