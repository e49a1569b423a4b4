//! Lists in messages: memory of the sender on the way out, bytes of the message on the way in.

use std::fmt;

use flatbuffers::{ForwardsUOffset, Vector};

mod sealed {
    /// Only types of this crate lie in messages.
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// A value with a fixed number of bytes in messages.
pub trait Fixed: Copy + Sealed {
    /// How many bytes.
    const BYTES: usize;
    /// The value in exactly that many bytes, which were verified before.
    #[doc(hidden)]
    fn read(bytes: &[u8]) -> Self;
}

/// Values of one type, in order.
pub struct List<'a, T>(Repr<'a, T>);

enum Repr<'a, T> {
    /// In memory.
    Items(&'a [T]),
    /// In a verified message: a multiple of `T::BYTES`.
    Bytes(&'a [u8]),
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Clone for Repr<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Repr<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        List(Repr::Items(&[]))
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        List(Repr::Items(items))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        List(Repr::Items(items))
    }
}

impl<'a, T: Fixed> List<'a, T> {
    /// The elements of a verified vector.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len().is_multiple_of(T::BYTES));
        List(Repr::Bytes(bytes))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Items(items) => items.len(),
            Repr::Bytes(bytes) => bytes.len() / T::BYTES,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at `index`, if there are so many.
    pub fn get(&self, index: usize) -> Option<T> {
        match self.0 {
            Repr::Items(items) => items.get(index).copied(),
            Repr::Bytes(bytes) => {
                let start = index.checked_mul(T::BYTES)?;
                Some(T::read(bytes.get(start..start.checked_add(T::BYTES)?)?))
            }
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + use<'a, T> {
        let list = *self;
        (0..self.len()).map(move |index| list.get(index).expect("the index is below the length"))
    }
}

impl<T: Fixed + PartialEq> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Fixed + fmt::Debug> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Texts, in order.
#[derive(Clone, Copy)]
pub struct Texts<'a>(TextsRepr<'a>);

#[derive(Clone, Copy)]
enum TextsRepr<'a> {
    Items(&'a [&'a str]),
    Wire(Vector<'a, ForwardsUOffset<&'a str>>),
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Texts(TextsRepr::Items(&[]))
    }
}

impl<'a> From<&'a [&'a str]> for Texts<'a> {
    fn from(items: &'a [&'a str]) -> Self {
        Texts(TextsRepr::Items(items))
    }
}

impl<'a> Texts<'a> {
    /// The elements of a verified vector.
    pub(crate) fn of_wire(vector: Option<Vector<'a, ForwardsUOffset<&'a str>>>) -> Self {
        vector.map(|vector| Texts(TextsRepr::Wire(vector))).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            TextsRepr::Items(items) => items.len(),
            TextsRepr::Wire(vector) => vector.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at `index`, if there are so many.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        match self.0 {
            TextsRepr::Items(items) => items.get(index).copied(),
            TextsRepr::Wire(vector) => (index < vector.len()).then(|| vector.get(index)),
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let texts = *self;
        (0..self.len()).filter_map(move |index| texts.get(index))
    }
}

impl PartialEq for Texts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
