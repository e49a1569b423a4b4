//! When a row happened.

use arrow_schema::{DataType, FieldRef};
use chrono::format::{Fixed, Item, Numeric, StrftimeItems};

use super::OptionError;
use super::format::column_index;
use super::pairs::Pairs;
use crate::sql_type::{field_type_name, is_json_field};

/// What stamps the rows of a stream (R-DET-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// Their arrival.
    Ingest,
    /// The running maximum of their event time.
    Event,
}

/// The column that says when a row happened, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTime {
    /// Index of the column.
    pub column: usize,
    /// Name of the column as declared.
    pub name: String,
    /// How text (or, for `Epoch`, a number) says the time.
    pub format: TimeFormat,
    /// Unit of epoch numbers.
    pub unit: EpochUnit,
    /// Year of stamps that carry none.
    pub year: Option<i32>,
    /// Zone of times written without an offset.
    pub zone: chrono_tz::Tz,
}

/// How a time is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    /// `YYYY-MM-DD`, then optionally a time behind `T` or a space, then optionally an offset.
    Iso,
    /// RFC 3339: date, time and offset, all required.
    Rfc3339,
    /// A number since 1970-01-01T00:00:00Z.
    Epoch,
    /// A `strftime` pattern that gives at least a date, or a date without a year.
    Strftime(String),
}

/// Unit of a number since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl EpochUnit {
    /// Nanoseconds in one unit.
    pub fn ns(self) -> i64 {
        match self {
            EpochUnit::Seconds => 1_000_000_000,
            EpochUnit::Millis => 1_000_000,
            EpochUnit::Micros => 1_000,
            EpochUnit::Nanos => 1,
        }
    }

    /// Nanoseconds since 1970 of a number of units; `None` beyond the years 1677 to 2262.
    pub fn to_ns(self, value: i64) -> Option<i64> {
        value.checked_mul(self.ns())
    }
}

impl EventTime {
    /// Reads `event.time` and its settings; `from_text` tells whether the stream decodes text.
    pub(super) fn take(
        pairs: &mut Pairs,
        columns: &[FieldRef],
        from_text: bool,
    ) -> Result<Option<EventTime>, OptionError> {
        const KEY: &str = "event.time";
        let Some(name) = pairs.text(KEY) else {
            return Ok(None);
        };
        let column = column_index(columns, KEY, name.trim())?;
        let field = &columns[column];
        let mut time = EventTime {
            column,
            name: field.name().clone(),
            format: TimeFormat::Iso,
            unit: EpochUnit::Millis,
            year: None,
            zone: chrono_tz::UTC,
        };
        match field.data_type() {
            DataType::Int32 | DataType::Int64 | DataType::Float64 => time.take_number(pairs, field)?,
            DataType::Timestamp(_, _) if from_text => time.take_text(pairs)?,
            DataType::Utf8 if from_text && !is_json_field(field) => {
                time.take_text(pairs)?;
            }
            // A query's own TIMESTAMP, or a DATE (its midnight, UTC): nothing to say about it.
            DataType::Timestamp(_, _) | DataType::Date32 => refuse_settings(pairs, field)?,
            _ => {
                let error = OptionError::new(
                    KEY,
                    format!(
                        "column '{}' is {}, which does not say when",
                        field.name(),
                        field_type_name(field)
                    ),
                );
                return Err(error.suggest(if from_text {
                    "use a TIMESTAMP, DATE, STRING, INT, BIGINT or DOUBLE column"
                } else {
                    "use a TIMESTAMP, DATE, INT, BIGINT or DOUBLE column, or CAST in the query"
                }));
            }
        }
        Ok(Some(time))
    }

    fn take_number(&mut self, pairs: &mut Pairs, field: &FieldRef) -> Result<(), OptionError> {
        self.format = TimeFormat::Epoch;
        if let Some(format) = pairs.text("event.time.format")
            && !format.trim().eq_ignore_ascii_case("epoch")
        {
            let name = field.name();
            let reason = format!("column '{name}' is {}, a number since 1970", field_type_name(field));
            let hint = "leave the format out, or declare the column TIMESTAMP or STRING";
            return Err(OptionError::new("event.time.format", reason).suggest(hint));
        }
        self.unit = take_unit(pairs)?;
        Ok(())
    }

    fn take_text(&mut self, pairs: &mut Pairs) -> Result<(), OptionError> {
        let written = pairs.text("event.time.format").unwrap_or("iso".to_owned());
        self.format = match written.trim().to_ascii_lowercase().as_str() {
            "iso" => TimeFormat::Iso,
            "rfc3339" => TimeFormat::Rfc3339,
            "epoch" => TimeFormat::Epoch,
            _ => TimeFormat::Strftime(written.clone()),
        };
        if self.format == TimeFormat::Epoch {
            self.unit = take_unit(pairs)?;
        } else if pairs.has("event.time.unit") {
            return Err(OptionError::new(
                "event.time.unit",
                format!("'{}' is written as text, which has no unit", self.name),
            )
            .suggest("use 'event.time.format' = 'epoch' for numbers"));
        }
        let parts = match &self.format {
            TimeFormat::Strftime(pattern) => pattern_parts(pattern)?,
            TimeFormat::Iso => PatternParts { year: true, offset: false },
            _ => PatternParts { year: true, offset: true },
        };
        self.take_year(pairs, &parts)?;
        if pairs.has("event.time.zone") {
            if parts.offset {
                return Err(OptionError::new(
                    "event.time.zone",
                    "the format carries the offset of each time",
                ));
            }
            self.zone = take_zone(pairs)?;
        }
        Ok(())
    }

    fn take_year(&mut self, pairs: &mut Pairs, parts: &PatternParts) -> Result<(), OptionError> {
        const KEY: &str = "event.time.year";
        let given = pairs.has(KEY);
        match (parts.year, given) {
            (true, true) => Err(OptionError::new(KEY, "the format carries the year")),
            (false, false) => Err(OptionError::new("event.time.format", "the pattern has no year")
                .suggest("add 'event.time.year' = '2024'")),
            (true, false) => Ok(()),
            (false, true) => {
                let year = pairs.integer(KEY, 1970, 1678..=2261)?;
                self.year = i32::try_from(year).ok();
                Ok(())
            }
        }
    }
}

fn refuse_settings(pairs: &Pairs, field: &FieldRef) -> Result<(), OptionError> {
    for key in ["event.time.format", "event.time.unit", "event.time.year", "event.time.zone"] {
        if pairs.has(key) {
            return Err(OptionError::new(
                key,
                format!("column '{}' is {} and is taken as it is", field.name(), field_type_name(field)),
            ));
        }
    }
    Ok(())
}

fn take_unit(pairs: &mut Pairs) -> Result<EpochUnit, OptionError> {
    Ok(match pairs.word("event.time.unit", "ms", &["s", "ms", "us", "ns"])? {
        "s" => EpochUnit::Seconds,
        "us" => EpochUnit::Micros,
        "ns" => EpochUnit::Nanos,
        _ => EpochUnit::Millis,
    })
}

fn take_zone(pairs: &mut Pairs) -> Result<chrono_tz::Tz, OptionError> {
    const KEY: &str = "event.time.zone";
    let name = pairs.text(KEY).unwrap_or_default();
    let zones = || chrono_tz::TZ_VARIANTS.iter();
    zones().copied().find(|zone| zone.name().eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        OptionError::new(KEY, format!("'{name}' is not an IANA time zone"))
            .did_you_mean(super::closest(&name, zones().map(|zone| zone.name())))
    })
}

/// What a pattern says besides month, day and time of day.
struct PatternParts {
    year: bool,
    offset: bool,
}

fn pattern_parts(pattern: &str) -> Result<PatternParts, OptionError> {
    const KEY: &str = "event.time.format";
    let mut parts = PatternParts { year: false, offset: false };
    let mut says_day = false;
    for item in StrftimeItems::new(pattern) {
        match item {
            Item::Error => {
                return Err(OptionError::new(KEY, format!("'{pattern}' is not a strftime pattern"))
                    .did_you_mean(super::closest(pattern, ["iso", "rfc3339", "epoch"])));
            }
            Item::Numeric(numeric, _) => match numeric {
                Numeric::Year | Numeric::YearMod100 | Numeric::IsoYear => parts.year = true,
                Numeric::Timestamp => {
                    parts.year = true;
                    parts.offset = true;
                    says_day = true;
                }
                Numeric::Day | Numeric::Ordinal => says_day = true,
                Numeric::WeekFromSun | Numeric::WeekFromMon | Numeric::IsoWeek => says_day = true,
                _ => {}
            },
            Item::Fixed(fixed) => match fixed {
                Fixed::RFC2822 | Fixed::RFC3339 => {
                    parts.year = true;
                    parts.offset = true;
                    says_day = true;
                }
                Fixed::TimezoneName => {
                    return Err(OptionError::new(
                        KEY,
                        "'%Z' reads a zone's abbreviation, which does not tell the offset",
                    )
                    .suggest("use '%z', or leave it out and set 'event.time.zone'"));
                }
                Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetZ => parts.offset = true,
                _ => {}
            },
            _ => {}
        }
    }
    if !says_day {
        return Err(OptionError::new(KEY, format!("'{pattern}' does not say the day"))
            .did_you_mean(super::closest(pattern, ["iso", "rfc3339", "epoch"])));
    }
    Ok(parts)
}
