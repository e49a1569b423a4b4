//! Queries: WITH, UNION ALL, SELECT and the clauses of the whole.

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Cte, Query, Select, SetExpr, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::sqlast;

use super::cursor::Cursor;
use super::refuse;

/// Deepest nesting of queries in queries.
const QUERY_DEPTH_MAX: usize = 32;

impl Cursor<'_> {
    /// `[WITH …] SELECT … [UNION ALL …] [ORDER BY …] [LIMIT …] [OFFSET …] [OUTPUT …]`
    pub(super) fn query(&mut self) -> Result<Query> {
        self.enter_query()?;
        let query = self.query_inside();
        self.leave_query();
        query
    }

    /// One level deeper.
    pub(super) fn enter_query(&mut self) -> Result<()> {
        if self.query_depth == QUERY_DEPTH_MAX {
            return Err(Box::new(
                self.error(codes::TOO_DEEP, format!("queries nest at most {QUERY_DEPTH_MAX} levels deep"))
                    .help("name the inner ones with WITH or CREATE VIEW"),
            ));
        }
        self.query_depth += 1;
        Ok(())
    }

    /// Back from [`Cursor::enter_query`].
    pub(super) fn leave_query(&mut self) {
        self.query_depth -= 1;
    }

    fn query_inside(&mut self) -> Result<Query> {
        let start = self.span(0);
        let with = self.ctes()?;
        let body = self.set_expr()?;
        let order_by = if self.is(0, "ORDER") { self.order_by()? } else { Vec::new() };
        let (limit, offset) = self.limit_and_offset()?;
        let output = self.output_rate()?;
        if let Some(error) = refuse::clause(self) {
            return Err(error);
        }
        Ok(Query { with, body, order_by, limit, offset, output, span: self.since(start) })
    }

    fn ctes(&mut self) -> Result<Vec<Cte>> {
        if !self.eat(&["WITH"]) {
            return Ok(Vec::new());
        }
        if self.is(0, "RECURSIVE") && self.word(1).is_some() {
            return Err(Box::new(
                self.error(codes::CLAUSE, "a recursive query never ends on a stream")
                    .help("leave out RECURSIVE; each name may read the ones before it"),
            ));
        }
        let mut ctes: Vec<Cte> = Vec::new();
        loop {
            let cte = self.cte()?;
            if ctes.iter().any(|c| c.name.matches(&cte.name.text)) {
                return Err(Box::new(
                    Diagnostic::at(
                        codes::OBJECT_EXISTS,
                        cte.name.span,
                        format!("WITH defines `{}` twice", cte.name.text),
                    )
                    .help("rename one of them"),
                ));
            }
            ctes.push(cte);
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        Ok(ctes)
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.name("the name of a common table expression")?;
        let columns =
            if self.is_token(0, &Token::LParen) { self.name_list("a column name")? } else { Vec::new() };
        self.expect("AS")?;
        if self.is_one_of(0, &["MATERIALIZED", "NOT"]) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "MATERIALIZED has no meaning on a stream").help("leave it out"),
            ));
        }
        self.expect_token(&Token::LParen)?;
        let query = self.query()?;
        self.expect_token(&Token::RParen)?;
        Ok(Cte { name, columns, query })
    }

    fn set_expr(&mut self) -> Result<SetExpr> {
        let first = self.set_operand()?;
        let mut operands = vec![first];
        loop {
            if self.is(0, "UNION") {
                self.union_all()?;
                operands.push(self.set_operand()?);
            } else if self.is_one_of(0, &["INTERSECT", "EXCEPT", "MINUS"]) {
                let word = self.word(0).unwrap_or_default().to_uppercase();
                return Err(Box::new(
                    self.error(
                        codes::SET_OPERATION,
                        format!("{word} has no meaning on streams that never end"),
                    )
                    .help("filter with WHERE, or count both sides in a window and compare"),
                ));
            } else {
                break;
            }
        }
        Ok(if operands.len() == 1 { operands.swap_remove(0) } else { SetExpr::UnionAll(operands) })
    }

    fn union_all(&mut self) -> Result<()> {
        let start = self.span(0);
        self.expect("UNION")?;
        if self.is_one_of(1, &["BY"]) && self.is(0, "ALL") || self.are(&["BY", "NAME"]) {
            return Err(Box::new(
                self.error(codes::SET_OPERATION, "UNION matches columns by position")
                    .help("list the columns in the same order in both SELECTs"),
            ));
        }
        if self.eat(&["ALL"]) {
            return Ok(());
        }
        let span = if self.is(0, "DISTINCT") { start.to(self.span(0)) } else { start };
        Err(Box::new(
            Diagnostic::at(
                codes::SET_OPERATION,
                span,
                "UNION without ALL would have to remember every row of endless streams",
            )
            .help("write UNION ALL; for distinct rows put SELECT DISTINCT around it"),
        ))
    }

    fn set_operand(&mut self) -> Result<SetExpr> {
        if self.eat_token(&Token::LParen) {
            let query = self.query()?;
            self.expect_token(&Token::RParen)?;
            return Ok(SetExpr::Nested(Box::new(query)));
        }
        if self.is(0, "SELECT") {
            return self.select().map(|select| SetExpr::Select(Box::new(select)));
        }
        if self.is(0, "VALUES") {
            return Err(Box::new(
                self.error(codes::CLAUSE, "VALUES stands only in INSERT INTO")
                    .help("write INSERT INTO stream VALUES (…)"),
            ));
        }
        if self.is(0, "FROM") {
            return Err(Box::new(
                self.unexpected("SELECT").help("FROM stands behind the select list: SELECT … FROM …"),
            ));
        }
        Err(self.unexpected("SELECT"))
    }

    fn select(&mut self) -> Result<Select> {
        let start = self.expect("SELECT")?;
        let distinct = self.select_quantifier()?;
        let items = self.comma_separated(|c| {
            if c.is_one_of(0, &["FROM", "WHERE"]) || c.at_end() {
                return Err(c.unexpected("a column or an expression"));
            }
            c.select_item()
        })?;
        if self.is(0, "INTO") {
            return Err(Box::new(
                self.error(codes::CLAUSE, "SELECT has no INTO").help("write INSERT INTO stream SELECT …"),
            ));
        }
        let (from, filter) = self.sources_and_filter()?;
        let group_by = self.group_by()?;
        let having = if self.eat(&["HAVING"]) { Some(self.expr()?) } else { None };
        let (named_windows, qualify) = self.windows_and_qualify()?;
        Ok(Select {
            distinct,
            items,
            from,
            filter,
            group_by,
            having,
            qualify,
            named_windows,
            span: self.since(start),
        })
    }

    /// `DISTINCT` or `ALL`; true for DISTINCT.
    fn select_quantifier(&mut self) -> Result<bool> {
        if self.is(0, "TOP") && matches!(self.token(1), Token::Number(_, _) | Token::LParen) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "SELECT has no TOP").help("write LIMIT n at the end of the query"),
            ));
        }
        if self.eat(&["DISTINCT"]) {
            if self.is(0, "ON") {
                return Err(Box::new(
                    self.error(codes::CLAUSE, "DISTINCT ON is not supported yet")
                        .help("keep the first row of each key with WINDOW FIRSTUNIQUE (key)"),
                ));
            }
            return Ok(true);
        }
        // `all` may be a column, too.
        if self.is(0, "ALL")
            && !matches!(self.token(1), Token::Comma | Token::Period | Token::EOF)
            && !self.is(1, "FROM")
        {
            self.advance();
        }
        Ok(false)
    }

    fn group_by(&mut self) -> Result<Vec<sql::Expr>> {
        if !self.is(0, "GROUP") {
            return Ok(Vec::new());
        }
        self.advance();
        self.expect("BY")?;
        if self.is(0, "ALL") && !matches!(self.token(1), Token::Period) {
            return Err(Box::new(
                self.error(codes::GROUPING, "GROUP BY ALL is not supported yet").help("name the columns"),
            ));
        }
        let groups = self.comma_separated(|c| {
            let sets = c.are(&["GROUPING", "SETS"])
                || (c.is_one_of(0, &["ROLLUP", "CUBE"]) && c.is_token(1, &Token::LParen));
            if sets {
                return Err(Box::new(
                    c.error(codes::GROUPING, "GROUPING SETS, ROLLUP and CUBE are not supported yet")
                        .help("write one query for each grouping"),
                ));
            }
            c.group()
        })?;
        if self.is(0, "WITH") && self.is_one_of(1, &["ROLLUP", "CUBE", "TOTALS"]) {
            return Err(Box::new(
                self.error(codes::GROUPING, "WITH ROLLUP, CUBE and TOTALS are not supported yet")
                    .help("write one query for each grouping"),
            ));
        }
        Ok(groups.into_iter().flatten().collect())
    }

    fn windows_and_qualify(&mut self) -> Result<(Vec<sql::NamedWindowDefinition>, Option<sql::Expr>)> {
        let mut windows = Vec::new();
        let mut qualify = None;
        loop {
            if self.at_named_window() && windows.is_empty() {
                self.advance();
                windows = self.comma_separated(Self::named_window)?;
            } else if self.is(0, "QUALIFY") && qualify.is_none() {
                self.advance();
                qualify = Some(self.expr()?);
            } else if self.is(0, "WINDOW") {
                return Err(Box::new(
                    self.unexpected("the end of the SELECT")
                        .help("the window of a stream stands directly behind it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"),
                ));
            } else {
                return Ok((windows, qualify));
            }
        }
    }

    /// `WINDOW name AS (…)`: the standard clause, no window of a stream.
    pub(super) fn at_named_window(&self) -> bool {
        self.is(0, "WINDOW") && matches!(self.token(1), Token::Word(_)) && self.is(2, "AS")
    }

    fn order_by(&mut self) -> Result<Vec<sql::OrderByExpr>> {
        self.expect("ORDER")?;
        if self.is(0, "SIBLINGS") {
            return Err(Box::new(self.error(codes::CLAUSE, "ORDER SIBLINGS BY is not supported")));
        }
        self.expect("BY")?;
        if self.is(0, "ALL") && matches!(self.token(1), Token::EOF | Token::RParen) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "ORDER BY ALL is not supported").help("name the columns"),
            ));
        }
        self.comma_separated(Self::order_by_expr)
    }

    /// `LIMIT n`, `OFFSET m [ROWS]`, `FETCH FIRST n ROWS ONLY`, in any order, each once.
    fn limit_and_offset(&mut self) -> Result<(Option<sql::Expr>, Option<sql::Expr>)> {
        let mut limit: Option<(sql::Expr, Span)> = None;
        let mut offset: Option<(sql::Expr, Span)> = None;
        loop {
            let start = self.span(0);
            let (slot, value) = if self.eat(&["LIMIT"]) {
                if self.is(0, "ALL") {
                    return Err(Box::new(self.unexpected("the number of rows").help("leave out LIMIT ALL")));
                }
                (&mut limit, self.row_count()?)
            } else if self.eat(&["OFFSET"]) {
                let value = self.row_count()?;
                if self.is_one_of(0, &["ROW", "ROWS"]) {
                    self.advance();
                }
                (&mut offset, value)
            } else if self.is(0, "FETCH") {
                (&mut limit, self.fetch()?)
            } else {
                break;
            };
            let span = self.since(start);
            if slot.is_some() {
                return Err(Box::new(Diagnostic::at(
                    codes::SYNTAX,
                    span,
                    "the number of rows is given twice",
                )));
            }
            *slot = Some((value, span));
            if self.is_token(0, &Token::Comma) {
                return Err(Box::new(
                    self.unexpected("the end of LIMIT").help("write LIMIT n OFFSET m instead of LIMIT m, n"),
                ));
            }
            if self.is(0, "BY") {
                return Err(Box::new(
                    self.error(codes::CLAUSE, "LIMIT BY is not supported").help(
                        "number the rows: QUALIFY row_number() OVER (PARTITION BY key ORDER BY x) <= n",
                    ),
                ));
            }
        }
        Ok((limit.map(|(e, _)| e), offset.map(|(e, _)| e)))
    }

    /// A literal row count.
    fn row_count(&mut self) -> Result<sql::Expr> {
        let start = self.span(0);
        let expr = self.expr()?;
        if sqlast::row_count(&expr).is_none() {
            return Err(Box::new(
                Diagnostic::at(
                    codes::SYNTAX,
                    self.since(start),
                    "a number of rows is a whole number, written out",
                )
                .help("for example LIMIT 10"),
            ));
        }
        Ok(expr)
    }

    /// `FETCH FIRST|NEXT [n] ROW|ROWS ONLY`
    fn fetch(&mut self) -> Result<sql::Expr> {
        self.expect("FETCH")?;
        if !self.is_one_of(0, &["FIRST", "NEXT"]) {
            return Err(self.unexpected("FIRST or NEXT"));
        }
        self.advance();
        let value = if self.is_one_of(0, &["ROW", "ROWS"]) { sqlast::number("1") } else { self.row_count()? };
        if self.is(0, "PERCENT") {
            return Err(Box::new(
                self.error(codes::CLAUSE, "FETCH … PERCENT is not supported").help("give the number of rows"),
            ));
        }
        if !self.is_one_of(0, &["ROW", "ROWS"]) {
            return Err(self.unexpected("ROWS"));
        }
        self.advance();
        if self.are(&["WITH", "TIES"]) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "FETCH … WITH TIES is not supported")
                    .help("write ROWS ONLY, or QUALIFY rank() OVER (ORDER BY x) <= n"),
            ));
        }
        self.expect("ONLY")?;
        Ok(value)
    }
}
