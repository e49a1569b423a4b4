//! PATTERN and SEQUENCE with the clauses behind them; WITHIN and AFTER MATCH SKIP.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{PatternKind, PatternSource, SkipKind, SkipTo, Span, WithinBound, WithinKind};
use crate::diag::{Diagnostic, Result, codes};

use super::super::cursor::Cursor;
use super::chain::Chain;

const WITHIN_HELP: &str =
    "write WITHIN 1 MINUTE, WITHIN 10 EVENTS or WITHIN 5 SECONDS BETWEEN STEPS, several with AND";

impl Cursor<'_> {
    /// Whether `PATTERN (` or `SEQUENCE (` comes next.
    pub(in crate::sql) fn at_pattern(&self) -> bool {
        self.is_one_of(0, &["PATTERN", "SEQUENCE"]) && self.is_token(1, &Token::LParen)
    }

    /// `PATTERN (…)` or `SEQUENCE (…)` and its clauses, in any order, each once.
    pub(in crate::sql) fn pattern_source(&mut self) -> Result<PatternSource> {
        let start = self.span(0);
        let kind = if self.is(0, "PATTERN") { PatternKind::Pattern } else { PatternKind::Sequence };
        self.advance();
        self.expect_token(&Token::LParen)?;
        let shape = Chain { cursor: self, kind, depth: 0 }.chain()?;
        if matches!(self.token(0), Token::Word(_)) {
            return Err(Box::new(
                self.unexpected("`->`, AND, OR or `)`").help("steps are joined by `->`: a -> b"),
            ));
        }
        self.expect_token(&Token::RParen)?;
        super::shape::check_size(&shape)?;
        let mut source = PatternSource {
            kind,
            shape,
            within: Vec::new(),
            partition_by: Vec::new(),
            order_by: Vec::new(),
            skip: None,
            timed_out: None,
            span: start,
        };
        while self.pattern_clause(&mut source)? {}
        source.span = self.since(start);
        if self.is(0, "AS") {
            return Err(Box::new(
                self.unexpected("the end of the pattern")
                    .help("a pattern has no alias; its elements have: e1 = orders -> e2 = payments"),
            ));
        }
        Ok(source)
    }

    /// Takes one clause; false when none comes next.
    fn pattern_clause(&mut self, source: &mut PatternSource) -> Result<bool> {
        let start = self.span(0);
        let (what, twice) = if self.is(0, "WITHIN") {
            let bounds = self.within_bounds()?;
            ("WITHIN", !std::mem::replace(&mut source.within, bounds).is_empty())
        } else if self.eat(&["PARTITION", "BY"]) {
            let keys = self.comma_separated(Self::expr)?;
            ("PARTITION BY", !std::mem::replace(&mut source.partition_by, keys).is_empty())
        } else if self.eat(&["ORDER", "BY"]) {
            let order = self.comma_separated(Self::order_by_expr)?;
            ("ORDER BY", !std::mem::replace(&mut source.order_by, order).is_empty())
        } else if self.are(&["AFTER", "MATCH"]) {
            let skip = self.skip_to()?;
            ("AFTER MATCH SKIP", source.skip.replace(skip).is_some())
        } else if self.eat(&["WITH", "TIMED", "OUT"]) {
            self.eat(&["MATCHES"]);
            let span = self.since(start);
            ("WITH TIMED OUT MATCHES", source.timed_out.replace(span).is_some())
        } else {
            return Ok(false);
        };
        if twice {
            return Err(Box::new(
                Diagnostic::at(codes::SYNTAX, self.since(start), format!("{what} is given twice"))
                    .help("keep one of the two"),
            ));
        }
        Ok(true)
    }

    /// `WITHIN bound {AND bound}`.
    pub(super) fn within_bounds(&mut self) -> Result<Vec<WithinBound>> {
        self.expect("WITHIN")?;
        let mut bounds: Vec<WithinBound> = Vec::new();
        loop {
            let bound = self.within_bound()?;
            let same = |other: &WithinBound| {
                std::mem::discriminant(&other.kind) == std::mem::discriminant(&bound.kind)
            };
            if bounds.iter().any(same) {
                return Err(Box::new(
                    Diagnostic::at(codes::PATTERN_BOUND, bound.span, "two bounds of one kind")
                        .help("keep the smaller"),
                ));
            }
            bounds.push(bound);
            if !self.eat(&["AND"]) {
                return Ok(bounds);
            }
        }
    }

    fn within_bound(&mut self) -> Result<WithinBound> {
        let start = self.span(0);
        if let Token::Number(digits, _) = self.token(0)
            && self.is_one_of(1, &["EVENTS", "EVENT", "ROWS", "ROW"])
        {
            let rows = digits.parse::<u64>().ok().filter(|rows| *rows >= 1);
            let Some(rows) = rows else {
                return Err(Box::new(
                    self.error(codes::COUNT, "a number of rows is a whole number, at least 1")
                        .help(WITHIN_HELP),
                ));
            };
            self.advance();
            self.advance();
            return Ok(WithinBound { kind: WithinKind::Events(rows), span: self.since(start) });
        }
        if !(self.at_duration()
            || matches!(self.token(0), Token::SingleQuotedString(_) | Token::Number(_, _)))
        {
            return Err(Box::new(
                self.unexpected("a length of time or a number of events").help(WITHIN_HELP),
            ));
        }
        let length = self.fixed_duration("the time of a match")?.length;
        let step = self.eat(&["BETWEEN", "STEPS"]);
        let kind = if step { WithinKind::Step(length) } else { WithinKind::Time(length) };
        Ok(WithinBound { kind, span: self.since(start) })
    }

    /// `AFTER MATCH SKIP …`.
    pub(super) fn skip_to(&mut self) -> Result<SkipTo> {
        let start = self.expect("AFTER")?;
        self.expect("MATCH")?;
        self.expect("SKIP")?;
        let kind = self.skip_kind()?;
        Ok(SkipTo { kind, span: self.since(start) })
    }

    fn skip_kind(&mut self) -> Result<SkipKind> {
        let named = |n: usize, c: &Self| matches!(c.token(n), Token::Word(_)) && !c.ends_skip(n);
        if self.eat(&["PAST", "LAST", "ROW"]) {
            return Ok(SkipKind::PastLastRow);
        }
        if self.eat(&["TO", "NEXT", "ROW"]) {
            return Ok(SkipKind::ToNextRow);
        }
        if !self.is(0, "TO") {
            return Err(self.unexpected("PAST LAST ROW, TO NEXT ROW, TO FIRST x or TO LAST x"));
        }
        self.advance();
        if self.is(0, "FIRST") && named(1, self) {
            self.advance();
            return Ok(SkipKind::ToFirst(self.name("a pattern variable")?));
        }
        if self.is(0, "LAST") && named(1, self) {
            self.advance();
        }
        Ok(SkipKind::ToLast(self.name("a pattern variable")?))
    }

    /// Whether the word `n` ahead begins the clause behind AFTER MATCH SKIP.
    fn ends_skip(&self, n: usize) -> bool {
        self.is_one_of(
            n,
            &[
                "PATTERN",
                "WITHIN",
                "PARTITION",
                "ORDER",
                "WITH",
                "WHERE",
                "HAVING",
                "QUALIFY",
                "GROUP",
                "OUTPUT",
            ],
        )
    }
}

/// Whether `$` was written directly behind a name.
pub(super) fn is_dollar(text: &str) -> bool {
    text.len() > 1 && text.ends_with('$')
}

/// The error for `B$`, which is one word.
pub(super) fn dollar(span: Span, text: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::at(codes::PATTERN_SHAPE, span, format!("`{text}` is one name"))
            .help(format!("write a blank before `$`: {} $", text.trim_end_matches('$'))),
    )
}
