//! Counts of values in order.

use std::collections::BTreeMap;

use crate::agg::value::Val;

/// Distinct values kept in one sorted vector before a tree is made.
const FEW_MAX: usize = 32;

/// Distinct values of a tree that go back to the vector.
const FEW_AGAIN: usize = 8;

/// Values with their counts, ascending: a vector, so that small windows do not allocate, or a tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Sorted; empty while there is a tree.
    few: Vec<(Val, u64)>,
    many: Option<BTreeMap<Val, u64>>,
}

impl Counts {
    /// Adds `count` times `value`; returns whether it is new.
    pub fn insert(&mut self, value: Val, count: u64) -> bool {
        if let Some(tree) = &mut self.many {
            let times = tree.entry(value).or_insert(0);
            *times += count;
            return *times == count;
        }
        match self.few.binary_search_by(|(v, _)| v.cmp(&value)) {
            Ok(at) => {
                self.few[at].1 += count;
                false
            }
            Err(at) => {
                self.few.insert(at, (value, count));
                if self.few.len() > FEW_MAX {
                    self.many = Some(std::mem::take(&mut self.few).into_iter().collect());
                }
                true
            }
        }
    }

    /// Removes one `value`; returns whether it was the last.
    ///
    /// # Panics
    /// If there is none: removal of a row that was not added.
    pub fn take(&mut self, value: &Val) -> bool {
        const MISSING: &str = "only rows that were added are removed";
        let Some(tree) = &mut self.many else {
            let at = self.few.binary_search_by(|(v, _)| v.cmp(value)).expect(MISSING);
            self.few[at].1 -= 1;
            let last = self.few[at].1 == 0;
            if last {
                self.few.remove(at);
            }
            return last;
        };
        let times = tree.get_mut(value).expect(MISSING);
        *times -= 1;
        let last = *times == 0;
        if last {
            tree.remove(value);
            if tree.len() <= FEW_AGAIN
                && let Some(tree) = self.many.take()
            {
                self.few.extend(tree);
            }
        }
        last
    }

    /// Number of distinct values.
    pub fn len(&self) -> usize {
        self.few.len() + self.many.as_ref().map_or(0, BTreeMap::len)
    }

    /// Smallest value.
    pub fn first(&self) -> Option<&Val> {
        match &self.many {
            Some(tree) => tree.first_key_value().map(|(v, _)| v),
            None => self.few.first().map(|(v, _)| v),
        }
    }

    /// Largest value.
    pub fn last(&self) -> Option<&Val> {
        match &self.many {
            Some(tree) => tree.last_key_value().map(|(v, _)| v),
            None => self.few.last().map(|(v, _)| v),
        }
    }

    /// Values and counts, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Val, u64)> {
        let few = self.few.iter().map(|(v, n)| (v, *n));
        few.chain(self.many.iter().flat_map(|tree| tree.iter().map(|(v, &n)| (v, n))))
    }

    /// Makes it empty; the vector keeps its allocation.
    pub fn clear(&mut self) {
        self.few.clear();
        self.many = None;
    }
}
