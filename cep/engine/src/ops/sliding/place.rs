//! Which rows leave the window when one enters, by kind of window.

use arrow_schema::DataType;
use cep_lang::plan::{Expr, SlidingWindow};

use super::expression::Expression;
use super::external::External;
use super::queue::Queue;
use super::rows::WindowRows;
use super::sort::Sort;
use super::unique::Unique;
use crate::column::Column;

/// The kind of a window that keeps its rows.
#[derive(Debug)]
pub enum Place {
    /// LENGTH, TIME, TIMELENGTH.
    Queue(Queue),
    /// EXTERNALTIME.
    External(External),
    /// SORT.
    Sort(Sort),
    /// UNIQUE.
    Unique(Unique),
    /// EXPRESSION.
    Expression(Box<Expression>),
}

/// A row that arrives, before it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Results of the window's expressions.
    pub columns: &'a [&'a Column],
    /// Its row there.
    pub row: usize,
    /// Its stamp.
    pub stamp: i64,
    /// Its event time.
    pub time: i64,
    /// How many arrived before.
    pub ordinal: u64,
}

/// Code and message of a row that is refused.
pub type Refusal = (&'static str, String);

impl Place {
    /// The kind of `window` over rows of columns `types`, with at most `keys_max` keys; `None` for those that keep no rows.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(window: &SlidingWindow, types: &[DataType], keys_max: usize) -> Result<Option<Self>, String> {
        Ok(Some(match window {
            SlidingWindow::Length { rows } => Place::Queue(Queue::new(Some(*rows), None)),
            SlidingWindow::Time { size_ns } => Place::Queue(Queue::new(None, Some(*size_ns))),
            SlidingWindow::TimeLength { size_ns, rows } => {
                Place::Queue(Queue::new(Some(*rows), Some(*size_ns)))
            }
            SlidingWindow::ExternalTime { time, size_ns } => {
                Place::External(External::new(time.clone(), *size_ns))
            }
            SlidingWindow::Sort { rows, order } => Place::Sort(Sort::new(*rows, order)?),
            SlidingWindow::Unique { keys } => Place::Unique(Unique::new(keys.clone(), keys_max)),
            SlidingWindow::Expression { condition } => {
                Place::Expression(Box::new(Expression::new(condition, types)?))
            }
            SlidingWindow::FirstUnique { .. }
            | SlidingWindow::Frequent { .. }
            | SlidingWindow::LossyFrequent { .. } => {
                return Ok(None);
            }
        }))
    }

    /// Expressions to evaluate for every row.
    pub fn exprs(&self) -> &[Expr] {
        match self {
            Place::Queue(_) => &[],
            Place::External(p) => p.exprs(),
            Place::Sort(p) => p.exprs(),
            Place::Unique(p) => p.exprs(),
            Place::Expression(p) => p.exprs(),
        }
    }

    /// Columns of the input to keep with the rows, after the expressions.
    pub fn inputs(&self) -> &[usize] {
        match self {
            Place::Expression(p) => p.inputs(),
            Place::Queue(_) | Place::External(_) | Place::Sort(_) | Place::Unique(_) => &[],
        }
    }

    /// Number of marks of a row.
    pub fn marks(&self) -> usize {
        match self {
            Place::Queue(p) => p.marks(),
            Place::External(_) | Place::Unique(_) => 1,
            Place::Sort(_) => 0,
            Place::Expression(_) => 2,
        }
    }

    /// Whether marks cannot be made anew from the rows.
    pub fn marks_are_state(&self) -> bool {
        !matches!(self, Place::Unique(_))
    }

    /// Whether rows that fail WHERE must be kept, since other rows leave for them.
    pub fn keeps_filtered(&self) -> bool {
        !matches!(self, Place::Queue(_))
    }

    /// Whether rows leave in order of arrival.
    pub fn leaves_in_order(&self) -> bool {
        matches!(self, Place::Queue(_) | Place::Expression(_))
    }

    /// Whether the window needs the order of rows by itself.
    pub fn needs_order(&self) -> bool {
        matches!(self, Place::Expression(p) if p.needs_order())
    }

    /// Takes a row in and appends its marks, or refuses it.
    ///
    /// # Errors
    /// Why the row is not let in.
    pub fn admit(&mut self, arrival: Arrival<'_>, marks: &mut [Vec<i64>]) -> Result<(), Refusal> {
        match self {
            Place::Queue(p) => p.admit(arrival, marks),
            Place::External(p) => return p.admit(arrival, marks),
            Place::Sort(_) => {}
            Place::Unique(p) => return p.admit(arrival, marks),
            Place::Expression(_) => {
                marks[0].push(arrival.stamp);
                marks[1].push(arrival.time);
            }
        }
        Ok(())
    }

    /// Row `row`, just stored, enters: appends the rows that leave.
    pub fn enter(&mut self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        match self {
            Place::Queue(p) => p.enter(rows, row, leaves),
            Place::External(p) => p.enter(rows, row, leaves),
            Place::Sort(p) => p.enter(rows, row, leaves),
            Place::Unique(p) => p.enter(rows, row, leaves),
            Place::Expression(p) => p.enter(rows, row, leaves),
        }
    }

    /// The stamp has reached `stamp` and `arrived` rows have arrived: appends the rows that leave.
    pub fn settle(&mut self, rows: &mut WindowRows, stamp: i64, arrived: u64, leaves: &mut Vec<u32>) {
        if let Place::Queue(p) = self {
            p.settle(rows, stamp, arrived, leaves);
        }
    }

    /// Rows were renumbered: `kept` are the old numbers of those that stay.
    pub fn renumber(&mut self, kept: &[u32]) {
        match self {
            Place::Queue(_) | Place::Expression(_) => {}
            Place::External(p) => p.renumber(kept),
            Place::Sort(p) => p.renumber(kept),
            Place::Unique(p) => p.renumber(kept),
        }
    }

    /// Makes its own state from rows that were decoded.
    pub fn rebuild(&mut self, rows: &mut WindowRows) {
        match self {
            Place::Queue(_) => {}
            Place::External(p) => p.rebuild(rows),
            Place::Sort(p) => p.rebuild(rows),
            Place::Unique(p) => p.rebuild(rows),
            Place::Expression(p) => p.rebuild(rows),
        }
    }
}
