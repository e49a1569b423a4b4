//! All options of one stream, read and checked together.

use arrow_schema::{DataType, FieldRef};

use super::format::{End, column_index};
use super::pairs::Pairs;
use super::{
    ClockKind, Compression, EmitPolicy, ErrorPolicy, EventTime, FileMode, Format, GeneratorOptions,
    OptionError, OptionValue, Rate, Role, SinkConnector, SourceConnector,
};
use crate::sql_type::field_type_name;

/// Least value of `record.bytes_max` (R-FLOW-3).
pub const RECORD_BYTES_FLOOR: usize = 64 * 1024;
/// Greatest value of `record.bytes_max` (R-FLOW-3).
pub const RECORD_BYTES_CEILING: usize = 8 * 1024 * 1024;
/// Default of `record.bytes_max` (R-FLOW-3).
pub const RECORD_BYTES_DEFAULT: usize = 1024 * 1024;

/// Checked options of a stream. Columns are given by index into the stream's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamOptions {
    /// Source, sink or neither, with the connector.
    pub role: Role,
    /// How bytes become rows or rows bytes. Always there for files and standard input; `None` on
    /// standard output means the program's output format; never there elsewhere.
    pub format: Option<Format>,
    /// What happens to failed records. Internal streams have the defaults.
    pub errors: ErrorPolicy,
    /// What stamps the rows.
    pub clock: ClockKind,
    /// When a row happened. `None` with an event clock: the connector's own time (timer).
    pub event_time: Option<EventTime>,
    /// How far the watermark stays behind.
    pub watermark: WatermarkOptions,
    /// What happens to rows behind the watermark.
    pub late: LatePolicy,
    /// How far behind the watermark results can be corrected, nanoseconds.
    pub correction_horizon_ns: i64,
    /// Columns of the partition key; empty: none given.
    pub partition_by: Vec<usize>,
    /// Most keys of an unwindowed GROUP BY or DISTINCT.
    pub state_keys_max: u64,
    /// Keys untouched for so long are forgotten, nanoseconds.
    pub state_ttl_ns: Option<i64>,
    /// Most rows that one join keeps.
    pub join_rows_max: u64,
    /// What happens to one more.
    pub join_rows_over: RowsOver,
    /// Most partial matches that one pattern keeps.
    pub pattern_runs_max: u64,
    /// What happens to one more.
    pub pattern_runs_over: RunsOver,
    /// Samples up to which quantiles are exact.
    pub quantile_exact_max: u64,
    /// Longest record, bytes.
    pub record_bytes_max: usize,
    /// Most rows taken from the source or given to the sink.
    pub rate_limit: Option<Rate>,
    /// Sinks: what happens when they fall behind.
    pub emit: EmitPolicy,
}

/// What happens when a join would keep more rows than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowsOver {
    /// The row is left out.
    Reject,
    /// The row that arrived first leaves.
    EvictOldest,
    /// The row is a failed record.
    Fail,
}

impl RowsOver {
    fn take(pairs: &mut Pairs) -> Result<Self, OptionError> {
        Ok(match pairs.word("join.rows.over", "fail", &["reject", "evict", "fail"])? {
            "reject" => RowsOver::Reject,
            "evict" => RowsOver::EvictOldest,
            _fail => RowsOver::Fail,
        })
    }
}

/// How far the watermark stays behind (R-LATE-1), nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatermarkOptions {
    /// Behind the largest event time seen.
    pub lateness_ns: i64,
    /// Behind the stamp, with an ingest clock.
    pub guard_ns: i64,
    /// Silence after which the watermark follows the stamps.
    pub idle_ns: i64,
}

impl Default for WatermarkOptions {
    fn default() -> Self {
        Self { lateness_ns: 2_000_000_000, guard_ns: 200_000_000, idle_ns: 30_000_000_000 }
    }
}

/// What happens to a row behind the watermark (R-LATE-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LatePolicy {
    /// Counted and left out.
    Drop {
        /// Stream that takes it as well.
        stream: Option<String>,
    },
    /// Results are corrected by retraction while their state is kept.
    Retract,
}

/// What happens when a pattern would keep more partial matches than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunsOver {
    /// The row begins none.
    Reject,
    /// The oldest is given up.
    EvictOldest,
    /// The row is a failed record.
    Fail,
}

impl RunsOver {
    fn take(pairs: &mut Pairs) -> Result<Self, OptionError> {
        Ok(match pairs.word("pattern.runs.over", "reject", &["reject", "evict", "fail"])? {
            "evict" => RunsOver::EvictOldest,
            "fail" => RunsOver::Fail,
            _reject => RunsOver::Reject,
        })
    }
}

impl StreamOptions {
    /// Reads and checks the options of a stream with these columns.
    ///
    /// # Errors
    /// The first key that is unknown, given twice, malformed, inconsistent with another, or
    /// without effect on this stream.
    pub fn from_pairs(
        pairs: &[(String, OptionValue)],
        columns: &[FieldRef],
    ) -> Result<StreamOptions, OptionError> {
        let mut pairs = Pairs::new(pairs)?;
        let pairs_ref = &mut pairs;
        let kind = Kind::take(pairs_ref)?;
        let (role, path) = kind.connector(pairs_ref, columns)?;
        let format = take_format(pairs_ref, &role, path.as_deref(), columns)?;
        let mut options = StreamOptions {
            errors: take_errors(pairs_ref, &role)?,
            clock: ClockKind::Ingest,
            event_time: None,
            watermark: WatermarkOptions::default(),
            late: LatePolicy::Drop { stream: None },
            correction_horizon_ns: pairs_ref.duration("correction.horizon", 3_600_000_000_000)?,
            partition_by: take_partition(pairs_ref, columns)?,
            state_keys_max: pairs_ref.integer("state.keys.max", 1_000_000, 1..=u64::MAX)?,
            state_ttl_ns: pairs_ref.duration_if_given("state.ttl")?,
            join_rows_max: pairs_ref.integer("join.rows.max", 1_000_000, 1..=u64::MAX)?,
            join_rows_over: RowsOver::take(pairs_ref)?,
            pattern_runs_max: pairs_ref.integer("pattern.runs.max", 100_000, 1..=u64::MAX)?,
            pattern_runs_over: RunsOver::take(pairs_ref)?,
            quantile_exact_max: pairs_ref.integer("quantile.exact_max", 4_096, 0..=1_000_000)?,
            record_bytes_max: RECORD_BYTES_DEFAULT,
            rate_limit: None,
            emit: EmitPolicy::default(),
            role,
            format,
        };
        options.take_time(pairs_ref, columns)?;
        options.take_late(pairs_ref)?;
        options.take_limits(pairs_ref)?;
        pairs.finish()?;
        Ok(options)
    }

    /// Options of an internal stream with every default.
    pub fn internal() -> StreamOptions {
        StreamOptions::from_pairs(&[], &[]).expect("no option is needed")
    }

    fn take_time(&mut self, pairs: &mut Pairs, columns: &[FieldRef]) -> Result<(), OptionError> {
        if matches!(self.role, Role::Sink(_)) {
            return Ok(());
        }
        let from_text = self.format.is_some();
        self.event_time = EventTime::take(pairs, columns, from_text)?;
        let timer = matches!(self.role, Role::Source(SourceConnector::Timer { .. }));
        if timer && self.event_time.is_some() {
            return Err(OptionError::new("event.time", "the rows of a timer happen when the timer fires"));
        }
        let has_time = self.event_time.is_some() || timer;
        let default = if has_time { "event" } else { "ingest" };
        self.clock = match pairs.word("clock", default, &["ingest", "event"])? {
            "event" if !has_time => {
                return Err(OptionError::new("clock", "'event' needs to know when a row happened")
                    .suggest(event_time_hint(columns)));
            }
            "event" => ClockKind::Event,
            _ => ClockKind::Ingest,
        };
        Ok(())
    }

    fn take_late(&mut self, pairs: &mut Pairs) -> Result<(), OptionError> {
        let defaults = WatermarkOptions::default();
        self.watermark = WatermarkOptions {
            lateness_ns: pairs.duration("watermark.lateness", defaults.lateness_ns)?,
            guard_ns: pairs.duration("watermark.guard", defaults.guard_ns)?,
            idle_ns: pairs.duration("watermark.idle", defaults.idle_ns)?,
        };
        self.late = match pairs.word("late.policy", "drop", &["drop", "retract"])? {
            "retract" => LatePolicy::Retract,
            _ => LatePolicy::Drop { stream: pairs.text("late.stream") },
        };
        if self.state_ttl_ns == Some(0) {
            return Err(OptionError::new("state.ttl", "is 0: nothing would be kept"));
        }
        Ok(())
    }

    fn take_limits(&mut self, pairs: &mut Pairs) -> Result<(), OptionError> {
        let reads_bytes =
            matches!(self.role, Role::Source(SourceConnector::File { .. } | SourceConnector::Stdin { .. }));
        if reads_bytes {
            let bounds = RECORD_BYTES_FLOOR as u64..=RECORD_BYTES_CEILING as u64;
            self.record_bytes_max =
                pairs.integer("record.bytes_max", RECORD_BYTES_DEFAULT as u64, bounds)? as usize;
        }
        if matches!(self.role, Role::Sink(_)) {
            self.emit = match pairs.word("emit.policy", "block", &["block", "drop_oldest"])? {
                "drop_oldest" => EmitPolicy::DropOldest,
                _ => EmitPolicy::Block,
            };
        }
        if self.role != Role::Internal
            && let Some(text) = pairs.text("rate.limit")
        {
            self.rate_limit = Some(Rate::parse("rate.limit", &text)?);
        }
        Ok(())
    }
}

/// `type` and `extension`, agreed.
enum Kind {
    Source(&'static str),
    Sink(&'static str),
    Internal,
}

const SOURCES: &[&str] = &["file", "stdin", "timer", "generator"];
const SINKS: &[&str] = &["file", "stdout", "log", "blackhole"];

impl Kind {
    fn take(pairs: &mut Pairs) -> Result<Kind, OptionError> {
        const KEY: &str = "extension";
        let role = pairs.word("type", "", &["source", "sink", "internal"])?;
        let words = ["file", "stdin", "timer", "generator", "stdout", "log", "blackhole"];
        let extension = pairs.word(KEY, "", &words)?;
        let needs = |known: &[&str]| {
            OptionError::new("type", format!("a {role} needs an extension"))
                .suggest(format!("add 'extension' = one of {}", known.join(", ")))
        };
        let wrong = |other: &str| {
            OptionError::new(KEY, format!("'{extension}' is not a {role}")).suggest(other.to_owned())
        };
        match (role, extension) {
            ("internal", "") | ("", "") => Ok(Kind::Internal),
            ("internal", _) => Err(OptionError::new(KEY, "an internal stream has no connector")),
            ("source", "") => Err(needs(SOURCES)),
            ("sink", "") => Err(needs(SINKS)),
            ("", "file") => Err(OptionError::new("extension", "a file can be read or written")
                .suggest("add 'type' = 'source' or 'sink'")),
            ("source", "stdout") => Err(wrong("use 'stdin'")),
            ("source", other) if !SOURCES.contains(&other) => Err(wrong("use 'type' = 'sink'")),
            ("sink", "stdin") => Err(wrong("use 'stdout'")),
            ("sink", other) if !SINKS.contains(&other) => Err(wrong("use 'type' = 'source'")),
            ("sink", other) => Ok(Kind::Sink(other)),
            ("source", other) => Ok(Kind::Source(other)),
            (_, other) if SOURCES.contains(&other) => Ok(Kind::Source(other)),
            (_, other) => Ok(Kind::Sink(other)),
        }
    }

    fn connector(
        self,
        pairs: &mut Pairs,
        columns: &[FieldRef],
    ) -> Result<(Role, Option<String>), OptionError> {
        Ok(match self {
            Kind::Internal => (Role::Internal, None),
            Kind::Source("file") => {
                let path = take_path(pairs)?;
                let connector =
                    SourceConnector::File { path: path.clone(), compression: take_compression(pairs)? };
                (Role::Source(connector), Some(path))
            }
            Kind::Source("stdin") => {
                let compression = take_compression(pairs)?;
                (Role::Source(SourceConnector::Stdin { compression }), None)
            }
            Kind::Source("timer") => (Role::Source(take_timer(pairs, columns)?), None),
            Kind::Source(_) => {
                let generator = GeneratorOptions::take(pairs, columns)?;
                (Role::Source(SourceConnector::Generator(generator)), None)
            }
            Kind::Sink("file") => {
                let path = take_path(pairs)?;
                let gzip = path.to_ascii_lowercase().ends_with(".gz");
                let mode = match pairs.word("file.mode", "truncate", &["truncate", "append"])? {
                    "append" => FileMode::Append,
                    _ => FileMode::Truncate,
                };
                let connector = SinkConnector::File { path: path.clone(), mode, gzip };
                (Role::Sink(connector), Some(path))
            }
            Kind::Sink("stdout") => (Role::Sink(SinkConnector::Stdout), None),
            Kind::Sink("log") => {
                let prefix = pairs.text("log.prefix");
                (Role::Sink(SinkConnector::Log { prefix }), None)
            }
            Kind::Sink(_) => (Role::Sink(SinkConnector::Blackhole), None),
        })
    }
}

fn take_path(pairs: &mut Pairs) -> Result<String, OptionError> {
    const KEY: &str = "file.path";
    let path = pairs.text(KEY).ok_or_else(|| {
        OptionError::new("extension", "'file' needs a path").suggest("add 'file.path' = 'name'")
    })?;
    if path.trim().is_empty() {
        return Err(OptionError::new(KEY, "the path is empty"));
    }
    Ok(path)
}

fn take_compression(pairs: &mut Pairs) -> Result<Compression, OptionError> {
    Ok(match pairs.word("file.compression", "auto", &["auto", "none", "gzip"])? {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        _ => Compression::Auto,
    })
}

fn take_timer(pairs: &mut Pairs, columns: &[FieldRef]) -> Result<SourceConnector, OptionError> {
    const KEY: &str = "timer.interval";
    let Some(interval_ns) = pairs.duration_if_given(KEY)? else {
        return Err(OptionError::new("extension", "'timer' needs an interval")
            .suggest("add 'timer.interval' = '5 seconds'"));
    };
    if interval_ns == 0 {
        return Err(OptionError::new(KEY, "is 0"));
    }
    for field in columns {
        if !matches!(field.data_type(), DataType::Timestamp(_, _) | DataType::Int64 | DataType::Int32) {
            return Err(OptionError::new(
                "extension",
                format!("a timer cannot fill column '{}', which is {}", field.name(), field_type_name(field)),
            )
            .suggest("use TIMESTAMP for the time, BIGINT or INT for the number of the row"));
        }
    }
    Ok(SourceConnector::Timer { interval_ns })
}

fn take_format(
    pairs: &mut Pairs,
    role: &Role,
    path: Option<&str>,
    columns: &[FieldRef],
) -> Result<Option<Format>, OptionError> {
    let (end, needed) = match role {
        Role::Source(SourceConnector::File { .. } | SourceConnector::Stdin { .. }) => {
            (End::Source, "csv, json or regex")
        }
        Role::Sink(SinkConnector::File { .. }) => (End::Sink, "csv, json or table"),
        Role::Sink(SinkConnector::Stdout) => {
            return Format::take(pairs, End::Sink, None, columns);
        }
        // Left unread: `finish` says that it has no effect.
        _ => return Ok(None),
    };
    let format = Format::take(pairs, end, path, columns)?;
    if format.is_none() {
        return Err(OptionError::new("format", "is not given, and the path does not tell")
            .suggest(format!("add 'format' = one of {needed}")));
    }
    if end == End::Source && columns.is_empty() {
        return Err(OptionError::new("format", "the stream has no columns to fill"));
    }
    Ok(format)
}

fn take_errors(pairs: &mut Pairs, role: &Role) -> Result<ErrorPolicy, OptionError> {
    if *role == Role::Internal {
        return ErrorPolicy::take(&mut Pairs::new(&[])?);
    }
    ErrorPolicy::take(pairs)
}

fn take_partition(pairs: &mut Pairs, columns: &[FieldRef]) -> Result<Vec<usize>, OptionError> {
    const KEY: &str = "partition.by";
    let Some(text) = pairs.text(KEY) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for name in text.split(',') {
        let index = column_index(columns, KEY, name.trim())?;
        if found.contains(&index) {
            return Err(OptionError::new(KEY, format!("'{}' is given twice", name.trim())));
        }
        let field = &columns[index];
        if field.data_type().is_nested() {
            return Err(OptionError::new(
                KEY,
                format!("'{}' is {}, which is not a key", field.name(), field_type_name(field)),
            ));
        }
        found.push(index);
    }
    Ok(found)
}

fn event_time_hint(columns: &[FieldRef]) -> String {
    let candidate = columns.iter().find(|field| matches!(field.data_type(), DataType::Timestamp(_, _)));
    match candidate {
        Some(field) => format!("add 'event.time' = '{}'", field.name()),
        None => "add 'event.time' = the column that says so".to_owned(),
    }
}
