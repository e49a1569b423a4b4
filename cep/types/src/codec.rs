//! Bytes of states and log entries: little-endian, length-prefixed, versioned by who writes them.
//!
//! What is written is canonical: the same values write the same bytes.

/// Bytes that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are damaged or of another version: {0}")]
pub struct DecodeError(pub String);

/// Result of decoding.
pub type Result<T> = std::result::Result<T, DecodeError>;

/// Writes values.
#[derive(Debug, Default)]
pub struct Writer {
    /// The bytes so far.
    pub bytes: Vec<u8>,
}

impl Writer {
    /// One byte.
    pub fn u8(&mut self, v: u8) {
        self.bytes.push(v);
    }
    /// Four bytes.
    pub fn u32(&mut self, v: u32) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// Eight bytes.
    pub fn u64(&mut self, v: u64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// Eight bytes.
    pub fn i64(&mut self, v: i64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// One byte, 0 or 1.
    pub fn bool(&mut self, v: bool) {
        self.u8(v as u8);
    }
    /// A presence byte, then the value.
    pub fn opt_i64(&mut self, v: Option<i64>) {
        self.bool(v.is_some());
        if let Some(v) = v {
            self.i64(v);
        }
    }
    /// Length, then bytes.
    pub fn blob(&mut self, v: &[u8]) {
        self.u64(v.len() as u64);
        self.bytes.extend_from_slice(v);
    }
    /// Length, then UTF-8.
    pub fn str(&mut self, v: &str) {
        self.blob(v.as_bytes());
    }
    /// Length, then values.
    pub fn i64s(&mut self, v: &[i64]) {
        self.u64(v.len() as u64);
        v.iter().for_each(|&v| self.i64(v));
    }
    /// Length, then values.
    pub fn u32s(&mut self, v: &[u32]) {
        self.u64(v.len() as u64);
        v.iter().for_each(|&v| self.u32(v));
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Bytes not read yet.
    pub fn rest(&mut self) -> &mut &'a [u8] {
        &mut self.bytes
    }

    /// How many bytes have not been read yet.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Fails unless everything has been read.
    pub fn finish(&self) -> Result<()> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(DecodeError(format!("{} bytes too many", self.bytes.len())))
        }
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) =
            self.bytes.split_at_checked(n).ok_or_else(|| DecodeError("it ends too early".into()))?;
        self.bytes = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }
    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// Eight bytes.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }
    /// One byte, 0 or 1.
    pub fn bool(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            v => Err(DecodeError(format!("a boolean is {v}"))),
        }
    }
    /// A presence byte, then the value.
    pub fn opt_i64(&mut self) -> Result<Option<i64>> {
        Ok(if self.bool()? { Some(self.i64()?) } else { None })
    }
    /// A length that the remaining bytes can hold at `width` bytes each.
    pub fn len(&mut self, width: usize) -> Result<usize> {
        let n = self.u64()?;
        if n.saturating_mul(width.max(1) as u64) > self.bytes.len() as u64 {
            return Err(DecodeError(format!("a length of {n} is beyond its end")));
        }
        Ok(n as usize)
    }
    /// Length, then bytes.
    pub fn blob(&mut self) -> Result<&'a [u8]> {
        let n = self.len(1)?;
        self.take(n)
    }
    /// Length, then UTF-8.
    pub fn str(&mut self) -> Result<String> {
        String::from_utf8(self.blob()?.to_vec()).map_err(|_| DecodeError("a text is not UTF-8".into()))
    }
    /// Length, then values.
    pub fn i64s(&mut self) -> Result<Vec<i64>> {
        (0..self.len(8)?).map(|_| self.i64()).collect()
    }
    /// Length, then values.
    pub fn u32s(&mut self) -> Result<Vec<u32>> {
        (0..self.len(4)?).map(|_| self.u32()).collect()
    }
}
