//! A script, statement by statement: what the REPL adds to and `compile` runs through.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::FieldRef;
use cep_types::StreamId;
use cep_types::options::StreamOptions;

use crate::ast::{
    CreateAggregation, CreateStream, CreateView, Insert, InsertSource, InsertVerb, Name, Query, Span,
    Statement, StatementKind,
};
use crate::diag::{Diagnostic, Result, codes};
use crate::functions::FunctionRegistry;
use crate::plan::{
    self, AggregationRange, ConstRows, Program, QueryId, Read, ReadOf, TableId, TableLook, Target,
};

use super::aggregation;
use super::catalog::{AggregationEntry, Catalog, Object, View, folded};
use super::columns::schema_of;
use super::context::Context;
use super::insert::{self, Rows};
use super::order::{self, Ends};
use super::planner::Planner;
use super::query::{self, Ctes, closed, renamed};
use super::relation::{Flow, OpenRead, Relation};
use super::result::StatementResult;
use super::stream::{self, SideKind, SideStream};
use super::{CompileOptions, function, held, show, table};

/// What has been declared and started so far.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) planner: Arc<Planner>,
    options: CompileOptions,
    pub(super) catalog: Catalog,
    pub(super) queries: Vec<QueryEntry>,
    pub(super) reads: Vec<ReadEntry>,
    constants: Vec<ConstRows>,
    /// Side streams that were named and are declared further down.
    pending: Vec<(StreamId, SideStream)>,
    pub(super) triggers: Vec<plan::Trigger>,
    /// Folded names that CREATE STREAM declares further down in the running script.
    upcoming: BTreeSet<String>,
    prints: u32,
}

/// A running query.
#[derive(Debug, Clone)]
pub(super) struct QueryEntry {
    /// The plan; its number is given when the program is made.
    pub query: plan::Query,
    /// Folded names of the objects it reads.
    pub uses: BTreeSet<String>,
}

/// A read of an aggregation or a table.
#[derive(Debug, Clone)]
pub(super) struct ReadEntry {
    /// The plan.
    pub read: Read,
    /// Folded names of the objects it reads.
    pub uses: BTreeSet<String>,
}

/// A lowered query and what it read.
pub(super) struct Lowered {
    /// The rows.
    pub relation: Relation,
    /// Folded names of the objects it reads.
    pub uses: BTreeSet<String>,
}

impl Session {
    /// Nothing declared.
    pub fn new(options: CompileOptions) -> Self {
        Self {
            planner: Arc::new(Planner::new(Arc::new(FunctionRegistry::new()))),
            options,
            catalog: Catalog::default(),
            queries: Vec::new(),
            reads: Vec::new(),
            constants: Vec::new(),
            pending: Vec::new(),
            triggers: Vec::new(),
            upcoming: BTreeSet::new(),
            prints: 0,
        }
    }

    /// Parses `text` and runs its statements in order. Spans in the results are of `text`.
    ///
    /// # Errors
    /// What the parser refuses, or else what each statement that fails says; the statements without
    /// an error have taken effect. Errors that only repeat an earlier one are left out.
    pub fn run(&mut self, text: &str) -> Result<Vec<StatementResult>, Vec<Diagnostic>> {
        let statements = crate::sql::parse_script(text, &*self.options.environment)?;
        let mut results = Vec::with_capacity(statements.len());
        let mut errors = Vec::new();
        self.upcoming = statements.iter().filter_map(created_stream).map(|name| folded(&name.text)).collect();
        for statement in &statements {
            if let Some(name) = created_stream(statement) {
                self.upcoming.remove(&folded(&name.text));
            }
            match self.execute(statement, text) {
                Ok(result) => results.push(result),
                Err(error) => {
                    // Before the name is noted: an error about the very name is no repetition.
                    if !self.repeats(&error, text) && errors.len() < crate::sql::ERRORS_MAX {
                        errors.push(*error);
                    }
                    if let Some(name) = declared_name(statement) {
                        self.catalog.note_failed(&name.text);
                    }
                }
            }
        }
        // What failed to be declared is no side stream either; that error has been told.
        self.pending.clear();
        if errors.is_empty() { Ok(results) } else { Err(errors) }
    }

    /// Whether the error is about an object whose own declaration failed.
    fn repeats(&self, error: &Diagnostic, text: &str) -> bool {
        let unknown = error.code == codes::UNKNOWN_STREAM;
        let name = error.span.and_then(|span| text.get(span.start..span.end));
        unknown && name.is_some_and(|name| self.catalog.has_failed(name.trim_matches(['"', '`'])))
    }

    /// Runs one statement of `text`. On error nothing has changed.
    ///
    /// # Errors
    /// What is wrong with the statement.
    pub fn execute(&mut self, statement: &Statement, text: &str) -> Result<StatementResult> {
        self.perform(statement, text).map_err(|mut error| {
            // What has no text of its own, as an empty `[]`, is in the statement.
            error.span.get_or_insert(statement.span);
            error
        })
    }

    fn perform(&mut self, statement: &Statement, text: &str) -> Result<StatementResult> {
        let Statement { kind, span } = statement;
        match kind {
            StatementKind::CreateStream(create) => self.create_stream(create, *span, text),
            StatementKind::CreateView(create) => self.create_view(create, text),
            StatementKind::CreateAggregation(create) => self.create_aggregation(create, text),
            StatementKind::CreateTable(create) => self.create_table(create, *span),
            StatementKind::CreateIndex(create) => {
                table::create_index(&mut self.catalog, create).map(StatementResult::Created)
            }
            StatementKind::Insert(insert) => self.insert(insert, *span, text),
            StatementKind::CreateTrigger(create) => self.create_trigger(create, *span),
            StatementKind::CreateFunction(create) => {
                let context = Context::new(&self.planner, &self.catalog, text);
                let made = function::create(&context, create)?;
                self.catalog.add_function(made);
                Ok(StatementResult::Created(create.name.text.clone()))
            }
            StatementKind::Update(update) => self.update(update, text),
            StatementKind::Delete(delete) => self.delete(delete, text),
            StatementKind::Select(query) => self.print(query, *span, text),
            StatementKind::Explain(inner) => show::explain(self, inner, text),
            StatementKind::Show(kind) => Ok(show::show(self, *kind)),
            StatementKind::Describe(name) => show::describe(self, name),
            StatementKind::Drop { kind, if_exists, name } => {
                super::drop::drop_object(self, *kind, *if_exists, name)
            }
        }
    }

    /// The clock of streams that clients feed.
    pub(super) fn default_clock(&self) -> plan::Clock {
        self.options.default_clock
    }

    /// The function library.
    pub fn functions(&self) -> &FunctionRegistry {
        self.planner.registry()
    }

    fn lower(&self, query: &Query, text: &str) -> Result<Lowered> {
        let context = Context::new(&self.planner, &self.catalog, text);
        let relation = query::lower(&context, query, &Ctes::NONE)?;
        Ok(Lowered { relation, uses: context.into_used() })
    }

    /// A query whose columns get their names elsewhere.
    pub(super) fn lower_unnamed(&self, query: &Query, text: &str) -> Result<Lowered> {
        let context = Context::new(&self.planner, &self.catalog, text);
        let relation = query::lower_unnamed(&context, query, &Ctes::NONE)?;
        Ok(Lowered { relation, uses: context.into_used() })
    }

    pub(super) fn create_stream(
        &mut self,
        create: &CreateStream,
        span: Span,
        text: &str,
    ) -> Result<StatementResult> {
        let CreateStream { name, if_not_exists, columns, options, query } = create;
        if let Some(Object::Stream(_)) = self.catalog.find(&name.text)
            && *if_not_exists
        {
            return Ok(StatementResult::Nothing);
        }
        self.catalog.check_free(name)?;
        let rows = query.as_ref().map(|query| self.rows(query, text)).transpose()?;
        let fields: Vec<FieldRef> = match (&rows, columns.is_empty()) {
            (Some((rows, _)), true) => rows.node.schema().fields().iter().cloned().collect(),
            (Some(_), false) | (None, _) => stream::fields(columns),
        };
        let checked = stream::options(options, &fields, span)?;
        self.check_role(name, &checked, rows.is_some())?;
        let clock_written = options.iter().any(|option| option.key.matches("clock"));
        let id = self.catalog.next_stream();
        let sides = stream::side_streams(&checked, options);
        let mut entry =
            stream::entry(id, &name.text, fields, checked, self.options.default_clock, clock_written);
        entry.options_text = show::options_text(options);
        for side in &sides {
            if side.name.matches(&name.text) {
                let message = "a stream cannot take its own late or failed rows";
                return Err(Box::new(
                    Diagnostic::at(codes::RECURSION, side.name.span, message).help("name another stream"),
                ));
            }
        }
        let fed = match rows {
            None => None,
            Some((rows, uses)) => {
                let schema = entry.stream.schema.clone();
                let mapping = insert::mapping(&schema, name, &[], rows.node.schema().fields().len(), span)?;
                Some((insert::fitted(rows, &schema, &mapping, span)?, uses))
            }
        };
        let fields: Vec<FieldRef> = entry.stream.schema.fields().iter().cloned().collect();
        for side in sides.iter().filter(|side| self.catalog.find(&side.name.text).is_some()) {
            stream::check_side(&self.catalog, side, &fields)?;
        }
        for (of, side) in self.pending.iter().filter(|(_of, side)| side.name.matches(&name.text)) {
            let of = &self.catalog.stream(*of).stream.schema;
            stream::check_side_of(
                &entry.stream,
                side,
                &of.fields().iter().cloned().collect::<Vec<_>>(),
                name.span,
            )?;
        }
        self.catalog.add_stream(entry);
        self.link_side_streams(id, sides);
        if let Some((rows, uses)) = fed {
            self.start(name.text.clone(), Target::Stream(id), rows, uses, span);
        }
        Ok(StatementResult::Created(name.text.clone()))
    }

    fn check_role(&self, name: &Name, options: &StreamOptions, has_query: bool) -> Result<()> {
        if has_query && stream::has_source(options) {
            let message = format!("`{}` cannot have a source and a query", name.text);
            let help = "leave out the query or the source";
            return Err(Box::new(Diagnostic::at(codes::OPTION_CONFLICT, name.span, message).help(help)));
        }
        Ok(())
    }

    /// A query's rows as a stream.
    fn rows(&self, query: &Query, text: &str) -> Result<(Rows, BTreeSet<String>)> {
        let Lowered { relation, uses } = self.lower(query, text)?;
        let (node, times, changelog) = closed(relation, query.span)?;
        query::check_size(&node, query.span)?;
        Ok((Rows { node, times, changelog }, uses))
    }

    fn create_view(&mut self, create: &CreateView, text: &str) -> Result<StatementResult> {
        let CreateView { name, columns, query } = create;
        self.catalog.check_free(name)?;
        if query::reads_directly(&query.body, &name.text) {
            return Err(query::recursive(name));
        }
        let lowered =
            if columns.is_empty() { self.lower(query, text) } else { self.lower_unnamed(query, text) };
        let Lowered { relation, uses } = lowered?;
        let relation = renamed(relation, columns, name.span)?;
        self.settle(&uses);
        self.catalog.add_view(View { name: name.text.clone(), relation, uses });
        Ok(StatementResult::Created(name.text.clone()))
    }

    fn create_aggregation(&mut self, create: &CreateAggregation, text: &str) -> Result<StatementResult> {
        self.catalog.check_free(&create.name)?;
        let context = Context::new(&self.planner, &self.catalog, text);
        let (aggregation, limits) = aggregation::lower(&context, create)?;
        let uses = context.into_used();
        self.settle_reads(&aggregation.input.scans());
        self.catalog.add_aggregation(AggregationEntry { aggregation, limits, uses, is_dropped: false });
        Ok(StatementResult::Created(create.name.text.clone()))
    }

    /// Whether a stream is a trigger's.
    pub(super) fn is_trigger(&self, stream: StreamId) -> bool {
        self.triggers.iter().any(|trigger| trigger.stream == stream)
    }

    fn print(&mut self, query: &Query, span: Span, text: &str) -> Result<StatementResult> {
        let Lowered { relation, uses } = self.lower(query, text)?;
        match relation.flow {
            Flow::Once(values) => StatementResult::constants(&relation.schema, &values, query.span),
            Flow::Read(open) => {
                self.prints += 1;
                let name = format!("query_{}", self.prints);
                let schema = relation.schema;
                Ok(self.add_read(name, *open, schema, Target::Print, uses))
            }
            Flow::Stream(_) | Flow::Window(_) | Flow::Sliding(_) => {
                let (node, times, changelog) = closed(relation, query.span)?;
                query::check_size(&node, span)?;
                self.prints += 1;
                let name = format!("query_{}", self.prints);
                Ok(self.start(name, Target::Print, Rows { node, times, changelog }, uses, span))
            }
        }
    }

    fn insert(&mut self, insert: &Insert, span: Span, text: &str) -> Result<StatementResult> {
        let Insert { verb, target, columns, source } = insert;
        if let Object::Table(at) = self.catalog.get(target)? {
            return self.insert_into_table(at, insert, span, text);
        }
        if *verb == InsertVerb::Upsert {
            let message = format!("`{}` is no table, and only rows of a table are replaced", target.text);
            let help = "write INSERT INTO";
            return Err(Box::new(Diagnostic::at(codes::WRONG_KIND, target.span, message).help(help)));
        }
        match source {
            InsertSource::Values(values) => {
                let at = self.target(target)?;
                let context = Context::new(&self.planner, &self.catalog, text);
                let schema = self.catalog.streams[at].stream.schema.clone();
                let given = values.first().map_or(0, Vec::len);
                let mapping = insert::mapping(&schema, target, columns, given, span)?;
                let rows = insert::constants(&context, values, &schema, &mapping, span)?;
                Ok(self.add_constants(at, rows))
            }
            InsertSource::Query(query) => self.insert_query(target, columns, query, span, text),
        }
    }

    /// The stream of an INSERT, which must exist.
    fn target(&self, target: &Name) -> Result<usize> {
        match self.catalog.get(target)? {
            Object::Stream(at) if self.is_trigger(self.catalog.streams[at].stream.id) => {
                let message = format!("`{}` is a trigger, and time makes its rows", target.text);
                let help = "insert into a stream of your own";
                Err(Box::new(Diagnostic::at(codes::READ_ONLY, target.span, message).help(help)))
            }
            Object::Stream(at) => {
                insert::check_writable(&self.catalog.streams[at], target)?;
                Ok(at)
            }
            other => {
                let message = format!("`{}` is {}, and rows go into streams", target.text, other.kind());
                Err(Box::new(Diagnostic::at(codes::WRONG_KIND, target.span, message).help("name a stream")))
            }
        }
    }

    fn insert_query(
        &mut self,
        target: &Name,
        columns: &[Name],
        query: &Query,
        span: Span,
        text: &str,
    ) -> Result<StatementResult> {
        let at = self.target(target)?;
        let Lowered { relation, uses } = self.lower_unnamed(query, text)?;
        let given = relation.schema.fields().len();
        let stream = &self.catalog.streams[at].stream;
        let (id, schema) = (stream.id, stream.schema.clone());
        let mapping = insert::mapping(&schema, target, columns, given, query.span)?;
        match relation.flow {
            Flow::Once(values) => {
                let rows = insert::constant_row(&values, &relation.schema, &schema, &mapping, query.span)?;
                Ok(self.add_constants(at, rows))
            }
            Flow::Read(open) => {
                if relation.schema != schema {
                    let message = format!(
                        "the answer of an aggregation or a table must have the columns of `{}`",
                        target.text
                    );
                    let help = "select them with the same names and types";
                    return Err(Box::new(
                        Diagnostic::at(codes::TARGET_SCHEMA, query.span, message).help(help),
                    ));
                }
                self.catalog.streams[at].is_fed = true;
                Ok(self.add_read(target.text.clone(), *open, schema, Target::Stream(id), uses))
            }
            Flow::Stream(_) | Flow::Window(_) | Flow::Sliding(_) => {
                let (node, times, changelog) = closed(relation, query.span)?;
                query::check_size(&node, span)?;
                let rows = insert::fitted(Rows { node, times, changelog }, &schema, &mapping, query.span)?;
                insert::check_feed(&self.catalog, id, &rows, target)?;
                Ok(self.start(target.text.clone(), Target::Stream(id), rows, uses, span))
            }
        }
    }

    /// Declares a stream by what is inserted into it.
    fn add_derived(&mut self, name: &Name, schema: &arrow_schema::SchemaRef) -> StreamId {
        let id = self.catalog.next_stream();
        let fields = schema.fields().iter().cloned().collect();
        let options = StreamOptions::internal();
        let entry = stream::entry(id, &name.text, fields, options, self.options.default_clock, false);
        self.catalog.add_stream(entry)
    }

    /// Adds a running query.
    pub(super) fn start(
        &mut self,
        name: String,
        target: Target,
        rows: Rows,
        uses: BTreeSet<String>,
        span: Span,
    ) -> StatementResult {
        let Rows { node, times, changelog } = rows;
        let reads = node.scans();
        self.settle_reads(&reads);
        let held_by = held::held_by(&node, &self.catalog);
        let key = table::unique_key_over(&node, &|id| self.catalog.stream(id).key.clone());
        if let Target::Stream(id) = target {
            let by_event =
                reads.iter().all(|read| self.catalog.stream(*read).stream.time.clock == plan::Clock::Event);
            let entry = &mut self.catalog.streams[id.0 as usize];
            if entry.stream.time.column.is_none() {
                // Rows without a time of their own inherit it, and with it how it advances.
                let was_event = !entry.is_fed || entry.stream.time.clock == plan::Clock::Event;
                entry.stream.time.clock =
                    if by_event && was_event { plan::Clock::Event } else { plan::Clock::Ingest };
                entry.times = match entry.is_fed {
                    false => times,
                    true => entry.times.iter().copied().filter(|time| times.contains(time)).collect(),
                };
            }
            // Rows of two queries that replace each other would not know whose they replace.
            entry.key = if entry.is_fed { None } else { key };
            entry.is_fed = true;
            entry.held_by = entry.held_by.or(held_by);
            if !entry.is_fed_from_outside {
                entry.stream.origin = plan::StreamOrigin::Derived;
            }
            entry.stream.changelog = changelog;
            entry.inputs.extend(reads);
        }
        // The number is the place in the program, which may come to be ordered differently.
        let id = QueryId(u32::try_from(self.queries.len()).unwrap_or(u32::MAX));
        let query = plan::Query { id, name: name.clone(), target, plan: node, changelog, span: Some(span) };
        self.queries.push(QueryEntry { query, uses });
        StatementResult::Started(name)
    }

    fn add_read(
        &mut self,
        name: String,
        open: OpenRead,
        schema: arrow_schema::SchemaRef,
        target: Target,
        uses: BTreeSet<String>,
    ) -> StatementResult {
        let OpenRead { mut of, ops } = open;
        if let ReadOf::Table(look) = &mut of {
            look.probe = table::probe_of_read(&ops, &self.catalog.tables[look.table.index()].table);
        }
        let read = Read { name: name.clone(), of, ops, schema, target };
        self.reads.push(ReadEntry { read, uses });
        StatementResult::Started(name)
    }

    fn add_constants(&mut self, at: usize, rows: RecordBatch) -> StatementResult {
        let entry = &mut self.catalog.streams[at];
        entry.is_fed = true;
        entry.stream.origin = plan::StreamOrigin::External;
        entry.is_fed_from_outside = true;
        let count = rows.num_rows();
        self.constants.push(ConstRows { stream: entry.stream.id, rows });
        StatementResult::Inserted(count)
    }

    /// What the rows of the streams read mean is settled from now on.
    fn settle_reads(&mut self, reads: &[StreamId]) {
        for id in reads {
            self.catalog.streams[id.0 as usize].is_read = true;
        }
    }

    fn settle(&mut self, uses: &BTreeSet<String>) {
        for name in uses {
            if let Some(Object::Stream(at)) = self.catalog.find(name) {
                self.catalog.streams[at].is_read = true;
            }
        }
    }

    /// Links the side streams of the new stream `id`, and `id` to the streams that wait for it.
    /// Side streams that nobody declares are declared here.
    pub(super) fn link_side_streams(&mut self, id: StreamId, sides: Vec<SideStream>) {
        let name = folded(&self.catalog.stream(id).stream.name);
        let (waiting, pending) =
            std::mem::take(&mut self.pending).into_iter().partition(|(_of, side)| side.name.matches(&name));
        self.pending = pending;
        let waiting: Vec<(StreamId, SideStream)> = waiting;
        for (of, side) in waiting {
            self.link(of, id, side.kind);
        }
        for side in sides {
            let target = match self.catalog.find(&side.name.text) {
                Some(Object::Stream(at)) => self.catalog.streams[at].stream.id,
                Some(Object::View(_) | Object::Aggregation(_) | Object::Table(_)) => continue,
                None if self.upcoming.contains(&folded(&side.name.text)) => {
                    self.pending.push((id, side));
                    continue;
                }
                None => {
                    let fields: Vec<FieldRef> =
                        self.catalog.stream(id).stream.schema.fields().iter().cloned().collect();
                    let target =
                        self.add_derived(&side.name, &schema_of(stream::side_fields(side.kind, &fields)));
                    self.catalog.streams[target.0 as usize].made_for = Some(id);
                    target
                }
            };
            self.link(id, target, side.kind);
        }
    }

    /// Late or failed rows of `of` go to `target`.
    fn link(&mut self, of: StreamId, target: StreamId, kind: SideKind) {
        let times = self.catalog.stream(of).times.clone();
        let entry = &mut self.catalog.streams[target.0 as usize];
        entry.is_fed = true;
        // The host gives dead letters to the stream, the engine late rows.
        entry.is_fed_from_outside |= kind == SideKind::DeadLetter;
        entry.stream.origin = match entry.is_fed_from_outside {
            true => plan::StreamOrigin::External,
            false => plan::StreamOrigin::Derived,
        };
        if kind == SideKind::Late {
            entry.times = times;
            self.catalog.streams[of.0 as usize].stream.time.late_stream = Some(target);
        }
    }

    /// Everything declared and started, numbered without gaps, inputs first.
    pub fn program(&self) -> Program {
        let mut new = Vec::with_capacity(self.catalog.streams.len());
        let mut streams = Vec::new();
        for entry in &self.catalog.streams {
            let id = StreamId(u32::try_from(streams.len()).unwrap_or(u32::MAX));
            new.push(id);
            if !entry.is_dropped {
                streams.push(plan::Stream { id, ..entry.stream.clone() });
            }
        }
        for stream in &mut streams {
            stream.time.late_stream = stream.time.late_stream.map(|id| new[id.0 as usize]);
        }
        let mut new_tables = Vec::with_capacity(self.catalog.tables.len());
        let mut tables = Vec::new();
        for entry in &self.catalog.tables {
            let id = TableId(u32::try_from(tables.len()).unwrap_or(u32::MAX));
            new_tables.push(id);
            if !entry.is_dropped {
                let seed = entry.table.seed.map(|seed| new[seed.index()]);
                tables.push(plan::Table { id, seed, ..entry.table.clone() });
            }
        }
        let target = |target: Target| match target {
            Target::Table(id) => Target::Table(new_tables[id.index()]),
            Target::Print => Target::Print,
            Target::Stream(id) => Target::Stream(new[id.0 as usize]),
        };
        let ends: Vec<Ends> = self
            .queries
            .iter()
            .map(|entry| Ends { reads: entry.query.plan.scans(), target: entry.query.target })
            .collect();
        let queries = order::topological(&ends)
            .into_iter()
            .zip(0..)
            .map(|(at, id)| {
                let mut query = self.queries[at].query.clone();
                query.id = QueryId(id);
                query.target = target(query.target);
                order::renumber(&mut query.plan, &new, &new_tables);
                query
            })
            .collect();
        let mut new_aggregations = Vec::new();
        let mut aggregations = Vec::new();
        for entry in &self.catalog.aggregations {
            new_aggregations.push(aggregations.len());
            if !entry.is_dropped {
                let mut aggregation = entry.aggregation.clone();
                order::renumber(&mut aggregation.input, &new, &new_tables);
                aggregations.push(aggregation);
            }
        }
        let reads = self
            .reads
            .iter()
            .map(|entry| Read {
                of: match entry.read.of.clone() {
                    ReadOf::Aggregation(range) => ReadOf::Aggregation(AggregationRange {
                        aggregation: new_aggregations[range.aggregation],
                        ..range
                    }),
                    ReadOf::Table(look) => {
                        ReadOf::Table(TableLook { table: new_tables[look.table.index()], ..look })
                    }
                },
                target: target(entry.read.target),
                ..entry.read.clone()
            })
            .collect();
        let constants = self
            .constants
            .iter()
            .filter(|rows| !self.catalog.stream(rows.stream).is_dropped)
            .map(|rows| ConstRows { stream: new[rows.stream.0 as usize], rows: rows.rows.clone() })
            .collect();
        let live = |trigger: &&plan::Trigger| !self.catalog.stream(trigger.stream).is_dropped;
        let triggers = self.triggers.iter().filter(live);
        let triggers =
            triggers.map(|trigger| plan::Trigger { stream: new[trigger.stream.index()], ..trigger.clone() });
        Program { streams, queries, constants, aggregations, reads, tables, triggers: triggers.collect() }
    }
}

/// The name that CREATE STREAM declares.
fn created_stream(statement: &Statement) -> Option<&Name> {
    match &statement.kind {
        StatementKind::CreateStream(create) => Some(&create.name),
        _ => None,
    }
}

/// The name a statement declares.
fn declared_name(statement: &Statement) -> Option<&Name> {
    match &statement.kind {
        StatementKind::CreateStream(create) => Some(&create.name),
        StatementKind::CreateView(create) => Some(&create.name),
        StatementKind::CreateAggregation(create) => Some(&create.name),
        StatementKind::CreateTable(create) => Some(&create.name),
        StatementKind::CreateTrigger(create) => Some(&create.name),
        StatementKind::CreateFunction(create) => Some(&create.name),
        StatementKind::Insert(insert) => Some(&insert.target),
        StatementKind::CreateIndex(_) | StatementKind::Update(_) | StatementKind::Delete(_) => None,
        StatementKind::Select(_)
        | StatementKind::Explain(_)
        | StatementKind::Show(_)
        | StatementKind::Describe(_)
        | StatementKind::Drop { .. } => None,
    }
}
