//! Joins in FROM: `a JOIN b ON …`, parentheses, commas.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{AsOfJoin, FromItem, Join, JoinConstraint, JoinKind, Span};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;
use super::refuse;

/// Most relations of one FROM.
const RELATIONS_MAX: usize = 16;

/// The words before the right side.
struct Operator {
    kind: JoinKind,
    asof: Option<Span>,
    span: Span,
}

impl Cursor<'_> {
    /// `item [, item] …`; a comma binds less than JOIN.
    pub(super) fn read_from(&mut self) -> Result<FromItem> {
        let mut item = self.joined()?;
        while self.is_token(0, &Token::Comma) {
            let span = self.span(0);
            self.advance();
            let right = self.joined()?;
            item = self.join_of(Join {
                kind: JoinKind::Cross,
                left: item,
                right,
                constraint: JoinConstraint::None,
                asof: None,
                span,
            })?;
        }
        Ok(item)
    }

    /// `item JOIN item …`, leaning to the left, when joins come next.
    pub(super) fn joins(&mut self, mut item: FromItem) -> Result<FromItem> {
        while let Some(operator) = self.join_operator()? {
            let right = self.primary()?;
            if self.at_join() && operator.kind != JoinKind::Cross {
                return Err(Box::new(
                    self.error(codes::JOIN, "each JOIN is followed by its own ON or USING")
                        .help("write a JOIN b ON … JOIN c ON …, or parentheses: a JOIN (b JOIN c ON …) ON …"),
                ));
            }
            let asof = operator.asof.map(|span| self.asof(span)).transpose()?;
            let constraint = self.constraint(&operator, asof.as_ref())?;
            let span = self.since(operator.span);
            item = self.join_of(Join { kind: operator.kind, left: item, right, constraint, asof, span })?;
        }
        Ok(item)
    }

    fn joined(&mut self) -> Result<FromItem> {
        let first = self.primary()?;
        self.joins(first)
    }

    /// A relation, or a join in parentheses.
    fn primary(&mut self) -> Result<FromItem> {
        if !(self.is_token(0, &Token::LParen) && self.joins_inside()) {
            return Ok(FromItem::Relation(Box::new(self.relation()?)));
        }
        let start = self.span(0);
        self.enter_query()?;
        self.advance();
        let item = self.read_from();
        self.leave_query();
        let item = item?;
        self.expect_token(&Token::RParen)?;
        if item.relation().is_some() {
            return Err(Box::new(
                Diagnostic::at(
                    codes::SYNTAX,
                    self.since(start),
                    "these parentheses hold no join and no query",
                )
                .help("leave them out"),
            ));
        }
        if self.at_alias() || self.at_window() || self.is_token(0, &Token::LBracket) {
            return Err(Box::new(
                self.error(codes::JOIN, "a join in parentheses takes no alias, filter or window")
                    .help("put it into a query: (SELECT … FROM a JOIN b ON …) AS x WINDOW …"),
            ));
        }
        Ok(item)
    }

    /// Whether the parenthesis at hand holds a join: the first token inside is neither the start of
    /// a query, nor a parenthesis behind which the query goes on.
    fn joins_inside(&self) -> bool {
        let mut at = 1;
        while self.is_token(at, &Token::LParen) {
            at += 1;
        }
        if at == 1 {
            return !self.is_one_of(1, &["SELECT", "WITH", "VALUES", "FROM"]);
        }
        // `((…` is a query when what stands behind the inner parentheses continues a query.
        let mut depth = 0usize;
        for at in 1.. {
            match self.token(at) {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return false,
                _ => {}
            }
            if depth == 0 {
                let goes_on = ["UNION", "ORDER", "LIMIT", "OFFSET", "OUTPUT", "INTERSECT", "EXCEPT", "MINUS"];
                let is_closed = self.is_token(at + 1, &Token::RParen);
                return !(is_closed || self.is_one_of(at + 1, &goes_on));
            }
        }
        false
    }

    /// Whether a join comes next.
    fn at_join(&self) -> bool {
        let words = ["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ASOF", "STRAIGHT_JOIN"];
        self.is_one_of(0, &words)
    }

    /// `[INNER | LEFT | …] JOIN` when it comes next.
    fn join_operator(&mut self) -> Result<Option<Operator>> {
        if let Some(error) = refuse::join(self) {
            return Err(error);
        }
        if !self.at_join() {
            return Ok(None);
        }
        let start = self.span(0);
        let asof = self.eat(&["ASOF"]).then_some(start);
        let kind = self.join_kind();
        self.expect("JOIN")?;
        if let Some(span) = asof
            && !matches!(kind, JoinKind::Inner | JoinKind::Left)
        {
            return Err(Box::new(
                Diagnostic::at(codes::JOIN, span, "ASOF goes with JOIN and LEFT JOIN")
                    .help("it finds the nearest row of the right side for each row of the left one: a ASOF LEFT JOIN b ON …"),
            ));
        }
        Ok(Some(Operator { kind, asof, span: self.since(start) }))
    }

    fn join_kind(&mut self) -> JoinKind {
        for (word, kind) in [("LEFT", JoinKind::Left), ("RIGHT", JoinKind::Right), ("FULL", JoinKind::Full)] {
            if self.eat(&[word]) {
                self.eat(&["OUTER"]);
                return kind;
            }
        }
        if self.eat(&["CROSS"]) {
            return JoinKind::Cross;
        }
        self.eat(&["INNER"]);
        JoinKind::Inner
    }

    fn asof(&mut self, span: Span) -> Result<AsOfJoin> {
        if !self.eat(&["MATCH_CONDITION"]) {
            return Ok(AsOfJoin { condition: None, span });
        }
        self.expect_token(&Token::LParen)?;
        let condition = self.expr()?;
        self.expect_token(&Token::RParen)?;
        Ok(AsOfJoin { condition: Some(condition), span })
    }

    fn constraint(&mut self, operator: &Operator, asof: Option<&AsOfJoin>) -> Result<JoinConstraint> {
        let is_cross = operator.kind == JoinKind::Cross;
        if is_cross && self.is_one_of(0, &["ON", "USING"]) {
            return Err(Box::new(
                self.error(codes::JOIN, "CROSS JOIN joins all rows and takes no condition")
                    .help("write JOIN … ON …, or put the condition into WHERE"),
            ));
        }
        if self.eat(&["ON"]) {
            return Ok(JoinConstraint::On(self.expr()?));
        }
        if self.eat(&["USING"]) {
            return Ok(JoinConstraint::Using(self.name_list("a column name")?));
        }
        if is_cross || asof.is_some_and(|asof| asof.condition.is_some()) {
            return Ok(JoinConstraint::None);
        }
        Err(Box::new(
            self.unexpected("ON or USING")
                .help("say which rows belong together: JOIN b ON a.id = b.id; CROSS JOIN joins all"),
        ))
    }

    fn join_of(&self, join: Join) -> Result<FromItem> {
        let span = join.span;
        let item = FromItem::Join(Box::new(join));
        if item.relations().len() > RELATIONS_MAX {
            let message = format!("FROM joins at most {RELATIONS_MAX} relations");
            return Err(Box::new(
                Diagnostic::at(codes::JOIN, span, message)
                    .help("join some of them in a stream of their own: CREATE STREAM j AS SELECT …"),
            ));
        }
        Ok(item)
    }
}
