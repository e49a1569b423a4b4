//! The rows of several streams as one input: a union with a column that says the stream.
//!
//! Columns of one name and type are one column of the union; a stream without it has NULL there.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, SchemaRef};
use datafusion_common::ScalarValue;

use crate::ast::{Name, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{Changelog, Expr, ExprKind, NamedExpr, Node};

use super::super::columns::{Columns, schema_of};
use super::super::context::Context;
use super::super::expr::{cast_to, literal};
use super::super::query::closed;
use super::super::relation::{Relation, StateLimits};
use super::super::sqlast::{Scope, SqlExpr};
use super::super::types::{common_type, field_type_name};

/// The column that says the stream.
const TAG: &str = "_stream";

/// One stream of a pattern.
pub(super) struct Source {
    /// As it was named first.
    pub name: Name,
    /// Its rows.
    node: Node,
    /// Its columns.
    pub schema: SchemaRef,
    /// Those that are its event time.
    pub times: Vec<usize>,
    limits: StateLimits,
}

impl Source {
    /// The rows of `relation`.
    ///
    /// # Errors
    /// Rows that are replaced or taken back later, what is no stream.
    pub(super) fn new(name: Name, relation: Relation, span: Span) -> Result<Self> {
        let limits = relation.limits;
        let (node, times, changelog) = closed(relation, span)?;
        if changelog != Changelog::Append {
            let message = "a pattern cannot take rows that are replaced or taken back later";
            let help = "put a window on its input, then its rows are final: WINDOW TUMBLING (SIZE 1 MINUTE)";
            return Err(Box::new(Diagnostic::at(codes::CHANGELOG, span, message).help(help)));
        }
        let schema = node.schema().clone();
        Ok(Self { name, node, schema, times, limits })
    }

    /// Its rows.
    pub(super) fn rows(&self) -> &Node {
        &self.node
    }

    /// Whether `name` is its event time.
    pub(super) fn is_time(&self, name: &str) -> bool {
        self.times.iter().any(|time| self.schema.field(*time).name().eq_ignore_ascii_case(name))
    }
}

/// The input of a pattern.
pub(super) struct Input {
    /// Its rows.
    pub node: Node,
    /// The column that says the stream; `None`: one stream.
    pub tag: Option<usize>,
    /// For each stream, where its columns are.
    pub columns: Vec<Vec<usize>>,
    /// PARTITION BY.
    pub keys: Vec<Expr>,
    /// Limits of the streams.
    pub limits: StateLimits,
}

/// The input over `sources`, at least one, with the keys of PARTITION BY.
///
/// # Errors
/// Keys that a stream does not have, or that have no common type.
pub(super) fn input(context: &Context<'_>, sources: Vec<Source>, partition_by: &[SqlExpr]) -> Result<Input> {
    let limits =
        sources.iter().map(|source| source.limits).reduce(StateLimits::strictest).unwrap_or_default();
    let mut keys: Vec<Vec<Expr>> = Vec::with_capacity(partition_by.len());
    for sql in partition_by {
        keys.push(sources.iter().map(|source| key(context, sql, source)).collect::<Result<_>>()?);
    }
    if sources.len() == 1 {
        let source = sources.into_iter().next().expect("there is one");
        let columns = vec![(0..source.schema.fields().len()).collect()];
        let keys = keys.into_iter().flatten().collect();
        return Ok(Input { node: source.node, tag: None, columns, keys, limits });
    }
    let mut union = Union::new(&sources);
    let keys = partition_by
        .iter()
        .zip(keys)
        .map(|(sql, of_sources)| union.key(context, sql, of_sources, &sources))
        .collect::<Result<Vec<_>>>()?;
    let columns = union.places.clone();
    Ok(Input { node: union.node(sources), tag: Some(0), columns, keys, limits })
}

/// PARTITION BY over the columns of one stream.
fn key(context: &Context<'_>, sql: &SqlExpr, source: &Source) -> Result<Expr> {
    let scope = Scope::of(Some(&source.name.text), &source.schema, context.registry());
    context.scalar(sql, &scope, &Columns::named(&source.schema)).map_err(|mut error| {
        if error.code == codes::UNKNOWN_COLUMN {
            error.message = format!("{}, and every stream of the pattern needs the key", error.message);
            error.message =
                error.message.replace("there is no column", &format!("`{}` has no column", source.name.text));
            error.help = Some(format!(
                "give it one: WITH x AS (SELECT …, id AS key FROM {}) and use x in the pattern",
                source.name.text
            ));
        }
        error
    })
}

/// The columns of a union as they are put together.
struct Union {
    fields: Vec<FieldRef>,
    /// For each stream, where its columns are.
    places: Vec<Vec<usize>>,
    /// For each stream, what its columns are; `None`: NULL.
    exprs: Vec<Vec<Option<Expr>>>,
}

impl Union {
    fn new(sources: &[Source]) -> Self {
        let tag = Field::new(TAG, DataType::Int32, false);
        let tags = (0..sources.len()).map(|at| {
            let tag = i32::try_from(at).expect("a pattern has fewer than 2^31 streams");
            vec![Some(literal(ScalarValue::Int32(Some(tag))))]
        });
        let mut union = Self {
            fields: vec![Arc::new(tag)],
            places: vec![Vec::new(); sources.len()],
            exprs: tags.collect(),
        };
        for (at, source) in sources.iter().enumerate() {
            for (index, field) in source.schema.fields().iter().enumerate() {
                let place = union.column(at, field);
                let expr = Expr::column(index, field.data_type().clone(), field.is_nullable());
                union.exprs[at][place] = Some(expr);
                union.places[at].push(place);
            }
        }
        union
    }

    /// The column for `field` of stream `at`: one that the stream does not fill yet, or a new one.
    fn column(&mut self, at: usize, field: &FieldRef) -> usize {
        let same = |known: &FieldRef| {
            known.name().eq_ignore_ascii_case(field.name())
                && known.data_type() == field.data_type()
                && known.metadata() == field.metadata()
        };
        let found = (1..self.fields.len())
            .find(|place| same(&self.fields[*place]) && self.exprs[at][*place].is_none());
        found.unwrap_or_else(|| self.add(field.as_ref().clone()))
    }

    fn add(&mut self, field: Field) -> usize {
        self.fields.push(Arc::new(field.with_nullable(true)));
        self.exprs.iter_mut().for_each(|exprs| exprs.push(None));
        self.fields.len() - 1
    }

    /// A key: a column that all streams have, or one that is made for it.
    fn key(
        &mut self,
        context: &Context<'_>,
        sql: &SqlExpr,
        of_sources: Vec<Expr>,
        sources: &[Source],
    ) -> Result<Expr> {
        let place = |(at, expr): (usize, &Expr)| match &expr.kind {
            ExprKind::Column(index) => Some(self.places[at][*index]),
            _computed => None,
        };
        let places: Vec<Option<usize>> = of_sources.iter().enumerate().map(place).collect();
        if let Some(Some(first)) = places.first()
            && places.iter().all(|place| *place == Some(*first))
        {
            let data_type = self.fields[*first].data_type().clone();
            return Ok(Expr { span: context.places.of(sql), ..Expr::column(*first, data_type, true) });
        }
        let mut data_type = of_sources[0].data_type.clone();
        for (expr, source) in of_sources.iter().zip(sources) {
            let Some(common) = common_type(&data_type, &expr.data_type) else {
                let name = |t: &DataType| field_type_name(&Field::new("key", t.clone(), true));
                let message = format!(
                    "the key is {} in `{}` and {} in `{}`",
                    name(&data_type),
                    sources[0].name.text,
                    name(&expr.data_type),
                    source.name.text
                );
                let span = context.places.of(sql).unwrap_or(source.name.span);
                let help = "convert one of them in a common table expression: CAST(x AS type)";
                return Err(Box::new(Diagnostic::at(codes::TYPE_MISMATCH, span, message).help(help)));
            };
            data_type = common;
        }
        let column = self.add(Field::new(format!("_key{}", self.fields.len()), data_type.clone(), true));
        for (at, expr) in of_sources.into_iter().enumerate() {
            self.exprs[at][column] = Some(cast_to(expr, &data_type));
        }
        Ok(Expr { span: context.places.of(sql), ..Expr::column(column, data_type, true) })
    }

    fn node(self, sources: Vec<Source>) -> Node {
        let schema = schema_of(self.fields);
        let inputs = sources
            .into_iter()
            .zip(self.exprs)
            .map(|(source, exprs)| {
                let exprs = exprs
                    .into_iter()
                    .zip(schema.fields())
                    .map(|(expr, field)| {
                        let null = || cast_to(literal(ScalarValue::Null), field.data_type());
                        NamedExpr { name: field.name().clone(), expr: expr.unwrap_or_else(null) }
                    })
                    .collect();
                super::super::projection::project(source.node, exprs, Arc::clone(&schema))
            })
            .collect();
        Node::Union { inputs, schema }
    }
}
