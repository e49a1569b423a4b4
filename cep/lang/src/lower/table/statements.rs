//! What the statements on tables and triggers do to a session.

use arrow_array::RecordBatch;

use crate::ast::{CreateTable, CreateTrigger, Delete, Insert, InsertSource, Name, Span, Update};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::catalog::Object;
use crate::lower::context::Context;
use crate::lower::insert::{self, Rows};
use crate::lower::query::{self, closed};
use crate::lower::relation::Flow;
use crate::lower::result::StatementResult;
use crate::lower::session::{Lowered, Session};
use crate::lower::trigger;
use crate::plan::{self, TableId, Target};

impl Session {
    pub(crate) fn create_table(&mut self, create: &CreateTable, span: Span) -> Result<StatementResult> {
        let name = &create.name;
        if let Some(Object::Table(_)) = self.catalog.find(&name.text)
            && create.if_not_exists
        {
            return Ok(StatementResult::Nothing);
        }
        self.catalog.check_free(name)?;
        let id = TableId(u32::try_from(self.catalog.tables.len()).unwrap_or(u32::MAX));
        let (mut entry, source) = super::create(id, create, span)?;
        if let Some(source) = source {
            let seed = self.catalog.next_stream();
            entry.table.seed = Some(seed);
            self.catalog.add_nameless(super::seed(seed, &entry, source));
        }
        self.catalog.add_table(entry);
        Ok(StatementResult::Created(name.text.clone()))
    }

    pub(crate) fn create_trigger(&mut self, create: &CreateTrigger, span: Span) -> Result<StatementResult> {
        self.catalog.check_free(&create.name)?;
        let (entry, trigger) = trigger::create(self.catalog.next_stream(), create, span)?;
        self.catalog.add_stream(entry);
        self.triggers.push(trigger);
        Ok(StatementResult::Created(create.name.text.clone()))
    }

    pub(crate) fn insert_into_table(
        &mut self,
        at: usize,
        insert: &Insert,
        span: Span,
        text: &str,
    ) -> Result<StatementResult> {
        let Insert { verb, target, columns, source } = insert;
        let own = self.catalog.tables[at].table.clone();
        let schema = &own.schema;
        let constant = |rows: RecordBatch, session: &mut Session| {
            let count = rows.num_rows();
            let conflict = super::conflict(*verb, &own);
            session.catalog.tables[at].table.rows.push((conflict, rows));
            StatementResult::Inserted(count)
        };
        let query = match source {
            InsertSource::Values(values) => {
                let context = Context::new(&self.planner, &self.catalog, text);
                let given = values.first().map_or(0, Vec::len);
                let mapping = insert::mapping(schema, target, columns, given, span)?;
                let rows = insert::constants(&context, values, schema, &mapping, span)?;
                return Ok(constant(rows, self));
            }
            InsertSource::Query(query) => query,
        };
        let Lowered { relation, uses } = self.lower_unnamed(query, text)?;
        let given = relation.schema.fields().len();
        let mapping = insert::mapping(schema, target, columns, given, query.span)?;
        match relation.flow {
            Flow::Once(values) => {
                let rows = insert::constant_row(&values, &relation.schema, schema, &mapping, query.span)?;
                Ok(constant(rows, self))
            }
            Flow::Read(_) => Err(super::no_rows(query.span)),
            Flow::Stream(_) | Flow::Window(_) | Flow::Sliding(_) => {
                let (node, times, changelog) = closed(relation, query.span)?;
                query::check_size(&node, span)?;
                let rows = insert::fitted(Rows { node, times, changelog }, schema, &mapping, query.span)?;
                super::check_changelog(&own, *verb, &rows, target)?;
                let rows = super::rows_into(&own, *verb, rows);
                Ok(self.start(target.text.clone(), Target::Table(own.id), rows, uses, span))
            }
        }
    }

    /// The table called `name`.
    fn table(&self, name: &Name) -> Result<plan::Table> {
        match self.catalog.get(name)? {
            Object::Table(at) => Ok(self.catalog.tables[at].table.clone()),
            other => {
                let message = format!("`{}` is {}, and only rows of tables change", name.text, other.kind());
                Err(Box::new(Diagnostic::at(codes::WRONG_KIND, name.span, message).help("name a table")))
            }
        }
    }

    pub(crate) fn update(&mut self, update: &Update, text: &str) -> Result<StatementResult> {
        let own = self.table(&update.table)?;
        let context = Context::new(&self.planner, &self.catalog, text);
        let rows = super::update(&context, &own, update)?;
        let uses = context.into_used();
        Ok(self.start(update.table.text.clone(), Target::Table(own.id), rows, uses, update.span))
    }

    pub(crate) fn delete(&mut self, delete: &Delete, text: &str) -> Result<StatementResult> {
        let own = self.table(&delete.table)?;
        let context = Context::new(&self.planner, &self.catalog, text);
        let rows = super::delete(&context, &own, delete)?;
        let uses = context.into_used();
        Ok(self.start(delete.table.text.clone(), Target::Table(own.id), rows, uses, delete.span))
    }
}
