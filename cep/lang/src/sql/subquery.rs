//! Queries inside expressions: the right side of IN, and EXISTS. They read one table:
//! `SELECT column | * FROM table [[AS] alias] [WHERE condition]`.

use datafusion_sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion_sql::sqlparser::ast::{self as sql, Expr};
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::diag::codes;

use super::dialect::{CeptraDialect, refusal};

/// `EXISTS (SELECT …)`; EXISTS comes next.
pub(super) fn exists(dialect: &CeptraDialect, parser: &mut Parser) -> Result<Expr, ParserError> {
    let subquery = parenthesised(dialect, parser, 1)?;
    Ok(Expr::Exists { subquery, negated: false })
}

/// `[NOT] IN (SELECT …)` behind `left`; NOT or IN comes next.
pub(super) fn in_query(
    dialect: &CeptraDialect,
    parser: &mut Parser,
    left: &Expr,
    negated: bool,
) -> Result<Expr, ParserError> {
    let subquery = parenthesised(dialect, parser, if negated { 2 } else { 1 })?;
    Ok(Expr::InSubquery { expr: Box::new(left.clone()), subquery, negated })
}

/// The query in parentheses behind `words` words.
fn parenthesised(
    dialect: &CeptraDialect,
    parser: &mut Parser,
    words: usize,
) -> Result<Box<sql::Query>, ParserError> {
    if dialect.in_subquery.get() {
        let message = "a query inside an expression holds no other one";
        let help = "combine the conditions of both tables with AND outside";
        return Err(refusal(codes::SUBQUERY, message, help, parser.peek_token_ref()));
    }
    for _ in 0..=words {
        parser.advance_token();
    }
    dialect.in_subquery.set(true);
    let query = table_query(parser);
    dialect.in_subquery.set(false);
    let query = query?;
    if parser.peek_token_ref().token != Token::RParen {
        return Err(shape(parser));
    }
    parser.advance_token();
    Ok(Box::new(query))
}

fn shape(parser: &Parser) -> ParserError {
    let message = "a query inside an expression reads one table, and takes nothing but WHERE";
    let help = "write (SELECT column FROM table WHERE condition)";
    refusal(codes::SUBQUERY, message, help, parser.peek_token_ref())
}

fn table_query(parser: &mut Parser) -> Result<sql::Query, ParserError> {
    if !parser.parse_keyword(Keyword::SELECT) {
        return Err(shape(parser));
    }
    let item = if parser.consume_token(&Token::Mul) {
        sql::SelectItem::Wildcard(sql::WildcardAdditionalOptions::default())
    } else {
        sql::SelectItem::UnnamedExpr(parser.parse_expr()?)
    };
    if !parser.parse_keyword(Keyword::FROM) {
        return Err(shape(parser));
    }
    let name = sql::ObjectName::from(vec![parser.parse_identifier()?]);
    let has_alias = parser.parse_keyword(Keyword::AS)
        || matches!(&parser.peek_token_ref().token, Token::Word(w) if w.keyword == Keyword::NoKeyword);
    let alias = if has_alias {
        let name = parser.parse_identifier()?;
        Some(sql::TableAlias { explicit: true, name, columns: Vec::new(), at: None })
    } else {
        None
    };
    let selection = if parser.parse_keyword(Keyword::WHERE) { Some(parser.parse_expr()?) } else { None };
    Ok(query(item, name, alias, selection))
}

/// The tree of such a query.
fn query(
    item: sql::SelectItem,
    name: sql::ObjectName,
    alias: Option<sql::TableAlias>,
    selection: Option<Expr>,
) -> sql::Query {
    let relation = sql::TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    let select = sql::Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![item],
        exclude: None,
        into: None,
        from: vec![sql::TableWithJoins { relation, joins: Vec::new() }],
        lateral_views: Vec::new(),
        prewhere: None,
        selection,
        connect_by: Vec::new(),
        group_by: sql::GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: sql::SelectFlavor::Standard,
    };
    sql::Query {
        with: None,
        body: Box::new(sql::SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}
