//! Contents of windows or buckets that are being written, one after the other.

use std::collections::{BTreeMap, VecDeque};

use crate::codec::Writer;
use crate::ops::{Content, Shape};

/// Contents by number, in order of their numbers: each is its number, then its bytes.
#[derive(Debug, Default)]
pub struct ContentsCut {
    queue: VecDeque<i64>,
    /// The first of the queue has begun.
    begun: bool,
    /// Contents that are no more and are yet to be written.
    retired: BTreeMap<i64, Content>,
}

impl ContentsCut {
    /// Freezes these, in ascending order.
    pub fn new<'a>(contents: impl Iterator<Item = (i64, &'a mut Content)>) -> Self {
        let mut cut = ContentsCut::default();
        for (number, content) in contents {
            content.freeze();
            cut.queue.push_back(number);
        }
        cut
    }

    /// Takes a content that is no more, if it is yet to be written; else gives it back.
    pub fn retire(&mut self, number: i64, content: Content) -> Option<Content> {
        if content.is_frozen() && self.queue.binary_search(&number).is_ok() {
            self.retired.insert(number, content);
            return None;
        }
        Some(content)
    }

    /// Writes until `out` has `until` bytes; true when all are written. `live` finds contents in the `store`.
    pub fn go_on<S>(
        &mut self,
        shape: &Shape,
        out: &mut Writer,
        until: usize,
        store: &mut S,
        live: impl Fn(&mut S, i64) -> Option<&mut Content>,
    ) -> bool {
        while let Some(&number) = self.queue.front() {
            if out.bytes.len() >= until {
                return false;
            }
            if !std::mem::replace(&mut self.begun, true) {
                out.i64(number);
            }
            let retired = self.retired.get_mut(&number);
            let content = match retired {
                Some(content) => content,
                None => live(store, number).expect("a content that is no more is retired"),
            };
            if !content.cut_next(shape, out, until) {
                return false;
            }
            self.retired.remove(&number);
            self.queue.pop_front();
            self.begun = false;
        }
        true
    }
}
