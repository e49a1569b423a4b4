//! Joins in FROM, from the inside out.
//!
//! Rooms: `names` which columns an expression may use · `condition` the parts of ON, USING and WHERE: keys,
//! bounds of time, the rest · `span_of_time` differences of event times · `side` what is joined · `bound`
//! how long rows are kept · `windowed` both sides in the same window · `narrow` columns nobody reads · `with_table` joins of a stream and a table ·
//! `as_of` joins with the version in force · `refuse` errors.
//!
//! Invariant: no join without a bound of its state compiles.

mod as_of;
mod bound;
mod condition;
mod names;
mod narrow;
mod refuse;
mod side;
mod span_of_time;
mod windowed;
mod with_table;

use arrow_schema::FieldRef;

use crate::ast::{FromItem, Join, JoinConstraint, JoinKind};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{JoinBound, JoinNode, JoinSide, Node};

use super::columns::schema_of;
use super::context::Context;
use super::query::Ctes;
use super::relation::Relation;
use super::sqlast::{SqlExpr, conjuncts};

pub(crate) use names::{Names, Source};
pub(crate) use narrow::narrow;
pub(crate) use refuse::{no_sides, no_versions};
use side::Side;
use span_of_time::TimeColumn;

/// A join, or one relation of it.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Its rows; the columns of all sources one after the other.
    pub relation: Relation,
    /// Whose columns they are.
    pub sources: Vec<Source>,
    /// Columns whose distance to the rows' event time is bounded.
    times: Vec<TimeColumn>,
}

/// Lowers the joins of a FROM; `filter` is its WHERE, which stays where it is, but may say which rows
/// belong together.
///
/// # Errors
/// Unknown names, joins without a bound, sides that cannot be joined.
pub(crate) fn lower(
    context: &Context<'_>,
    join: &Join,
    filter: Option<&SqlExpr>,
    ctes: &Ctes<'_>,
) -> Result<Joined> {
    let filters: Vec<&SqlExpr> = filter.map(conjuncts).unwrap_or_default();
    let mut sources = 0;
    lower_join(context, join, &filters, ctes, &mut sources)
}

fn lower_item(
    context: &Context<'_>,
    item: &FromItem,
    filters: &[&SqlExpr],
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<Side> {
    match item {
        FromItem::Relation(written) => side::lower(context, written, ctes, sources),
        FromItem::Join(join) => {
            let joined = lower_join(context, join, filters, ctes, sources)?;
            side::of_join(joined, item.span())
        }
    }
}

fn lower_join(
    context: &Context<'_>,
    join: &Join,
    filters: &[&SqlExpr],
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<Joined> {
    if let Some(joined) = with_table::lower(context, join, filters, ctes, sources)? {
        return Ok(joined);
    }
    if let Some(joined) = as_of::lower(context, join, ctes, sources)? {
        return Ok(joined);
    }
    let Join { kind, left, right, constraint, asof: _, span } = join;
    // A condition on the result may be asked below where rows that fail it are not missed.
    let below = |passes: bool| if passes { filters } else { &[] };
    let passes_left = matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left);
    let passes_right = matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Right);
    let mut sides = [
        lower_item(context, left, below(passes_left), ctes, sources)?,
        lower_item(context, right, below(passes_right), ctes, sources)?,
    ];
    names::check_different(&sides)?;
    if let JoinConstraint::Using(columns) = constraint {
        names::hide(&mut sides, columns, *kind)?;
    }
    let outer =
        [matches!(kind, JoinKind::Left | JoinKind::Full), matches!(kind, JoinKind::Right | JoinKind::Full)];
    let filters = below(!outer[0] && !outer[1]);
    let found = condition::find(context, &sides, constraint, filters)?;
    if sides.iter().any(|side| side.batch.is_some()) {
        return windowed::lower(context, sides, found, outer, *span);
    }
    let (bound, triggers) = bound::choose(context, &sides, &found, *span)?;
    let residual = found.residual(matches!(bound, JoinBound::Interval { .. }));
    let limits = sides[0].limits.strictest(sides[1].limits);
    let times = span_of_time::of_pairs(&sides, &bound);
    let schema = schema_of(columns(&sides, outer));
    let own_time = span_of_time::own_time(&times, &bound, outer);
    let [left, right] = sides;
    let mut all = left.sources;
    all.extend(right.sources);
    let node = JoinNode {
        sides: [
            JoinSide {
                kept: (0..left.node.schema().fields().len()).collect(),
                input: left.node,
                outer: outer[0],
                triggers: triggers[0],
            },
            JoinSide {
                kept: (0..right.node.schema().fields().len()).collect(),
                input: right.node,
                outer: outer[1],
                triggers: triggers[1],
            },
        ],
        keys: found.keys,
        residual,
        bound,
        schema,
        rows_max: limits.join_rows_max,
        over_bound: limits.over_bound(),
        span: Some(*span),
    };
    let node = Node::Join(Box::new(node));
    let relation = Relation::stream(node, own_time, crate::plan::Changelog::Append, limits);
    Ok(Joined { relation, sources: all, times })
}

/// The columns of both sides; NULL may come where the other side is outer.
fn columns(sides: &[Side; 2], outer: [bool; 2]) -> Vec<FieldRef> {
    let of = |at: usize| {
        let fields = sides[at].node.schema().fields().iter();
        fields.map(move |field| match outer[1 - at] {
            true => FieldRef::new(field.as_ref().clone().with_nullable(true)),
            false => field.clone(),
        })
    };
    let names = sides.iter().flat_map(|side| &side.sources).flat_map(Source::full_names);
    let fields = of(0).chain(of(1)).zip(names);
    fields.map(|(field, name)| FieldRef::new(field.as_ref().clone().with_name(name))).collect()
}

/// The error for what cannot be joined.
fn refused(message: impl Into<String>, help: &str, span: crate::ast::Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::at(codes::JOIN, span, message).help(help))
}
