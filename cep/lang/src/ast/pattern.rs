//! Patterns over the rows of streams: PATTERN, SEQUENCE and MATCH_RECOGNIZE (R-SQL-4).

use datafusion_sql::sqlparser::ast as sql;

use super::{Duration, Name, Relation, Span};

/// `PATTERN (…)` or `SEQUENCE (…)` with the clauses behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternSource {
    /// Which of the two.
    pub kind: PatternKind,
    /// What is to be found.
    pub shape: PatternExpr,
    /// `WITHIN …` behind the bracket.
    pub within: Vec<WithinBound>,
    /// `PARTITION BY …`.
    pub partition_by: Vec<sql::Expr>,
    /// `ORDER BY …`; empty when not written.
    pub order_by: Vec<sql::OrderByExpr>,
    /// `AFTER MATCH SKIP …`.
    pub skip: Option<SkipTo>,
    /// Where `WITH TIMED OUT MATCHES` stands.
    pub timed_out: Option<Span>,
    /// From PATTERN or SEQUENCE to the last clause.
    pub span: Span,
}

impl PatternSource {
    /// The streams of its elements, as often as they are named.
    pub fn streams(&self) -> Vec<&Name> {
        let mut out = Vec::new();
        self.shape.streams(&mut out);
        out
    }
}

impl PatternExpr {
    fn streams<'a>(&'a self, out: &mut Vec<&'a Name>) {
        match &self.kind {
            PatternExprKind::Stream { alias: _, stream, filter: _ } => out.push(stream),
            PatternExprKind::Then(parts)
            | PatternExprKind::Or(parts)
            | PatternExprKind::And(parts)
            | PatternExprKind::Permute(parts) => parts.iter().for_each(|part| part.streams(out)),
            PatternExprKind::Repeat { body, .. }
            | PatternExprKind::Every(body)
            | PatternExprKind::Not { body, .. }
            | PatternExprKind::Within { body, .. }
            | PatternExprKind::Exclude(body) => body.streams(out),
            PatternExprKind::Variable(_)
            | PatternExprKind::Start
            | PatternExprKind::End
            | PatternExprKind::Empty => {}
        }
    }
}

/// What may lie between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// Other rows.
    Pattern,
    /// Nothing.
    Sequence,
}

/// `relation MATCH_RECOGNIZE (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecognize {
    /// The rows.
    pub input: Box<Relation>,
    /// `PARTITION BY …`.
    pub partition_by: Vec<sql::Expr>,
    /// `ORDER BY …`.
    pub order_by: Vec<sql::OrderByExpr>,
    /// `MEASURES …`.
    pub measures: Vec<Measure>,
    /// `ONE ROW PER MATCH` and its kin.
    pub rows: RowsPerMatch,
    /// `AFTER MATCH SKIP …`; `None`: not written.
    pub skip: Option<SkipTo>,
    /// `PATTERN (…)`.
    pub shape: PatternExpr,
    /// `WITHIN …` behind the pattern.
    pub within: Vec<WithinBound>,
    /// `SUBSET …`.
    pub subsets: Vec<Subset>,
    /// `DEFINE …`.
    pub defines: Vec<Define>,
    /// From MATCH_RECOGNIZE to its closing bracket.
    pub span: Span,
}

/// `expression AS name` of MEASURES.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What is computed.
    pub expr: sql::Expr,
    /// The column's name.
    pub name: Name,
}

/// `name AS condition` of DEFINE.
#[derive(Debug, Clone, PartialEq)]
pub struct Define {
    /// The variable.
    pub name: Name,
    /// When a row is one.
    pub condition: sql::Expr,
}

/// `name = (a, b)` of SUBSET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// The union's name.
    pub name: Name,
    /// Its variables.
    pub members: Vec<Name>,
}

/// Which rows come out of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsPerMatch {
    /// `ONE ROW PER MATCH`, or nothing written.
    One,
    /// `ALL ROWS PER MATCH [SHOW EMPTY MATCHES]`.
    AllShowEmpty,
    /// `ALL ROWS PER MATCH OMIT EMPTY MATCHES`.
    AllOmitEmpty,
    /// `ALL ROWS PER MATCH WITH UNMATCHED ROWS`.
    AllWithUnmatched,
}

/// `AFTER MATCH SKIP …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipTo {
    /// Where the next match may begin.
    pub kind: SkipKind,
    /// The clause.
    pub span: Span,
}

/// Where the next match may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipKind {
    /// `PAST LAST ROW`.
    PastLastRow,
    /// `TO NEXT ROW`.
    ToNextRow,
    /// `TO FIRST name`.
    ToFirst(Name),
    /// `TO LAST name` or `TO name`.
    ToLast(Name),
}

/// A part of a pattern and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternExpr {
    /// What it is.
    pub kind: PatternExprKind,
    /// Where.
    pub span: Span,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternExprKind {
    /// `[alias =] stream [filter]` of PATTERN and SEQUENCE.
    Stream {
        /// The element's name.
        alias: Option<Name>,
        /// Whose rows.
        stream: Name,
        /// Which of them.
        filter: Option<sql::Expr>,
    },
    /// A variable of MATCH_RECOGNIZE.
    Variable(Name),
    /// One after the other, at least two.
    Then(Vec<PatternExpr>),
    /// One of them, at least two.
    Or(Vec<PatternExpr>),
    /// All of them in any order, at least two.
    And(Vec<PatternExpr>),
    /// `PERMUTE (a, b)`, at least one.
    Permute(Vec<PatternExpr>),
    /// A quantifier.
    Repeat {
        /// What.
        body: Box<PatternExpr>,
        /// At least.
        min: u32,
        /// At most, ≥ 1 and ≥ `min`; `None`: no bound.
        max: Option<u32>,
        /// `?` behind the quantifier: as seldom as possible.
        reluctant: bool,
    },
    /// `EVERY x`.
    Every(Box<PatternExpr>),
    /// `NOT x [FOR d]`.
    Not {
        /// What must not come.
        body: Box<PatternExpr>,
        /// For how long, a fixed length.
        length: Option<Duration>,
    },
    /// `(x) WITHIN …`.
    Within {
        /// What.
        body: Box<PatternExpr>,
        /// Its bounds, at least one.
        bounds: Vec<WithinBound>,
    },
    /// `{- x -}`.
    Exclude(Box<PatternExpr>),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// `()`.
    Empty,
}

/// One bound of WITHIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithinBound {
    /// What it bounds.
    pub kind: WithinKind,
    /// Where it stands.
    pub span: Span,
}

/// What a bound of WITHIN bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithinKind {
    /// `1 MINUTE`: first row to last, a fixed length.
    Time(Duration),
    /// `1 MINUTE BETWEEN STEPS`: each row to the next, a fixed length.
    Step(Duration),
    /// `10 EVENTS`, ≥ 1.
    Events(u64),
}
