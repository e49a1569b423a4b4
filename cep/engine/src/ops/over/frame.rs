//! Frames of OVER on bounded input: which rows of the partition belong to a row.

use std::ops::Range;

use arrow_schema::DataType;
use cep_lang::plan::{OverFrame, SortKey};

use crate::column::{Column, Values};
use crate::ops::order::Comparator;

/// A frame with what RANGE needs to know of the one sort key.
#[derive(Debug)]
pub struct BoundedFrame {
    frame: OverFrame,
    descending: bool,
    /// What one of the key's values is in units of the frame: days are nanoseconds.
    scale: i128,
}

const DAY_NS: i128 = 86_400_000_000_000;

/// A partition: its rows in order, with their peers.
pub struct Partition<'a> {
    /// Rows of the relation.
    pub rows: &'a [u32],
    keys: &'a [Comparator],
    /// Start of each group of peers.
    groups: Vec<usize>,
    /// Rows whose first key is a number: NULLs and NaNs stand at the ends.
    measured: Range<usize>,
}

impl<'a> Partition<'a> {
    /// The partition of `rows`, sorted by `keys`.
    pub fn new(rows: &'a [u32], keys: &'a [Comparator]) -> Self {
        let differs =
            |i: usize| Comparator::compare_all(keys, rows[i - 1] as usize, rows[i] as usize).is_ne();
        let groups = (0..rows.len()).filter(|&i| i == 0 || differs(i)).collect();
        let number = |&r: &u32| keys.first().is_some_and(|k| key_value(k.column(), r as usize, 1).is_some());
        let first = rows.iter().position(number).unwrap_or(0);
        let last = rows.iter().rposition(number).map_or(first, |last| last + 1);
        Partition { rows, keys, groups, measured: first..last }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Group of peers of row `i`.
    pub fn group_of(&self, i: usize) -> usize {
        self.groups.partition_point(|&g| g <= i) - 1
    }

    /// Rows of group `group`.
    fn group(&self, group: usize) -> Range<usize> {
        self.groups[group]..self.groups.get(group + 1).copied().unwrap_or(self.len())
    }

    /// Peers of row `i`, itself included.
    pub fn peers(&self, i: usize) -> Range<usize> {
        self.group(self.group_of(i))
    }
}

impl BoundedFrame {
    /// The frame; `first` is the first sort key.
    ///
    /// # Errors
    /// A RANGE with offsets without a sort key.
    pub fn new(frame: &OverFrame, first: Option<&SortKey>) -> Result<Self, String> {
        let offsets = matches!(frame, OverFrame::Range { start, end }
            if start.is_some_and(|s| s != 0) || end.is_some_and(|e| e != 0));
        if offsets && first.is_none() {
            return Err("RANGE with an offset needs ORDER BY; add it, or use ROWS".to_string());
        }
        let is_date = first.is_some_and(|k| k.expr.data_type == DataType::Date32);
        Ok(BoundedFrame {
            frame: frame.clone(),
            descending: first.is_some_and(|k| k.descending),
            scale: if is_date { DAY_NS } else { 1 },
        })
    }

    /// Rows of the frame of row `i`, as positions in the partition.
    pub fn rows(&self, p: &Partition<'_>, i: usize) -> Range<usize> {
        let n = p.len() as i64;
        let clamp = |v: i64| v.clamp(0, n) as usize;
        let (from, to) = match &self.frame {
            OverFrame::Rows { start, end } => (
                start.map_or(0, |s| clamp((i as i64).saturating_add(s))),
                end.map_or(p.len(), |e| clamp((i as i64).saturating_add(e).saturating_add(1))),
            ),
            OverFrame::Groups { start, end } => {
                let group = p.group_of(i) as i64;
                let last = p.groups.len() as i64;
                let edge = |g: i64| if g >= last { p.len() } else { p.groups[g.max(0) as usize] };
                (
                    start.map_or(0, |s| edge(group.saturating_add(s))),
                    end.map_or(p.len(), |e| {
                        let after = group.saturating_add(e).saturating_add(1);
                        if after <= 0 { 0 } else { edge(after) }
                    }),
                )
            }
            OverFrame::Range { start, end } => (
                start.map_or(0, |s| self.range_edge(p, i, s, false)),
                end.map_or(p.len(), |e| self.range_edge(p, i, e, true)),
            ),
        };
        from..to.max(from)
    }

    /// First position whose key is not before (`after`: is after) key(i) + offset.
    fn range_edge(&self, p: &Partition<'_>, i: usize, offset: i64, after: bool) -> usize {
        let peers = p.peers(i);
        if offset == 0 {
            return if after { peers.end } else { peers.start };
        }
        let Some(column) = p.keys.first().map(Comparator::column) else { return peers.end };
        let Some(here) = key_value(column, p.rows[i] as usize, self.scale) else {
            // NULLs are peers of each other and at no distance from anything; so are NaNs.
            return if after { peers.end } else { peers.start };
        };
        let bound = Number::Whole(i128::from(offset));
        let inside = |&r: &u32| {
            let value = key_value(column, r as usize, self.scale);
            let distance = value.map(|v| v.minus(here, self.descending));
            distance.is_some_and(|d| if after { d.compare(bound).is_le() } else { d.compare(bound).is_lt() })
        };
        p.measured.start + p.rows[p.measured.clone()].partition_point(inside)
    }
}

/// A numeric key.
#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    /// `self − other`, its sign turned for a descending order.
    fn minus(self, other: Number, descending: bool) -> Number {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => {
                let d = a.saturating_sub(b);
                Number::Whole(if descending { d.saturating_neg() } else { d })
            }
            (a, b) => {
                let d = a.real() - b.real();
                // Equal infinities are at no distance.
                let d = if d.is_nan() { 0.0 } else { d };
                Number::Real(if descending { -d } else { d })
            }
        }
    }

    fn real(self) -> f64 {
        match self {
            Number::Whole(v) => v as f64,
            Number::Real(v) => v,
        }
    }

    fn compare(self, other: Number) -> std::cmp::Ordering {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => a.cmp(&b),
            (a, b) => a.real().total_cmp(&b.real()),
        }
    }
}

/// The key of a row, whole ones times `scale`; `None` where it is NULL, NaN or no number.
fn key_value(column: &Column, row: usize, scale: i128) -> Option<Number> {
    if !column.is_valid(row) {
        return None;
    }
    match &column.values {
        Values::I32(v) => Some(Number::Whole(i128::from(v[row]) * scale)),
        Values::I64(v) => Some(Number::Whole(i128::from(v[row]))),
        Values::F32(v) => Some(Number::Real(f64::from(v[row]))).filter(|_| !v[row].is_nan()),
        Values::F64(v) => Some(Number::Real(v[row])).filter(|_| !v[row].is_nan()),
        Values::I128(v) => Some(Number::Whole(v[row])),
        Values::Bool(_) | Values::Bytes { .. } | Values::Any(_) => None,
    }
}
