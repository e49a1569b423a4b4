//! Buffers that are either ours (reused) or Arrow's (shared, read-only).

use std::ops::Deref;

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};

/// Values of one fixed-width type.
#[derive(Debug, Clone)]
pub enum Buf<T: ArrowNativeType> {
    /// Ours: may be written and keeps its capacity.
    Own(Vec<T>),
    /// Shared with the frame it came in.
    Arrow(ScalarBuffer<T>),
}

impl<T: ArrowNativeType> Buf<T> {
    /// An empty buffer of ours.
    pub fn new() -> Self {
        Buf::Own(Vec::new())
    }

    /// The vector to write into, emptied; a shared buffer is let go.
    pub fn cleared(&mut self) -> &mut Vec<T> {
        if let Buf::Arrow(_) = self {
            *self = Buf::Own(Vec::new());
        }
        match self {
            Buf::Own(v) => {
                v.clear();
                v
            }
            Buf::Arrow(_) => unreachable!("replaced above"),
        }
    }

    /// The vector to append to; a shared buffer is copied first.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        if let Buf::Arrow(a) = self {
            *self = Buf::Own(a.to_vec());
        }
        match self {
            Buf::Own(v) => v,
            Buf::Arrow(_) => unreachable!("replaced above"),
        }
    }
}

impl<T: ArrowNativeType> Default for Buf<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ArrowNativeType> From<Vec<T>> for Buf<T> {
    fn from(v: Vec<T>) -> Self {
        Buf::Own(v)
    }
}

impl<T: ArrowNativeType> Deref for Buf<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Buf::Own(v) => v,
            Buf::Arrow(a) => a,
        }
    }
}

/// Bytes of a text column.
#[derive(Debug, Clone)]
pub enum ByteBuf {
    /// Ours.
    Own(Vec<u8>),
    /// Shared with the frame it came in.
    Arrow(Buffer),
}

impl ByteBuf {
    /// The vector to write into, emptied; a shared buffer is let go.
    pub fn cleared(&mut self) -> &mut Vec<u8> {
        if let ByteBuf::Arrow(_) = self {
            *self = ByteBuf::Own(Vec::new());
        }
        let v = self.to_mut();
        v.clear();
        v
    }

    /// The vector to append to; a shared buffer is copied first.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let ByteBuf::Arrow(a) = self {
            *self = ByteBuf::Own(a.to_vec());
        }
        match self {
            ByteBuf::Own(v) => v,
            ByteBuf::Arrow(_) => unreachable!("replaced above"),
        }
    }
}

impl Default for ByteBuf {
    fn default() -> Self {
        ByteBuf::Own(Vec::new())
    }
}

impl Deref for ByteBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            ByteBuf::Own(v) => v,
            ByteBuf::Arrow(a) => a,
        }
    }
}
