//! How bytes become rows and rows become bytes.

use arrow_schema::FieldRef;

use super::pairs::Pairs;
use super::{JsonPath, OptionError, closest};

/// A format with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv(CsvOptions),
    /// One JSON object a line (a source also reads one top-level array).
    Json(JsonOptions),
    /// Log lines taken apart by a pattern; sources only.
    Regex(RegexOptions),
    /// Aligned columns for people; sinks only.
    Table,
}

/// Settings of delimited text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// Between cells.
    pub delimiter: u8,
    /// Around cells that need it; `None`: quotes are ordinary characters.
    pub quote: Option<u8>,
    /// Unquoted text that means NULL, beside the empty cell; also what a sink prints for NULL.
    pub null_text: Option<String>,
    /// Sources: the first record names the cells.
    pub has_header: bool,
    /// Sinks: the output starts with the names of the columns.
    pub include_header: bool,
    /// Sources: cells of columns that do not map by their own name or position,
    /// by index of the column.
    pub mapping: Vec<(usize, CsvField)>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            null_text: None,
            has_header: true,
            include_header: true,
            mapping: Vec::new(),
        }
    }
}

/// A cell of a CSV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvField {
    /// By its name in the header, ignoring case.
    Name(String),
    /// By its position, from 0.
    Index(usize),
}

/// Settings of JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// Paths of columns that do not map by their own name, by index of the column.
    pub mapping: Vec<(usize, JsonPath)>,
}

/// Settings of lines taken apart by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexOptions {
    /// The pattern (syntax of the `regex` crate); it compiles, and its named groups are exactly
    /// the columns, ignoring case.
    pub pattern: String,
    /// Lines that do not match.
    pub no_match: NoMatch,
}

/// What happens to a line that the pattern does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMatch {
    /// Counted and left out.
    Skip,
    /// A failed record.
    Error,
}

/// Which end a format is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Sink,
}

impl Format {
    /// Reads `format` and its settings. `None`: not given and not known from the path.
    pub(super) fn take(
        pairs: &mut Pairs,
        end: End,
        path: Option<&str>,
        columns: &[FieldRef],
    ) -> Result<Option<Format>, OptionError> {
        let words: &[&'static str] = match end {
            End::Source => &["csv", "json", "regex"],
            End::Sink => &["csv", "json", "table"],
        };
        let implied = path.and_then(implied_format).unwrap_or("");
        Ok(Some(match pairs.word("format", implied, words)? {
            "csv" => Format::Csv(CsvOptions::take(pairs, end, columns)?),
            "json" => Format::Json(JsonOptions::take(pairs, end, columns)?),
            "regex" => Format::Regex(RegexOptions::take(pairs, columns)?),
            "table" => Format::Table,
            _ => return Ok(None),
        }))
    }
}

/// Format that the ending of a path names.
fn implied_format(path: &str) -> Option<&'static str> {
    let path = path.to_ascii_lowercase();
    let path = path.strip_suffix(".gz").unwrap_or(&path);
    match path.rsplit_once('.')?.1 {
        "csv" => Some("csv"),
        "json" | "jsonl" | "ndjson" => Some("json"),
        _ => None,
    }
}

/// Index of a column by its name, ignoring case.
pub(super) fn column_index(columns: &[FieldRef], key: &str, name: &str) -> Result<usize, OptionError> {
    let exact = columns.iter().position(|field| field.name() == name);
    exact
        .or_else(|| columns.iter().position(|field| field.name().to_lowercase() == name.to_lowercase()))
        .ok_or_else(|| {
            OptionError::new(key, format!("the stream has no column '{name}'"))
                .did_you_mean(closest(name, columns.iter().map(|f| f.name().as_str())))
        })
}

/// The columns that keys of the form `prefix<col>` name, each once.
fn column_pairs(
    pairs: &mut Pairs,
    prefix: &str,
    columns: &[FieldRef],
) -> Result<Vec<(usize, String, String)>, OptionError> {
    let mut found: Vec<(usize, String, String)> = Vec::new();
    for (name, value) in pairs.with_prefix(prefix) {
        let key = format!("{prefix}{name}");
        let index = column_index(columns, &key, &name)?;
        if found.iter().any(|(other, ..)| *other == index) {
            return Err(OptionError::new(key, "maps a column that is mapped already"));
        }
        found.push((index, key, value.text()));
    }
    Ok(found)
}

impl CsvOptions {
    fn take(pairs: &mut Pairs, end: End, columns: &[FieldRef]) -> Result<Self, OptionError> {
        let delimiter = pairs.byte("csv.delimiter")?.unwrap_or(b',');
        let quote = if pairs.has("csv.quote") { take_quote(pairs)? } else { Some(b'"') };
        if quote == Some(delimiter) {
            return Err(OptionError::new("csv.quote", "is the delimiter too"));
        }
        let mut options = CsvOptions {
            delimiter,
            quote,
            null_text: pairs.text("csv.null").filter(|text| !text.is_empty()),
            ..CsvOptions::default()
        };
        if end == End::Sink {
            options.include_header = pairs.boolean("csv.include-header", true)?;
            return Ok(options);
        }
        options.has_header = pairs.boolean("csv.has-header", true)?;
        for (index, key, value) in column_pairs(pairs, "csv.mapping.", columns)? {
            let field = match value.parse::<usize>() {
                Ok(position) => CsvField::Index(position),
                Err(_) if options.has_header => CsvField::Name(value),
                Err(_) => {
                    return Err(OptionError::new(
                        key,
                        format!("'{value}' names a cell, but there is no header"),
                    )
                    .suggest("give the position, from 0"));
                }
            };
            options.mapping.push((index, field));
        }
        Ok(options)
    }
}

fn take_quote(pairs: &mut Pairs) -> Result<Option<u8>, OptionError> {
    // `none` is a word, anything else must be one byte.
    match pairs.peek_text("csv.quote").as_deref() {
        Some("none" | "") => {
            pairs.text("csv.quote");
            Ok(None)
        }
        _ => pairs.byte("csv.quote"),
    }
}

impl JsonOptions {
    fn take(pairs: &mut Pairs, end: End, columns: &[FieldRef]) -> Result<Self, OptionError> {
        let mut options = JsonOptions::default();
        if end == End::Source {
            for (index, key, value) in column_pairs(pairs, "json.mapping.", columns)? {
                let path = JsonPath::parse(&value).map_err(|why| OptionError::new(key, why))?;
                options.mapping.push((index, path));
            }
        }
        Ok(options)
    }
}

impl RegexOptions {
    fn take(pairs: &mut Pairs, columns: &[FieldRef]) -> Result<Self, OptionError> {
        const KEY: &str = "regex.pattern";
        let pattern = pairs.text(KEY).ok_or_else(|| {
            OptionError::new("format", "'regex' needs a pattern")
                .suggest("add 'regex.pattern' = '(?<column>…) …'")
        })?;
        let compiled = regex::bytes::Regex::new(&pattern)
            .map_err(|error| OptionError::new(KEY, format!("does not compile: {error}")))?;
        let groups: Vec<&str> = compiled.capture_names().flatten().collect();
        let mut fed = vec![None; columns.len()];
        for group in &groups {
            let index = column_index(columns, KEY, group)?;
            if let Some(other) = fed[index].replace(group) {
                return Err(OptionError::new(
                    KEY,
                    format!("groups '{other}' and '{group}' feed the same column"),
                ));
            }
        }
        if let Some(index) = fed.iter().position(Option::is_none) {
            let name = columns[index].name();
            return Err(OptionError::new(KEY, format!("no named group feeds column '{name}'"))
                .suggest(format!("add (?<{name}>…)")));
        }
        let no_match = match pairs.word("regex.no-match", "skip", &["skip", "error"])? {
            "error" => NoMatch::Error,
            _ => NoMatch::Skip,
        };
        Ok(RegexOptions { pattern, no_match })
    }
}
