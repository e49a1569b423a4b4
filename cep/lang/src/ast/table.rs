//! Tables: their declaration and the statements that change them.

use datafusion_sql::sqlparser::ast as sql;

use super::{ColumnDef, Name, Relation, Span, WithOption};

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The table's name.
    pub name: Name,
    /// `IF NOT EXISTS` was written.
    pub if_not_exists: bool,
    /// Its columns.
    pub columns: Vec<ColumnDef>,
    /// `PRIMARY KEY (…)`, or behind a column; empty: none.
    pub key: Vec<Name>,
    /// `INDEX (…)`, one list each.
    pub indexes: Vec<Vec<Name>>,
    /// `WITH (…)`, in order.
    pub options: Vec<WithOption>,
}

/// `CREATE INDEX [name] ON table (columns)`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// Its name, which nothing refers to.
    pub name: Option<Name>,
    /// The table.
    pub table: Name,
    /// The columns.
    pub columns: Vec<Name>,
}

/// `UPDATE table SET … FROM relation [WHERE …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The table.
    pub table: Name,
    /// `AS alias` of it.
    pub alias: Option<Name>,
    /// Columns with their new values.
    pub set: Vec<(Name, sql::Expr)>,
    /// The rows that do it.
    pub from: Relation,
    /// Which rows of the table.
    pub filter: Option<sql::Expr>,
    /// The statement.
    pub span: Span,
}

/// `DELETE FROM table USING relation [WHERE …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// The table.
    pub table: Name,
    /// `AS alias` of it.
    pub alias: Option<Name>,
    /// The rows that do it.
    pub using: Relation,
    /// Which rows of the table.
    pub filter: Option<sql::Expr>,
    /// The statement.
    pub span: Span,
}
