//! Numbers into result columns, one at a time.

use arrow_schema::DataType;

use super::Reader;
use crate::agg::AggError;
use crate::agg::cells::{SumFloatCell, SumIntCell};
use crate::agg::emit::EmitError;
use crate::agg::plan::{Output, Read};
use crate::column::Values;

/// What is read from a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Avg,
    Sum,
    Count,
}

/// A value for a column of doubles or of long integers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Null,
    Double(f64),
    Long(i64),
}

impl Number {
    #[inline(always)]
    pub fn of_floats(cell: &SumFloatCell, kind: Kind) -> Number {
        match kind {
            Kind::Count => Number::Long(cell.n as i64),
            _ if cell.n == 0 => Number::Null,
            Kind::Avg => Number::Double(cell.sum.divided_by(cell.n)),
            Kind::Sum => Number::Double(cell.sum.value()),
        }
    }

    /// `None` if the sum is out of range.
    #[inline(always)]
    pub fn of_integers(cell: &SumIntCell, kind: Kind) -> Option<Number> {
        Some(match kind {
            Kind::Count => Number::Long(cell.n as i64),
            Kind::Avg => cell.avg().map_or(Number::Null, Number::Double),
            Kind::Sum if cell.n == 0 => Number::Null,
            Kind::Sum => Number::Long(i64::try_from(cell.sum).ok()?),
        })
    }
}

/// Where one call's numbers go.
pub(super) struct Target<'a> {
    pub kind: Kind,
    values: Buffer<'a>,
    valid: &'a mut Option<Vec<bool>>,
    call: usize,
    output: &'a Output,
}

enum Buffer<'a> {
    Doubles(&'a mut Vec<f64>),
    Longs(&'a mut Vec<i64>),
}

impl<'a> Target<'a> {
    /// Targets for `readers`, with room for `steps` more rows; `None` if one is of another kind.
    pub fn all(readers: &'a mut [Reader<'_>], steps: usize) -> Option<Vec<Target<'a>>> {
        let plain = |r: &Reader| {
            let kind = matches!(r.output.read, Read::Avg | Read::Sum | Read::Count);
            kind && matches!(r.output.data_type, DataType::Float64 | DataType::Int64)
        };
        if !readers.iter().all(plain) {
            return None;
        }
        Some(readers.iter_mut().map(|reader| Target::new(reader, steps)).collect())
    }

    fn new(reader: &'a mut Reader<'_>, steps: usize) -> Target<'a> {
        let kind = match reader.output.read {
            Read::Avg => Kind::Avg,
            Read::Sum => Kind::Sum,
            _ => Kind::Count,
        };
        let values = match &mut reader.column.values {
            Values::F64(v) => Buffer::Doubles(v.to_mut()),
            Values::I64(v) => Buffer::Longs(v.to_mut()),
            other => panic!("a sum for a {} column", other.kind_name()),
        };
        let mut target = Target {
            kind,
            values,
            valid: &mut reader.column.valid,
            call: reader.call,
            output: reader.output,
        };
        match &mut target.values {
            Buffer::Doubles(v) => v.reserve(steps),
            Buffer::Longs(v) => v.reserve(steps),
        }
        target
    }

    /// Appends a number.
    ///
    /// # Panics
    /// If the column is of the other kind.
    #[inline(always)]
    pub fn push(&mut self, number: Number) {
        let before = match (&mut self.values, number) {
            (Buffer::Doubles(v), Number::Double(x)) => append(v, x),
            (Buffer::Doubles(v), Number::Null) => append(v, 0.0),
            (Buffer::Longs(v), Number::Long(x)) => append(v, x),
            (Buffer::Longs(v), Number::Null) => append(v, 0),
            (_, number) => panic!("{number:?} for a column of the other kind"),
        };
        let present = !matches!(number, Number::Null);
        match &mut self.valid {
            Some(valid) => valid.push(present),
            None if present => {}
            None => {
                let mut mask = vec![true; before];
                mask.push(false);
                *self.valid = Some(mask);
            }
        }
    }

    /// The error of a sum that is out of range.
    pub fn overflow(&self, step: usize) -> EmitError {
        let Output { func, data_type, .. } = self.output;
        let error = AggError::Overflow { func, result: data_type.clone() };
        EmitError { index: step, call: self.call, error }
    }
}

#[inline(always)]
fn append<T>(values: &mut Vec<T>, value: T) -> usize {
    values.push(value);
    values.len() - 1
}
