//! CSV as RFC 4180 has it, with line feeds for line ends.

use arrow_schema::ArrowError;
use cep_types::options::CsvOptions;

use super::cells::Cells;
use super::{Encoder, HeaderKey, Output};

/// Writes CSV. A header is written first, and again when the stream or its columns change. NULL is
/// `csv.null` unquoted, and an equal text is quoted, as is the empty text, so that reading it back
/// tells them apart.
pub(crate) struct CsvEncoder {
    options: CsvOptions,
    tag_streams: bool,
    header: Option<HeaderKey>,
    skip_header: bool,
    cell: Vec<u8>,
}

impl CsvEncoder {
    pub(crate) fn new(options: CsvOptions, tag_streams: bool) -> CsvEncoder {
        CsvEncoder { options, tag_streams, header: None, skip_header: false, cell: Vec::new() }
    }

    fn write_header(&mut self, rows: &Output<'_>, out: &mut Vec<u8>) {
        if self.header.as_ref().is_some_and(|header| header.covers(rows, true)) {
            return;
        }
        self.header = Some(HeaderKey::of(rows));
        if !self.options.include_header || std::mem::take(&mut self.skip_header) {
            return;
        }
        let tags = [("_stream", self.tag_streams), ("_op", rows.ops.is_some())];
        let schema = rows.batch.schema_ref();
        let names = tags
            .iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| *name)
            .chain(schema.fields().iter().map(|field| field.name().as_str()));
        for (index, name) in names.enumerate() {
            if index > 0 {
                out.push(self.options.delimiter);
            }
            write_cell(name.as_bytes(), false, &self.options, out);
        }
        out.push(b'\n');
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, rows: &Output<'_>, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if rows.batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = rows.batch.schema_ref().fields().iter();
        let cells = columns
            .zip(rows.batch.columns())
            .map(|(field, column)| Cells::new(field, column))
            .collect::<Result<Vec<_>, _>>()?;
        self.write_header(rows, out);
        let delimiter = self.options.delimiter;
        let null = self.options.null_text.as_deref().unwrap_or("");
        for row in 0..rows.batch.num_rows() {
            let line_start = out.len();
            if self.tag_streams {
                write_cell(rows.stream.as_bytes(), true, &self.options, out);
                out.push(delimiter);
            }
            if let Some(ops) = rows.ops {
                out.extend_from_slice(ops[row].as_str().as_bytes());
                out.push(delimiter);
            }
            for (index, cells) in cells.iter().enumerate() {
                if index > 0 {
                    out.push(delimiter);
                }
                if cells.is_null(row) {
                    out.extend_from_slice(null.as_bytes());
                    continue;
                }
                self.cell.clear();
                cells.write_plain(row, &mut self.cell);
                write_cell(&self.cell, true, &self.options, out);
            }
            // A blank line would be no record: quote the only cell instead.
            if out.len() == line_start
                && let Some(quote) = self.options.quote
            {
                out.extend_from_slice(&[quote, quote]);
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn skip_header(&mut self) {
        self.skip_header = true;
    }
}

/// Appends a cell, quoted when it would not read back without; `value`: it must differ from NULL.
fn write_cell(text: &[u8], value: bool, options: &CsvOptions, out: &mut Vec<u8>) {
    let Some(quote) = options.quote else {
        out.extend_from_slice(text);
        return;
    };
    let special = |byte: &u8| *byte == options.delimiter || *byte == quote || matches!(*byte, b'\n' | b'\r');
    let like_null =
        value && (text.is_empty() || options.null_text.as_ref().is_some_and(|null| null.as_bytes() == text));
    if !like_null && !text.iter().any(special) {
        out.extend_from_slice(text);
        return;
    }
    out.push(quote);
    for &byte in text {
        if byte == quote {
            out.push(quote);
        }
        out.push(byte);
    }
    out.push(quote);
}
