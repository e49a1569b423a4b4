//! Which OVER calls can share one operator.

use datafusion_expr::Expr as Typed;

use crate::plan::{AggFunc, OverFunc};

/// The calls, by index, grouped by equal partitions and order, groups and calls in order of first
/// appearance.
pub(crate) fn by_partition_and_order(calls: &[Typed]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in 0..calls.len() {
        match groups.iter_mut().find(|group| share(&calls[group[0]], &calls[at])) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

fn share(a: &Typed, b: &Typed) -> bool {
    match (a, b) {
        (Typed::WindowFunction(a), Typed::WindowFunction(b)) => {
            a.params.partition_by == b.params.partition_by && a.params.order_by == b.params.order_by
        }
        _ => false,
    }
}

/// Whether the function never gives NULL.
pub(crate) fn is_counting(func: &OverFunc) -> bool {
    match func {
        OverFunc::RowNumber
        | OverFunc::Rank
        | OverFunc::DenseRank
        | OverFunc::PercentRank
        | OverFunc::CumeDist
        | OverFunc::Ntile(_) => true,
        OverFunc::Aggregate(call) => {
            matches!(call.func, AggFunc::Count | AggFunc::CountDistinct | AggFunc::ApproxCountDistinct)
        }
        OverFunc::Lag { .. }
        | OverFunc::FirstValue { .. }
        | OverFunc::LastValue { .. }
        | OverFunc::NthValue { .. } => false,
    }
}
