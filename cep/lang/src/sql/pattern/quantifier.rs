//! Quantifiers: `{n}`, `{m,n}`, `{m,}`, `{,n}`, `<m:n>`, `+`, `*`, `?`, and `?` behind one.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{PatternExpr, PatternExprKind, Span};
use crate::diag::{Diagnostic, Result, codes};

use super::super::cursor::Cursor;

/// Largest number in a quantifier.
const TIMES_MAX: u32 = 10_000;

/// How often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantifier {
    min: u32,
    max: Option<u32>,
    reluctant: bool,
    pub(super) span: Span,
}

impl Quantifier {
    /// `body` that often.
    pub(super) fn around(self, body: PatternExpr, span: Span) -> PatternExpr {
        let Quantifier { min, max, reluctant, span: _ } = self;
        PatternExpr { kind: PatternExprKind::Repeat { body: Box::new(body), min, max, reluctant }, span }
    }
}

fn question() -> Token {
    Token::Placeholder("?".to_owned())
}

impl Cursor<'_> {
    /// A quantifier when one comes next. `may_be_reluctant`: whether `?` may stand behind it.
    pub(super) fn quantifier(&mut self, may_be_reluctant: bool) -> Result<Option<Quantifier>> {
        let start = self.span(0);
        let (min, max) = if self.eat_token(&Token::Plus) {
            (1, None)
        } else if self.eat_token(&Token::Mul) {
            (0, None)
        } else if self.eat_token(&question()) {
            (0, Some(1))
        } else if self.is_token(0, &Token::LBrace) && !self.is_token(1, &Token::Minus) {
            self.advance();
            self.times(&Token::Comma, &Token::RBrace)?
        } else if self.eat_token(&Token::Lt) {
            self.times(&Token::Colon, &Token::Gt)?
        } else {
            return Ok(None);
        };
        let span = self.since(start);
        let reluctant = self.is_token(0, &question());
        if reluctant && !may_be_reluctant {
            return Err(Box::new(
                self.error(codes::PATTERN_SHAPE, "`?` behind a quantifier stands in MATCH_RECOGNIZE only")
                    .help("leave it out: PATTERN and SEQUENCE give a match as soon as it is complete"),
            ));
        }
        if reluctant {
            self.advance();
        }
        check(min, max, span)?;
        Ok(Some(Quantifier { min, max, reluctant, span: self.since(start) }))
    }

    /// `n`, `m,n`, `m,`, `,n` or `,` (any number, as in SQL:2016) and what closes it.
    fn times(&mut self, between: &Token, close: &Token) -> Result<(u32, Option<u32>)> {
        let min = if self.is_token(0, between) { None } else { Some(self.times_number()?) };
        if !self.eat_token(between) {
            self.expect_token(close)?;
            let times = min.unwrap_or_default();
            return Ok((times, Some(times)));
        }
        let max = if self.is_token(0, close) { None } else { Some(self.times_number()?) };
        self.expect_token(close)?;
        Ok((min.unwrap_or_default(), max))
    }

    fn times_number(&mut self) -> Result<u32> {
        let Token::Number(digits, false) = self.token(0) else {
            return Err(Box::new(
                self.unexpected("a number").help("write {2}, {2,5}, {2,}, {,5}, +, * or ?"),
            ));
        };
        match digits.parse::<u32>() {
            Ok(times) if times <= TIMES_MAX => {
                self.advance();
                Ok(times)
            }
            Ok(_) | Err(_) => Err(Box::new(
                self.error(codes::COUNT, format!("a quantifier is a whole number, at most {TIMES_MAX}"))
                    .help("count longer runs with an aggregate in the condition: count(e1) < 1000000"),
            )),
        }
    }
}

fn check(min: u32, max: Option<u32>, span: Span) -> Result<()> {
    if max == Some(0) {
        return Err(Box::new(
            Diagnostic::at(codes::COUNT, span, "0 times is nothing").help("leave the part out, or write NOT"),
        ));
    }
    if let Some(max) = max
        && max < min
    {
        return Err(Box::new(
            Diagnostic::at(codes::COUNT, span, format!("at least {min} and at most {max} times cannot be"))
                .help(format!("write {{{max},{min}}}")),
        ));
    }
    Ok(())
}
