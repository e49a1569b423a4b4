//! Questions to what runs here: a bounded SELECT on the roll-ups or a table of a definition.
//!
//! [`Replica::plan`] finds who is asked and compiles, [`Replica::begin_answer`], [`Replica::go_on_answering`] and
//! [`Replica::end_answer`] answer in slices. A plan may be sent to other partitions of the space;
//! [`Planned::apart`] leaves what needs all rows to who puts their answers together.
//!
//! Invariant: all of it looks at the state and changes nothing; between the slices of an answer nothing
//! is applied, so that it is true at one log index.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use cep_lang::diag::suggest;
use cep_lang::lower::{Askable, CompileOptions, Question, QuestionPlan, Session};
use cep_lang::plan::{BoundedOp, Read, ReadOf, TableLook, Target};

use super::{Definition, Replica};
use crate::ops::steps_on;
use crate::partition::Reading;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The question is wrong: ask another one.
    #[error("{0}")]
    Wrong(String),
    /// What runs is not what the question was compiled for: ask it again.
    #[error("definition '{0}' has changed meanwhile; ask again")]
    Changed(String),
}

/// A question that was compiled for a definition.
#[derive(Debug, Clone)]
pub struct Planned {
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Constants(RecordBatch),
    Read {
        definition: String,
        version: u32,
        /// What each partition answers.
        read: Box<Read>,
        /// All partitions have the same rows, so that one answer is that of all.
        is_same: bool,
        /// What is left to do with all their answers.
        rest: Vec<BoundedOp>,
        /// Columns behind that.
        schema: SchemaRef,
    },
}

/// An answer under way.
#[derive(Debug)]
pub struct Asking(Option<Reading>);

impl Asking {
    /// Groups or rows looked at so far.
    pub fn groups(&self) -> usize {
        self.0.as_ref().map_or(0, Reading::groups)
    }
}

impl Planned {
    /// Leaves steps that need the rows of all partitions to [`Planned::together`].
    pub fn apart(&mut self, replica: &Replica) {
        let Body::Read { definition, read, rest, .. } = &mut self.body else { return };
        let by_row = |op: &BoundedOp| matches!(op, BoundedOp::Filter(_) | BoundedOp::Project { .. });
        let count = read.ops.iter().take_while(|op| by_row(op)).count();
        *rest = read.ops.split_off(count);
        let made = read.ops.iter().rev().find_map(|op| match op {
            BoundedOp::Project { schema, .. } => Some(Arc::clone(schema)),
            _ => None,
        });
        let kept = || {
            let program = replica.definition(definition)?.program();
            Some(Arc::clone(match &read.of {
                ReadOf::Aggregation(range) => &program.aggregations[range.aggregation].output,
                ReadOf::Table(look) => &program.tables[look.table.index()].schema,
            }))
        };
        if let Some(schema) = made.or_else(kept) {
            read.schema = schema;
        }
    }

    /// One answer of those of all partitions, in their order.
    ///
    /// # Errors
    /// If it cannot be computed.
    pub fn together(&self, answers: &[RecordBatch]) -> Result<RecordBatch, AskError> {
        let wrong = |error: String| AskError::Wrong(error);
        match &self.body {
            Body::Constants(row) => Ok(row.clone()),
            Body::Read { read, rest, schema, is_same, .. } => {
                let answers = if *is_same { &answers[..answers.len().min(1)] } else { answers };
                let rows = concat_batches(&read.schema, answers).map_err(|error| wrong(error.to_string()))?;
                if rest.is_empty() {
                    return Ok(rows);
                }
                let whole = Read { schema: Arc::clone(schema), ..(**read).clone() };
                steps_on(rest, &whole, &rows).map_err(wrong)
            }
        }
    }
}

impl Replica {
    /// Whether no entry is half applied: only then questions are answered.
    pub fn is_between_entries(&self) -> bool {
        self.cursor.is_none()
    }

    /// Compiles a question for the definition that it asks.
    ///
    /// # Errors
    /// If nobody here, or more than one definition, can be asked, or it is wrong.
    pub fn plan(&self, question: &Question) -> Result<Planned, AskError> {
        let Some(source) = question.source() else {
            let session = Session::new(CompileOptions::default());
            return match session.ask(question).map_err(|error| AskError::Wrong(error.0))? {
                QuestionPlan::Constants(row) => Ok(Planned { body: Body::Constants(row) }),
                QuestionPlan::Read(_) => unreachable!("nothing is read without FROM"),
            };
        };
        let (name, definition) = match question.definition() {
            Some(named) => self.named(named, source)?,
            None => self.found(source)?,
        };
        let names = definition.names.as_ref().expect("it keeps something");
        let body = match names.ask(question).map_err(|error| AskError::Wrong(error.0))? {
            QuestionPlan::Constants(row) => Body::Constants(row),
            QuestionPlan::Read(mut read) => {
                let mut is_same = false;
                if let ReadOf::Table(TableLook { table, now_ns, .. }) = &mut read.of {
                    // The same time for all partitions that are asked.
                    *now_ns = Some(definition.partition.stamp_ns());
                    let queries = &definition.program().queries;
                    is_same = !queries.iter().any(|query| query.target == Target::Table(*table));
                }
                Body::Read {
                    definition: name.to_owned(),
                    version: self.version(name).unwrap_or_default(),
                    schema: Arc::clone(&read.schema),
                    read,
                    is_same,
                    rest: Vec::new(),
                }
            }
        };
        Ok(Planned { body })
    }

    /// The definition of this name, if it keeps `source`.
    fn named(&self, named: &str, source: &str) -> Result<(&str, &Definition), AskError> {
        let wrong = |text: String| Err(AskError::Wrong(text));
        let found = self.definitions().find(|(name, _)| *name == named);
        let found = found.or_else(|| self.definitions().find(|(name, _)| name.eq_ignore_ascii_case(named)));
        let Some((name, definition)) = found else {
            let known: Vec<&str> = self.definitions().map(|(name, _)| name).collect();
            return wrong(format!(
                "there is no definition '{named}' that runs here; there is {}",
                listed(&known)
            ));
        };
        match askable(definition, source) {
            Some(Askable::Kept) => Ok((name, definition)),
            Some(Askable::Stream) => wrong(stream(source, name)),
            None => wrong(self.unknown(source)),
        }
    }

    /// The only definition that keeps `source`.
    fn found(&self, source: &str) -> Result<(&str, &Definition), AskError> {
        let of_kind = |kind: Askable| {
            self.definitions().filter(move |(_, definition)| askable(definition, source) == Some(kind))
        };
        let mut kept = of_kind(Askable::Kept);
        match (kept.next(), kept.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                let all: Vec<&str> = of_kind(Askable::Kept).map(|(name, _)| name).collect();
                let first = all[0];
                Err(AskError::Wrong(format!(
                    "several definitions have '{source}': {}; name one: FROM \"{first}\".{source}",
                    listed(&all)
                )))
            }
            (None, _) => Err(AskError::Wrong(match of_kind(Askable::Stream).next() {
                Some((name, _)) => stream(source, name),
                None => self.unknown(source),
            })),
        }
    }

    fn unknown(&self, source: &str) -> String {
        let all: Vec<String> = (self.definitions())
            .filter_map(|(name, definition)| Some((name, definition.names.as_ref()?)))
            .flat_map(|(name, names)| names.kept_names().map(move |kept| format!("{name}.{kept}")))
            .collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let own = all.iter().filter_map(|full| full.rsplit('.').next());
        let close =
            suggest(source, own).map_or_else(String::new, |close| format!("; did you mean '{close}'?"));
        format!("there is no aggregation or table '{source}' here; there is {}{close}", listed(&all))
    }

    fn version(&self, name: &str) -> Option<u32> {
        Some(self.installed.get(name)?.run.as_ref()?.activate.version)
    }

    /// Begins an answer.
    ///
    /// # Errors
    /// If the definition is not the one that the question was compiled for.
    ///
    /// # Panics
    /// If an entry is half applied.
    pub fn begin_answer(&self, planned: &Planned) -> Result<Asking, AskError> {
        assert!(self.is_between_entries(), "questions are answered between entries");
        let Some((read, definition)) = self.asked(planned)? else { return Ok(Asking(None)) };
        definition.partition.begin_read(read).map(|reading| Asking(Some(reading))).map_err(AskError::Wrong)
    }

    /// Looks at about `groups` more groups; `true` when that was the last slice. Nothing may be applied
    /// between slices.
    ///
    /// # Errors
    /// As [`Replica::begin_answer`].
    pub fn go_on_answering(
        &self,
        planned: &Planned,
        asking: &mut Asking,
        groups: usize,
    ) -> Result<bool, AskError> {
        let (Some((read, definition)), Some(reading)) = (self.asked(planned)?, &mut asking.0) else {
            return Ok(true);
        };
        Ok(definition.partition.go_on_reading(read, reading, groups))
    }

    /// The answer.
    ///
    /// # Errors
    /// If it cannot be computed.
    pub fn end_answer(&self, planned: &Planned, asking: Asking) -> Result<RecordBatch, AskError> {
        match (&planned.body, self.asked(planned)?, asking.0) {
            (Body::Constants(row), ..) => Ok(row.clone()),
            (Body::Read { .. }, Some((read, definition)), Some(reading)) => {
                definition.partition.end_read(read, reading).map_err(AskError::Wrong)
            }
            (Body::Read { definition, .. }, ..) => Err(AskError::Changed(definition.clone())),
        }
    }

    /// What is read of whom; `None` for constants.
    fn asked<'a>(&'a self, planned: &'a Planned) -> Result<Option<(&'a Read, &'a Definition)>, AskError> {
        let Body::Read { definition: name, version, read, .. } = &planned.body else { return Ok(None) };
        match self.definition(name).filter(|_| self.version(name) == Some(*version)) {
            Some(definition) => Ok(Some((read, definition))),
            None => Err(AskError::Changed(name.clone())),
        }
    }
}

/// What a name stands for in a definition.
fn askable(definition: &Definition, source: &str) -> Option<Askable> {
    match &definition.names {
        Some(names) => names.askable(source),
        None => {
            let mut streams = definition.program().streams.iter();
            streams.any(|stream| stream.name.eq_ignore_ascii_case(source)).then_some(Askable::Stream)
        }
    }
}

fn stream(source: &str, definition: &str) -> String {
    format!(
        "'{source}' is a stream of definition '{definition}', and its rows are not kept: subscribe to it, or keep \
         roll-ups of it with CREATE AGGREGATION, or rows of it in a table"
    )
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
