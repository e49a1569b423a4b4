//! Questions: one bounded SELECT, asked of what a script keeps while it runs (R-SQL-7).
//!
//! Here the statement and its plan · `text` parameters and `definition.aggregation` in its text · `literal`
//! values as SQL.
//!
//! Invariants: a question changes nothing; parameters are values, never text that could be read as SQL.

mod literal;
#[cfg(test)]
mod tests;
mod text;

use arrow_array::RecordBatch;

use crate::ast::{Name, Query, RelationSource, SetExpr, Statement, StatementKind};
use crate::diag::{Diagnostic, codes, render};
use crate::plan::{AggregationRange, Read, ReadOf, TableId, TableLook};

use super::catalog::Object;
use super::{Session, StatementResult};

/// Longest question in bytes, its parameters among them.
pub const QUESTION_BYTES_MAX: usize = 16 << 10;

/// A bounded SELECT as it was asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The text that the statement's places are of.
    text: String,
    definition: Option<String>,
    source: Option<String>,
    statement: Statement,
}

/// What a question means where it is asked.
#[derive(Debug, Clone)]
pub enum QuestionPlan {
    /// Read this aggregation or table of the script.
    Read(Box<Read>),
    /// The answer is this row.
    Constants(RecordBatch),
}

/// Why a question has no answer, with the place in its text, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuestionError(pub String);

/// What a name stands for in a script, as far as questions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Askable {
    /// Something that keeps an answer: an aggregation, a table, or a view.
    Kept,
    /// A stream: its rows come and go.
    Stream,
}

impl Question {
    /// Reads a question. `parameters` is one row; column n, from 1, is `$n`.
    ///
    /// # Errors
    /// If it is not one SELECT, or parameters and their places do not match.
    pub fn parse(sql: &str, parameters: Option<&RecordBatch>) -> Result<Self, QuestionError> {
        let text::Prepared { text, definition } =
            text::prepare(sql, parameters).map_err(|error| shown(&error, sql))?;
        let errors = |errors: Vec<Diagnostic>| {
            let all: Vec<String> = errors.iter().map(|error| shown(error, &text).0).collect();
            QuestionError(all.join("\n\n"))
        };
        let mut statements = crate::sql::parse_script(&text, &|_| None).map_err(errors)?;
        let Some(statement) = statements.pop() else {
            return Err(QuestionError("there is no statement in the query; write a SELECT".into()));
        };
        if !statements.is_empty() {
            let error = Diagnostic::at(codes::SYNTAX, statement.span, "a query is one statement");
            return Err(shown(&error.help("ask the others by themselves"), &text));
        }
        let StatementKind::Select(query) = &statement.kind else {
            let error = Diagnostic::at(codes::WRONG_KIND, statement.span, "a query is a SELECT");
            return Err(shown(&error.help("deploy a definition to change what runs"), &text));
        };
        let source = source(query, &[]);
        Ok(Question { definition, source, text, statement })
    }

    /// The definition that was named in FROM.
    pub fn definition(&self) -> Option<&str> {
        self.definition.as_deref()
    }

    /// The first name in FROM; `None` where there is no FROM.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

/// The first name that a query reads from outside of itself.
fn source(query: &Query, known: &[&str]) -> Option<String> {
    let mut known = known.to_vec();
    for cte in &query.with {
        if let Some(found) = source(&cte.query, &known) {
            return Some(found);
        }
        known.push(&cte.name.text);
    }
    of_body(&query.body, &known)
}

fn of_body(body: &SetExpr, known: &[&str]) -> Option<String> {
    match body {
        SetExpr::Select(select) => {
            let relations = select.from.as_ref()?.relations();
            relations.into_iter().find_map(|relation| of_relation(&relation.source, known))
        }
        SetExpr::UnionAll(all) => all.iter().find_map(|body| of_body(body, known)),
        SetExpr::Nested(query) => source(query, known),
    }
}

fn of_relation(from: &RelationSource, known: &[&str]) -> Option<String> {
    let outside = |name: &Name| {
        let is_own = known.iter().any(|cte| cte.eq_ignore_ascii_case(&name.text));
        (!is_own).then(|| name.text.clone())
    };
    match from {
        RelationSource::Name(name) => outside(name),
        RelationSource::Derived(derived) => source(&derived.query, known),
        RelationSource::Pattern(pattern) => pattern.streams().into_iter().find_map(outside),
        RelationSource::Recognize(recognize) => of_relation(&recognize.input.source, known),
    }
}

fn shown(error: &Diagnostic, text: &str) -> QuestionError {
    QuestionError(render(error, "query", text, false).trim_end().to_owned())
}

impl Session {
    /// What a name stands for; `None` if for nothing.
    pub fn askable(&self, name: &str) -> Option<Askable> {
        Some(match self.catalog.find(name)? {
            Object::Stream(_) => Askable::Stream,
            Object::View(_) | Object::Aggregation(_) | Object::Table(_) => Askable::Kept,
        })
    }

    /// Names of all aggregations and tables, declared case.
    pub fn kept_names(&self) -> impl Iterator<Item = &str> {
        let is_kept = |object: &Object| matches!(object, Object::Aggregation(_) | Object::Table(_));
        let kept = self.catalog.objects().filter(is_kept);
        kept.map(|object| self.catalog.name(object))
    }

    /// What a question means here. Places of aggregations and tables are those of [`Session::program`].
    ///
    /// # Errors
    /// If it is wrong, or has no end.
    pub fn ask(&self, question: &Question) -> Result<QuestionPlan, QuestionError> {
        let Question { text, statement, .. } = question;
        let mut trial = self.clone();
        let before = (trial.reads.len(), trial.queries.len());
        let result = trial.execute(statement, text).map_err(|error| shown(&error, text))?;
        if let StatementResult::Constants(row) = result {
            return Ok(QuestionPlan::Constants(row));
        }
        if trial.reads.len() == before.0 {
            let message = "this query has no end: its rows come as long as the stream does";
            let help = "subscribe to the stream, or read a table, or an aggregation: FROM a WITHIN '…', '…' PER 'hours'";
            let error = Diagnostic::at(codes::WRONG_KIND, statement.span, message).help(help);
            return Err(shown(&error, text));
        }
        let mut read = trial.reads.swap_remove(before.0).read;
        read.of = match read.of {
            ReadOf::Aggregation(range) => {
                let before = &self.catalog.aggregations[..range.aggregation];
                let aggregation = before.iter().filter(|entry| !entry.is_dropped).count();
                ReadOf::Aggregation(AggregationRange { aggregation, ..range })
            }
            ReadOf::Table(look) => {
                let before = &self.catalog.tables[..look.table.index()];
                let count = before.iter().filter(|entry| !entry.is_dropped).count();
                ReadOf::Table(TableLook { table: TableId(u32::try_from(count).unwrap_or(u32::MAX)), ..look })
            }
        };
        Ok(QuestionPlan::Read(Box::new(read)))
    }
}
