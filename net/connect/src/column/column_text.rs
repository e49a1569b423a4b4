//! A cell of text pushed into a column: CSV cells and groups of a pattern.

use cep_types::sql_type::field_type_name;
use serde::de::DeserializeSeed;

use super::{Column, ColumnSeed, JsonFault, Values};
use crate::source::reject::{RejectReason, clip};
use crate::text::{self, Misfit};

impl Column {
    /// Appends the value that `text` stands for. Blanks around anything but STRING and JSON are
    /// ignored. On an error the column may hold half a row: the caller cuts it back.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &[u8]) -> Result<(), RejectReason> {
        match self.try_text(text) {
            Ok(()) => {
                self.set_valid();
                Ok(())
            }
            Err(fault) => self.push_text_slow(text, fault),
        }
    }

    /// Whether an empty text is a value of this column rather than the absence of one.
    pub(crate) fn takes_empty_text(&self) -> bool {
        matches!(self.values, Values::Text { json: false, .. } | Values::Bytes { .. })
    }

    /// The second try, without blanks, and the message.
    #[cold]
    fn push_text_slow(&mut self, text: &[u8], fault: Fault) -> Result<(), RejectReason> {
        if matches!(fault, Fault::IsJson) {
            return self.push_json_text(text);
        }
        let rows = self.len();
        let trimmed = text.trim_ascii();
        let fault = if trimmed.len() < text.len() && !matches!(self.values, Values::Text { .. }) {
            self.truncate(rows);
            match self.try_text(trimmed) {
                Ok(()) => {
                    self.set_valid();
                    return Ok(());
                }
                Err(fault) => fault,
            }
        } else {
            fault
        };
        Err(match fault {
            Fault::Misfit(Misfit::Malformed) => {
                RejectReason::WrongType { expected: field_type_name(&self.field).into(), found: clip(text) }
            }
            Fault::Misfit(Misfit::OutOfRange) => {
                RejectReason::OutOfRange { expected: field_type_name(&self.field).into(), found: clip(text) }
            }
            Fault::Reason(reason) => *reason,
            Fault::IsJson => RejectReason::Json("".into()),
        })
    }

    #[inline]
    fn try_text(&mut self, text: &[u8]) -> Result<(), Fault> {
        match &mut self.values {
            Values::Text { offsets, bytes, json: false } => {
                if let Err(error) = std::str::from_utf8(text) {
                    return Err(Fault::from(RejectReason::InvalidUtf8 { at: error.valid_up_to() }));
                }
                bytes.extend_from_slice(text);
                offsets.push(bytes.len() as i32);
            }
            Values::Double(values) => values.push(text::double(text)?),
            Values::BigInt(values) => values.push(text::integer(text)?),
            Values::Timestamp { values, parser } => values.push(parser.parse(text)?),
            Values::Int(values) => {
                let value = text::integer(text)?;
                values.push(i32::try_from(value).map_err(|_| Misfit::OutOfRange)?);
            }
            Values::Float(values) => values.push(text::float(text)?),
            Values::Bool(values) => values.append(text::boolean(text)?),
            Values::Decimal { values, precision, scale } => {
                values.push(text::decimal(text, *precision, *scale)?)
            }
            Values::Bytes { offsets, bytes } => {
                text::decode_bytes(text, bytes)?;
                offsets.push(bytes.len() as i32);
            }
            Values::Date(values) => values.push(text::date(text)?),
            Values::Time(values) => values.push(text::time_of_day(text)?),
            Values::Interval(values) => values.push(text::interval(text)?),
            Values::Text { json: true, .. }
            | Values::Array { .. }
            | Values::Map { .. }
            | Values::Struct(_) => return Err(Fault::IsJson),
        }
        Ok(())
    }

    /// JSON, arrays, maps and structs are JSON text in a cell; `null` is NULL.
    #[cold]
    fn push_json_text(&mut self, text: &[u8]) -> Result<(), RejectReason> {
        let mut fault = JsonFault::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        ColumnSeed::new(self, &mut fault)
            .deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| fault.reason(&error))
    }
}

/// Why a text was refused, small enough to be returned by value.
enum Fault {
    /// Not refused: the column takes JSON text.
    IsJson,
    Misfit(Misfit),
    Reason(Box<RejectReason>),
}

impl From<Misfit> for Fault {
    #[inline]
    fn from(misfit: Misfit) -> Self {
        Fault::Misfit(misfit)
    }
}

impl From<RejectReason> for Fault {
    #[cold]
    fn from(reason: RejectReason) -> Self {
        Fault::Reason(Box::new(reason))
    }
}
