//! The options of a table: its own, and those of the file that it is seeded from.

use arrow_schema::FieldRef;
use cep_types::options::{Role, SourceConnector, StreamOptions, closest, parse_duration};

use crate::ast::{OptionLiteral, Span, WithOption};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::stream;
use crate::plan::{OnConflict, WhenFull};

/// `table.rows.max` when nothing is said.
const ROWS_MAX: u64 = 1_000_000;

/// What WITH says.
#[derive(Debug)]
pub(super) struct TableOptions {
    /// `table.rows.max`.
    pub rows_max: u64,
    /// `table.full`.
    pub full: WhenFull,
    /// `state.ttl`.
    pub ttl_ns: Option<i64>,
    /// `insert.conflict`.
    pub conflict: OnConflict,
    /// The file it begins with.
    pub source: Option<StreamOptions>,
}

const OWN: &[&str] = &["table.rows.max", "table.full", "state.ttl", "insert.conflict"];

/// Reads the options of a table with these columns.
///
/// # Errors
/// An option that is unknown, malformed or without effect.
pub(super) fn read(
    written: &[WithOption],
    fields: &[FieldRef],
    has_key: bool,
    span: Span,
) -> Result<TableOptions> {
    let find = |key: &str| written.iter().find(|option| option.key.matches(key));
    let rest: Vec<WithOption> =
        written.iter().filter(|option| !OWN.iter().any(|key| option.key.matches(key))).cloned().collect();
    let conflict = find("insert.conflict");
    if let Some(option) = conflict.filter(|_| !has_key) {
        let message = "option `insert.conflict` has no effect on a table without PRIMARY KEY";
        let help = "add PRIMARY KEY (column), or leave the option out";
        return Err(Box::new(Diagnostic::at(codes::OPTION_CONFLICT, option.key.span, message).help(help)));
    }
    Ok(TableOptions {
        rows_max: find("table.rows.max").map_or(Ok(ROWS_MAX), count)?,
        full: find("table.full").map_or(Ok(WhenFull::Fail), |option| {
            word(
                option,
                &[
                    ("reject", WhenFull::Reject),
                    ("evict-oldest", WhenFull::EvictOldest),
                    ("fail", WhenFull::Fail),
                ],
            )
        })?,
        ttl_ns: find("state.ttl").map(duration).transpose()?,
        conflict: conflict.map_or(Ok(OnConflict::Error), |option| {
            word(
                option,
                &[
                    ("error", OnConflict::Error),
                    ("replace", OnConflict::Replace),
                    ("ignore", OnConflict::Ignore),
                ],
            )
        })?,
        source: source(&rest, fields, span)?,
    })
}

/// The file in the options that are not the table's own.
fn source(rest: &[WithOption], fields: &[FieldRef], span: Span) -> Result<Option<StreamOptions>> {
    let Some(first) = rest.first() else { return Ok(None) };
    let is_connector = |option: &WithOption| {
        ["type", "extension", "format"].iter().any(|key| option.key.matches(key))
            || ["file.", "csv.", "json.", "regex.", "error.", "record."]
                .iter()
                .any(|start| option.key.text.to_ascii_lowercase().starts_with(start))
    };
    if let Some(other) = rest.iter().find(|option| !is_connector(option)) {
        let key = &other.key.text;
        let message = format!("`{key}` is not an option of a table");
        let help = match closest(key, OWN.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("a table has {}, and those of the file it begins with", OWN.join(", ")),
        };
        return Err(Box::new(Diagnostic::at(codes::UNKNOWN_OPTION, other.key.span, message).help(help)));
    }
    let options = stream::options(rest, fields, span)?;
    match &options.role {
        Role::Source(SourceConnector::File { .. }) => Ok(Some(options)),
        Role::Source(_) | Role::Sink(_) | Role::Internal => {
            let message = "a table begins with the rows of a file, and takes others from streams";
            let help =
                "write 'type' = 'source', 'extension' = 'file', and INSERT INTO for the rows of a stream";
            Err(Box::new(Diagnostic::at(codes::OPTION_VALUE, first.key.span, message).help(help)))
        }
    }
}

fn text(option: &WithOption) -> String {
    match &option.value {
        OptionLiteral::Text(text) | OptionLiteral::Number(text) => text.trim().to_owned(),
        OptionLiteral::Bool(value) => value.to_string(),
        OptionLiteral::IntervalNs(ns) => cep_types::options::format_duration(*ns),
    }
}

fn refused(option: &WithOption, reason: &str, help: &str) -> Box<Diagnostic> {
    let message = format!("option `{}`: {reason}", option.key.text);
    Box::new(Diagnostic::at(codes::OPTION_VALUE, option.value_span, message).help(help))
}

fn word<T: Copy>(option: &WithOption, words: &[(&str, T)]) -> Result<T> {
    let written = text(option);
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&written));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        refused(option, &format!("'{written}' is not one of {}", known.join(", ")), "write one of them")
    })
}

fn count(option: &WithOption) -> Result<u64> {
    // Rows are numbered with 32 bits, gaps among them.
    const MOST: u64 = 1 << 30;
    let written = text(option);
    match written.replace('_', "").parse::<u64>() {
        Ok(rows) if (1..=MOST).contains(&rows) => Ok(rows),
        Ok(_) | Err(_) => Err(refused(
            option,
            &format!("'{written}' is not a count from 1 to {MOST}"),
            "write a count of rows",
        )),
    }
}

fn duration(option: &WithOption) -> Result<i64> {
    let ns = match &option.value {
        OptionLiteral::IntervalNs(ns) => Ok(*ns),
        OptionLiteral::Text(_) | OptionLiteral::Number(_) | OptionLiteral::Bool(_) => {
            parse_duration(&text(option))
        }
    };
    match ns {
        Ok(ns) if ns > 0 => Ok(ns),
        Ok(_) => Err(refused(option, "is 0: nothing would be kept", "write a longer time")),
        Err(reason) => Err(refused(option, &reason, "write a time: '1 hour'")),
    }
}
