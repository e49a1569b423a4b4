//! Sliding windows: a row in, old rows out, a value, row by row.

use super::cells::SumFloatCell;
use super::emit::EmitError;
use super::input::{AggInput, Pass, Rows};
use super::plan::{Output, Read, StateSpec};
use super::set::AggSet;
use super::states::AggStates;
use crate::column::{Column, Values};

/// Steps of sliding windows. Step i takes the rows `gone_ends[i − 1]..gone_ends[i]` of `gone` out
/// of their groups, adds the i-th row of `added` to `groups[i]` and emits that group.
#[derive(Debug, Clone, Copy)]
pub struct Slide<'a> {
    /// Group of each added row.
    pub groups: &'a [u32],
    /// Added rows.
    pub added: AggInput<'a>,
    /// Group of each row that leaves.
    pub gone_groups: &'a [u32],
    /// Rows that leave, in the order in which they do.
    pub gone: AggInput<'a>,
    /// How many of them have left when step i emits; not decreasing, one per step.
    pub gone_ends: &'a [u32],
}

impl AggSet {
    /// Runs `slide`, appending one row per step to `out` (one column per call): the same as
    /// [`AggSet::remove`], [`AggSet::update`] and [`AggSet::emit_all`] for one row after the other,
    /// without their overhead where sums, averages and counts of floats are all there is.
    ///
    /// # Panics
    /// As those three, or if the lengths do not match.
    pub fn slide(&mut self, slide: &Slide, out: &mut [Column], errors: &mut Vec<EmitError>) {
        assert_eq!(slide.groups.len(), slide.gone_ends.len(), "an end per step");
        let (plan, states) = self.parts_mut();
        if let [AggStates::SumFloat(cells)] = states
            && plan.outputs().iter().all(|o| fused(o, out))
            && let Some((added, gone)) = Doubles::of(cells.spec(), slide)
        {
            let mut targets: Vec<Target> =
                plan.outputs().iter().zip(out).map(|(o, c)| Target::new(o, c, slide.groups.len())).collect();
            return match &mut targets[..] {
                [one] => sums(cells.parts_mut(), slide, added, gone, |cell| one.push(cell)),
                all => sums(cells.parts_mut(), slide, added, gone, |cell| {
                    all.iter_mut().for_each(|t| t.push(cell));
                }),
            };
        }
        self.slide_by_steps(slide, out, errors);
    }

    fn slide_by_steps(&mut self, slide: &Slide, out: &mut [Column], errors: &mut Vec<EmitError>) {
        let mut left = 0;
        let mut found = Vec::new();
        for (step, (group, &end)) in slide.groups.iter().zip(slide.gone_ends).enumerate() {
            if end > left {
                let range = left as usize..end as usize;
                let input = AggInput { rows: slice(&slide.gone.rows, range.clone()), ..slide.gone };
                self.remove(&slide.gone_groups[range], &input);
                left = end;
            }
            let group = std::slice::from_ref(group);
            let input = AggInput { rows: slice(&slide.added.rows, step..step + 1), ..slide.added };
            self.update(group, &input);
            self.emit_all(group, out, &mut found);
            errors.extend(found.drain(..).map(|e| EmitError { index: step, ..e }));
        }
    }
}

fn slice<'a>(rows: &Rows<'a>, range: std::ops::Range<usize>) -> Rows<'a> {
    match rows {
        Rows::From(start) => Rows::From(start + range.start),
        Rows::Pick(rows) => Rows::Pick(&rows[range]),
    }
}

/// A column of doubles and which of its rows count.
#[derive(Clone, Copy)]
struct Doubles<'a> {
    values: &'a [f64],
    pass: Pass<'a>,
    rows: Rows<'a>,
}

impl<'a> Doubles<'a> {
    /// The argument of `spec` among the added and the leaving rows, if both are doubles.
    fn of(spec: &StateSpec, slide: &Slide<'a>) -> Option<(Self, Self)> {
        let one = |input: &AggInput<'a>| {
            let column: &'a Column = input.columns[spec.args[0]];
            let filter = spec.filter.map(|i| input.columns[i]);
            match &column.values {
                Values::F64(values) => {
                    Some(Doubles { values, pass: Pass::new(filter, &[column]), rows: input.rows })
                }
                _ => None,
            }
        };
        Some((one(&slide.added)?, one(&slide.gone)?))
    }

    #[inline(always)]
    fn at(&self, i: usize) -> Option<f64> {
        let row = self.rows.at(i);
        self.pass.allows(row).then(|| self.values[row])
    }
}

/// Whether the call is a sum, mean or count into a column of its plain type.
fn fused(output: &Output, out: &[Column]) -> bool {
    let plain = out.iter().all(|c| matches!(c.values, Values::F64(_) | Values::I64(_)));
    plain && matches!(output.read, Read::Sum | Read::Avg | Read::Count)
}

fn sums(
    (cells, heap): (&mut [SumFloatCell], &mut isize),
    slide: &Slide,
    added: Doubles,
    gone: Doubles,
    mut emit: impl FnMut(&SumFloatCell),
) {
    let mut left = 0;
    for (step, (&group, &end)) in slide.groups.iter().zip(slide.gone_ends).enumerate() {
        while left < end as usize {
            if let Some(x) = gone.at(left) {
                *heap += cells[slide.gone_groups[left] as usize].take(x);
            }
            left += 1;
        }
        let cell = &mut cells[group as usize];
        if let Some(x) = added.at(step) {
            *heap += cell.put(x);
        }
        emit(cell);
    }
}

/// Where one call's values go.
struct Target<'a> {
    values: Numbers<'a>,
    valid: &'a mut Option<Vec<bool>>,
}

enum Numbers<'a> {
    Avg(&'a mut Vec<f64>),
    Sum(&'a mut Vec<f64>),
    Count(&'a mut Vec<i64>),
}

impl<'a> Target<'a> {
    fn new(output: &Output, column: &'a mut Column, steps: usize) -> Self {
        let values = match (&output.read, &mut column.values) {
            (Read::Avg, Values::F64(v)) => Numbers::Avg(v.to_mut()),
            (Read::Sum, Values::F64(v)) => Numbers::Sum(v.to_mut()),
            (_, Values::I64(v)) => Numbers::Count(v.to_mut()),
            (_, other) => panic!("a sum for a {} column", other.kind_name()),
        };
        let mut target = Target { values, valid: &mut column.valid };
        match &mut target.values {
            Numbers::Avg(v) | Numbers::Sum(v) => v.reserve(steps),
            Numbers::Count(v) => v.reserve(steps),
        }
        target
    }

    #[inline(always)]
    fn push(&mut self, cell: &SumFloatCell) {
        let (before, present) = match &mut self.values {
            Numbers::Avg(v) => {
                v.push(if cell.n == 0 { 0.0 } else { cell.sum.divided_by(cell.n) });
                (v.len() - 1, cell.n != 0)
            }
            Numbers::Sum(v) => {
                v.push(cell.sum.value());
                (v.len() - 1, cell.n != 0)
            }
            Numbers::Count(v) => {
                v.push(cell.n as i64);
                (v.len() - 1, true)
            }
        };
        match &mut self.valid {
            Some(valid) => valid.push(present),
            None if present => {}
            None => {
                let mut mask = vec![true; before];
                mask.push(false);
                *self.valid = Some(mask);
            }
        }
    }
}
