//! Lines and columns of `sqlparser` to byte ranges of the script.

use datafusion_sql::sqlparser::tokenizer;

use crate::ast::Span;

/// Where the lines of a text start: turns the locations of `sqlparser` nodes into [`Span`]s.
///
/// `sqlparser` counts lines and columns from 1, columns in characters; 0 means "unknown".
#[derive(Debug, Clone)]
pub struct Locations<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Locations<'a> {
    /// Indexes a script; linear in its length.
    pub fn new(text: &'a str) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        Self { text, line_starts }
    }

    /// The byte range of a `sqlparser` span; `None` when it is unknown or not of this text.
    pub fn span(&self, span: tokenizer::Span) -> Option<Span> {
        let start = self.byte(span.start)?;
        let end = self.byte(span.end)?;
        (start <= end).then_some(Span { start, end })
    }

    /// The byte offset of a location; `None` when it is unknown or not of this text.
    pub fn byte(&self, location: tokenizer::Location) -> Option<usize> {
        let line = usize::try_from(location.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
        let start = *self.line_starts.get(line)?;
        let end = match self.line_starts.get(line + 1) {
            Some(next) => *next,
            None => self.text.len(),
        };
        let line_text = &self.text[start..end];
        match line_text.char_indices().nth(column) {
            Some((offset, _)) => Some(start + offset),
            None => (line_text.chars().count() == column).then_some(end),
        }
    }

    /// Line and column (both from 1, column in characters) of a byte offset, clamped to the text.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= byte) - 1;
        let column = self.text[self.line_starts[line]..byte].chars().count();
        (line + 1, column + 1)
    }
}
