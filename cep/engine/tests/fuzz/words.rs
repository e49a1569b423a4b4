//! A script as words and symbols, roughly: what mutations move about.

use std::sync::LazyLock;

use cep_lang::functions::FunctionRegistry;
use regex::Regex;

use crate::corpus::CORPUS;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Name,
    Number,
    Text,
    Symbol,
    Blank,
}

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?s)\s+|--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\w+(?:\.\d+)?|::|=>|->>|->|<=|>=|<>|."#;
    Regex::new(pattern).expect("a pattern")
});

/// Cuts a text; the pieces together are the text.
pub fn cut(text: &str) -> Vec<String> {
    WORD.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// What a word is.
pub fn kind(word: &str) -> Kind {
    match word.chars().next() {
        None => Kind::Blank,
        Some(c) if c.is_whitespace() => Kind::Blank,
        Some(c) if c.is_ascii_digit() => Kind::Number,
        Some('\'') => Kind::Text,
        Some('"') => Kind::Name,
        Some(c) if c.is_alphanumeric() || c == '_' => Kind::Name,
        Some(_) => Kind::Symbol,
    }
}

/// Every word of the corpus and every function once.
pub static DICTIONARY: LazyLock<Vec<String>> = LazyLock::new(|| {
    let corpus = CORPUS.scripts.iter().chain(&CORPUS.statements);
    let mut words: Vec<String> = corpus.flat_map(|text| cut(text)).collect();
    words.retain(|word| kind(word) != Kind::Blank && word.len() < 60);
    words.extend(FUNCTIONS.iter().cloned());
    words.sort();
    words.dedup();
    words
});

/// Names of all functions, in order.
pub static FUNCTIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let registry = FunctionRegistry::new();
    let mut names = registry.scalar_names();
    names.extend(registry.aggregate_names());
    names.extend(registry.window_names());
    names.extend(registry.higher_order_names());
    names.sort();
    names.dedup();
    names
});

/// Numbers at the ends of types and of patience.
pub const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "100",
    "1023",
    "1024",
    "65536",
    "1000001",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "0.1",
    "0.5",
    "1e-400",
    "1e308",
    "1e309",
    "1e999999999999",
    "0x7f",
    "1_000",
    "00000000000000000000000000000000000000000000000000000001",
    "0.00000000000000000000000000000000000000000000000000000000000001",
];

/// Strings that somebody takes for something.
pub const TEXTS: &[&str] = &[
    "''",
    "' '",
    "'0'",
    "'-1'",
    "'NaN'",
    "'Infinity'",
    "'9223372036854775808'",
    "'1677-09-21 00:12:43'",
    "'2262-04-11 23:47:16.854775807'",
    "'2262-04-11 23:47:16.854775808'",
    "'0000-00-00'",
    "'-290308-01-01'",
    "'2024-02-30'",
    "'24:00:00'",
    "'Europe/Berlin'",
    "'Mars/Olympus'",
    "'1 DAY'",
    "'9999999 YEARS'",
    "'-9223372036854775808 nanoseconds'",
    "'* * * * * *'",
    "'0 0 30 2 *'",
    "'(((((('",
    "'[a-z'",
    "'(a*)*b'",
    "'%Y-%m-%d %H:%M:%S%.f %z'",
    "'%'",
    "'\\'",
    "'$'",
    "'${HOME}'",
    "'${'",
    "'$.a[*]..b'",
    "'{\"a\": [1, {\"b\": null}]}'",
    "'{'",
    "'\u{0}'",
    "'é🦀\u{301}\u{200f}'",
    "'it''s'",
    "'count(*) > 3'",
    "'1 > '",
    "'a'",
    "'year'",
    "'epoch'",
    "E'\\x00'",
    "X'00ff'",
    "X'0'",
];

/// Characters that nobody expects.
pub const ODD: &[&str] = &[
    "\u{0}",
    "\u{1}",
    "\u{7f}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "ﬁ",
    "İ",
    "ß",
    "é",
    "e\u{301}",
    "🦀",
    "‘",
    "’",
    "“",
    "；",
    "（",
    "'",
    "\"",
    "`",
    "--",
    "/*",
    "*/",
    "$$",
    "${",
    "\\",
    "\r",
    "\t",
    ";",
];
