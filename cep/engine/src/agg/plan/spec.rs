//! What a physical state reads and what a call reads from it.

use arrow_schema::DataType;

use crate::agg::value::{OrderKey, ValKind};

/// Where rows come from decides what "first" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Event-time windows: (ts, log position).
    #[default]
    EventTime,
    /// Count and length windows: log position.
    Arrival,
}

/// How the states of a query are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AggOptions {
    /// Rows will be removed: keep what removal needs (min and max keep all values, sorted).
    pub removal: bool,
    /// Order of the rows for order-sensitive aggregates without their own ORDER BY.
    pub order: Order,
    /// States of one group are merged: what goes by arrival keeps its rows, as the order of merges
    /// must not show.
    pub merged: bool,
}

/// One physical state, shared by all calls that can read from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StateSpec {
    pub kind: StateKind,
    /// Inputs of the plan that are the arguments.
    pub args: Vec<usize>,
    /// Their types.
    pub types: Vec<DataType>,
    /// Input that is the FILTER.
    pub filter: Option<usize>,
    /// NULL is a value like others.
    pub nulls: bool,
    /// The argument is an array whose elements are the values.
    pub elements: bool,
    /// Order of rows before ts and position.
    pub order: Vec<OrderKey>,
    /// Whether ts comes before position.
    pub by_ts: bool,
    /// Rows kept of those in order.
    pub keep: Keep,
    /// Samples kept exactly.
    pub size: usize,
    /// Weight of the newest value.
    pub alpha: f64,
}

/// Rows kept of those in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    All,
    First(usize),
    Last(usize),
}

impl StateSpec {
    /// How argument `index` is held; the plan has checked that there is a way.
    pub fn val_kind(&self, index: usize) -> ValKind {
        ValKind::of(&self.types[index]).expect("argument types are checked when the plan is made")
    }

    /// Type of the values of a state with one argument.
    pub fn item_type(&self) -> &DataType {
        match &self.types[0] {
            DataType::List(field) if self.elements => field.data_type(),
            other => other,
        }
    }

    /// Whether rows can be removed.
    pub fn is_removable(&self) -> bool {
        match &self.kind {
            StateKind::Distinct(inner) => {
                StateSpec { kind: (**inner).clone(), ..self.clone() }.is_removable()
            }
            StateKind::Ordered => self.keep == Keep::All,
            StateKind::Count
            | StateKind::SumFloat
            | StateKind::SumInt
            | StateKind::SumDecimal
            | StateKind::Squares
            | StateKind::Moments
            | StateKind::Bools
            | StateKind::Bits
            | StateKind::SlidingQuantile
            | StateKind::SlidingLogLog
            | StateKind::Sorted => true,
            StateKind::WordMin
            | StateKind::WordMax
            | StateKind::ValMin
            | StateKind::ValMax
            | StateKind::First
            | StateKind::Last
            | StateKind::Quantile
            | StateKind::LogLog
            | StateKind::Kll
            | StateKind::Ewma => false,
        }
    }

    /// Whether ts and seq are read.
    pub fn needs_order(&self) -> bool {
        matches!(self.kind, StateKind::First | StateKind::Last | StateKind::Ordered)
    }

    /// Whether the order of adds and merges shows.
    pub fn is_arrival_ordered(&self) -> bool {
        matches!(self.kind, StateKind::Kll | StateKind::Ewma)
    }
}

/// Kinds of physical states.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StateKind {
    Count,
    SumFloat,
    SumInt,
    SumDecimal,
    Squares,
    Moments,
    Bools,
    Bits,
    WordMin,
    WordMax,
    ValMin,
    ValMax,
    Sorted,
    First,
    Last,
    Ordered,
    Quantile,
    SlidingQuantile,
    LogLog,
    SlidingLogLog,
    Kll,
    Ewma,
    /// Another kind over distinct rows.
    Distinct(Box<StateKind>),
}

/// The value of a call, as a function of one state or two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    Count,
    Sum,
    Avg,
    /// Of a sum state; `squares` is the other one.
    Variance {
        squares: usize,
        population: bool,
        root: bool,
    },
    Covariance {
        population: bool,
    },
    Correlation,
    BoolAnd,
    BoolOr,
    BitAnd,
    BitOr,
    BitXor,
    Min,
    Max,
    /// Number of distinct values.
    Distinct,
    Mode,
    TopK {
        k: usize,
    },
    /// All values as an array; of a sorted state in the order given, NULL first or last.
    Array {
        descending: bool,
        nulls_first: bool,
    },
    /// All values as text.
    Join {
        separator: String,
        descending: bool,
    },
    First,
    Last,
    Nth {
        n: i64,
    },
    Rate,
    Increase,
    Quantile {
        q: f64,
    },
    Ewma,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Name for messages.
    pub func: &'static str,
    pub state: usize,
    pub read: Read,
    pub data_type: DataType,
}
