//! SHOW, DESCRIBE and EXPLAIN: tables of texts.

use arrow_schema::Schema;
use cep_types::StreamId;

use crate::ast::{Name, OptionLiteral, ShowKind, Statement, WithOption};
use crate::diag::Result;
use crate::plan::{
    Clock, ReadOf, StreamTime, Table, Target, explain_aggregation, explain_node, explain_query, explain_read,
    explain_stream, explain_table, explain_trigger,
};

use super::catalog::{Object, View, changelog_text};
use super::query::closed;
use super::relation::Flow;
use super::result::StatementResult;
use super::session::Session;
use super::stream::role_text;
use super::types::field_type_name;
use super::within::grain_text;

/// Words in an option's key that mark its value as a secret.
const SECRETS: &[&str] = &["password", "secret", "token", "credential", "api-key", "apikey"];

fn table(header: &[&str], rows: Vec<Vec<String>>) -> StatementResult {
    StatementResult::Rows { header: header.iter().map(|name| (*name).to_owned()).collect(), rows }
}

/// SHOW ….
pub(crate) fn show(session: &Session, kind: ShowKind) -> StatementResult {
    match kind {
        ShowKind::Streams => streams(session),
        ShowKind::Views => views(session),
        ShowKind::Tables => tables(session),
        ShowKind::Aggregations => aggregations(session),
        ShowKind::Queries => queries(session),
        ShowKind::Functions => functions(session),
        ShowKind::Windows => windows(),
    }
}

fn columns_text(schema: &Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| {
            format!("{} {}{}", f.name(), field_type_name(f), if f.is_nullable() { "" } else { " NOT NULL" })
        })
        .collect();
    columns.join(", ")
}

fn streams(session: &Session) -> StatementResult {
    let is_seed = |id: StreamId| session.catalog.tables.iter().any(|entry| entry.table.seed == Some(id));
    let live = session.catalog.streams.iter().filter(|e| !e.is_dropped && !is_seed(e.stream.id));
    let rows = live.map(|entry| {
        let stream = &entry.stream;
        vec![
            stream.name.clone(),
            if session.is_trigger(stream.id) { "trigger" } else { role_text(&stream.options) }.to_owned(),
            changelog_text(stream.changelog).to_owned(),
            columns_text(&stream.schema),
            entry.options_text.clone(),
        ]
    });
    table(&["name", "role", "rows", "columns", "options"], rows.collect())
}

fn views(session: &Session) -> StatementResult {
    let rows = session.catalog.objects().filter_map(|object| match object {
        Object::View(at) => {
            let view = &session.catalog.views[at];
            Some(vec![view.name.clone(), columns_text(&view.relation.schema)])
        }
        Object::Stream(_) | Object::Aggregation(_) | Object::Table(_) => None,
    });
    table(&["name", "columns"], rows.collect())
}

fn tables(session: &Session) -> StatementResult {
    let live = session.catalog.tables.iter().filter(|entry| !entry.is_dropped);
    let rows = live.map(|entry| {
        let table = &entry.table;
        let names = |columns: &[usize]| {
            let names: Vec<&str> = columns.iter().map(|&c| table.schema.field(c).name().as_str()).collect();
            names.join(", ")
        };
        let indexes: Vec<String> = table.indexes.iter().map(|index| format!("({})", names(index))).collect();
        vec![
            table.name.clone(),
            columns_text(&table.schema),
            names(&table.key),
            indexes.join(", "),
            entry.options_text.clone(),
        ]
    });
    table(&["name", "columns", "key", "indexes", "options"], rows.collect())
}

fn aggregations(session: &Session) -> StatementResult {
    let live = session.catalog.aggregations.iter().filter(|entry| !entry.is_dropped);
    let rows = live.map(|entry| {
        let aggregation = &entry.aggregation;
        let grains: Vec<&str> = aggregation.grains.iter().map(|grain| grain_text(*grain)).collect();
        vec![aggregation.name.clone(), columns_text(&aggregation.output), grains.join(", ")]
    });
    table(&["name", "columns", "grains"], rows.collect())
}

fn queries(session: &Session) -> StatementResult {
    let stream_name = |target: Target| match target {
        Target::Print => "print".to_owned(),
        Target::Stream(id) => format!("stream {}", session.catalog.stream(id).stream.name),
        Target::Table(id) => format!("table {}", session.catalog.tables[id.index()].table.name),
    };
    let running = session.queries.iter().map(|entry| {
        let query = &entry.query;
        let mut reads: Vec<&str> =
            query.plan.scans().iter().map(|id| session.catalog.stream(*id).stream.name.as_str()).collect();
        for table in query.plan.tables_read() {
            let name = session.catalog.tables[table.index()].table.name.as_str();
            if !reads.contains(&name) {
                reads.push(name);
            }
        }
        let rows = changelog_text(query.changelog).to_owned();
        vec![query.name.clone(), stream_name(query.target), rows, reads.join(", ")]
    });
    let reads = session.reads.iter().map(|entry| {
        let read = &entry.read;
        let of = match &read.of {
            ReadOf::Aggregation(range) => &session.catalog.aggregations[range.aggregation].aggregation.name,
            ReadOf::Table(look) => &session.catalog.tables[look.table.index()].table.name,
        };
        vec![read.name.clone(), stream_name(read.target), "append".to_owned(), of.clone()]
    });
    table(&["name", "target", "rows", "reads"], running.chain(reads).collect())
}

fn functions(session: &Session) -> StatementResult {
    let docs = session.functions().describe();
    let rows = docs
        .into_iter()
        .map(|doc| vec![doc.name, doc.kind.as_str().to_owned(), doc.syntax, doc.aliases.join(", "), doc.doc]);
    let own = session.catalog.functions().map(|own| {
        vec![own.name.clone(), "user".to_owned(), own.usage(), String::new(), "of CREATE FUNCTION".to_owned()]
    });
    table(&["name", "kind", "usage", "aliases", "meaning"], rows.chain(own).collect())
}

fn windows() -> StatementResult {
    let rows = crate::sql::window_docs()
        .iter()
        .map(|doc| vec![doc.name.to_owned(), doc.usage(), doc.aliases.join(", "), doc.help.to_owned()]);
    table(&["name", "usage", "aliases", "meaning"], rows.collect())
}

/// DESCRIBE name.
///
/// # Errors
/// There is no such object.
pub(crate) fn describe(session: &Session, name: &Name) -> Result<StatementResult> {
    let catalog = &session.catalog;
    if let Object::Table(at) = catalog.get(name)? {
        return Ok(describe_table(&catalog.tables[at].table));
    }
    let (schema, time) = match catalog.get(name)? {
        Object::Table(at) => (&catalog.tables[at].table.schema, None),
        Object::Stream(at) => (&catalog.streams[at].stream.schema, Some(&catalog.streams[at].stream.time)),
        Object::View(at) => (&catalog.views[at].relation.schema, None),
        Object::Aggregation(at) => (&catalog.aggregations[at].aggregation.output, None),
    };
    let rows = schema.fields().iter().enumerate().map(|(at, field)| {
        let null = if field.is_nullable() { "NULL" } else { "NOT NULL" };
        let note = time.map(|time| time_note(time, at)).unwrap_or_default();
        vec![field.name().clone(), field_type_name(field), null.to_owned(), note]
    });
    Ok(table(&["column", "type", "null", "note"], rows.collect()))
}

fn describe_table(table: &Table) -> StatementResult {
    let rows = table.schema.fields().iter().enumerate().map(|(at, field)| {
        let null = if field.is_nullable() { "NULL" } else { "NOT NULL" };
        let key = if table.key.contains(&at) { "primary key" } else { "" };
        let index = if table.indexes.iter().any(|index| index.contains(&at)) { "index" } else { "" };
        let notes: Vec<&str> = [key, index].into_iter().filter(|note| !note.is_empty()).collect();
        vec![field.name().clone(), field_type_name(field), null.to_owned(), notes.join(", ")]
    });
    self::table(&["column", "type", "null", "note"], rows.collect())
}

fn time_note(time: &StreamTime, column: usize) -> String {
    if time.column != Some(column) {
        return String::new();
    }
    let clock = match time.clock {
        Clock::Event => "event",
        Clock::Ingest => "ingest",
    };
    let lateness = cep_types::options::format_duration(time.lateness_ns);
    format!("event time, clock {clock}, lateness {lateness}")
}

/// EXPLAIN statement: what it would declare and start, line by line. Nothing is changed.
///
/// # Errors
/// What is wrong with the statement.
pub(crate) fn explain(session: &Session, statement: &Statement, text: &str) -> Result<StatementResult> {
    let mut trial = session.clone();
    trial.execute(statement, text)?;
    let names = |id: StreamId| trial.catalog.stream(id).stream.name.clone();
    let mut out = String::new();
    for entry in &trial.catalog.tables[session.catalog.tables.len()..] {
        out.push_str(&explain_table(&entry.table));
    }
    let is_seed = |id: StreamId| trial.catalog.tables.iter().any(|entry| entry.table.seed == Some(id));
    let streams = trial.catalog.streams[session.catalog.streams.len()..].iter();
    for entry in streams.filter(|entry| !is_seed(entry.stream.id)) {
        out.push_str(&explain_stream(&entry.stream, &names));
    }
    for trigger in &trial.triggers[session.triggers.len()..] {
        out.push_str(&explain_trigger(trigger, &names));
    }
    for view in &trial.catalog.views[session.catalog.views.len()..] {
        out.push_str(&view_text(view, &names, statement)?);
    }
    for entry in &trial.catalog.aggregations[session.catalog.aggregations.len()..] {
        out.push_str(&explain_aggregation(&entry.aggregation, &names));
    }
    for entry in &trial.queries[session.queries.len()..] {
        out.push_str(&explain_query(&entry.query, &names));
    }
    for entry in &trial.reads[session.reads.len()..] {
        let aggregations: Vec<_> = trial.catalog.aggregations.iter().map(|e| e.aggregation.clone()).collect();
        let tables: Vec<_> = trial.catalog.tables.iter().map(|e| e.table.clone()).collect();
        out.push_str(&explain_read(&entry.read, &aggregations, &tables, &names));
    }
    if out.is_empty() {
        out.push_str("constants, computed once\n");
    }
    Ok(table(&["plan"], out.lines().map(|line| vec![line.to_owned()]).collect()))
}

fn view_text(view: &View, names: &dyn Fn(StreamId) -> String, statement: &Statement) -> Result<String> {
    let head = format!("view {}, in place of its name\n", view.name);
    match &view.relation.flow {
        Flow::Stream(_) | Flow::Window(_) => {
            let (node, _times, _changelog) = closed(view.relation.clone(), statement.span)?;
            Ok(head + &explain_node(&node, names))
        }
        Flow::Sliding(_) | Flow::Read(_) | Flow::Once(_) => Ok(head),
    }
}

/// WITH options as they were written, secrets redacted.
pub(crate) fn options_text(options: &[WithOption]) -> String {
    let options: Vec<String> = options
        .iter()
        .map(|option| {
            let key = option.key.text.to_ascii_lowercase();
            let value = match &option.value {
                _ if SECRETS.iter().any(|secret| key.contains(secret)) => "'***'".to_owned(),
                OptionLiteral::Text(text) => format!("'{}'", text.replace('\'', "''")),
                OptionLiteral::Number(number) => number.clone(),
                OptionLiteral::Bool(value) => value.to_string(),
                OptionLiteral::IntervalNs(ns) => format!("'{}'", cep_types::options::format_duration(*ns)),
            };
            format!("{} = {value}", option.key.text)
        })
        .collect();
    options.join(", ")
}
