//! What an expression may refer to, as DataFusion's planner sees it.
//!
//! Invariants:
//! - Every name in the planner's schema starts with [`MARK`], so that a resolved name is never
//!   taken for one the user wrote. `sqlast::resolve` makes them, nothing else does.
//! - Behind the columns stand two more: the row's stamp and its event time.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion_common::{Column, DFSchema, DFSchemaRef};
use datafusion_expr::Expr;

use crate::functions::{LogTime, json_field};

use super::types::{TIMESTAMP, is_json_field};

/// First character of every resolved name.
pub(crate) const MARK: char = '\u{1}';

/// How the resolved names of what is no named column start.
pub(crate) const UNNAMED: &str = "\u{1}\u{1}";

const STAMP: &str = "\u{1}\u{1}stamp";
const EVENT_TIME: &str = "\u{1}\u{1}event_time";

/// The resolved form of a column's name.
pub(crate) fn marked(name: &str) -> String {
    format!("{MARK}{name}")
}

/// The name of column `index` that has none of its own (a group key, an aggregate).
pub(crate) fn unnamed(index: usize) -> String {
    format!("{UNNAMED}{index}")
}

/// What a resolved name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referent {
    /// Column by index.
    Column(usize),
    /// The row's stamp.
    Stamp,
    /// The row's event time.
    EventTime,
}

/// Columns of an operator's input.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    schema: SchemaRef,
    planner: DFSchemaRef,
}

impl Columns {
    /// The columns of `schema` under their own names, which are unique.
    pub(crate) fn named(schema: &SchemaRef) -> Self {
        let names = schema.fields().iter().map(|f| marked(f.name())).collect();
        Self::with_names(schema, names)
    }

    /// The columns of `schema` by position only.
    pub(crate) fn unnamed(schema: &SchemaRef) -> Self {
        Self::with_names(schema, (0..schema.fields().len()).map(unnamed).collect())
    }

    /// The columns of `schema` under the resolved names `names`, one each, all different.
    pub(crate) fn with_names(schema: &SchemaRef, names: Vec<String>) -> Self {
        let time = |name: &str| Arc::new(Field::new(name, TIMESTAMP, false));
        let fields: Fields = schema
            .fields()
            .iter()
            .zip(names)
            .map(|(field, name)| Arc::new(planner_field(field, name)))
            .chain([time(STAMP), time(EVENT_TIME)])
            .collect();
        let planner = DFSchema::from_unqualified_fields(fields, Default::default())
            .expect("resolved names are all different");
        Self { schema: Arc::clone(schema), planner: Arc::new(planner) }
    }

    /// The columns without the times.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The schema to plan expressions against.
    pub(crate) fn planner(&self) -> &DFSchemaRef {
        &self.planner
    }

    /// Column `index`.
    pub(crate) fn field(&self, index: usize) -> &FieldRef {
        &self.schema.fields()[index]
    }

    /// A reference to column `index`.
    pub(crate) fn reference(&self, index: usize) -> Expr {
        Expr::Column(Column::new_unqualified(self.planner.field(index).name()))
    }

    /// What `column` stands for; `None` when it is not one of these.
    pub(crate) fn find(&self, column: &Column) -> Option<Referent> {
        match column.name.as_str() {
            STAMP => Some(Referent::Stamp),
            EVENT_TIME => Some(Referent::EventTime),
            name => self.planner.index_of_column_by_name(None, name).map(Referent::Column),
        }
    }
}

/// A column as the planner and the function library see it: theirs is another tag for JSON.
fn planner_field(field: &Field, name: String) -> Field {
    if is_json_field(field) {
        json_field(&name).with_nullable(field.is_nullable())
    } else {
        Field::new(name, field.data_type().clone(), field.is_nullable())
    }
}

/// The expressions for stamp and event time in any schema of [`Columns`].
pub(crate) fn log_time() -> LogTime {
    LogTime {
        stamp: Expr::Column(Column::new_unqualified(STAMP)),
        event_time: Expr::Column(Column::new_unqualified(EVENT_TIME)),
    }
}

/// A schema of fields.
pub(crate) fn schema_of(fields: impl IntoIterator<Item = FieldRef>) -> SchemaRef {
    Arc::new(Schema::new(fields.into_iter().collect::<Fields>()))
}

/// `schema` with more columns behind it.
pub(crate) fn extended(schema: &SchemaRef, more: impl IntoIterator<Item = FieldRef>) -> SchemaRef {
    schema_of(schema.fields().iter().cloned().chain(more))
}

/// `schema` with `window_start` and `window_end` behind it.
pub(crate) fn with_window_columns(schema: &SchemaRef) -> SchemaRef {
    extended(schema, WINDOW_COLUMNS.map(|name| Arc::new(Field::new(name, TIMESTAMP, false))))
}

/// The columns that every batch window adds.
pub(crate) const WINDOW_COLUMNS: [&str; 2] = ["window_start", "window_end"];

/// The empty schema.
pub(crate) fn no_columns() -> SchemaRef {
    Arc::new(Schema::empty())
}

/// A nullable column.
pub(crate) fn column(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, true))
}
