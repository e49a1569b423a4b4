//! CREATE STREAM with columns: options and time.

use arrow_schema::{DataType, Field, FieldRef};
use cep_types::StreamId;
use cep_types::options::{
    ClockKind, LatePolicy as Late, OptionError, OptionValue, Role, SourceConnector, StreamOptions,
    dead_letter_layout,
};

use crate::ast::{ColumnDef, Name, OptionLiteral, Span, WithOption};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{Changelog, Clock, LatePolicy, Stream, StreamOrigin, StreamTime};

use super::catalog::{Catalog, Object, StreamEntry};
use super::columns::schema_of;
use super::types::tag_json;

/// With `clock = ingest`: rows more than this ahead of the stamp are refused (R-LATE-3).
const FUTURE_SKEW_NS: i64 = 5_000_000_000;
/// With `clock = ingest`: rows more than this behind the stamp are out of range (R-LATE-3).
const PAST_SKEW_NS: i64 = 1_800_000_000_000;

/// The columns of a declaration.
pub(crate) fn fields(columns: &[ColumnDef]) -> Vec<FieldRef> {
    columns
        .iter()
        .map(|column| {
            let ColumnDef { name, data_type, json, not_null } = column;
            let field = Field::new(&name.text, data_type.clone(), !not_null);
            if *json { tag_json(field).into() } else { field.into() }
        })
        .collect()
}

/// Reads the options of a stream with these columns.
///
/// # Errors
/// An option that is unknown, malformed or without effect.
pub(crate) fn options(written: &[WithOption], fields: &[FieldRef], span: Span) -> Result<StreamOptions> {
    let pairs: Vec<(String, OptionValue)> = written
        .iter()
        .map(|option| {
            let value = match &option.value {
                OptionLiteral::Text(text) => OptionValue::Str(text.clone()),
                OptionLiteral::Number(number) => OptionValue::Number(number.clone()),
                OptionLiteral::Bool(value) => OptionValue::Bool(*value),
                OptionLiteral::IntervalNs(ns) => OptionValue::Interval(*ns),
            };
            (option.key.text.clone(), value)
        })
        .collect();
    StreamOptions::from_pairs(&pairs, fields).map_err(|error| refused(error, written, span))
}

/// An option's error where the option stands.
pub(crate) fn refused(error: OptionError, written: &[WithOption], span: Span) -> Box<Diagnostic> {
    let OptionError { key, reason, suggestion } = error;
    let option = written.iter().find(|option| option.key.matches(&key));
    let code = match (option.is_some(), reason.as_str()) {
        (_, reason) if reason.contains("is not an option") => codes::UNKNOWN_OPTION,
        (_, reason) if reason.contains("given twice") => codes::OPTION_TWICE,
        (_, reason) if reason.contains("no effect") => codes::OPTION_CONFLICT,
        (false, _) => codes::MISSING_OPTION,
        (true, _) if key.to_ascii_lowercase().starts_with("async.") => codes::OPTION_REFUSED,
        (true, _) => codes::OPTION_VALUE,
    };
    let span = match option {
        Some(option) if code == codes::OPTION_VALUE => option.value_span,
        Some(option) => option.key.span,
        None => span,
    };
    let help = suggestion.or_else(|| Some("docs/sql.md lists the options of a stream".to_owned()));
    Box::new(Diagnostic { code, message: format!("option `{key}`: {reason}"), span: Some(span), help })
}

/// A declared stream, not yet numbered into the catalog.
pub(crate) fn entry(
    id: StreamId,
    name: &str,
    fields: Vec<FieldRef>,
    options: StreamOptions,
    default_clock: Clock,
    clock_written: bool,
) -> StreamEntry {
    let time = time(&options, &fields, default_clock, clock_written);
    let times = event_time_columns(&time, &fields);
    let has_late_stream = matches!(&options.late, Late::Drop { stream: Some(_) });
    let stream = Stream {
        id,
        name: name.to_owned(),
        schema: schema_of(fields),
        origin: StreamOrigin::External,
        time,
        changelog: Changelog::Append,
        options,
    };
    StreamEntry {
        stream,
        times,
        is_fed: false,
        is_fed_from_outside: false,
        is_read: false,
        inputs: Default::default(),
        has_late_stream,
        held_by: None,
        key: None,
        is_dropped: false,
        options_text: String::new(),
        made_for: None,
    }
}

/// Columns whose order is event-time order: the event time itself unless it is a text.
fn event_time_columns(time: &StreamTime, fields: &[FieldRef]) -> Vec<usize> {
    let ordered = |column: &usize| !matches!(fields[*column].data_type(), DataType::Utf8);
    time.column.filter(ordered).into_iter().collect()
}

/// The column that a timer fills with its time.
fn timer_column(options: &StreamOptions, fields: &[FieldRef]) -> Option<usize> {
    let is_timer = matches!(options.role, Role::Source(SourceConnector::Timer { .. }));
    let is_time = |field: &FieldRef| matches!(field.data_type(), DataType::Timestamp(_, _));
    fields.iter().position(is_time).filter(|_| is_timer)
}

fn time(
    options: &StreamOptions,
    fields: &[FieldRef],
    default_clock: Clock,
    clock_written: bool,
) -> StreamTime {
    let fed_by_clients = matches!(options.role, Role::Internal);
    let clock = match options.clock {
        // A live client's rows are stamped on arrival unless the script says otherwise.
        ClockKind::Event if fed_by_clients && !clock_written => default_clock,
        ClockKind::Event => Clock::Event,
        ClockKind::Ingest => Clock::Ingest,
    };
    StreamTime {
        clock,
        column: options.event_time.as_ref().map(|time| time.column).or_else(|| timer_column(options, fields)),
        lateness_ns: options.watermark.lateness_ns,
        guard_ns: options.watermark.guard_ns,
        idle_ns: options.watermark.idle_ns,
        late_policy: match options.late {
            Late::Drop { .. } => LatePolicy::Drop,
            Late::Retract => LatePolicy::Retract,
        },
        correction_ns: options.correction_horizon_ns,
        late_stream: None,
        future_skew_ns: FUTURE_SKEW_NS,
        past_skew_ns: PAST_SKEW_NS,
    }
}

/// Whether rows come from a connector, so that queries may not write it.
pub(crate) fn has_source(options: &StreamOptions) -> bool {
    matches!(options.role, Role::Source(_))
}

/// The connector of a stream in words.
pub(crate) fn role_text(options: &StreamOptions) -> &'static str {
    match &options.role {
        Role::Source(SourceConnector::File { .. }) => "source file",
        Role::Source(SourceConnector::Stdin { .. }) => "source stdin",
        Role::Source(SourceConnector::Timer { .. }) => "source timer",
        Role::Source(SourceConnector::Generator(_)) => "source generator",
        Role::Sink(sink) => match sink {
            cep_types::options::SinkConnector::File { .. } => "sink file",
            cep_types::options::SinkConnector::Stdout => "sink stdout",
            cep_types::options::SinkConnector::Log { .. } => "sink log",
            cep_types::options::SinkConnector::Blackhole => "sink blackhole",
        },
        Role::Internal => "internal",
    }
}

/// A stream that another one names in its options.
#[derive(Debug, Clone)]
pub(crate) struct SideStream {
    /// Its name.
    pub name: Name,
    /// What it takes.
    pub kind: SideKind,
}

/// What a side stream takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SideKind {
    /// Late rows, as they came.
    Late,
    /// Failed records.
    DeadLetter,
}

/// The side streams that options name.
pub(crate) fn side_streams(options: &StreamOptions, written: &[WithOption]) -> Vec<SideStream> {
    let place =
        |key: &str| written.iter().find(|o| o.key.matches(key)).map_or(Span::default(), |o| o.value_span);
    let mut out = Vec::new();
    if let Late::Drop { stream: Some(name) } = &options.late {
        let name = Name { text: name.clone(), span: place("late.stream") };
        out.push(SideStream { name, kind: SideKind::Late });
    }
    if let Some(name) = dead_letter_stream(options) {
        let name = Name { text: name.to_owned(), span: place("error.dlq.stream") };
        out.push(SideStream { name, kind: SideKind::DeadLetter });
    }
    out
}

/// The stream that takes failed records.
fn dead_letter_stream(options: &StreamOptions) -> Option<&str> {
    match &options.errors.strategy {
        cep_types::options::ErrorStrategy::DeadLetter { stream } => Some(stream),
        _ => None,
    }
}

/// The columns a side stream gets when nobody declares it.
pub(crate) fn side_fields(kind: SideKind, of: &[FieldRef]) -> Vec<FieldRef> {
    match kind {
        SideKind::Late => of.to_vec(),
        SideKind::DeadLetter => {
            let text = |name: &str| Field::new(name, DataType::Utf8, true).into();
            let number = |name: &str| Field::new(name, DataType::Int64, true).into();
            vec![
                text("stream"),
                text("reason"),
                text("column"),
                number("line"),
                number("position"),
                text("original"),
            ]
        }
    }
}

/// Checks that what is called as `side` says can take the rows of a stream with columns `of`.
///
/// # Errors
/// No stream, a source, columns that do not fit.
pub(crate) fn check_side(catalog: &Catalog, side: &SideStream, of: &[FieldRef]) -> Result<()> {
    let Name { text, span } = &side.name;
    let Object::Stream(at) = catalog.get(&side.name)? else {
        let message = format!("`{text}` is no stream");
        return Err(Box::new(Diagnostic::at(codes::WRONG_KIND, *span, message).help("name a stream")));
    };
    check_side_of(&catalog.streams[at].stream, side, of, *span)
}

/// Checks that `target` can take the rows that `side` is for.
///
/// # Errors
/// A source, columns that do not fit.
pub(crate) fn check_side_of(target: &Stream, side: &SideStream, of: &[FieldRef], span: Span) -> Result<()> {
    let name = &target.name;
    if has_source(&target.options) {
        let message = format!("`{name}` has a source of its own");
        return Err(Box::new(
            Diagnostic::at(codes::READ_ONLY, span, message).help("name a stream without a source"),
        ));
    }
    let fields = target.schema.fields();
    match side.kind {
        SideKind::Late => {
            let fits = fields.len() == of.len()
                && fields.iter().zip(of).all(|(a, b)| a.data_type() == b.data_type());
            if !fits {
                let message = format!("late rows are copied as they came, and `{name}` has other columns");
                let help = "declare it with the same column types, or leave its declaration out";
                return Err(Box::new(Diagnostic::at(codes::TARGET_SCHEMA, span, message).help(help)));
            }
        }
        SideKind::DeadLetter => {
            dead_letter_layout(fields).map_err(|error| refused(error, &[], span))?;
        }
    }
    Ok(())
}
