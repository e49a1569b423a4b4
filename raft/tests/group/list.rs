//! A machine that keeps the list of all it was given.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use raft::{Entry, LogPosition, StateMachine, Step};

/// The list, also as seen from outside.
#[derive(Default)]
pub struct List {
    pub items: Vec<u64>,
    pub last: Option<LogPosition>,
    seen: Rc<RefCell<Vec<u64>>>,
    halfway: bool,
    view: Vec<u64>,
    viewed: usize,
    installing: Vec<u8>,
}

impl List {
    pub fn seen_by(seen: &Rc<RefCell<Vec<u64>>>) -> Self {
        seen.borrow_mut().clear();
        Self { seen: Rc::clone(seen), ..Self::default() }
    }
}

/// A proposal: the number, and padding so that sizes differ.
pub fn payload(item: u64) -> Bytes {
    let padding = (item.wrapping_mul(0x9E37_79B9) % 700) as usize;
    let mut bytes = BytesMut::with_capacity(8 + padding + 2);
    bytes.put_u64_le(item);
    bytes.put_bytes(item as u8, padding);
    bytes.freeze()
}

/// An answer: the place in the list.
pub fn place(mut answer: &[u8]) -> usize {
    answer.get_u64_le() as usize
}

impl StateMachine for List {
    fn apply(&mut self, entry: &Entry) -> Step {
        let item = entry.payload.as_ref().get_u64_le();
        assert_eq!(entry.payload, payload(item), "content is whole");
        assert!(self.last < Some(entry.position), "{} comes twice, or late", entry.position);
        self.halfway = item.is_multiple_of(5) && !self.halfway;
        if self.halfway {
            return Step::More;
        }
        self.last = Some(entry.position);
        self.items.push(item);
        self.seen.borrow_mut().push(item);
        Step::Done(Bytes::copy_from_slice(&(self.items.len() as u64 - 1).to_le_bytes()))
    }

    fn checkpoint_begin(&mut self) {
        assert!(!self.halfway, "asked for amid an entry");
        self.view = self.items.clone();
        self.viewed = 0;
    }

    fn checkpoint_next(&mut self, bytes: usize, out: &mut Vec<u8>) -> Result<bool, String> {
        let rest = &self.view[self.viewed..];
        let some = &rest[..rest.len().min((bytes / 8).clamp(1, 40))];
        self.viewed += some.len();
        some.iter().for_each(|item| out.extend_from_slice(&item.to_le_bytes()));
        Ok(!some.is_empty())
    }

    fn checkpoint_end(&mut self) {
        self.view.clear();
    }

    fn install_begin(&mut self, _: usize) {
        self.installing.clear();
        self.items.clear();
        self.seen.borrow_mut().clear();
    }

    fn install_chunk(&mut self, chunk: Bytes) -> Result<(), String> {
        self.installing.extend_from_slice(&chunk);
        Ok(())
    }

    fn install_end(&mut self, last: Option<LogPosition>) -> Result<(), String> {
        let bytes = std::mem::take(&mut self.installing);
        let (items, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty(), "items are whole");
        self.items = items.iter().map(|item| u64::from_le_bytes(*item)).collect();
        self.seen.borrow_mut().clone_from(&self.items);
        self.last = last;
        Ok(())
    }
}
