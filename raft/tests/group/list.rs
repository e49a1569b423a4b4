//! A machine that keeps the list of all it was given.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use raft::{Checkpoint, Entry, LogPosition, StateMachine, Step};

/// The list, also as seen from outside.
#[derive(Default)]
pub struct List {
    pub items: Vec<u64>,
    pub last: Option<LogPosition>,
    seen: Rc<RefCell<Vec<u64>>>,
    halfway: bool,
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

    fn checkpoint(&mut self) -> Box<dyn Checkpoint> {
        assert!(!self.halfway, "asked for amid an entry");
        Box::new(View { items: self.items.clone(), next: 0 })
    }

    fn install_begin(&mut self) {
        self.items.clear();
        self.seen.borrow_mut().clear();
    }

    fn install_chunk(&mut self, mut chunk: Bytes) -> Result<(), String> {
        while chunk.has_remaining() {
            let item = chunk.try_get_u64_le().map_err(|error| error.to_string())?;
            self.items.push(item);
            self.seen.borrow_mut().push(item);
        }
        Ok(())
    }

    fn install_end(&mut self, last: Option<LogPosition>) -> Result<(), String> {
        self.last = last;
        Ok(())
    }
}

struct View {
    items: Vec<u64>,
    next: usize,
}

impl Checkpoint for View {
    fn chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, String> {
        let rest = &self.items[self.next..];
        let some = &rest[..rest.len().min(bytes_max / 8)];
        self.next += some.len();
        let mut bytes = BytesMut::new();
        some.iter().for_each(|item| bytes.put_u64_le(*item));
        Ok((!some.is_empty()).then(|| bytes.freeze()))
    }
}
