//! JSON lines, and one top-level array.
//!
//! The first byte decides: `[` starts an array whose elements are the records (unless a column's
//! path asks for array elements itself); anything else means one record a line.

use cep_types::options::{JsonOptions, JsonPath};

use super::Decoder;
use super::json_array::{ElementScan, Scanned};
use super::json_path_tree::{PathTree, RowState};
use super::lines::{Line, Lines};
use crate::ConnectError;
use crate::source::Rows;
use crate::source::reject::{OVERSIZED_KEPT_BYTES, Position, RejectReason};
use crate::source::window::Window;

/// Decodes JSON records.
pub(crate) struct JsonDecoder {
    tree: PathTree,
    state: RowState,
    bytes_max: usize,
    lines: Lines,
    mode: Mode,
}

/// What the decoder is in the middle of.
#[derive(Debug)]
enum Mode {
    /// Nothing yet, or behind an array.
    Undecided,
    Lines,
    /// In an array, before an element.
    BeforeElement {
        after_comma: bool,
    },
    /// In an array, in an element; when it is too long, its position and first bytes.
    Element {
        scan: ElementScan,
        oversized: Option<(Position, Vec<u8>)>,
    },
    /// In an array, behind an element.
    BehindElement,
}

/// A place in the window.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    at_end: bool,
    start: Position,
    lines: u64,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn position(&self) -> Position {
        Position { byte: self.start.byte + self.at as u64, line: self.start.line + self.lines }
    }

    fn take(&mut self, bytes: usize) {
        let taken = &self.rest()[..bytes];
        self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
        self.at += bytes;
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        let blanks = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        self.take(blanks);
        self.rest().first().copied()
    }
}

impl JsonDecoder {
    /// A decoder for the columns of `rows` whose records have at most `bytes_max` bytes.
    pub(crate) fn new(options: &JsonOptions, rows: &Rows, bytes_max: usize) -> JsonDecoder {
        let path_of = |column: usize| -> Option<&JsonPath> {
            let given = options.mapping.iter().find(|(index, _)| *index == column);
            given.map(|(_, path)| path)
        };
        let builders = rows.columns.iter().zip(&rows.stream_index);
        let tree = PathTree::new(builders.map(|(column, &at)| (&column.field, path_of(at))));
        JsonDecoder {
            tree,
            state: RowState::default(),
            bytes_max,
            lines: Lines::new(bytes_max),
            mode: Mode::Undecided,
        }
    }

    /// Makes a row of a record.
    fn read(&mut self, text: &[u8], position: Position, rows: &mut Rows) {
        let count = rows.len();
        let result = self
            .state
            .read(text, &self.tree, &mut rows.columns, count)
            .map_err(|(builder, reason)| (builder.map(|at| rows.stream_index[at]), reason))
            .and_then(|()| rows.commit(position, text));
        if let Err((column, reason)) = result {
            rows.roll_back();
            rows.reject(position, column, reason, text);
        }
    }

    /// One step; `false`: more input is needed.
    fn step(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> bool {
        match &mut self.mode {
            Mode::Undecided => match cursor.peek() {
                None => return false,
                Some(b'[') if !self.tree.wants_array() => {
                    cursor.take(1);
                    self.mode = Mode::BeforeElement { after_comma: false };
                }
                Some(_) => self.mode = Mode::Lines,
            },
            Mode::Lines => return self.line(cursor, rows),
            Mode::BeforeElement { after_comma } => match (cursor.peek(), *after_comma) {
                (None, _) => return self.array_end(cursor, rows),
                (Some(b']'), false) => {
                    cursor.take(1);
                    self.mode = Mode::Undecided;
                }
                (Some(byte @ (b',' | b']')), _) => {
                    let reason = RejectReason::Json("an element is missing".into());
                    rows.reject(cursor.position(), None, reason, &[]);
                    cursor.take(1);
                    self.mode = match byte {
                        b',' => Mode::BeforeElement { after_comma: true },
                        _ => Mode::Undecided,
                    };
                }
                (Some(_), _) => {
                    self.mode = Mode::Element { scan: ElementScan::default(), oversized: None };
                }
            },
            Mode::Element { .. } => return self.element(cursor, rows),
            Mode::BehindElement => match cursor.peek() {
                None => return self.array_end(cursor, rows),
                Some(b',') => {
                    cursor.take(1);
                    self.mode = Mode::BeforeElement { after_comma: true };
                }
                Some(b']') => {
                    cursor.take(1);
                    self.mode = Mode::Undecided;
                }
                Some(_) => {
                    let reason = RejectReason::Json("a comma is missing between elements".into());
                    rows.reject(cursor.position(), None, reason, &[]);
                    self.mode = Mode::BeforeElement { after_comma: false };
                }
            },
        }
        true
    }

    fn line(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> bool {
        let (rest, position) = (cursor.rest(), cursor.position());
        match self.lines.next(rest, cursor.at_end, position, rows) {
            Line::NeedMore => return false,
            Line::Skipped { taken, .. } => cursor.take(taken),
            Line::Whole { length, taken } => {
                let line = rest[..length].trim_ascii();
                if !line.is_empty() {
                    self.read(line, position, rows);
                }
                cursor.at += taken;
                cursor.lines += u64::from(taken > length);
            }
        }
        true
    }

    fn element(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> bool {
        let Mode::Element { scan, oversized } = &mut self.mode else {
            return true;
        };
        // Of an element that is too long only the new bytes are still in the window.
        let looked_at = if oversized.is_some() { 0 } else { scan.length };
        let before = scan.length;
        let scanned = scan.advance(&cursor.rest()[looked_at..]);
        let here = looked_at + scan.length - before;
        if scan.length > self.bytes_max {
            let position = cursor.position();
            let (_, head) = oversized.get_or_insert_with(|| (position, Vec::new()));
            let kept = OVERSIZED_KEPT_BYTES.saturating_sub(head.len()).min(here);
            head.extend_from_slice(&cursor.rest()[..kept]);
            cursor.take(here);
        }
        if scanned == Scanned::More && !cursor.at_end {
            return false;
        }
        let taken = oversized.take();
        self.mode = match scanned {
            Scanned::Broken => Mode::BeforeElement { after_comma: false },
            _ => Mode::BehindElement,
        };
        match taken {
            Some((position, head)) => {
                let bytes_max = self.bytes_max;
                rows.reject(position, None, RejectReason::Oversized { bytes_max }, &head);
            }
            None if scanned != Scanned::More => {
                let text = &cursor.rest()[..here];
                self.read(text, cursor.position(), rows);
                cursor.take(here);
            }
            None => {
                // The input ends inside the element, or right behind a bare value.
                let text = cursor.rest();
                let position = cursor.position();
                rows.reject(position, None, RejectReason::ArrayNotClosed, text);
                cursor.take(text.len());
                self.mode = Mode::Undecided;
            }
        }
        true
    }

    /// The end of what is in memory, between elements.
    fn array_end(&mut self, cursor: &Cursor<'_>, rows: &mut Rows) -> bool {
        if cursor.at_end {
            rows.reject(cursor.position(), None, RejectReason::ArrayNotClosed, &[]);
            self.mode = Mode::Undecided;
        }
        false
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, window: &mut Window, rows: &mut Rows) -> Result<(), ConnectError> {
        let mut cursor = Cursor {
            bytes: window.bytes(),
            at: 0,
            at_end: window.at_end(),
            start: window.position(),
            lines: 0,
        };
        while !rows.is_full() && self.step(&mut cursor, rows) {}
        let (taken, lines) = (cursor.at, cursor.lines);
        window.take(taken, lines);
        Ok(())
    }
}
