//! Joins with the version in force: `ASOF JOIN b MATCH_CONDITION (a.ts >= b.ts)` and
//! `JOIN b FOR SYSTEM_TIME AS OF a.ts`.
//!
//! Both become one node. ASOF says by a condition how the times lie to each other; FOR SYSTEM_TIME AS OF
//! takes the rows of the right side as versions that are in force from their event time on.

use arrow_schema::FieldRef;

use crate::ast::{AsOf, AsOfJoin, FromItem, Join, JoinConstraint, JoinKind, Relation as Written, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::columns::{Columns, schema_of};
use crate::lower::context::Context;
use crate::lower::query::Ctes;
use crate::lower::relation::Relation;
use crate::lower::table::unique_key_over;
use crate::plan::{AsOfBound, Changelog, ExprKind, JoinBound, JoinNode, JoinSide, Node};

use super::condition::{self, Found};
use super::side::{self, Side};
use super::span_of_time::{self, Difference, TimeColumn};
use super::{Joined, bound, columns, lower_item, names, refused};

/// How the version is chosen.
enum Chosen<'a> {
    /// By a condition on times.
    Condition(&'a AsOfJoin),
    /// By the event time that the clause names.
    Clause(&'a AsOf),
}

impl Chosen<'_> {
    fn span(&self) -> Span {
        match self {
            Chosen::Condition(asof) => asof.span,
            Chosen::Clause(as_of) => as_of.span,
        }
    }
}

/// Lowers a join with the version in force; `None`: it is another one.
///
/// # Errors
/// Sides without event time, windows, conditions that are no keys, times that say nothing.
pub(super) fn lower(
    context: &Context<'_>,
    join: &Join,
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<Option<Joined>> {
    let Join { kind, left, right, constraint, asof, span } = join;
    let clause = right.relation().and_then(|written| written.as_of.as_ref());
    let chosen = match (asof, clause) {
        (None, None) => return Ok(None),
        (Some(asof), None) => Chosen::Condition(asof),
        (None, Some(as_of)) => Chosen::Clause(as_of),
        (Some(asof), Some(_)) => {
            return Err(refused(
                "ASOF JOIN and FOR SYSTEM_TIME AS OF both choose the version",
                "keep one of them",
                asof.span,
            ));
        }
    };
    let is_outer = match kind {
        JoinKind::Inner => false,
        JoinKind::Left => true,
        JoinKind::Right | JoinKind::Full | JoinKind::Cross => {
            return Err(refused(
                "rows of the left side look for the version in force, so that a version without a row has no moment at which to come out",
                "write a JOIN b FOR SYSTEM_TIME AS OF a.ts ON a.k = b.k, or LEFT JOIN",
                *span,
            ));
        }
    };
    // A condition on the result says nothing about which version is in force.
    let left = lower_item(context, left, &[], ctes, sources)?;
    let (right, changelog) = match right {
        FromItem::Relation(written) => {
            let written = Written { as_of: None, ..written.as_ref().clone() };
            side::lower_versions(context, &written, ctes, sources)?
        }
        FromItem::Join(_) => (lower_item(context, right, &[], ctes, sources)?, Changelog::Append),
    };
    let mut sides = [left, right];
    sides.iter().try_for_each(check_plain)?;
    names::check_different(&sides)?;
    if let JoinConstraint::Using(columns) = constraint {
        names::hide(&mut sides, columns, *kind)?;
    }
    let found = condition::find(context, &sides, constraint, &[])?;
    if found.residual(true).is_some() {
        return Err(refused(
            "the version in force is found by equal values and by time; ON has another condition",
            "filter the versions, b[price > 0], or the result, WHERE …: they mean different things",
            *span,
        ));
    }
    let mut as_of = match chosen {
        Chosen::Condition(asof) => by_condition(context, &sides, &found, asof)?,
        Chosen::Clause(as_of) => by_clause(context, &sides, &found, as_of)?,
    };
    if changelog == Changelog::Upsert {
        check_key(context, &sides[1], &found)?;
    }
    if let Some(ttl_ns) = sides[1].limits.ttl_ns {
        as_of.greatest_age_ns = Some(as_of.greatest_age_ns.map_or(ttl_ns, |age| age.min(ttl_ns)));
    }
    bound::check_event_time(context, &sides, chosen.span())?;
    Ok(Some(joined(sides, found, as_of, is_outer, *span)))
}

/// The node and its columns.
fn joined(sides: [Side; 2], found: Found, as_of: AsOfBound, is_outer: bool, span: Span) -> Joined {
    let outer = [is_outer, false];
    let bound = JoinBound::AsOf(as_of);
    let times = span_of_time::of_pairs(&sides, &bound);
    let own_time = times.iter().filter(|time| time.is_exact()).map(|time| time.column).collect();
    let schema = schema_of(columns(&sides, outer));
    let limits = sides[0].limits.strictest(sides[1].limits);
    let [left, right] = sides;
    let mut sources = left.sources;
    sources.extend(right.sources);
    let side = |input: Node, outer: bool, triggers: bool| JoinSide {
        kept: (0..input.schema().fields().len()).collect(),
        input,
        outer,
        triggers,
    };
    let node = JoinNode {
        sides: [side(left.node, is_outer, true), side(right.node, false, false)],
        keys: found.keys,
        residual: None,
        bound,
        schema,
        rows_max: limits.join_rows_max,
        over_bound: limits.over_bound(),
        span: Some(span),
    };
    let node = Node::Join(Box::new(node));
    let relation = Relation::stream(node, own_time, Changelog::Append, limits);
    Joined { relation, sources, times }
}

/// Windows and UNIDIRECTIONAL would say nothing here.
fn check_plain(side: &Side) -> Result<()> {
    if side.window.is_some() || side.batch.is_some() {
        return Err(refused(
            "which version is in force is said by time, so a window on a side has no effect",
            "leave the window out; to forget old versions set \"state.ttl\" on their stream",
            side.span,
        ));
    }
    match side.unidirectional {
        Some(span) => Err(refused(
            "only rows of the left side look for a version: the join is unidirectional as it is",
            "leave UNIDIRECTIONAL out",
            span,
        )),
        None => Ok(()),
    }
}

/// The ages that MATCH_CONDITION, or inequalities of ON, allow.
fn by_condition(
    context: &Context<'_>,
    sides: &[Side; 2],
    found: &Found,
    asof: &AsOfJoin,
) -> Result<AsOfBound> {
    let help = "say which row is meant: a ASOF JOIN b MATCH_CONDITION (a.ts >= b.ts) ON a.k = b.k, by the event times of both sides";
    let difference = match &asof.condition {
        None => found.difference,
        Some(written) => {
            if found.difference != Difference::default() {
                let message = "the times are compared in MATCH_CONDITION and in ON";
                return Err(refused(message, "put both into MATCH_CONDITION", asof.span));
            }
            let constraint = JoinConstraint::On(written.clone());
            let matched = condition::find(context, sides, &constraint, &[])?;
            if matched.residual(true).is_some() || !matched.keys.is_empty() {
                let message = "MATCH_CONDITION compares the event times of both sides, and nothing else";
                return Err(refused(message, help, asof.span));
            }
            matched.difference
        }
    };
    // Time of right − time of left.
    let Difference { low, high } = difference;
    match (low, high) {
        (_, Some(high)) if high <= 0 && low.is_none_or(|low| low <= high) => Ok(AsOfBound {
            least_age_ns: high.saturating_neg(),
            greatest_age_ns: low.map(i64::saturating_neg),
        }),
        (Some(low), Some(high)) if low > high => {
            let message = "no two rows can be so far apart: the bounds of time contradict each other";
            Err(refused(message, help, asof.span))
        }
        (_, Some(_)) => Err(refused(
            "a row that is later than the one that looks for it is not known yet",
            "compare with >= or >: MATCH_CONDITION (a.ts >= b.ts)",
            asof.span,
        )),
        (Some(_), None) => Err(refused(
            "the condition asks for the next row, which may never come",
            "ask for the last one before: MATCH_CONDITION (a.ts >= b.ts); or exchange the sides",
            asof.span,
        )),
        (None, None) => Err(refused(
            "ASOF JOIN takes the last row before a time, and no times are compared",
            help,
            asof.span,
        )),
    }
}

/// The clause names the event time of the left side.
fn by_clause(context: &Context<'_>, sides: &[Side; 2], found: &Found, as_of: &AsOf) -> Result<AsOfBound> {
    let left = &sides[0];
    let names = left.sources.iter().flat_map(names::Source::full_names);
    let fields = left.node.schema().fields().iter().zip(names);
    let schema = schema_of(fields.map(|(field, name)| FieldRef::new(field.as_ref().clone().with_name(name))));
    let columns = Columns::with_names(&schema, names::resolved(left.sources.iter()));
    let scope = names::scope(left.sources.iter(), context);
    let time = context.scalar(&as_of.time, &scope, &columns)?;
    let is_time = match time.kind {
        ExprKind::Column(at) => left.times.contains(&TimeColumn::exact(at)),
        ExprKind::EventTime => true,
        _ => false,
    };
    if !is_time {
        return Err(refused(
            format!("FOR SYSTEM_TIME AS OF takes the event time of {}, and this is none", left.name()),
            "name the column of \"event.time\"; for another time declare it on the stream",
            as_of.span,
        ));
    }
    if found.difference != Difference::default() {
        return Err(refused(
            "FOR SYSTEM_TIME AS OF chooses the version, and ON compares times as well",
            "leave them out of ON; or write a ASOF JOIN b MATCH_CONDITION (a.ts >= b.ts AND a.ts - b.ts <= INTERVAL '1' HOUR) ON …",
            as_of.span,
        ));
    }
    if found.keys.is_empty() {
        return Err(refused(
            "versions are those of a key, and ON compares none",
            "write ON a.k = b.k, or USING (k)",
            as_of.span,
        ));
    }
    Ok(AsOfBound { least_age_ns: 0, greatest_age_ns: None })
}

/// Rows that replace each other are versions of their own key, and of no other.
fn check_key(context: &Context<'_>, side: &Side, found: &Found) -> Result<()> {
    let used: Vec<usize> = found
        .keys
        .iter()
        .filter_map(|(_, right)| match right.kind {
            ExprKind::Column(at) => Some(at),
            _ => None,
        })
        .collect();
    let of_stream = |id| context.catalog.stream(id).key.clone();
    let is_key = unique_key_over(&side.node, &of_stream).is_some_and(|parts| {
        let is_asked = |part: &Vec<usize>| part.iter().any(|at| used.contains(at));
        let is_part = |at: &usize| parts.iter().any(|part| part.contains(at));
        parts.iter().all(is_asked) && used.iter().all(is_part) && used.len() == found.keys.len()
    });
    if is_key {
        return Ok(());
    }
    let message = format!(
        "the rows of {} replace each other by the key of their GROUP BY, and ON compares something else",
        side.name()
    );
    let help = "compare all of the key, and nothing but the key; filter the result with WHERE";
    Err(Box::new(Diagnostic::at(codes::CHANGELOG, side.span, message).help(help)))
}
