//! Which columns partial matches keep, and what conditions and measures read of them.

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, ElementId, End, Expr, ExprKind, Position, Slot};

use super::automaton::Leaf;
use super::captures::Track;
use crate::agg::{AggOptions, AggPlan, Order};
use crate::expr::Compiled;

/// What is kept of rows.
#[derive(Debug)]
pub struct Layout {
    /// Columns of the input.
    pub types: Vec<DataType>,
    /// Expressions computed for each row: columns behind those of the input.
    pub derived: Vec<Compiled>,
    derived_exprs: Vec<Expr>,
    /// Captured columns: column, and rows from the captured one.
    pub captured: Vec<(usize, i64)>,
    /// First and last rows that chains remember.
    pub tracks: Vec<Track>,
    /// Aggregates that conditions read.
    pub aggregates: Vec<Aggregate>,
    /// Rows before the current one that are read.
    pub before: usize,
    /// Rows behind the current one that are read.
    pub behind: usize,
    /// Whether something asks for the number of the match.
    pub numbers_matches: bool,
    /// Occurrences that may be taken.
    leaves: Vec<Leaf>,
}

/// An aggregate over rows of a match.
#[derive(Debug)]
pub struct Aggregate {
    /// Its states.
    pub plan: std::sync::Arc<AggPlan>,
    /// Captured column of each of its inputs.
    pub inputs: Vec<usize>,
    /// By occurrence: whether it counts.
    pub counts: Vec<bool>,
}

/// What a condition reads.
#[derive(Debug, Clone)]
pub enum Read {
    /// Column of a row that stands so far from the tested one.
    Row { column: usize, offset: i64 },
    /// Captured column of the n-th first row of a track; the tested row if it would be that one.
    First { track: usize, n: usize, column: usize, or_row: Option<(usize, i64)> },
    /// Captured column of the n-th last row of a track.
    Last { track: usize, n: usize, column: usize },
    /// An aggregate.
    Aggregate(usize),
    /// Name of the tested element.
    OwnName,
    /// Name of the element of the n-th first row; the tested one's if it would be that one.
    FirstName { track: usize, n: usize, or_own: bool },
    /// Name of the element of the n-th last row.
    LastName { track: usize, n: usize },
    /// Number of the match.
    MatchNumber,
    /// FALSE: a condition is never timed out.
    False,
    /// Event time of the first row of the match.
    FirstTime { track: usize },
    /// Event time of the tested row.
    RowTime,
}

impl Layout {
    /// Rows of columns `types`, taken as `leaves`.
    pub fn new(types: Vec<DataType>, leaves: &[Leaf]) -> Self {
        Layout {
            types,
            derived: Vec::new(),
            derived_exprs: Vec::new(),
            captured: Vec::new(),
            tracks: Vec::new(),
            aggregates: Vec::new(),
            before: 0,
            behind: 0,
            numbers_matches: false,
            leaves: leaves.to_vec(),
        }
    }

    /// Place of a captured column.
    pub fn capture(&mut self, column: usize, offset: i64) -> usize {
        self.reach(offset);
        if let Some(found) = self.captured.iter().position(|c| *c == (column, offset)) {
            return found;
        }
        self.captured.push((column, offset));
        self.captured.len() - 1
    }

    fn reach(&mut self, offset: i64) {
        let rows = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        if offset < 0 {
            self.before = self.before.max(rows);
        } else {
            self.behind = self.behind.max(rows);
        }
    }

    /// By occurrence: whether it is of one of these elements; none: of any.
    pub fn counts(&self, of: &[ElementId]) -> Vec<bool> {
        self.leaves.iter().map(|leaf| of.is_empty() || of.contains(&leaf.element)).collect()
    }

    fn track(&mut self, of: &[ElementId], first: usize, last: usize) -> usize {
        let counts = self.counts(of);
        let at = self.tracks.iter().position(|t| t.counts == counts).unwrap_or_else(|| {
            self.tracks.push(Track { counts, first: 0, last: 0 });
            self.tracks.len() - 1
        });
        let track = &mut self.tracks[at];
        track.first = track.first.max(first);
        track.last = track.last.max(last);
        at
    }

    /// An aggregate with its inputs captured.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn aggregate(&mut self, of: &[ElementId], call: &AggCall) -> Result<Aggregate, String> {
        let options = AggOptions { removal: false, order: Order::Arrival, merged: true };
        let plan = AggPlan::new(std::slice::from_ref(call), options).map_err(|e| e.to_string())?;
        let mut inputs = Vec::new();
        for expr in plan.inputs() {
            let column = self.derive(expr)?;
            inputs.push(self.capture(column, 0));
        }
        Ok(Aggregate { plan: std::sync::Arc::new(plan), inputs, counts: self.counts(of) })
    }

    /// The column that holds an expression over the input.
    fn derive(&mut self, expr: &Expr) -> Result<usize, String> {
        if let ExprKind::Column(column) = expr.kind {
            return Ok(column);
        }
        self.derived.push(Compiled::new(expr).map_err(|e| e.to_string())?);
        self.derived_exprs.push(expr.clone());
        Ok(self.types.len() + self.derived.len() - 1)
    }

    /// Type of a column, those computed included.
    pub fn type_of(&self, column: usize) -> &DataType {
        self.types.get(column).unwrap_or_else(|| &self.derived_exprs[column - self.types.len()].data_type)
    }

    /// Whether a slot needs the tested row alone.
    pub fn is_of_row(slot: &Slot, element: ElementId) -> Option<usize> {
        match slot {
            Slot::Input(column) => Some(*column),
            Slot::Row { at, column } if at.offset == 0 && is_current(at, element) => Some(*column),
            _ => None,
        }
    }

    /// What slot `slot` of the condition of `element` reads.
    ///
    /// # Errors
    /// The reason why it cannot be read, for the user.
    pub fn read(&mut self, slot: &Slot, element: ElementId) -> Result<Read, String> {
        Ok(match slot {
            Slot::Input(column) => Read::Row { column: *column, offset: 0 },
            Slot::Row { at, column } if is_current(at, element) => {
                self.reach(at.offset);
                Read::Row { column: *column, offset: at.offset }
            }
            Slot::Row { at, column } => {
                let n = place(at)?;
                let own = at.of.is_empty() || at.of.contains(&element);
                let captured = self.capture(*column, at.offset);
                match at.from {
                    End::First => {
                        let track = self.track(&at.of, n + 1, 0);
                        Read::First {
                            track,
                            n,
                            column: captured,
                            or_row: own.then_some((*column, at.offset)),
                        }
                    }
                    End::Last | End::Current => {
                        let n = n - usize::from(own);
                        Read::Last { track: self.track(&at.of, 0, n + 1), n, column: captured }
                    }
                }
            }
            Slot::Aggregate { of, call, scope: _ } => {
                let aggregate = self.aggregate(of, call)?;
                self.aggregates.push(aggregate);
                Read::Aggregate(self.aggregates.len() - 1)
            }
            Slot::Classifier(at) => {
                if at.offset != 0 {
                    return Err(NO_NEIGHBOURS_NAME.into());
                }
                if is_current(at, element) {
                    return Ok(Read::OwnName);
                }
                let (n, own) = (place(at)?, at.of.is_empty() || at.of.contains(&element));
                match at.from {
                    End::First => Read::FirstName { track: self.track(&at.of, n + 1, 0), n, or_own: own },
                    End::Last | End::Current => {
                        let n = n - usize::from(own);
                        Read::LastName { track: self.track(&at.of, 0, n + 1), n }
                    }
                }
            }
            Slot::MatchNumber => {
                self.numbers_matches = true;
                Read::MatchNumber
            }
            Slot::TimedOut => Read::False,
            Slot::FirstTime => Read::FirstTime { track: self.track(&[], 1, 0) },
            Slot::LastTime => Read::RowTime,
        })
    }
}

pub(super) const NO_NEIGHBOURS_NAME: &str =
    "CLASSIFIER of a row that PREV or NEXT names has no value; ask for FIRST or LAST of an element";

/// Largest number of rows that a condition may count from an end.
const PLACE_MAX: u64 = 1_000;

fn place(at: &Position) -> Result<usize, String> {
    if at.skip > PLACE_MAX {
        return Err(format!("a condition counts {} rows from an end; {PLACE_MAX} are the most", at.skip));
    }
    Ok(at.skip as usize)
}

/// Whether the row is the tested one: the last of its element.
fn is_current(at: &Position, element: ElementId) -> bool {
    match at.from {
        End::Current => true,
        End::Last => at.skip == 0 && (at.of.is_empty() || at.of.contains(&element)),
        End::First => false,
    }
}
