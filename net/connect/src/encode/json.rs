//! One JSON object a line.

use arrow_schema::{ArrowError, SchemaRef};
use cep_types::op::Op;

use super::cells::Cells;
use super::quote::json_string;
use super::{Encoder, Output};

/// Writes JSON lines: `_stream` first when several streams print, then `_op` when the stream is
/// not append-only, then the columns in order.
pub(crate) struct JsonEncoder {
    tag_streams: bool,
    /// What stands before each value, for the schema it was made for.
    keys: Option<(SchemaRef, Vec<Vec<u8>>)>,
}

impl JsonEncoder {
    pub(crate) fn new(tag_streams: bool) -> JsonEncoder {
        JsonEncoder { tag_streams, keys: None }
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, rows: &Output<'_>, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let schema = rows.batch.schema_ref();
        let cells = schema
            .fields()
            .iter()
            .zip(rows.batch.columns())
            .map(|(field, column)| Cells::new(field, column))
            .collect::<Result<Vec<_>, _>>()?;
        if self.keys.as_ref().is_none_or(|(made_for, _)| made_for != schema) {
            self.keys = Some((schema.clone(), quoted_names(schema)));
        }
        let keys = self.keys.as_ref().map_or(&[][..], |(_, keys)| keys);
        let mut head = Vec::new();
        if self.tag_streams {
            head.extend_from_slice(b"\"_stream\":");
            json_string(rows.stream, &mut head);
        }
        for row in 0..rows.batch.num_rows() {
            out.push(b'{');
            out.extend_from_slice(&head);
            let mut first = head.is_empty();
            if let Some(ops) = rows.ops {
                separate(&mut first, out);
                write_op(ops[row], out);
            }
            for (key, cells) in keys.iter().zip(&cells) {
                separate(&mut first, out);
                out.extend_from_slice(key);
                cells.write_json(row, out);
            }
            out.extend_from_slice(b"}\n");
        }
        Ok(())
    }
}

fn separate(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
}

fn write_op(op: Op, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"_op\":\"");
    out.extend_from_slice(op.as_str().as_bytes());
    out.push(b'"');
}

fn quoted_names(schema: &SchemaRef) -> Vec<Vec<u8>> {
    let fields = schema.fields().iter();
    fields
        .map(|field| {
            let mut key = Vec::new();
            json_string(field.name(), &mut key);
            key.push(b':');
            key
        })
        .collect()
}
