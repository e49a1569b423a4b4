//! The physical states of a query.

use std::sync::Arc;

use super::AggError;
use super::cells::{
    BitsCell, BoolCell, Cells, CountCell, DecimalCell, DistinctStates, EdgeCell, EwmaCell, KllCell,
    LogLogCell, MomentsCell, OrderedCell, ProductsCell, QuantileCell, SlidingLogLogCell, SlidingQuantileCell,
    SortedCell, SumFloatCell, SumIntCell, ValExtreme, WordExtreme,
};
use super::codec::Reader;
use super::input::AggInput;
use super::plan::{StateKind, StateSpec};

/// The states of all groups for one [`StateSpec`].
#[derive(Debug, Clone)]
pub(super) enum AggStates {
    Count(Cells<CountCell>),
    SumFloat(Cells<SumFloatCell>),
    SumInt(Cells<SumIntCell>),
    SumDecimal(Cells<DecimalCell>),
    Squares(Cells<ProductsCell>),
    Moments(Cells<MomentsCell>),
    Bools(Cells<BoolCell>),
    Bits(Cells<BitsCell>),
    WordMin(Cells<WordExtreme<false>>),
    WordMax(Cells<WordExtreme<true>>),
    ValMin(Cells<ValExtreme<false>>),
    ValMax(Cells<ValExtreme<true>>),
    Sorted(Cells<SortedCell>),
    First(Cells<EdgeCell<false>>),
    Last(Cells<EdgeCell<true>>),
    Ordered(Cells<OrderedCell>),
    Quantile(Cells<QuantileCell>),
    SlidingQuantile(Cells<SlidingQuantileCell>),
    LogLog(Cells<LogLogCell>),
    SlidingLogLog(Cells<SlidingLogLogCell>),
    Kll(Cells<KllCell>),
    Ewma(Cells<EwmaCell>),
    Distinct(DistinctStates),
}

/// Runs `$body` with `$cells` bound to the cells of whatever kind.
macro_rules! each_kind {
    ($states:expr, $cells:ident => $body:expr) => {
        match $states {
            AggStates::Count($cells) => $body,
            AggStates::SumFloat($cells) => $body,
            AggStates::SumInt($cells) => $body,
            AggStates::SumDecimal($cells) => $body,
            AggStates::Squares($cells) => $body,
            AggStates::Moments($cells) => $body,
            AggStates::Bools($cells) => $body,
            AggStates::Bits($cells) => $body,
            AggStates::WordMin($cells) => $body,
            AggStates::WordMax($cells) => $body,
            AggStates::ValMin($cells) => $body,
            AggStates::ValMax($cells) => $body,
            AggStates::Sorted($cells) => $body,
            AggStates::First($cells) => $body,
            AggStates::Last($cells) => $body,
            AggStates::Ordered($cells) => $body,
            AggStates::Quantile($cells) => $body,
            AggStates::SlidingQuantile($cells) => $body,
            AggStates::LogLog($cells) => $body,
            AggStates::SlidingLogLog($cells) => $body,
            AggStates::Kll($cells) => $body,
            AggStates::Ewma($cells) => $body,
            AggStates::Distinct($cells) => $body,
        }
    };
}

/// The same for two states of one kind.
macro_rules! both_of_kind {
    ($left:expr, $right:expr, $a:ident, $b:ident => $body:expr, [$($kind:ident),*]) => {
        match ($left, $right) {
            $((AggStates::$kind($a), AggStates::$kind($b)) => $body,)*
            _ => panic!("states of two different plans"),
        }
    };
}

impl AggStates {
    pub fn new(spec: &Arc<StateSpec>) -> Self {
        let shared = Arc::clone(spec);
        match &spec.kind {
            StateKind::Count => AggStates::Count(Cells::new(shared)),
            StateKind::SumFloat => AggStates::SumFloat(Cells::new(shared)),
            StateKind::SumInt => AggStates::SumInt(Cells::new(shared)),
            StateKind::SumDecimal => AggStates::SumDecimal(Cells::new(shared)),
            StateKind::Squares => AggStates::Squares(Cells::new(shared)),
            StateKind::Moments => AggStates::Moments(Cells::new(shared)),
            StateKind::Bools => AggStates::Bools(Cells::new(shared)),
            StateKind::Bits => AggStates::Bits(Cells::new(shared)),
            StateKind::WordMin => AggStates::WordMin(Cells::new(shared)),
            StateKind::WordMax => AggStates::WordMax(Cells::new(shared)),
            StateKind::ValMin => AggStates::ValMin(Cells::new(shared)),
            StateKind::ValMax => AggStates::ValMax(Cells::new(shared)),
            StateKind::Sorted => AggStates::Sorted(Cells::new(shared)),
            StateKind::First => AggStates::First(Cells::new(shared)),
            StateKind::Last => AggStates::Last(Cells::new(shared)),
            StateKind::Ordered => AggStates::Ordered(Cells::new(shared)),
            StateKind::Quantile => AggStates::Quantile(Cells::new(shared)),
            StateKind::SlidingQuantile => AggStates::SlidingQuantile(Cells::new(shared)),
            StateKind::LogLog => AggStates::LogLog(Cells::new(shared)),
            StateKind::SlidingLogLog => AggStates::SlidingLogLog(Cells::new(shared)),
            StateKind::Kll => AggStates::Kll(Cells::new(shared)),
            StateKind::Ewma => AggStates::Ewma(Cells::new(shared)),
            StateKind::Distinct(inner) => {
                let inner = StateSpec { kind: (**inner).clone(), filter: None, ..(**spec).clone() };
                AggStates::Distinct(DistinctStates::new(shared, inner))
            }
        }
    }

    /// What calls read: the state itself, or the one behind DISTINCT.
    pub fn plain(&self) -> &AggStates {
        match self {
            AggStates::Distinct(d) => d.inner(),
            other => other,
        }
    }

    /// The same, for reads that sort.
    pub fn plain_mut(&mut self) -> &mut AggStates {
        match self {
            AggStates::Distinct(d) => d.inner_mut(),
            other => other,
        }
    }

    pub fn spec(&self) -> &StateSpec {
        each_kind!(self, cells => cells.spec())
    }

    pub fn resize(&mut self, groups: usize) {
        each_kind!(self, cells => cells.resize(groups));
    }

    pub fn update(&mut self, groups: &[u32], input: &AggInput) {
        each_kind!(self, cells => cells.update(groups, input));
    }

    pub fn remove(&mut self, groups: &[u32], input: &AggInput) {
        each_kind!(self, cells => cells.remove(groups, input));
    }

    pub fn merge(&mut self, into: usize, from: &AggStates, from_group: usize) {
        both_of_kind!(self, from, a, b => a.merge(into, b, from_group), [
            Count, SumFloat, SumInt, SumDecimal, Squares, Moments, Bools, Bits, WordMin, WordMax, ValMin,
            ValMax, Sorted, First, Last, Ordered, Quantile, SlidingQuantile, LogLog, SlidingLogLog, Kll, Ewma,
            Distinct
        ]);
    }

    pub fn reset(&mut self, group: usize) {
        each_kind!(self, cells => cells.reset(group));
    }

    pub fn clear(&mut self) {
        each_kind!(self, cells => cells.clear());
    }

    pub fn encode(&self, group: usize, out: &mut Vec<u8>) {
        each_kind!(self, cells => cells.encode(group, out));
    }

    pub fn decode(&mut self, group: usize, input: &mut Reader) -> Result<(), AggError> {
        each_kind!(self, cells => cells.decode(group, input))
    }

    pub fn bytes(&self) -> usize {
        each_kind!(self, cells => cells.bytes())
    }
}
