//! Tables: `declare` CREATE TABLE and CREATE INDEX · `options` WITH of a table · `write` INSERT and
//! UPSERT · `change` UPDATE and DELETE · `subquery` IN and EXISTS · `probe` conditions between a stream and a table · `statements` what they do to a session · `key` by what rows of a query replace each other.

mod change;
mod declare;
mod key;
mod options;
mod probe;
mod statements;
mod subquery;
mod write;

pub(crate) use change::{delete, update};
pub(crate) use declare::{create, create_index, seed};
pub(crate) use key::{Key, unique_key, unique_key_over};
pub(crate) use probe::{conjunction, probe_of_read, split};
pub(crate) use subquery::without_subqueries;
pub(crate) use write::{check_changelog, conflict, no_rows, rows_into};

use crate::plan::Table;

/// A table with what lowering knows about it.
#[derive(Debug, Clone)]
pub(crate) struct TableEntry {
    /// The plan's table.
    pub table: Table,
    /// DROPped: its number is not used again until the program is made.
    pub is_dropped: bool,
    /// Its WITH options as text, secrets redacted.
    pub options_text: String,
}
