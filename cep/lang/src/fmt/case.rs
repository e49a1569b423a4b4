//! Which words are keywords, and so are printed in upper case.
//!
//! A word may be a keyword in one place and a column in another; names keep their declared case.
//! The rules here are a good guess: `super::statement_text` checks what comes of it and falls back
//! to a narrower set.

use datafusion_sql::sqlparser::tokenizer::Token;

use super::pattern;
use super::token::{Tok, in_types};

/// Which words are printed in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Casing {
    /// Reserved words, and others where they are keywords.
    Contextual,
    /// Reserved words.
    Reserved,
    /// None.
    AsWritten,
}

/// Words that are hardly ever names.
const RESERVED: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "QUALIFY",
    "ORDER",
    "UNION",
    "ALL",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IN",
    "IS",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "DISTINCT",
    "AS",
    "CREATE",
    "INSERT",
    "INTO",
    "VALUES",
    "WITH",
    "EXISTS",
    "CAST",
    "TRY_CAST",
    "TRUE",
    "FALSE",
    "LIMIT",
    "OFFSET",
    "WINDOW",
    "OVER",
    "PARTITION",
    "FILTER",
    "ASC",
    "DESC",
    "DROP",
    "SHOW",
    "DESCRIBE",
    "EXPLAIN",
    "INTERVAL",
    "EXTRACT",
];

/// Words behind which a name stands, whatever it looks like.
const BEFORE_NAME: &[&str] = &["AS", "STREAM", "VIEW", "AGGREGATION", "INTO", "DESCRIBE", "TABLE"];

const TYPES: &[&str] = &[
    "BOOL",
    "BOOLEAN",
    "INT",
    "INTEGER",
    "INT4",
    "INT8",
    "INT32",
    "INT64",
    "BIGINT",
    "LONG",
    "FLOAT",
    "FLOAT4",
    "FLOAT8",
    "FLOAT32",
    "FLOAT64",
    "REAL",
    "DOUBLE",
    "PRECISION",
    "DECIMAL",
    "NUMERIC",
    "DEC",
    "STRING",
    "TEXT",
    "VARCHAR",
    "BYTES",
    "BYTEA",
    "BLOB",
    "BINARY",
    "VARBINARY",
    "TIMESTAMP",
    "DATETIME",
    "DATE",
    "TIME",
    "INTERVAL",
    "ARRAY",
    "MAP",
    "STRUCT",
    "JSON",
];

const UNITS: &[&str] = &[
    "NANOSECOND",
    "NANOSECONDS",
    "MICROSECOND",
    "MICROSECONDS",
    "MILLISECOND",
    "MILLISECONDS",
    "MS",
    "SECOND",
    "SECONDS",
    "SEC",
    "MINUTE",
    "MINUTES",
    "MIN",
    "HOUR",
    "HOURS",
    "DAY",
    "DAYS",
    "WEEK",
    "WEEKS",
    "MONTH",
    "MONTHS",
    "QUARTER",
    "QUARTERS",
    "YEAR",
    "YEARS",
    "EVENTS",
    "EVENT",
    "ROWS",
    "ROW",
];

const WINDOW_PARAMS: &[&str] = &[
    "SIZE",
    "SLIDE",
    "OFFSET",
    "ZONE",
    "STEP",
    "GAP",
    "KEY",
    "ROWS",
    "LENGTH",
    "START",
    "TIMEOUT",
    "COLUMN",
    "DELAY",
    "EXPRESSION",
    "CONDITION",
    "INCLUDE",
    "TRIGGERING",
    "COUNTERS",
    "SUPPORT",
    "ERROR",
    "DATA",
    "TIMECOL",
];

/// The tokens with their words in the case they are printed in.
pub(super) fn cased(tokens: &[Tok], casing: Casing) -> Vec<Tok> {
    let mut out = tokens.to_vec();
    if casing == Casing::AsWritten {
        return out;
    }
    let columns = column_list(tokens);
    let in_type = in_types(tokens);
    let regions = pattern::regions(tokens);
    for at in 0..tokens.len() {
        let word = tokens[at].word();
        if word.is_empty() {
            continue;
        }
        let place = Place { tokens, at, word: &word };
        let in_columns = columns.as_ref().is_some_and(|range| range.contains(&at));
        let upper = match casing {
            Casing::AsWritten => false,
            Casing::Reserved => !in_columns && place.is_reserved(),
            Casing::Contextual if in_columns || in_type[at] => place.is_column_word(),
            Casing::Contextual => {
                place.is_reserved()
                    || place.is_contextual()
                    || (!place.is_part_of_name() && pattern::is_keyword(tokens, at, regions[at]))
            }
        };
        if upper {
            out[at].text = word;
        }
    }
    out
}

/// The inside of the column list of CREATE STREAM.
fn column_list(tokens: &[Tok]) -> Option<std::ops::Range<usize>> {
    if !(tokens.len() > 3 && tokens[0].is("CREATE") && tokens[1].is("STREAM")) {
        return None;
    }
    let name = if tokens[2].is("IF") { 5 } else { 2 };
    let open = name + 1;
    if tokens.get(open)?.token != Token::LParen {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth -= 1;
            if depth == 0 {
                return Some(open + 1..at);
            }
        }
    }
    None
}

/// A word with what stands around it.
struct Place<'a> {
    tokens: &'a [Tok],
    at: usize,
    word: &'a str,
}

impl Place<'_> {
    fn before(&self, n: usize) -> Option<&Tok> {
        self.at.checked_sub(n).map(|at| &self.tokens[at])
    }

    fn after(&self, n: usize) -> Option<&Tok> {
        self.tokens.get(self.at + n)
    }

    fn behind(&self, words: &[&str]) -> bool {
        self.before(1).is_some_and(|t| t.is_any(words))
    }

    fn ahead(&self, words: &[&str]) -> bool {
        self.after(1).is_some_and(|t| t.is_any(words))
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.word)
    }

    /// Beside a dot, or a key of WITH (…).
    fn is_part_of_name(&self) -> bool {
        let dot = |tok: Option<&Tok>| tok.is_some_and(|t| t.token == Token::Period);
        let key = self.after(1).is_some_and(|t| t.token == Token::Eq)
            && self.before(1).is_some_and(|t| matches!(t.token, Token::LParen | Token::Comma));
        dot(self.before(1)) || dot(self.after(1)) || key
    }

    fn is_reserved(&self) -> bool {
        if !self.is_one_of(RESERVED) || self.is_part_of_name() {
            return false;
        }
        let query_start = self.is_one_of(&["SELECT", "WITH"]);
        query_start || !self.behind(BEFORE_NAME) || self.is_type()
    }

    /// A type behind AS in a CAST, or behind `::`.
    fn is_type(&self) -> bool {
        self.is_one_of(TYPES)
            && (self.before(1).is_some_and(|t| t.token == Token::DoubleColon)
                || (self.behind(&["AS"])
                    && self.after(1).is_some_and(|t| {
                        matches!(t.token, Token::RParen | Token::LParen | Token::Lt | Token::LBracket)
                    }))
                || (self.word == "MAP" && self.after(1).is_some_and(|t| t.token == Token::LBrace))
                || (self.word == "ARRAY" && self.after(1).is_some_and(|t| t.token == Token::LBracket)))
    }

    /// A type or constraint in a column list; the first word of a column is its name.
    fn is_column_word(&self) -> bool {
        let name_position =
            self.before(1).is_none_or(|t| matches!(t.token, Token::LParen | Token::Comma | Token::Lt));
        if name_position && self.after(1).is_some_and(Tok::is_word) {
            return false;
        }
        self.is_one_of(TYPES) || self.is_one_of(&["NOT", "NULL"])
    }

    fn is_contextual(&self) -> bool {
        if self.is_part_of_name() {
            return false;
        }
        self.is_type() || self.is_head() || self.is_window_word() || self.is_query_word()
    }

    /// Words of statement heads.
    fn is_head(&self) -> bool {
        match self.word {
            "STREAM" | "VIEW" | "AGGREGATION" => {
                self.behind(&["CREATE", "DROP", "DESCRIBE", "DESC"])
                    && self.after(1).is_some_and(Tok::is_word)
            }
            "STREAMS" | "VIEWS" | "AGGREGATIONS" | "QUERIES" | "FUNCTIONS" | "WINDOWS" => {
                self.behind(&["SHOW"])
            }
            "IF" => self.behind(&["STREAM", "VIEW", "AGGREGATION"]) && self.ahead(&["NOT", "EXISTS"]),
            "DESC" => self.at == 0,
            "AGGREGATE" => self.ahead(&["BY", "EVERY"]),
            "EVERY" => {
                self.after(1).is_some_and(|t| {
                    matches!(t.token, Token::Number(_, _))
                        || t.is_any(UNITS)
                        || t.is("INTERVAL")
                        || matches!(t.token, Token::SingleQuotedString(_))
                }) || self.behind(&["OUTPUT", "SNAPSHOT"])
            }
            "OUTPUT" => self.ahead(&["ALL", "FIRST", "LAST", "SNAPSHOT", "EVERY"]),
            "FIRST" | "LAST" | "SNAPSHOT" => self.behind(&["OUTPUT", "NULLS", "FETCH"]),
            "TO" => self.behind(UNITS) && self.ahead(UNITS),
            _ => self.is_one_of(UNITS) && self.is_grain(),
        }
    }

    /// `SECONDS, MINUTES` and `SECONDS … YEARS` behind EVERY.
    fn is_grain(&self) -> bool {
        let mut at = self.at;
        while at > 0 {
            let before = &self.tokens[at - 1];
            if before.is("EVERY") {
                return true;
            }
            let goes_on = before.is_any(UNITS)
                || before.is("TO")
                || matches!(before.token, Token::Comma | Token::Char('…') | Token::Period);
            if !goes_on {
                return false;
            }
            at -= 1;
        }
        false
    }

    fn is_window_word(&self) -> bool {
        let number = |t: &Tok| matches!(t.token, Token::Number(_, _));
        let value = |t: &Tok| {
            number(t) || matches!(t.token, Token::RArrow | Token::SingleQuotedString(_)) || t.is("INTERVAL")
        };
        if self.is_one_of(UNITS) {
            let quoted = self.before(1).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)))
                && self.before(2).is_some_and(|t| t.is("INTERVAL"));
            if self.before(1).is_some_and(number) || quoted {
                return true;
            }
        }
        if self.behind(&["WINDOW"]) {
            return !self.ahead(&["AS"]);
        }
        let is_call = self.after(1).is_some_and(|t| t.token == Token::LParen);
        match self.word {
            "DESCRIPTOR" => is_call,
            "TABLE" => {
                is_call
                    || (self.before(1).is_some_and(|t| t.token == Token::LParen || t.token == Token::RArrow))
            }
            "INCLUDE" => self.ahead(&["TRIGGERING"]),
            "TRIGGERING" => self.behind(&["INCLUDE"]),
            _ if is_call => {
                self.after(2).is_some_and(|t| t.is_any(&["TABLE", "DATA"]))
                    && self.before(1).is_some_and(|t| t.token == Token::LParen || t.is("FROM"))
            }
            _ => {
                self.is_one_of(WINDOW_PARAMS)
                    && self.before(1).is_some_and(|t| matches!(t.token, Token::LParen | Token::Comma))
                    && self.after(1).is_some_and(|t| value(t) || (self.word == "KEY" && t.is_word()))
            }
        }
    }

    fn is_query_word(&self) -> bool {
        match self.word {
            "NULLS" => self.ahead(&["FIRST", "LAST"]) || self.behind(&["IGNORE", "RESPECT"]),
            "IGNORE" | "RESPECT" => self.ahead(&["NULLS"]),
            "WITHIN" => {
                self.ahead(&["GROUP"])
                    || self.after(1).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)))
            }
            "PER" => self
                .after(1)
                .is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)) || t.is_any(UNITS)),
            "ROWS" | "RANGE" | "GROUPS" => {
                self.ahead(&["BETWEEN", "UNBOUNDED", "CURRENT"])
                    || self.after(2).is_some_and(|t| t.is("PRECEDING"))
            }
            "UNBOUNDED" => self.ahead(&["PRECEDING", "FOLLOWING"]),
            "PRECEDING" | "FOLLOWING" => {
                self.behind(&["UNBOUNDED"]) || self.before(1).is_some_and(Tok::ends_operand)
            }
            "CURRENT" => self.ahead(&["ROW"]),
            "ROW" => self.behind(&["CURRENT"]),
            "AT" => self.ahead(&["TIME"]),
            "TIME" => self.behind(&["AT"]) && self.ahead(&["ZONE"]),
            "ZONE" => self.behind(&["TIME"]),
            "FETCH" => self.ahead(&["FIRST", "NEXT"]),
            "NEXT" => self.behind(&["FETCH"]),
            "ONLY" => self.behind(&["ROW", "ROWS"]),
            "ESCAPE" => self.after(1).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_))),
            "TIMESTAMP" | "DATE" | "TIME_OF_DAY" => {
                self.after(1).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)))
            }
            "EXCLUDE" | "EXCEPT" | "REPLACE" => {
                self.before(1).is_some_and(|t| t.token == Token::Mul)
                    && self.after(1).is_some_and(|t| t.token == Token::LParen)
            }
            _ => self.is_one_of(UNITS) && self.behind(&["PER"]),
        }
    }
}
