//! Settings of the seeded generator.

use arrow_schema::{DataType, FieldRef};

use super::format::column_index;
use super::pairs::Pairs;
use super::{OptionError, Rate, closest, parse_duration};
use crate::sql_type::{field_type_name, is_json_field};

/// How many rows, how fast, and what is in them.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorOptions {
    /// Rows to make; `None`: without end.
    pub rows: Option<u64>,
    /// Pace; `None`: as fast as rows are taken.
    pub rate: Option<Rate>,
    /// The same seed makes the same rows.
    pub seed: u64,
    /// One for each column of the stream, in order.
    pub columns: Vec<GeneratorColumn>,
}

/// How the values of one column are made.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorColumn {
    /// Rule of the values.
    pub kind: GeneratorKind,
    /// STRING columns made from numbers: text before the number.
    pub prefix: String,
    /// Share of NULLs, 0 to 1.
    pub null_rate: f64,
}

/// Rule of the values of one column. Whole numbers stand for nanoseconds since 1970 in TIMESTAMP
/// columns and for days since 1970 in DATE columns.
#[derive(Debug, Clone, PartialEq)]
pub enum GeneratorKind {
    /// `start + row × step`, wrapping never: a value out of range is an error of the source.
    SequenceInt {
        /// First value.
        start: i64,
        /// Distance of two values.
        step: i64,
    },
    /// `start + row × step`.
    SequenceFloat {
        /// First value.
        start: f64,
        /// Distance of two values.
        step: f64,
    },
    /// Whole numbers, each as likely.
    UniformInt {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Numbers from `min` up to but not including `max`.
    UniformFloat {
        /// Least value.
        min: f64,
        /// Bound above.
        max: f64,
    },
    /// Normal distribution, rounded for whole-number columns.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        stddev: f64,
    },
    /// One of these texts, each as likely and each valid for the column's type.
    Choice(Vec<String>),
}

const ATTRIBUTES: &[&str] =
    &["kind", "start", "step", "min", "max", "mean", "stddev", "values", "prefix", "null-rate"];

const NS_2024: i64 = 1_704_067_200_000_000_000;
const DAYS_2024: i64 = 19_723;
const DAY_NS: i64 = 86_400_000_000_000;

impl GeneratorOptions {
    pub(super) fn take(pairs: &mut Pairs, columns: &[FieldRef]) -> Result<Self, OptionError> {
        let rows = match pairs.has("generator.rows") {
            true => Some(pairs.integer("generator.rows", 0, 0..=u64::MAX)?),
            false => None,
        };
        let rate = match pairs.text("generator.rate") {
            Some(text) => Some(Rate::parse("generator.rate", &text)?),
            None => None,
        };
        let seed = pairs.integer("generator.seed", 0, 0..=u64::MAX)?;
        let mut given: Vec<Vec<(&'static str, String)>> = vec![Vec::new(); columns.len()];
        for (rest, value) in pairs.with_prefix("generator.") {
            let key = format!("generator.{rest}");
            let (name, written) = rest.rsplit_once('.').unwrap_or(("", rest.as_str()));
            let attribute = ATTRIBUTES.iter().copied().find(|known| *known == written).ok_or_else(|| {
                OptionError::new(&key, "is not an option of a stream")
                    .did_you_mean(closest(written, ATTRIBUTES.iter().copied()))
            })?;
            let index = column_index(columns, &key, name)?;
            if given[index].iter().any(|(other, _)| *other == attribute) {
                return Err(OptionError::new(key, "is given twice"));
            }
            given[index].push((attribute, value.text()));
        }
        let columns = columns
            .iter()
            .zip(given)
            .map(|(field, given)| Attributes { field, given, rate }.column())
            .collect::<Result<_, _>>()?;
        Ok(GeneratorOptions { rows, rate, seed, columns })
    }
}

/// What numbers a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Int,
    Float,
    Time,
    Date,
    None,
}

/// The given attributes of one column while they are being read.
struct Attributes<'a> {
    field: &'a FieldRef,
    given: Vec<(&'static str, String)>,
    rate: Option<Rate>,
}

impl Attributes<'_> {
    fn column(mut self) -> Result<GeneratorColumn, OptionError> {
        let numbers = match self.field.data_type() {
            DataType::Int32 | DataType::Int64 => Numbers::Int,
            DataType::Utf8 if !is_json_field(self.field) => Numbers::Int,
            DataType::Float32 | DataType::Float64 => Numbers::Float,
            DataType::Timestamp(_, _) => Numbers::Time,
            DataType::Date32 => Numbers::Date,
            DataType::Boolean => Numbers::None,
            _ => {
                return Err(OptionError::new(
                    "extension",
                    format!(
                        "the generator does not make {} (column '{}')",
                        field_type_name(self.field),
                        self.field.name()
                    ),
                )
                .suggest("make its parts and put them together in a query"));
            }
        };
        let null_rate = match self.take("null-rate") {
            None => 0.0,
            Some(text) => self.float("null-rate", &text)?,
        };
        if !(0.0..=1.0).contains(&null_rate) {
            return Err(self.error("null-rate", "is not between 0 and 1"));
        }
        if null_rate > 0.0 && !self.field.is_nullable() {
            return Err(self.error("null-rate", "the column is NOT NULL"));
        }
        let is_text = self.field.data_type() == &DataType::Utf8;
        let kind = self.kind(numbers)?;
        let numbered = !matches!(kind, GeneratorKind::Choice(_));
        let prefix = match (is_text && numbered, self.given.iter().any(|g| g.0 == "prefix")) {
            (true, true) => self.take("prefix").unwrap_or_default(),
            (true, false) => format!("{}-", self.field.name()),
            _ => String::new(),
        };
        match self.given.first() {
            Some((attribute, _)) => Err(self.error(attribute, "has no effect on this kind of column")),
            None => Ok(GeneratorColumn { kind, prefix, null_rate }),
        }
    }

    fn kind(&mut self, numbers: Numbers) -> Result<GeneratorKind, OptionError> {
        let has = |name: &str| self.given.iter().any(|(given, _)| *given == name);
        let implied = if has("values") || numbers == Numbers::None {
            "choice"
        } else if has("min") || has("max") {
            "uniform"
        } else if has("mean") || has("stddev") {
            "normal"
        } else if has("start") || has("step") || numbers != Numbers::Float {
            "sequence"
        } else {
            "uniform"
        };
        let written = self.take("kind").unwrap_or(implied.to_owned());
        match (written.to_lowercase().as_str(), numbers) {
            ("choice", _) => self.choice(),
            ("sequence", Numbers::Int | Numbers::Time | Numbers::Date) => self.sequence(numbers),
            ("sequence", Numbers::Float) => Ok(GeneratorKind::SequenceFloat {
                start: self.float_or("start", 0.0)?,
                step: self.float_or("step", 1.0)?,
            }),
            ("uniform", Numbers::Float) => {
                let (min, max) = (self.float_or("min", 0.0)?, self.float_or("max", 1.0)?);
                if min > max {
                    return Err(self.error("max", "is below min"));
                }
                Ok(GeneratorKind::UniformFloat { min, max })
            }
            ("uniform", Numbers::Int | Numbers::Time | Numbers::Date) => self.uniform(numbers),
            ("normal", Numbers::Int | Numbers::Float) => {
                let kind = GeneratorKind::Normal {
                    mean: self.float_or("mean", 0.0)?,
                    stddev: self.float_or("stddev", 1.0)?,
                };
                match kind {
                    GeneratorKind::Normal { stddev, .. } if stddev < 0.0 => {
                        Err(self.error("stddev", "is below 0"))
                    }
                    kind => Ok(kind),
                }
            }
            ("sequence" | "uniform" | "normal", _) => {
                Err(self.error("kind", &format!("'{written}' does not make {}", field_type_name(self.field))))
            }
            _ => Err(self
                .error("kind", &format!("'{written}' is not one of sequence, uniform, normal, choice"))
                .did_you_mean(closest(&written, ["sequence", "uniform", "normal", "choice"]))),
        }
    }

    fn choice(&mut self) -> Result<GeneratorKind, OptionError> {
        let boolean = self.field.data_type() == &DataType::Boolean;
        let text = match self.take("values") {
            Some(text) => text,
            None if boolean => "true,false".to_owned(),
            None => return Err(self.error("kind", "'choice' needs 'values'")),
        };
        let values: Vec<String> = text.split(',').map(|v| v.trim().to_owned()).collect();
        for value in &values {
            let valid = match self.field.data_type() {
                DataType::Boolean => matches!(value.as_str(), "true" | "false"),
                DataType::Int32 => value.parse::<i32>().is_ok(),
                DataType::Int64 => value.parse::<i64>().is_ok(),
                DataType::Float32 | DataType::Float64 => value.parse::<f64>().is_ok(),
                DataType::Timestamp(_, _) => time_ns(value).is_some(),
                DataType::Date32 => days(value).is_some(),
                _ => true,
            };
            if !valid {
                return Err(
                    self.error("values", &format!("'{value}' is not {}", field_type_name(self.field)))
                );
            }
        }
        Ok(GeneratorKind::Choice(values))
    }

    fn sequence(&mut self, numbers: Numbers) -> Result<GeneratorKind, OptionError> {
        let (first, pace) = match numbers {
            Numbers::Time => (NS_2024, self.rate.map_or(1_000_000_000, |rate| rate.due_ns(1))),
            Numbers::Date => (DAYS_2024, 1),
            _ => (0, 1),
        };
        Ok(GeneratorKind::SequenceInt {
            start: self.whole("start", numbers, first)?,
            step: self.step(numbers, pace)?,
        })
    }

    fn uniform(&mut self, numbers: Numbers) -> Result<GeneratorKind, OptionError> {
        let (least, most) = match numbers {
            Numbers::Time => (NS_2024, NS_2024 + DAY_NS),
            Numbers::Date => (DAYS_2024, DAYS_2024 + 365),
            _ => (0, 100),
        };
        let min = self.whole("min", numbers, least)?;
        let max = self.whole("max", numbers, most)?;
        if min > max {
            return Err(self.error("max", "is below min"));
        }
        Ok(GeneratorKind::UniformInt { min, max })
    }

    fn step(&mut self, numbers: Numbers, default: i64) -> Result<i64, OptionError> {
        let Some(text) = self.take("step") else {
            return Ok(default);
        };
        if numbers == Numbers::Int {
            return text
                .trim()
                .parse()
                .map_err(|_| self.error("step", &format!("'{text}' is not a whole number")));
        }
        let ns = parse_duration(&text).map_err(|why| self.error("step", &why))?;
        match numbers {
            Numbers::Date if ns % DAY_NS == 0 => Ok(ns / DAY_NS),
            Numbers::Date => Err(self.error("step", "is not a whole number of days")),
            _ => Ok(ns),
        }
    }

    fn whole(&mut self, attribute: &'static str, numbers: Numbers, default: i64) -> Result<i64, OptionError> {
        let Some(text) = self.take(attribute) else {
            return Ok(default);
        };
        let value = match numbers {
            Numbers::Time => time_ns(text.trim()),
            Numbers::Date => days(text.trim()),
            _ => text.trim().parse().ok(),
        };
        value.ok_or_else(|| {
            let what = match numbers {
                Numbers::Time => "a time such as 2024-01-01T00:00:00Z",
                Numbers::Date => "a date such as 2024-01-01",
                _ => "a whole number",
            };
            self.error(attribute, &format!("'{text}' is not {what}"))
        })
    }

    fn float_or(&mut self, attribute: &'static str, default: f64) -> Result<f64, OptionError> {
        match self.take(attribute) {
            None => Ok(default),
            Some(text) => self.float(attribute, &text),
        }
    }

    fn float(&self, attribute: &str, text: &str) -> Result<f64, OptionError> {
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.error(attribute, &format!("'{text}' is not a number"))),
        }
    }

    fn take(&mut self, attribute: &str) -> Option<String> {
        let at = self.given.iter().position(|(name, _)| *name == attribute)?;
        Some(self.given.swap_remove(at).1)
    }

    fn error(&self, attribute: &str, reason: &str) -> OptionError {
        OptionError::new(format!("generator.{}.{attribute}", self.field.name()), reason)
    }
}

/// Nanoseconds since 1970 of an RFC 3339 time, or of a date and time in UTC.
fn time_ns(text: &str) -> Option<i64> {
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return time.timestamp_nanos_opt();
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok());
    naive.or_else(|| date(text)?.and_hms_opt(0, 0, 0))?.and_utc().timestamp_nanos_opt()
}

/// Days since 1970 of an ISO date.
fn days(text: &str) -> Option<i64> {
    let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1)?;
    Some(date(text)?.signed_duration_since(epoch).num_days())
}

fn date(text: &str) -> Option<chrono::NaiveDate> {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}
