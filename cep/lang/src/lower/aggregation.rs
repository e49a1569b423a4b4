//! CREATE AGGREGATION (R-SQL-7).

use std::sync::Arc;

use arrow_schema::Field;

use crate::ast::{CreateAggregation, FromItem, OptionLiteral, Query, SetExpr, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{Aggregation, BoundedOp, Expr, ExprKind, NamedExpr, Node, WindowBody, WindowKey};

use super::columns::{Columns, schema_of};
use super::context::Context;
use super::query::{self, Ctes};
use super::relation::{Flow, OpenWindow, Relation, StateLimits};
use super::select::{self, Around};
use super::sqlast::{Scope, identifier};
use super::types::TIMESTAMP;
use super::{batch, from, window};

/// The column with the start of the bucket.
pub(crate) const BUCKET: &str = "AGG_TIMESTAMP";

/// Lowers a definition. Also the limits of the streams it reads.
///
/// # Errors
/// Clauses that have no meaning in a roll-up, unknown options and columns.
pub(crate) fn lower(context: &Context<'_>, create: &CreateAggregation) -> Result<(Aggregation, StateLimits)> {
    let CreateAggregation { name, options, query, by, grains } = create;
    let zone = zone(options)?;
    let (select, written) = plain_select(query)?;
    let input = from::lower(context, written, &Ctes::NONE)?;
    let limits = input.limits;
    let (node, times, changelog) = query::closed(input, written.span)?;
    if changelog != crate::plan::Changelog::Append {
        let message = "an aggregation cannot take rows that are replaced or taken back later";
        let help = "aggregate the stream below";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, written.span, message).help(help)));
    }
    let schema = node.schema().clone();
    let time = match by {
        None => None,
        Some(by) => {
            let scope = Scope::of(from::qualifier(written), &schema, context.registry());
            let columns = Columns::named(&schema);
            let mut expr = context.scalar(&identifier(by), &scope, &columns).map_err(|mut error| {
                error.span = Some(by.span);
                error
            })?;
            expr.span = Some(by.span);
            (!is_event_time(&expr, &times)).then(|| as_time(expr, by.span)).transpose()?
        }
    };
    let parts = Parts::of(context, select, node, times, limits, written.span, from::qualifier(written))?;
    let Parts { input, filter, keys, calls, schema, mut project } = parts;
    let bucket = Arc::new(Field::new(BUCKET, TIMESTAMP, false));
    let all = schema_of(std::iter::once(bucket).chain(schema.fields().iter().cloned()).collect::<Vec<_>>());
    project.iter_mut().for_each(|named| named.expr.map_columns(&mut |index| *index += 1));
    if let Some(taken) = project.iter().find(|named| named.name.eq_ignore_ascii_case(BUCKET)) {
        let message = format!("`{}` is the start of the bucket, which every aggregation has", taken.name);
        return Err(Box::new(
            Diagnostic::at(codes::COLUMN_TWICE, select.span, message).help("choose another name"),
        ));
    }
    project.insert(0, NamedExpr { name: BUCKET.to_owned(), expr: Expr::column(0, TIMESTAMP, false) });
    let fields = project.iter().map(|named| output_field(named, &all));
    let output = schema_of(fields.collect::<Vec<_>>());
    let aggregation = Aggregation {
        name: name.text.clone(),
        input,
        filter,
        time,
        keys,
        calls,
        schema: all,
        project,
        output,
        grains: grains.clone(),
        zone,
        span: Some(query.span),
    };
    Ok((aggregation, limits))
}

fn output_field(named: &NamedExpr, input: &arrow_schema::Schema) -> arrow_schema::FieldRef {
    let field = Field::new(&named.name, named.expr.data_type.clone(), named.expr.nullable);
    match named.expr.kind {
        ExprKind::Column(index) => Arc::new(field.with_metadata(input.field(index).metadata().clone())),
        _ => Arc::new(field),
    }
}

fn zone(options: &[crate::ast::WithOption]) -> Result<Option<chrono_tz::Tz>> {
    let mut zone = None;
    for option in options {
        if !option.key.matches("zone") {
            let message = format!("`{}` is not an option of an aggregation", option.key.text);
            let help = "an aggregation takes zone = 'Europe/Berlin', the zone of its days";
            return Err(Box::new(Diagnostic::at(codes::UNKNOWN_OPTION, option.key.span, message).help(help)));
        }
        let OptionLiteral::Text(name) = &option.value else {
            let message = "a zone is a name in quotes";
            return Err(Box::new(
                Diagnostic::at(codes::OPTION_VALUE, option.value_span, message)
                    .help("for example 'Europe/Berlin'"),
            ));
        };
        zone = Some(window::zone(name, option.value_span)?);
    }
    Ok(zone)
}

/// The SELECT of a definition with its FROM, when nothing else is around it.
fn plain_select(query: &Query) -> Result<(&crate::ast::Select, &crate::ast::Relation)> {
    let Query { with, body, order_by, limit, offset, output, span } = query;
    let refused = |span: Span, what: &str, help: &str| {
        let message = format!("{what} has no meaning in the definition of an aggregation");
        Err(Box::new(Diagnostic::at(codes::CLAUSE, span, message).help(help)))
    };
    if !with.is_empty() {
        return refused(*span, "WITH", "declare a view");
    }
    if !order_by.is_empty() || limit.is_some() || offset.is_some() {
        return refused(*span, "ORDER BY or LIMIT", "write it where the aggregation is read");
    }
    if let Some(output) = output {
        return refused(output.span, "OUTPUT", "leave it out");
    }
    let SetExpr::Select(select) = body else {
        return refused(*span, "UNION ALL", "declare a stream that unites the inputs");
    };
    if select.distinct {
        return refused(select.span, "DISTINCT", "leave it out");
    }
    if select.having.is_some() || select.qualify.is_some() {
        return refused(select.span, "HAVING or QUALIFY", "write WHERE where the aggregation is read");
    }
    match &select.from {
        None => refused(select.span, "a SELECT without FROM", "read a stream"),
        Some(FromItem::Join(join)) => refused(join.span, "a join", "declare a stream that joins the inputs"),
        Some(FromItem::Relation(relation)) => match &relation.window {
            Some(window) => refused(window.span, "a window", "the grains are its windows"),
            None => Ok((select, relation)),
        },
    }
}

fn is_event_time(expr: &Expr, times: &[usize]) -> bool {
    matches!(expr.kind, ExprKind::Column(index) if times.contains(&index))
}

fn as_time(expr: Expr, span: Span) -> Result<Expr> {
    use arrow_schema::{DataType, TimeUnit};
    match expr.data_type {
        DataType::Timestamp(_, _) | DataType::Date32 => Ok(super::expr::cast_to(expr, &TIMESTAMP)),
        DataType::Int64 => {
            let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
            Ok(super::expr::cast_to(super::expr::cast_to(expr, &millis), &TIMESTAMP))
        }
        ref other => {
            let message = format!("AGGREGATE BY takes a TIMESTAMP, not {}", super::types::type_name(other));
            Err(Box::new(
                Diagnostic::at(codes::EVENT_TIME_TYPE, span, message).help("name the column with the time"),
            ))
        }
    }
}

/// The parts of a roll-up.
struct Parts {
    input: Node,
    filter: Option<Expr>,
    keys: Vec<NamedExpr>,
    calls: Vec<crate::plan::AggCall>,
    /// Keys, then aggregates.
    schema: arrow_schema::SchemaRef,
    /// The select list over it.
    project: Vec<NamedExpr>,
}

impl Parts {
    /// Takes the SELECT apart by lowering it over a window that never closes: what a batch window
    /// keeps while it is open is what a bucket keeps.
    fn of(
        context: &Context<'_>,
        select: &crate::ast::Select,
        input: Node,
        times: Vec<usize>,
        limits: StateLimits,
        span: Span,
        qualifier: Option<&str>,
    ) -> Result<Parts> {
        let open = OpenWindow {
            input,
            window: crate::plan::BatchWindow::Batch,
            ops: Vec::new(),
            edges: Vec::new(),
            retract: false,
            span,
        };
        let schema = open.input.schema().clone();
        let changelog = crate::plan::Changelog::Append;
        let relation = Relation { flow: Flow::Window(Box::new(open)), schema, times, changelog, limits };
        let relation = select::lower(context, select, Around::NOTHING, relation, qualifier)?.relation;
        let schema = relation.schema.clone();
        let Flow::Window(open) = relation.flow else {
            unreachable!("a window stays open within one SELECT");
        };
        let node = batch::close(*open, schema).map_err(|failure| failure.boxed(Some(select.span)))?;
        let Node::Window(node) = node else {
            unreachable!("a closed window is a window node");
        };
        let WindowBody::Groups { filter, keys, calls, schema } = node.body else {
            let message = "an aggregation needs GROUP BY or an aggregate";
            let help = "write for example SELECT symbol, avg(price) AS mean … GROUP BY symbol";
            return Err(Box::new(Diagnostic::at(codes::CLAUSE, select.span, message).help(help)));
        };
        let keys = keys
            .into_iter()
            .map(|key| match key {
                WindowKey::Input(named) | WindowKey::Window(named) => named,
            })
            .collect();
        let project = match node.ops.as_slice() {
            [] => super::relation::columns_of(&schema),
            [BoundedOp::Project { exprs, .. }] => exprs.clone(),
            _ => {
                let message = "an aggregation is groups, aggregates and a select list over them";
                let help = "write OVER and other steps where the aggregation is read";
                return Err(Box::new(Diagnostic::at(codes::CLAUSE, select.span, message).help(help)));
            }
        };
        Ok(Parts { input: node.input, filter, keys, calls, schema, project })
    }
}
