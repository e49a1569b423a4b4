//! Patterns: `FROM PATTERN`, `FROM SEQUENCE` and `MATCH_RECOGNIZE` as one plan (R-SQL-4).
//!
//! Invariants:
//! - What a condition or a measure reads of a match is a list of [`Slot`]s; its expression's columns
//!   are indices into that list and into nothing else. An expression whose slots are all
//!   [`Slot::Input`] needs the row alone.
//! - Rows of several streams come through one input, a union with a column that says the stream.

use arrow_schema::SchemaRef;

use crate::ast::Span;

use super::{AggCall, Expr, NamedExpr, Node};

/// Index of an element (pattern variable) in [`PatternNode::elements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub usize);

/// A pattern over the rows of its input.
#[derive(Debug, Clone)]
pub struct PatternNode {
    /// Rows.
    pub input: Node,
    /// Column of the input that says which stream a row is of (INT, from 0); `None`: one stream.
    pub tag: Option<usize>,
    /// PARTITION BY over the input's columns; each key has matches of its own.
    pub keys: Vec<Expr>,
    /// In which order rows are looked at.
    pub order: PatternOrder,
    /// The pattern's variables, in order of first appearance.
    pub elements: Vec<PatternElement>,
    /// What is to be found.
    pub pattern: Pattern,
    /// What may lie between the rows of a match, and which match is taken.
    pub matching: Matching,
    /// Where the next match may begin.
    pub skip: AfterMatch,
    /// Bounds of a whole match.
    pub within: Vec<Within>,
    /// Which rows come out.
    pub rows: MatchRows,
    /// What the output's expressions read.
    pub slots: Vec<Slot>,
    /// The columns that come out, over `slots`.
    pub exprs: Vec<NamedExpr>,
    /// Their schema.
    pub schema: SchemaRef,
    /// Partial matches of all keys together, at most.
    pub runs_max: u64,
    /// What is done beyond `runs_max`; always counted.
    pub over_bound: OverBound,
    /// Where the pattern was written.
    pub span: Option<Span>,
}

/// In which order a pattern looks at rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternOrder {
    /// As they stand in the log.
    Log,
    /// By event time, ties as in the log, once the watermark has passed them (`ORDER BY ts`).
    EventTime,
}

/// A pattern variable.
#[derive(Debug, Clone)]
pub struct PatternElement {
    /// Its name; made up for those without one.
    pub name: String,
    /// The stream its rows are of; `None`: the only one.
    pub tag: Option<i32>,
    /// DEFINE, or the filter in brackets; `None`: TRUE.
    pub condition: Option<MatchExpr>,
}

/// An expression over what a match has so far.
#[derive(Debug, Clone)]
pub struct MatchExpr {
    /// What it reads.
    pub slots: Vec<Slot>,
    /// The expression, over `slots`.
    pub expr: Expr,
}

/// The shape of a match.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// One row of an element.
    Element(ElementId),
    /// One after the other.
    Then(Vec<Pattern>),
    /// One of them. MATCH_RECOGNIZE prefers the earlier; PATTERN takes the one that is complete first,
    /// then the earlier.
    Or(Vec<Pattern>),
    /// All of them, in any order and interleaved.
    And(Vec<Pattern>),
    /// All of them one after the other, in any order; the order as written is preferred, then
    /// lexicographically (SQL:2016).
    Permute(Vec<Pattern>),
    /// `min` to `max` times.
    Repeat {
        /// What.
        body: Box<Pattern>,
        /// At least.
        min: u32,
        /// At most; `None`: no bound.
        max: Option<u32>,
        /// As often as possible, rather than as seldom.
        greedy: bool,
    },
    /// `{- … -}`: matched, but left out of ALL ROWS PER MATCH.
    Exclude(Box<Pattern>),
    /// EVERY: each time its first row is found, while another match of it is under way as well.
    Every(Box<Pattern>),
    /// `NOT x FOR d`: no such row for `for_ns` after what comes before; with `None`, only inside
    /// [`Pattern::And`], no such row until the others are complete.
    Absent {
        /// Which row must not come.
        element: ElementId,
        /// How long, ns of stamp time or, with [`PatternOrder::EventTime`], of event time.
        for_ns: Option<i64>,
    },
    /// A part with bounds of its own.
    Bounded {
        /// What.
        body: Box<Pattern>,
        /// From the part's first row to its last, or from row to row.
        within: Vec<Within>,
    },
    /// `^`: before the first row of the partition.
    Start,
    /// `$`: after the last row of the partition; true at the end of input alone.
    End,
    /// `()`: no row.
    Empty,
}

/// What may lie between the rows of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// PATTERN: rows that do not fit are skipped; a match is given as soon as it is complete.
    Followed,
    /// SEQUENCE: each row of the key must fit; a match is given as soon as it is complete.
    Contiguous,
    /// MATCH_RECOGNIZE: contiguous, and of the matches that begin at a row the one the standard
    /// prefers is given, as soon as no preferred one is possible any more.
    Preferred,
}

/// Where the next match may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterMatch {
    /// PATTERN and SEQUENCE: EVERY alone decides; matches overlap.
    Overlap,
    /// After the last row of the match.
    PastLastRow,
    /// After the first row of the match.
    ToNextRow,
    /// At the first row of one of these elements; no such row or the match's first: a record error.
    ToFirst(Vec<ElementId>),
    /// At the last row of one of these elements; the same.
    ToLast(Vec<ElementId>),
}

/// A bound of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Time from the first row to the last, ns, inclusive. By stamps, or with
    /// [`PatternOrder::EventTime`] by event time.
    Time(i64),
    /// Time from each row to the next, ns, inclusive.
    Step(i64),
    /// Rows of the key from the first to the last, both counted.
    Events(u64),
}

/// Which rows come out of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchRows {
    /// One.
    One {
        /// Partial matches that a bound in time ends come out too; [`Slot::TimedOut`] tells them.
        timed_out: bool,
    },
    /// One for each row of the match that is not excluded.
    All {
        /// SHOW EMPTY MATCHES: a row for a match without rows.
        empty: bool,
        /// WITH UNMATCHED ROWS.
        unmatched: bool,
    },
}

/// What is done when there are more partial matches than `runs_max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverBound {
    /// A row begins no new one.
    Reject,
    /// The oldest is given up.
    EvictOldest,
    /// A row that would begin one is a record error.
    Fail,
}

/// Something a match has: a value for a condition or a measure.
#[derive(Debug, Clone)]
pub enum Slot {
    /// Column of the row that is tested, or in ALL ROWS of the row that comes out.
    Input(usize),
    /// Column of a row of the match, NULL if there is none.
    Row {
        /// Which row.
        at: Position,
        /// Column of the input.
        column: usize,
    },
    /// An aggregate over the rows of these elements (empty: of all), arguments over the input's columns.
    Aggregate {
        /// Elements.
        of: Vec<ElementId>,
        /// The aggregate.
        call: AggCall,
        /// Which rows.
        scope: Scope,
    },
    /// CLASSIFIER: the name of the element the row at `at` was matched to.
    Classifier(Position),
    /// MATCH_NUMBER: 1, 2, 3 … within the partition, BIGINT.
    MatchNumber,
    /// Whether it is a partial match that a bound in time ended, BOOL.
    TimedOut,
    /// Event time of the match's first row, TIMESTAMP.
    FirstTime,
    /// Event time of the match's last row, TIMESTAMP.
    LastTime,
}

/// A row of a match: first a row by element, then `offset` rows of the partition from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Elements looked at (SUBSET: several; empty: all).
    pub of: Vec<ElementId>,
    /// From which end.
    pub from: End,
    /// How many rows of these elements further, from 0.
    pub skip: u64,
    /// PREV (negative) and NEXT (positive), in rows of the partition.
    pub offset: i64,
    /// Which rows count.
    pub scope: Scope,
}

/// From which end rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// FIRST, `e[0]`.
    First,
    /// LAST, `e[last]`; in a condition the row that is tested is the last one of its element.
    Last,
    /// The current row whatever its element (`PREV(price)` without a variable).
    Current,
}

/// Which rows of a match count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those up to the current row.
    Running,
    /// Those of the whole match.
    Final,
}
