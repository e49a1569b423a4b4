//! What stands in the brackets of PATTERN and SEQUENCE.
//!
//! `->` and `,` bind loosest, then OR, then AND, then EVERY and NOT, then quantifiers.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{PatternExpr, PatternExprKind, PatternKind, Span};
use crate::diag::{Diagnostic, Result, codes};

use super::super::cursor::Cursor;
use super::DEPTH_MAX;

/// A chain being parsed.
pub(super) struct Chain<'a, 'b> {
    pub(super) cursor: &'a mut Cursor<'b>,
    pub(super) kind: PatternKind,
    /// Brackets that are open.
    pub(super) depth: usize,
}

/// What was written, and what the chain around must know of it.
struct Part {
    expr: PatternExpr,
    /// A bracket.
    is_group: bool,
    /// EVERY without brackets around it.
    is_bare_every: bool,
    /// A bracket with WITHIN behind it.
    is_bounded_group: bool,
}

impl Part {
    fn plain(expr: PatternExpr) -> Self {
        Self { expr, is_group: false, is_bare_every: false, is_bounded_group: false }
    }
}

impl Chain<'_, '_> {
    /// Steps between `->`, and perhaps WITHIN for all of them; ends before a closing bracket.
    pub(super) fn chain(&mut self) -> Result<PatternExpr> {
        let start = self.cursor.span(0);
        let mut steps = Vec::new();
        let mut ends_bounded;
        loop {
            let step = self.or()?;
            ends_bounded = step.is_bounded_group;
            steps.push(step.expr);
            if self.cursor.is_token(0, &Token::Comma) && self.kind == PatternKind::Pattern {
                return Err(Box::new(
                    self.cursor
                        .unexpected("`->`")
                        .help("`,` is directly behind, which is FROM SEQUENCE (…); in PATTERN write `->`"),
                ));
            }
            if !(self.cursor.eat_token(&Token::Arrow) || self.cursor.eat_token(&Token::Comma)) {
                break;
            }
        }
        let span = self.cursor.since(start);
        if steps.len() > 1 && ends_bounded {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_BOUND, span, "this WITHIN could be of the last step or of all").help(
                    "of the last step: write ((…) WITHIN …); of all: put WITHIN behind the bracket that closes the pattern",
                ),
            ));
        }
        let chain = joined(steps, span, PatternExprKind::Then);
        if !self.cursor.is(0, "WITHIN") {
            return Ok(chain);
        }
        let bounds = self.cursor.within_bounds()?;
        if !self.cursor.is_token(0, &Token::RParen) {
            return Err(Box::new(
                self.cursor
                    .unexpected("`)`")
                    .help("put brackets around what WITHIN bounds: (a -> b) WITHIN 5 SECONDS -> c"),
            ));
        }
        let span = self.cursor.since(start);
        Ok(PatternExpr { kind: PatternExprKind::Within { body: Box::new(chain), bounds }, span })
    }

    fn or(&mut self) -> Result<Part> {
        self.operands("OR", PatternExprKind::Or, Self::and)
    }

    fn and(&mut self) -> Result<Part> {
        self.operands("AND", PatternExprKind::And, Self::unary)
    }

    /// `operand {word operand}`.
    fn operands(
        &mut self,
        word: &str,
        kind: fn(Vec<PatternExpr>) -> PatternExprKind,
        operand: fn(&mut Self) -> Result<Part>,
    ) -> Result<Part> {
        let start = self.cursor.span(0);
        let first = operand(self)?;
        if !self.cursor.is(0, word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.cursor.eat(&[word]) {
            operands.push(operand(self)?);
        }
        if let Some(every) = operands.iter().find(|part| part.is_bare_every) {
            return Err(Box::new(
                Diagnostic::at(
                    codes::PATTERN_SHAPE,
                    every.expr.span,
                    format!("EVERY beside {word} could be for this part or for all"),
                )
                .help(format!("write EVERY (a {word} b), or (EVERY a) {word} b")),
            ));
        }
        let span = self.cursor.since(start);
        let parts = operands.into_iter().map(|part| part.expr).collect();
        Ok(Part::plain(PatternExpr { kind: kind(parts), span }))
    }

    fn unary(&mut self) -> Result<Part> {
        let start = self.cursor.span(0);
        if self.at_word("EVERY") {
            self.cursor.advance();
            if self.at_word("EVERY") {
                return Err(self.twice("EVERY"));
            }
            if self.at_word("NOT") {
                return Err(Box::new(
                    self.cursor
                        .error(codes::PATTERN_SHAPE, "EVERY NOT has two meanings")
                        .help("for each silence write EVERY (NOT s FOR 10 SECONDS)"),
                ));
            }
            let part = self.postfix()?;
            let span = self.cursor.since(start);
            let kind = PatternExprKind::Every(Box::new(part.expr));
            return Ok(Part {
                is_bare_every: true,
                is_group: false,
                expr: PatternExpr { kind, span },
                ..part
            });
        }
        if self.at_word("NOT") {
            return self.not(start);
        }
        self.postfix()
    }

    /// `NOT x [FOR d]`.
    fn not(&mut self, start: Span) -> Result<Part> {
        self.cursor.advance();
        if self.at_word("NOT") {
            return Err(self.twice("NOT"));
        }
        if self.at_word("EVERY") {
            return Err(Box::new(
                self.cursor.error(codes::PATTERN_SHAPE, "NOT EVERY has no meaning").help("leave out EVERY"),
            ));
        }
        let part = self.primary()?;
        if let Some(quantifier) = self.cursor.quantifier(false)? {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_SHAPE, quantifier.span, "what does not come cannot be counted")
                    .help("leave out the quantifier"),
            ));
        }
        let length = if self.cursor.eat(&["FOR"]) {
            Some(self.cursor.fixed_duration("the time without such a row")?.length)
        } else {
            None
        };
        let span = self.cursor.since(start);
        let kind = PatternExprKind::Not { body: Box::new(part.expr), length };
        Ok(Part::plain(PatternExpr { kind, span }))
    }

    /// An element or a bracket with its quantifier and its WITHIN.
    fn postfix(&mut self) -> Result<Part> {
        let start = self.cursor.span(0);
        let mut part = self.primary()?;
        if let Some(quantifier) = self.cursor.quantifier(false)? {
            let span = self.cursor.since(start);
            part.expr = quantifier.around(part.expr, span);
            if let Some(second) = self.cursor.quantifier(false)? {
                return Err(Box::new(
                    Diagnostic::at(codes::PATTERN_SHAPE, second.span, "a second quantifier")
                        .help("put brackets around the first: (a{2})+"),
                ));
            }
        }
        if part.is_group && self.cursor.is(0, "WITHIN") {
            let bounds = self.cursor.within_bounds()?;
            let span = self.cursor.since(start);
            let kind = PatternExprKind::Within { body: Box::new(part.expr), bounds };
            part = Part { is_bounded_group: true, ..Part::plain(PatternExpr { kind, span }) };
        }
        Ok(part)
    }

    fn primary(&mut self) -> Result<Part> {
        let start = self.cursor.span(0);
        if self.cursor.eat_token(&Token::LParen) {
            if self.depth == DEPTH_MAX {
                return Err(too_deep(start));
            }
            self.depth += 1;
            let mut expr = self.chain()?;
            self.depth -= 1;
            self.cursor.expect_token(&Token::RParen)?;
            expr.span = self.cursor.since(start);
            return Ok(Part { is_group: true, ..Part::plain(expr) });
        }
        let mut stream = self.cursor.object_name("a stream, such as e1 = orders[price > 10]")?;
        let mut alias = None;
        if self.cursor.eat_token(&Token::Eq) {
            alias = Some(stream);
            stream = self.cursor.object_name("the name of a stream")?;
        }
        let filter = self.cursor.bracket_filter()?;
        if self.cursor.is(0, "AS") {
            return Err(Box::new(
                self.cursor.unexpected("the next step").help("an element is named before it: e1 = orders"),
            ));
        }
        let span = self.cursor.since(start);
        let kind = PatternExprKind::Stream { alias, stream, filter };
        Ok(Part::plain(PatternExpr { kind, span }))
    }

    /// Whether the word comes next and is no stream or element of that name.
    fn at_word(&self, word: &str) -> bool {
        self.cursor.is(0, word)
            && (matches!(self.cursor.token(1), Token::LParen)
                || matches!(self.cursor.token(1), Token::Word(w) if w.quote_style.is_some() || !self.ends_element(1)))
    }

    /// Whether the word `n` ahead can only follow an element.
    fn ends_element(&self, n: usize) -> bool {
        self.cursor.is_one_of(n, &["AND", "OR", "FOR", "WITHIN"])
    }

    fn twice(&self, word: &str) -> Box<Diagnostic> {
        Box::new(
            self.cursor.error(codes::PATTERN_SHAPE, format!("{word} twice in a row")).help("leave out one"),
        )
    }
}

/// One part as it is, several as what `kind` makes of them.
pub(super) fn joined(
    mut parts: Vec<PatternExpr>,
    span: Span,
    kind: fn(Vec<PatternExpr>) -> PatternExprKind,
) -> PatternExpr {
    if parts.len() == 1 { parts.swap_remove(0) } else { PatternExpr { kind: kind(parts), span } }
}

pub(super) fn too_deep(span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(
            codes::TOO_DEEP,
            span,
            format!("brackets of a pattern nest at most {DEPTH_MAX} levels deep"),
        )
        .help("leave out brackets that hold one part"),
    )
}
