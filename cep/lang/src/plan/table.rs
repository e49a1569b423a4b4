//! Tables: rows by key that streams write and that joins, IN and EXISTS read.
//!
//! Order of reads and writes (R-DET-1): the rows of the log come one after the other; for each of
//! them the queries run in the order of their numbers, each wholly. A query sees what queries with
//! lower numbers wrote for the same row, and everything that was written for earlier rows.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use cep_types::StreamId;

use super::{Expr, Node};
use crate::ast::Span;

/// Number of a table within its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

impl TableId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its number.
    pub id: TableId,
    /// Its name, declared case.
    pub name: String,
    /// Its columns.
    pub schema: SchemaRef,
    /// Columns of PRIMARY KEY, in its order; empty: none.
    pub key: Vec<usize>,
    /// Columns of each secondary index.
    pub indexes: Vec<Vec<usize>>,
    /// Most rows (`table.rows.max`).
    pub rows_max: u64,
    /// What is done beyond `rows_max`; always counted.
    pub full: WhenFull,
    /// Stamp time after which a row that was not written again is gone, ns (`state.ttl`).
    pub ttl_ns: Option<i64>,
    /// What INSERT does with a key that is there.
    pub conflict: OnConflict,
    /// Rows of VALUES, in order; the table begins with them.
    pub rows: Vec<(OnConflict, RecordBatch)>,
    /// The stream of a source in its options: those rows are written before any stream is read.
    pub seed: Option<StreamId>,
    /// Its statement.
    pub span: Option<Span>,
}

/// What a write beyond `table.rows.max` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The row is left out, and counted.
    Reject,
    /// The row that was written longest ago goes.
    EvictOldest,
    /// The row is an error of its record.
    Fail,
}

/// What INSERT does with a key that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The row is an error of its record.
    Error,
    /// The row replaces the one that is there.
    Replace,
    /// The row that is there stays.
    Ignore,
}

/// How the candidates of a row are found in a table.
#[derive(Debug, Clone)]
pub enum Probe {
    /// By PRIMARY KEY: one expression over the input a key column, of its type.
    Key(Vec<Expr>),
    /// By a secondary index.
    Index {
        /// Which of [`Table::indexes`].
        index: usize,
        /// One expression over the input a column.
        exprs: Vec<Expr>,
    },
    /// Every row, in the order in which they were written last.
    Scan,
}

/// Rows of a stream with those of a table.
#[derive(Debug, Clone)]
pub struct TableJoinNode {
    /// Rows.
    pub input: Node,
    /// The table.
    pub table: TableId,
    /// Its name, for EXPLAIN.
    pub name: String,
    /// Its columns.
    pub columns: SchemaRef,
    /// Which rows of the table are looked at.
    pub probe: Probe,
    /// What else must hold, over the input's columns, then the table's.
    pub condition: Option<Expr>,
    /// What becomes of the matches.
    pub kind: TableJoinKind,
    /// Which columns come out, ascending, of the input's and then the table's.
    pub kept: Vec<usize>,
    /// The columns kept; behind them, with EXISTS and IN, the answer.
    pub schema: SchemaRef,
}

/// What becomes of the rows of a table that match.
#[derive(Debug, Clone)]
pub enum TableJoinKind {
    /// One row a match: the input's columns, then the table's.
    Inner,
    /// The same; one row with NULLs when there is no match.
    Left,
    /// The input row with a BOOL behind it: whether there is a match.
    Exists,
    /// The input row with a BOOL behind it: `value IN (matches)`, with SQL's NULL.
    In {
        /// `value = column`, over the input's columns, then the table's.
        equal: Expr,
        /// The probe looks for the value itself in a column without NULLs; a NULL looks at every row.
        by_value: bool,
    },
}

/// Rows of a stream change a table. Nothing comes out.
#[derive(Debug, Clone)]
pub struct TableWriteNode {
    /// Rows.
    pub input: Node,
    /// The table.
    pub table: TableId,
    /// Its name, for EXPLAIN.
    pub name: String,
    /// Its columns.
    pub columns: SchemaRef,
    /// What they do.
    pub action: TableAction,
    /// No columns.
    pub schema: SchemaRef,
}

/// What a row does to a table.
#[derive(Debug, Clone)]
pub enum TableAction {
    /// It is added; the input has the table's columns.
    Insert(OnConflict),
    /// It replaces the one with its key, or is added; `-D` and `-U` remove the row with the key.
    Upsert,
    /// It changes the rows that match.
    Update {
        /// Which rows are looked at.
        probe: Probe,
        /// What must hold, over the input's columns, then the table's.
        condition: Option<Expr>,
        /// Columns with their new values, over the same.
        set: Vec<(usize, Expr)>,
    },
    /// It removes the rows that match.
    Delete {
        /// Which rows are looked at.
        probe: Probe,
        /// What must hold, over the input's columns, then the table's.
        condition: Option<Expr>,
    },
}
