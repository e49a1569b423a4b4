//! Generated and mutated scripts never panic, and every error lies inside the text.

use proptest::prelude::*;

use crate::diag::render;
use crate::sql::parse_script;

use super::{corpus, env};

/// Words and symbols that the grammar knows, and some that it does not.
const SOUP: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FIRST",
    "ROWS",
    "ONLY",
    "WINDOW",
    "TUMBLING",
    "HOP",
    "SESSION",
    "LENGTH",
    "SIZE",
    "SLIDE",
    "GAP",
    "KEY",
    "TABLE",
    "TUMBLE",
    "DESCRIPTOR",
    "DATA",
    "INTERVAL",
    "MINUTE",
    "SECONDS",
    "CREATE",
    "STREAM",
    "VIEW",
    "AGGREGATION",
    "AGGREGATE",
    "EVERY",
    "WITH",
    "AS",
    "INSERT",
    "INTO",
    "VALUES",
    "DROP",
    "IF",
    "NOT",
    "EXISTS",
    "NULL",
    "SHOW",
    "EXPLAIN",
    "OUTPUT",
    "LAST",
    "EVENTS",
    "SNAPSHOT",
    "WITHIN",
    "PER",
    "UNION",
    "ALL",
    "DISTINCT",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "IS",
    "IN",
    "LIKE",
    "BETWEEN",
    "AND",
    "OR",
    "OVER",
    "PARTITION",
    "FILTER",
    "QUALIFY",
    "ARRAY",
    "MAP",
    "STRUCT",
    "INT",
    "STRING",
    "DECIMAL",
    "EXTRACT",
    "AT",
    "TIME",
    "ZONE",
    "IGNORE",
    "NULLS",
    "JOIN",
    "LEFT",
    "CROSS",
    "ASOF",
    "ON",
    "USING",
    "UNIDIRECTIONAL",
    "PATTERN",
    "SEQUENCE",
    "MATCH_RECOGNIZE",
    "EVERY",
    "FOR",
    "MEASURES",
    "DEFINE",
    "SUBSET",
    "PERMUTE",
    "AFTER",
    "MATCH",
    "SKIP",
    "STEPS",
    "FINAL",
    "RUNNING",
    "->",
    "{-",
    "-}",
    "|",
    "^",
    "$",
    "?",
    "COLLATE",
    "TRIM",
    "a",
    "b",
    "s",
    "count",
    "f",
    "\"q\"",
    "'x'",
    "'5'",
    "1",
    "0",
    "2.5",
    "1e3",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ">>",
    ",",
    ";",
    ".",
    "...",
    "…",
    "=",
    "=>",
    "->",
    "->>",
    "::",
    ":",
    "+",
    "-",
    "*",
    "/",
    "%",
    "|",
    "||",
    "&",
    "^",
    "~",
    "!",
    "?",
    "@",
    "#",
    "$",
    "$$",
    "--",
    "/*",
    "*/",
    "\n",
    "'",
    "\"",
    "`",
    "E'",
    "X'",
    "${HOME}",
    "é",
    "\u{0}",
    "\u{1}",
    "🦀",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec((0..SOUP.len(), prop::bool::weighted(0.9)), 0..60).prop_map(|picks| {
        let mut text = String::new();
        for (at, blank) in picks {
            text.push_str(SOUP[at]);
            if blank {
                text.push(' ');
            }
        }
        text
    })
}

/// What is done to a well-formed script.
#[derive(Debug, Clone)]
enum Mutation {
    Delete(usize, usize),
    Insert(usize, usize),
    Repeat(usize, usize),
    Swap(usize, usize),
    Cut(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0_usize..1_000;
    prop_oneof![
        (at.clone(), 1_usize..12).prop_map(|(a, n)| Mutation::Delete(a, n)),
        (at.clone(), 0..SOUP.len()).prop_map(|(a, s)| Mutation::Insert(a, s)),
        (at.clone(), 1_usize..20).prop_map(|(a, n)| Mutation::Repeat(a, n)),
        (at.clone(), at.clone()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        at.prop_map(Mutation::Cut),
    ]
}

fn mutate(text: &str, mutations: &[Mutation]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for mutation in mutations {
        if chars.is_empty() {
            break;
        }
        let length = chars.len();
        match *mutation {
            Mutation::Delete(at, n) => {
                let at = at % length;
                chars.drain(at..(at + n).min(length));
            }
            Mutation::Insert(at, soup) => {
                let at = at % length;
                chars.splice(at..at, SOUP[soup].chars());
            }
            Mutation::Repeat(at, n) => {
                let at = at % length;
                let piece: Vec<char> = chars[at..(at + n).min(length)].to_vec();
                chars.splice(at..at, piece);
            }
            Mutation::Swap(a, b) => chars.swap(a % length, b % length),
            Mutation::Cut(at) => chars.truncate(at % length),
        }
    }
    chars.into_iter().collect()
}

/// Parses; whatever is wrong can be shown.
fn survives(text: &str) {
    if let Err(errors) = parse_script(text, &env) {
        assert!(!errors.is_empty());
        for error in &errors {
            let span = error.span.expect("a place");
            assert!(span.start <= span.end && span.end <= text.len(), "{error:?} in {text:?}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            assert!(!error.message.is_empty());
            let _ = render(error, "x.sql", text, false);
        }
    }
    if let Ok(formatted) = crate::fmt::format(text) {
        assert_eq!(crate::fmt::format(&formatted).as_ref(), Ok(&formatted), "of {text:?}");
    }
}

/// Runs; `CEPTRA_DEEP` asks for the long one.
fn cases() -> u32 {
    if std::env::var_os("CEPTRA_DEEP").is_some() { 20_000 } else { 500 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(text in soup()) {
        survives(&text);
    }

    #[test]
    fn soup_behind_select_never_panics(text in soup()) {
        survives(&format!("SELECT a FROM s {text}"));
    }

    #[test]
    fn mutated_scripts_never_panic(
        at in 0..corpus::STATEMENTS.len(),
        other in 0..corpus::STATEMENTS.len(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let text = format!("{};\n{}", corpus::STATEMENTS[at], corpus::STATEMENTS[other]);
        survives(&mutate(&text, &mutations));
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,80}") {
        survives(&text);
    }
}
