//! The samples of a window in order of their values.

use super::formula::{self, word};
use super::pane::{EXACT_MAX, Order, Slot};
use crate::agg::sketch::Buckets;

/// Samples in order with removal: up to [`EXACT_MAX`] as words, more as buckets.
#[derive(Debug, Clone, Default)]
pub(super) struct Sorted {
    nans: u64,
    words: Vec<i64>,
    buckets: Option<Buckets>,
}

impl Sorted {
    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Sorted>() + self.words.capacity() * 8 + self.buckets.as_ref().map_or(0, Buckets::heap_bytes)
    }

    /// Adds a sample; `count` with it.
    pub fn add(&mut self, word: i64, count: u64) {
        if word == i64::MIN {
            self.nans += 1;
        }
        if count > EXACT_MAX as u64 {
            self.go_over();
        }
        match &mut self.buckets {
            Some(buckets) if word != i64::MIN => buckets.add(word),
            Some(_) => {}
            None => {
                let at = self.words.partition_point(|&w| w <= word);
                self.words.insert(at, word);
            }
        }
    }

    /// From words to buckets.
    fn go_over(&mut self) {
        if self.buckets.is_none() {
            let mut buckets = Buckets::default();
            std::mem::take(&mut self.words)
                .into_iter()
                .filter(|&w| w != i64::MIN)
                .for_each(|w| buckets.add(w));
            self.buckets = Some(buckets);
        }
    }

    /// Adds a pane; `count` with it.
    pub fn enter(&mut self, slot: &Slot, count: u64) {
        let Some(order) = slot.order() else {
            return slot.only().into_iter().for_each(|x| self.add(word(x), count));
        };
        if count > EXACT_MAX as u64 {
            self.go_over();
        }
        let Order { nans, words, buckets } = order;
        self.nans += nans;
        match (&mut self.buckets, buckets) {
            (None, _) => {
                self.words.extend_from_slice(words);
                self.words.sort_unstable();
            }
            (Some(own), None) => words.iter().filter(|&&w| w != i64::MIN).for_each(|&w| own.add(w)),
            (Some(own), Some(theirs)) => own.merge(theirs),
        }
    }

    /// Removes a pane; `count` without it. True if the words are to be made anew.
    pub fn leave(&mut self, slot: &Slot, count: u64) -> bool {
        if self.buckets.is_some() && count <= EXACT_MAX as u64 {
            return true;
        }
        let mut one = [0];
        let words: &[i64] = match (slot.order(), slot.only()) {
            (Some(order), _) => {
                self.nans -= order.nans;
                if let (Some(own), Some(theirs)) = (&mut self.buckets, &order.buckets) {
                    own.unmerge(theirs);
                }
                &order.words
            }
            (None, only) => {
                one[0] = only.map_or(0, word);
                self.nans -= u64::from(one[0] == i64::MIN);
                &one
            }
        };
        match &mut self.buckets {
            Some(own) => words.iter().filter(|&&w| w != i64::MIN).for_each(|&w| own.remove(w)),
            None => {
                for word in words {
                    let at =
                        self.words.binary_search(word).expect("only samples that were added are removed");
                    self.words.remove(at);
                }
            }
        }
        false
    }

    pub fn pair(&self, rank: u64) -> (f64, f64) {
        let Some(buckets) = &self.buckets else {
            let at =
                |i: usize| self.words.get(i).or(self.words.last()).map_or(f64::NAN, |&w| formula::of_word(w));
            return (at(rank as usize), at(rank as usize + 1));
        };
        let above = |rank: u64| buckets.pair(rank).unwrap_or((f64::NAN, f64::NAN));
        match rank.checked_sub(self.nans) {
            Some(rank) => above(rank),
            None if rank + 1 == self.nans => (f64::NAN, above(0).0),
            None => (f64::NAN, f64::NAN),
        }
    }
}
