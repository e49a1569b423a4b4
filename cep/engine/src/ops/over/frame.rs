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
}

impl<'a> Partition<'a> {
    /// The partition of `rows`, sorted by `keys`.
    pub fn new(rows: &'a [u32], keys: &'a [Comparator]) -> Self {
        let differs =
            |i: usize| Comparator::compare_all(keys, rows[i - 1] as usize, rows[i] as usize).is_ne();
        let groups = (0..rows.len()).filter(|&i| i == 0 || differs(i)).collect();
        Partition { rows, keys, groups }
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
            return Err("RANGE with an offset needs ORDER BY".to_string());
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
            // NULLs are peers of each other and at no distance from anything.
            return if after { peers.end } else { peers.start };
        };
        let in_order =
            |r: u32| key_value(column, r as usize, self.scale).map(|v| v.minus(here, self.descending));
        let bound = Number::Whole(i128::from(offset));
        // Rows with NULL keys stand at one end; they never count as within the distance.
        let valid: Vec<usize> = (0..p.len()).filter(|&j| in_order(p.rows[j]).is_some()).collect();
        let (first, last) = (valid.first().copied().unwrap_or(0), valid.last().map_or(0, |l| l + 1));
        let inside = |j: usize| {
            in_order(p.rows[j])
                .is_some_and(|v| if after { v.compare(bound).is_le() } else { v.compare(bound).is_lt() })
        };
        first + (first..last).take_while(|&j| inside(j)).count()
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
            // NaN keys are farther away than anything.
            (a, b) => a.real().partial_cmp(&b.real()).unwrap_or(std::cmp::Ordering::Greater),
        }
    }
}

fn key_value(column: &Column, row: usize, scale: i128) -> Option<Number> {
    if !column.is_valid(row) {
        return None;
    }
    match &column.values {
        Values::I32(v) => Some(Number::Whole(i128::from(v[row]) * scale)),
        Values::I64(v) => Some(Number::Whole(i128::from(v[row]))),
        Values::F32(v) => Some(Number::Real(f64::from(v[row]))),
        Values::F64(v) => Some(Number::Real(v[row])),
        Values::I128(v) => Some(Number::Whole(v[row])),
        Values::Bool(_) | Values::Bytes { .. } | Values::Any(_) => None,
    }
}
