//! JSON values pushed into a column, straight from the parser.

use std::fmt;

use cep_types::sql_type::field_type_name;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Column, Values};
use crate::source::reject::{RejectReason, clip};
use crate::text::{self, Misfit, TimeParser};

/// The typed reason behind a parser error that this module raised.
#[derive(Debug, Default)]
pub(crate) struct JsonFault {
    raised: Option<RejectReason>,
}

impl JsonFault {
    /// Remembers `reason` and makes the error that carries it out of the parser.
    #[cold]
    pub(crate) fn raise<E: Error>(&mut self, reason: RejectReason) -> E {
        self.raised = Some(reason);
        E::custom("value refused")
    }

    /// The reason of a failed parse: what was raised, else what the parser says.
    #[cold]
    pub(crate) fn reason(&mut self, error: &serde_json::Error) -> RejectReason {
        self.raised.take().unwrap_or_else(|| RejectReason::Json(error.to_string().into()))
    }

    /// Whether a reason was raised and not taken.
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.is_some()
    }
}

/// Appends one JSON value to a column; `null` is NULL. On an error the column may hold half a row.
pub(crate) struct ColumnSeed<'a> {
    column: &'a mut Column,
    fault: &'a mut JsonFault,
}

impl<'a> ColumnSeed<'a> {
    pub(crate) fn new(column: &'a mut Column, fault: &'a mut JsonFault) -> Self {
        Self { column, fault }
    }

    /// Whether the value is needed as its exact text: the parser's own floats are not always the
    /// nearest ones, and decimals and JSON keep their digits.
    fn wants_text(&self) -> bool {
        match &self.column.values {
            Values::Float(_) | Values::Double(_) | Values::Decimal { .. } => true,
            Values::Timestamp { parser, .. } => matches!(parser, TimeParser::Epoch(_)),
            Values::Text { json, .. } => *json,
            _ => false,
        }
    }

    fn wrong<E: Error>(self, found: Box<str>) -> E {
        let expected = field_type_name(&self.column.field).into();
        self.fault.raise(RejectReason::WrongType { expected, found })
    }

    fn null<E: Error>(self) -> Result<(), E> {
        self.column.push_null().map_err(|reason| self.fault.raise(reason))
    }

    fn misfit<E: Error>(self, misfit: Misfit, text: &[u8]) -> E {
        let expected = field_type_name(&self.column.field).into();
        let found = clip(text);
        self.fault.raise(match misfit {
            Misfit::Malformed => RejectReason::WrongType { expected, found },
            Misfit::OutOfRange => RejectReason::OutOfRange { expected, found },
        })
    }

    /// The value as its text: a number, a quoted string, or anything for JSON.
    fn take_text<E: Error>(self, raw: &str) -> Result<(), E> {
        if raw == "null" {
            return self.null();
        }
        let bytes = raw.as_bytes();
        let is_number = matches!(bytes.first(), Some(b'-' | b'0'..=b'9'));
        let pushed = match &mut self.column.values {
            Values::Text { offsets, bytes, .. } => {
                bytes.extend_from_slice(raw.as_bytes());
                offsets.push(bytes.len() as i32);
                Ok(())
            }
            Values::Double(values) if is_number => text::double(bytes).map(|v| values.push(v)),
            Values::Float(values) if is_number => text::float(bytes).map(|v| values.push(v)),
            Values::Double(values) => not_a_number(raw).map(|v| values.push(v)),
            Values::Float(values) => not_a_number(raw).map(|v| values.push(v as f32)),
            Values::Decimal { values, precision, scale } if is_number => {
                text::decimal(bytes, *precision, *scale).map(|value| values.push(value))
            }
            Values::Timestamp { values, parser } => {
                let inner =
                    bytes.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(bytes);
                parser.parse(inner).map(|value| values.push(value))
            }
            _ => Err(Misfit::Malformed),
        };
        match pushed {
            Ok(()) => {
                self.column.set_valid();
                Ok(())
            }
            Err(misfit) => Err(self.misfit(misfit, bytes)),
        }
    }
}

/// The spellings of numbers that JSON has no digits for.
fn not_a_number(raw: &str) -> Result<f64, Misfit> {
    match raw {
        "\"NaN\"" => Ok(f64::NAN),
        "\"Infinity\"" => Ok(f64::INFINITY),
        "\"-Infinity\"" => Ok(f64::NEG_INFINITY),
        _ => Err(Misfit::Malformed),
    }
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if self.wants_text() {
            let raw = <&'de RawValue as serde::Deserialize>::deserialize(json)?;
            self.take_text(raw.get())
        } else {
            json.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for ColumnSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&field_type_name(&self.column.field))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.null()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match &mut self.column.values {
            Values::Bool(values) => values.append(value),
            _ => return Err(self.wrong(clip(if value { b"true" } else { b"false" }))),
        }
        self.column.set_valid();
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let fits = match &mut self.column.values {
            Values::BigInt(values) => {
                values.push(value);
                Ok(())
            }
            Values::Int(values) => match i32::try_from(value) {
                Ok(value) => {
                    values.push(value);
                    Ok(())
                }
                Err(_) => Err(Misfit::OutOfRange),
            },
            _ => Err(Misfit::Malformed),
        };
        match fits {
            Ok(()) => {
                self.column.set_valid();
                Ok(())
            }
            Err(misfit) => Err(self.misfit(misfit, itoa::Buffer::new().format(value).as_bytes())),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        if let Ok(value) = i64::try_from(value) {
            return self.visit_i64(value);
        }
        let misfit = match &self.column.values {
            Values::BigInt(_) | Values::Int(_) => Misfit::OutOfRange,
            _ => Misfit::Malformed,
        };
        Err(self.misfit(misfit, itoa::Buffer::new().format(value).as_bytes()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        // The parser hands whole numbers beyond 64 bits over as floats too.
        let whole = matches!(&self.column.values, Values::BigInt(_) | Values::Int(_));
        let misfit = if whole && value.abs() >= 9.2e18 { Misfit::OutOfRange } else { Misfit::Malformed };
        Err(self.misfit(misfit, ryu::Buffer::new().format(value).as_bytes()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let text = value.as_bytes();
        let pushed = match &mut self.column.values {
            Values::Text { offsets, bytes, .. } => {
                bytes.extend_from_slice(text);
                offsets.push(bytes.len() as i32);
                Ok(())
            }
            Values::Timestamp { values, parser } => parser.parse(text).map(|v| values.push(v)),
            Values::Date(values) => text::date(text).map(|v| values.push(v)),
            Values::Time(values) => text::time_of_day(text).map(|v| values.push(v)),
            Values::Interval(values) => text::interval(text).map(|v| values.push(v)),
            Values::Bytes { offsets, bytes } => text::decode_bytes(text, bytes).map(|()| {
                offsets.push(bytes.len() as i32);
            }),
            _ => Err(Misfit::Malformed),
        };
        match pushed {
            Ok(()) => {
                self.column.set_valid();
                Ok(())
            }
            Err(misfit) => Err(self.misfit(misfit, text)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Values::Array { offsets, items } = &mut self.column.values else {
            return Err(self.wrong("an array".into()));
        };
        while elements.next_element_seed(ColumnSeed::new(items, self.fault))?.is_some() {}
        offsets.push(items.len() as i32);
        self.column.set_valid();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let rows = self.column.len();
        match &mut self.column.values {
            Values::Map { offsets, keys, entries } => {
                while members.next_key_seed(KeySeed { keys: &mut *keys, fault: &mut *self.fault })?.is_some()
                {
                    members.next_value_seed(ColumnSeed::new(entries, self.fault))?;
                }
                offsets.push(keys.len() as i32);
            }
            Values::Struct(columns) => {
                while let Some(index) = members.next_key_seed(MemberSeed { columns })? {
                    match index {
                        Some(index) => {
                            let column = &mut columns[index];
                            column.truncate(rows); // of equal keys the last one holds
                            members.next_value_seed(ColumnSeed::new(column, self.fault))?;
                        }
                        None => {
                            members.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                for column in columns.iter_mut().filter(|column| column.len() == rows) {
                    if let Err(reason) = column.push_null() {
                        return Err(self.fault.raise(reason));
                    }
                }
            }
            _ => return Err(self.wrong("an object".into())),
        }
        self.column.set_valid();
        Ok(())
    }
}

/// Appends a key of a MAP.
struct KeySeed<'a> {
    keys: &'a mut Column,
    fault: &'a mut JsonFault,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        self.keys.push_text(key.as_bytes()).map_err(|reason| self.fault.raise(reason))
    }
}

/// Finds the field of a STRUCT that a key names: exactly, else ignoring case.
struct MemberSeed<'a> {
    columns: &'a [Column],
}

impl<'de> DeserializeSeed<'de> for MemberSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<usize>, E> {
        let names = || self.columns.iter().map(|column| column.field.name());
        Ok(names()
            .position(|name| name == key)
            .or_else(|| names().position(|name| name.eq_ignore_ascii_case(key))))
    }
}
