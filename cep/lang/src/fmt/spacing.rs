//! Blanks between two tokens of a line.

use datafusion_sql::sqlparser::tokenizer::Token;

use super::token::Tok;

/// Words with a blank before a bracket behind them; others call a function.
const SPACED: &[&str] = &[
    "IN", "AND", "OR", "NOT", "AS", "VALUES", "WITH", "OVER", "FILTER", "GROUP", "BY", "FROM", "WHERE",
    "HAVING", "QUALIFY", "SELECT", "DISTINCT", "ALL", "WHEN", "THEN", "ELSE", "CASE", "LIKE", "ILIKE",
    "BETWEEN", "IS", "UNION", "EXPLAIN", "LIMIT", "OFFSET",
];

/// Places where the blanks depend on more than two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Around {
    /// The token before is a `+` or `-` sign, no operator.
    pub(super) after_sign: bool,
    /// The two belong together: brackets of `ARRAY<…>`, parts of the option `csv.has-header`.
    pub(super) tight: bool,
    /// What a pattern says, which has its own rules.
    pub(super) pattern: Option<bool>,
    /// The bracket belongs to a head: `CREATE STREAM s (`, `WINDOW HOP (`, `* EXCLUDE (`.
    pub(super) head: bool,
}

/// Whether a blank stands between `before` and `this`.
pub(super) fn blank(before: &Tok, this: &Tok, around: Around) -> bool {
    use Token as T;
    let dots = |tok: &Tok| matches!(tok.token, T::Period | T::DoubleColon);
    let arrow = |tok: &Tok| matches!(tok.token, T::Arrow | T::LongArrow);
    if let Some(blank) = around.pattern {
        return blank;
    }
    if around.after_sign {
        // Two signs in a row would begin a comment.
        return matches!(this.token, T::Minus | T::Plus);
    }
    if around.tight {
        return false;
    }
    match (&before.token, &this.token) {
        (T::LParen | T::LBracket | T::LBrace, _) => false,
        (_, T::RParen | T::RBracket | T::RBrace | T::Comma | T::SemiColon) => false,
        (_, T::Colon) => false,
        (T::Colon, _) => true,
        (_, _) if dots(before) || dots(this) => false,
        (_, _) if arrow(before) || arrow(this) => false,
        (_, T::LParen) if around.head => true,
        (T::Word(_), T::LParen) => before.is_any(SPACED),
        (T::Word(_), T::LBracket) => before.is_any(SPACED),
        (T::RParen | T::RBracket, T::LBracket) => false,
        (_, _) => true,
    }
}
