//! Lines and indentation of one statement.
//!
//! Clauses begin lines. Lists, conditions, brackets and CASE stay on their line when they fit and
//! hold no comment that ends a line; otherwise each item gets a line of its own.

use datafusion_sql::sqlparser::tokenizer::Token;

use super::pattern::{self, Region};
use super::spacing::{Around, blank};
use super::token::{Tok, in_types};
use super::{INDENT, LINE_CHARS_MAX};

/// The statement's text, with its semicolon.
pub(super) fn statement(tokens: &[Tok]) -> String {
    let mut printer = Printer::new(tokens);
    let ended = tokens.last().is_some_and(|t| t.token == Token::SemiColon);
    let end = tokens.len() - usize::from(ended);
    printer.statement(0, end);
    if ended {
        printer.emit(end, None, 0);
    } else {
        printer.out.push(';');
    }
    printer.out
}

struct Printer<'a> {
    tokens: &'a [Tok],
    /// For an opening bracket or CASE, the index of what closes it; else its own index.
    partner: Vec<usize>,
    around: Vec<Around>,
    /// Whether a token stands in `<…>` of a type, where commas separate no items.
    in_type: Vec<bool>,
    out: String,
    /// Characters on the current line.
    column: usize,
}

impl<'a> Printer<'a> {
    fn new(tokens: &'a [Tok]) -> Self {
        let in_type = in_types(tokens);
        Self {
            tokens,
            partner: partners(tokens),
            around: arounds(tokens, &in_type),
            in_type,
            out: String::new(),
            column: 0,
        }
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.is(word))
    }

    fn is_any(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|t| t.is_any(words))
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rfind('\n') {
            Some(at) => text[at + 1..].chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn newline(&mut self, indent: usize) {
        self.out.push('\n');
        self.column = indent;
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Prints a token with the comments before it: on a new line at `line`, or behind the last one;
    /// then `indent` is where a line goes on that a comment broke.
    fn emit(&mut self, at: usize, line: Option<usize>, indent: usize) {
        let token = &self.tokens[at];
        let mut broken = false;
        for comment in &token.comments {
            if comment.newline_before || broken {
                self.newline(line.unwrap_or(indent));
            } else if !self.out.is_empty() {
                self.push(" ");
            }
            self.push(&comment.text);
            broken = comment.newline_after;
        }
        if let Some(line) = line {
            if !self.out.is_empty() {
                self.newline(line);
            }
        } else if broken {
            self.newline(indent);
        } else if !token.comments.is_empty() || (at > 0 && self.blank(at)) {
            self.push(" ");
        }
        self.push(&token.text);
    }

    fn blank(&self, at: usize) -> bool {
        blank(&self.tokens[at - 1], &self.tokens[at], self.around[at])
    }

    /// Whether `start..end` fits on the line behind `column`, with nothing in it that breaks lines.
    fn fits(&self, start: usize, end: usize, column: usize) -> bool {
        let mut column = column;
        for at in start..end {
            let token = &self.tokens[at];
            if self.is_query(at) {
                return false;
            }
            if at > start {
                for comment in &token.comments {
                    if comment.newline_before || comment.newline_after || comment.text.contains('\n') {
                        return false;
                    }
                    column += comment.text.chars().count() + 1;
                }
                column += usize::from(!token.comments.is_empty() || self.blank(at));
            }
            column += token.text.chars().count();
            if column > LINE_CHARS_MAX {
                return false;
            }
        }
        true
    }

    /// Whether a query in brackets opens here.
    fn is_query(&self, at: usize) -> bool {
        self.tokens[at].token == Token::LParen && self.starts_query(at + 1)
    }

    fn starts_query(&self, at: usize) -> bool {
        let mut at = at;
        while self.tokens.get(at).is_some_and(|t| t.token == Token::LParen) {
            at += 1;
        }
        self.is_any(at, &["SELECT", "WITH"])
    }

    fn statement(&mut self, start: usize, end: usize) {
        if self.is(start, "EXPLAIN") {
            self.emit(start, None, INDENT);
            self.statement(start + 1, end);
        } else if self.is(start, "CREATE") {
            self.create(start, end);
        } else if self.is(start, "INSERT") {
            self.insert(start, end);
        } else {
            self.query(start, end, 0, None);
        }
    }

    /// `CREATE … (columns) WITH (options) AS query`.
    fn create(&mut self, start: usize, end: usize) {
        let is_stream = self.is(start + 1, "STREAM");
        let mut at = start;
        while at < end {
            if self.is(at, "AS") && self.starts_query(at + 1) {
                self.emit(at, None, INDENT);
                self.query(at + 1, end, 0, Some(0));
                return;
            }
            let close = self.partner[at];
            if close > at {
                let is_options = at > 0 && self.is(at - 1, "WITH");
                self.group(at, close, 0, is_stream || is_options);
            } else {
                self.emit(at, None, INDENT);
            }
            at = close + 1;
        }
    }

    /// `INSERT INTO s (columns)`, then VALUES or a query on a line of its own.
    fn insert(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            if self.is(at, "VALUES") && at > start + 1 {
                self.list(at, 1, end, 0, Some(0));
                return;
            }
            if at > start + 2 && self.starts_query(at) {
                self.query(at, end, 0, Some(0));
                return;
            }
            let close = self.partner[at];
            if close > at {
                self.group(at, close, 0, false);
            } else {
                self.emit(at, None, INDENT);
            }
            at = close + 1;
        }
    }

    /// Clauses, each on a line at `indent`; the first where `first` says.
    fn query(&mut self, start: usize, end: usize, indent: usize, first: Option<usize>) {
        let mut line = first;
        let mut at = start;
        while at < end {
            let mut next = at + 1;
            if self.partner[at] > at {
                next = self.partner[at] + 1;
            }
            while next < end && !self.starts_clause(next) {
                next = self.partner[next].max(next) + 1;
            }
            self.clause(at, next.min(end), indent, line);
            line = Some(indent);
            at = next;
        }
    }

    fn starts_clause(&self, at: usize) -> bool {
        let before = &self.tokens[at - 1];
        if !before.ends_operand() {
            return false;
        }
        let pair = |first: &str, second: &str| self.is(at, first) && self.is(at + 1, second);
        self.is_any(
            at,
            &[
                "SELECT", "FROM", "WHERE", "HAVING", "QUALIFY", "LIMIT", "OFFSET", "FETCH", "UNION",
                "WINDOW", "OUTPUT",
            ],
        ) || pair("GROUP", "BY")
            || pair("ORDER", "BY")
            || pair("AGGREGATE", "BY")
            || pair("AGGREGATE", "EVERY")
    }

    fn clause(&mut self, start: usize, end: usize, indent: usize, line: Option<usize>) {
        if self.is(start, "SELECT") {
            let head = 1 + usize::from(self.is(start + 1, "DISTINCT"));
            self.list(start, head, end, indent, line);
        } else if self.is_any(start, &["GROUP", "ORDER"]) && self.is(start + 1, "BY") {
            self.list(start, 2, end, indent, line);
        } else if self.is_any(start, &["WHERE", "HAVING", "QUALIFY"]) {
            self.condition(start, end, indent, line);
        } else if self.is(start, "WITH") {
            self.ctes(start, end, indent, line);
        } else {
            self.inline(start, end, indent, line);
        }
    }

    /// A head of `head` tokens and items between commas.
    fn list(&mut self, start: usize, head: usize, end: usize, indent: usize, line: Option<usize>) {
        if self.fits(start, end, line.unwrap_or(self.column)) {
            self.inline(start, end, indent, line);
            return;
        }
        let items_start = (start + head).min(end);
        self.inline(start, items_start, indent, line);
        self.items(items_start, end, indent + INDENT);
    }

    /// Items between commas, each on a line at `indent`.
    fn items(&mut self, start: usize, end: usize, indent: usize) {
        let mut at = start;
        while at < end {
            let mut next = at;
            while next < end && (self.tokens[next].token != Token::Comma || self.in_type[next]) {
                next = self.partner[next] + 1;
            }
            let next = next.min(end);
            self.inline(at, next, indent, Some(indent));
            if next < end {
                self.emit(next, None, indent);
            }
            at = next + 1;
        }
    }

    /// WHERE and its kin: AND and OR begin lines when the whole does not fit.
    fn condition(&mut self, start: usize, end: usize, indent: usize, line: Option<usize>) {
        if self.fits(start, end, line.unwrap_or(self.column)) {
            self.inline(start, end, indent, line);
            return;
        }
        let mut line = line;
        let mut at = start;
        let mut between = false;
        let mut next = start + 1;
        while next < end {
            if self.is(next, "BETWEEN") {
                between = true;
            } else if self.is(next, "AND") && between {
                between = false;
            } else if self.is_any(next, &["AND", "OR"]) {
                self.inline(at, next, indent, line);
                line = Some(indent + INDENT);
                at = next;
            }
            next = self.partner[next] + 1;
        }
        self.inline(at, end, indent + INDENT * usize::from(at > start), line);
    }

    /// `WITH a AS (…), b AS (…)`: each name begins a line.
    fn ctes(&mut self, start: usize, end: usize, indent: usize, line: Option<usize>) {
        let mut line = line;
        let mut at = start;
        while at < end {
            let mut next = at;
            while next < end && self.tokens[next].token != Token::Comma {
                next = self.partner[next] + 1;
            }
            let next = (next + 1).min(end);
            self.inline(at, next, indent, line);
            line = Some(indent);
            at = next;
        }
    }

    /// Tokens on one line, as far as their brackets fit.
    fn inline(&mut self, start: usize, end: usize, indent: usize, line: Option<usize>) {
        let mut at = start;
        while at < end {
            let place = if at == start { line } else { None };
            let close = self.partner[at];
            if close > at && self.is(at, "CASE") {
                self.case(at, close, indent, place);
            } else if close > at {
                if let Some(place) = place {
                    self.emit(at, Some(place), indent);
                    self.group_inside(at, close, indent, false);
                } else {
                    self.group(at, close, indent, false);
                }
            } else {
                self.emit(at, place, indent + INDENT);
            }
            at = close + 1;
        }
    }

    /// A bracket with what is in it.
    fn group(&mut self, open: usize, close: usize, indent: usize, force: bool) {
        self.emit(open, None, indent + INDENT);
        self.group_inside(open, close, indent, force);
    }

    fn group_inside(&mut self, open: usize, close: usize, indent: usize, force: bool) {
        let inner = indent + INDENT;
        if self.is_query(open) {
            self.query(open + 1, close, inner, Some(inner));
            self.emit(close, Some(indent), indent);
        } else if open + 1 == close || (!force && self.fits(open, close + 1, self.column - 1)) {
            self.inline(open + 1, close + 1, indent, None);
        } else if open > 0 && self.is(open - 1, "MATCH_RECOGNIZE") {
            self.recognize(open + 1, close, inner);
            self.emit(close, Some(indent), indent);
        } else {
            if open > 0 && self.is_any(open - 1, &["OVER", "AS"]) && self.over_part(open + 1) {
                self.over_parts(open + 1, close, inner);
            } else {
                self.items(open + 1, close, inner);
            }
            self.emit(close, Some(indent), indent);
        }
    }

    /// Whether a part of OVER (…) begins here.
    fn over_part(&self, at: usize) -> bool {
        (self.is_any(at, &["PARTITION", "ORDER"]) && self.is(at + 1, "BY"))
            || self.is_any(at, &["ROWS", "RANGE", "GROUPS"])
    }

    /// PARTITION BY, ORDER BY and the frame, each on a line at `indent`.
    fn over_parts(&mut self, start: usize, end: usize, indent: usize) {
        let mut at = start;
        while at < end {
            let mut next = self.partner[at] + 1;
            while next < end && !(self.over_part(next) && self.tokens[next - 1].ends_operand()) {
                next = self.partner[next] + 1;
            }
            let next = next.min(end);
            self.inline(at, next, indent, Some(indent));
            at = next;
        }
    }

    /// Clauses of MATCH_RECOGNIZE, each on a line at `indent`.
    fn recognize(&mut self, start: usize, end: usize, indent: usize) {
        let mut at = start;
        while at < end {
            let mut next = self.partner[at] + 1;
            while next < end && !pattern::starts_clause(self.tokens, next) {
                next = self.partner[next] + 1;
            }
            let next = next.min(end);
            if self.is_any(at, &["MEASURES", "DEFINE", "SUBSET"]) {
                self.list(at, 1, next, indent, Some(indent));
            } else {
                self.inline(at, next, indent, Some(indent));
            }
            at = next;
        }
    }

    fn case(&mut self, start: usize, close: usize, indent: usize, line: Option<usize>) {
        let column = match line {
            Some(line) => line,
            None => self.column + 1,
        };
        if self.fits(start, close + 1, column) {
            self.emit(start, line, indent + INDENT);
            self.inline(start + 1, close + 1, indent, None);
            return;
        }
        self.emit(start, line, indent + INDENT);
        let inner = indent + INDENT;
        let mut at = start + 1;
        while at < close {
            let mut next = self.partner[at] + 1;
            while next < close && !self.is_any(next, &["WHEN", "ELSE"]) {
                next = self.partner[next] + 1;
            }
            let place = self.is_any(at, &["WHEN", "ELSE"]).then_some(inner);
            self.inline(at, next, inner, place);
            at = next;
        }
        self.emit(close, Some(indent), indent);
    }
}

/// Closing index for each opening bracket and CASE; everything else closes itself.
fn partners(tokens: &[Tok]) -> Vec<usize> {
    let mut partner: Vec<usize> = (0..tokens.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.opens() || token.is("CASE") {
            open.push(at);
        } else if token.is("END") {
            if let Some(start) = open.last().copied()
                && tokens[start].is("CASE")
            {
                open.pop();
                partner[start] = at;
            }
        } else if token.closes() {
            // A CASE without END is a column of that name.
            while open.last().is_some_and(|start| tokens[*start].is("CASE")) {
                open.pop();
            }
            if let Some(start) = open.pop() {
                partner[start] = at;
            }
        }
    }
    partner
}

/// What the blanks before each token depend on.
fn arounds(tokens: &[Tok], in_type: &[bool]) -> Vec<Around> {
    let mut out = vec![Around::default(); tokens.len()];
    let regions = pattern::regions(tokens);
    let mut open: Vec<&Token> = Vec::new();
    for at in 1..tokens.len() {
        let (before, this) = (&tokens[at - 1], &tokens[at]);
        if before.opens() {
            open.push(&before.token);
        } else if before.closes() {
            open.pop();
        }
        let is_sign = matches!(before.token, Token::Minus | Token::Plus)
            && !at.checked_sub(2).is_some_and(|left| is_operand(tokens, left));
        let in_slice = open.last() == Some(&&Token::LBracket)
            && (this.token == Token::Colon || before.token == Token::Colon);
        let is_angle = in_type[at]
            && (before.token == Token::Lt || matches!(this.token, Token::Lt | Token::Gt | Token::ShiftRight));
        out[at] = Around {
            after_sign: is_sign,
            tight: in_slice || is_angle,
            pattern: if regions[at] == Region::Shape { pattern::blank(tokens, at) } else { None },
            head: this.token == Token::LParen && is_head(tokens, at),
        };
    }
    for key in option_keys(tokens) {
        for at in key.skip(1) {
            out[at].tight = true;
            out[at].after_sign = false;
        }
    }
    out
}

/// The tokens of each key in WITH (…) of CREATE.
fn option_keys(tokens: &[Tok]) -> Vec<std::ops::Range<usize>> {
    let mut keys = Vec::new();
    if !tokens.first().is_some_and(|t| t.is("CREATE")) {
        return keys;
    }
    let Some(with) =
        (1..tokens.len()).find(|at| tokens[*at - 1].is("WITH") && tokens[*at].token == Token::LParen)
    else {
        return keys;
    };
    let mut start = with + 1;
    for (at, token) in tokens.iter().enumerate().skip(with + 1) {
        match token.token {
            Token::Eq => keys.push(start..at),
            Token::Comma => start = at + 1,
            Token::RParen => break,
            _ => {}
        }
    }
    keys
}

/// Whether an operand ends at `at`: `*` is one only as the wildcard.
fn is_operand(tokens: &[Tok], at: usize) -> bool {
    if tokens[at].token == Token::Mul {
        return !(at > 0 && is_operand(tokens, at - 1));
    }
    tokens[at].ends_operand()
}

fn is_head(tokens: &[Tok], at: usize) -> bool {
    let is = |back: usize, words: &[&str]| at.checked_sub(back).is_some_and(|i| tokens[i].is_any(words));
    if !tokens[at - 1].is_word() {
        return false;
    }
    let created = is(2, &["STREAM", "VIEW"]) && is(3, &["CREATE"]);
    let created_if = is(2, &["EXISTS"]) && is(3, &["NOT"]) && is(4, &["IF"]);
    let inserted = is(2, &["INTO"]);
    let window = is(2, &["WINDOW"]);
    let pattern = is(1, &["MATCH_RECOGNIZE"])
        || (is(1, &["PATTERN", "SEQUENCE"]) && pattern::regions(tokens).get(at + 1) == Some(&Region::Shape));
    let wildcard = at >= 2 && tokens[at - 2].token == Token::Mul && is(1, &["EXCLUDE", "EXCEPT", "REPLACE"]);
    created || created_if || inserted || window || wildcard || pattern
}
