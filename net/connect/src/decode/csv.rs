//! CSV.
//!
//! Lines without a quote, which is most lines of most files, are cut at the delimiters and their
//! cells parsed where they stand. A line with a quote goes through [`Record`]. What is wrong with
//! the shape of a record costs its first line only, so that a stray quote does not swallow the
//! lines behind it; what is wrong with a value costs the record.

use cep_types::options::CsvOptions;
use memchr::memchr;

use super::Decoder;
use super::csv_header::CellMap;
use super::csv_record::{Layout, Record, Split};
use super::lines::{Line, Lines, without_carriage_return};
use crate::ConnectError;
use crate::source::Rows;
use crate::source::reject::{Position, RejectReason};
use crate::source::window::Window;

/// Decodes delimited text.
pub(crate) struct CsvDecoder {
    options: CsvOptions,
    name: String,
    bytes_max: usize,
    map: Option<CellMap>,
    lines: Lines,
    record: Record,
    quotes: QuoteScan,
}

/// A record's fault: the column it is in, if any, and what it is.
type Fault = (Option<usize>, RejectReason);

impl CsvDecoder {
    /// A decoder of the input called `name` whose records have at most `bytes_max` bytes.
    pub(crate) fn new(options: CsvOptions, name: String, bytes_max: usize) -> CsvDecoder {
        CsvDecoder {
            options,
            name,
            bytes_max,
            map: None,
            lines: Lines::new(bytes_max),
            record: Record::default(),
            quotes: QuoteScan::default(),
        }
    }

    fn layout(&self) -> Layout {
        Layout {
            delimiter: self.options.delimiter,
            quote: self.options.quote,
            bytes_max: self.bytes_max,
            cells_max: match &self.map {
                Some(map) if !map.at_least => map.cells,
                _ => usize::MAX,
            },
        }
    }

    /// Takes the header, or decides that there is none. `false`: it is not wholly there.
    fn take_header(&mut self, window: &mut Window, rows: &Rows) -> Result<bool, ConnectError> {
        if !self.options.has_header {
            self.map = Some(CellMap::by_position(&self.options, rows));
            return Ok(true);
        }
        let error =
            |reason: String| ConnectError::Header { name: self.name.clone(), reason, suggestion: None };
        loop {
            let bytes = window.bytes();
            if bytes.is_empty() && window.at_end() {
                // An empty file has no rows; it needs no header.
                return Ok(false);
            }
            let line = memchr(b'\n', bytes).unwrap_or(bytes.len());
            let layout = self.layout();
            match self.record.split(bytes, line, window.at_end(), layout) {
                Split::NeedMore => return Ok(false),
                Split::Malformed(reason) => {
                    let reason = match self.bytes_max {
                        bytes_max if line > bytes_max => RejectReason::Oversized { bytes_max },
                        _ => reason,
                    };
                    return Err(error(format!("the header: {reason}")));
                }
                Split::Whole { bytes: 0, taken, lines } => window.take(taken, lines),
                Split::Whole { taken, lines, .. } => {
                    let header: Result<Vec<String>, _> = (0..self.record.len())
                        .map(|cell| {
                            let (text, _) = self.record.cell(cell, bytes);
                            std::str::from_utf8(text).map(|text| text.trim().to_owned())
                        })
                        .collect();
                    let header = header.map_err(|_| error("the header is not UTF-8".to_owned()))?;
                    let map = CellMap::by_header(&self.options, &header, rows, &self.name)?;
                    self.map = Some(map);
                    window.take(taken, lines);
                    return Ok(true);
                }
            }
        }
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, window: &mut Window, rows: &mut Rows) -> Result<(), ConnectError> {
        if self.map.is_none() && !self.take_header(window, rows)? {
            return Ok(());
        }
        let layout = self.layout();
        let Some(map) = &self.map else {
            return Ok(());
        };
        let start = window.position();
        let bytes = window.bytes();
        let at_end = window.at_end();
        let mut at = 0;
        let mut lines = 0;
        while !rows.is_full() {
            let rest = &bytes[at..];
            let position = Position { byte: start.byte + at as u64, line: start.line + lines };
            let (length, taken) = match self.lines.next(rest, at_end, position, rows) {
                Line::NeedMore => break,
                Line::Skipped { taken, ended } => {
                    at += taken;
                    lines += u64::from(ended);
                    continue;
                }
                Line::Whole { length, taken } => (length, taken),
            };
            let has_quote = match layout.quote {
                Some(quote) => self.quotes.any(quote, bytes, start.byte, at, at + length),
                None => false,
            };
            if !has_quote {
                let line = without_carriage_return(&rest[..length]);
                if !line.is_empty() {
                    plain_line(line, map, &self.options, position, rows);
                }
                at += taken;
                lines += u64::from(taken > length);
                continue;
            }
            match self.record.split(rest, length, at_end, layout) {
                Split::NeedMore => break,
                Split::Malformed(reason) => {
                    let line = without_carriage_return(&rest[..length]);
                    rows.reject(position, None, reason, line);
                    at += taken;
                    lines += u64::from(taken > length);
                }
                Split::Whole { bytes: length, taken: record_taken, lines: record_lines } => {
                    let result = quoted_record(&self.record, rest, map, &self.options, rows)
                        .and_then(|()| rows.commit(position, &rest[..length]));
                    let Err((column, reason)) = result else {
                        at += record_taken;
                        lines += record_lines;
                        continue;
                    };
                    rows.roll_back();
                    let of_shape = matches!(reason, RejectReason::CellCount { .. });
                    if of_shape {
                        let line = without_carriage_return(&rest[..taken.min(record_taken)]);
                        rows.reject(position, column, reason, first_line(line));
                        at += taken;
                        lines += u64::from(rest[..taken].ends_with(b"\n"));
                    } else {
                        rows.reject(position, column, reason, &rest[..length]);
                        at += record_taken;
                        lines += record_lines;
                    }
                }
            }
        }
        window.take(at, lines);
        Ok(())
    }
}

/// A line without its end.
fn first_line(line: &[u8]) -> &[u8] {
    without_carriage_return(line.strip_suffix(b"\n").unwrap_or(line))
}

/// Reads a line without quotes.
#[inline]
fn plain_line(line: &[u8], map: &CellMap, options: &CsvOptions, position: Position, rows: &mut Rows) {
    let result = plain_cells(line, map, options, rows).and_then(|()| rows.commit(position, line));
    if let Err((column, reason)) = result {
        refuse_line(line, map, options, position, rows, column, reason);
    }
}

#[cold]
fn refuse_line(
    line: &[u8],
    map: &CellMap,
    options: &CsvOptions,
    position: Position,
    rows: &mut Rows,
    column: Option<usize>,
    reason: RejectReason,
) {
    rows.roll_back();
    // A missing or extra delimiter shifts the cells, which then have wrong types: say so instead.
    let mut cells = line.split(|&byte| byte == options.delimiter);
    let found = cells.clone().count();
    let extra_are_empty = cells.by_ref().skip(map.cells).all(<[u8]>::is_empty);
    match check_count(map, found, extra_are_empty) {
        Err(count) => rows.reject(position, None, count, line),
        Ok(()) => rows.reject(position, column, reason, line),
    }
}

/// Pushes the cells of a line without quotes.
#[inline]
fn plain_cells(line: &[u8], map: &CellMap, options: &CsvOptions, rows: &mut Rows) -> Result<(), Fault> {
    let mut targets = map.targets.iter();
    let mut target = targets.next();
    let mut start = 0;
    let mut cell = 0;
    loop {
        let end = next_delimiter(line, start, options.delimiter);
        while let Some(wanted) = target
            && wanted.cell == cell
        {
            push_cell(&line[start..end], false, options, wanted.builder, rows)?;
            target = targets.next();
        }
        cell += 1;
        if end == line.len() {
            break;
        }
        start = end + 1;
    }
    if cell != map.cells {
        let extra_are_empty =
            line.split(|&byte| byte == options.delimiter).skip(map.cells).all(<[u8]>::is_empty);
        check_count(map, cell, extra_are_empty).map_err(|reason| (None, reason))?;
    }
    Ok(())
}

/// Where the next delimiter at or behind `start` is, or the end of the line. Cells are short, so
/// eight bytes are looked at together in a register rather than by a call to a vector search.
#[inline]
fn next_delimiter(line: &[u8], start: usize, delimiter: u8) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let pattern = u64::from(delimiter) * ONES;
    let mut at = start;
    while let Some(eight) = line.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        // A zero byte marks a delimiter; the lowest one found this way is always a true one.
        let word = u64::from_le_bytes(*eight) ^ pattern;
        let zeros = word.wrapping_sub(ONES) & !word & TOPS;
        if zeros != 0 {
            return at + (zeros.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = line[at..].iter().position(|&byte| byte == delimiter);
    rest.map_or(line.len(), |length| at + length)
}

/// Pushes the cells of a record with quotes.
fn quoted_record(
    record: &Record,
    input: &[u8],
    map: &CellMap,
    options: &CsvOptions,
    rows: &mut Rows,
) -> Result<(), Fault> {
    let extra_are_empty = (map.cells..record.len()).all(|cell| record.cell(cell, input) == (&[], false));
    check_count(map, record.len(), extra_are_empty).map_err(|reason| (None, reason))?;
    for target in &map.targets {
        let (text, quoted) = record.cell(target.cell, input);
        push_cell(text, quoted, options, target.builder, rows)?;
    }
    Ok(())
}

/// Whether a record has the cells it needs. Empty cells at the end are not counted: many writers
/// end every line with a delimiter.
fn check_count(map: &CellMap, found: usize, extra_are_empty: bool) -> Result<(), RejectReason> {
    if found == map.cells || (found > map.cells && (map.at_least || extra_are_empty)) {
        return Ok(());
    }
    Err(RejectReason::CellCount { found, expected: map.cells })
}

/// Pushes one cell into its builder.
#[inline]
fn push_cell(
    text: &[u8],
    quoted: bool,
    options: &CsvOptions,
    builder: usize,
    rows: &mut Rows,
) -> Result<(), Fault> {
    let column = &mut rows.columns[builder];
    let is_null = if text.is_empty() {
        !column.takes_empty_text() || (!quoted && options.null_text.is_none())
    } else {
        match &options.null_text {
            Some(null) => !quoted && text == null.as_bytes(),
            None => false,
        }
    };
    let pushed = if is_null { column.push_null() } else { column.push_text(text) };
    pushed.map_err(|reason| (Some(rows.stream_index[builder]), reason))
}

/// Remembers where the next quote is, so that the input is searched for quotes once.
#[derive(Debug, Default)]
struct QuoteScan {
    /// First quote at or behind the last place asked about, if one is known.
    next: Option<u64>,
    /// Input searched so far.
    searched: u64,
}

impl QuoteScan {
    /// Whether `bytes[from..to]` has a quote; `bytes` starts at `base` in the input, and `from`
    /// never goes back except to a place asked about before.
    #[inline]
    fn any(&mut self, quote: u8, bytes: &[u8], base: u64, from: usize, to: usize) -> bool {
        let (first, behind) = (base + from as u64, base + to as u64);
        match self.next {
            Some(next) if next >= first => next < behind,
            None if self.searched >= behind => false,
            _ => self.search(quote, bytes, base, from) < behind,
        }
    }

    #[cold]
    fn search(&mut self, quote: u8, bytes: &[u8], base: u64, from: usize) -> u64 {
        let from = match self.next {
            None => from.max(usize::try_from(self.searched.saturating_sub(base)).unwrap_or(from)),
            Some(_) => from,
        };
        self.searched = base + bytes.len() as u64;
        self.next = memchr(quote, &bytes[from..]).map(|at| base + (from + at) as u64);
        self.next.unwrap_or(u64::MAX)
    }
}
