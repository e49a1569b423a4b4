//! From the text of a definition to what the control group and the partitions are told.

use std::collections::BTreeSet;
use std::sync::Arc;

use cep_engine::Partition;
use cep_engine::replica::{compile_options, print_name};
use cep_lang::bundle::is_bundle;
use cep_lang::diag::render;
use cep_lang::lower::compile;
use cep_lang::plan::{self, Program, StreamOrigin, Target};
use cep_types::Epoch;
use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::log::{self, Binding, Connectors};
use cep_types::options::{ErrorStrategy, Role, SourceConnector};
use cep_types::sql_type::field_type_name;
use shard_control::{
    Changelog, ColumnDecl, Compiled, Connected, Control, DefinitionVersion, DefinitionVersionRecord,
    EngineLevel, StreamDecl,
};

use super::programs::Programs;
use super::spread;

/// The engine level of this binary (R-DET-4).
pub(crate) const ENGINE_LEVEL: EngineLevel = EngineLevel(1);

/// Why a definition is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeployError(pub String);

/// What a text means on a space of so many partitions. With connectors off its sources are fed by clients and
/// its sinks are subscribed to.
///
/// # Errors
/// Everything that is wrong with it, for people.
pub fn compile_definition(
    name: &str,
    text: &str,
    partitions: u32,
    connectors: Connectors,
) -> Result<Compiled, DeployError> {
    let program = program_of(name, text, connectors)?;
    // What has none runs none.
    let has_some = program.streams.iter().any(|stream| !matches!(stream.options.role, Role::Internal));
    let connectors = if has_some || connectors == Connectors::Console { connectors } else { Connectors::Off };
    check(&program, connectors)?;
    if partitions > 1 {
        spread::check(&program).map_err(DeployError)?;
    }
    let program = Arc::new(program);
    Partition::new(Arc::clone(&program), &[])
        .map_err(|error| DeployError(render(&error.diagnostic(), name, text, false)))?;
    let declares: Vec<StreamDecl> = outer(name, &program).map(|outer| outer.decl()).collect();
    let mut names = BTreeSet::new();
    for decl in &declares {
        if !names.insert(decl.name.to_ascii_lowercase()) {
            let text = format!("two of its streams are called '{}' outside; rename one", decl.name);
            return Err(DeployError(text));
        }
    }
    let feeds = program.streams.iter().filter(|stream| matches!(stream.options.role, Role::Source(_)));
    let connected = (connectors != Connectors::Off).then(|| Connected {
        feeds: feeds.map(|stream| stream.name.clone()).collect(),
        console: connectors == Connectors::Console,
    });
    Ok(Compiled { engine_level: ENGINE_LEVEL, declares, reads: Vec::new(), connected })
}

/// The program of a text, as every partition compiles it.
pub(crate) fn program_of(name: &str, text: &str, connectors: Connectors) -> Result<Program, DeployError> {
    compile(text, &compile_options(connectors)).map_err(|diagnostics| {
        let shown: Vec<String> =
            diagnostics.iter().map(|d| render(d, name, text, false).trim_end().to_owned()).collect();
        DeployError(shown.join("\n\n"))
    })
}

/// What does not work on a node yet is refused, by name.
fn check(program: &Program, connectors: Connectors) -> Result<(), DeployError> {
    let refuse = |text: String| Err(DeployError(text));
    for stream in &program.streams {
        let plan::Stream { name, options, time, schema, origin, .. } = stream;
        let is_on = connectors != Connectors::Off;
        if is_on && matches!(options.role, Role::Source(SourceConnector::Stdin { .. })) {
            return refuse(format!(
                "stream '{name}' reads standard input, which cannot be read again after a crash; read a file, or \
                 append with a client"
            ));
        }
        let has_strategy = match (&options.role, &options.errors.strategy) {
            (_, ErrorStrategy::Drop) => true,
            (Role::Source(_), _) => is_on,
            (Role::Sink(_), ErrorStrategy::Fail | ErrorStrategy::Retry(_)) => is_on,
            (Role::Sink(_) | Role::Internal, _) => false,
        };
        if !has_strategy {
            return refuse(format!(
                "stream '{name}': error.strategy is 'drop' on a node, but for connectors that run: sources may have \
                 each, sinks 'fail' and 'retry'"
            ));
        }
        let tells_time = is_on && matches!(options.role, Role::Source(_));
        let timed = time.column.map(|column| schema.field(column));
        if *origin == StreamOrigin::External
            && !tells_time
            && options.event_time.is_some()
            && !timed
                .is_some_and(|field| matches!(field.data_type(), arrow_schema::DataType::Timestamp(_, _)))
        {
            return refuse(format!(
                "stream '{name}': event.time is a TIMESTAMP column where clients append; change its type"
            ));
        }
    }
    if let Some(read) = program.reads.first() {
        return refuse(format!(
            "'{}' reads an aggregation or a table once; leave it out of the definition and ask it as a query",
            read.name
        ));
    }
    Ok(())
}

/// A stream of a program that is known outside.
pub(crate) enum Outer<'a> {
    /// A declared or derived one.
    Stream(&'a plan::Stream),
    /// What a bare SELECT prints, with its name outside.
    Printed(&'a plan::Query, String),
}

/// All streams of a program that are known outside.
pub(crate) fn outer<'a>(name: &'a str, program: &'a Program) -> impl Iterator<Item = Outer<'a>> {
    let printed = program.queries.iter().filter(|query| query.target == Target::Print);
    let printed = printed.map(move |query| Outer::Printed(query, print_name(name, &query.name)));
    program.streams.iter().map(Outer::Stream).chain(printed)
}

impl Outer<'_> {
    /// Its name outside.
    pub(crate) fn name(&self) -> &str {
        match self {
            Outer::Stream(stream) => &stream.name,
            Outer::Printed(_, name) => name,
        }
    }

    /// Its name in the definition.
    pub(crate) fn inner_name(&self) -> &str {
        match self {
            Outer::Stream(stream) => &stream.name,
            Outer::Printed(query, _) => &query.name,
        }
    }

    pub(crate) fn schema(&self) -> &arrow_schema::SchemaRef {
        match self {
            Outer::Stream(stream) => &stream.schema,
            Outer::Printed(query, _) => query.plan.schema(),
        }
    }

    /// Whether clients append to it, else they subscribe to it.
    pub(crate) fn is_input(&self) -> bool {
        matches!(self, Outer::Stream(stream) if stream.origin == StreamOrigin::External)
    }

    fn changelog(&self) -> plan::Changelog {
        match self {
            Outer::Stream(stream) => stream.changelog,
            Outer::Printed(query, _) => query.changelog,
        }
    }

    fn decl(&self) -> StreamDecl {
        let schema = self.schema();
        let name_of = |at: usize| schema.field(at).name().clone();
        let (key, event_time) = match self {
            Outer::Stream(stream) => (stream.options.partition_by.as_slice(), stream.time.column),
            Outer::Printed(..) => (&[][..], None),
        };
        StreamDecl {
            name: self.name().to_owned(),
            columns: schema
                .fields()
                .iter()
                .map(|field| ColumnDecl {
                    name: field.name().clone(),
                    sql_type: field_type_name(field),
                    nullable: field.is_nullable(),
                    default: None,
                })
                .collect(),
            key: key.iter().map(|&at| name_of(at)).collect(),
            event_time: event_time.map(name_of),
            changelog: match self.changelog() {
                plan::Changelog::Append => Changelog::Append,
                plan::Changelog::Retract => Changelog::Retract,
                plan::Changelog::Upsert => Changelog::Upsert,
            },
        }
    }
}

/// Whether the connectors of a version run.
pub(crate) fn connectors_of(record: &DefinitionVersionRecord) -> Connectors {
    match &record.compiled.connected {
        None => Connectors::Off,
        Some(connected) if connected.console => Connectors::Console,
        Some(_) => Connectors::On,
    }
}

/// The entry that has partitions run a version.
///
/// # Errors
/// If the control group does not have it, or its streams are not there.
pub(crate) fn activation(
    control: &Control,
    programs: &Programs,
    name: &str,
    version: DefinitionVersion,
    epoch: Epoch,
) -> Result<log::Activate, DeployError> {
    let missing = |what: &str| DeployError(format!("definition '{name}': {what} is not there"));
    let definition = control.definition(name).ok_or_else(|| missing("it"))?;
    let record = definition.versions.get(&version).ok_or_else(|| missing("the version"))?;
    let connectors = connectors_of(record);
    let program = programs.get(name, version, &record.text.0, connectors)?;
    let mut streams = Vec::new();
    for outer in outer(name, &program) {
        let stream = control.stream(outer.name()).ok_or_else(|| missing(outer.name()))?;
        let schema = stream.schema();
        let columns: Option<Vec<ColumnId>> = outer
            .schema()
            .fields()
            .iter()
            .map(|field| schema.column(field.name()).map(|column| column.id))
            .collect();
        streams.push(Binding {
            name: outer.inner_name().to_owned(),
            stream: stream.id,
            schema_version: SchemaVersion(schema.version.0),
            columns: columns.ok_or_else(|| missing("a column"))?,
        });
    }
    let text = record.text.0.clone();
    let language = if is_bundle(&text) { log::Language::Bundle } else { log::Language::Sql };
    let action = log::Action::Run { language, text, streams, connectors };
    Ok(log::Activate { name: name.to_owned(), version: version.0, epoch, action })
}
