//! What a changelog has shown of each group: the row that `-D` takes back.

use arrow_schema::DataType;
use cep_types::Op;

use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;

/// The rows of visible groups as they were emitted last. Which groups are visible is kept beside it.
#[derive(Debug)]
pub struct Shown {
    types: Vec<DataType>,
    rows: Vec<Column>,
    /// Per group, meaningful if it is visible: its row.
    row_of: Vec<u32>,
    /// Number of visible groups.
    groups: usize,
}

impl Shown {
    /// None, of columns `types`.
    pub fn new(types: Vec<DataType>) -> Self {
        Shown { rows: types.iter().map(Column::new).collect(), types, row_of: Vec::new(), groups: 0 }
    }

    /// The rows that [`Shown::change`] gives.
    pub fn rows(&self) -> &[Column] {
        &self.rows
    }

    /// One more group, not visible.
    pub fn add_group(&mut self) {
        self.row_of.push(0);
    }

    /// A visible group is visible no more.
    pub fn forget(&mut self) {
        self.groups -= 1;
    }

    /// Groups have new numbers: their old ones, and which are visible.
    pub fn keep(&mut self, kept: &[u32], visible: &[bool]) {
        self.row_of = kept.iter().map(|&g| self.row_of[g as usize]).collect();
        self.groups = visible.iter().filter(|&&v| v).count();
    }

    /// Notes a change of a group and gives the row that says so: row `row` of `columns`, or for a
    /// deletion the row that was shown.
    pub fn change(&mut self, group: u32, op: Op, columns: &[Column], row: usize) -> u32 {
        match op {
            Op::Delete => self.groups -= 1,
            Op::Insert => self.groups += 1,
            Op::UpdateBefore | Op::UpdateAfter => {}
        }
        if op != Op::Delete {
            self.row_of[group as usize] = self.len() as u32;
            for (kept, column) in self.rows.iter_mut().zip(columns) {
                kept.append_range(column, row, row + 1);
            }
        }
        self.row_of[group as usize]
    }

    fn len(&self) -> usize {
        self.rows.first().map_or(0, Column::len)
    }

    /// Rows of the visible groups, in their order.
    fn live(&self, visible: &[bool]) -> Vec<Column> {
        let groups = (0..visible.len()).filter(|&g| visible[g]);
        let rows: Vec<u32> = groups.map(|g| self.row_of[g]).collect();
        let mut live: Vec<Column> = self.types.iter().map(Column::new).collect();
        for (out, column) in live.iter_mut().zip(&self.rows) {
            out.append_gather(column, &rows);
        }
        live
    }

    /// Drops rows that are not shown any more, once they are the most.
    pub fn compact(&mut self, visible: &[bool]) {
        if self.len() > 64 && self.len() > 2 * self.groups {
            self.rows = self.live(visible);
            self.number(visible);
        }
    }

    /// The rows are those of the visible groups, in their order.
    fn number(&mut self, visible: &[bool]) {
        self.groups = 0;
        self.row_of.clear();
        for &is_visible in visible {
            self.row_of.push(self.groups as u32);
            self.groups += usize::from(is_visible);
        }
    }

    /// Writes the rows of the visible groups.
    pub fn encode(&self, visible: &[bool], out: &mut Writer) {
        let live = self.live(visible);
        live.iter().zip(&self.types).for_each(|(column, data_type)| out.column(column, data_type));
    }

    /// Reads what [`Shown::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, visible: &[bool], input: &mut Reader<'_>) -> Result<()> {
        self.number(visible);
        for (column, data_type) in self.rows.iter_mut().zip(&self.types) {
            *column = input.column(data_type)?;
            if column.len() != self.groups {
                return Err(DecodeError("rows shown of other groups".into()));
            }
        }
        Ok(())
    }
}
