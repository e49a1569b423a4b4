//! Log lines taken apart by a pattern with named groups.

use cep_types::options::{NoMatch, OptionError, RegexOptions};
use regex::bytes::{CaptureLocations, Regex};

use super::Decoder;
use super::lines::{Line, Lines, without_carriage_return};
use crate::ConnectError;
use crate::source::Rows;
use crate::source::reject::{Position, RejectReason};
use crate::source::window::Window;

/// Decodes lines with a regular expression. A group that takes no part in the match is NULL, and
/// so is one that matches nothing, except in STRING and BYTES columns.
pub(crate) struct RegexDecoder {
    regex: Regex,
    groups: CaptureLocations,
    /// Group and builder of each wanted column.
    targets: Vec<(usize, usize)>,
    no_match: NoMatch,
    lines: Lines,
}

impl RegexDecoder {
    /// A decoder for the columns of `rows` whose lines have at most `bytes_max` bytes.
    pub(crate) fn new(
        options: &RegexOptions,
        rows: &Rows,
        bytes_max: usize,
    ) -> Result<RegexDecoder, ConnectError> {
        let regex = Regex::new(&options.pattern)
            .map_err(|error| OptionError::new("regex.pattern", error.to_string()))?;
        let mut targets = Vec::new();
        for (group, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let builder = rows.columns.iter().position(|column| {
                let field = column.field.name();
                field == name || field.to_lowercase() == name.to_lowercase()
            });
            targets.extend(builder.map(|builder| (group, builder)));
        }
        if targets.len() != rows.columns.len() {
            let reason = "not every column has a named group";
            return Err(OptionError::new("regex.pattern", reason).into());
        }
        Ok(RegexDecoder {
            groups: regex.capture_locations(),
            regex,
            targets,
            no_match: options.no_match,
            lines: Lines::new(bytes_max),
        })
    }

    fn read(&mut self, line: &[u8], position: Position, rows: &mut Rows) {
        if self.regex.captures_read(&mut self.groups, line).is_none() {
            match self.no_match {
                NoMatch::Skip => rows.skipped += 1,
                NoMatch::Error => rows.reject(position, None, RejectReason::NoMatch, line),
            }
            return;
        }
        let mut result = Ok(());
        for &(group, builder) in &self.targets {
            let column = &mut rows.columns[builder];
            let pushed = match self.groups.get(group) {
                Some((start, end)) if start < end || column.takes_empty_text() => {
                    column.push_text(&line[start..end])
                }
                _ => column.push_null(),
            };
            if let Err(reason) = pushed {
                result = Err((Some(rows.stream_index[builder]), reason));
                break;
            }
        }
        if let Err((column, reason)) = result.and_then(|()| rows.commit(position, line)) {
            rows.roll_back();
            rows.reject(position, column, reason, line);
        }
    }
}

impl Decoder for RegexDecoder {
    fn decode(&mut self, window: &mut Window, rows: &mut Rows) -> Result<(), ConnectError> {
        let start = window.position();
        let bytes = window.bytes();
        let (mut at, mut lines) = (0, 0);
        while !rows.is_full() {
            let rest = &bytes[at..];
            let position = Position { byte: start.byte + at as u64, line: start.line + lines };
            match self.lines.next(rest, window.at_end(), position, rows) {
                Line::NeedMore => break,
                Line::Skipped { taken, ended } => {
                    at += taken;
                    lines += u64::from(ended);
                }
                Line::Whole { length, taken } => {
                    let line = without_carriage_return(&rest[..length]);
                    if !line.is_empty() {
                        self.read(line, position, rows);
                    }
                    at += taken;
                    lines += u64::from(taken > length);
                }
            }
        }
        window.take(at, lines);
        Ok(())
    }
}
