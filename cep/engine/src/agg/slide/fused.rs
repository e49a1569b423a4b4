//! Loops for the common states.

use super::numbers::{Number, Target};
use super::{Reader, Slide};
use crate::agg::cells::{CountCell, SortedCell, SumFloatCell, SumIntCell};
use crate::agg::emit::EmitError;
use crate::agg::input::{AggInput, Pass, Rows};
use crate::agg::plan::{Read, StateSpec};
use crate::agg::states::AggStates;
use crate::agg::value::{Val, ValKind};
use crate::column::{Column, Values};

/// Runs all steps of a state, if there is a loop for it and for what is read from it.
pub(super) fn run(
    state: &mut AggStates,
    readers: &mut [Reader],
    slide: &Slide,
    errors: &mut Vec<EmitError>,
) -> bool {
    match state {
        AggStates::SumFloat(cells) => {
            let Some([added, gone]) = Side::both(cells.spec(), slide, doubles) else { return false };
            let Some(mut targets) = Target::all(readers, slide.groups.len()) else { return false };
            let put = |cell: &mut SumFloatCell, row| cell.put(added.values[row]);
            let take = |cell: &mut SumFloatCell, row| cell.take(gone.values[row]);
            match &mut targets[..] {
                // One call is the rule, and its target then stays in registers.
                [one] => steps(cells.parts_mut(), slide, (&added, put), (&gone, take), |cell, _| {
                    one.push(Number::of_floats(cell, one.kind));
                }),
                all => steps(cells.parts_mut(), slide, (&added, put), (&gone, take), |cell, _| {
                    for target in &mut *all {
                        target.push(Number::of_floats(cell, target.kind));
                    }
                }),
            }
        }
        AggStates::SumInt(cells) => {
            let Some([added, gone]) = Side::both(cells.spec(), slide, longs) else { return false };
            let Some(mut targets) = Target::all(readers, slide.groups.len()) else { return false };
            let put = |cell: &mut SumIntCell, row| cell.put(added.values[row]);
            let take = |cell: &mut SumIntCell, row| cell.take(gone.values[row]);
            steps(cells.parts_mut(), slide, (&added, put), (&gone, take), |cell, step| {
                for target in &mut targets {
                    let number = Number::of_integers(cell, target.kind);
                    errors.extend(number.is_none().then(|| target.overflow(step)));
                    target.push(number.unwrap_or(Number::Null));
                }
            });
        }
        AggStates::Count(cells) => {
            let Some([added, gone]) = Side::both(cells.spec(), slide, unpacked) else { return false };
            let Some(mut targets) = Target::all(readers, slide.groups.len()) else { return false };
            let put = |cell: &mut CountCell, _| cell.put();
            let take = |cell: &mut CountCell, _| cell.take();
            steps(cells.parts_mut(), slide, (&added, put), (&gone, take), |cell, _| {
                targets.iter_mut().for_each(|t| t.push(Number::Long(cell.n as i64)));
            });
        }
        AggStates::Sorted(cells) => {
            let spec = cells.spec();
            let words = !spec.nulls && spec.args.len() == 1 && matches!(spec.val_kind(0), ValKind::Word(_));
            let ends = readers.iter().all(|r| matches!(r.output.read, Read::Min | Read::Max));
            let Some([added, gone]) = Side::both(spec, slide, Some).filter(|_| words && ends) else {
                return false;
            };
            let put = |cell: &mut SortedCell, row| cell.put(Val::key(added.values, row));
            let take = |cell: &mut SortedCell, row| cell.withdraw(&Val::key(gone.values, row));
            steps(cells.parts_mut(), slide, (&added, put), (&gone, take), |cell, _| {
                for reader in &mut *readers {
                    let least = reader.output.read == Read::Min;
                    let value = if least { cell.first() } else { cell.last() };
                    value.push(reader.column);
                }
            });
        }
        _ => return false,
    }
    true
}

fn doubles(column: &Column) -> Option<&[f64]> {
    match &column.values {
        Values::F64(v) => Some(v),
        _ => None,
    }
}

fn longs(column: &Column) -> Option<&[i64]> {
    match &column.values {
        Values::I64(v) => Some(v),
        _ => None,
    }
}

/// The column, if its validity is a mask.
fn unpacked(column: &Column) -> Option<&Column> {
    match &column.values {
        Values::Any(_) => None,
        _ => Some(column),
    }
}

/// The added or the leaving rows of a state with at most one argument.
struct Side<'a, V> {
    values: V,
    pass: Pass<'a>,
    rows: Rows<'a>,
}

impl<'a, V> Side<'a, V> {
    /// Both sides, if `view` takes the argument; a state without one is given its first input,
    /// which it does not read.
    fn both(
        spec: &StateSpec,
        slide: &Slide<'a>,
        view: impl Fn(&'a Column) -> Option<V>,
    ) -> Option<[Self; 2]> {
        let side = |input: &AggInput<'a>| {
            let args: Vec<&'a Column> = spec.args.iter().map(|&i| input.columns[i]).collect();
            let values = match args[..] {
                [] => view(input.columns.first()?)?,
                [arg] => view(arg)?,
                _ => return None,
            };
            let filter = spec.filter.map(|i| input.columns[i]);
            Some(Side { values, pass: Pass::new(filter, &args), rows: input.rows })
        };
        Some([side(&slide.added)?, side(&slide.gone)?])
    }

    /// The i-th row, if it counts.
    #[inline(always)]
    fn row(&self, i: usize) -> Option<usize> {
        let row = self.rows.at(i);
        self.pass.allows(row).then_some(row)
    }
}

/// Takes, puts and emits; `put` and `take` return by how many bytes the heap grew.
#[inline(always)]
fn steps<C, V, W>(
    (cells, heap): (&mut [C], &mut isize),
    slide: &Slide,
    (added, mut put): (&Side<V>, impl FnMut(&mut C, usize) -> isize),
    (gone, mut take): (&Side<W>, impl FnMut(&mut C, usize) -> isize),
    mut emit: impl FnMut(&C, usize),
) {
    let mut left = 0;
    for (step, (&group, &end)) in slide.groups.iter().zip(slide.gone_ends).enumerate() {
        while left < end as usize {
            if let Some(row) = gone.row(left) {
                *heap += take(&mut cells[slide.gone_groups[left] as usize], row);
            }
            left += 1;
        }
        let cell = &mut cells[group as usize];
        if let Some(row) = added.row(step) {
            *heap += put(cell, row);
        }
        emit(cell, step);
    }
}
