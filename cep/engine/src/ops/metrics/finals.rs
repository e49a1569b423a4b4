//! Rows of final panes, and what late samples change of them.

use cep_types::Op;

use crate::chunk::Chunk;
use crate::column::{Column, Values};
use crate::metrics::{Metrics, split_labels};

/// Where and when rows come out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Position of the row.
    pub pos: u32,
    /// Its change; `None`: the output is append-only.
    pub op: Option<Op>,
}

/// Emits the values of `queries` at pane `head`; returns how many.
pub(super) fn emit_pane(
    metrics: &mut Metrics,
    queries: &[usize],
    head: i64,
    place: Place,
    out: &mut Chunk,
) -> usize {
    let mut rows = 0;
    for &query in queries {
        for lane in 0..metrics.lanes(query) {
            if let Some(value) = metrics.value(query, lane, head) {
                push(metrics, (query, lane, head), value, place, out);
                rows += 1;
            }
        }
    }
    rows
}

/// Appends the row of a lane at a pane.
fn push(
    metrics: &Metrics,
    (query, lane, head): (usize, usize, i64),
    value: f64,
    place: Place,
    out: &mut Chunk,
) {
    let (name, labels) = metrics.plan().names(query);
    let end = head.saturating_add(1).saturating_mul(metrics.plan().pane_ns());
    let (start, _) = metrics.bounds(query, head);
    let json = json_of(labels, metrics.lane_key(query, lane));
    let flags = metrics.flags(query, head);
    let [query, labels, of_value, of_flags, of_start, of_end] = &mut out.columns[..] else {
        unreachable!("the plan has six columns, which was checked")
    };
    push_text(query, name);
    push_text(labels, &json);
    if let Values::F64(values) = &mut of_value.values {
        values.to_mut().push(value);
        of_value.mark_valid();
    }
    of_flags.push_i64(flags);
    of_start.push_i64(start);
    of_end.push_i64(end);
    out.time.push(end.saturating_sub(1));
    out.pos.push(place.pos);
    out.ops.extend(place.op);
}

fn push_text(column: &mut Column, text: &str) {
    if let Values::Bytes { offsets, bytes } = &mut column.values {
        let bytes = bytes.to_mut();
        bytes.extend_from_slice(text.as_bytes());
        offsets.to_mut().push(bytes.len() as i32);
        column.mark_valid();
    }
}

/// Labels of a lane as a JSON object.
fn json_of(names: &[String], key: &[u8]) -> String {
    let mut out = String::from("{");
    for (nth, (name, value)) in names.iter().zip(split_labels(key)).enumerate() {
        if nth > 0 {
            out.push(',');
        }
        put_json(name, &mut out);
        out.push(':');
        put_json(&String::from_utf8_lossy(value), &mut out);
    }
    out.push('}');
    out
}

fn put_json(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What final panes said before a late row.
#[derive(Debug)]
pub(super) struct Before {
    /// Queries that its samples are of, with the first and last pane that they change.
    reach: Vec<(usize, i64, i64)>,
    /// Values by pane, query and lane, in order.
    values: Vec<(i64, usize, Vec<Option<f64>>)>,
}

impl Before {
    /// Notes what `queries` that read one of `metrics_of_row` say of the final panes that a sample in `pane` changes.
    pub fn new(metrics: &mut Metrics, queries: &[usize], metrics_of_row: &[usize], pane: i64) -> Self {
        let last = metrics.head().unwrap_or(i64::MIN);
        let reads = |query: usize| metrics_of_row.iter().any(|&metric| metrics.reads(query, metric));
        let reach = queries.iter().filter(|&&query| reads(query)).filter_map(|&query| {
            let (from, to) = metrics.heads_of(query, pane);
            (from <= last).then_some((query, from, to.min(last)))
        });
        let reach: Vec<_> = reach.collect();
        let values = values_of(metrics, &reach);
        Before { reach, values }
    }

    /// Emits what has changed since: the old row and the new one.
    pub fn emit(&self, metrics: &mut Metrics, pos: u32, out: &mut Chunk) {
        let now = values_of(metrics, &self.reach);
        for ((head, query, old), (_, _, new)) in self.values.iter().zip(&now) {
            for (lane, new) in new.iter().enumerate() {
                let old = old.get(lane).copied().flatten();
                if old.map(f64::to_bits) == new.map(f64::to_bits) {
                    continue;
                }
                let ops = match (old, new) {
                    (Some(_), Some(_)) => (Op::UpdateBefore, Op::UpdateAfter),
                    _ => (Op::Delete, Op::Insert),
                };
                for (value, op) in [(old, ops.0), (*new, ops.1)] {
                    if let Some(value) = value {
                        push(metrics, (*query, lane, *head), value, Place { pos, op: Some(op) }, out);
                    }
                }
            }
        }
    }
}

/// Values of all lanes of some queries at the panes of each, by pane.
fn values_of(metrics: &mut Metrics, reach: &[(usize, i64, i64)]) -> Vec<(i64, usize, Vec<Option<f64>>)> {
    let mut values = Vec::new();
    let (Some(first), Some(last)) = (reach.iter().map(|r| r.1).min(), reach.iter().map(|r| r.2).max()) else {
        return values;
    };
    for head in first..=last {
        for &(query, from, to) in reach {
            if (from..=to).contains(&head) {
                let lanes = metrics.lanes(query);
                let of_lanes = (0..lanes).map(|lane| metrics.value(query, lane, head)).collect();
                values.push((head, query, of_lanes));
            }
        }
    }
    values
}
