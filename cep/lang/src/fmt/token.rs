//! Words of a statement, each with the comments before it.

use datafusion_sql::sqlparser::tokenizer::{Token, Whitespace};

use crate::ast::Span;
use crate::sql::tokens::Located;

/// A comment and how it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// With its marks, without a line break at the end.
    pub(super) text: String,
    /// Whether it began a line.
    pub(super) newline_before: bool,
    /// Whether an empty line stood before it.
    pub(super) blank_line_before: bool,
    /// Whether it ended a line; always for `--`.
    pub(super) newline_after: bool,
}

/// A token that is no white space.
#[derive(Debug, Clone)]
pub(super) struct Tok {
    /// As it will be printed.
    pub(super) text: String,
    /// What it is.
    pub(super) token: Token,
    /// Where it stood.
    pub(super) span: Span,
    /// Comments between the token before and this one.
    pub(super) comments: Vec<Comment>,
    /// Whether an empty line stood before it, behind its comments if it has any.
    pub(super) blank_line_before: bool,
}

impl Tok {
    /// The unquoted word in upper case, or nothing.
    pub(super) fn word(&self) -> String {
        match &self.token {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// Whether it is this unquoted word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Whether it is one of these unquoted words.
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether it is a word, quoted or not.
    pub(super) fn is_word(&self) -> bool {
        matches!(self.token, Token::Word(_))
    }

    /// Whether it opens a bracket.
    pub(super) fn opens(&self) -> bool {
        matches!(self.token, Token::LParen | Token::LBracket | Token::LBrace)
    }

    /// Whether it closes a bracket.
    pub(super) fn closes(&self) -> bool {
        matches!(self.token, Token::RParen | Token::RBracket | Token::RBrace)
    }

    /// Whether an expression may end with it.
    pub(super) fn ends_operand(&self) -> bool {
        match &self.token {
            Token::Word(_) => !self.is_any(OPERATOR_WORDS),
            Token::Mul => true,
            _ => {
                self.closes()
                    || matches!(
                        self.token,
                        Token::Number(_, _)
                            | Token::SingleQuotedString(_)
                            | Token::EscapedStringLiteral(_)
                            | Token::HexStringLiteral(_)
                            | Token::DollarQuotedString(_)
                    )
            }
        }
    }
}

/// Words that an operand follows.
const OPERATOR_WORDS: &[&str] = &[
    "AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "BETWEEN", "DISTINCT", "BY", "SELECT", "WHEN", "THEN",
    "ELSE", "CASE", "AS", "WHERE", "HAVING", "QUALIFY", "ON", "FROM", "INTERVAL", "LIMIT", "OFFSET",
    "WITHIN", "PER",
];

/// One statement, its semicolon included.
pub(super) struct Piece {
    /// In order.
    pub(super) tokens: Vec<Tok>,
}

impl Piece {
    /// Takes the comments before the first token.
    pub(super) fn take_leading(&mut self) -> Vec<Comment> {
        self.tokens.first_mut().map(|first| std::mem::take(&mut first.comments)).unwrap_or_default()
    }

    /// Whether it is a semicolon alone.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.iter().all(|t| t.token == Token::SemiColon)
    }

    /// Whether an empty line stood before it.
    pub(super) fn blank_line_before(&self) -> bool {
        self.tokens.first().is_some_and(|t| t.blank_line_before)
    }

    /// Its text as it was written.
    pub(super) fn verbatim<'a>(&self, text: &'a str) -> &'a str {
        let start = self.tokens.first().map_or(0, |t| t.span.start);
        let end = self.tokens.last().map_or(start, |t| t.span.end);
        &text[start..end]
    }
}

/// Gathers white space and comments between two tokens.
#[derive(Default)]
struct Gap {
    comments: Vec<Comment>,
    /// Line breaks since the last token or comment.
    newlines: usize,
}

impl Gap {
    fn blank(&mut self, text: &str) {
        self.newlines += text.matches('\n').count();
        if self.newlines > 0
            && let Some(last) = self.comments.last_mut()
        {
            last.newline_after = true;
        }
    }

    fn comment(&mut self, text: &str, is_line: bool) {
        self.comments.push(Comment {
            text: text.trim_end().to_owned(),
            newline_before: self.newlines > 0,
            blank_line_before: self.newlines > 1,
            newline_after: is_line,
        });
        // The line break belongs to a `--` comment's token.
        self.newlines = usize::from(is_line && text.ends_with('\n'));
    }
}

/// Cuts tokens into statements at the semicolons; also returns the comments behind the last.
pub(super) fn pieces(text: &str, tokens: Vec<Located>) -> (Vec<Piece>, Vec<Comment>) {
    let mut pieces = Vec::new();
    let mut current = Vec::new();
    // What stands before everything begins a line.
    let mut gap = Gap { newlines: 1, ..Gap::default() };
    for Located { token, span } in tokens {
        let slice = &text[span.start..span.end];
        match token.token {
            Token::Whitespace(Whitespace::SingleLineComment { .. }) => gap.comment(slice, true),
            Token::Whitespace(Whitespace::MultiLineComment(_)) => gap.comment(slice, false),
            Token::Whitespace(_) => gap.blank(slice),
            token => {
                let is_end = token == Token::SemiColon;
                let Gap { comments, newlines } = std::mem::take(&mut gap);
                current.push(Tok {
                    text: slice.to_owned(),
                    token,
                    span,
                    comments,
                    blank_line_before: newlines > 1,
                });
                if is_end {
                    pieces.push(Piece { tokens: std::mem::take(&mut current) });
                }
            }
        }
    }
    if !current.is_empty() {
        pieces.push(Piece { tokens: current });
    }
    (pieces, gap.comments)
}

/// For each token, whether it stands in the `<…>` of ARRAY, MAP or STRUCT; the brackets do.
pub(super) fn in_types(tokens: &[Tok]) -> Vec<bool> {
    let mut out = vec![false; tokens.len()];
    let mut open = 0_usize;
    for at in 1..tokens.len() {
        let opens = tokens[at].token == Token::Lt && tokens[at - 1].is_any(&["ARRAY", "MAP", "STRUCT"]);
        open += usize::from(opens);
        out[at] = open > 0;
        match tokens[at].token {
            Token::Gt => open = open.saturating_sub(1),
            Token::ShiftRight => open = open.saturating_sub(2),
            _ => {}
        }
    }
    out
}
