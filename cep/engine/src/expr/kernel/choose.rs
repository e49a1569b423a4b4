//! Selections and the assembly of a column from the branches that gave its rows.

use std::hint::select_unpredictable;

use arrow_array::{Array, ArrayRef, new_null_array};
use smallvec::SmallVec;

use crate::column::{Column, Values};
use crate::expr::view::{Arg, Reg, Text, View};

/// Where a row of the result comes from: branch and row within it.
#[derive(Debug, Clone, Copy)]
pub(in crate::expr) struct Choice {
    pub(in crate::expr) branch: u32,
    pub(in crate::expr) row: u32,
}

impl Choice {
    /// No branch: NULL.
    pub(in crate::expr) const NONE: Choice = Choice { branch: u32::MAX, row: 0 };
}

/// Appends the positions of TRUE in `mask`, without a branch per row.
pub(in crate::expr) fn positions(mask: &[bool], out: &mut Vec<u32>) {
    // A block's worth of positions is written to the stack with a cursor that moves by the
    // mask's 0 or 1, then appended at once.
    const BLOCK: usize = 64;
    out.reserve(mask.len());
    let mut base = 0u32;
    for block in mask.chunks(BLOCK) {
        let mut found = [0u32; BLOCK];
        let mut count = 0usize;
        for (at, &keep) in block.iter().enumerate() {
            found[count % BLOCK] = base + at as u32;
            count += usize::from(keep);
        }
        out.extend_from_slice(&found[..count]);
        base += BLOCK as u32;
    }
}

/// Keeps of `rows` those whose entry in `mask` (by position) is TRUE.
pub(in crate::expr) fn keep_where(rows: &mut Vec<u32>, mask: &[bool]) {
    let mut kept = 0;
    for (at, &keep) in mask[..rows.len()].iter().enumerate() {
        rows[kept] = rows[at];
        kept += usize::from(keep);
    }
    rows.truncate(kept);
}

/// Writes row i of `values` to row `at[i]` of `out`, which holds enough rows of a fixed-width kind,
/// with validity.
pub(in crate::expr) fn scatter(out: &mut Reg, at: &[u32], values: View<'_>) {
    macro_rules! put {
        ($out:expr, $access:ident) => {{
            let (out, values) = ($out, values.$access());
            for (row, &at) in at.iter().enumerate() {
                out[at as usize] = values.at(row);
            }
        }};
    }
    match &mut out.column.values {
        Values::Bool(o) => put!(o, bools),
        Values::I32(o) => put!(o.to_mut(), i32s),
        Values::I64(o) => put!(o.to_mut(), i64s),
        Values::F32(o) => put!(o.to_mut(), f32s),
        Values::F64(o) => put!(o.to_mut(), f64s),
        Values::I128(o) => put!(o.to_mut(), i128s),
        Values::Bytes { .. } | Values::Any(_) => unreachable!("text and arrow values are assembled"),
    }
    let valid = out.column.valid.as_mut().expect("scatter goes to a column filled with NULL");
    for (row, &at) in at.iter().enumerate() {
        valid[at as usize] = values.is_valid(row);
    }
}

/// CASE over parts computed for all rows: condition and value in turn, then the ELSE if there is
/// one. `like` is of a kind of ours.
pub(in crate::expr) fn select(out: &mut Reg, rows: usize, like: &Column, parts: &[View<'_>]) {
    let (branches, otherwise) = parts.split_at(parts.len() / 2 * 2);
    let otherwise = otherwise.first().copied();
    macro_rules! blend {
        ($access:ident) => {{
            let values = out.$access();
            match otherwise.map(|o| o.$access()) {
                Some(Arg::Many(v)) => values.extend_from_slice(&v[..rows]),
                Some(Arg::One(v)) => values.resize(rows, v),
                None => values.resize(rows, Default::default()),
            }
            // From the last branch to the first: an earlier one overwrites.
            for pair in branches.chunks_exact(2).rev() {
                let Arg::Many(hits) = pair[0].bools() else {
                    if pair[0].bools().at(0) && pair[0].is_valid(0) {
                        (0..rows).for_each(|row| values[row] = pair[1].$access().at(row));
                    }
                    continue;
                };
                match (pair[0].validity(), pair[1].$access()) {
                    (None, Arg::One(v)) => {
                        values
                            .iter_mut()
                            .zip(hits)
                            .for_each(|(o, &hit)| *o = select_unpredictable(hit, v, *o));
                    }
                    (None, Arg::Many(v)) => {
                        let pairs = values.iter_mut().zip(hits).zip(v);
                        pairs.for_each(|((o, &hit), &v)| *o = select_unpredictable(hit, v, *o));
                    }
                    (Some(valid), v) => {
                        for row in 0..rows {
                            if hits[row] && valid[row] {
                                values[row] = v.at(row);
                            }
                        }
                    }
                }
            }
        }};
    }
    match &like.values {
        Values::Bool(_) => blend!(bools),
        Values::I32(_) => blend!(i32s),
        Values::I64(_) => blend!(i64s),
        Values::F32(_) => blend!(f32s),
        Values::F64(_) => blend!(f64s),
        Values::I128(_) => blend!(i128s),
        Values::Bytes { .. } => select_text(out, rows, branches, otherwise),
        Values::Any(_) => unreachable!("compiled for kinds of ours only"),
    }
    select_validity(out, rows, branches, otherwise);
}

fn select_text(out: &mut Reg, rows: usize, branches: &[View<'_>], otherwise: Option<View<'_>>) {
    type Condition<'a> = (Arg<'a, bool>, Option<&'a [bool]>);
    let conditions: SmallVec<[Condition<'_>; 4]> = branches
        .chunks_exact(2)
        .map(|pair| match pair[0].is_null_constant() {
            true => (Arg::One(false), None),
            false => (pair[0].bools(), pair[0].validity()),
        })
        .collect();
    let texts: SmallVec<[Text<'_>; 5]> =
        branches.chunks_exact(2).map(|pair| &pair[1]).chain(&otherwise).map(View::text).collect();
    out.text();
    for row in 0..rows {
        let mut pick = conditions.len();
        for (at, (hits, valid)) in conditions.iter().enumerate().rev() {
            let hit = hits.at(row) & valid.is_none_or(|valid| valid[row]);
            pick = select_unpredictable(hit, at, pick);
        }
        out.push_text(texts.get(pick).map(|text| text.at(row)).into_iter());
    }
}

fn select_validity(out: &mut Reg, rows: usize, branches: &[View<'_>], otherwise: Option<View<'_>>) {
    let never_null = |v: &View<'_>| !v.is_null_constant() && v.validity().is_none();
    let mut values = branches.iter().skip(1).step_by(2);
    if values.all(never_null) && otherwise.as_ref().is_some_and(never_null) {
        out.all_valid();
        return;
    }
    out.validity().extend((0..rows).map(|row| {
        let hit = branches.chunks_exact(2).find(|pair| pair[0].is_valid(row) && pair[0].bools().at(row));
        match hit {
            Some(pair) => pair[1].is_valid(row),
            None => otherwise.is_some_and(|o| o.is_valid(row)),
        }
    }));
}

/// Builds the text or Arrow column whose row i is row `choices[i].row` of
/// `branches[choices[i].branch]`. Branches that no row took may hold anything.
pub(in crate::expr) fn assemble(out: &mut Reg, like: &Column, branches: &[View<'_>], choices: &[Choice]) {
    if let Values::Any(like) = &like.values {
        return assemble_arrow(out, like, branches, choices);
    }
    let (offsets, bytes) = out.text();
    for c in choices {
        if c.branch != u32::MAX && branches[c.branch as usize].is_valid(c.row as usize) {
            bytes.extend_from_slice(branches[c.branch as usize].text().at(c.row as usize));
        }
        offsets.push(bytes.len() as i32);
    }
    assemble_validity(out, branches, choices);
}

fn assemble_validity(out: &mut Reg, branches: &[View<'_>], choices: &[Choice]) {
    let no_nulls = branches.iter().all(|b| b.column.valid.is_none());
    if no_nulls && choices.iter().all(|c| c.branch != u32::MAX) {
        out.all_valid();
        return;
    }
    out.validity().extend(
        choices.iter().map(|c| c.branch != u32::MAX && branches[c.branch as usize].is_valid(c.row as usize)),
    );
}

fn assemble_arrow(out: &mut Reg, like: &ArrayRef, branches: &[View<'_>], choices: &[Choice]) {
    let arrays: Vec<_> = branches
        .iter()
        .map(|b| match &b.column.values {
            Values::Any(array) => array.as_ref(),
            // Never ran.
            _ => like.as_ref(),
        })
        .collect();
    let null = new_null_array(like.data_type(), 1);
    let none = arrays.len();
    let indices: Vec<(usize, usize)> = choices
        .iter()
        .map(|c| match c.branch {
            u32::MAX => (none, 0),
            branch if branches[branch as usize].one => (branch as usize, 0),
            branch => (branch as usize, c.row as usize),
        })
        .collect();
    let all: Vec<&dyn Array> = arrays.into_iter().chain([null.as_ref()]).collect();
    let picked = arrow_select::interleave::interleave(&all, &indices)
        .expect("branches have the type of the CASE, indices are in range");
    out.set_array(&picked);
}
