//! What no join of streams can do.

use crate::ast::{AsOf, Span};
use crate::diag::{Diagnostic, codes};

/// The error for what needs a table.
pub(crate) fn no_table(what: &str, span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(
            codes::JOIN,
            span,
            format!("{what} needs a table on its right side, and these are streams"),
        )
        .help("bound the time instead: ON a.id = b.id AND b.ts BETWEEN a.ts - INTERVAL '5' SECOND AND a.ts"),
    )
}

/// The error for `FOR SYSTEM_TIME AS OF` on what has no versions.
pub(crate) fn no_versions(as_of: &AsOf) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(codes::JOIN, as_of.span, "FOR SYSTEM_TIME AS OF reads a table, and this is none")
            .help("leave it out"),
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
