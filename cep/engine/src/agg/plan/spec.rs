//! What a physical state reads and what a call reads from it.

use arrow_schema::DataType;

use crate::agg::value::ValKind;

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
    /// Not cleared with the window.
    pub forever: bool,
}

impl StateSpec {
    /// How argument `index` is held; the plan has checked that there is a way.
    pub fn val_kind(&self, index: usize) -> ValKind {
        ValKind::of(&self.types[index]).expect("argument types are checked when the plan is made")
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
