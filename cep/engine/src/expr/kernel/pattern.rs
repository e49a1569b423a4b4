//! LIKE, ILIKE and regular expressions. Patterns that are constant are compiled once; others once
//! for each run of equal patterns.

use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};

use super::map::Failures;
use crate::expr::error::{RowErrorKind, RowFailure};
use crate::expr::view::{Reg, View};

/// What kind of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expr) enum PatternKind {
    /// `%` any text, `_` any character, and the escape character, `\` unless another is given.
    Like { case_insensitive: bool, escape: char },
    /// A regular expression that must match somewhere.
    Regex { case_insensitive: bool },
}

/// A compiled pattern. Regular expressions work on bytes, so text needs no second UTF-8 check.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Matcher {
    Anything,
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Box<memmem::Finder<'static>>),
    Regex(Regex),
}

/// One part of a LIKE pattern.
enum Part {
    Text(String),
    AnyText,
    AnyChar,
}

impl PatternKind {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(in crate::expr) fn compile(self, pattern: &str) -> Result<Matcher, String> {
        match self {
            PatternKind::Regex { case_insensitive } => regex(pattern, case_insensitive).map(Matcher::Regex),
            PatternKind::Like { case_insensitive, escape } => {
                let parts = like_parts(pattern, escape);
                if !case_insensitive && let Some(simple) = simple_like(&parts) {
                    return Ok(simple);
                }
                regex(&like_regex(&parts), case_insensitive).map(Matcher::Regex)
            }
        }
    }
}

impl Matcher {
    #[inline]
    pub(in crate::expr) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Matcher::Anything => true,
            Matcher::Exact(wanted) => text == wanted.as_slice(),
            Matcher::Prefix(wanted) => text.starts_with(wanted),
            Matcher::Suffix(wanted) => text.ends_with(wanted),
            Matcher::Contains(finder) => finder.find(text).is_some(),
            Matcher::Regex(regex) => regex.is_match(text),
        }
    }
}

fn regex(pattern: &str, case_insensitive: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern).case_insensitive(case_insensitive).build().map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        // The last line of a syntax error says what is wrong; the ones before draw it.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("syntax error");
            last.trim().trim_start_matches("error: ").to_owned()
        }
    })
}

fn like_parts(pattern: &str, escape: char) -> Vec<Part> {
    let mut parts = Vec::new();
    let push_char = |parts: &mut Vec<Part>, c: char| match parts.last_mut() {
        Some(Part::Text(text)) => text.push(c),
        _ => parts.push(Part::Text(c.into())),
    };
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == escape {
            // An escape at the very end stands for itself.
            push_char(&mut parts, chars.next().unwrap_or(escape));
        } else if c == '%' {
            if !matches!(parts.last(), Some(Part::AnyText)) {
                parts.push(Part::AnyText);
            }
        } else if c == '_' {
            parts.push(Part::AnyChar);
        } else {
            push_char(&mut parts, c);
        }
    }
    parts
}

/// The pattern as one comparison or search, if it is that simple.
fn simple_like(parts: &[Part]) -> Option<Matcher> {
    let bytes = |text: &String| text.as_bytes().to_vec();
    Some(match parts {
        [] => Matcher::Exact(Vec::new()),
        [Part::AnyText] => Matcher::Anything,
        [Part::Text(t)] => Matcher::Exact(bytes(t)),
        [Part::Text(t), Part::AnyText] => Matcher::Prefix(bytes(t)),
        [Part::AnyText, Part::Text(t)] => Matcher::Suffix(bytes(t)),
        [Part::AnyText, Part::Text(t), Part::AnyText] => {
            Matcher::Contains(Box::new(memmem::Finder::new(t.as_bytes()).into_owned()))
        }
        _ => return None,
    })
}

fn like_regex(parts: &[Part]) -> String {
    let mut out = String::from(r"(?s)\A");
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(&regex::escape(text)),
            Part::AnyText => out.push_str(".*"),
            Part::AnyChar => out.push('.'),
        }
    }
    out.push_str(r"\z");
    out
}

/// Matches each value of `a` against one pattern.
pub(in crate::expr) fn match_constant(
    out: &mut Reg,
    rows: usize,
    (matcher, negated): (&Matcher, bool),
    a: View<'_>,
) {
    let text = a.text();
    out.bools().extend((0..rows).map(|row| matcher.matches(text.at(row)) != negated));
    out.strict_validity(rows, &[a]);
}

/// Matches each value of `a` against the pattern in the same row of `pattern`. A pattern that does
/// not compile is the error of its row.
pub(in crate::expr) fn match_each(
    out: &mut Reg,
    rows: usize,
    (kind, negated): (PatternKind, bool),
    (a, pattern): (View<'_>, View<'_>),
    failures: &mut Failures<'_>,
) {
    out.bools().resize(rows, false);
    out.strict_validity(rows, &[a, pattern]);
    let (text, patterns) = (a.text(), pattern.text());
    let mut latest: Option<(&str, Result<Matcher, String>)> = None;
    for row in 0..rows {
        if !out.column.is_valid(row) {
            continue;
        }
        let source = patterns.str_at(row);
        if latest.as_ref().is_none_or(|(known, _)| *known != source) {
            latest = Some((source, kind.compile(source)));
        }
        match &latest.as_ref().expect("set above").1 {
            Ok(matcher) => out.set_bool(row, matcher.matches(text.at(row)) != negated),
            Err(reason) => {
                failures.push(row, pattern_failure(source, reason));
                out.set_null(row, rows);
            }
        }
    }
}

/// Why a pattern of a row could not be used.
pub(in crate::expr) fn pattern_failure(pattern: &str, reason: &str) -> RowFailure {
    let text = format!("invalid regular expression {}: {reason}", super::cast::quoted(pattern));
    RowFailure::new(RowErrorKind::Pattern, text)
}
