//! Little-endian bytes of encoded states.

use super::AggError;

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Length as `u32`, then the bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

/// Reads encoded bytes from the front.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], AggError> {
        let (head, tail) =
            self.rest.split_at_checked(len).ok_or(AggError::Corrupt { what: "a state that ends early" })?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AggError> {
        Ok(self.take(N)?.try_into().expect("take returns the length asked for"))
    }

    /// A byte.
    ///
    /// # Errors
    /// At the end.
    pub fn u8(&mut self) -> Result<u8, AggError> {
        Ok(self.array::<1>()?[0])
    }

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// At the end, or for another byte.
    pub fn flag(&mut self) -> Result<bool, AggError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(AggError::Corrupt { what: "a flag" }),
        }
    }

    /// Two bytes.
    ///
    /// # Errors
    /// At the end.
    pub fn u16(&mut self) -> Result<u16, AggError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    ///
    /// # Errors
    /// At the end.
    pub fn u32(&mut self) -> Result<u32, AggError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// At the end.
    pub fn u64(&mut self) -> Result<u64, AggError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Eight bytes, signed.
    ///
    /// # Errors
    /// At the end.
    pub fn i64(&mut self) -> Result<i64, AggError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Sixteen bytes, signed.
    ///
    /// # Errors
    /// At the end.
    pub fn i128(&mut self) -> Result<i128, AggError> {
        Ok(i128::from_le_bytes(self.array()?))
    }

    /// What [`put_bytes`] wrote.
    ///
    /// # Errors
    /// At the end.
    pub fn bytes(&mut self) -> Result<&'a [u8], AggError> {
        let len = self.u32()? as usize;
        self.take(len)
    }
}
