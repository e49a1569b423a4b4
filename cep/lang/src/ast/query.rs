//! Queries: WITH, UNION ALL, SELECT and the FROM clause with its streaming windows.

use datafusion_sql::sqlparser::ast as sql;

use super::{AsOf, Duration, FromItem, Grain, MatchRecognize, Name, PatternSource, Span, Window};

/// A query with its clauses that apply to the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Common table expressions, in order.
    pub with: Vec<Cte>,
    /// SELECT or UNION ALL.
    pub body: SetExpr,
    /// `ORDER BY`, applied to each window result.
    pub order_by: Vec<sql::OrderByExpr>,
    /// `LIMIT n`.
    pub limit: Option<sql::Expr>,
    /// `OFFSET n`.
    pub offset: Option<sql::Expr>,
    /// `OUTPUT … EVERY …` (R-SQL-8).
    pub output: Option<OutputRate>,
    /// The whole query.
    pub span: Span,
}

/// `name [(columns)] AS (query)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Name,
    /// Column names that replace those of the query.
    pub columns: Vec<Name>,
    /// The query.
    pub query: Query,
}

/// What a query computes before ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub enum SetExpr {
    /// One SELECT.
    Select(Box<Select>),
    /// `a UNION ALL b`, left to right, at least two.
    UnionAll(Vec<SetExpr>),
    /// A query in parentheses.
    Nested(Box<Query>),
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// `SELECT DISTINCT`.
    pub distinct: bool,
    /// The select list.
    pub items: Vec<sql::SelectItem>,
    /// FROM; `None` for `SELECT 1`.
    pub from: Option<FromItem>,
    /// WHERE after the FROM clause: filters what the window holds.
    pub filter: Option<sql::Expr>,
    /// GROUP BY expressions; empty when not written.
    pub group_by: Vec<sql::Expr>,
    /// HAVING.
    pub having: Option<sql::Expr>,
    /// QUALIFY.
    pub qualify: Option<sql::Expr>,
    /// `WINDOW w AS (…)`, standard named windows for OVER.
    pub named_windows: Vec<sql::NamedWindowDefinition>,
    /// From SELECT to its last token.
    pub span: Span,
}

/// One source of rows in FROM.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// The stream, view, CTE, aggregation or derived table.
    pub source: RelationSource,
    /// `s[cond]` or `FROM s WHERE cond WINDOW …`: filters before the window.
    pub pre_filter: Option<sql::Expr>,
    /// The streaming window, any spelling.
    pub window: Option<Window>,
    /// `WITHIN … PER …` on an aggregation.
    pub within_per: Option<WithinPer>,
    /// `FOR SYSTEM_TIME AS OF time`.
    pub as_of: Option<AsOf>,
    /// The word `UNIDIRECTIONAL`: only rows of this side of the join look for partners.
    pub unidirectional: Option<Span>,
    /// `AS alias`.
    pub alias: Option<Name>,
    /// `AS alias (c1, c2)`.
    pub alias_columns: Vec<Name>,
    /// The whole relation.
    pub span: Span,
}

/// Where a relation's rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum RelationSource {
    /// A named stream, view, CTE or aggregation.
    Name(Name),
    /// `(query)`.
    Derived(Derived),
    /// `PATTERN (…)` or `SEQUENCE (…)`.
    Pattern(Box<PatternSource>),
    /// `… MATCH_RECOGNIZE (…)`.
    Recognize(Box<MatchRecognize>),
}

/// A query in FROM.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The query.
    pub query: Box<Query>,
}

/// `WITHIN 'from' [, 'to'] PER 'grain'` (R-SQL-7).
#[derive(Debug, Clone, PartialEq)]
pub struct WithinPer {
    /// First expression: a start, or a wildcard date such as `'2024-01-** **:**:**'`.
    pub from: sql::Expr,
    /// Second expression: the end, exclusive.
    pub to: Option<sql::Expr>,
    /// The grain of `PER`.
    pub per: Grain,
    /// The clause.
    pub span: Span,
}

/// `OUTPUT ALL|FIRST|LAST EVERY n EVENTS|time` or `OUTPUT SNAPSHOT EVERY time`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputRate {
    /// Which rows of a period are let through.
    pub kind: RateKind,
    /// The period.
    pub every: RateEvery,
    /// The clause.
    pub span: Span,
}

/// Which rows of an output period are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKind {
    /// All, together at the period's end.
    All,
    /// The first of each group.
    First,
    /// The last of each group.
    Last,
    /// The current result as a whole.
    Snapshot,
}

/// Period of an output rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateEvery {
    /// A count of rows, ≥ 1.
    Events(u64),
    /// A time, fixed length, > 0.
    Time(Duration),
}
