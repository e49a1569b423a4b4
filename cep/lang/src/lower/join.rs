//! Joins of streams.

use crate::ast::{AsOf, Join, Span};
use crate::diag::{Diagnostic, codes};

/// The error for a join that cannot be run.
pub(crate) fn refused(join: &Join) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(codes::JOIN, join.span, "joins are not supported yet")
            .help("write both sides into one stream with UNION ALL and group by the key"),
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
