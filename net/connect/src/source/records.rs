//! Where rows stood in the input, and what stood there.

/// The records that became the rows of a chunk, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    lines: Vec<u64>,
    originals: Option<Originals>,
}

/// Bytes of records, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Originals {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// No records; with `keeps` their bytes are kept.
    pub(crate) fn new(keeps: bool) -> Self {
        Records { lines: Vec::new(), originals: keeps.then(Originals::default) }
    }

    #[inline]
    pub(crate) fn push(&mut self, line: u64, original: &[u8]) {
        self.lines.push(line);
        if let Some(kept) = &mut self.originals {
            kept.bytes.extend_from_slice(original);
            kept.ends.push(kept.bytes.len());
        }
    }

    /// All of them, leaving none.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Records::new(self.originals.is_some());
        std::mem::replace(self, empty)
    }

    /// Line where the record of row `row` starts, from 1.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// The record of row `row` as it came, without its line end; `None` when records are not kept:
    /// only those of streams with `error.strategy = 'dlq'` are.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn original(&self, row: usize) -> Option<&[u8]> {
        let kept = self.originals.as_ref()?;
        let start = if row == 0 { 0 } else { kept.ends[row - 1] };
        Some(&kept.bytes[start..kept.ends[row]])
    }
}
