//! Statements: the heads of DDL and DML.

use datafusion_sql::sqlparser::ast as sql;

use super::{
    CreateFunction, CreateIndex, CreateTable, CreateTrigger, Delete, Grain, Name, Query, Span, Update,
};

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// From its first token to its last, without the semicolon.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `CREATE STREAM name (columns) [WITH (…)]` or `CREATE STREAM name [WITH (…)] AS query`.
    CreateStream(CreateStream),
    /// `CREATE VIEW name [(columns)] AS query`.
    CreateView(CreateView),
    /// `CREATE AGGREGATION name [WITH (…)] AS SELECT … AGGREGATE BY ts EVERY …`.
    CreateAggregation(CreateAggregation),
    /// `CREATE TABLE name (columns, PRIMARY KEY (…)) [WITH (…)]`.
    CreateTable(CreateTable),
    /// `CREATE INDEX ON table (columns)`.
    CreateIndex(CreateIndex),
    /// `CREATE TRIGGER name AT START | EVERY … | CRON …`.
    CreateTrigger(CreateTrigger),
    /// `CREATE FUNCTION name (parameters) AS expression`.
    CreateFunction(Box<CreateFunction>),
    /// `INSERT INTO stream …`, `INSERT INTO table …`, `UPSERT INTO table …`.
    Insert(Insert),
    /// `UPDATE table SET … FROM stream …`.
    Update(Box<Update>),
    /// `DELETE FROM table USING stream …`.
    Delete(Box<Delete>),
    /// A bare query: its rows are printed.
    Select(Query),
    /// `EXPLAIN statement`.
    Explain(Box<Statement>),
    /// `SHOW STREAMS | VIEWS | TABLES | AGGREGATIONS | FUNCTIONS | WINDOWS | QUERIES`.
    Show(ShowKind),
    /// `DESCRIBE name` (also `DESC`).
    Describe(Name),
    /// `DROP STREAM | VIEW | TABLE | TRIGGER | FUNCTION | AGGREGATION [IF EXISTS] name`.
    Drop {
        /// Kind of the object.
        kind: DropKind,
        /// Whether a missing object is fine.
        if_exists: bool,
        /// Which object.
        name: Name,
    },
}

/// `CREATE STREAM`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateStream {
    /// The stream's name.
    pub name: Name,
    /// `IF NOT EXISTS` was written.
    pub if_not_exists: bool,
    /// Declared columns; empty with `AS query` and no column list.
    pub columns: Vec<ColumnDef>,
    /// `WITH (…)`, in order.
    pub options: Vec<WithOption>,
    /// The query of `AS`.
    pub query: Option<Query>,
}

/// A column of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Name,
    /// Its type, as Arrow (R-EVT-2).
    pub data_type: arrow_schema::DataType,
    /// JSON: text with the `ceptra.type = json` tag.
    pub json: bool,
    /// `NOT NULL`: a NULL there is a record error.
    pub not_null: bool,
}

/// `key = value` of a WITH clause.
#[derive(Debug, Clone, PartialEq)]
pub struct WithOption {
    /// The key, dots included, quotes removed.
    pub key: Name,
    /// The value, `${VAR:default}` already substituted in strings.
    pub value: OptionLiteral,
    /// Where the value stands.
    pub value_span: Span,
}

/// The value of a WITH option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionLiteral {
    /// A quoted string or a bare word.
    Text(String),
    /// A number, as written.
    Number(String),
    /// TRUE or FALSE.
    Bool(bool),
    /// `INTERVAL '…'` or `5 SECONDS`, in nanoseconds.
    IntervalNs(i64),
}

/// `CREATE VIEW`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// The view's name.
    pub name: Name,
    /// Column names that replace those of the query; empty when not written.
    pub columns: Vec<Name>,
    /// The query it stands for.
    pub query: Query,
}

/// `CREATE AGGREGATION` (R-SQL-7).
#[derive(Debug, Clone, PartialEq)]
pub struct CreateAggregation {
    /// The aggregation's name.
    pub name: Name,
    /// `WITH (…)`, in order.
    pub options: Vec<WithOption>,
    /// `SELECT … FROM … [WHERE …] GROUP BY …`.
    pub query: Query,
    /// The column of `AGGREGATE BY`; `None`: the stream's event time.
    pub by: Option<Name>,
    /// Grains in order, a range `SECONDS … YEARS` expanded, finest first.
    pub grains: Vec<Grain>,
}

/// `INSERT INTO`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// What a key that is there means.
    pub verb: InsertVerb,
    /// The stream or table that receives the rows.
    pub target: Name,
    /// Explicit column list; empty when not written.
    pub columns: Vec<Name>,
    /// Where the rows come from.
    pub source: InsertSource,
}

/// What rows do to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertVerb {
    /// `INSERT INTO`: they are added.
    Insert,
    /// `UPSERT INTO`: they replace those with their keys, or are added.
    Upsert,
}

/// Source of an INSERT.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertSource {
    /// `SELECT …`, runs for ever.
    Query(Query),
    /// `VALUES (…), (…)`, inserted once at start; one expression list a row.
    Values(Vec<Vec<sql::Expr>>),
}

/// What SHOW lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowKind {
    /// Streams with their columns and options; secrets redacted.
    Streams,
    /// Views.
    Views,
    /// Tables with their columns and options.
    Tables,
    /// Aggregations.
    Aggregations,
    /// Continuous queries.
    Queries,
    /// The function library.
    Functions,
    /// Window kinds and their parameters.
    Windows,
}

/// What DROP removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropKind {
    /// A stream that no query reads or writes.
    Stream,
    /// A view that no query reads.
    View,
    /// An aggregation.
    Aggregation,
    /// A table that no query reads or writes.
    Table,
    /// A trigger that no query reads.
    Trigger,
    /// A function; what was written with it stays.
    Function,
}
