//! A cursor over the tokens of one statement: our own look-ahead and errors on top of
//! `sqlparser`'s public parser, and everything that is delegated to it.

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Location, Token};

use crate::ast::{Name, Span};
use crate::diag::{Diagnostic, Result, codes, explain};
use crate::lower::sqlast;

use super::depth;
use super::dialect::CeptraDialect;
use super::tokens::{Piece, tokenize};

/// Deepest nesting of expressions for `sqlparser`'s recursive descent, which takes up to 10 KB of
/// stack a level.
const EXPR_RECURSION_MAX: usize = 64;

/// Words that no object may be called without quotes.
const RESERVED: &[&str] = &[
    "SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "UNION", "WITH", "AS", "ON", "AND", "OR", "NOT",
    "NULL", "CREATE", "INSERT", "INTO", "VALUES", "JOIN", "CASE", "WHEN", "THEN", "ELSE", "END", "IN", "IS",
    "LIKE", "BETWEEN", "DISTINCT", "TABLE", "WINDOW", "LIMIT", "DROP",
];

/// One statement being parsed.
pub(crate) struct Cursor<'a> {
    parser: Parser<'a>,
    spans: Vec<Span>,
    end: Span,
    /// The script, for slices of it.
    pub(crate) text: &'a str,
    /// Nesting of queries, see `query`.
    pub(crate) query_depth: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first token of `piece`.
    ///
    /// # Errors
    /// What [`Piece::check`] and [`depth::check`] refuse.
    pub(crate) fn new(text: &'a str, dialect: &'a CeptraDialect, piece: Piece) -> Result<Self> {
        piece.check()?;
        depth::check(&piece)?;
        let mut parser = Parser::new(dialect)
            .with_recursion_limit(EXPR_RECURSION_MAX)
            .with_tokens_with_locations(piece.tokens);
        parser.advance_token();
        Ok(Self { parser, spans: piece.spans, end: piece.end, text, query_depth: 0 })
    }

    /// Index of the next token.
    fn index(&self) -> usize {
        self.parser.get_current_index() + 1
    }

    /// The token `n` ahead; `EOF` behind the last.
    pub(crate) fn token(&self, n: usize) -> &Token {
        &self.parser.peek_nth_token_ref(n).token
    }

    /// Byte range of the token `n` ahead.
    pub(crate) fn span(&self, n: usize) -> Span {
        self.spans.get(self.index() + n).copied().unwrap_or(self.end)
    }

    /// Byte range of the token before the next.
    pub(crate) fn last_span(&self) -> Span {
        self.spans.get(self.index() - 1).copied().unwrap_or(self.end)
    }

    /// From the start of `first` to the end of the last token taken.
    pub(crate) fn since(&self, first: Span) -> Span {
        Span::new(first.start, self.last_span().end.max(first.start))
    }

    /// Whether all tokens are taken.
    pub(crate) fn at_end(&self) -> bool {
        *self.token(0) == Token::EOF
    }

    /// Takes one token.
    pub(crate) fn advance(&mut self) {
        self.parser.advance_token();
    }

    /// The unquoted word `n` ahead.
    pub(crate) fn word(&self, n: usize) -> Option<&str> {
        match self.token(n) {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Whether the unquoted word `n` ahead is `expected`, in any case.
    pub(crate) fn is(&self, n: usize, expected: &str) -> bool {
        self.word(n).is_some_and(|w| w.eq_ignore_ascii_case(expected))
    }

    /// Whether the unquoted words ahead are `expected`.
    pub(crate) fn are(&self, expected: &[&str]) -> bool {
        expected.iter().enumerate().all(|(n, word)| self.is(n, word))
    }

    /// Whether the unquoted word `n` ahead is one of `expected`.
    pub(crate) fn is_one_of(&self, n: usize, expected: &[&str]) -> bool {
        expected.iter().any(|word| self.is(n, word))
    }

    /// Whether the token `n` ahead is `expected`.
    pub(crate) fn is_token(&self, n: usize, expected: &Token) -> bool {
        self.token(n) == expected
    }

    /// Takes the words `expected` when they come next.
    pub(crate) fn eat(&mut self, expected: &[&str]) -> bool {
        let found = self.are(expected);
        if found {
            for _ in expected {
                self.advance();
            }
        }
        found
    }

    /// Takes `expected` when it comes next.
    pub(crate) fn eat_token(&mut self, expected: &Token) -> bool {
        let found = self.is_token(0, expected);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the word `expected` and returns where it stood.
    pub(crate) fn expect(&mut self, expected: &str) -> Result<Span> {
        if self.is(0, expected) {
            self.advance();
            Ok(self.last_span())
        } else {
            Err(self.unexpected(&format!("`{expected}`")))
        }
    }

    /// Takes the token `expected` and returns where it stood.
    pub(crate) fn expect_token(&mut self, expected: &Token) -> Result<Span> {
        if self.eat_token(expected) {
            Ok(self.last_span())
        } else {
            Err(self.unexpected(&format!("`{expected}`")))
        }
    }

    /// "expected …, found …" at the next token.
    pub(crate) fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let found = found(self.token(0));
        Box::new(Diagnostic::at(codes::SYNTAX, self.span(0), format!("expected {expected}, found {found}")))
    }

    /// An error at the next token.
    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(code, self.span(0), message)
    }

    /// The next token as a name, whatever word it is, or `None`.
    pub(crate) fn peek_name(&self) -> Option<Name> {
        match self.token(0) {
            Token::Word(word) => Some(Name { text: word.value.clone(), span: self.span(0) }),
            _ => None,
        }
    }

    /// Takes a column or alias name.
    pub(crate) fn name(&mut self, what: &str) -> Result<Name> {
        let quoted = matches!(self.token(0), Token::Word(w) if w.quote_style.is_some());
        if let Token::SingleQuotedString(text) = self.token(0) {
            let text = text.clone();
            return Err(Box::new(
                self.unexpected(what).help(format!("names take double quotes: \"{text}\"")),
            ));
        }
        match self.peek_name() {
            Some(name) if !quoted && self.is_one_of(0, RESERVED) => {
                Err(Box::new(self.unexpected(what).help(format!(
                    "`{}` is a word of SQL; to use it as a name write \"{}\"",
                    name.text, name.text
                ))))
            }
            Some(name) if name.text.is_empty() => {
                Err(Box::new(self.error(codes::NAME, "a name cannot be empty")))
            }
            Some(name) => {
                self.advance();
                Ok(name)
            }
            None => Err(self.unexpected(what)),
        }
    }

    /// Takes the name of a stream, view or aggregation: one part, no `schema.` before it.
    pub(crate) fn object_name(&mut self, what: &str) -> Result<Name> {
        let name = self.name(what)?;
        if self.is_token(0, &Token::Period) {
            return Err(Box::new(
                Diagnostic::at(
                    codes::NAME,
                    name.span.to(self.span(0)),
                    "names of streams, views and aggregations have one part",
                )
                .help("there are no databases or schemas; quote the name if the dot belongs to it"),
            ));
        }
        Ok(name)
    }

    /// Takes a single-quoted string.
    pub(crate) fn string(&mut self, what: &str) -> Result<String> {
        match self.token(0) {
            Token::SingleQuotedString(text) => {
                let text = text.clone();
                self.advance();
                Ok(text)
            }
            Token::Word(word) if word.quote_style == Some('"') => {
                let help = format!("strings take single quotes: '{}'", word.value);
                Err(Box::new(self.unexpected(what).help(help)))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// `item {, item}`.
    pub(crate) fn comma_separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( name {, name} )`.
    pub(crate) fn name_list(&mut self, what: &str) -> Result<Vec<Name>> {
        self.expect_token(&Token::LParen)?;
        let names = self.comma_separated(|c| c.name(what))?;
        self.expect_token(&Token::RParen)?;
        Ok(names)
    }

    /// An expression, checked.
    pub(crate) fn expr(&mut self) -> Result<sql::Expr> {
        let expr = self.delegate(Parser::parse_expr)?;
        self.checked(sqlast::check_expr(&expr))?;
        Ok(expr)
    }

    /// An expression over the rows of a match, checked: as [`Self::expr`], and `count(x.*)`.
    pub(crate) fn match_expr(&mut self) -> Result<sql::Expr> {
        let expr = self.delegate(Parser::parse_expr)?;
        self.checked(sqlast::check_match_expr(&expr))?;
        Ok(expr)
    }

    /// An item of GROUP BY, checked: `(a, b)` means `a, b`.
    pub(crate) fn group(&mut self) -> Result<Vec<sql::Expr>> {
        let exprs = match self.delegate(Parser::parse_expr)? {
            sql::Expr::Tuple(exprs) => exprs,
            single => vec![single],
        };
        for expr in &exprs {
            self.checked(sqlast::check_expr(expr))?;
        }
        Ok(exprs)
    }

    /// A select item, checked.
    pub(crate) fn select_item(&mut self) -> Result<sql::SelectItem> {
        let item = self.delegate(Parser::parse_select_item)?;
        self.checked(sqlast::check_select_item(&item))?;
        Ok(item)
    }

    /// An ORDER BY item, checked.
    pub(crate) fn order_by_expr(&mut self) -> Result<sql::OrderByExpr> {
        let item = self.delegate(Parser::parse_order_by_expr)?;
        self.checked(sqlast::check_order_by(&item))?;
        Ok(item)
    }

    /// `name AS (…)` of a WINDOW clause, checked.
    pub(crate) fn named_window(&mut self) -> Result<sql::NamedWindowDefinition> {
        let window = self.delegate(Parser::parse_named_window)?;
        self.checked(sqlast::check_named_window(&window))?;
        Ok(window)
    }

    /// A data type as `sqlparser` sees it.
    pub(crate) fn data_type(&mut self) -> Result<sql::DataType> {
        self.delegate(Parser::parse_data_type)
    }

    /// An expression that stands in the string literal that comes next.
    pub(crate) fn expr_in_string(&mut self, what: &str) -> Result<sql::Expr> {
        let literal = self.span(0);
        let origin = self.parser.peek_token_ref().span.start;
        let text = self.string(what)?;
        // Positions inside are exact unless the literal holds an escaped quote.
        let verbatim = self.text.get(literal.start + 1..literal.end.saturating_sub(1)) == Some(text.as_str());
        let inside = |span: Span| {
            if verbatim {
                Span::new(literal.start + 1 + span.start, literal.start + 1 + span.end)
            } else {
                literal
            }
        };
        let (mut located, error) = tokenize(&text, true);
        if let Some(mut error) = error {
            error.span = error.span.map(inside);
            return Err(Box::new(error));
        }
        for token in &mut located {
            token.span = inside(token.span);
            let span = &mut token.token.span;
            span.start = shifted(span.start, origin);
            span.end = shifted(span.end, origin);
        }
        let dialect = CeptraDialect::for_tokens(located.len());
        let end = Span::new(literal.end.saturating_sub(1), literal.end);
        let mut inner = Cursor::new(self.text, &dialect, Piece::of(located, end))?;
        let expr = inner.expr()?;
        if inner.at_end() { Ok(expr) } else { Err(inner.unexpected("the end of the expression")) }
    }

    fn delegate<T>(&mut self, parse: impl FnOnce(&mut Parser<'a>) -> Result<T, ParserError>) -> Result<T> {
        let start = self.index();
        parse(&mut self.parser).map_err(|error| self.translate(&error, start))
    }

    /// Places what the walk over `sqlparser` nodes refused.
    fn checked(&self, outcome: Result<(), Box<sqlast::Refusal>>) -> Result<()> {
        outcome.map_err(|refusal| {
            let span = self.sqlparser_span(refusal.span);
            Box::new(Diagnostic {
                code: refusal.code,
                message: refusal.message,
                span: Some(span.unwrap_or_else(|| self.last_span())),
                help: refusal.help,
            })
        })
    }

    /// The bytes of a `sqlparser` span that lies in this statement.
    fn sqlparser_span(&self, span: datafusion_sql::sqlparser::tokenizer::Span) -> Option<Span> {
        let first = self.token_at_or_before(span.start)?;
        let last = self.token_ending_at(span.end).unwrap_or(first);
        Some(self.spans[first].to(self.spans[last.max(first)]))
    }

    fn location(&self, index: usize) -> Location {
        self.parser.token_at(index).span.start
    }

    /// The last token that starts at or before a location.
    fn token_at_or_before(&self, location: Location) -> Option<usize> {
        if location.line == 0 {
            return None;
        }
        let (mut low, mut high) = (1, self.spans.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.location(middle) <= location {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low > 1).then(|| low - 1)
    }

    fn token_ending_at(&self, end: Location) -> Option<usize> {
        let candidate = self.token_at_or_before(end)?;
        // A token that starts at `end` is the one behind.
        if self.location(candidate) == end && candidate > 1 { Some(candidate - 1) } else { Some(candidate) }
    }

    /// A parser error with its place and our words.
    fn translate(&self, error: &ParserError, start: usize) -> Box<Diagnostic> {
        let here = self.spans.get(start).copied().unwrap_or(self.end);
        let text = match error {
            ParserError::RecursionLimitExceeded => {
                return Box::new(
                    Diagnostic::at(
                        codes::TOO_DEEP,
                        here,
                        format!("expressions nest at most {EXPR_RECURSION_MAX} levels deep"),
                    )
                    .help("compute parts of it in a view or a common table expression"),
                );
            }
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
        };
        let (text, location) = split_location(text);
        let span = match location {
            Some(location) => self.token_at_or_before(location).map_or(here, |at| self.spans[at]),
            None if text.contains("found: EOF") => self.end,
            None => self.span(0),
        };
        Box::new(match ours(text) {
            Some((code, message, help)) => Diagnostic::at(code, span, message).help(help),
            None => Diagnostic::at(codes::SYNTAX, span, reworded(text)),
        })
    }
}

/// `location` counted from 1 inside a string literal that starts at `origin`.
fn shifted(location: Location, origin: Location) -> Location {
    Location {
        line: location.line + origin.line - 1,
        column: if location.line == 1 { location.column + origin.column } else { location.column },
    }
}

/// Splits "… at Line: 3, Column: 7".
fn split_location(text: &str) -> (&str, Option<Location>) {
    let Some((head, tail)) = text.rsplit_once(" at Line: ") else {
        return (text, None);
    };
    let location = tail
        .split_once(", Column: ")
        .and_then(|(line, column)| Some(Location { line: line.parse().ok()?, column: column.parse().ok()? }));
    match location {
        Some(location) => (head, Some(location)),
        None => (text, None),
    }
}

/// Takes apart what `dialect::refusal` wrote.
fn ours(text: &str) -> Option<(&'static str, String, String)> {
    let mut parts = text.strip_prefix('\u{1}')?.splitn(3, '\u{1}');
    let code = parts.next()?;
    let message = parts.next()?;
    let help = parts.next()?;
    let doc = explain(code)?;
    Some((doc.code, message.to_owned(), help.to_owned()))
}

/// "Expected: an expression, found: FROM" → "expected an expression, found `FROM`".
fn reworded(text: &str) -> String {
    let text = text.trim_start_matches("sql parser error: ");
    let Some((expected, found)) =
        text.strip_prefix("Expected: ").and_then(|rest| rest.rsplit_once(", found: "))
    else {
        return lower_first(text);
    };
    let found = if found == "EOF" {
        "the end of the statement".to_owned()
    } else {
        format!("`{}`", shortened(found))
    };
    let is_symbol = !expected.contains(' ') && !expected.starts_with(char::is_lowercase);
    if is_symbol {
        format!("expected `{expected}`, found {found}")
    } else {
        format!("expected {}, found {found}", lower_first(expected))
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    if chars.clone().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.to_lowercase().chain(chars).collect()
}

/// A token in a message; long literals are cut.
fn found(token: &Token) -> String {
    match token {
        Token::EOF => "the end of the statement".to_owned(),
        other => format!("`{}`", shortened(&other.to_string())),
    }
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.char_indices().nth(CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
