//! A SELECT over PATTERN or SEQUENCE: what it takes of a match become the pattern's columns, and the
//! SELECT itself is one over these.

use std::sync::Arc;

use arrow_schema::{FieldRef, SchemaRef};

use crate::ast::{PatternSource, Select};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{Changelog, MatchRows, NamedExpr, Node, PatternNode, Scope};

use super::super::columns::{marked, schema_of};
use super::super::context::Context;
use super::super::query::Ctes;
use super::super::relation::Relation;
use super::super::select::{self, Around, Selected};
use super::super::sqlast::{
    Captures, Item, MatchNames, Relation as Qualified, Scope as SqlScope, SqlExpr, and, expand, named_items,
    take_captures, text_of,
};
use super::clauses::over_bound;
use super::elements::Elements;
use super::sheet::{About, MATCH_COLUMNS, Place, Sheet, Surface};
use super::source::{self, Found, refused};

/// Lowers `select`, whose FROM is `written`.
///
/// # Errors
/// What is wrong with the pattern or with the SELECT.
pub(crate) fn lower_select(
    context: &Context<'_>,
    select: &Select,
    written: &PatternSource,
    around: Around<'_>,
    ctes: &Ctes<'_>,
) -> Result<Selected> {
    check_clauses(context, select, around)?;
    let found = source::lower(context, written, ctes)?;
    let schema: SchemaRef = found.input.node.schema().clone();
    let surface = Surface::Source { timed_out: found.timed_out };
    let limits = found.input.limits;
    let about = About { context, elements: &found.elements, input: &schema, seen: None, surface, limits };
    let mut taking = Taking {
        context,
        elements: &found.elements,
        sheet: Sheet::new(about, Place::Output(Scope::Final)),
        taken: Vec::new(),
        exprs: Vec::new(),
        fields: Vec::new(),
        aliases: Vec::new(),
    };
    let select = taking.select(select)?;
    let Taking { sheet, exprs, fields, .. } = taking;
    let slots = sheet.into_slots();
    let relation = relation(found, slots, exprs, fields);
    select::lower(context, &select, around, relation, None)
}

/// Clauses that would have to know what a group of matches is.
fn check_clauses(context: &Context<'_>, select: &Select, around: Around<'_>) -> Result<()> {
    if let Some(key) = select.group_by.first() {
        let span = context.places.of(key).unwrap_or(select.span);
        return Err(refused(
            "GROUP BY does not stand directly over a pattern, where aggregates are over the rows of a match",
            "put the pattern into a query of its own: SELECT s, count(*) FROM (SELECT e1.symbol AS s FROM PATTERN (…)) GROUP BY s",
            span,
        ));
    }
    if !around.order_by.is_empty() {
        return Err(Box::new(
            Diagnostic::at(
                codes::ORDER_PLACE,
                select.span,
                "ORDER BY needs all rows first, and these never end",
            )
            .help("ORDER BY the event time stands directly behind PATTERN (…), before WHERE"),
        ));
    }
    Ok(())
}

/// The node under a SELECT.
fn relation(
    found: Found,
    slots: Vec<crate::plan::Slot>,
    exprs: Vec<NamedExpr>,
    fields: Vec<FieldRef>,
) -> Relation {
    let Found { input, elements: _, planned, pattern, matching, order, skip, within, timed_out, span } =
        found;
    let limits = input.limits;
    let node = PatternNode {
        input: input.node,
        tag: input.tag,
        keys: input.keys,
        order,
        elements: planned,
        pattern,
        matching,
        skip,
        within,
        rows: MatchRows::One { timed_out },
        slots,
        exprs,
        schema: schema_of(fields),
        runs_max: limits.runs_max,
        over_bound: over_bound(limits.runs_over),
        span: Some(span),
    };
    Relation::stream(Node::Pattern(Box::new(node)), Vec::new(), Changelog::Append, limits)
}

/// Takes what a SELECT reads out of its expressions.
struct Taking<'a> {
    context: &'a Context<'a>,
    elements: &'a Elements,
    sheet: Sheet<'a>,
    /// What was taken, by column.
    taken: Vec<SqlExpr>,
    exprs: Vec<NamedExpr>,
    fields: Vec<FieldRef>,
    /// Names that the select list gives.
    aliases: Vec<String>,
}

impl Taking<'_> {
    /// The SELECT over the columns that are taken.
    fn select(&mut self, select: &Select) -> Result<Select> {
        let mut out = select.clone();
        out.from = None;
        let items = self.items(select)?;
        let mut bound: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            let mut expr = item.expr.clone();
            take_captures(&mut expr, self)?;
            bound.push(Item { expr, ..item });
        }
        if let Some(filter) = &mut out.filter {
            take_captures(filter, self)?;
        }
        self.aliases = bound.iter().map(|item| item.name.clone()).collect();
        if let Some(mut having) = out.having.take() {
            take_captures(&mut having, self)?;
            super::super::sqlast::with_aliases(&mut having, &bound);
            // Without groups HAVING is one more filter.
            out.filter = and(out.filter.take(), Some(having));
        }
        if let Some(qualify) = &mut out.qualify {
            take_captures(qualify, self)?;
        }
        for window in &mut out.named_windows {
            take_captures(window, self)?;
        }
        out.items = named_items(bound);
        Ok(out)
    }

    /// The select list, `e1.*` spelled out.
    fn items(&self, select: &Select) -> Result<Vec<Item>> {
        let elements = self.elements.list.iter().filter(|element| !element.is_absent);
        let relations = elements
            .map(|element| Qualified {
                qualifier: Some(element.name.as_str()),
                columns: element.schema.as_ref(),
                prefix: "",
                open: false,
                outer: false,
            })
            .collect();
        let registry = self.context.registry();
        let scope =
            SqlScope { relations, joined: false, aliases: &[], aliases_first: false, windows: &[], registry };
        expand(&select.items, &scope).map_err(|refusal| {
            let mut error = self.context.places.refused(*refusal);
            if error.code == codes::WILDCARD && error.message.contains("FROM") {
                error.message = "`*` alone has no meaning over a pattern".to_owned();
                error.help = Some("name the columns, or all of an element: e1.*".to_owned());
            }
            error
        })
    }
}

impl Captures for Taking<'_> {
    fn is_variable(&self, name: &str) -> bool {
        self.sheet.is_variable(name)
    }

    fn is_value(&self, name: &str) -> bool {
        MATCH_COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(name))
            || !self.elements.with_column(name).is_empty()
    }

    fn is_aggregate(&self, name: &str) -> bool {
        self.sheet.is_aggregate(name)
    }

    fn may_be_alias(&self, name: &str) -> bool {
        self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }

    fn take(&mut self, expr: &SqlExpr) -> Result<String> {
        if let Some(at) = self.taken.iter().position(|known| known == expr) {
            return Ok(marked(&self.exprs[at].name));
        }
        let text = text_of(expr).replace('"', "");
        let taken = |name: &str| self.exprs.iter().any(|e| e.name.eq_ignore_ascii_case(name));
        let name = match taken(&text) {
            false => text,
            true => (2..).map(|n| format!("{text}:{n}")).find(|n| !taken(n)).expect("one number is free"),
        };
        let lowered = self.sheet.output(expr, &name)?;
        self.taken.push(expr.clone());
        self.fields.push(Arc::new(lowered.field));
        self.exprs.push(NamedExpr { name: name.clone(), expr: lowered.expr });
        Ok(marked(&name))
    }
}
