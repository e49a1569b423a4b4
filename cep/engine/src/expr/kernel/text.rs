//! Building text.

use super::map::Failures;
use crate::expr::TEXT_BYTES_MAX;
use crate::expr::error::{RowErrorKind, RowFailure};
use crate::expr::view::{Reg, View};

/// `a || b || …`: NULL where one is. A text beyond [`TEXT_BYTES_MAX`] is the error of its row.
pub(in crate::expr) fn concat(out: &mut Reg, rows: usize, parts: &[View<'_>], failures: &mut Failures<'_>) {
    out.strict_validity(rows, parts);
    out.text();
    for row in 0..rows {
        let valid = out.column.is_valid(row);
        let bytes: usize = if valid { parts.iter().map(|p| p.text().at(row).len()).sum() } else { 0 };
        let fits = bytes <= TEXT_BYTES_MAX;
        out.push_text(parts.iter().filter(|_| valid && fits).map(|p| p.text().at(row)));
        if !fits {
            failures.push(row, too_long(bytes));
            out.set_null(row, rows);
        }
    }
}

/// A text of `bytes` bytes is too long.
pub(in crate::expr) fn too_long(bytes: usize) -> RowFailure {
    let text = format!("STRING overflow: {bytes} bytes, the limit is {TEXT_BYTES_MAX}");
    RowFailure::new(RowErrorKind::Overflow, text)
}
