//! Bytes of a scalar's value back to bytes of the text it was written in.
//!
//! A value differs from what was written by quotes, escapes, folded lines and indents. Where only white space
//! differs, the n-th other character of both is the same one; else the whole scalar is the place.

use crate::ast::Span;

use super::Scalar;

impl Scalar {
    /// Where `start..end` of the value stands in `text`.
    pub(crate) fn place(&self, text: &str, start: usize, end: usize) -> Span {
        self.exact(text, start, end).unwrap_or(self.span)
    }

    fn exact(&self, text: &str, start: usize, end: usize) -> Option<Span> {
        let written = text.get(self.span.start..self.span.end)?;
        let (skipped, body) =
            bodies(written, self.plain).into_iter().find(|(_at, body)| same(body, &self.text))?;
        let before = inked(self.text.get(..start)?);
        let within = inked(self.text.get(start..end.max(start))?);
        let from = nth(body, before).unwrap_or(body.len());
        let to = match within {
            0 => from,
            count => nth(body, before + count - 1).map(|at| at + width(body, at))?,
        };
        let base = self.span.start + skipped;
        Some(Span::new(base + from, base + to))
    }
}

/// What may be the value within what was written: all of it, without quotes, or without a block's head.
fn bodies(written: &str, plain: bool) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    if plain {
        out.push((0, written));
    }
    let quoted = written.len() >= 2 && (written.starts_with('"') || written.starts_with('\''));
    if quoted && let Some(inner) = written.get(1..written.len() - 1) {
        out.push((1, inner));
    }
    if let Some(line) = written.find('\n') {
        out.push((line + 1, &written[line + 1..]));
    }
    out.push((0, written));
    out
}

fn ink(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    text.char_indices().filter(|(_at, c)| !c.is_whitespace())
}

fn inked(text: &str) -> usize {
    ink(text).count()
}

fn same(written: &str, value: &str) -> bool {
    ink(written).map(|(_at, c)| c).eq(ink(value).map(|(_at, c)| c))
}

fn nth(text: &str, n: usize) -> Option<usize> {
    ink(text).nth(n).map(|(at, _c)| at)
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}
