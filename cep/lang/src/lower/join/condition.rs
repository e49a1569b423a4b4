//! Which rows belong together: keys, bounds of time, and the rest.

use crate::ast::{JoinConstraint, Name};
use crate::diag::Result;
use crate::lower::columns::{Columns, schema_of};
use crate::lower::context::Context;
use crate::lower::expr::boolean;
use crate::lower::sqlast::{SqlExpr, equal};
use crate::plan::{BinaryOp, Expr, ExprKind};

use super::names;
use super::side::Side;
use super::span_of_time::{Difference, difference};

/// The parts of a join's condition.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Equal values of the left and the right side.
    pub keys: Vec<(Expr, Expr)>,
    /// Bounds of event time of the right row − that of the left one.
    pub difference: Difference,
    /// Conditions that say nothing but bounds of event time: rows kept by them fulfil them.
    on_times: Vec<Expr>,
    /// Everything else.
    others: Vec<Expr>,
}

impl Found {
    /// What is to be asked of a pair; `by_interval`: bounds of time are asked already.
    pub(super) fn residual(&self, by_interval: bool) -> Option<Expr> {
        let times = self.on_times.iter().filter(|_| !by_interval);
        let mut all = times.chain(&self.others).cloned();
        let first = all.next()?;
        Some(all.fold(first, |left, right| boolean(BinaryOp::And, left, right)))
    }
}

/// Takes ON, USING and conditions of WHERE apart.
pub(super) fn find(
    context: &Context<'_>,
    sides: &[Side; 2],
    constraint: &JoinConstraint,
    filters: &[&SqlExpr],
) -> Result<Found> {
    let sources = || sides.iter().flat_map(|side| &side.sources);
    let scope = names::scope(sources(), context);
    let schema = schema_of(super::columns(sides, [false, false]));
    let columns = Columns::with_names(&schema, names::resolved(sources()));
    let mut found = Found::default();
    match constraint {
        JoinConstraint::None => {}
        JoinConstraint::On(condition) => {
            let condition = context.condition(condition, &scope, &columns)?;
            found.add(condition, sides, true);
        }
        JoinConstraint::Using(names) => {
            for name in names {
                let written = using(sides, name);
                let typed = context.typed(&written, &columns)?;
                found.add(context.converted(&typed, &written, &columns)?, sides, true);
            }
        }
    }
    for filter in filters {
        // One that does not fit here is of another join, or wrong, which WHERE finds out.
        if let Ok(condition) = context.condition(filter, &scope, &columns) {
            found.add(condition, sides, false);
        }
    }
    Ok(found)
}

/// `left.name = right.name`, resolved.
pub(super) fn using(sides: &[Side; 2], name: &Name) -> SqlExpr {
    let [left, right] = [0, 1].map(|at| {
        let found = sides[at].sources.iter().find_map(|source| source.resolved(&name.text));
        found.expect("both sides were looked at")
    });
    equal(&left, &right, name)
}

impl Found {
    /// Adds the terms of `condition`; of those that are asked elsewhere as well (`own` FALSE) only what
    /// helps to find partners.
    fn add(&mut self, condition: Expr, sides: &[Side; 2], own: bool) {
        if let ExprKind::Binary(BinaryOp::And, left, right) = condition.kind {
            self.add(*left, sides, own);
            self.add(*right, sides, own);
            return;
        }
        let difference = difference(&condition, sides);
        if let Some((difference, _)) = difference {
            self.difference = self.difference.and(difference);
        }
        match key(&condition, sides) {
            Some(key) if own || is_plain(&key) => self.keys.push(key),
            // WHERE asks its conditions by itself.
            _ if !own => {}
            _ if difference.is_some_and(|(_, is_exact)| is_exact) => self.on_times.push(condition),
            _ => self.others.push(condition),
        }
    }
}

fn is_plain(key: &(Expr, Expr)) -> bool {
    let is_column = |e: &Expr| matches!(e.kind, ExprKind::Column(_));
    is_column(&key.0) && is_column(&key.1)
}

/// `left = right` of values that have keys.
fn key(condition: &Expr, sides: &[Side; 2]) -> Option<(Expr, Expr)> {
    let ExprKind::Binary(BinaryOp::Eq, a, b) = &condition.kind else { return None };
    let width = sides[0].node.schema().fields().len();
    let side_of = |expr: &Expr| {
        let (mut left, mut right, mut other) = (false, false, false);
        expr.walk(&mut |e| match e.kind {
            ExprKind::Column(index) if index < width => left = true,
            ExprKind::Column(_) => right = true,
            ExprKind::EventTime | ExprKind::Stamp => other = true,
            _ => {}
        });
        match (left, right, other) {
            (true, false, false) => Some(0),
            (false, true, false) => Some(1),
            _ => None,
        }
    };
    let (left, right) = match (side_of(a)?, side_of(b)?) {
        (0, 1) => (a, b),
        (1, 0) => (b, a),
        _ => return None,
    };
    if left.data_type.is_nested() || matches!(left.data_type, arrow_schema::DataType::Interval(_)) {
        return None;
    }
    let mut right = (**right).clone();
    right.map_columns(&mut |index| *index -= width);
    Some(((**left).clone(), right))
}
