//! CEPtra's SQL flavour for `sqlparser`, and the fuel that keeps parsing linear in the text.
//!
//! `sqlparser` tries alternatives by backtracking; on malformed nested input that is exponential.
//! Each prefix expression therefore burns one unit of fuel, and an empty tank is an error.

use std::cell::Cell;

use datafusion_sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    Value,
};
use datafusion_sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::diag::codes;

/// Fuel that every statement gets, and more for each of its tokens. A well-formed statement burns
/// less than one unit a token.
const FUEL_BASE: u64 = 1_000;
const FUEL_PER_TOKEN: u64 = 4;

/// Binding power of `->`, `->>` and their kin: tighter than arithmetic, looser than `::`, so that
/// `payload->>'a' = 'x'` and `payload->'n' + 1` mean what they look like.
const JSON_ARROW_PRECEDENCE: u8 = 45;

/// The dialect of one statement.
#[derive(Debug)]
pub(crate) struct CeptraDialect {
    fuel: Cell<u64>,
    /// A query inside an expression is being parsed.
    pub(super) in_subquery: Cell<bool>,
}

impl CeptraDialect {
    /// A dialect with fuel for a statement of `tokens` tokens.
    pub(crate) fn for_tokens(tokens: usize) -> Self {
        Self { fuel: Cell::new(FUEL_BASE + FUEL_PER_TOKEN * tokens as u64), in_subquery: Cell::new(false) }
    }

    fn burn(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0
    }
}

/// An error of ours that travels through `sqlparser`: `\u{1}code\u{1}message\u{1}help` and then
/// the location as `sqlparser` writes it. `cursor` takes it apart again.
pub(super) fn refusal(code: &str, message: &str, help: &str, at: &TokenWithSpan) -> ParserError {
    ParserError::ParserError(format!("\u{1}{code}\u{1}{message}\u{1}{help}{}", at.span.start))
}

fn is_query_start(token: &Token) -> bool {
    matches!(token, Token::Word(w) if matches!(w.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::TABLE))
}

/// Words that start or continue a clause and therefore are no column names unless quoted.
fn is_clause_word(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::QUALIFY
            | Keyword::JOIN
            | Keyword::ON
            | Keyword::AS
            | Keyword::AND
            | Keyword::OR
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::IN
            | Keyword::IS
            | Keyword::LIKE
            | Keyword::BETWEEN
            | Keyword::BY
    )
}

fn subquery_refused(at: &TokenWithSpan) -> ParserError {
    refusal(
        codes::SUBQUERY,
        "a query inside an expression is the right side of IN or EXISTS, and reads a table",
        "write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own",
        at,
    )
}

/// Whether `IS DISTINCT FROM` (false) or `IS NOT DISTINCT FROM` (true) comes next.
fn distinct_from(parser: &Parser) -> Option<bool> {
    let word = |n: usize, keyword: Keyword| matches!(&parser.peek_nth_token_ref(n).token, Token::Word(w) if w.keyword == keyword);
    if !word(0, Keyword::IS) {
        return None;
    }
    if word(1, Keyword::DISTINCT) && word(2, Keyword::FROM) {
        return Some(false);
    }
    (word(1, Keyword::NOT) && word(2, Keyword::DISTINCT) && word(3, Keyword::FROM)).then_some(true)
}

/// Parses the right side of IS DISTINCT FROM with the binding power of IS. `sqlparser` would read
/// `a IS DISTINCT FROM b AND c` as `a IS DISTINCT FROM (b AND c)`.
fn parse_distinct_from(
    dialect: &CeptraDialect,
    parser: &mut Parser,
    left: &Expr,
    negated: bool,
) -> Result<Expr, ParserError> {
    for _ in 0..if negated { 4 } else { 3 } {
        parser.advance_token();
    }
    let left = Box::new(left.clone());
    let right = Box::new(parser.parse_subexpr(dialect.prec_value(Precedence::Is))?);
    Ok(if negated { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) })
}

/// FINAL and RUNNING of MATCH_RECOGNIZE.
pub(super) fn is_finality(word: &Word) -> bool {
    word.quote_style.is_none()
        && (word.value.eq_ignore_ascii_case("FINAL") || word.value.eq_ignore_ascii_case("RUNNING"))
}

/// Whether a call starts `n` tokens ahead.
fn is_call(parser: &Parser, n: usize) -> bool {
    matches!(parser.peek_nth_token_ref(n).token, Token::Word(_))
        && parser.peek_nth_token_ref(n + 1).token == Token::LParen
}

/// `FINAL f(…)`, whose first word is taken, as the call `FINAL(f(…))`.
fn parse_finality(parser: &mut Parser) -> Result<Expr, ParserError> {
    let word = parser.get_current_token().clone();
    let Token::Word(name) = &word.token else { unreachable!("the word has been looked at") };
    let inner = parser.parse_prefix()?;
    let list = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))],
        clauses: Vec::new(),
    };
    Ok(Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_span(word.span, name.value.to_ascii_uppercase())]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

impl Dialect for CeptraDialect {
    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_extract_comma_syntax(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_select_wildcard_rename(&self) -> bool {
        true
    }

    fn supports_select_wildcard_ilike(&self) -> bool {
        true
    }

    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        explicit
            || (self.is_column_alias(kw, parser)
                && !is_clause_word(*kw)
                && !matches!(kw, Keyword::OUTPUT | Keyword::WINDOW | Keyword::WITHIN))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Arrow | Token::LongArrow | Token::HashArrow | Token::HashLongArrow => {
                Some(Ok(JSON_ARROW_PRECEDENCE))
            }
            // `:` separates keys from values in struct and map literals; it is no operator.
            Token::Colon => Some(Ok(self.prec_unknown())),
            _ => None,
        }
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        match prec {
            Precedence::Period => 100,
            Precedence::DoubleColon => 50,
            Precedence::AtTz => 41,
            Precedence::MulDivModOp => 40,
            Precedence::PlusMinus => 30,
            // The remaining operators bind tighter than comparisons, looser than arithmetic.
            Precedence::PgOther => 25,
            Precedence::Xor => 24,
            Precedence::Ampersand => 23,
            Precedence::Caret => 22,
            Precedence::Pipe => 21,
            Precedence::Colon => 21,
            Precedence::Between => 20,
            Precedence::Eq => 20,
            Precedence::Like => 19,
            Precedence::Is => 17,
            Precedence::UnaryNot => 15,
            Precedence::And => 10,
            Precedence::Or => 5,
        }
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let next = parser.peek_token_ref();
        if !self.burn() {
            return Some(Err(refusal(
                codes::TOO_COMPLEX,
                "the statement is malformed and nested so deeply that parsing was given up here",
                "check the brackets and the CASE … END pairs before this place",
                next,
            )));
        }
        let after = &parser.peek_nth_token_ref(1).token;
        match &next.token {
            Token::Word(w) if is_clause_word(w.keyword) => {
                // `AS`, `LEFT` and so on may be function names or, behind a dot, fields; the
                // caller then falls back to an identifier by itself.
                Some(Err(refusal(
                    codes::SYNTAX,
                    &format!("expected an expression, found `{}`", w.value),
                    "a name that is a word of SQL needs double quotes",
                    next,
                )))
            }
            Token::Word(w) if is_finality(w) && is_call(parser, 1) => {
                parser.advance_token();
                Some(parse_finality(parser))
            }
            Token::Word(w) if w.keyword == Keyword::EXISTS && *after == Token::LParen => {
                Some(super::subquery::exists(self, parser))
            }
            Token::Word(w) if w.keyword == Keyword::ARRAY && *after == Token::LParen => {
                is_query_start(&parser.peek_nth_token_ref(2).token).then(|| Err(subquery_refused(next)))
            }
            Token::Word(w)
                if w.keyword == Keyword::INTERVAL
                    && matches!(after, Token::Word(w) if w.keyword == Keyword::INTERVAL) =>
            {
                Some(Err(refusal(
                    codes::SYNTAX,
                    "expected the length of the interval, found `INTERVAL`",
                    "write it as INTERVAL '5' MINUTE",
                    next,
                )))
            }
            Token::LParen if is_query_start(after) => Some(Err(subquery_refused(next))),
            Token::EscapedStringLiteral(text) => {
                let value = Value::EscapedStringLiteral(text.clone()).with_span(next.span);
                parser.advance_token();
                Some(Ok(Expr::Value(value)))
            }
            _ => None,
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if let Some(negated) = distinct_from(parser) {
            return Some(parse_distinct_from(self, parser, expr, negated));
        }
        let word = |n: usize, keyword: Keyword| matches!(&parser.peek_nth_token_ref(n).token, Token::Word(w) if w.keyword == keyword);
        let behind_in = if word(0, Keyword::IN) {
            1
        } else if word(0, Keyword::NOT) && word(1, Keyword::IN) {
            2
        } else {
            return None;
        };
        let is_subquery = parser.peek_nth_token_ref(behind_in).token == Token::LParen
            && is_query_start(&parser.peek_nth_token_ref(behind_in + 1).token);
        is_subquery.then(|| super::subquery::in_query(self, parser, expr, behind_in == 2))
    }
}
