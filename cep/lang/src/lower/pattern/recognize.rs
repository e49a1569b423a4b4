//! MATCH_RECOGNIZE (SQL:2016, feature R010): a relation with the columns that the standard gives it.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, SchemaRef};

use crate::ast::{Define, MatchRecognize, Measure, Name, PatternExpr, PatternExprKind, RowsPerMatch, Subset};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{
    AfterMatch, Changelog, ElementId, Expr, ExprKind, MatchRows, Matching, NamedExpr, Node, Pattern,
    PatternElement, PatternNode, Scope, UnaryOp,
};

use super::super::columns::{Columns, schema_of};
use super::super::context::Context;
use super::super::from;
use super::super::query::Ctes;
use super::super::relation::{Relation, StateLimits};
use super::super::sqlast::{Scope as SqlScope, SqlExpr};
use super::clauses;
use super::elements::{Element, Elements};
use super::input::Source;
use super::shape::{Shaper, excludes};
use super::sheet::{About, Place, Sheet, Surface};

/// Lowers `relation MATCH_RECOGNIZE (…)`.
///
/// # Errors
/// Unknown names, an order that is not the event time, what the standard forbids.
pub(crate) fn recognize(
    context: &Context<'_>,
    written: &MatchRecognize,
    ctes: &Ctes<'_>,
) -> Result<Relation> {
    let MatchRecognize { input, partition_by, order_by, measures, rows, skip, shape, within, .. } = written;
    let MatchRecognize { subsets, defines, span, .. } = written;
    let relation = from::lower(context, input, ctes)?;
    let limits = relation.limits;
    let name = Name { text: "the input".to_owned(), span: input.span };
    let source = Source::new(name, relation, input.span)?;
    let times = source.times.clone();
    let is_time = |name: &str| source.is_time(name);
    let node = source.rows();
    let schema = node.schema().clone();
    let time = times.first().map(|time| schema.field(*time).name().as_str());
    let order = clauses::order(context, order_by, &is_time, time, node, *span)?;
    let elements = variables(shape, subsets, &schema)?;
    let folded: Vec<String> = elements.list.iter().map(|e| e.name.to_ascii_lowercase()).collect();
    let pattern = Shaper::of_rows(&folded).shape(shape)?;
    check_exclusion(&pattern, *rows, shape)?;
    let keys = keys(context, partition_by, &schema)?;
    let about = About {
        context,
        elements: &elements,
        input: &schema,
        seen: None,
        surface: Surface::Recognize,
        limits,
    };
    let planned = conditions(about, defines)?;
    let after = clauses::skip(skip.as_ref(), &elements, AfterMatch::PastLastRow)?;
    let order_columns = if order_by.is_empty() { Vec::new() } else { order_column(order_by, &schema) };
    let mut output =
        Output { sheet: Sheet::new(about, Place::Output(scope(*rows))), exprs: vec![], fields: vec![] };
    output.columns(&keys, &order_columns, measures, *rows, &schema)?;
    let Output { sheet, exprs, fields } = output;
    let node = PatternNode {
        input: node.clone(),
        tag: None,
        keys: keys.into_iter().map(|(_column, key)| key).collect(),
        order,
        elements: planned,
        pattern,
        matching: Matching::Preferred,
        skip: after,
        within: clauses::within(within)?,
        rows: match_rows(*rows),
        slots: sheet.into_slots(),
        exprs,
        schema: schema_of(fields),
        runs_max: limits.runs_max,
        over_bound: clauses::over_bound(limits.runs_over),
        span: Some(*span),
    };
    let node = Node::Pattern(Box::new(node));
    Ok(Relation::stream(node, Vec::new(), Changelog::Append, StateLimits { ..limits }))
}

fn match_rows(rows: RowsPerMatch) -> MatchRows {
    match rows {
        RowsPerMatch::One => MatchRows::One { timed_out: false },
        RowsPerMatch::AllShowEmpty => MatchRows::All { empty: true, unmatched: false },
        RowsPerMatch::AllOmitEmpty => MatchRows::All { empty: false, unmatched: false },
        RowsPerMatch::AllWithUnmatched => MatchRows::All { empty: true, unmatched: true },
    }
}

/// Rows of a measure that says neither FINAL nor RUNNING.
fn scope(rows: RowsPerMatch) -> Scope {
    match rows {
        RowsPerMatch::One => Scope::Final,
        RowsPerMatch::AllShowEmpty | RowsPerMatch::AllOmitEmpty | RowsPerMatch::AllWithUnmatched => {
            Scope::Running
        }
    }
}

/// The variables in order of appearance, and the subsets.
fn variables(shape: &PatternExpr, subsets: &[Subset], schema: &SchemaRef) -> Result<Elements> {
    let mut elements = Elements::default();
    collect(shape, schema, &mut elements);
    for Subset { name, members } in subsets {
        if elements.is_name(&name.text, None) {
            let message = format!("`{}` is a variable or subset already", name.text);
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_NAME, name.span, message).help("give the subset another name"),
            ));
        }
        let mut of: Vec<ElementId> = Vec::with_capacity(members.len());
        for member in members {
            let Some(id) = elements.by_alias(&member.text) else {
                return Err(elements.unknown(&member.text).boxed(Some(member.span)));
            };
            if of.contains(&id) {
                let message = format!("`{}` is in the subset twice", member.text);
                return Err(Box::new(
                    Diagnostic::at(codes::PATTERN_NAME, member.span, message).help("name it once"),
                ));
            }
            of.push(id);
        }
        elements.subsets.push((name.text.clone(), of));
    }
    Ok(elements)
}

fn collect(shape: &PatternExpr, schema: &SchemaRef, out: &mut Elements) {
    match &shape.kind {
        PatternExprKind::Variable(name) => {
            if out.by_alias(&name.text).is_none() {
                out.list.push(Element {
                    name: name.text.clone(),
                    alias: Some(name.text.clone()),
                    stream: None,
                    schema: Arc::clone(schema),
                    columns: (0..schema.fields().len()).collect(),
                    tag: None,
                    is_absent: false,
                });
            }
        }
        PatternExprKind::Then(parts)
        | PatternExprKind::Or(parts)
        | PatternExprKind::And(parts)
        | PatternExprKind::Permute(parts) => parts.iter().for_each(|part| collect(part, schema, out)),
        PatternExprKind::Repeat { body, .. }
        | PatternExprKind::Every(body)
        | PatternExprKind::Not { body, .. }
        | PatternExprKind::Within { body, .. }
        | PatternExprKind::Exclude(body) => collect(body, schema, out),
        PatternExprKind::Stream { .. }
        | PatternExprKind::Start
        | PatternExprKind::End
        | PatternExprKind::Empty => {}
    }
}

fn check_exclusion(pattern: &Pattern, rows: RowsPerMatch, shape: &PatternExpr) -> Result<()> {
    if rows != RowsPerMatch::AllWithUnmatched || !excludes(pattern) {
        return Ok(());
    }
    let message =
        "rows left out by {- … -} are matched, and WITH UNMATCHED ROWS could not tell them from others";
    Err(Box::new(
        Diagnostic::at(codes::PATTERN_SHAPE, shape.span, message)
            .help("write SHOW EMPTY MATCHES or OMIT EMPTY MATCHES, or leave out {- and -}"),
    ))
}

/// PARTITION BY, which are columns.
fn keys(context: &Context<'_>, partition_by: &[SqlExpr], schema: &SchemaRef) -> Result<Vec<(usize, Expr)>> {
    let mut keys: Vec<(usize, Expr)> = Vec::with_capacity(partition_by.len());
    for sql in partition_by {
        let scope = SqlScope::of(None, schema, context.registry());
        let key = context.scalar(sql, &scope, &Columns::named(schema))?;
        let ExprKind::Column(column) = key.kind else {
            let message = "PARTITION BY of MATCH_RECOGNIZE takes columns, which come out under their names";
            let help = "compute it below: FROM (SELECT *, lower(symbol) AS key FROM s) MATCH_RECOGNIZE (PARTITION BY key …)";
            let error = Diagnostic::at(codes::EXPRESSION, key.span.unwrap_or_default(), message);
            return Err(Box::new(error.help(help)));
        };
        if keys.iter().all(|(known, _)| *known != column) {
            keys.push((column, key));
        }
    }
    Ok(keys)
}

fn order_column(order_by: &[super::super::sqlast::SqlOrderBy], schema: &SchemaRef) -> Vec<usize> {
    let name = |item| super::super::sqlast::text_of(&super::super::sqlast::ordering(item).expr);
    let index = |name: String| {
        let name = name.trim_matches(['"', '`']).to_owned();
        schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(&name))
    };
    order_by.iter().filter_map(|item| index(name(item))).collect()
}

/// DEFINE.
fn conditions(about: About<'_>, defines: &[Define]) -> Result<Vec<PatternElement>> {
    let elements = about.elements;
    let mut planned: Vec<PatternElement> = elements
        .list
        .iter()
        .map(|element| PatternElement { name: element.name.clone(), tag: None, condition: None })
        .collect();
    for Define { name, condition } in defines {
        let Some(id) = elements.by_alias(&name.text) else {
            return Err(elements.unknown(&name.text).boxed(Some(name.span)));
        };
        if planned[id.0].condition.is_some() {
            let message = format!("`{}` is defined twice", name.text);
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_NAME, name.span, message)
                    .help("combine the conditions with AND"),
            ));
        }
        planned[id.0].condition = Some(Sheet::condition(about, id, condition)?);
    }
    Ok(planned)
}

/// The columns that come out.
struct Output<'a> {
    sheet: Sheet<'a>,
    exprs: Vec<NamedExpr>,
    fields: Vec<FieldRef>,
}

impl Output<'_> {
    /// ONE ROW: partition columns and measures. ALL ROWS: partition and order columns, measures, the
    /// other columns of the input.
    fn columns(
        &mut self,
        keys: &[(usize, Expr)],
        order: &[usize],
        measures: &[Measure],
        rows: RowsPerMatch,
        schema: &SchemaRef,
    ) -> Result<()> {
        let mut done: Vec<usize> = keys.iter().map(|(column, _)| *column).collect();
        let all = rows != RowsPerMatch::One;
        if all {
            done.extend(order.iter().filter(|column| keys.iter().all(|(key, _)| key != *column)));
        }
        for column in done.clone() {
            self.input_column(column, schema);
        }
        for measure in measures {
            self.measure(measure, rows, schema)?;
        }
        if all {
            (0..schema.fields().len())
                .filter(|c| !done.contains(c))
                .for_each(|c| self.input_column(c, schema));
        }
        if self.exprs.is_empty() {
            let message = "ONE ROW PER MATCH without PARTITION BY and MEASURES has no columns";
            return Err(Box::new(Diagnostic {
                code: codes::CLAUSE,
                message: message.to_owned(),
                span: None,
                help: Some("add MEASURES, such as MATCH_NUMBER() AS number".to_owned()),
            }));
        }
        Ok(())
    }

    fn input_column(&mut self, column: usize, schema: &SchemaRef) {
        let field = schema.field(column).clone();
        let expr = self.sheet.input_column(column);
        self.exprs.push(NamedExpr { name: field.name().clone(), expr });
        self.fields.push(Arc::new(field));
    }

    fn measure(&mut self, measure: &Measure, rows: RowsPerMatch, schema: &SchemaRef) -> Result<()> {
        let Measure { expr, name } = measure;
        let comes_out = |field: &FieldRef| field.name().eq_ignore_ascii_case(&name.text);
        let is_taken = self.fields.iter().any(comes_out)
            || (rows != RowsPerMatch::One && schema.fields().iter().any(comes_out));
        if is_taken {
            let message = format!("two columns are called `{}`", name.text);
            return Err(Box::new(
                Diagnostic::at(codes::COLUMN_TWICE, name.span, message).help("give the measure another name"),
            ));
        }
        let mut lowered = self.sheet.output(expr, &name.text)?;
        if rows == RowsPerMatch::AllWithUnmatched {
            lowered.expr = self.of_match(lowered.expr);
        }
        let field: Field = lowered.field.with_nullable(lowered.expr.nullable);
        self.fields.push(Arc::new(field));
        self.exprs.push(NamedExpr { name: name.text.clone(), expr: lowered.expr });
        Ok(())
    }

    /// NULL in a row of no match.
    fn of_match(&mut self, value: Expr) -> Expr {
        let number = self.sheet.number();
        let condition = Expr {
            kind: ExprKind::Unary(UnaryOp::IsNotNull, Box::new(number)),
            data_type: DataType::Boolean,
            nullable: false,
            span: None,
        };
        let (data_type, span) = (value.data_type.clone(), value.span);
        let kind = ExprKind::Case { branches: vec![(condition, value)], otherwise: None };
        Expr { kind, data_type, nullable: true, span }
    }
}
