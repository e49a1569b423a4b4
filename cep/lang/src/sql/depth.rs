//! Bounds the height of every tree that a statement's tokens can produce, before anything is
//! parsed: parsers, walkers and `Drop` are recursive, so height is stack.
//!
//! The bound looks at tokens only and never underestimates. Brackets, CASE … END and the `<…>` of
//! types nest; commas, clause words and the words of CASE separate siblings; within a sibling each
//! operator adds at most one level. AND and OR bind loosest of all, so the terms between them are
//! siblings again; the AND of a BETWEEN is none of those.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::diag::{Diagnostic, codes};

use super::dialect::is_finality;
use super::tokens::Piece;

/// Greatest height of an expression, and of anything else in a statement.
pub const EXPR_DEPTH_MAX: usize = 256;

/// Refuses a statement that could be higher than [`EXPR_DEPTH_MAX`].
pub(crate) fn check(piece: &Piece) -> Result<(), Box<Diagnostic>> {
    let mut open = Open::new();
    for at in 1..piece.tokens.len() {
        open.take(&piece.tokens[at].token, &piece.tokens[at - 1].token);
        if open.height() > EXPR_DEPTH_MAX {
            return Err(Box::new(
                Diagnostic::at(
                    codes::TOO_DEEP,
                    piece.spans[at],
                    format!("the statement is nested more than {EXPR_DEPTH_MAX} levels deep here"),
                )
                .help("use `x IN (a, b, …)` instead of a chain of ORs, or compute parts of it in a view"),
            ));
        }
    }
    Ok(())
}

/// What opened a level.
#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    /// `(`, `[`, `{`, or the statement itself.
    Round,
    /// `ARRAY<`, `MAP<`, `STRUCT<`.
    Angle,
    /// CASE.
    Case,
}

/// A level: what is between two brackets.
struct Level {
    bracket: Bracket,
    /// Height of the finished siblings.
    siblings: usize,
    /// AND and OR of the current sibling.
    logicals: usize,
    /// Height of the finished terms between them.
    terms: usize,
    /// Operators of the current term.
    operators: usize,
    /// Height of the highest bracket in the current term.
    children: usize,
    /// BETWEENs of the current term that still wait for their AND.
    betweens: usize,
}

impl Level {
    fn new(bracket: Bracket) -> Self {
        Self { bracket, siblings: 0, logicals: 0, terms: 0, operators: 0, children: 0, betweens: 0 }
    }

    fn term(&self) -> usize {
        self.operators + self.children
    }

    fn sibling(&self) -> usize {
        self.logicals + self.terms.max(self.term())
    }

    fn height(&self) -> usize {
        1 + self.siblings.max(self.sibling())
    }

    fn next_term(&mut self) {
        self.terms = self.terms.max(self.term());
        self.logicals += 1;
        self.operators = 0;
        self.children = 0;
        self.betweens = 0;
    }

    fn next_sibling(&mut self) {
        self.siblings = self.siblings.max(self.sibling());
        self.logicals = 0;
        self.terms = 0;
        self.operators = 0;
        self.children = 0;
        self.betweens = 0;
    }
}

/// The levels that are open, outermost first, never empty.
struct Open(Vec<Level>);

impl Open {
    fn new() -> Self {
        Self(vec![Level::new(Bracket::Round)])
    }

    fn last(&mut self) -> &mut Level {
        self.0.last_mut().expect("the statement's level is never closed")
    }

    /// Least height of the whole, given what is known so far.
    fn height(&mut self) -> usize {
        self.0.len() - 1 + self.last().height()
    }

    fn push(&mut self, bracket: Bracket) {
        self.0.push(Level::new(bracket));
    }

    /// Closes the innermost level when `bracket` opened it.
    fn close(&mut self, bracket: Bracket) -> bool {
        let closes = self.0.len() > 1 && self.last().bracket == bracket;
        if closes && let Some(inner) = self.0.pop() {
            let height = inner.height();
            let outer = self.last();
            outer.children = outer.children.max(height);
        }
        closes
    }

    fn take(&mut self, token: &Token, previous: &Token) {
        match token {
            Token::LParen | Token::LBrace => self.push(Bracket::Round),
            // `s[a][b]` is a chain of two filters.
            Token::LBracket => {
                self.last().operators += 1;
                self.push(Bracket::Round);
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                while self.close(Bracket::Case) || self.close(Bracket::Angle) {}
                self.close(Bracket::Round);
            }
            Token::Lt if opens_type(previous) => self.push(Bracket::Angle),
            Token::Gt if self.close(Bracket::Angle) => {}
            Token::ShiftRight if self.close(Bracket::Angle) => {
                self.close(Bracket::Angle);
            }
            Token::Comma => self.last().next_sibling(),
            Token::Number(_, _)
            | Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_) => {}
            // `FINAL f(…)` is a call around a call.
            Token::Word(word) if is_finality(word) => self.last().operators += 1,
            Token::Word(word) => self.take_word(word.keyword, previous),
            _ => self.last().operators += 1,
        }
    }

    fn take_word(&mut self, keyword: Keyword, previous: &Token) {
        match keyword {
            Keyword::CASE => self.push(Bracket::Case),
            Keyword::END => {
                self.close(Bracket::Case);
            }
            Keyword::OR => self.last().next_term(),
            Keyword::AND if self.last().betweens > 0 => {
                self.last().betweens -= 1;
                self.last().operators += 1;
            }
            Keyword::AND => self.last().next_term(),
            Keyword::BETWEEN => {
                self.last().betweens += 1;
                self.last().operators += 1;
            }
            _ if is_operator_word(keyword) => self.last().operators += 1,
            _ if is_separator_word(keyword) && ends_operand(previous) => {
                self.last().next_sibling();
            }
            _ => {}
        }
    }
}

fn opens_type(previous: &Token) -> bool {
    matches!(previous, Token::Word(w) if matches!(w.keyword, Keyword::ARRAY | Keyword::MAP | Keyword::STRUCT))
}

fn is_operator_word(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::NOT
            | Keyword::XOR
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::OVERLAPS
            | Keyword::OPERATOR
            | Keyword::MEMBER
            | Keyword::MATCH
            | Keyword::DIV
            | Keyword::AT
            | Keyword::COLLATE
            | Keyword::INTERVAL
            | Keyword::NOTNULL
            | Keyword::PRIOR
    )
}

fn is_separator_word(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::QUALIFY
            | Keyword::ORDER
            | Keyword::UNION
            | Keyword::WINDOW
            | Keyword::LIMIT
            | Keyword::SELECT
            | Keyword::AS
    )
}

/// Whether an expression certainly ends with this token, so that a clause word behind it starts
/// something else. Most keywords do not count: `a IS DISTINCT FROM b` goes on behind FROM.
fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Number(_, _)
        | Token::SingleQuotedString(_)
        | Token::RParen
        | Token::RBracket
        | Token::RBrace => true,
        Token::Word(word) => {
            matches!(
                word.keyword,
                Keyword::NoKeyword | Keyword::END | Keyword::NULL | Keyword::TRUE | Keyword::FALSE
            )
        }
        _ => false,
    }
}
