//! Physical lines, with the bound on their length.

use memchr::memchr;

use crate::source::Rows;
use crate::source::reject::{OVERSIZED_KEPT_BYTES, Position, RejectReason};

/// What stands at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line: `length` bytes without and `taken` with its end.
    Whole { length: usize, taken: usize },
    /// Bytes of a line that is too long; `ended`: its end was among them.
    Skipped { taken: usize, ended: bool },
    /// The line's end is not in memory yet, or there is no line.
    NeedMore,
}

/// Cuts lines and gets past those that are too long.
#[derive(Debug)]
pub(super) struct Lines {
    bytes_max: usize,
    /// A line being skipped: where it starts and its first bytes.
    skipping: Option<(Position, Vec<u8>)>,
}

impl Lines {
    pub(super) fn new(bytes_max: usize) -> Lines {
        Lines { bytes_max, skipping: None }
    }

    /// The line at the front of `rest`, which starts at `position`. A line that is too long is
    /// rejected when its end is reached.
    #[inline]
    pub(super) fn next(&mut self, rest: &[u8], at_end: bool, position: Position, rows: &mut Rows) -> Line {
        if self.skipping.is_some() {
            return self.skip(rest, at_end, rows);
        }
        let (length, taken) = match memchr(b'\n', rest) {
            Some(length) => (length, length + 1),
            None if at_end && !rest.is_empty() => (rest.len(), rest.len()),
            None if rest.len() > self.bytes_max => (rest.len(), rest.len()),
            None => return Line::NeedMore,
        };
        if length > self.bytes_max {
            self.skipping = Some((position, Vec::new()));
            return self.skip(rest, at_end, rows);
        }
        Line::Whole { length, taken }
    }

    #[cold]
    fn skip(&mut self, rest: &[u8], at_end: bool, rows: &mut Rows) -> Line {
        let Some((_, head)) = &mut self.skipping else {
            return Line::NeedMore;
        };
        let end = memchr(b'\n', rest);
        let length = end.unwrap_or(rest.len());
        let kept = OVERSIZED_KEPT_BYTES.saturating_sub(head.len()).min(length);
        head.extend_from_slice(&rest[..kept]);
        if end.is_none() && !at_end {
            return match length {
                0 => Line::NeedMore,
                taken => Line::Skipped { taken, ended: false },
            };
        }
        if let Some((position, head)) = self.skipping.take() {
            let bytes_max = self.bytes_max;
            rows.reject(position, None, RejectReason::Oversized { bytes_max }, &head);
        }
        Line::Skipped { taken: length + usize::from(end.is_some()), ended: end.is_some() }
    }
}

/// `line` without the carriage return that ends it.
#[inline]
pub(super) fn without_carriage_return(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r'] => line,
        line => line,
    }
}
