//! Values out of states, a column at a time.

mod fixed;
mod list;

use arrow_schema::DataType;

use super::AggError;
use super::plan::{Output, Read};
use super::states::AggStates;
use crate::column::Column;

/// A call whose value for a group cannot be given; its row holds NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct EmitError {
    /// Position in the list of groups that were emitted.
    pub index: usize,
    /// Which call.
    pub call: usize,
    /// Why.
    pub error: AggError,
}

/// Where the values of one call go.
pub(super) struct Sink<'a> {
    pub groups: &'a [u32],
    pub out: &'a mut Column,
    pub errors: &'a mut Vec<EmitError>,
    pub call: usize,
    pub output: &'a Output,
}

/// Appends the value of `sink.output` for every group.
pub(super) fn emit(states: &mut [AggStates], mut sink: Sink) {
    if let Read::Variance { squares, population, root } = sink.output.read {
        let (AggStates::SumFloat(s), AggStates::Squares(q)) =
            (states[sink.output.state].plain(), states[squares].plain())
        else {
            unreachable!("the plan pairs a sum with squares")
        };
        return sink.f64s(|g| q.cells[g].variance(&s.cells[g], population, root));
    }
    match (&sink.output.read, states[sink.output.state].plain_mut()) {
        (Read::Count, AggStates::Count(s)) => sink.i64s(|g| Some(s.cells[g].n as i64)),
        (Read::Count, AggStates::SumFloat(s)) => sink.i64s(|g| Some(s.cells[g].n as i64)),
        (Read::Count, AggStates::SumInt(s)) => sink.i64s(|g| Some(s.cells[g].n as i64)),
        (Read::Count, AggStates::SumDecimal(s)) => sink.i64s(|g| Some(s.cells[g].n as i64)),
        (Read::Sum, AggStates::SumFloat(s)) => match sink.output.data_type {
            DataType::Float32 => sink.f32s(|g| s.cells[g].sum_f32()),
            _ => sink.f64s(|g| s.cells[g].sum()),
        },
        (Read::Avg, AggStates::SumFloat(s)) => sink.f64s(|g| s.cells[g].avg()),
        (Read::Sum, AggStates::SumInt(s)) => sink.int_sums(&s.cells),
        (Read::Avg, AggStates::SumInt(s)) => sink.f64s(|g| s.cells[g].avg()),
        (Read::Sum | Read::Avg, AggStates::SumDecimal(s)) => sink.decimals(&s.cells, &s.spec().types[0]),
        (Read::Covariance { population }, AggStates::Moments(s)) => {
            let population = *population;
            sink.f64s(|g| s.cells[g].covariance(population));
        }
        (Read::Correlation, AggStates::Moments(s)) => sink.f64s(|g| s.cells[g].correlation()),
        (Read::BoolAnd, AggStates::Bools(s)) => sink.bools(|g| s.cells[g].and()),
        (Read::BoolOr, AggStates::Bools(s)) => sink.bools(|g| s.cells[g].or()),
        (Read::BitAnd, AggStates::Bits(s)) => sink.i64s(|g| s.cells[g].and()),
        (Read::BitOr, AggStates::Bits(s)) => sink.i64s(|g| s.cells[g].or()),
        (Read::BitXor, AggStates::Bits(s)) => sink.i64s(|g| s.cells[g].xor()),
        (Read::Min, AggStates::WordMin(s)) => sink.words(|g| s.cells[g].value()),
        (Read::Max, AggStates::WordMax(s)) => sink.words(|g| s.cells[g].value()),
        (Read::Min, AggStates::ValMin(s)) => sink.vals(|g| s.cells[g].value()),
        (Read::Max, AggStates::ValMax(s)) => sink.vals(|g| s.cells[g].value()),
        (Read::Min, AggStates::Sorted(s)) => sink.vals(|g| s.cells[g].first()),
        (Read::Max, AggStates::Sorted(s)) => sink.vals(|g| s.cells[g].last()),
        (Read::Distinct, AggStates::Sorted(s)) => sink.counts(|g| s.cells[g].distinct()),
        (Read::Distinct, AggStates::LogLog(s)) => sink.counts(|g| s.cells[g].registers.estimate()),
        (Read::Distinct, AggStates::SlidingLogLog(s)) => sink.counts(|g| s.cells[g].registers.estimate()),
        (Read::Mode, AggStates::Sorted(s)) => sink.vals(|g| s.cells[g].mode()),
        (Read::TopK { k }, AggStates::Sorted(s)) => list::topk(&mut sink, &s.cells, *k),
        (Read::Array { descending, nulls_first }, AggStates::Sorted(s)) => {
            list::sorted_arrays(&mut sink, &s.cells, s.spec(), *descending, *nulls_first);
        }
        (Read::Array { .. }, AggStates::Ordered(s)) => list::arrays(&mut sink, &s.cells, s.spec()),
        (Read::Join { separator, descending }, AggStates::Sorted(s)) => {
            list::sorted_texts(&mut sink, &s.cells, separator, *descending);
        }
        (Read::Join { separator, .. }, AggStates::Ordered(s)) => {
            list::texts(&mut sink, |g| s.cells[g].values(), separator);
        }
        (Read::First, AggStates::First(s)) => sink.vals(|g| s.cells[g].value()),
        (Read::Last, AggStates::Last(s)) => sink.vals(|g| s.cells[g].value()),
        (Read::First, AggStates::Ordered(s)) => sink.vals(|g| s.cells[g].nth(1)),
        (Read::Last, AggStates::Ordered(s)) => sink.vals(|g| s.cells[g].nth(-1)),
        (Read::Nth { n }, AggStates::Ordered(s)) => {
            let n = *n;
            sink.vals(|g| s.cells[g].nth(n));
        }
        (Read::Rate, AggStates::Ordered(s)) => sink.f64s(|g| s.cells[g].rate(s.spec())),
        (Read::Increase, AggStates::Ordered(s)) => sink.f64s(|g| s.cells[g].increase(s.spec())),
        (Read::Quantile { q }, AggStates::Quantile(s)) => {
            let q = *q;
            sink.f64s(|g| s.cells[g].value(q));
        }
        (Read::Quantile { q }, AggStates::SlidingQuantile(s)) => {
            let (q, exact_max) = (*q, s.spec().size);
            sink.f64s(|g| s.cells[g].value(q, exact_max));
        }
        (Read::Quantile { q }, AggStates::Kll(s)) => {
            let q = *q;
            sink.samples(|g| s.cells[g].samples.quantile(q), s.spec());
        }
        (Read::Ewma, AggStates::Ewma(s)) => sink.f64s(|g| s.cells[g].value()),
        (Read::Ewma, AggStates::Ordered(s)) => sink.f64s(|g| s.cells[g].ewma(s.spec())),
        (read, _) => unreachable!("the plan does not read {read:?} from this state"),
    }
}
