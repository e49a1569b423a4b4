//! Every option of a stream, once: for the parser, the documentation and `SHOW`.

use super::OptionError;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionKey {
    /// The key; `<col>` stands for the name of a column.
    pub name: &'static str,
    /// Kind of value, in words.
    pub kind: &'static str,
    /// Value when the key is absent; empty when there is none.
    pub default: &'static str,
    /// Which streams it is for.
    pub side: OptionSide,
    /// What else must be chosen for the key to have an effect; empty when nothing.
    pub needs: &'static str,
    /// A value that is valid in a fitting statement.
    pub example: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// Which streams an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionSide {
    /// Streams that read from outside.
    Source,
    /// Streams that write to outside.
    Sink,
    /// Both of these.
    Connector,
    /// Sources and streams without a connector.
    Input,
    /// Every stream.
    Any,
}

impl OptionSide {
    /// The side in words.
    pub fn as_str(self) -> &'static str {
        match self {
            OptionSide::Source => "source",
            OptionSide::Sink => "sink",
            OptionSide::Connector => "source, sink",
            OptionSide::Input => "source, internal",
            OptionSide::Any => "any",
        }
    }
}

impl OptionKey {
    /// Whether `written` is this key, with any column name in place of `<col>`.
    pub fn covers(&self, written: &str) -> bool {
        self.normalise(written).is_some()
    }

    /// `written` with the fixed parts in this key's case, when it is this key.
    fn normalise(&self, written: &str) -> Option<String> {
        let Some((before, after)) = self.name.split_once("<col>") else {
            return written.eq_ignore_ascii_case(self.name).then(|| self.name.to_owned());
        };
        let head = written.get(..before.len())?;
        let tail_at = written.len().checked_sub(after.len())?;
        let column = written.get(before.len()..tail_at)?;
        let tail = written.get(tail_at..)?;
        (head.eq_ignore_ascii_case(before) && tail.eq_ignore_ascii_case(after) && !column.is_empty())
            .then(|| format!("{before}{column}{after}"))
    }
}

/// The normal spelling of a known key. Keys without a column win over keys with one.
pub(super) fn lookup(written: &str) -> Option<String> {
    let with_column = |key: &&OptionKey| key.name.contains("<col>");
    let plain = OPTION_KEYS.iter().filter(|key| !with_column(key));
    let patterns = OPTION_KEYS.iter().filter(with_column);
    plain.chain(patterns).find_map(|key| key.normalise(written))
}

/// Keys of other engines that are known and refused, with the reason.
pub(super) fn refused_key(written: &str) -> Option<OptionError> {
    let key = written.to_ascii_lowercase();
    let (reason, suggestion) = if key.starts_with("async.") {
        (
            "streams are not asynchronous here: a shard is a single thread that owns its \
             partitions, so there are no buffers or workers to set",
            "leave it out; use more partitions for more cores",
        )
    } else if key == "csv.ignore-parse-errors" || key == "json.ignore-parse-errors" {
        (
            "malformed records are never dropped without being counted",
            "use 'error.strategy' = 'drop' or 'dlq'",
        )
    } else if key == "json.date-format" {
        ("only the time of an event has a format", "use 'event.time' = 'column' and 'event.time.format'")
    } else if key.starts_with("error.dlq.fallback") {
        ("a dead-letter stream is a stream of the same partition and cannot be unavailable", "leave it out")
    } else if key == "csv.escape" {
        (
            "a quote inside a quoted cell is doubled (RFC 4180); there is no escape character",
            "use 'csv.quote'",
        )
    } else if key == "interval" {
        ("is not an option of a stream", "did you mean 'timer.interval'?")
    } else {
        return None;
    };
    Some(OptionError::new(written, reason).suggest(suggestion))
}

/// The options as a Markdown table, in the order of [`OPTION_KEYS`].
pub fn options_markdown() -> String {
    let mut text =
        String::from("| key | value | default | for | needs | meaning |\n|---|---|---|---|---|---|\n");
    for key in OPTION_KEYS {
        let default = match key.default {
            "" => String::new(),
            value => format!("`{value}`"),
        };
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            key.name,
            key.kind.replace('|', "\\|"),
            default,
            key.side.as_str(),
            key.needs.replace('|', "\\|"),
            key.doc.replace('|', "\\|"),
        ));
    }
    text
}

const fn key(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    side: OptionSide,
    needs: &'static str,
    example: &'static str,
    doc: &'static str,
) -> OptionKey {
    OptionKey { name, kind, default, side, needs, example, doc }
}

use OptionSide::{Any, Connector, Input, Sink, Source};

const CSV: &str = "format = 'csv'";
const CSV_IN: &str = "a source with format = 'csv'";
const FILES: &str = "extension = 'file' or 'stdin'";
const RETRY: &str = "error.strategy = 'retry'";
const EVENT: &str = "event.time";
const GEN: &str = "extension = 'generator'";
const TEXT_TIME: &str = "event.time on a TIMESTAMP or STRING column read from text";

/// Every option. The order is the order of the documentation.
#[rustfmt::skip]
pub static OPTION_KEYS: &[OptionKey] = &[
    key("type", "source | sink | internal", "from the extension", Any, "", "source", "Whether rows enter, leave, or stay inside. Needed with extension = 'file', which can be both."),
    key("extension", "file | stdin | timer | generator, or file | stdout | log | blackhole", "", Connector, "", "file", "The connector."),
    key("format", "csv | json | regex; a sink also takes table", "from the ending of file.path", Connector, "", "csv", "How bytes become rows. json is one object a line; a source also reads one top-level array."),
    key("file.path", "path", "", Connector, "extension = 'file'", "in.csv", "The file; a relative path starts at the folder of the app file. A sink path that ends in .gz is packed."),
    key("file.compression", "auto | none | gzip", "auto", Source, FILES, "gzip", "How the input is packed; auto looks at the first two bytes."),
    key("file.mode", "truncate | append", "truncate", Sink, "extension = 'file'", "append", "What a sink does to a file that exists."),
    key("csv.delimiter", "one ASCII character", ",", Connector, CSV, ";", "Between cells; '\\t' is a tab."),
    key("csv.quote", "one ASCII character, or none", "\"", Connector, CSV, "'", "Around cells that hold delimiters, quotes or line ends; a quote inside is doubled."),
    key("csv.null", "text", "", Connector, CSV, "NA", "Unquoted cell text that means NULL. An unquoted empty cell is NULL too, except in STRING and BYTES columns when this is set."),
    key("csv.has-header", "boolean", "true", Source, CSV_IN, "true", "Whether the first record names the cells. Columns then map by name, ignoring case, else by position."),
    key("csv.mapping.<col>", "header name, or position from 0", "the column's name or position", Source, CSV_IN, "Adj Close", "Which cell feeds a column."),
    key("csv.include-header", "boolean", "true", Sink, "a sink with format = 'csv'", "false", "Whether the output starts with the names of the columns."),
    key("json.mapping.<col>", "path", "$.<col>, ignoring case", Source, "a source with format = 'json'", "$.a.b[0]", "Which member feeds a column."),
    key("regex.pattern", "regular expression", "", Source, "format = 'regex'", "^(?<v>.*)$", "Named groups feed the columns of the same name, ignoring case."),
    key("regex.no-match", "skip | error", "skip", Source, "format = 'regex'", "error", "A line that does not match: counted and left out, or a failed record."),
    key("record.bytes_max", "bytes, 65536 to 8388608", "1048576", Source, FILES, "65536", "A longer record is a failed record; the ones around it are read."),
    key("error.strategy", "drop | retry | dlq | fail", "drop", Connector, "", "drop", "What happens to a record that cannot be read or written."),
    key("error.retry.max-attempts", "count", "3", Connector, RETRY, "5", "Tries after the first."),
    key("error.retry.backoff", "exponential | linear | fixed", "exponential", Connector, RETRY, "linear", "How the delay between tries grows."),
    key("error.retry.initial-delay", "duration", "100ms", Connector, RETRY, "10ms", "Delay before the second try."),
    key("error.retry.max-delay", "duration", "30s", Connector, RETRY, "1m", "Longest delay."),
    key("error.dlq.stream", "stream", "", Connector, "error.strategy = 'dlq'", "bad_rows", "Where failed records go, with reason, position and original bytes."),
    key("error.log-level", "off | trace | debug | info | warn | error", "warn", Connector, "", "info", "How loud the message about a failed record is."),
    key("emit.policy", "block | drop_oldest", "block", Sink, "a sink", "drop_oldest", "What happens on a node when a sink falls behind by more than the node keeps: appends wait for it, or the oldest rows are left out and counted. In `ceptra run` a sink never falls behind."),
    key("clock", "ingest | event", "event when event.time is set or rows are generated or timed, else ingest", Input, "", "ingest", "What stamps a row: its arrival, or its own time (the running maximum of it)."),
    key("event.time", "column", "", Input, "", "ts", "The column that says when a row happened: TIMESTAMP, DATE, STRING, INT, BIGINT or DOUBLE."),
    key("event.time.format", "iso | rfc3339 | epoch | strftime pattern", "iso; epoch for numbers", Source, EVENT, "%d/%b/%Y:%H:%M:%S %z", "How the time is written. iso takes `2024-05-01 12:30:00.5`, with T or a zone if you like; rfc3339 insists on both."),
    key("event.time.unit", "s | ms | us | ns", "ms", Input, "event.time on a number, or event.time.format = 'epoch'", "s", "Unit of an epoch number."),
    key("event.time.year", "year", "", Source, "an event.time.format without a year", "2015", "The year of stamps that do not carry one, such as syslog's. It does not change at New Year."),
    key("event.time.zone", "IANA zone", "UTC", Source, TEXT_TIME, "Europe/Berlin", "Zone of a time written without an offset. A time the clocks skip moves forward; a time they repeat is the first."),
    key("watermark.lateness", "duration", "2s", Any, "", "5 seconds", "The watermark is the largest event time seen less this."),
    key("watermark.guard", "duration", "200ms", Any, "", "100ms", "With clock = 'ingest' the watermark also stays this far behind the stamp."),
    key("watermark.idle", "duration", "30s", Any, "", "1m", "After this much silence on all inputs the watermark follows the stamps."),
    key("late.policy", "drop | retract", "drop", Any, "", "retract", "A row behind the watermark: left out and counted, or results are corrected."),
    key("late.stream", "stream", "", Any, "late.policy = 'drop'", "late_rows", "Where late rows go as well."),
    key("correction.horizon", "duration", "1h", Any, "", "10m", "How far behind the watermark results can still be corrected."),
    key("partition.by", "columns, by comma", "", Any, "", "v", "The key that decides the partition of a row. `ceptra run` has one partition, where it changes nothing."),
    key("state.keys.max", "count", "1000000", Any, "", "1000", "Most keys that one operator keeps: GROUP BY and DISTINCT without a window, OVER, UNIQUE, FREQUENT, minForever."),
    key("state.ttl", "duration", "", Any, "", "1h", "Keys of an unwindowed GROUP BY or DISTINCT untouched for so long are forgotten."),
    key("join.rows.max", "count", "1000000", Any, "", "1000", "Most rows that one join of streams keeps, both sides together."),
    key("join.rows.over", "reject | evict | fail", "fail", Any, "", "evict", "What happens to a row beyond `join.rows.max`: it is left out, the row that arrived first leaves before its time, or the row is a failed record. Counted in any case."),
    key("pattern.runs.max", "count", "100000", Any, "", "1000", "Most partial matches that one pattern keeps, all keys together."),
    key("pattern.runs.over", "reject | evict | fail", "reject", Any, "", "evict", "A row that would begin one more: it begins none, the oldest is given up, or the row is a failed record. Counted in any case."),
    key("quantile.exact_max", "count", "4096", Any, "", "1024", "Samples up to which quantiles are exact; above, a log-bucket sketch."),
    key("timer.interval", "duration", "", Source, "extension = 'timer'", "5 seconds", "Distance of two rows, at whole multiples of it since 1970. TIMESTAMP columns hold the time of the tick, INT and BIGINT columns its number from 0."),
    key("generator.rows", "count", "without end", Source, GEN, "1000", "How many rows to make."),
    key("generator.rate", "rows per time", "as fast as they are taken", Source, GEN, "1000/s", "How fast rows come."),
    key("generator.seed", "count", "0", Source, GEN, "7", "The same seed makes the same rows."),
    key("generator.<col>.kind", "sequence | uniform | normal | choice", "from the other keys, else by type", Source, GEN, "uniform", "How the values of a column are made."),
    key("generator.<col>.start", "value", "0; 2024-01-01 for times", Source, "kind sequence", "10", "First value of a sequence."),
    key("generator.<col>.step", "number or duration", "1; the pace of generator.rate or 1s for TIMESTAMP; 1 day for DATE", Source, "kind sequence", "2", "Distance of two values of a sequence."),
    key("generator.<col>.min", "value", "0", Source, "kind uniform", "5", "Least value."),
    key("generator.<col>.max", "value", "100; 1 for FLOAT and DOUBLE", Source, "kind uniform", "6", "Greatest value, itself possible for whole numbers."),
    key("generator.<col>.mean", "number", "0", Source, "kind normal", "3.5", "Mean of the normal distribution."),
    key("generator.<col>.stddev", "number", "1", Source, "kind normal", "2", "Standard deviation of the normal distribution."),
    key("generator.<col>.values", "values, by comma", "", Source, "kind choice", "3,4", "Values, each as likely."),
    key("generator.<col>.prefix", "text", "the column's name and '-'", Source, "a STRING column of kind sequence or uniform", "host-", "Text before the number."),
    key("generator.<col>.null-rate", "0 to 1", "0", Source, GEN, "0.1", "Share of NULLs."),
    key("log.prefix", "text", "the name of the stream and ': '", Sink, "extension = 'log'", "ALERT ", "Text before each row."),
    key("rate.limit", "rows per time", "", Connector, "", "100/s", "Most rows taken from a source or given to a sink."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_lists_every_key_once_with_all_cells() {
        let text = options_markdown();
        let mut lines = text.lines();
        let header = lines.next().unwrap();
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        assert_eq!(cells(header), 7);
        for key in OPTION_KEYS {
            let start = format!("| `{}` |", key.name);
            let rows: Vec<&str> = text.lines().filter(|l| l.starts_with(&start)).collect();
            assert_eq!(rows.len(), 1, "{}", key.name);
            assert_eq!(cells(rows[0]), 7, "{}", rows[0]);
            assert!(!key.doc.is_empty() && key.doc.ends_with('.'), "{}", key.name);
        }
    }

    #[test]
    fn columns_keep_their_case_and_may_hold_dots() {
        assert_eq!(lookup("FORMAT").as_deref(), Some("format"));
        assert_eq!(lookup("Csv.Mapping.Adj.Close").as_deref(), Some("csv.mapping.Adj.Close"));
        assert_eq!(lookup("generator.rows").as_deref(), Some("generator.rows"));
        assert_eq!(lookup("generator.Id.MAX").as_deref(), Some("generator.Id.max"));
        assert_eq!(lookup("csv.mapping."), None);
        assert_eq!(lookup("generator.id.maximum"), None);
    }

    #[test]
    fn async_is_refused_with_its_reason() {
        let error = refused_key("async.buffer_size").unwrap();
        assert!(error.reason.contains("single thread"), "{error}");
        assert_eq!(refused_key("clock"), None);
    }
}
