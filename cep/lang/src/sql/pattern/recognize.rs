//! `MATCH_RECOGNIZE (…)`: its clauses, in the order of the standard.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Define, MatchRecognize, Measure, Relation, RowsPerMatch, Subset};
use crate::diag::{Diagnostic, Result, codes};

use super::super::cursor::Cursor;

/// The clauses, in order.
const CLAUSES: &str = "PARTITION BY, ORDER BY, MEASURES, ONE ROW PER MATCH, AFTER MATCH SKIP, PATTERN, WITHIN, SUBSET, DEFINE, in this order";

impl Cursor<'_> {
    /// `MATCH_RECOGNIZE (…)` over `input`.
    pub(in crate::sql) fn match_recognize(&mut self, input: Relation) -> Result<MatchRecognize> {
        let start = self.expect("MATCH_RECOGNIZE")?;
        self.expect_token(&Token::LParen)?;
        let partition_by =
            if self.eat(&["PARTITION", "BY"]) { self.comma_separated(Self::expr)? } else { Vec::new() };
        let order_by =
            if self.eat(&["ORDER", "BY"]) { self.comma_separated(Self::order_by_expr)? } else { Vec::new() };
        let measures =
            if self.eat(&["MEASURES"]) { self.comma_separated(Self::measure)? } else { Vec::new() };
        let rows = self.rows_per_match()?;
        let skip = if self.are(&["AFTER", "MATCH"]) { Some(self.skip_to()?) } else { None };
        if !self.is(0, "PATTERN") {
            return Err(Box::new(self.unexpected("PATTERN").help(format!("the clauses are {CLAUSES}"))));
        }
        self.advance();
        self.expect_token(&Token::LParen)?;
        let shape_start = self.span(0);
        if self.is_token(0, &Token::RParen) {
            return Err(self.unexpected("a pattern variable"));
        }
        let mut shape = self.alternation(0)?;
        shape.span = self.since(shape_start);
        self.expect_token(&Token::RParen)?;
        super::shape::check_size(&shape)?;
        let within = if self.is(0, "WITHIN") { self.within_bounds()? } else { Vec::new() };
        let subsets = if self.eat(&["SUBSET"]) { self.comma_separated(Self::subset)? } else { Vec::new() };
        let defines = if self.eat(&["DEFINE"]) { self.comma_separated(Self::define)? } else { Vec::new() };
        if !self.is_token(0, &Token::RParen) {
            return Err(Box::new(self.unexpected("`)`").help(format!("the clauses are {CLAUSES}"))));
        }
        self.advance();
        Ok(MatchRecognize {
            input: Box::new(input),
            partition_by,
            order_by,
            measures,
            rows,
            skip,
            shape,
            within,
            subsets,
            defines,
            span: self.since(start),
        })
    }

    /// `expression AS name`.
    fn measure(&mut self) -> Result<Measure> {
        let expr = self.match_expr()?;
        if !self.is(0, "AS") {
            return Err(Box::new(
                self.unexpected("AS").help("a measure has a name: MEASURES last(A.price) AS price"),
            ));
        }
        self.advance();
        Ok(Measure { expr, name: self.name("the name of the measure")? })
    }

    fn rows_per_match(&mut self) -> Result<RowsPerMatch> {
        if self.eat(&["ONE", "ROW", "PER", "MATCH"]) {
            return Ok(RowsPerMatch::One);
        }
        if !self.eat(&["ALL", "ROWS", "PER", "MATCH"]) {
            return Ok(RowsPerMatch::One);
        }
        if self.eat(&["SHOW", "EMPTY", "MATCHES"]) {
            Ok(RowsPerMatch::AllShowEmpty)
        } else if self.eat(&["OMIT", "EMPTY", "MATCHES"]) {
            Ok(RowsPerMatch::AllOmitEmpty)
        } else if self.eat(&["WITH", "UNMATCHED", "ROWS"]) {
            Ok(RowsPerMatch::AllWithUnmatched)
        } else {
            Ok(RowsPerMatch::AllShowEmpty)
        }
    }

    /// `name = (a, b)`.
    fn subset(&mut self) -> Result<Subset> {
        let name = self.name("the name of a subset")?;
        self.expect_token(&Token::Eq)?;
        let members = self.name_list("a pattern variable")?;
        Ok(Subset { name, members })
    }

    /// `name AS condition`.
    fn define(&mut self) -> Result<Define> {
        let name = self.name("a pattern variable")?;
        self.expect("AS")?;
        Ok(Define { name, condition: self.match_expr()? })
    }

    /// The error for an alias before MATCH_RECOGNIZE.
    pub(in crate::sql) fn alias_before_recognize(&self, alias: crate::ast::Span) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::at(codes::SYNTAX, alias, "the alias stands before MATCH_RECOGNIZE")
                .help("put it behind: FROM s MATCH_RECOGNIZE (…) AS m"),
        )
    }
}
