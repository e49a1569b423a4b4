//! What no join of streams can do.

use crate::ast::{AsOf, Span};
use crate::diag::{Diagnostic, codes};

/// The error for `FOR SYSTEM_TIME AS OF` on what is not the right side of a join.
pub(crate) fn no_versions(as_of: &AsOf) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(
            codes::JOIN,
            as_of.span,
            "FOR SYSTEM_TIME AS OF stands at the right side of a join, whose left side has the time",
        )
        .help("write a JOIN b FOR SYSTEM_TIME AS OF a.ts ON a.k = b.k"),
    )
}

/// The error for UNIDIRECTIONAL where nothing is joined.
pub(crate) fn no_sides(span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(
            codes::JOIN,
            span,
            "UNIDIRECTIONAL marks a side of a join, and nothing is joined here",
        )
        .help("leave it out"),
    )
}
