//! From the text of a definition to what the control group and the partitions are told.

use std::collections::BTreeSet;
use std::sync::Arc;

use cep_engine::Partition;
use cep_engine::replica::print_name;
use cep_lang::diag::render;
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{self, Clock, Program, StreamOrigin, Target};
use cep_types::Epoch;
use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::log::{self, Binding};
use cep_types::options::{ErrorStrategy, Role};
use cep_types::sql_type::field_type_name;
use shard_control::{Changelog, ColumnDecl, Compiled, Control, DefinitionVersion, EngineLevel, StreamDecl};

use super::programs::Programs;
use super::spread;

/// The engine level of this binary (R-DET-4).
pub(crate) const ENGINE_LEVEL: EngineLevel = EngineLevel(1);

/// Why a definition is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeployError(pub String);

/// What a text means on a space of so many partitions. With `connectors_off` its sources are fed by clients
/// and its sinks are subscribed to; without, streams with connectors are refused.
///
/// # Errors
/// Everything that is wrong with it, for people.
pub fn compile_definition(
    name: &str,
    text: &str,
    partitions: u32,
    connectors_off: bool,
) -> Result<Compiled, DeployError> {
    let program = program_of(name, text)?;
    check(&program, connectors_off)?;
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
    Ok(Compiled { engine_level: ENGINE_LEVEL, declares, reads: Vec::new() })
}

/// The program of a text, as every partition compiles it.
pub(crate) fn program_of(name: &str, text: &str) -> Result<Program, DeployError> {
    let options = CompileOptions { default_clock: Clock::Ingest, ..CompileOptions::default() };
    compile(text, &options).map_err(|diagnostics| {
        let shown: Vec<String> =
            diagnostics.iter().map(|d| render(d, name, text, false).trim_end().to_owned()).collect();
        DeployError(shown.join("\n\n"))
    })
}

/// What does not work on a node yet is refused, by name.
fn check(program: &Program, connectors_off: bool) -> Result<(), DeployError> {
    let refuse = |text: String| Err(DeployError(text));
    for stream in &program.streams {
        let plan::Stream { name, options, time, schema, origin, .. } = stream;
        let connector = match &options.role {
            Role::Source(_) => Some("source"),
            Role::Sink(_) => Some("sink"),
            Role::Internal => None,
        };
        if let Some(connector) = connector.filter(|_| !connectors_off) {
            return refuse(format!(
                "stream '{name}' has a {connector}, and nodes do not run connectors yet; deploy with connectors \
                 off: clients append to its sources and subscribe to its sinks"
            ));
        }
        if options.errors.strategy != ErrorStrategy::Drop {
            return refuse(format!(
                "stream '{name}': error.strategy is 'drop' on a node; errors are counted and logged"
            ));
        }
        let timed = time.column.map(|column| schema.field(column));
        if *origin == StreamOrigin::External
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
            "'{}' reads an aggregation once; leave it out of the definition and ask it as a query",
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
    let program = programs.get(name, version, &record.text.0)?;
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
    let action = log::Action::Run { language: log::Language::Sql, text: record.text.0.clone(), streams };
    Ok(log::Activate { name: name.to_owned(), version: version.0, epoch, action })
}
