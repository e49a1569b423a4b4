//! Where things stand in the script: the planner's lines and columns to bytes.

use datafusion_common::Column;
use datafusion_sql::sqlparser::tokenizer;

use crate::ast::Span;
use crate::diag::Diagnostic;
use crate::sql::Locations;

use super::sqlast::{Refusal, SqlExpr, span_of};

/// Turns places of expressions into byte ranges.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    text: &'a str,
    locations: Locations<'a>,
}

impl<'a> Places<'a> {
    /// The places of a script.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self { text, locations: Locations::new(text) }
    }

    /// Where `expr` stands.
    pub(crate) fn of(&self, expr: &SqlExpr) -> Option<Span> {
        self.at(span_of(expr)).map(|span| self.with_brackets(span))
    }

    /// `span` and the brackets behind it that were opened inside: the parser does not place those.
    fn with_brackets(&self, mut span: Span) -> Span {
        let Some(inside) = self.text.get(span.start..span.end) else {
            return span;
        };
        let count = |bracket: char| inside.matches(bracket).count();
        for _open in count(')')..count('(') {
            let behind = &self.text[span.end..];
            let blank = behind.len() - behind.trim_start().len();
            if !behind.trim_start().starts_with(')') {
                break;
            }
            span.end += blank + 1;
        }
        span
    }

    /// A place of the parser.
    pub(crate) fn at(&self, span: tokenizer::Span) -> Option<Span> {
        self.locations.span(span)
    }

    /// Where a column is named.
    pub(crate) fn of_column(&self, column: &Column) -> Option<Span> {
        let span = column.spans().first()?;
        let location =
            |at: datafusion_common::Location| tokenizer::Location { line: at.line, column: at.column };
        self.at(tokenizer::Span { start: location(span.start), end: location(span.end) })
    }

    /// A refusal as a diagnostic.
    pub(crate) fn refused(&self, refusal: Refusal) -> Box<Diagnostic> {
        Box::new(refusal.diagnostic(&self.locations))
    }
}
