//! The lines around a place, cut where they are long: an error in a line of a megabyte still fits a
//! screen, and the report handler cannot place marks beyond 65,535 columns.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Longest part of a text that is marked, in bytes.
const MARKED_BYTES_MAX: usize = 4_000;
/// What is shown before and behind the mark in long lines, in bytes.
const AROUND_BYTES: usize = 500;

/// A script under its name.
#[derive(Debug)]
pub(super) struct Excerpt<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Excerpt<'_> {
    /// The part of `start..end` that is marked; both are clamped to the text.
    pub(super) fn marked(&self, start: usize, end: usize) -> SourceSpan {
        let start = self.boundary(start);
        let end = self.boundary(end.min(start + MARKED_BYTES_MAX)).max(start);
        SourceSpan::from((start, end - start))
    }

    /// The character boundary at or before `byte`, at most the end.
    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let lines = self.text.read_span(span, lines_before, lines_after)?;
        let whole = lines.span().offset()..lines.span().offset() + lines.span().len();
        let (mut from, mut to) = (whole.start, whole.end);
        if whole.len() > span.len() + 2 * AROUND_BYTES {
            from = from.max(self.boundary(span.offset().saturating_sub(AROUND_BYTES)));
            to = to.min(self.boundary(span.offset() + span.len() + AROUND_BYTES));
        }
        let skipped = &self.text[whole.start..from];
        let column = match skipped.rfind('\n') {
            Some(at) => skipped.len() - at - 1,
            None => lines.column() + skipped.len(),
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            &self.text.as_bytes()[from..to],
            SourceSpan::from((from, to - from)),
            lines.line() + skipped.matches('\n').count(),
            column,
            lines.line_count(),
        )))
    }
}
