//! PATTERN, SEQUENCE and MATCH_RECOGNIZE: golden trees and refusals.

use std::fmt::Write as _;

use expect_test::expect;

use super::describe::duration;
use super::{parsed, refused};
use crate::ast::{
    MatchRecognize, PatternExpr, PatternExprKind, PatternKind, PatternSource, SkipKind, SkipTo, WithinBound,
    WithinKind,
};

/// A part with brackets around everything that has parts.
fn shape(part: &PatternExpr) -> String {
    let all = |parts: &[PatternExpr], between: &str| {
        format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(between))
    };
    match &part.kind {
        PatternExprKind::Stream { alias, stream, filter } => {
            let alias = alias.as_ref().map(|a| format!("{}=", a.text)).unwrap_or_default();
            let filter = filter.as_ref().map(|f| format!("[{f}]")).unwrap_or_default();
            format!("{alias}{}{filter}", stream.text)
        }
        PatternExprKind::Variable(name) => name.text.clone(),
        PatternExprKind::Then(parts) => all(parts, " -> "),
        PatternExprKind::Or(parts) => all(parts, " or "),
        PatternExprKind::And(parts) => all(parts, " and "),
        PatternExprKind::Permute(parts) => format!("permute{}", all(parts, ", ")),
        PatternExprKind::Repeat { body, min, max, reluctant } => {
            let max = max.map_or("*".to_owned(), |max| max.to_string());
            let reluctant = if *reluctant { "?" } else { "" };
            format!("{}{{{min}..{max}}}{reluctant}", shape(body))
        }
        PatternExprKind::Every(body) => format!("every {}", shape(body)),
        PatternExprKind::Not { body, length } => {
            let length = length.map(|length| format!(" for {}", duration(length))).unwrap_or_default();
            format!("not {}{length}", shape(body))
        }
        PatternExprKind::Within { body, bounds } => format!("{} within {}", shape(body), within(bounds)),
        PatternExprKind::Exclude(body) => format!("{{- {} -}}", shape(body)),
        PatternExprKind::Start => "^".to_owned(),
        PatternExprKind::End => "$".to_owned(),
        PatternExprKind::Empty => "()".to_owned(),
    }
}

fn within(bounds: &[WithinBound]) -> String {
    let text = |bound: &WithinBound| match bound.kind {
        WithinKind::Time(length) => duration(length),
        WithinKind::Step(length) => format!("{} a step", duration(length)),
        WithinKind::Events(rows) => format!("{rows} events"),
    };
    bounds.iter().map(text).collect::<Vec<_>>().join(" and ")
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn skip(skip: Option<&SkipTo>) -> String {
    skip.map_or("-".to_owned(), |skip| match &skip.kind {
        SkipKind::PastLastRow => "past last".to_owned(),
        SkipKind::ToNextRow => "to next".to_owned(),
        SkipKind::ToFirst(name) => format!("to first {}", name.text),
        SkipKind::ToLast(name) => format!("to last {}", name.text),
    })
}

pub(super) fn describe_source(out: &mut String, source: &PatternSource, pad: &str) {
    let kind = match source.kind {
        PatternKind::Pattern => "pattern",
        PatternKind::Sequence => "sequence",
    };
    let _ = writeln!(out, "{pad}from {kind} {}", shape(&source.shape));
    if !source.within.is_empty() {
        let _ = writeln!(out, "{pad}  within {}", within(&source.within));
    }
    if !source.partition_by.is_empty() {
        let _ = writeln!(out, "{pad}  keys {}", list(&source.partition_by));
    }
    if !source.order_by.is_empty() {
        let _ = writeln!(out, "{pad}  order {}", list(&source.order_by));
    }
    if source.skip.is_some() || source.timed_out.is_some() {
        let _ = writeln!(out, "{pad}  skip {}, timed out {}", skip(source.skip.as_ref()), source.timed_out.is_some());
    }
}

pub(super) fn describe_recognize(out: &mut String, recognize: &MatchRecognize, pad: &str, alias: &str) {
    let _ = writeln!(out, "{pad}from match_recognize {}{alias}", shape(&recognize.shape));
    let _ = writeln!(
        out,
        "{pad}  keys [{}] order [{}] rows {:?} skip {} within [{}]",
        list(&recognize.partition_by),
        list(&recognize.order_by),
        recognize.rows,
        skip(recognize.skip.as_ref()),
        within(&recognize.within)
    );
    for measure in &recognize.measures {
        let _ = writeln!(out, "{pad}  measure {} as {}", measure.expr, measure.name.text);
    }
    for subset in &recognize.subsets {
        let members: Vec<&str> = subset.members.iter().map(|name| name.text.as_str()).collect();
        let _ = writeln!(out, "{pad}  subset {} = {}", subset.name.text, members.join(", "));
    }
    for define in &recognize.defines {
        let _ = writeln!(out, "{pad}  define {} as {}", define.name.text, define.condition);
    }
}

fn from(text: &str) -> String {
    let text = format!("SELECT 1 FROM {text}");
    let described = super::describe::describe(&parsed(&text)[0]);
    described.lines().skip(2).map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect()
}

#[test]
fn chains_bind_as_they_are_read() {
    let mut out = String::new();
    for text in [
        "PATTERN (a)",
        "PATTERN (EVERY e1=A[price > 90] -> e2=B[symbol = e1.symbol]{2,5} -> NOT C FOR 10 SECONDS)",
        "PATTERN (a -> b AND c -> d OR e AND f)",
        "PATTERN (EVERY (a -> b) -> c)",
        "PATTERN ((EVERY a) AND b)",
        "PATTERN (a{2} -> b{2,} -> c{,3} -> d+ -> e* -> f? -> g<2:5> -> h<3> -> i<:4> -> k<1:>)",
        "PATTERN (a -> (b -> c)+ -> d)",
        "PATTERN (a AND NOT b[x = 1][y = 2])",
        "PATTERN (NOT a FOR INTERVAL '1' MINUTE -> b)",
        "PATTERN (a -> NOT (b OR c) FOR 5 SECONDS)",
        "PATTERN (a -> b WITHIN 1 MINUTE)",
        "PATTERN ((a -> b) WITHIN 5 SECONDS -> c)",
        "PATTERN (EVERY (a -> b) WITHIN 10 EVENTS)",
        "PATTERN (a{2,5} WITHIN 1 MINUTE AND 10 EVENTS AND 5 SECONDS BETWEEN STEPS)",
        "SEQUENCE (EVERY e1=a[v > 1], e2=b+ -> c)",
        "SEQUENCE (every -> not AND \"for\")",
        "PATTERN (e=a[e[last].x > e[0].y])",
    ] {
        let _ = writeln!(out, "{text}\n  {}", from(text).trim());
    }
    expect![[r#""#]].assert_eq(&out);
}

#[test]
fn clauses_stand_behind_the_brackets_in_any_order() {
    let mut out = String::new();
    for text in [
        "PATTERN (a -> b) WITHIN 1 MINUTE PARTITION BY k, lower(j) ORDER BY ts AFTER MATCH SKIP PAST LAST ROW WITH TIMED OUT MATCHES WHERE x > 1",
        "PATTERN (a -> b) WITH TIMED OUT AFTER MATCH SKIP TO NEXT ROW PARTITION BY k WITHIN 1 MINUTE AND 5 EVENTS",
        "PATTERN (a -> e=b) AFTER MATCH SKIP TO FIRST e",
        "PATTERN (a -> e=b) AFTER MATCH SKIP TO LAST e",
        "PATTERN (a -> e=b) AFTER MATCH SKIP TO e PARTITION BY k",
        "PATTERN (a -> first=b) AFTER MATCH SKIP TO first",
        "SEQUENCE (a, b) ORDER BY ts ASC",
    ] {
        let _ = write!(out, "{text}\n{}", from(text));
    }
    expect![[r#""#]].assert_eq(&out);
}

#[test]
fn match_recognize_has_the_clauses_of_the_standard() {
    let mut out = String::new();
    for text in [
        "s MATCH_RECOGNIZE (PATTERN (A))",
        "s MATCH_RECOGNIZE (PARTITION BY k, j ORDER BY ts MEASURES FINAL LAST(A.price, 1) AS p, RUNNING sum(B.v) AS t, count(A.*) AS n, CLASSIFIER() AS c, MATCH_NUMBER() AS m, PREV(FIRST(A.price), 2) AS q ONE ROW PER MATCH AFTER MATCH SKIP TO LAST U PATTERN (^ A B+? (C | D)* E{2,3}? {- F -} PERMUTE(G, H | I) () $) WITHIN INTERVAL '1' HOUR SUBSET U = (A, B), V = (C) DEFINE A AS price > 1, B AS B.price > PREV(B.price)) AS m WHERE p > 1",
        "s[v > 1] MATCH_RECOGNIZE (ALL ROWS PER MATCH PATTERN (A B* C?? D{,2} E{2} F{3,} G*? H+))",
        "(SELECT * FROM s) MATCH_RECOGNIZE (ALL ROWS PER MATCH SHOW EMPTY MATCHES AFTER MATCH SKIP TO NEXT ROW PATTERN (A*))",
        "s MATCH_RECOGNIZE (ALL ROWS PER MATCH OMIT EMPTY MATCHES AFTER MATCH SKIP PAST LAST ROW PATTERN (A|B|C D)) m (x, y)",
        "s MATCH_RECOGNIZE (ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (\"a b\" pattern) DEFINE pattern AS TRUE) WINDOW TUMBLING (SIZE 1 MINUTE)",
        "s MATCH_RECOGNIZE (PATTERN (A)) MATCH_RECOGNIZE (PATTERN (B))",
    ] {
        let _ = write!(out, "{text}\n{}", from(text));
    }
    expect![[r#""#]].assert_eq(&out);
}

#[test]
fn what_is_malformed_is_refused_where_it_stands() {
    let mut out = String::new();
    for text in [
        "PATTERN ()",
        "PATTERN (a ->)",
        "PATTERN (a, b)",
        "PATTERN (a b)",
        "PATTERN (a -> b",
        "PATTERN (EVERY EVERY a)",
        "PATTERN (EVERY NOT a FOR 1 SECOND)",
        "PATTERN (NOT EVERY a FOR 1 SECOND)",
        "PATTERN (NOT NOT a FOR 1 SECOND)",
        "PATTERN (NOT a{2} FOR 1 SECOND)",
        "PATTERN (NOT a FOR 1 MONTH)",
        "PATTERN (EVERY a AND b)",
        "PATTERN (a OR EVERY b)",
        "PATTERN (a -> (b AND c) WITHIN 1 MINUTE)",
        "PATTERN (a{2} WITHIN 1 MINUTE -> b)",
        "PATTERN (a{2}{3})",
        "PATTERN (a+?)",
        "PATTERN (a{0})",
        "PATTERN (a{5,2})",
        "PATTERN (a{,})",
        "PATTERN (a{20000})",
        "PATTERN (a{x})",
        "PATTERN (a AS e1)",
        "PATTERN (a -> b) AS p",
        "PATTERN (a -> b) WITHIN 5",
        "PATTERN (a -> b) WITHIN 0 EVENTS",
        "PATTERN (a -> b) WITHIN 1 SECOND AND 2 SECONDS",
        "PATTERN (a -> b) WITHIN 1 SECOND PARTITION BY k WITHIN 2 SECONDS",
        "PATTERN (a -> b) AFTER MATCH SKIP",
        "PATTERN (a -> b) WINDOW TUMBLING (SIZE 1 MINUTE)",
        "PATTERN (a -> b) FOR 5 SECONDS",
        "PATTERN (a -> b) JOIN c ON x",
        "PATTERN (a.b -> c)",
        "PATTERN (e1=a WHERE x > 1)",
        "s MATCH_RECOGNIZE (PATTERN ())",
        "s MATCH_RECOGNIZE (DEFINE A AS x > 1)",
        "s MATCH_RECOGNIZE (PATTERN (A B$))",
        "s MATCH_RECOGNIZE (PATTERN (^* A))",
        "s MATCH_RECOGNIZE (PATTERN (A | ))",
        "s MATCH_RECOGNIZE (PATTERN (A {- B))",
        "s MATCH_RECOGNIZE (PATTERN (A B++))",
        "s MATCH_RECOGNIZE (PATTERN (A) MEASURES A.x AS y)",
        "s MATCH_RECOGNIZE (MEASURES A.x PATTERN (A))",
        "s MATCH_RECOGNIZE (PATTERN (A) DEFINE A x > 1)",
        "s AS t MATCH_RECOGNIZE (PATTERN (A))",
        "s WINDOW LENGTH (5) MATCH_RECOGNIZE (PATTERN (A))",
        "s MATCH_RECOGNIZE (MEASURES sum(s.*, 1) AS y PATTERN (A))",
    ] {
        let _ = writeln!(out, "{text}\n  {}", refused(&format!("SELECT 1 FROM {text}")));
    }
    expect![[r#""#]].assert_eq(&out);
}

#[test]
fn nesting_and_size_are_bounded() {
    let nested = |levels: usize| format!("SELECT 1 FROM PATTERN ({}a{})", "(".repeat(levels), ")".repeat(levels));
    parsed(&nested(32));
    assert!(refused(&nested(33)).starts_with("E0103"), "{}", refused(&nested(33)));
    let long = |steps: usize| format!("SELECT 1 FROM PATTERN ({})", vec!["a"; steps].join(" -> "));
    parsed(&long(200));
    assert!(!super::errors(&long(2_000)).is_empty());
    let rows = |steps: usize| format!("SELECT 1 FROM s MATCH_RECOGNIZE (PATTERN ({}))", vec!["A"; steps].join(" "));
    parsed(&rows(900));
    assert!(refused(&rows(1_000)).starts_with("E1102"));
}
