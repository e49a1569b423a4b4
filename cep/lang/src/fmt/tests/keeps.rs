//! Formatting keeps the statements, the tokens and the comments, and is done after once.

use std::path::Path;

use datafusion_sql::sqlparser::tokenizer::{Token, Whitespace};
use proptest::prelude::*;

use crate::ast::Statement;
use crate::fmt::{format, placeholder, without_spans};
use crate::sql::parse_with;
use crate::sql::tests::corpus::STATEMENTS;
use crate::sql::tokens::tokenize;
use crate::test_support::{manifest_dir, sql_blocks};

/// The statements of a script, at no place.
fn statements(text: &str) -> Vec<Statement> {
    match parse_with(text, &placeholder) {
        Ok(statements) => statements.into_iter().map(without_spans).collect(),
        Err(errors) => panic!("{text}\n{errors:#?}"),
    }
}

/// The comments of a script, in order, without blanks at the ends of their lines.
fn comments(text: &str) -> Vec<String> {
    let (tokens, error) = tokenize(text, true);
    assert_eq!(error, None, "{text}");
    tokens
        .into_iter()
        .filter_map(|located| match located.token.token {
            Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => Some(comment),
            Token::Whitespace(Whitespace::MultiLineComment(comment)) => Some(comment),
            _ => None,
        })
        .map(|comment| comment.trim().to_owned())
        .collect()
}

/// Asserts everything that formatting `text` must keep.
#[track_caller]
fn keeps(text: &str) {
    let once = format(text).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"));
    assert_eq!(statements(&once), statements(text), "the statements of\n{text}\nas\n{once}");
    assert_eq!(comments(&once), comments(text), "the comments of\n{text}\nas\n{once}");
    assert_eq!(format(&once).as_ref(), Ok(&once), "formatting twice\n{text}");
    assert!(once.lines().all(|line| line.trim_end() == line) || once.contains('\''), "blanks in\n{once}");
}

/// `statement` with the comments that `comment` gives for its gaps.
fn commented(statement: &str, mut comment: impl FnMut(usize) -> Option<&'static str>) -> String {
    let (tokens, _error) = tokenize(statement, true);
    let mut out = String::new();
    for (gap, located) in tokens.iter().enumerate() {
        if let Some(comment) = comment(gap) {
            out.push_str(comment);
        }
        out.push_str(&statement[located.span.start..located.span.end]);
    }
    out
}

#[test]
fn every_construct() {
    for statement in STATEMENTS {
        keeps(statement);
        keeps(&format!("-- above\n{statement}; -- behind\n\n/* below */"));
    }
    keeps(&STATEMENTS.join(";\n"));
}

#[test]
fn every_construct_with_a_comment_in_every_gap() {
    for statement in STATEMENTS {
        keeps(&commented(statement, |_gap| Some(" /* here */ ")));
        keeps(&commented(statement, |gap| (gap % 2 == 0).then_some(" -- here\n ")));
        keeps(&commented(statement, |gap| (gap % 2 == 1).then_some("\n\n-- here\n\n")));
    }
}

#[test]
fn a_comment_may_touch_an_operator() {
    keeps("SELECT a ||/* one */ b, c |/* two\n */ d, e ||/**/f -- three\nFROM t");
}

#[test]
fn every_app_is_kept() {
    let apps = manifest_dir().join("../../deploy/apps");
    let mut count = 0;
    for entry in std::fs::read_dir(apps).unwrap() {
        if let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("app.sql")) {
            keeps(&text);
            count += 1;
        }
    }
    assert!(count >= 8, "{count} apps");
}

#[test]
fn every_example_of_the_guide_is_kept() {
    let blocks = sql_blocks(Path::new("docs/sql.md"));
    assert!(!blocks.is_empty());
    blocks.iter().for_each(|block| keeps(&block.text));
}

proptest! {
    #[test]
    fn comments_stay_where_they_are_put(
        statement in prop::sample::select(STATEMENTS),
        gaps in prop::collection::btree_map(0_usize..60, prop::sample::select(&[
            "/* a */", " -- b\n", "\n-- c\n", "\n\n/* d\n   e */\n",
        ][..]), 0..6),
    ) {
        keeps(&commented(statement, |gap| gaps.get(&gap).copied()));
    }
}
