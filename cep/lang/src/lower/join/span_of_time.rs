//! Differences of event times: what conditions such as `b.ts BETWEEN a.ts - INTERVAL '5' SECOND AND a.ts`
//! say about `b.ts - a.ts`, however they are written.

use datafusion_common::ScalarValue;

use crate::plan::{BinaryOp, Expr, ExprKind, JoinBound, UnaryOp};

use super::side::Side;

/// A column whose value is near the event time of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeColumn {
    /// Which.
    pub column: usize,
    /// Least value of column − event time, ns.
    pub from_ns: i64,
    /// Largest one.
    pub to_ns: i64,
}

impl TimeColumn {
    /// The event time itself.
    pub(super) fn exact(column: usize) -> Self {
        Self { column, from_ns: 0, to_ns: 0 }
    }

    pub(super) fn is_exact(self) -> bool {
        self.from_ns == 0 && self.to_ns == 0
    }
}

/// What a condition says about event time of the right row − event time of the left one, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Difference {
    /// At least.
    pub low: Option<i64>,
    /// At most.
    pub high: Option<i64>,
}

impl Difference {
    /// Both.
    pub(super) fn and(self, other: Difference) -> Difference {
        let either = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Difference {
            low: either(self.low, other.low, i64::max),
            high: either(self.high, other.high, i64::min),
        }
    }
}

/// Σ coefficient · column + constant.
#[derive(Debug, Clone, Default)]
struct Linear {
    terms: Vec<(usize, i64)>,
    constant: i64,
}

impl Linear {
    fn plus(mut self, other: Linear, sign: i64) -> Option<Linear> {
        for (column, factor) in other.terms {
            match self.terms.iter_mut().find(|(at, _)| *at == column) {
                Some((_, sum)) => *sum += sign * factor,
                None => self.terms.push((column, sign * factor)),
            }
        }
        self.terms.retain(|(_, factor)| *factor != 0);
        self.constant = self.constant.checked_add(other.constant.checked_mul(sign)?)?;
        Some(self)
    }
}

/// The expression as a sum; `None` when it is none of times and lengths of time.
fn linear(expr: &Expr) -> Option<Linear> {
    match &expr.kind {
        ExprKind::Column(index) => Some(Linear { terms: vec![(*index, 1)], constant: 0 }),
        ExprKind::Literal(value) => Some(Linear { terms: Vec::new(), constant: length_ns(value)? }),
        ExprKind::Binary(BinaryOp::Add, a, b) => linear(a)?.plus(linear(b)?, 1),
        ExprKind::Binary(BinaryOp::Sub, a, b) => linear(a)?.plus(linear(b)?, -1),
        ExprKind::Unary(UnaryOp::Neg, a) => Linear::default().plus(linear(a)?, -1),
        // Other units and types of one length keep it; text does not come out of one.
        ExprKind::Cast { input, safe: _ } if is_length(expr) && is_length(input) => linear(input),
        _ => None,
    }
}

fn is_length(expr: &Expr) -> bool {
    use arrow_schema::{DataType, TimeUnit};
    matches!(
        expr.data_type,
        DataType::Interval(_)
            | DataType::Duration(TimeUnit::Nanosecond)
            | DataType::Timestamp(TimeUnit::Nanosecond, _)
    )
}

/// A length of time that is the same everywhere, ns.
fn length_ns(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::IntervalMonthDayNano(Some(length)) if length.months == 0 => {
            i64::from(length.days).checked_mul(86_400_000_000_000)?.checked_add(length.nanoseconds)
        }
        ScalarValue::DurationNanosecond(Some(ns)) => Some(*ns),
        _ => None,
    }
}

/// What `condition`, over the columns of both sides, says, and whether that is all it says; `None`:
/// nothing about their times.
pub(super) fn difference(condition: &Expr, sides: &[Side; 2]) -> Option<(Difference, bool)> {
    let ExprKind::Binary(op, a, b) = &condition.kind else { return None };
    let sum = linear(a)?.plus(linear(b)?, -1)?;
    let [first, second] = sum.terms[..] else { return None };
    let width = sides[0].node.schema().fields().len();
    let (left, right) = if first.0 < width { (first, second) } else { (second, first) };
    let left_time = *sides[0].times.iter().find(|time| time.column == left.0)?;
    let right_time = *sides[1].times.iter().find(|time| time.column + width == right.0)?;
    // The sum is ±(right − left) + constant, compared with 0.
    let (op, constant) = match (left.1, right.1) {
        (-1, 1) => (*op, sum.constant),
        (1, -1) => (turned(*op)?, sum.constant.checked_neg()?),
        _ => return None,
    };
    // right − left  op  −constant
    let at = constant.checked_neg()?;
    let (low, high) = match op {
        BinaryOp::Eq => (Some(at), Some(at)),
        BinaryOp::Lt => (None, Some(at.checked_sub(1)?)),
        BinaryOp::LtEq => (None, Some(at)),
        BinaryOp::Gt => (Some(at.checked_add(1)?), None),
        BinaryOp::GtEq => (Some(at), None),
        _ => return None,
    };
    // From columns to event times.
    let low = low.and_then(|low| low.checked_sub(right_time.to_ns)?.checked_add(left_time.from_ns));
    let high = high.and_then(|high| high.checked_sub(right_time.from_ns)?.checked_add(left_time.to_ns));
    let is_exact = left_time.is_exact() && right_time.is_exact();
    (low.is_some() || high.is_some()).then_some((Difference { low, high }, is_exact))
}

/// The comparison seen from the other side.
fn turned(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::LtEq => BinaryOp::GtEq,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::GtEq => BinaryOp::LtEq,
        _ => return None,
    })
}

/// The time columns of the pairs.
pub(super) fn of_pairs(sides: &[Side; 2], bound: &JoinBound) -> Vec<TimeColumn> {
    let (low_ns, high_ns) = match *bound {
        JoinBound::Interval { low_ns, high_ns } => (low_ns, high_ns),
        // Such a pair has the time of its left row.
        JoinBound::AsOf(_) => return sides[0].times.clone(),
        JoinBound::Windows(_) => return Vec::new(),
    };
    let width = sides[0].node.schema().fields().len();
    // How far the row of a side is before the pair, at most and at least.
    let before =
        [(high_ns.max(0), low_ns.max(0)), (low_ns.saturating_neg().max(0), high_ns.saturating_neg().max(0))];
    let mut all = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        let (most, least) = before[at];
        for time in &side.times {
            let from_ns = time.from_ns.checked_sub(most);
            let to_ns = time.to_ns.checked_sub(least);
            if let (Some(from_ns), Some(to_ns)) = (from_ns, to_ns) {
                all.push(TimeColumn { column: time.column + at * width, from_ns, to_ns });
            }
        }
    }
    all
}

/// Columns that are the event time of every output row.
pub(super) fn own_time(times: &[TimeColumn], bound: &JoinBound, outer: [bool; 2]) -> Vec<usize> {
    let is_pair = matches!(bound, JoinBound::Interval { .. }) && outer == [false, false];
    let exact = times.iter().filter(|time| is_pair && time.is_exact());
    exact.map(|time| time.column).collect()
}
