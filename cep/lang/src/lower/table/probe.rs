//! Conditions between a stream's row and a table: which part finds rows, and what is left to test.

use arrow_schema::DataType;

use crate::lower::expr::try_cast_to;
use crate::plan::{BinaryOp, BoundedOp, Expr, ExprKind, Probe, Table};

/// Splits a condition over the input's `width` columns and then the table's: how rows are found, and
/// what else must hold.
pub(crate) fn split(condition: Option<Expr>, width: usize, table: &Table) -> (Probe, Option<Expr>) {
    let mut terms = Vec::new();
    condition.into_iter().for_each(|condition| conjuncts(condition, &mut terms));
    let finds: Vec<Option<(usize, Expr)>> = terms.iter().map(|term| found_by(term, width)).collect();
    let by = |columns: &[usize]| -> Option<Vec<usize>> {
        let term = |column: &usize| finds.iter().position(|f| f.as_ref().is_some_and(|(at, _)| at == column));
        columns.iter().map(term).collect()
    };
    let key = (!table.key.is_empty()).then(|| by(&table.key)).flatten();
    // Of the indexes the one with the most columns finds the fewest rows.
    let indexed = || {
        let usable = table.indexes.iter().enumerate().filter_map(|(at, index)| Some((at, by(index)?)));
        usable.max_by_key(|(at, used)| (used.len(), std::cmp::Reverse(*at)))
    };
    let (index, used) = match (key, None) {
        (Some(used), _) => (None, used),
        (None, other) => match other.or_else(indexed) {
            Some((at, used)) => (Some(at), used),
            None => return (Probe::Scan, conjunction(terms)),
        },
    };
    let exprs: Vec<Expr> =
        used.iter().filter_map(|&term| finds[term].as_ref().map(|(_, expr)| expr.clone())).collect();
    let mut at = 0;
    terms.retain(|_| {
        at += 1;
        !used.contains(&(at - 1))
    });
    let probe = match index {
        None => Probe::Key(exprs),
        Some(index) => Probe::Index { index, exprs },
    };
    (probe, conjunction(terms))
}

/// How a read with these steps finds the rows of `table`: by what its first filters say.
pub(crate) fn probe_of_read(ops: &[BoundedOp], table: &Table) -> Probe {
    let filters = ops.iter().map_while(|op| match op {
        BoundedOp::Filter(predicate) => Some(predicate.clone()),
        _ => None,
    });
    let (probe, _) = split(conjunction(filters.collect()), 0, table);
    let exprs = match &probe {
        Probe::Key(exprs) | Probe::Index { index: _, exprs } => exprs.as_slice(),
        Probe::Scan => &[],
    };
    // There is no row whose event time it could be.
    let mut needs_row = false;
    exprs.iter().for_each(|e| e.walk(&mut |part| needs_row |= matches!(part.kind, ExprKind::EventTime)));
    if needs_row { Probe::Scan } else { probe }
}

/// The terms of a conjunction, in order.
fn conjuncts(expr: Expr, out: &mut Vec<Expr>) {
    match expr.kind {
        ExprKind::Binary(BinaryOp::And, left, right) => {
            conjuncts(*left, out);
            conjuncts(*right, out);
        }
        _ => out.push(expr),
    }
}

/// All terms as one condition.
pub(crate) fn conjunction(terms: Vec<Expr>) -> Option<Expr> {
    terms.into_iter().reduce(|left, right| Expr {
        data_type: DataType::Boolean,
        nullable: left.nullable || right.nullable,
        span: None,
        kind: ExprKind::Binary(BinaryOp::And, Box::new(left), Box::new(right)),
    })
}

/// The column of the table that `term` says equals something of the input alone, and that.
fn found_by(term: &Expr, width: usize) -> Option<(usize, Expr)> {
    let ExprKind::Binary(BinaryOp::Eq, left, right) = &term.kind else { return None };
    let either = [(left, right), (right, left)];
    either.into_iter().find_map(|(own, other)| {
        let of_input = reads(other).iter().all(|&column| column < width);
        let (column, narrow) = table_column(own, width)?;
        of_input.then(|| match narrow {
            // Every INT is a BIGINT, and a BIGINT that is no INT equals none.
            Some(to) => (column - width, try_cast_to(other.as_ref().clone(), &to)),
            None => (column - width, other.as_ref().clone()),
        })
    })
}

/// The column of the table that `expr` is, and its type if it was widened to be compared.
fn table_column(expr: &Expr, width: usize) -> Option<(usize, Option<DataType>)> {
    match &expr.kind {
        ExprKind::Column(column) if *column >= width => Some((*column, None)),
        ExprKind::Cast { input, safe: false }
            if (&input.data_type, &expr.data_type) == (&DataType::Int32, &DataType::Int64) =>
        {
            match input.kind {
                ExprKind::Column(column) if column >= width => Some((column, Some(DataType::Int32))),
                _ => None,
            }
        }
        _ => None,
    }
}

fn reads(expr: &Expr) -> Vec<usize> {
    let mut out = Vec::new();
    expr.walk(&mut |part| {
        if let ExprKind::Column(index) = part.kind {
            out.push(index);
        }
    });
    out
}
