//! Values of fixed width and single values.

use std::sync::Arc;

use arrow_array::UInt64Array;
use arrow_schema::DataType;

use super::{EmitError, Sink};
use crate::agg::AggError;
use crate::agg::cells::{DecimalCell, SumIntCell};
use crate::agg::plan::{Output, Read, StateSpec};
use crate::agg::value::{Val, ValKind, WordKind, array_of, push_array, word};
use crate::column::Values;

/// Appends to a fixed-width vector and its validity.
#[inline(always)]
fn push<T: Default>(
    out: &mut Vec<T>,
    (valid, spare): (&mut Option<Vec<bool>>, &mut Vec<bool>),
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
                let mut mask = std::mem::take(spare);
                mask.resize(out.len(), true);
                mask.push(false);
                *valid = Some(mask);
            }
        }
        out.push(value.unwrap_or_default());
    }
}

impl Sink<'_> {
    pub fn f64s(self, mut value: impl FnMut(usize) -> Option<f64>) {
        match &mut self.out.values {
            Values::F64(v) => {
                push(v.to_mut(), (&mut self.out.valid, &mut self.out.spare), self.groups, value)
            }
            Values::F32(v) => {
                push(v.to_mut(), (&mut self.out.valid, &mut self.out.spare), self.groups, |g| {
                    value(g).map(|x| x as f32)
                });
            }
            other => panic!("a double for a {} column", other.kind_name()),
        }
    }

    pub fn f32s(self, value: impl FnMut(usize) -> Option<f32>) {
        match &mut self.out.values {
            Values::F32(v) => {
                push(v.to_mut(), (&mut self.out.valid, &mut self.out.spare), self.groups, value)
            }
            other => panic!("a float for a {} column", other.kind_name()),
        }
    }

    /// Integers known to fit the column.
    pub fn i64s(self, mut value: impl FnMut(usize) -> Option<i64>) {
        match &mut self.out.values {
            Values::I64(v) => {
                push(v.to_mut(), (&mut self.out.valid, &mut self.out.spare), self.groups, value)
            }
            Values::I32(v) => {
                push(v.to_mut(), (&mut self.out.valid, &mut self.out.spare), self.groups, |g| {
                    value(g).map(|x| x as i32)
                });
            }
            other => panic!("an integer for a {} column", other.kind_name()),
        }
    }

    /// Counts of distinct values, which may be unsigned.
    pub fn counts(self, value: impl Fn(usize) -> u64) {
        if self.output.data_type == DataType::UInt64 {
            let counts: UInt64Array = self.groups.iter().map(|&g| Some(value(g as usize))).collect();
            return push_array(self.out, Arc::new(counts));
        }
        self.i64s(|g| Some(value(g) as i64));
    }

    pub fn bools(self, value: impl FnMut(usize) -> Option<bool>) {
        match &mut self.out.values {
            Values::Bool(v) => push(v, (&mut self.out.valid, &mut self.out.spare), self.groups, value),
            other => panic!("a boolean for a {} column", other.kind_name()),
        }
    }

    pub fn words(self, value: impl Fn(usize) -> Option<i64>) {
        for &group in self.groups {
            value(group as usize).map_or(Val::Null, Val::Word).push(self.out);
        }
    }

    pub fn vals<'a>(self, value: impl Fn(usize) -> &'a Val) {
        if let Values::Any(_) = self.out.values {
            let values = self.groups.iter().map(|&g| value(g as usize));
            push_array(self.out, array_of(&self.output.data_type, values));
            return;
        }
        for &group in self.groups {
            value(group as usize).push(self.out);
        }
    }

    /// Words of the argument's type, as that type or as doubles.
    pub fn samples(self, value: impl Fn(usize) -> Option<i64>, spec: &StateSpec) {
        if self.output.data_type == spec.types[0] {
            return self.words(value);
        }
        let kind = spec.val_kind(0);
        self.f64s(|g| {
            value(g).map(|w| match kind {
                ValKind::Word(WordKind::F64) => word::to_f64(w),
                ValKind::Word(WordKind::F32) => f64::from(word::to_f32(w)),
                _ => w as f64,
            })
        });
    }

    pub fn int_sums(self, cells: &[SumIntCell]) {
        let Sink { groups, out, errors, call, output } = self;
        let (low, high) = match output.data_type {
            DataType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
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
    }

    pub fn decimals(self, cells: &[DecimalCell], argument: &DataType) {
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
            Values::I128(v) => push(v.to_mut(), (&mut out.valid, &mut out.spare), groups, value),
            other => panic!("a decimal for a {} column", other.kind_name()),
        }
    }
}

fn overflow(output: &Output) -> AggError {
    AggError::Overflow { func: output.func, result: output.data_type.clone() }
}
