//! Rows that enter and leave a window one step at a time, with a value after each step.
//!
//! Counts, sums and averages run state by state in one loop; everything else row by row through
//! the states. Both give the same values: removal undoes an add exactly.

use arrow_schema::DataType;

use super::AggSet;
use super::cells::{Cells, CountCell, SumFloatCell, SumIntCell};
use super::emit::EmitError;
use super::error::AggError;
use super::input::{AggInput, Pass, Rows};
use super::plan::{AggPlan, Output, Read};
use super::states::AggStates;
use crate::column::{Column, Values};

/// The steps. At step `k` row `enters[k]` is added, then rows `leaves[ends[k − 1]..ends[k]]` are
/// removed, then the group of the row that entered is emitted. What is in `leaves` beyond the last
/// end is removed at last.
#[derive(Debug, Default)]
pub struct Slides {
    /// Row that enters, one a step.
    pub enters: Vec<u32>,
    /// Rows that leave.
    pub leaves: Vec<u32>,
    /// End in `leaves` of the rows that leave by a step.
    pub ends: Vec<u32>,
}

impl Slides {
    /// No steps, keeping allocations.
    pub fn clear(&mut self) {
        self.enters.clear();
        self.leaves.clear();
        self.ends.clear();
    }

    /// Ends the step in which `row` entered.
    #[inline(always)]
    pub fn enter(&mut self, row: u32) {
        self.enters.push(row);
        self.ends.push(self.leaves.len() as u32);
    }
}

/// Rows in arrays: group, columns, order, all by row number.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    groups: &'a [u32],
    input: AggInput<'a>,
}

/// Where the values of a call go.
enum Target<'a> {
    F64(&'a mut Vec<f64>, &'a mut Option<Vec<bool>>),
    F32(&'a mut Vec<f32>, &'a mut Option<Vec<bool>>),
    I64(&'a mut Vec<i64>, &'a mut Option<Vec<bool>>),
    I32(&'a mut Vec<i32>, &'a mut Option<Vec<bool>>),
}

/// One call of a state.
struct Reader<'a> {
    call: usize,
    output: &'a Output,
    target: Target<'a>,
}

impl AggSet {
    /// Runs the steps; appends one value a call and step to `out`. Row numbers are those of
    /// `groups` (the group of each row) and of the columns of `input`, whose `rows` is not read.
    /// `EmitError::index` is the step.
    ///
    /// # Panics
    /// If a group or row does not exist, a row leaves that never entered, or rows leave though
    /// the plan is not [`AggPlan::is_removable`].
    pub fn slide(
        &mut self,
        slides: &Slides,
        groups: &[u32],
        input: AggInput<'_>,
        out: &mut [Column],
        errors: &mut Vec<EmitError>,
    ) {
        let source = Source { groups, input };
        let (plan, states) = self.parts();
        if !is_simple(plan, states, &input) {
            return self.slide_rows(slides, source, out, errors);
        }
        let mut readers: Vec<Option<Reader>> = (plan.outputs().iter().zip(out).enumerate())
            .map(|(call, (output, out))| Some(Reader { call, output, target: Target::of(out) }))
            .collect();
        for (at, state) in states.iter_mut().enumerate() {
            let mut mine: Vec<Reader> = Vec::new();
            for reader in &mut readers {
                mine.extend(reader.take_if(|r| r.output.state == at));
            }
            match state {
                AggStates::Count(cells) => counts(cells, slides, source, &mut mine),
                AggStates::SumFloat(cells) => float_sums(cells, slides, source, &mut mine),
                AggStates::SumInt(cells) => int_sums(cells, slides, source, &mut mine, errors),
                _ => unreachable!("simple plans have no other states"),
            }
        }
    }

    /// The same through the states, a row at a time.
    fn slide_rows(
        &mut self,
        slides: &Slides,
        source: Source<'_>,
        out: &mut [Column],
        errors: &mut Vec<EmitError>,
    ) {
        let one = |row: u32| AggInput { rows: Rows::From(row as usize), ..source.input };
        let mut gone = 0;
        for (step, (&row, &end)) in slides.enters.iter().zip(&slides.ends).enumerate() {
            let group = source.groups[row as usize];
            self.update(&[group], &one(row));
            for &row in &slides.leaves[gone..end as usize] {
                self.remove(&[source.groups[row as usize]], &one(row));
            }
            gone = end as usize;
            let before = errors.len();
            self.emit_all(&[group], out, errors);
            errors[before..].iter_mut().for_each(|e| e.index = step);
        }
        for &row in &slides.leaves[gone..] {
            self.remove(&[source.groups[row as usize]], &one(row));
        }
    }
}

/// Whether every call is a count, sum or average over columns of ours.
fn is_simple(plan: &AggPlan, states: &[AggStates], input: &AggInput<'_>) -> bool {
    let reads = plan.outputs().iter().all(|o| matches!(o.read, Read::Count | Read::Sum | Read::Avg));
    reads
        && states.iter().all(|s| {
            let spec = s.spec();
            let arrow = spec.args.iter().any(|&a| matches!(input.columns[a].values, Values::Any(_)));
            let narrow = spec.args.len() <= 2 && !arrow;
            narrow && matches!(s, AggStates::Count(_) | AggStates::SumFloat(_) | AggStates::SumInt(_))
        })
}

fn counts(cells: &mut Cells<CountCell>, slides: &Slides, source: Source<'_>, readers: &mut [Reader<'_>]) {
    let pass = pass_of(cells, &source.input);
    run(
        &mut cells.cells,
        slides,
        source.groups,
        pass,
        |cell, _| cell.n = cell.n.wrapping_add(1),
        |cell, _| cell.n = cell.n.wrapping_sub(1),
        |_, cell| readers.iter_mut().for_each(|r| r.target.i64(Some(cell.n as i64))),
    );
}

fn float_sums(
    cells: &mut Cells<SumFloatCell>,
    slides: &Slides,
    source: Source<'_>,
    readers: &mut [Reader<'_>],
) {
    let pass = pass_of(cells, &source.input);
    let column = source.input.columns[cells.spec().args[0]];
    match &column.values {
        Values::F64(v) => {
            let v: &[f64] = v;
            float_sums_of(cells, slides, source.groups, pass, |row| v[row], readers);
        }
        Values::F32(v) => {
            let v: &[f32] = v;
            float_sums_of(cells, slides, source.groups, pass, |row| f64::from(v[row]), readers);
        }
        other => panic!("float sum of a {} column", other.kind_name()),
    }
}

fn float_sums_of(
    cells: &mut Cells<SumFloatCell>,
    slides: &Slides,
    groups: &[u32],
    pass: Pass<'_>,
    value: impl Fn(usize) -> f64 + Copy,
    readers: &mut [Reader<'_>],
) {
    let heap = std::cell::Cell::new(cells.heap);
    let add = |cell: &mut SumFloatCell, row: usize| {
        let x = value(row);
        cell.n = cell.n.wrapping_add(1);
        if !cell.sum.add_fast(x) {
            let before = cell.sum.heap_bytes() as isize;
            cell.sum.add_slowly(x);
            heap.set(heap.get() + cell.sum.heap_bytes() as isize - before);
        }
    };
    let remove = |cell: &mut SumFloatCell, row: usize| {
        let x = value(row);
        cell.n = cell.n.wrapping_sub(1);
        if !cell.sum.add_fast(-x) {
            let before = cell.sum.heap_bytes() as isize;
            cell.sum.remove_slowly(x);
            heap.set(heap.get() + cell.sum.heap_bytes() as isize - before);
        }
    };
    if let [Reader { output: Output { read: Read::Avg, .. }, target: Target::F64(out, valid), .. }] = readers
    {
        // The commonest query of all gets a loop without a choice in it.
        run(&mut cells.cells, slides, groups, pass, add, remove, |_, cell| push(out, valid, cell.avg()));
    } else {
        run(&mut cells.cells, slides, groups, pass, add, remove, |_, cell| {
            for reader in readers.iter_mut() {
                match (&reader.output.read, &reader.output.data_type) {
                    (Read::Count, _) => reader.target.i64(Some(cell.n as i64)),
                    (Read::Avg, _) => reader.target.f64(cell.avg()),
                    (_, DataType::Float32) => reader.target.f32(cell.sum_f32()),
                    _ => reader.target.f64(cell.sum()),
                }
            }
        });
    }
    cells.heap = heap.get();
}

fn int_sums(
    cells: &mut Cells<SumIntCell>,
    slides: &Slides,
    source: Source<'_>,
    readers: &mut [Reader<'_>],
    errors: &mut Vec<EmitError>,
) {
    let pass = pass_of(cells, &source.input);
    let column = source.input.columns[cells.spec().args[0]];
    match &column.values {
        Values::I64(v) => {
            let v: &[i64] = v;
            int_sums_of(&mut cells.cells, slides, source.groups, pass, |row| v[row], (readers, errors));
        }
        Values::I32(v) => {
            let v: &[i32] = v;
            int_sums_of(
                &mut cells.cells,
                slides,
                source.groups,
                pass,
                |row| i64::from(v[row]),
                (readers, errors),
            );
        }
        other => panic!("integer sum of a {} column", other.kind_name()),
    }
}

fn int_sums_of(
    cells: &mut [SumIntCell],
    slides: &Slides,
    groups: &[u32],
    pass: Pass<'_>,
    value: impl Fn(usize) -> i64 + Copy,
    (readers, errors): (&mut [Reader<'_>], &mut Vec<EmitError>),
) {
    let add = |cell: &mut SumIntCell, row: usize| {
        cell.sum += i128::from(value(row));
        cell.n = cell.n.wrapping_add(1);
    };
    let remove = |cell: &mut SumIntCell, row: usize| {
        cell.sum -= i128::from(value(row));
        cell.n = cell.n.wrapping_sub(1);
    };
    run(cells, slides, groups, pass, add, remove, |step, cell| {
        for reader in readers.iter_mut() {
            match reader.output.read {
                Read::Count => reader.target.i64(Some(cell.n as i64)),
                Read::Avg => reader.target.f64(cell.avg()),
                _ => {
                    let fits = match reader.target {
                        Target::I32(..) => i32::try_from(cell.sum).is_ok(),
                        _ => i64::try_from(cell.sum).is_ok(),
                    };
                    if !fits {
                        let Output { func, data_type, .. } = reader.output;
                        let error = AggError::Overflow { func, result: data_type.clone() };
                        errors.push(EmitError { index: step, call: reader.call, error });
                    }
                    reader.target.i64((fits && cell.n != 0).then_some(cell.sum as i64));
                }
            }
        }
    });
}

/// Masks of a state's rows.
fn pass_of<'a, C: super::cells::Cell>(cells: &Cells<C>, input: &AggInput<'a>) -> Pass<'a> {
    let spec = cells.spec();
    let args: smallvec::SmallVec<[&Column; 2]> = spec.args.iter().map(|&a| input.columns[a]).collect();
    Pass::new(spec.filter.map(|f| input.columns[f]), &args)
}

/// The loop: add, remove, emit.
#[inline(always)]
fn run<C>(
    cells: &mut [C],
    slides: &Slides,
    groups: &[u32],
    pass: Pass<'_>,
    mut add: impl FnMut(&mut C, usize),
    mut remove: impl FnMut(&mut C, usize),
    mut emit: impl FnMut(usize, &C),
) {
    let leaves = &slides.leaves[..];
    let mut gone = 0;
    for (step, (&row, &end)) in slides.enters.iter().zip(&slides.ends).enumerate() {
        let row = row as usize;
        let group = groups[row] as usize;
        if pass.allows(row) {
            add(&mut cells[group], row);
        }
        for &row in &leaves[gone..end as usize] {
            let row = row as usize;
            if pass.allows(row) {
                remove(&mut cells[groups[row] as usize], row);
            }
        }
        gone = end as usize;
        emit(step, &cells[group]);
    }
    for &row in &leaves[gone..] {
        let row = row as usize;
        if pass.allows(row) {
            remove(&mut cells[groups[row] as usize], row);
        }
    }
}

impl<'a> Target<'a> {
    fn of(column: &'a mut Column) -> Self {
        let valid = &mut column.valid;
        match &mut column.values {
            Values::F64(v) => Target::F64(v.to_mut(), valid),
            Values::F32(v) => Target::F32(v.to_mut(), valid),
            Values::I64(v) => Target::I64(v.to_mut(), valid),
            Values::I32(v) => Target::I32(v.to_mut(), valid),
            other => panic!("a count, sum or average for a {} column", other.kind_name()),
        }
    }

    #[inline(always)]
    fn f64(&mut self, value: Option<f64>) {
        match self {
            Target::F64(out, valid) => push(out, valid, value),
            _ => unreachable!("averages and sums of doubles are doubles"),
        }
    }

    #[inline(always)]
    fn f32(&mut self, value: Option<f32>) {
        match self {
            Target::F32(out, valid) => push(out, valid, value),
            _ => unreachable!("a call of type FLOAT has a FLOAT column"),
        }
    }

    /// An integer known to fit.
    #[inline(always)]
    fn i64(&mut self, value: Option<i64>) {
        match self {
            Target::I64(out, valid) => push(out, valid, value),
            Target::I32(out, valid) => push(out, valid, value.map(|v| v as i32)),
            _ => unreachable!("counts and sums of integers are integers"),
        }
    }
}

#[inline(always)]
fn push<T: Default>(out: &mut Vec<T>, valid: &mut Option<Vec<bool>>, value: Option<T>) {
    match (&mut *valid, value.is_some()) {
        (None, true) => {}
        (Some(valid), present) => valid.push(present),
        (None, false) => {
            let mut mask = vec![true; out.len()];
            mask.push(false);
            *valid = Some(mask);
        }
    }
    out.push(value.unwrap_or_default());
}
