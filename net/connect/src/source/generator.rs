//! Rows of a seeded pseudo-random generator.
//!
//! Every value is a function of the seed, the column and the row alone, so that the rows are the
//! same however they are taken.

use std::fmt::Write;

use arrow_schema::SchemaRef;
use cep_types::options::{GeneratorColumn, GeneratorKind, GeneratorOptions};
use cep_types::sql_type::field_type_name;

use super::{Position, Progress, Rows, Source, SourceChunk, Span};
use crate::ConnectError;
use crate::column::{Column, Values};

/// Makes the rows its options describe.
pub(super) struct Generator {
    options: GeneratorOptions,
    rows: Rows,
    made: u64,
    rejects: u64,
}

impl Generator {
    pub(super) fn new(options: GeneratorOptions, rows: Rows) -> Generator {
        Generator { options, rows, made: 0, rejects: 0 }
    }

    fn push_row(&mut self, row: u64) -> Result<(), ConnectError> {
        let stream_index = &self.rows.stream_index;
        for (column, &index) in self.rows.columns.iter_mut().zip(stream_index) {
            let rule = &self.options.columns[index];
            let draws = Draws::new(self.options.seed, index as u64, row);
            push_value(column, rule, row, draws)?;
        }
        Ok(())
    }
}

impl Source for Generator {
    fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    fn next(&mut self, rows_max: usize, _now_ns: i64) -> Result<SourceChunk, ConnectError> {
        let start = self.made;
        let rows_total = self.options.rows.unwrap_or(u64::MAX);
        self.rows.begin(rows_max);
        while self.made < rows_total && !self.rows.is_full() {
            let row = self.made;
            self.push_row(row)?;
            let position = Position { byte: row, line: row + 1 };
            if let Err((column, reason)) = self.rows.commit(position, &[]) {
                self.rejects += 1;
                self.rows.reject(position, column, reason, &[]);
            }
            self.made += 1;
        }
        let span =
            Span { byte_start: start, byte_end: self.made, line_start: start + 1, line_end: self.made + 1 };
        self.rows.finish(span, self.made >= rows_total)
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.made,
            total: self.options.rows,
            rows: self.made - self.rejects,
            rejects: self.rejects,
        }
    }

    fn is_bounded(&self) -> bool {
        self.options.rows.is_some()
    }
}

/// A number of a row, before it takes its column's type.
enum Number {
    Int(i128),
    Float(f64),
}

fn push_value(
    column: &mut Column,
    rule: &GeneratorColumn,
    row: u64,
    draws: Draws,
) -> Result<(), ConnectError> {
    if rule.null_rate > 0.0 && draws.unit(0) < rule.null_rate {
        return column.push_null().map_err(|_| misfit(column, "NULL", row));
    }
    let whole = matches!(column.values, Values::Int(_) | Values::BigInt(_) | Values::Text { .. });
    let number = match &rule.kind {
        GeneratorKind::Choice(texts) => {
            let text = &texts[draws.below(1, texts.len() as u128) as usize];
            return column.push_text(text.as_bytes()).map_err(|_| misfit(column, text, row));
        }
        GeneratorKind::SequenceInt { start, step } => {
            Number::Int(i128::from(*start) + i128::from(*step) * i128::from(row))
        }
        GeneratorKind::SequenceFloat { start, step } => Number::Float(start + step * row as f64),
        GeneratorKind::UniformInt { min, max } => {
            let span = (i128::from(*max) - i128::from(*min)) as u128 + 1;
            Number::Int(i128::from(*min) + draws.below(1, span) as i128)
        }
        GeneratorKind::UniformFloat { min, max } => Number::Float(between(*min, *max, draws.unit(1))),
        GeneratorKind::Normal { mean, stddev } => {
            let value = mean + stddev * draws.normal();
            if whole { Number::Int(value.round() as i128) } else { Number::Float(value) }
        }
    };
    push_number(column, &rule.prefix, number, row)
}

/// The value at `share` of the way from `min` to `max`, whose distance may be beyond DOUBLE.
fn between(min: f64, max: f64, share: f64) -> f64 {
    let distance = max - min;
    if distance.is_finite() { min + distance * share } else { min * (1.0 - share) + max * share }
}

fn push_number(column: &mut Column, prefix: &str, number: Number, row: u64) -> Result<(), ConnectError> {
    let fits = match (&mut column.values, &number) {
        (Values::Int(values), Number::Int(value)) => {
            i32::try_from(*value).map(|value| values.push(value)).is_ok()
        }
        (Values::Date(values), Number::Int(value)) => {
            i32::try_from(*value).map(|value| values.push(value)).is_ok()
        }
        (Values::BigInt(values) | Values::Timestamp { values, .. }, Number::Int(value)) => {
            i64::try_from(*value).map(|value| values.push(value)).is_ok()
        }
        (Values::Double(values), Number::Float(value)) => {
            values.push(*value);
            true
        }
        (Values::Float(values), Number::Float(value)) => {
            values.push(*value as f32);
            true
        }
        (Values::Text { .. }, Number::Int(value)) => {
            let text = format!("{prefix}{value}");
            return column.push_text(text.as_bytes()).map_err(|_| misfit(column, &text, row));
        }
        _ => false,
    };
    if fits {
        column.set_valid();
        return Ok(());
    }
    let mut shown = String::new();
    // Writing to a string cannot fail.
    let _ = match number {
        Number::Int(value) => write!(shown, "{value}"),
        Number::Float(value) => write!(shown, "{value}"),
    };
    Err(misfit(column, &shown, row))
}

#[cold]
fn misfit(column: &Column, value: &str, row: u64) -> ConnectError {
    ConnectError::GeneratedRange {
        column: column.field.name().clone(),
        value: value.to_owned(),
        row,
        expected: field_type_name(&column.field),
    }
}

/// The random numbers of one value: SplitMix64 (Steele, Lea, Flood 2014) at places of its sequence
/// that no other value of the column uses.
#[derive(Clone, Copy)]
struct Draws {
    base: u64,
}

/// SplitMix64's increment, 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const DRAWS_PER_VALUE: u64 = 4;

impl Draws {
    fn new(seed: u64, column: u64, row: u64) -> Draws {
        let stream = mix(seed.wrapping_add(mix(column.wrapping_add(1))));
        let place = row.wrapping_mul(DRAWS_PER_VALUE);
        Draws { base: stream.wrapping_add(place.wrapping_mul(GOLDEN)) }
    }

    fn bits(self, draw: u64) -> u64 {
        mix(self.base.wrapping_add((draw + 1).wrapping_mul(GOLDEN)))
    }

    /// At least 0, below 1, in steps of 2^-53.
    fn unit(self, draw: u64) -> f64 {
        (self.bits(draw) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Below `bound`, each value as likely to within `bound` × 2^-64.
    fn below(self, draw: u64, bound: u128) -> u128 {
        debug_assert!(bound <= 1 << 64);
        if bound == 1 << 64 {
            return u128::from(self.bits(draw));
        }
        (u128::from(self.bits(draw)) * bound) >> 64
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(self) -> f64 {
        // 1 − u is above 0, so the logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit(1)));
        radius * libm::cos(std::f64::consts::TAU * self.unit(2))
    }
}

/// SplitMix64's output function.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_splitmix64() {
        // The first outputs of SplitMix64 seeded with 1234567, as published with the algorithm.
        let draws = Draws { base: 1_234_567 };
        let first: Vec<u64> = (0..3).map(|draw| draws.bits(draw)).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn normal_draws_have_the_moments_of_the_normal_distribution() {
        let count = 20_000;
        let values: Vec<f64> = (0..count).map(|row| Draws::new(1, 0, row).normal()).collect();
        let mean = values.iter().sum::<f64>() / count as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64;
        let inside = values.iter().filter(|v| v.abs() < 1.96).count() as f64 / count as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.04, "{variance}");
        assert!((inside - 0.95).abs() < 0.006, "{inside}");
    }

    #[test]
    fn bounded_draws_reach_both_ends_and_nothing_else() {
        let mut seen = [0_u32; 5];
        for row in 0..5_000 {
            seen[Draws::new(7, 3, row).below(1, 5) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (850..1150).contains(&count)), "{seen:?}");
        let full = Draws::new(7, 3, 0);
        assert_eq!(full.below(1, 1 << 64), u128::from(full.bits(1)));
    }
}
