//! What a row of a changelog does (R-SQL-3a).

use std::fmt;

/// Operation of one output row. Append-only streams have `Insert` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Op {
    /// `+I`: a new row.
    #[default]
    Insert = 0,
    /// `-U`: the old form of a row that changes; the new form follows.
    UpdateBefore = 1,
    /// `+U`: the new form of a row.
    UpdateAfter = 2,
    /// `-D`: the row is gone.
    Delete = 3,
}

impl Op {
    /// The operation as the `_op` column spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Op::Insert => "+I",
            Op::UpdateBefore => "-U",
            Op::UpdateAfter => "+U",
            Op::Delete => "-D",
        }
    }

    /// The operation of a stored code; `None` for a code that is none.
    pub const fn from_code(code: u8) -> Option<Op> {
        match code {
            0 => Some(Op::Insert),
            1 => Some(Op::UpdateBefore),
            2 => Some(Op::UpdateAfter),
            3 => Some(Op::Delete),
            _ => None,
        }
    }

    /// The code to store.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Op;

    #[test]
    fn codes_and_operations_are_the_same_thing() {
        for code in 0..=u8::MAX {
            assert!(Op::from_code(code).is_none_or(|op| op.code() == code));
        }
        let spelled: Vec<&str> = (0..4).filter_map(Op::from_code).map(Op::as_str).collect();
        assert_eq!(spelled, ["+I", "-U", "+U", "-D"]);
    }
}
