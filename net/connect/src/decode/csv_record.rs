//! One CSV record with quotes taken apart (RFC 4180).

use memchr::{memchr, memchr2};

use crate::source::reject::RejectReason;

/// Where the text of a cell is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    start: usize,
    end: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the input, as it stands.
    Plain,
    /// In the input, between quotes.
    Quoted,
    /// In the scratch buffer, where doubled quotes have become single ones.
    Unescaped,
}

/// A record taken apart; reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Record {
    cells: Vec<Cell>,
    scratch: Vec<u8>,
}

/// What came of taking a record apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// It is whole: `bytes` without and `taken` with its line end, over `lines` line ends.
    Whole { bytes: usize, taken: usize, lines: u64 },
    /// Its end is not in memory yet.
    NeedMore,
    /// It is not a record.
    Malformed(RejectReason),
}

/// The settings that matter for taking records apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) bytes_max: usize,
    /// Cells after which a record that runs over several lines is given up; such a record is
    /// most likely a stray quote.
    pub(super) cells_max: usize,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Text of cell `index` of a record that starts at the front of `input`, and whether it was
    /// quoted.
    pub(super) fn cell<'a>(&'a self, index: usize, input: &'a [u8]) -> (&'a [u8], bool) {
        let cell = self.cells[index];
        match cell.place {
            Place::Plain => (&input[cell.start..cell.end], false),
            Place::Quoted => (&input[cell.start..cell.end], true),
            Place::Unescaped => (&self.scratch[cell.start..cell.end], true),
        }
    }

    /// Takes the record at the front of `input` apart; its first line has `line_bytes` bytes.
    pub(super) fn split(&mut self, input: &[u8], line_bytes: usize, at_end: bool, layout: Layout) -> Split {
        self.cells.clear();
        self.scratch.clear();
        // Nothing behind the longest record has a say, so that blocks do not either.
        let sight = layout.bytes_max + 2;
        let visible = &input[..input.len().min(sight)];
        let ends_here = at_end && visible.len() == input.len();
        let out_of_sight = || {
            if ends_here || input.len() >= sight {
                Split::Malformed(RejectReason::UnclosedQuote)
            } else {
                Split::NeedMore
            }
        };
        let mut at = 0;
        let mut lines = 0;
        loop {
            let quoted = layout.quote.is_some() && visible.get(at).copied() == layout.quote;
            let after = if quoted {
                match self.quoted_cell(visible, at, ends_here, layout) {
                    Some(after) => after,
                    None => return out_of_sight(),
                }
            } else {
                let end = memchr2(layout.delimiter, b'\n', &visible[at..]);
                match end {
                    Some(length) => self.plain_cell(visible, at, at + length),
                    None if ends_here => self.plain_cell(visible, at, visible.len()),
                    None => return out_of_sight(),
                }
            };
            if quoted && after > line_bytes {
                lines += memchr::memchr_iter(b'\n', &visible[at..after]).count() as u64;
            }
            if lines > 0 && self.cells.len() > layout.cells_max && !self.last_is_empty() {
                return Split::Malformed(RejectReason::CellCount {
                    found: self.cells.len(),
                    expected: layout.cells_max,
                });
            }
            let (end, taken) = match (visible.get(after), visible.get(after + 1)) {
                (Some(&byte), _) if byte == layout.delimiter => {
                    at = after + 1;
                    continue;
                }
                (None, _) if ends_here => (after, after),
                (Some(b'\n'), _) => (after, after + 1),
                (Some(b'\r'), Some(b'\n')) => (after, after + 2),
                (Some(b'\r'), None) if ends_here => (after, after + 1),
                (None, _) | (Some(b'\r'), None) => return out_of_sight(),
                (Some(_), _) => return Split::Malformed(RejectReason::TextAfterQuote),
            };
            if end > layout.bytes_max {
                return Split::Malformed(RejectReason::UnclosedQuote);
            }
            // The end of the input ends a line as well, but there is no byte to take.
            let lines = lines + u64::from(input[end..taken].contains(&b'\n'));
            return Split::Whole { bytes: end, taken, lines };
        }
    }

    /// Adds the plain cell from `start` to the delimiter or line end at `end`; returns where it
    /// ends, a carriage return before the line end not counted.
    fn plain_cell(&mut self, input: &[u8], start: usize, end: usize) -> usize {
        let at_line_end = input.get(end).is_none_or(|&byte| byte == b'\n');
        let end = match input[start..end].last() {
            Some(b'\r') if at_line_end => end - 1,
            _ => end,
        };
        self.cells.push(Cell { start, end, place: Place::Plain });
        end
    }

    /// Adds the cell whose opening quote is at `open`; returns where its closing quote has been
    /// passed, or `None` when that is out of sight.
    fn quoted_cell(&mut self, input: &[u8], open: usize, ends_here: bool, layout: Layout) -> Option<usize> {
        let quote = layout.quote?;
        let scratch_start = self.scratch.len();
        let mut piece = open + 1;
        let mut unescaped = false;
        loop {
            let close = piece + memchr(quote, &input[piece..])?;
            match input.get(close + 1) {
                Some(&next) if next == quote => {
                    self.scratch.extend_from_slice(&input[piece..=close]);
                    unescaped = true;
                    piece = close + 2;
                }
                None if !ends_here => return None,
                _ => {
                    if unescaped {
                        self.scratch.extend_from_slice(&input[piece..close]);
                    }
                    self.cells.push(if unescaped {
                        Cell { start: scratch_start, end: self.scratch.len(), place: Place::Unescaped }
                    } else {
                        Cell { start: piece, end: close, place: Place::Quoted }
                    });
                    return Some(close + 1);
                }
            }
        }
    }

    fn last_is_empty(&self) -> bool {
        self.cells.last().is_some_and(|cell| cell.start == cell.end)
    }
}
