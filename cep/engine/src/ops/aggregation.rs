//! CREATE AGGREGATION (R-SQL-7): buckets of the finest grain, merged to coarser ones when read.
//!
//! A bucket is a monoid state, so late rows correct it by being added, and coarser grains need no
//! state of their own. Where grains do not nest (weeks in months, hours in the days of a zone that is
//! half an hour off) time is cut at the edges of all grains instead.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use cep_lang::ast::{Duration, Grain};
use cep_lang::diag::codes;
use cep_lang::plan::{Aggregation, AggregationRange, BatchWindow, BoundedOp, Calendar, Expr, Read, ReadOf};

use super::window::bounded::{BoundedSteps, Moment, Relation};
use super::window::content::{Content, Shape};
use super::window::{Layout, Pane};
use super::{OpContext, OpError};
use crate::agg::{AggOptions, Order};
use crate::chunk::Chunk;
use crate::codec::{Reader, Result, Writer};
use crate::column::{Buf, Column, Values};
use crate::cut::{ContentsCut, GROUPS_AT_ONCE};

/// Roll-ups of one aggregation.
#[derive(Debug)]
pub struct AggregationOp {
    definition: Box<Aggregation>,
    /// Grains at whose edges time is cut.
    cuts: Vec<Layout>,
    shape: Shape,
    /// By start, ns.
    buckets: BTreeMap<i64, Content>,
    seq: u64,
    /// A cut that they are being written for.
    cut: Option<ContentsCut>,
}

impl AggregationOp {
    /// Builds the operator of `aggregation`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(aggregation: &Aggregation) -> std::result::Result<Self, String> {
        let keys: Vec<&Expr> = aggregation.keys.iter().map(|k| &k.expr).collect();
        let time: Vec<Expr> = aggregation.time.iter().cloned().collect();
        let options = AggOptions { order: Order::EventTime, merged: true, ..AggOptions::default() };
        Ok(AggregationOp {
            cuts: cuts(&aggregation.grains, aggregation.zone)?,
            shape: Shape::groups(aggregation.filter.as_ref(), &keys, &aggregation.calls, options, &time)?,
            definition: Box::new(aggregation.clone()),
            buckets: BTreeMap::new(),
            seq: 0,
            cut: None,
        })
    }

    /// Adds the rows of a step; nothing comes out.
    pub fn process(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        self.shape.prepare.run(input, cx);
        let rows = self.shape.prepare.rows(input);
        let mut from = 0;
        while from < rows {
            let Some(time) = self.time_of(input, from) else {
                let message = "the time of AGGREGATE BY is NULL; the row was left out";
                cx.errors.push(OpError::of_record(
                    self.shape.prepare.pos(input)[from],
                    codes::MISSING_EVENT_TIME,
                    message,
                ));
                from += 1;
                continue;
            };
            let (start, end) = self.bucket_of(time);
            let inside = |row: &usize| self.time_of(input, *row).is_some_and(|t| start <= t && t < end);
            // The row itself is inside, unless its bucket ends beyond the last nanosecond.
            let to = (from + (from..rows).take_while(inside).count()).max(from + 1);
            let content = self.buckets.entry(start).or_insert_with(|| self.shape.content());
            self.shape.add(content, input, from, to, self.seq);
            self.seq += (to - from) as u64;
            from = to;
        }
    }

    /// Start and end of the bucket of a time.
    fn bucket_of(&self, time: i64) -> (i64, i64) {
        self.cuts.iter().fold((i64::MIN, i64::MAX), |(start, end), cut| {
            let pane = cut.pane_of(time);
            (start.max(cut.start_of(pane)), end.min(cut.start_of(pane + 1)))
        })
    }

    fn time_of(&self, input: &Chunk, row: usize) -> Option<i64> {
        if self.definition.time.is_none() {
            return Some(self.shape.prepare.time(input)[row]);
        }
        let extra = self.shape.extra(input);
        let column: &Column = extra.first().copied()?;
        match &column.values {
            Values::I64(v) if column.is_valid(row) => Some(v[row]),
            _ => None,
        }
    }

    /// Begins a read; [`AggregationOp::merge`] goes on, [`AggregationOp::answer`] ends it.
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn begin(&self, read: &AggregationRange) -> std::result::Result<Reading, String> {
        let per = grain_layout(read.per, self.definition.zone)?;
        // Buckets do not begin before the coarser one that they are in.
        Ok(Reading { per, next: Some(read.from_ns), merged: BTreeMap::new(), groups: 0 })
    }

    /// Merges buckets of a read, until so many groups were looked at or none is left, which is told.
    /// Between calls the state must stay as it is.
    pub fn merge(&self, read: &AggregationRange, reading: &mut Reading, groups: usize) -> bool {
        let Some(from) = reading.next else { return true };
        let until = reading.groups.saturating_add(groups);
        for (&start, content) in self.buckets.range(from..) {
            let coarse = reading.per.pane_of(start);
            let begins = reading.per.start_of(coarse);
            if begins >= read.to_ns {
                break;
            }
            if reading.groups >= until {
                reading.next = Some(start);
                return false;
            }
            if begins >= read.from_ns {
                reading.merged.entry(coarse).or_insert_with(|| self.shape.content()).merge(content);
                reading.groups += content.len();
            }
        }
        reading.next = None;
        true
    }

    /// Answers a read whose buckets are merged: buckets of `read.per` that start in its range, in order
    /// of time, then of first arrival, through `steps`.
    ///
    /// # Errors
    /// The reason why it cannot be computed, or the record errors met, for the user.
    pub fn answer(
        &self,
        read: &AggregationRange,
        steps: &[BoundedOp],
        reading: Reading,
    ) -> std::result::Result<Relation, String> {
        let Reading { per, merged, .. } = reading;
        let types: Vec<_> = self.definition.schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let mut relation = Relation::new(types.iter().map(Column::new).collect());
        let (mut order, mut failed) = (Vec::new(), Vec::new());
        for (pane, mut content) in merged {
            content.order(&mut order);
            let (time, values) =
                relation.columns.split_first_mut().expect("the first column is the bucket's start");
            let starts = Column::dense(Values::I64(Buf::Own(vec![per.start_of(pane); order.len()])));
            time.append(&starts);
            let base = relation.rows;
            let mut errors = Vec::new();
            content.emit(&order, None, values, &mut errors);
            failed.extend(errors.into_iter().map(|(row, message)| (base + row, message)));
            relation.rows += order.len();
        }
        let at = moment(read.to_ns);
        let mut errors = Vec::new();
        // The start of the bucket, then the keys.
        let keys = self.definition.schema.fields().iter().take(1 + self.definition.keys.len());
        let keys = keys.cloned().collect();
        relation.drop_groups(failed, &keys, at, &mut errors);
        let mut ops = vec![BoundedOp::Project {
            exprs: self.definition.project.clone(),
            schema: self.definition.output.clone(),
        }];
        ops.extend(steps.iter().cloned());
        let fields = self.definition.schema.fields();
        BoundedSteps::new(&ops, fields, &AggOptions::default())?.run(&mut relation, at, &mut errors);
        match errors.first() {
            Some(error) => Err(error.message.clone()),
            None => Ok(relation),
        }
    }

    /// Begins a cut. True if more than `out` got is to come from [`AggregationOp::cut_next`].
    pub fn freeze(&mut self, out: &mut Writer) -> bool {
        if self.buckets.values().map(Content::len).sum::<usize>() < GROUPS_AT_ONCE {
            self.encode(out);
            return false;
        }
        out.u64(self.seq);
        out.u64(self.buckets.len() as u64);
        let contents = self.buckets.iter_mut().map(|(&start, content)| (start, content));
        self.cut = Some(ContentsCut::new(contents));
        true
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written.
    pub fn cut_next(&mut self, out: &mut Writer, until: usize) -> bool {
        let Some(mut cut) = self.cut.take() else { return true };
        let done =
            cut.go_on(&self.shape, out, until, &mut self.buckets, |buckets, start| buckets.get_mut(&start));
        if !done {
            self.cut = Some(cut);
        }
        done
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        if self.cut.take().is_some() {
            self.buckets.values_mut().for_each(Content::thaw);
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.u64(self.buckets.len() as u64);
        for (start, content) in &self.buckets {
            out.i64(*start);
            content.encode(&self.shape, out);
        }
    }

    /// Reads what [`AggregationOp::encode`] of the same definition wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seq = input.u64()?;
        self.buckets.clear();
        for _ in 0..input.len(8)? {
            let start = input.i64()?;
            self.buckets.insert(start, Content::decode(&self.shape, input)?);
        }
        Ok(())
    }
}

/// A read under way: what was merged so far.
#[derive(Debug)]
pub struct Reading {
    per: Layout,
    /// Where the next bucket may start; `None` when all are merged.
    next: Option<i64>,
    merged: BTreeMap<Pane, Content>,
    groups: usize,
}

impl Reading {
    /// Groups looked at so far.
    pub fn groups(&self) -> usize {
        self.groups
    }
}

/// An answer at this time.
fn moment(at_ns: i64) -> Moment {
    Moment { time: at_ns, stamp: at_ns, pos: 0 }
}

/// Runs the steps of a read on rows that were read in several places; the result has its schema.
///
/// # Errors
/// The reason why it cannot be computed, for the user.
pub fn steps_on(
    ops: &[BoundedOp],
    read: &Read,
    rows: &RecordBatch,
) -> std::result::Result<RecordBatch, String> {
    let fields = rows.schema_ref().fields().clone();
    let mut relation = Relation::new(fields.iter().map(|f| Column::new(f.data_type())).collect());
    relation.columns.iter_mut().zip(rows.columns()).for_each(|(column, array)| column.load(array));
    relation.rows = rows.num_rows();
    let mut errors = Vec::new();
    let at_ns = match &read.of {
        ReadOf::Aggregation(range) => range.to_ns,
        ReadOf::Table(look) => look.now_ns.ok_or("the read of a table has no time")?,
    };
    BoundedSteps::new(ops, &fields, &AggOptions::default())?.run(&mut relation, moment(at_ns), &mut errors);
    match errors.first() {
        Some(error) => Err(error.message.clone()),
        None => relation.to_rows(&read.schema),
    }
}

/// The finest grain where every other one is made of it, else all.
fn cuts(grains: &[Grain], zone: Option<chrono_tz::Tz>) -> std::result::Result<Vec<Layout>, String> {
    let finest = grains.first().copied().ok_or("an aggregation needs a grain")?;
    let nests = match finest {
        Grain::Second | Grain::Day | Grain::Month | Grain::Year => true,
        Grain::Minute | Grain::Hour => zone.is_none(),
        Grain::Week => grains.len() == 1,
    };
    let needed = if nests { &grains[..1] } else { grains };
    needed.iter().map(|&grain| grain_layout(grain, zone)).collect()
}

/// Where the buckets of a grain lie. Days and longer follow the zone; weeks begin on Monday.
fn grain_layout(grain: Grain, zone: Option<chrono_tz::Tz>) -> std::result::Result<Layout, String> {
    let none = Duration::default();
    let ns = |nanos| Duration { nanos, ..none };
    let (size, offset, zone) = match grain {
        Grain::Second => (ns(1_000_000_000), none, None),
        Grain::Minute => (ns(60_000_000_000), none, None),
        Grain::Hour => (ns(3_600_000_000_000), none, None),
        Grain::Day => (Duration { days: 1, ..none }, none, zone),
        Grain::Week => (Duration { days: 7, ..none }, Duration { days: 4, ..none }, zone),
        Grain::Month => (Duration { months: 1, ..none }, none, zone),
        Grain::Year => (Duration { months: 12, ..none }, none, zone),
    };
    let window = BatchWindow::Tumbling { size, calendar: Calendar { offset, zone } };
    Layout::new(&window)?.ok_or_else(|| "a grain is a tumbling window".to_string())
}
