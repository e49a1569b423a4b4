//! The formatter: the same statements and comments, in one layout.
//!
//! `token` words with the comments before them · `case` which words are keywords · `spacing` blanks
//! on a line · `layout` lines and indentation · `pattern` those of patterns · `meaning` what must not change.
//!
//! Invariants:
//! - It works on tokens, so every comment, string and quoted name stays as it was written.
//! - Nothing is printed that does not parse to the same statement: each layout is checked, and a
//!   statement that no layout keeps is left as it was.
//! - Formatting twice is formatting once.

mod case;
mod layout;
mod meaning;
mod pattern;
mod spacing;
#[cfg(test)]
mod tests;
mod token;

use crate::ast::Statement;
use crate::diag::Diagnostic;
use crate::sql::parse_with;
use crate::sql::tokens::tokenize;

pub use meaning::without_spans;

use case::Casing;
use token::{Comment, Piece};

/// Widest line that lists and conditions are kept on, in characters.
const LINE_CHARS_MAX: usize = 88;

/// Columns of one level of indentation.
const INDENT: usize = 4;

/// Formats a script.
///
/// # Errors
/// The script's errors, when it does not parse.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let statements = parse_with(text, &placeholder)?;
    let (tokens, error) = tokenize(text, true);
    if let Some(error) = error {
        return Err(vec![error]);
    }
    let (pieces, trailing) = token::pieces(text, tokens);
    let mut script = Script::default();
    let mut parsed = statements.into_iter();
    for mut piece in pieces {
        let leading = piece.take_leading();
        script.comments(&leading);
        if piece.is_empty() {
            continue;
        }
        let statement = parsed.next().map(without_spans);
        let body = statement_text(text, &piece, statement.as_ref());
        script.statement(&body, leading.is_empty() && piece.blank_line_before());
    }
    script.comments(&trailing);
    Ok(script.finish())
}

/// Stands for every variable: the formatter never replaces them, it only has to parse.
fn placeholder(name: &str, default: Option<&str>) -> Option<String> {
    Some(default.map_or_else(|| format!("${{{name}}}"), str::to_owned))
}

/// The best layout of a statement that means the same, or its text as it was.
fn statement_text(text: &str, piece: &Piece, meant: Option<&Statement>) -> String {
    for casing in [Casing::Contextual, Casing::Reserved, Casing::AsWritten] {
        let tokens = case::cased(&piece.tokens, casing);
        let candidate = layout::statement(&tokens);
        if meaning::keeps_tokens(&piece.tokens, &candidate)
            && meant.is_none_or(|meant| meaning::of(&candidate).as_ref() == Some(meant))
        {
            return candidate;
        }
    }
    let verbatim = piece.verbatim(text);
    if verbatim.ends_with(';') { verbatim.to_owned() } else { format!("{verbatim};") }
}

/// The output: statements and the comments between them.
#[derive(Default)]
struct Script {
    out: String,
    /// Whether the last statement took several lines.
    tall: bool,
    /// Whether something stands directly above that the next statement belongs to.
    under_comment: bool,
}

impl Script {
    /// Comments between statements: on the line of the statement before, or on their own.
    fn comments(&mut self, comments: &[Comment]) {
        for comment in comments {
            if self.out.is_empty() {
            } else if !comment.newline_before {
                self.out.push(' ');
            } else if comment.blank_line_before || (self.tall && !self.under_comment) {
                self.out.push_str("\n\n");
            } else {
                self.out.push('\n');
            }
            self.out.push_str(&comment.text);
            self.under_comment = comment.newline_before || self.out.len() == comment.text.len();
        }
    }

    fn statement(&mut self, body: &str, blank_line_before: bool) {
        let tall = body.contains('\n');
        if !self.out.is_empty() {
            let blank =
                if self.under_comment { blank_line_before } else { blank_line_before || self.tall || tall };
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.out.push_str(body);
        self.tall = tall;
        self.under_comment = false;
    }

    fn finish(mut self) -> String {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}
