//! Tables of SHOW and DESCRIBE.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use cep_lang::ast::{Grain, ShowKind};
use cep_lang::functions::FunctionRegistry;
use cep_lang::plan::{Changelog, Program, Stream, StreamOrigin, Target};
use cep_lang::sql::window_docs;
use cep_types::options::{Role, SinkConnector, SourceConnector, type_name};
use net_connect::{ConnectError, OutputFormat, Printing, stdout_sink};

use super::live::LiveQuery;
use crate::failure::{Failure, Result};

/// A small table of texts.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Answer {
    /// What SHOW lists. `views` are names and texts of the views; `live` the queries that go on.
    pub fn show(kind: ShowKind, program: &Program, views: &[(String, String)], live: &[LiveQuery]) -> Self {
        match kind {
            ShowKind::Streams => Answer {
                columns: vec!["name", "connected_to", "rows_are", "columns"],
                rows: program.streams.iter().map(stream_row).collect(),
            },
            ShowKind::Views => Answer {
                columns: vec!["name", "statement"],
                rows: views.iter().map(|(name, text)| vec![name.clone(), one_line(text)]).collect(),
            },
            ShowKind::Aggregations => Answer {
                columns: vec!["name", "grains", "columns"],
                rows: program
                    .aggregations
                    .iter()
                    .map(|a| {
                        let grains: Vec<&str> = a.grains.iter().map(grain).collect();
                        vec![a.name.clone(), grains.join(", "), columns(&a.output)]
                    })
                    .collect(),
            },
            ShowKind::Queries => {
                Answer { columns: vec!["name", "into", "statement"], rows: queries(program, live) }
            }
            ShowKind::Functions => Answer {
                columns: vec!["name", "kind", "syntax", "what"],
                rows: FunctionRegistry::new()
                    .describe()
                    .into_iter()
                    .map(|f| vec![f.name, f.kind.as_str().to_owned(), f.syntax, f.doc])
                    .collect(),
            },
            ShowKind::Windows => Answer {
                columns: vec!["name", "usage", "what"],
                rows: window_docs()
                    .iter()
                    .map(|w| vec![w.name.to_owned(), w.usage(), w.help.to_owned()])
                    .collect(),
            },
        }
    }

    /// All objects in one list: `\d`.
    pub fn objects(program: &Program, views: &[(String, String)]) -> Self {
        let streams = program.streams.iter().map(|s| vec![s.name.clone(), "stream".to_owned(), connected(s)]);
        let views = views.iter().map(|(name, _)| vec![name.clone(), "view".to_owned(), String::new()]);
        let aggregations = program
            .aggregations
            .iter()
            .map(|a| vec![a.name.clone(), "aggregation".to_owned(), String::new()]);
        Answer {
            columns: vec!["name", "kind", "connected_to"],
            rows: streams.chain(views).chain(aggregations).collect(),
        }
    }

    /// The columns of an object.
    pub fn describe(schema: &Schema) -> Self {
        Answer {
            columns: vec!["column", "type", "null"],
            rows: schema
                .fields()
                .iter()
                .map(|f| {
                    let null = if f.is_nullable() { "yes" } else { "no" };
                    vec![f.name().clone(), type_name(f), null.to_owned()]
                })
                .collect(),
        }
    }

    /// Prints the table on standard output.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&self, format: OutputFormat) -> Result<()> {
        let fields: Vec<Field> =
            self.columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let arrays: Vec<ArrayRef> = (0..self.columns.len())
            .map(|at| {
                Arc::new(StringArray::from_iter_values(self.rows.iter().map(|row| &row[at]))) as ArrayRef
            })
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Failure::run(error.to_string()))?;
        let mut sink = stdout_sink(None, Printing { format, tag_streams: false });
        sink.write(&batch, None, "").and_then(|()| sink.close()).map_err(|error| match error {
            ConnectError::OutputClosed => Failure::OutputClosed,
            error => Failure::run(error.to_string()),
        })
    }
}

fn stream_row(stream: &Stream) -> Vec<String> {
    let rows_are = match stream.changelog {
        Changelog::Append => "append",
        Changelog::Retract => "retract",
        Changelog::Upsert => "upsert",
    };
    vec![stream.name.clone(), connected(stream), rows_are.to_owned(), columns(&stream.schema)]
}

/// Where a stream's rows come from or go to.
fn connected(stream: &Stream) -> String {
    match (&stream.options.role, stream.origin) {
        (Role::Source(SourceConnector::File { path, .. }), _) => format!("from file '{path}'"),
        (Role::Source(SourceConnector::Stdin { .. }), _) => "from standard input".to_owned(),
        (Role::Source(SourceConnector::Timer { .. }), _) => "from a timer".to_owned(),
        (Role::Source(SourceConnector::Generator(_)), _) => "from a generator".to_owned(),
        (Role::Sink(SinkConnector::File { path, .. }), _) => format!("to file '{path}'"),
        (Role::Sink(SinkConnector::Stdout), _) => "to standard output".to_owned(),
        (Role::Sink(SinkConnector::Log { .. }), _) => "to standard error".to_owned(),
        (Role::Sink(SinkConnector::Blackhole), _) => "to nowhere".to_owned(),
        (Role::Internal, StreamOrigin::External) => "INSERT … VALUES".to_owned(),
        (Role::Internal, StreamOrigin::Derived) => "queries".to_owned(),
    }
}

fn columns(schema: &Schema) -> String {
    let columns: Vec<String> =
        schema.fields().iter().map(|field| format!("{} {}", field.name(), type_name(field))).collect();
    columns.join(", ")
}

fn queries(program: &Program, live: &[LiveQuery]) -> Vec<Vec<String>> {
    let between = program.queries.iter().filter_map(|query| match query.target {
        Target::Stream(stream) => {
            let into = program.streams[stream.index()].name.clone();
            Some(vec![query.name.clone(), into, String::new()])
        }
        Target::Print => None,
    });
    let printing = live.iter().map(|q| vec![q.name.clone(), "standard output".to_owned(), one_line(&q.text)]);
    between.chain(printing).collect()
}

fn grain(grain: &Grain) -> &'static str {
    match grain {
        Grain::Second => "SECOND",
        Grain::Minute => "MINUTE",
        Grain::Hour => "HOUR",
        Grain::Day => "DAY",
        Grain::Week => "WEEK",
        Grain::Month => "MONTH",
        Grain::Year => "YEAR",
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
