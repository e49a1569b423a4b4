//! The statement tree of CEPtra's streaming SQL, as the parser produces it.
//!
//! Expressions, select items and named-window definitions are `sqlparser` nodes; statement heads,
//! queries and the whole FROM clause are ours, because streaming windows, output rates and
//! `CREATE STREAM` have no place in `sqlparser`'s tree.
//!
//! Invariants:
//! - Nothing that the user wrote is lost: a clause the parser accepts has a field here, a clause
//!   it does not accept is an error with a span.
//! - The three window spellings of R-SQL-3 produce equal [`Window`] values.
//! - Spans are byte ranges into the script text.

mod function;
mod join;
mod pattern;
mod query;
mod statement;
mod table;
mod trigger;
mod window;

pub use function::{CreateFunction, Parameter};
pub use join::{AsOf, AsOfJoin, FromItem, Join, JoinConstraint, JoinKind};
pub use pattern::{
    Define, MatchRecognize, Measure, PatternExpr, PatternExprKind, PatternKind, PatternSource, RowsPerMatch,
    SkipKind, SkipTo, Subset, WithinBound, WithinKind,
};
pub use query::{
    Cte, Derived, OutputRate, Query, RateEvery, RateKind, Relation, RelationSource, Select, SetExpr,
    WithinPer,
};
pub use statement::{
    ColumnDef, CreateAggregation, CreateStream, CreateView, DropKind, Insert, InsertSource, InsertVerb,
    OptionLiteral, ShowKind, Statement, StatementKind, WithOption,
};
pub use table::{CreateIndex, CreateTable, Delete, Update};
pub use trigger::{CreateTrigger, Schedule};
pub use window::{Duration, Grain, Window, WindowKind};

/// A byte range `[start, end)` of the script text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `[start, end)`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A name as the user wrote it (declared case kept, quotes removed) and where.
///
/// Names match case-insensitively (R-SQL-3a), so compare with [`Name::matches`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// The text without quotes.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Name {
    /// Whether both names mean the same object: equal under ASCII case folding.
    pub fn matches(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other)
    }
}
