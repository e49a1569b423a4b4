//! The row pattern of MATCH_RECOGNIZE: `|` binds loosest, then one after the other, then quantifiers.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{PatternExpr, PatternExprKind};
use crate::diag::{Diagnostic, Result, codes};

use super::super::cursor::Cursor;
use super::chain::{joined, too_deep};
use super::clauses::{dollar, is_dollar};
use super::{DEPTH_MAX, PARTS_MAX};

fn end_mark() -> Token {
    Token::Placeholder("$".to_owned())
}

impl Cursor<'_> {
    /// `a | b | c`.
    pub(super) fn alternation(&mut self, depth: usize) -> Result<PatternExpr> {
        let start = self.span(0);
        let mut options = vec![self.row_sequence(depth)?];
        while self.eat_token(&Token::Pipe) {
            options.push(self.row_sequence(depth)?);
        }
        let span = self.since(start);
        Ok(joined(options, span, PatternExprKind::Or))
    }

    fn row_sequence(&mut self, depth: usize) -> Result<PatternExpr> {
        let start = self.span(0);
        let mut factors = vec![self.row_factor(depth)?];
        while self.starts_factor() {
            factors.push(self.row_factor(depth)?);
        }
        let span = self.since(start);
        Ok(joined(factors, span, PatternExprKind::Then))
    }

    fn starts_factor(&self) -> bool {
        match self.token(0) {
            Token::Word(_) | Token::LParen | Token::Caret => true,
            Token::LBrace => self.is_token(1, &Token::Minus),
            other => *other == end_mark(),
        }
    }

    fn row_factor(&mut self, depth: usize) -> Result<PatternExpr> {
        let start = self.span(0);
        let primary = self.row_primary(depth)?;
        let Some(quantifier) = self.quantifier(true)? else {
            return Ok(primary);
        };
        if let Some(second) = self.quantifier(true)? {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_SHAPE, second.span, "a second quantifier")
                    .help("put brackets around the first: (A{2})+"),
            ));
        }
        let span = self.since(start);
        Ok(quantifier.around(primary, span))
    }

    fn row_primary(&mut self, depth: usize) -> Result<PatternExpr> {
        let start = self.span(0);
        let is_bracket = matches!(self.token(0), Token::LParen | Token::LBrace)
            || (self.is(0, "PERMUTE") && self.is_token(1, &Token::LParen));
        if is_bracket && depth == DEPTH_MAX {
            return Err(too_deep(start));
        }
        let kind = if self.eat_token(&Token::Caret) {
            PatternExprKind::Start
        } else if self.eat_token(&end_mark()) {
            PatternExprKind::End
        } else if self.eat_token(&Token::LParen) {
            if self.eat_token(&Token::RParen) {
                PatternExprKind::Empty
            } else {
                let inner = self.alternation(depth + 1)?;
                self.expect_token(&Token::RParen)?;
                inner.kind
            }
        } else if self.is_token(0, &Token::LBrace) && self.is_token(1, &Token::Minus) {
            self.advance();
            self.advance();
            let inner = self.alternation(depth + 1)?;
            if !(self.is_token(0, &Token::Minus) && self.is_token(1, &Token::RBrace)) {
                return Err(self.unexpected("`-}`"));
            }
            self.advance();
            self.advance();
            PatternExprKind::Exclude(Box::new(inner))
        } else if is_bracket {
            self.advance();
            self.expect_token(&Token::LParen)?;
            let parts = self.comma_separated(|c| c.alternation(depth + 1))?;
            self.expect_token(&Token::RParen)?;
            PatternExprKind::Permute(parts)
        } else {
            let name = self.name("a pattern variable")?;
            let is_quoted =
                self.text.as_bytes().get(name.span.start).is_some_and(|b| matches!(b, b'"' | b'`'));
            if is_dollar(&name.text) && !is_quoted {
                return Err(dollar(name.span, &name.text));
            }
            PatternExprKind::Variable(name)
        };
        Ok(PatternExpr { kind, span: self.since(start) })
    }
}

/// Bounds the parts of a pattern.
pub(super) fn check_size(shape: &PatternExpr) -> Result<()> {
    if parts(shape) <= PARTS_MAX {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::at(
            codes::PATTERN_SHAPE,
            shape.span,
            format!("the pattern has more than {PARTS_MAX} parts"),
        )
        .help("count equal parts with a quantifier: a{100}"),
    ))
}

fn parts(shape: &PatternExpr) -> usize {
    let below = match &shape.kind {
        PatternExprKind::Then(parts)
        | PatternExprKind::Or(parts)
        | PatternExprKind::And(parts)
        | PatternExprKind::Permute(parts) => parts.iter().map(self::parts).sum(),
        PatternExprKind::Repeat { body, .. }
        | PatternExprKind::Every(body)
        | PatternExprKind::Not { body, .. }
        | PatternExprKind::Within { body, .. }
        | PatternExprKind::Exclude(body) => parts(body),
        PatternExprKind::Stream { .. }
        | PatternExprKind::Variable(_)
        | PatternExprKind::Start
        | PatternExprKind::End
        | PatternExprKind::Empty => 0,
    };
    1 + below
}
