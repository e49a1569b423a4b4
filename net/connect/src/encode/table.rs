//! Aligned columns for people.

use std::ops::Range;

use arrow_schema::ArrowError;
use unicode_width::UnicodeWidthStr;

use super::cells::Cells;
use super::{Encoder, HeaderKey, Output};

/// Writes a table as it comes: columns are as wide as their widest value so far, and the header is
/// written again when they had to grow, or when the stream changes. Numbers align right. Control
/// characters in values are escaped, NULL is empty.
///
/// Widths follow the batches, so this is for looking at; scripts use JSON or CSV.
pub(crate) struct TableEncoder {
    tag_streams: bool,
    header: Option<HeaderKey>,
    widths: Vec<usize>,
    wrote: bool,
}

/// Columns kept narrower than this do not grow for every new digit.
const GROWTH_STEP: usize = 4;

/// One printed column of a batch: texts of its rows one behind the other.
struct Column {
    name: String,
    right: bool,
    text: String,
    rows: Vec<Range<usize>>,
    width: usize,
}

impl TableEncoder {
    pub(crate) fn new(tag_streams: bool) -> TableEncoder {
        TableEncoder { tag_streams, header: None, widths: Vec::new(), wrote: false }
    }

    fn write_header(&mut self, rows: &Output<'_>, columns: &[Column], out: &mut Vec<u8>) {
        let same = self.header.as_ref().is_some_and(|header| header.covers(rows, self.tag_streams));
        if !same {
            self.widths.clear();
            self.widths.extend(columns.iter().map(|column| column.width.max(column.name.width())));
        } else {
            let mut grew = false;
            for (width, column) in self.widths.iter_mut().zip(columns) {
                if column.width > *width {
                    *width = column.width.next_multiple_of(GROWTH_STEP);
                    grew = true;
                }
            }
            if !grew {
                return;
            }
        }
        self.header = Some(HeaderKey::of(rows));
        if self.wrote {
            out.push(b'\n');
        }
        self.wrote = true;
        if self.tag_streams {
            out.extend_from_slice(rows.stream.as_bytes());
            out.extend_from_slice(b":\n");
        }
        self.write_line(columns.iter().map(|column| column.name.as_str()), columns, out);
        let rules: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        self.write_line(rules.iter().map(String::as_str), columns, out);
    }

    fn write_line<'a>(&self, texts: impl Iterator<Item = &'a str>, columns: &[Column], out: &mut Vec<u8>) {
        let line_start = out.len();
        for (index, text) in texts.enumerate() {
            if index > 0 {
                out.extend_from_slice(b"  ");
            }
            let padding = self.widths[index].saturating_sub(text.width());
            if columns[index].right {
                out.resize(out.len() + padding, b' ');
            }
            out.extend_from_slice(text.as_bytes());
            if !columns[index].right {
                out.resize(out.len() + padding, b' ');
            }
        }
        let blanks = out[line_start..].iter().rev().take_while(|&&byte| byte == b' ').count();
        out.truncate(out.len() - blanks);
        out.push(b'\n');
    }
}

impl Encoder for TableEncoder {
    fn encode(&mut self, rows: &Output<'_>, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let count = rows.batch.num_rows();
        if count == 0 {
            return Ok(());
        }
        let mut columns = Vec::new();
        if let Some(ops) = rows.ops {
            let mut column = Column::new("_op", false);
            for op in ops {
                column.push(op.as_str());
            }
            columns.push(column);
        }
        for (field, array) in rows.batch.schema_ref().fields().iter().zip(rows.batch.columns()) {
            let cells = Cells::new(field, array)?;
            let mut column = Column::new(field.name(), cells.is_number());
            let mut text = Vec::new();
            for row in 0..count {
                text.clear();
                cells.write_plain(row, &mut text);
                column.push(&String::from_utf8_lossy(&text));
            }
            columns.push(column);
        }
        self.write_header(rows, &columns, out);
        for row in 0..count {
            let texts = columns.iter().map(|column| &column.text[column.rows[row].clone()]);
            self.write_line(texts, &columns, out);
        }
        Ok(())
    }
}

impl Column {
    fn new(name: &str, right: bool) -> Column {
        Column { name: name.to_owned(), right, text: String::new(), rows: Vec::new(), width: 0 }
    }

    fn push(&mut self, text: &str) {
        let start = self.text.len();
        for char in text.chars() {
            if char.is_control() {
                self.text.extend(char.escape_default());
            } else {
                self.text.push(char);
            }
        }
        self.width = self.width.max(self.text[start..].width());
        self.rows.push(start..self.text.len());
    }
}
