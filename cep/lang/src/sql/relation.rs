//! The FROM clause: streams and queries with their filters, windows and aliases.

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{AsOf, Derived, FromItem, Name, Relation, RelationSource, Span, Window, WithinPer};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;
use super::refuse;

/// Words behind a relation that are no alias of it.
const NO_ALIAS: &[&str] = &[
    "WINDOW",
    "WHERE",
    "GROUP",
    "HAVING",
    "QUALIFY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "MINUS",
    "OUTPUT",
    "AGGREGATE",
    "WITHIN",
    "PER",
    "ON",
    "USING",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "CROSS",
    "NATURAL",
    "ASOF",
    "ANTI",
    "SEMI",
    "GLOBAL",
    "LATERAL",
    "FOR",
    "TABLESAMPLE",
    "SAMPLE",
    "PIVOT",
    "UNPIVOT",
    "MATCH_RECOGNIZE",
    "MATCH_CONDITION",
    "SELECT",
    "FROM",
    "WITH",
    "AND",
    "OR",
    "PARTITION",
    "CONNECT",
    "START",
    "CLUSTER",
    "DISTRIBUTE",
    "SORT",
    "INTO",
    "INSERT",
    "VALUES",
    "SET",
    "EMIT",
    "UNIDIRECTIONAL",
    "FINAL",
    "AS",
    "PREWHERE",
    "SETTINGS",
    "OPTION",
    "FORMAT",
    "RETURNING",
    "VERSION",
    "TIMESTAMP",
    "STRAIGHT_JOIN",
    "APPLY",
    "LOCK",
];

impl Cursor<'_> {
    /// `[FROM relations] [WHERE …]`; a WHERE that a window follows filters before it.
    pub(super) fn sources_and_filter(&mut self) -> Result<(Option<FromItem>, Option<sql::Expr>)> {
        if !self.eat(&["FROM"]) {
            let filter = if self.eat(&["WHERE"]) { Some(self.expr()?) } else { None };
            return Ok((None, filter));
        }
        let mut item = self.read_from()?;
        let filter = match &mut item {
            FromItem::Relation(relation) => self.filter_and_late_window(relation)?,
            FromItem::Join(_) => {
                if self.at_window() {
                    return Err(self.window_of_join());
                }
                let filter = if self.eat(&["WHERE"]) { Some(self.expr()?) } else { None };
                if self.at_window() {
                    return Err(self.window_of_join());
                }
                filter
            }
        };
        if let Some(error) = refuse::relation(self) {
            return Err(error);
        }
        Ok((Some(item), filter))
    }

    /// `[WHERE … [WINDOW … [WHERE …]]]` behind the only relation.
    fn filter_and_late_window(&mut self, from: &mut Relation) -> Result<Option<sql::Expr>> {
        if !self.eat(&["WHERE"]) {
            return Ok(None);
        }
        let mut filter = Some(self.expr()?);
        if self.at_window() {
            if from.window.is_some() {
                return Err(self.second_window());
            }
            from.pre_filter = and(from.pre_filter.take(), filter.take());
            from.window = Some(self.window_clause()?);
            self.late_alias(from)?;
            from.span = self.since(from.span);
            if self.eat(&["WHERE"]) {
                filter = Some(self.expr()?);
            }
        }
        self.within_per(from)?;
        Ok(filter)
    }

    fn window_of_join(&self) -> Box<Diagnostic> {
        Box::new(
            self.error(codes::WINDOW_PLACE, "a window stands behind one relation, and this is a join").help(
                "put the window behind a side: a WINDOW TIME (10 SECONDS) JOIN b WINDOW … ON …; or the join into a query: FROM (SELECT … FROM a JOIN b ON …) WINDOW …",
            ),
        )
    }

    pub(super) fn relation(&mut self) -> Result<Relation> {
        if let Some(error) = refuse::relation_start(self) {
            return Err(error);
        }
        let start = self.span(0);
        if self.at_pattern() {
            let source = RelationSource::Pattern(Box::new(self.pattern_source()?));
            let relation = Relation { span: self.since(start), ..bare(source, None, None) };
            return match refuse::behind_pattern(self).or_else(|| refuse::relation(self)) {
                Some(error) => Err(error),
                None => Ok(relation),
            };
        }
        let mut relation = self.relation_source()?;
        relation.as_of = self.as_of()?;
        self.recognized(&mut relation, start)?;
        if relation.alias.is_none() {
            self.alias(&mut relation)?;
        }
        if self.at_window() {
            if relation.window.is_some() {
                return Err(self.second_window());
            }
            relation.window = Some(self.window_clause()?);
            self.late_alias(&mut relation)?;
        }
        if self.at_window() {
            return Err(self.second_window());
        }
        self.within_per(&mut relation)?;
        let word = self.span(0);
        relation.unidirectional = self.eat(&["UNIDIRECTIONAL"]).then_some(word);
        relation.span = self.since(start);
        if let Some(error) = refuse::relation(self) {
            return Err(error);
        }
        Ok(relation)
    }

    /// `FOR SYSTEM_TIME AS OF time` when it comes next.
    fn as_of(&mut self) -> Result<Option<AsOf>> {
        if !self.are(&["FOR", "SYSTEM_TIME"]) {
            return Ok(None);
        }
        let start = self.span(0);
        self.eat(&["FOR", "SYSTEM_TIME"]);
        if !self.eat(&["AS", "OF"]) {
            return Err(Box::new(
                self.unexpected("AS OF")
                    .help("write FOR SYSTEM_TIME AS OF o.ts: the rows as they were at that time"),
            ));
        }
        let time = self.expr()?;
        Ok(Some(AsOf { time, span: self.since(start) }))
    }

    /// `MATCH_RECOGNIZE (…)` when it comes next, over what has been read so far.
    fn recognized(&mut self, relation: &mut Relation, start: Span) -> Result<()> {
        while self.is(0, "MATCH_RECOGNIZE") {
            relation.span = self.since(start);
            let input = std::mem::replace(relation, bare(RelationSource::Name(Name::default()), None, None));
            let recognize = self.match_recognize(input)?;
            let filter = self.bracket_filter()?;
            *relation = bare(RelationSource::Recognize(Box::new(recognize)), filter, None);
        }
        Ok(())
    }

    fn relation_source(&mut self) -> Result<Relation> {
        if self.at_window_function() {
            let table = self.window_function()?;
            return Ok(bare(table.source, table.pre_filter, Some(table.window)));
        }
        if self.eat_token(&Token::LParen) {
            if !(self.is_one_of(0, &["SELECT", "WITH"]) || self.is_token(0, &Token::LParen)) {
                return Err(Box::new(
                    self.unexpected("SELECT")
                        .help("only queries take parentheses here; write a stream's name without"),
                ));
            }
            let query = Box::new(self.query()?);
            self.expect_token(&Token::RParen)?;
            let pre_filter = self.bracket_filter()?;
            return Ok(bare(RelationSource::Derived(Derived { query }), pre_filter, None));
        }
        let name = self.object_name("the name of a stream, view or aggregation")?;
        if self.is_token(0, &Token::LParen) {
            return Err(refuse::table_function(self, &name));
        }
        let pre_filter = self.bracket_filter()?;
        Ok(bare(RelationSource::Name(name), pre_filter, None))
    }

    /// `[cond]`, several of them mean AND.
    pub(super) fn bracket_filter(&mut self) -> Result<Option<sql::Expr>> {
        let mut filter = None;
        while self.eat_token(&Token::LBracket) {
            let condition = self.expr()?;
            self.expect_token(&Token::RBracket)?;
            filter = and(filter, Some(condition));
        }
        Ok(filter)
    }

    /// Whether `[AS] alias` comes next.
    pub(super) fn at_alias(&self) -> bool {
        match self.token(0) {
            Token::Word(word) => {
                word.quote_style.is_some() || self.is(0, "AS") || !NO_ALIAS.iter().any(|w| self.is(0, w))
            }
            _ => false,
        }
    }

    /// `[AS] alias [(columns)]`
    fn alias(&mut self, relation: &mut Relation) -> Result<()> {
        if !self.at_alias() {
            return Ok(());
        }
        self.eat(&["AS"]);
        let alias_span = self.span(0);
        relation.alias = Some(self.name("an alias")?);
        if self.is(0, "MATCH_RECOGNIZE") && self.is_token(1, &Token::LParen) {
            return Err(self.alias_before_recognize(alias_span));
        }
        if self.is_token(0, &Token::LParen) {
            relation.alias_columns = self.name_list("a column name")?;
        }
        if self.is_token(0, &Token::LBracket) {
            return Err(Box::new(
                self.unexpected("the end of the relation")
                    .help("the filter stands before the alias: s[condition] AS x"),
            ));
        }
        Ok(())
    }

    /// The alias behind the window, when none stands before it.
    fn late_alias(&mut self, relation: &mut Relation) -> Result<()> {
        let before: Option<Name> = relation.alias.clone();
        let columns = std::mem::take(&mut relation.alias_columns);
        relation.alias = None;
        let start = self.span(0);
        self.alias(relation)?;
        match (&before, &relation.alias) {
            (Some(first), Some(_)) => Err(Box::new(
                Diagnostic::at(
                    codes::SYNTAX,
                    self.since(start),
                    format!("the relation already has the alias `{}`", first.text),
                )
                .help("keep one of the two"),
            )),
            (Some(_), None) => {
                relation.alias = before;
                relation.alias_columns = columns;
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn second_window(&self) -> Box<Diagnostic> {
        Box::new(
            self.error(codes::WINDOW_PLACE, "a relation has one window")
                .help("put the first into a query of its own: FROM (SELECT … FROM s WINDOW …) WINDOW …"),
        )
    }

    /// `WITHIN 'from' [, 'to'] PER 'grain'` when it comes next.
    fn within_per(&mut self, relation: &mut Relation) -> Result<()> {
        if !self.is(0, "WITHIN") {
            return Ok(());
        }
        let start = self.span(0);
        self.advance();
        let from = self.expr()?;
        let to = if self.eat_token(&Token::Comma) { Some(self.expr()?) } else { None };
        if !self.is(0, "PER") {
            return Err(Box::new(
                self.unexpected("PER").help("write WITHIN '2024-01-01', '2024-02-01' PER 'hours'"),
            ));
        }
        self.advance();
        let per = self.per_grain()?;
        let span = self.since(start);
        if relation.within_per.is_some() {
            return Err(Box::new(Diagnostic::at(codes::SYNTAX, span, "WITHIN … PER … is given twice")));
        }
        relation.within_per = Some(WithinPer { from, to, per, span });
        Ok(())
    }
}

/// A relation without an alias.
fn bare(source: RelationSource, pre_filter: Option<sql::Expr>, window: Option<Window>) -> Relation {
    Relation {
        source,
        pre_filter,
        window,
        within_per: None,
        as_of: None,
        unidirectional: None,
        alias: None,
        alias_columns: Vec::new(),
        span: Span::default(),
    }
}

/// Both conditions, or the one there is.
fn and(first: Option<sql::Expr>, second: Option<sql::Expr>) -> Option<sql::Expr> {
    match (first, second) {
        (Some(left), Some(right)) => Some(sql::Expr::BinaryOp {
            left: Box::new(sql::Expr::Nested(Box::new(left))),
            op: sql::BinaryOperator::And,
            right: Box::new(sql::Expr::Nested(Box::new(right))),
        }),
        (one, None) => one,
        (None, one) => one,
    }
}
