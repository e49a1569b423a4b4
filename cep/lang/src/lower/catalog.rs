//! What has been declared: streams, views, aggregations, tables, and who uses what.
//!
//! Invariant: names are unique over all kinds, under ASCII case folding.

use std::collections::{BTreeMap, BTreeSet};

use cep_types::StreamId;

use crate::ast::Name;
use crate::diag::{Diagnostic, codes, suggest};
use crate::plan::{Aggregation, Changelog, Node, Stream};

use super::relation::{Relation, StateLimits};
use super::sqlast::UserFunction;
use super::table::TableEntry;

/// The form under which a name is looked up.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// A stream with what lowering knows about it.
#[derive(Debug, Clone)]
pub(crate) struct StreamEntry {
    /// The plan's stream.
    pub stream: Stream,
    /// Columns whose order is the order of the rows' event time.
    pub times: Vec<usize>,
    /// Whether a query or VALUES feeds it.
    pub is_fed: bool,
    /// Whether constants or dead letters come from outside, besides what queries add.
    pub is_fed_from_outside: bool,
    /// Whether a query reads it, so that what its rows mean is settled.
    pub is_read: bool,
    /// Streams that the queries feeding it read.
    pub inputs: BTreeSet<StreamId>,
    /// By which columns its rows replace each other, where they do and it is known.
    pub key: Option<super::table::Key>,
    /// What keeps its rows back longer than the watermark, see [`super::held`].
    pub held_by: Option<&'static str>,
    /// Late rows go to another stream, which may not be declared yet.
    pub has_late_stream: bool,
    /// DROPped: its number is not used again until the program is made.
    pub is_dropped: bool,
    /// Its WITH options as text, secrets redacted.
    pub options_text: String,
    /// Made for `late.stream` or `error.dlq.stream` of this stream.
    pub made_for: Option<StreamId>,
}

/// A view.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Its name, declared case.
    pub name: String,
    /// What it stands for.
    pub relation: Relation,
    /// Folded names of the objects it reads.
    pub uses: BTreeSet<String>,
}

/// An aggregation.
#[derive(Debug, Clone)]
pub(crate) struct AggregationEntry {
    /// The plan's aggregation.
    pub aggregation: Aggregation,
    /// Limits of the streams it reads.
    pub limits: StateLimits,
    /// Folded names of the objects it reads.
    pub uses: BTreeSet<String>,
    /// DROPped.
    pub is_dropped: bool,
}

/// An object by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    /// Index into the streams.
    Stream(usize),
    /// Index into the views.
    View(usize),
    /// Index into the aggregations.
    Aggregation(usize),
    /// Index into the tables.
    Table(usize),
}

impl Object {
    /// The kind with its article.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Object::Stream(_) => "a stream",
            Object::View(_) => "a view",
            Object::Aggregation(_) => "an aggregation",
            Object::Table(_) => "a table",
        }
    }
}

/// Everything declared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    objects: BTreeMap<String, Object>,
    /// By number.
    pub streams: Vec<StreamEntry>,
    /// In order of declaration.
    pub views: Vec<View>,
    /// By number.
    pub aggregations: Vec<AggregationEntry>,
    /// By number.
    pub tables: Vec<TableEntry>,
    /// User functions, by folded name.
    functions: BTreeMap<String, UserFunction>,
    /// Folded names whose declaration failed; errors about them would only repeat it.
    failed: BTreeSet<String>,
}

impl Catalog {
    /// The object called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<Object> {
        self.objects.get(&folded(name)).copied()
    }

    /// The name of an object, declared case.
    pub(crate) fn name(&self, object: Object) -> &str {
        match object {
            Object::Stream(at) => &self.streams[at].stream.name,
            Object::View(at) => &self.views[at].name,
            Object::Aggregation(at) => &self.aggregations[at].aggregation.name,
            Object::Table(at) => &self.tables[at].table.name,
        }
    }

    /// The object called `name`.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn get(&self, name: &Name) -> Result<Object, Box<Diagnostic>> {
        self.find(&name.text).ok_or_else(|| self.unknown(name))
    }

    /// The error for a name that stands for nothing.
    pub(crate) fn unknown(&self, name: &Name) -> Box<Diagnostic> {
        let known = self.objects.values().map(|object| self.name(*object));
        let help = match suggest(&name.text, known) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("declare it first: CREATE STREAM {} (…) WITH (…)", name.text),
        };
        let message = format!("there is no stream, view, table or aggregation `{}`", name.text);
        Box::new(Diagnostic::at(codes::UNKNOWN_STREAM, name.span, message).help(help))
    }

    /// Checks that `name` is free.
    ///
    /// # Errors
    /// It is taken.
    pub(crate) fn check_free(&self, name: &Name) -> Result<(), Box<Diagnostic>> {
        let Some(object) = self.find(&name.text) else {
            return Ok(());
        };
        let taken = self.name(object);
        let message = format!("there is {} `{taken}` already", object.kind());
        let help = match object {
            Object::Stream(at) if self.streams[at].made_for.is_some() => {
                "it was made for the stream that names it in its options; declare it before that stream"
                    .to_owned()
            }
            _ => "names match in any case; choose another".to_owned(),
        };
        Err(Box::new(Diagnostic::at(codes::OBJECT_EXISTS, name.span, message).help(help)))
    }

    /// The next stream's number.
    pub(crate) fn next_stream(&self) -> StreamId {
        StreamId(u32::try_from(self.streams.len()).expect("scripts have fewer than 2^32 streams"))
    }

    /// The entry of a stream.
    pub(crate) fn stream(&self, id: StreamId) -> &StreamEntry {
        &self.streams[id.0 as usize]
    }

    /// Adds a stream; its number is [`Self::next_stream`].
    pub(crate) fn add_stream(&mut self, entry: StreamEntry) -> StreamId {
        let id = self.next_stream();
        debug_assert_eq!(entry.stream.id, id, "streams are numbered in order");
        self.objects.insert(folded(&entry.stream.name), Object::Stream(self.streams.len()));
        self.streams.push(entry);
        id
    }

    /// Adds a view.
    pub(crate) fn add_view(&mut self, view: View) {
        self.objects.insert(folded(&view.name), Object::View(self.views.len()));
        self.views.push(view);
    }

    /// Adds an aggregation.
    pub(crate) fn add_aggregation(&mut self, entry: AggregationEntry) {
        self.objects.insert(folded(&entry.aggregation.name), Object::Aggregation(self.aggregations.len()));
        self.aggregations.push(entry);
    }

    /// Adds a table; its number is that of the tables so far.
    pub(crate) fn add_table(&mut self, entry: TableEntry) {
        self.objects.insert(folded(&entry.table.name), Object::Table(self.tables.len()));
        self.tables.push(entry);
    }

    /// The user function called `name`.
    pub(crate) fn function(&self, name: &str) -> Option<&UserFunction> {
        if self.functions.is_empty() { None } else { self.functions.get(&folded(name)) }
    }

    /// All user functions, by name.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &UserFunction> {
        self.functions.values()
    }

    /// Adds a user function.
    pub(crate) fn add_function(&mut self, function: UserFunction) {
        self.functions.insert(folded(&function.name), function);
    }

    /// Removes a user function; whether there was one. What was written with it stays as it is.
    pub(crate) fn remove_function(&mut self, name: &str) -> bool {
        self.functions.remove(&folded(name)).is_some()
    }

    /// Adds a stream that belongs to another object and has no name of its own.
    pub(crate) fn add_nameless(&mut self, entry: StreamEntry) {
        debug_assert_eq!(entry.stream.id, self.next_stream(), "streams are numbered in order");
        self.streams.push(entry);
    }

    /// Removes a name; what has a number keeps it until the program is made.
    pub(crate) fn remove(&mut self, object: Object) {
        let name = folded(self.name(object));
        self.objects.remove(&name);
        match object {
            Object::Stream(at) => self.streams[at].is_dropped = true,
            // Views have no number outside; an entry without a name is found by nobody.
            Object::View(_) => {}
            Object::Aggregation(at) => self.aggregations[at].is_dropped = true,
            Object::Table(at) => self.tables[at].is_dropped = true,
        }
    }

    /// Live objects by folded name.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Object> + '_ {
        self.objects.values().copied()
    }

    /// Notes that the declaration of `name` failed.
    pub(crate) fn note_failed(&mut self, name: &str) {
        self.failed.insert(folded(name));
    }

    /// Whether the declaration of `name` failed.
    pub(crate) fn has_failed(&self, name: &str) -> bool {
        self.failed.contains(&folded(name)) && self.find(name).is_none()
    }

    /// The strictest limits of the streams that `node` reads.
    pub(crate) fn limits(&self, node: &Node) -> StateLimits {
        let mut limits: Option<StateLimits> = None;
        for id in node.scans() {
            let options = &self.stream(id).stream.options;
            let own = StateLimits {
                keys_max: options.state_keys_max,
                ttl_ns: options.state_ttl_ns,
                runs_max: options.pattern_runs_max,
                runs_over: options.pattern_runs_over,
                quantile_exact_max: u32::try_from(options.quantile_exact_max).unwrap_or(u32::MAX),
                join_rows_max: options.join_rows_max,
                join_rows_over: options.join_rows_over,
            };
            limits = Some(match limits {
                None => own,
                Some(so_far) => so_far.strictest(own),
            });
        }
        limits.unwrap_or_default()
    }

    /// Whether a query that reads `from` would feed one of its own inputs by writing `target`: the
    /// streams of the cycle, starting and ending with `target`.
    pub(crate) fn cycle(&self, target: StreamId, from: &[StreamId]) -> Option<Vec<StreamId>> {
        let mut paths: Vec<Vec<StreamId>> = from.iter().map(|id| vec![target, *id]).collect();
        let mut seen = BTreeSet::new();
        while let Some(path) = paths.pop() {
            let last = *path.last().expect("paths have two ends");
            if last == target {
                return Some(path);
            }
            if seen.insert(last) {
                let inputs = self.stream(last).inputs.iter();
                paths.extend(inputs.map(|input| path.iter().copied().chain([*input]).collect()));
            }
        }
        None
    }
}

impl StateLimits {
    /// The smaller bound of each.
    pub(crate) fn strictest(self, other: Self) -> Self {
        Self {
            keys_max: self.keys_max.min(other.keys_max),
            ttl_ns: match (self.ttl_ns, other.ttl_ns) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            runs_max: self.runs_max.min(other.runs_max),
            runs_over: self.runs_over.max(other.runs_over),
            quantile_exact_max: self.quantile_exact_max.min(other.quantile_exact_max),
            join_rows_max: self.join_rows_max.min(other.join_rows_max),
            join_rows_over: self.join_rows_over.max(other.join_rows_over),
        }
    }
}

/// The words for a changelog kind in messages.
pub(crate) fn changelog_text(changelog: Changelog) -> &'static str {
    match changelog {
        Changelog::Append => "append",
        Changelog::Retract => "retract",
        Changelog::Upsert => "upsert",
    }
}
