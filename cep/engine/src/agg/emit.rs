//! Values out of states, a column at a time.

use arrow_schema::DataType;

use super::AggError;
use super::cells::{DecimalCell, SumIntCell};
use super::plan::{Output, Read};
use super::states::AggStates;
use super::value::{Val, array_of, push_array};
use crate::column::{Column, Values};

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
pub(super) fn emit(states: &[AggStates], sink: Sink) {
    let state = &states[sink.output.state];
    match (&sink.output.read, state) {
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
        (Read::Variance { squares, population, root }, AggStates::SumFloat(s)) => {
            let AggStates::Squares(q) = &states[*squares] else {
                unreachable!("the plan pairs a variance with squares")
            };
            sink.f64s(|g| q.cells[g].variance(&s.cells[g], *population, *root));
        }
        (Read::Covariance { population }, AggStates::Moments(s)) => {
            sink.f64s(|g| s.cells[g].covariance(*population));
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
        (read, _) => unreachable!("the plan does not read {read:?} from this state"),
    }
}

/// Appends to a fixed-width vector and its validity.
#[inline(always)]
fn push<T: Default>(
    out: &mut Vec<T>,
    valid: &mut Option<Vec<bool>>,
    groups: &[u32],
    mut value: impl FnMut(usize) -> Option<T>,
) {
    out.reserve(groups.len());
    for &group in groups {
        let value = value(group as usize);
        match (&mut *valid, value.is_some()) {
            (Some(valid), present) => valid.push(present),
            (None, true) => {}
            (None, false) => {
                let mut mask = vec![true; out.len()];
                mask.push(false);
                *valid = Some(mask);
            }
        }
        out.push(value.unwrap_or_default());
    }
}

impl Sink<'_> {
    fn f64s(self, value: impl FnMut(usize) -> Option<f64>) {
        match &mut self.out.values {
            Values::F64(v) => push(v.to_mut(), &mut self.out.valid, self.groups, value),
            other => panic!("a double for a {} column", other.kind_name()),
        }
    }

    fn f32s(self, value: impl FnMut(usize) -> Option<f32>) {
        match &mut self.out.values {
            Values::F32(v) => push(v.to_mut(), &mut self.out.valid, self.groups, value),
            other => panic!("a float for a {} column", other.kind_name()),
        }
    }

    /// Integers known to fit the column.
    fn i64s(self, mut value: impl FnMut(usize) -> Option<i64>) {
        match &mut self.out.values {
            Values::I64(v) => push(v.to_mut(), &mut self.out.valid, self.groups, value),
            Values::I32(v) => {
                push(v.to_mut(), &mut self.out.valid, self.groups, |g| value(g).map(|x| x as i32));
            }
            other => panic!("an integer for a {} column", other.kind_name()),
        }
    }

    fn bools(self, value: impl FnMut(usize) -> Option<bool>) {
        match &mut self.out.values {
            Values::Bool(v) => push(v, &mut self.out.valid, self.groups, value),
            other => panic!("a boolean for a {} column", other.kind_name()),
        }
    }

    fn words(self, value: impl Fn(usize) -> Option<i64>) {
        for &group in self.groups {
            value(group as usize).map_or(Val::Null, Val::Word).push(self.out);
        }
    }

    fn vals<'a>(self, value: impl Fn(usize) -> &'a Val) {
        if let Values::Any(_) = self.out.values {
            let values = self.groups.iter().map(|&g| value(g as usize));
            push_array(self.out, array_of(&self.output.data_type, values));
            return;
        }
        for &group in self.groups {
            value(group as usize).push(self.out);
        }
    }

    fn int_sums(self, cells: &[SumIntCell]) {
        let Sink { groups, out, errors, call, output } = self;
        let (low, high) = match output.data_type {
            DataType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        let first = out.len();
        let mut index = 0;
        let value = |g: usize| {
            let cell = &cells[g];
            let fits = (low..=high).contains(&cell.sum);
            if !fits {
                errors.push(EmitError { index, call, error: overflow(output) });
            }
            index += 1;
            (fits && cell.n != 0).then_some(cell.sum as i64)
        };
        Sink { groups, out, errors: &mut Vec::new(), call, output }.i64s(value);
        debug_assert_eq!(out.len(), first + groups.len());
    }

    fn decimals(self, cells: &[DecimalCell], argument: &DataType) {
        let Sink { groups, out, errors, call, output } = self;
        let (DataType::Decimal128(precision, scale), DataType::Decimal128(_, scale_in)) =
            (&output.data_type, argument)
        else {
            unreachable!("the plan reads decimal sums as decimals")
        };
        let mut index = 0;
        let value = |g: usize| {
            let cell = &cells[g];
            let at = index;
            index += 1;
            if cell.n == 0 {
                return None;
            }
            let value = match output.read {
                Read::Avg => cell.avg((scale - scale_in) as u32, *precision),
                _ => cell.sum(*precision),
            };
            if value.is_none() {
                errors.push(EmitError { index: at, call, error: overflow(output) });
            }
            value
        };
        match &mut out.values {
            Values::I128(v) => push(v.to_mut(), &mut out.valid, groups, value),
            other => panic!("a decimal for a {} column", other.kind_name()),
        }
    }
}

fn overflow(output: &Output) -> AggError {
    AggError::Overflow { func: output.func, result: output.data_type.clone() }
}
