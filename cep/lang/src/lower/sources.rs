//! The relations of FROM by name, beside the columns of what they were joined to.
//!
//! Invariant: a column of a relation is called in the joined columns as in the relation, with
//! [`Source::prefix`] in front; these names are all different.

use arrow_schema::{FieldRef, SchemaRef};

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};
use crate::functions::FunctionRegistry;

use super::columns::schema_of;
use super::sqlast::{Relation, Scope};

/// What FROM reads, in the order in which it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources(Vec<Source>);

/// One relation.
#[derive(Debug, Clone)]
struct Source {
    /// Its name or alias.
    qualifier: Option<String>,
    /// Its columns by their own names.
    schema: SchemaRef,
    /// What stands before those names in the joined columns.
    prefix: String,
    /// Columns that USING made one with another relation's, which is found instead.
    merged: Vec<String>,
}

impl Sources {
    /// One relation, whose columns are those of its rows.
    pub(crate) fn one(qualifier: Option<&str>, schema: SchemaRef) -> Self {
        let qualifier = qualifier.map(str::to_owned);
        Sources(vec![Source { qualifier, schema, prefix: String::new(), merged: Vec::new() }])
    }

    /// One more, whose columns stand behind the others with its name in front; `merged` are those of
    /// USING. `first`: it was written before the others.
    ///
    /// # Errors
    /// Two relations of one name.
    pub(crate) fn join(
        &mut self,
        qualifier: &str,
        schema: SchemaRef,
        merged: Vec<String>,
        first: bool,
        span: Span,
    ) -> Result<()> {
        let taken =
            |source: &Source| source.qualifier.as_ref().is_some_and(|q| q.eq_ignore_ascii_case(qualifier));
        if self.0.iter().any(taken) {
            let message = format!("two relations are called `{qualifier}`");
            let help = "give one of them another name: JOIN t AS other ON …";
            return Err(Box::new(Diagnostic::at(codes::NAME, span, message).help(help)));
        }
        let source =
            Source { qualifier: Some(qualifier.to_owned()), schema, prefix: format!("{qualifier}."), merged };
        self.0.insert(if first { 0 } else { self.0.len() }, source);
        Ok(())
    }

    /// The joined columns: `columns`, then those of `schema` with `qualifier` in front.
    ///
    /// # Errors
    /// A column that is called so already.
    pub(crate) fn columns(
        columns: &SchemaRef,
        qualifier: &str,
        schema: &SchemaRef,
        nullable: bool,
        span: Span,
    ) -> Result<SchemaRef> {
        let named = |field: &FieldRef| -> FieldRef {
            let name = format!("{qualifier}.{}", field.name());
            let nullable = nullable || field.is_nullable();
            field.as_ref().clone().with_name(name).with_nullable(nullable).into()
        };
        let own: Vec<FieldRef> = columns.fields().iter().cloned().collect();
        let more: Vec<FieldRef> = schema.fields().iter().map(named).collect();
        let twice = more.iter().find(|m| own.iter().any(|o| o.name().eq_ignore_ascii_case(m.name())));
        if let Some(field) = twice {
            let message = format!("there is a column `{}` already", field.name());
            let help = "give the table another name: JOIN t AS other ON …";
            return Err(Box::new(Diagnostic::at(codes::COLUMN_TWICE, span, message).help(help)));
        }
        Ok(schema_of(own.into_iter().chain(more).collect::<Vec<_>>()))
    }

    /// The names that expressions may use.
    pub(crate) fn scope<'a>(&'a self, registry: &'a FunctionRegistry) -> Scope<'a> {
        let relations = self.0.iter().map(|source| Relation {
            qualifier: source.qualifier.as_deref(),
            columns: &source.schema,
            prefix: &source.prefix,
            open: true,
            merged: &source.merged,
            outer: false,
        });
        Scope { relations: relations.collect(), aliases: &[], aliases_first: false, windows: &[], registry }
    }
}
