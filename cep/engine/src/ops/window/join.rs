//! The join of the rows in one window, at its close.

use arrow_schema::Fields;
use cep_lang::plan::{BoundedJoin, Expr};

use super::bounded::{Moment, Relation};
use crate::column::{Column, Values};
use crate::expr::{Compiled, RowErrors, Rows};
use crate::keys::{KeyTable, encode_value};
use crate::ops::OpError;

/// A compiled join; see [`BoundedJoin`].
#[derive(Debug)]
pub struct WindowJoin {
    side: usize,
    widths: [usize; 2],
    /// Key values of each side.
    keys: [Vec<Compiled>; 2],
    residual: Option<Compiled>,
    outer: [bool; 2],
}

impl WindowJoin {
    /// Compiles a join.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn new(join: &BoundedJoin) -> Result<Self, String> {
        let BoundedJoin { side, widths, keys, residual, outer, schema: _ } = join;
        let compile = |e: &Expr| Compiled::new(e).map_err(|e| e.to_string());
        Ok(WindowJoin {
            side: *side,
            widths: *widths,
            keys: [
                keys.iter().map(|(left, _)| compile(left)).collect::<Result<_, _>>()?,
                keys.iter().map(|(_, right)| compile(right)).collect::<Result<_, _>>()?,
            ],
            residual: residual.as_ref().map(compile).transpose()?,
            outer: *outer,
        })
    }

    /// Replaces the content by the pairs and the rows without a partner. Rows and pairs in error are
    /// reported and left out.
    pub fn run(&mut self, relation: &mut Relation, fields: &Fields, at: Moment, errors: &mut Vec<OpError>) {
        let mut rows = self.sides(relation);
        let mut failed = RowErrors::new();
        let left_keys = self.keys_of(0, relation, &rows[0], at, &mut failed);
        let right_keys = self.keys_of(1, relation, &rows[1], at, &mut failed);
        let mut bad: Vec<u32> = failed.settle().iter().map(|error| error.row).collect();
        bad.sort_unstable();
        at.report(fields, &relation.columns, &mut failed, errors);
        let keys = [left_keys, right_keys];
        let pairs = pairs(&rows, &keys, &bad);
        rows.iter_mut().for_each(|rows| rows.retain(|row| bad.binary_search(row).is_err()));
        let source = self.take(relation, pairs.clone());
        let pairs = match &mut self.residual {
            None => pairs,
            Some(condition) => {
                let mut failed = RowErrors::new();
                let mut stands = Vec::new();
                let (stamps, times) = at.vectors(relation.rows);
                condition.eval_predicate(&relation.input(&stamps, &times), &mut failed, &mut stands);
                at.report(&Fields::empty(), &relation.columns, &mut failed, errors);
                stands.into_iter().map(|pair| pairs[pair as usize]).collect()
            }
        };
        let mut all = pairs;
        let found = all.len();
        for side in [0, 1] {
            if self.outer[side] {
                let mut matched: Vec<u32> = all[..found].iter().map(|pair| pair[side]).collect();
                matched.sort_unstable();
                let alone = rows[side].iter().filter(|row| matched.binary_search(row).is_err());
                // In its own row the columns of the other side are NULL.
                all.extend(alone.map(|&row| [row, row]));
            }
        }
        relation.columns = source;
        self.take(relation, all);
    }

    /// The rows of each side, in order.
    fn sides(&self, relation: &Relation) -> [Vec<u32>; 2] {
        let Values::I32(sides) = &relation.columns[self.side].values else {
            unreachable!("the plan makes the column of sides")
        };
        let of = |side: i32| (0..relation.rows as u32).filter(|&row| sides[row as usize] == side).collect();
        [of(0), of(1)]
    }

    /// The canonical key of each of `rows`; `None` where a value of it is NULL.
    fn keys_of(
        &mut self,
        side: usize,
        relation: &Relation,
        rows: &[u32],
        at: Moment,
        failed: &mut RowErrors,
    ) -> Vec<Option<Vec<u8>>> {
        let (stamps, times) = at.vectors(relation.rows);
        let input = relation.input(&stamps, &times);
        let mut keys = vec![Some(Vec::new()); rows.len()];
        for expr in &mut self.keys[side] {
            let values = match rows.len() {
                0 => continue,
                _ => expr.eval(&input, Rows::Some(rows), failed),
            };
            for (row, key) in keys.iter_mut().enumerate() {
                match key {
                    Some(bytes) if values.is_valid(row) => encode_value(values, row, bytes),
                    _ => *key = None,
                }
            }
        }
        keys
    }

    /// Makes `relation` the rows `pairs` of left and right rows of its content, which is returned.
    fn take(&self, relation: &mut Relation, pairs: Vec<[u32; 2]>) -> Vec<Column> {
        let [left, right]: [Vec<u32>; 2] = [0, 1].map(|side| pairs.iter().map(|pair| pair[side]).collect());
        let source = std::mem::take(&mut relation.columns);
        let width = self.widths[0] + self.widths[1];
        let bounds = source.len() - 2;
        let made = (0..width).chain(bounds..source.len()).map(|at| {
            let is_right = (self.widths[0]..width).contains(&at);
            let mut column = source[at].empty_like();
            column.append_gather(&source[at], if is_right { &right } else { &left });
            column
        });
        relation.columns = made.collect();
        relation.rows = pairs.len();
        source
    }
}

/// Rows of equal keys, in the order of the left ones, then of the right ones; `bad` ones have no key.
fn pairs(rows: &[Vec<u32>; 2], keys: &[Vec<Option<Vec<u8>>>; 2], bad: &[u32]) -> Vec<[u32; 2]> {
    let mut table = KeyTable::new();
    let mut lists: Vec<Vec<u32>> = Vec::new();
    let is_good = |row: &u32| bad.binary_search(row).is_err();
    for (row, key) in rows[1].iter().zip(&keys[1]).filter(|(row, _)| is_good(row)) {
        let Some(key) = key else { continue };
        let group = table.find_or_insert(key) as usize;
        lists.resize_with(table.len(), Vec::new);
        lists[group].push(*row);
    }
    let mut pairs = Vec::new();
    for (left, key) in rows[0].iter().zip(&keys[0]).filter(|(row, _)| is_good(row)) {
        let group = key.as_ref().and_then(|key| table.find(key));
        let partners = group.map_or(&[][..], |group| &lists[group as usize]);
        pairs.extend(partners.iter().map(|&right| [*left, right]));
    }
    pairs
}
