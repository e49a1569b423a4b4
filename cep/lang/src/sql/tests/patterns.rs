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
        let _ = writeln!(
            out,
            "{pad}  skip {}, timed out {}",
            skip(source.skip.as_ref()),
            source.timed_out.is_some()
        );
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
        "PATTERN (a{2} -> b{2,} -> c{,3} -> d+ -> e* -> f? -> g<2:5> -> h<3> -> i<:4> -> k<1:> -> l{,})",
        "PATTERN (a -> (b -> c)+ -> d)",
        "PATTERN (a AND NOT b[x = 1][y = 2])",
        "PATTERN (NOT a FOR INTERVAL '1' MINUTE -> b)",
        "PATTERN (a -> NOT (b OR c) FOR 5 SECONDS)",
        "PATTERN (a -> b WITHIN 1 MINUTE)",
        "PATTERN ((a -> b) WITHIN 5 SECONDS -> c)",
        "PATTERN (EVERY (a -> b) WITHIN 10 EVENTS)",
        "PATTERN (a{2,5} WITHIN 1 MINUTE AND 10 EVENTS AND 5 SECONDS BETWEEN STEPS)",
        "SEQUENCE (EVERY e1=a[v > 1], e2=b+ -> c)",
        "SEQUENCE (every -> b AND \"not\")",
        "PATTERN (e=a[e[last].x > e[0].y])",
    ] {
        let _ = writeln!(out, "{text}\n  {}", from(text).trim());
    }
    expect![[r#"
        PATTERN (a)
          from pattern a
        PATTERN (EVERY e1=A[price > 90] -> e2=B[symbol = e1.symbol]{2,5} -> NOT C FOR 10 SECONDS)
          from pattern (every e1=A[price > 90] -> e2=B[symbol = e1.symbol]{2..5} -> not C for 10000000000 ns)
        PATTERN (a -> b AND c -> d OR e AND f)
          from pattern (a -> (b and c) -> (d or (e and f)))
        PATTERN (EVERY (a -> b) -> c)
          from pattern (every (a -> b) -> c)
        PATTERN ((EVERY a) AND b)
          from pattern (every a and b)
        PATTERN (a{2} -> b{2,} -> c{,3} -> d+ -> e* -> f? -> g<2:5> -> h<3> -> i<:4> -> k<1:> -> l{,})
          from pattern (a{2..2} -> b{2..*} -> c{0..3} -> d{1..*} -> e{0..*} -> f{0..1} -> g{2..5} -> h{3..3} -> i{0..4} -> k{1..*} -> l{0..*})
        PATTERN (a -> (b -> c)+ -> d)
          from pattern (a -> (b -> c){1..*} -> d)
        PATTERN (a AND NOT b[x = 1][y = 2])
          from pattern (a and not b[(x = 1) AND (y = 2)])
        PATTERN (NOT a FOR INTERVAL '1' MINUTE -> b)
          from pattern (not a for 60000000000 ns -> b)
        PATTERN (a -> NOT (b OR c) FOR 5 SECONDS)
          from pattern (a -> not (b or c) for 5000000000 ns)
        PATTERN (a -> b WITHIN 1 MINUTE)
          from pattern (a -> b) within 60000000000 ns
        PATTERN ((a -> b) WITHIN 5 SECONDS -> c)
          from pattern ((a -> b) within 5000000000 ns -> c)
        PATTERN (EVERY (a -> b) WITHIN 10 EVENTS)
          from pattern every (a -> b) within 10 events
        PATTERN (a{2,5} WITHIN 1 MINUTE AND 10 EVENTS AND 5 SECONDS BETWEEN STEPS)
          from pattern a{2..5} within 60000000000 ns and 10 events and 5000000000 ns a step
        SEQUENCE (EVERY e1=a[v > 1], e2=b+ -> c)
          from sequence (every e1=a[v > 1] -> e2=b{1..*} -> c)
        SEQUENCE (every -> b AND "not")
          from sequence (every -> (b and not))
        PATTERN (e=a[e[last].x > e[0].y])
          from pattern e=a[e[last].x > e[0].y]
    "#]].assert_eq(&out);
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
    expect![[r#"
        PATTERN (a -> b) WITHIN 1 MINUTE PARTITION BY k, lower(j) ORDER BY ts AFTER MATCH SKIP PAST LAST ROW WITH TIMED OUT MATCHES WHERE x > 1
        from pattern (a -> b)
          within 60000000000 ns
          keys k, lower(j)
          order ts
          skip past last, timed out true
        where x > 1
        PATTERN (a -> b) WITH TIMED OUT AFTER MATCH SKIP TO NEXT ROW PARTITION BY k WITHIN 1 MINUTE AND 5 EVENTS
        from pattern (a -> b)
          within 60000000000 ns and 5 events
          keys k
          skip to next, timed out true
        PATTERN (a -> e=b) AFTER MATCH SKIP TO FIRST e
        from pattern (a -> e=b)
          skip to first e, timed out false
        PATTERN (a -> e=b) AFTER MATCH SKIP TO LAST e
        from pattern (a -> e=b)
          skip to last e, timed out false
        PATTERN (a -> e=b) AFTER MATCH SKIP TO e PARTITION BY k
        from pattern (a -> e=b)
          keys k
          skip to last e, timed out false
        PATTERN (a -> first=b) AFTER MATCH SKIP TO first
        from pattern (a -> first=b)
          skip to last first, timed out false
        SEQUENCE (a, b) ORDER BY ts ASC
        from sequence (a -> b)
          order ts ASC
    "#]].assert_eq(&out);
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
    expect![[r#"
        s MATCH_RECOGNIZE (PATTERN (A))
        from match_recognize A
          keys [] order [] rows One skip - within []
          from s
        s MATCH_RECOGNIZE (PARTITION BY k, j ORDER BY ts MEASURES FINAL LAST(A.price, 1) AS p, RUNNING sum(B.v) AS t, count(A.*) AS n, CLASSIFIER() AS c, MATCH_NUMBER() AS m, PREV(FIRST(A.price), 2) AS q ONE ROW PER MATCH AFTER MATCH SKIP TO LAST U PATTERN (^ A B+? (C | D)* E{2,3}? {- F -} PERMUTE(G, H | I) () $) WITHIN INTERVAL '1' HOUR SUBSET U = (A, B), V = (C) DEFINE A AS price > 1, B AS B.price > PREV(B.price)) AS m WHERE p > 1
        from match_recognize (^ -> A -> B{1..*}? -> (C or D){0..*} -> E{2..3}? -> {- F -} -> permute(G, (H or I)) -> () -> $) as m ()
          keys [k, j] order [ts] rows One skip to last U within [3600000000000 ns]
          measure FINAL(LAST(A.price, 1)) as p
          measure RUNNING(sum(B.v)) as t
          measure count(A.*) as n
          measure CLASSIFIER() as c
          measure MATCH_NUMBER() as m
          measure PREV(FIRST(A.price), 2) as q
          subset U = A, B
          subset V = C
          define A as price > 1
          define B as B.price > PREV(B.price)
          from s
        where p > 1
        s[v > 1] MATCH_RECOGNIZE (ALL ROWS PER MATCH PATTERN (A B* C?? D{,2} E{2} F{3,} G*? H+))
        from match_recognize (A -> B{0..*} -> C{0..1}? -> D{0..2} -> E{2..2} -> F{3..*} -> G{0..*}? -> H{1..*})
          keys [] order [] rows AllShowEmpty skip - within []
          from s
            before the window: v > 1
        (SELECT * FROM s) MATCH_RECOGNIZE (ALL ROWS PER MATCH SHOW EMPTY MATCHES AFTER MATCH SKIP TO NEXT ROW PATTERN (A*))
        from match_recognize A{0..*}
          keys [] order [] rows AllShowEmpty skip to next within []
          from query
            items *
            from s
        s MATCH_RECOGNIZE (ALL ROWS PER MATCH OMIT EMPTY MATCHES AFTER MATCH SKIP PAST LAST ROW PATTERN (A|B|C D)) m (x, y)
        from match_recognize (A or B or (C -> D)) as m (x, y)
          keys [] order [] rows AllOmitEmpty skip past last within []
          from s
        s MATCH_RECOGNIZE (ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN ("a b" pattern) DEFINE pattern AS TRUE) WINDOW TUMBLING (SIZE 1 MINUTE)
        from match_recognize (a b -> pattern)
          keys [] order [] rows AllWithUnmatched skip - within []
          define pattern as true
          from s
          tumbling size 60000000000 ns
        s MATCH_RECOGNIZE (PATTERN (A)) MATCH_RECOGNIZE (PATTERN (B))
        from match_recognize B
          keys [] order [] rows One skip - within []
          from match_recognize A
            keys [] order [] rows One skip - within []
            from s
    "#]].assert_eq(&out);
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
        "PATTERN (a.b -> c)",
        "PATTERN (e1=a WHERE x > 1)",
        "s MATCH_RECOGNIZE (PATTERN ())",
        "s MATCH_RECOGNIZE (DEFINE A AS x > 1)",
        "s MATCH_RECOGNIZE (PATTERN (A B$))",
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
    expect![[r#"
        PATTERN ()
          E0101 at «)»: expected a stream, such as e1 = orders[price > 10], found `)`
          help: -
        PATTERN (a ->)
          E0101 at «)»: expected a stream, such as e1 = orders[price > 10], found `)`
          help: -
        PATTERN (a, b)
          E0101 at «,»: expected `->`, found `,`
          help: `,` is directly behind, which is FROM SEQUENCE (…); in PATTERN write `->`
        PATTERN (a b)
          E0101 at «b»: expected `->`, AND, OR or `)`, found `b`
          help: steps are joined by `->`: a -> b
        PATTERN (a -> b
          E0101 at «»: expected `)`, found the end of the statement
          help: -
        PATTERN (EVERY EVERY a)
          E1102 at «EVERY»: EVERY twice in a row
          help: leave out one
        PATTERN (EVERY NOT a FOR 1 SECOND)
          E1102 at «NOT»: EVERY NOT has two meanings
          help: for each silence write EVERY (NOT s FOR 10 SECONDS)
        PATTERN (NOT EVERY a FOR 1 SECOND)
          E1102 at «EVERY»: NOT EVERY has no meaning
          help: leave out EVERY
        PATTERN (NOT NOT a FOR 1 SECOND)
          E1102 at «NOT»: NOT twice in a row
          help: leave out one
        PATTERN (NOT a{2} FOR 1 SECOND)
          E1102 at «{2}»: what does not come cannot be counted
          help: leave out the quantifier
        PATTERN (NOT a FOR 1 MONTH)
          E0403 at «1 MONTH»: the time without such a row needs a fixed length; months and years differ in theirs
          help: count in days or weeks instead
        PATTERN (EVERY a AND b)
          E1102 at «EVERY a»: EVERY beside AND could be for this part or for all
          help: write EVERY (a AND b), or (EVERY a) AND b
        PATTERN (a OR EVERY b)
          E1102 at «EVERY b»: EVERY beside OR could be for this part or for all
          help: write EVERY (a OR b), or (EVERY a) OR b
        PATTERN (a -> (b AND c) WITHIN 1 MINUTE)
          E1103 at «a -> (b AND c) WITHIN 1 MINUTE»: this WITHIN could be of the last step or of all
          help: of the last step: write ((…) WITHIN …); of all: put WITHIN behind the bracket that closes the pattern
        PATTERN (a{2} WITHIN 1 MINUTE -> b)
          E0101 at «->»: expected `)`, found `->`
          help: put brackets around what WITHIN bounds: (a -> b) WITHIN 5 SECONDS -> c
        PATTERN (a{2}{3})
          E1102 at «{3}»: a second quantifier
          help: put brackets around the first: (a{2})+
        PATTERN (a+?)
          E1102 at «?»: `?` behind a quantifier stands in MATCH_RECOGNIZE only
          help: leave it out: PATTERN and SEQUENCE give a match as soon as it is complete
        PATTERN (a{0})
          E0404 at «{0}»: 0 times is nothing
          help: leave the part out, or write NOT
        PATTERN (a{5,2})
          E0404 at «{5,2}»: at least 5 and at most 2 times cannot be
          help: write {2,5}
        PATTERN (a{20000})
          E0404 at «20000»: a quantifier is a whole number, at most 10000
          help: count longer runs with an aggregate in the condition: count(e1) < 1000000
        PATTERN (a{x})
          E0101 at «x»: expected a number, found `x`
          help: write {2}, {2,5}, {2,}, {,5}, +, * or ?
        PATTERN (a AS e1)
          E0101 at «AS»: expected the next step, found `AS`
          help: an element is named before it: e1 = orders
        PATTERN (a -> b) AS p
          E0101 at «AS»: expected the end of the pattern, found `AS`
          help: a pattern has no alias; its elements have: e1 = orders -> e2 = payments
        PATTERN (a -> b) WITHIN 5
          E0101 at «»: expected a unit of time behind 5, found the end of the statement
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        PATTERN (a -> b) WITHIN 0 EVENTS
          E0404 at «0»: a number of rows is a whole number, at least 1
          help: write WITHIN 1 MINUTE, WITHIN 10 EVENTS or WITHIN 5 SECONDS BETWEEN STEPS, several with AND
        PATTERN (a -> b) WITHIN 1 SECOND AND 2 SECONDS
          E1103 at «2 SECONDS»: two bounds of one kind
          help: keep the smaller
        PATTERN (a -> b) WITHIN 1 SECOND PARTITION BY k WITHIN 2 SECONDS
          E0101 at «WITHIN 2 SECONDS»: WITHIN is given twice
          help: keep one of the two
        PATTERN (a -> b) AFTER MATCH SKIP
          E0101 at «»: expected PAST LAST ROW, TO NEXT ROW, TO FIRST x or TO LAST x, found the end of the statement
          help: -
        PATTERN (a -> b) WINDOW TUMBLING (SIZE 1 MINUTE)
          E0607 at «WINDOW»: a window does not stand directly behind a pattern
          help: put the pattern into a query of its own: FROM (SELECT … FROM PATTERN (…)) WINDOW …
        PATTERN (a -> b) FOR 5 SECONDS
          E0607 at «FOR»: FOR belongs to NOT, inside the brackets
          help: write NOT s FOR 10 SECONDS inside of PATTERN (…)
        PATTERN (a.b -> c)
          E0206 at «a.»: names of streams, views and aggregations have one part
          help: there are no databases or schemas; quote the name if the dot belongs to it
        PATTERN (e1=a WHERE x > 1)
          E0101 at «WHERE»: expected `->`, AND, OR or `)`, found `WHERE`
          help: steps are joined by `->`: a -> b
        s MATCH_RECOGNIZE (PATTERN ())
          E0101 at «)»: expected a pattern variable, found `)`
          help: -
        s MATCH_RECOGNIZE (DEFINE A AS x > 1)
          E0101 at «DEFINE»: expected PATTERN, found `DEFINE`
          help: the clauses are PARTITION BY, ORDER BY, MEASURES, ONE ROW PER MATCH, AFTER MATCH SKIP, PATTERN, WITHIN, SUBSET, DEFINE, in this order
        s MATCH_RECOGNIZE (PATTERN (A B$))
          E1102 at «B$»: `B$` is one name
          help: write a blank before `$`: B $
        s MATCH_RECOGNIZE (PATTERN (A | ))
          E0101 at «)»: expected a pattern variable, found `)`
          help: -
        s MATCH_RECOGNIZE (PATTERN (A {- B))
          E0101 at «)»: expected `-}`, found `)`
          help: -
        s MATCH_RECOGNIZE (PATTERN (A B++))
          E1102 at «+»: a second quantifier
          help: put brackets around the first: (A{2})+
        s MATCH_RECOGNIZE (PATTERN (A) MEASURES A.x AS y)
          E0101 at «MEASURES»: expected `)`, found `MEASURES`
          help: the clauses are PARTITION BY, ORDER BY, MEASURES, ONE ROW PER MATCH, AFTER MATCH SKIP, PATTERN, WITHIN, SUBSET, DEFINE, in this order
        s MATCH_RECOGNIZE (MEASURES A.x PATTERN (A))
          E0101 at «PATTERN»: expected AS, found `PATTERN`
          help: a measure has a name: MEASURES last(A.price) AS price
        s MATCH_RECOGNIZE (PATTERN (A) DEFINE A x > 1)
          E0101 at «x»: expected `AS`, found `x`
          help: -
        s AS t MATCH_RECOGNIZE (PATTERN (A))
          E0101 at «t»: the alias stands before MATCH_RECOGNIZE
          help: put it behind: FROM s MATCH_RECOGNIZE (…) AS m
        s WINDOW LENGTH (5) MATCH_RECOGNIZE (PATTERN (A))
          E0607 at «MATCH_RECOGNIZE»: MATCH_RECOGNIZE stands directly behind the stream or query it reads
          help: write FROM s MATCH_RECOGNIZE (…), or put what is before it into a query of its own: FROM (SELECT …) MATCH_RECOGNIZE (…)
        s MATCH_RECOGNIZE (MEASURES sum(s.*, 1) AS y PATTERN (A))
          E0612 at «sum(s.*, 1»: `s.*` is not supported in a function call
          help: write count(*), or name the columns
    "#]].assert_eq(&out);
}

#[test]
fn nesting_and_size_are_bounded() {
    let nested =
        |levels: usize| format!("SELECT 1 FROM PATTERN ({}a{})", "(".repeat(levels), ")".repeat(levels));
    parsed(&nested(32));
    assert!(refused(&nested(33)).starts_with("E0105"), "{}", refused(&nested(33)));
    let long = |steps: usize| format!("SELECT 1 FROM PATTERN ({})", vec!["a"; steps].join(" -> "));
    parsed(&long(200));
    assert!(!super::errors(&long(2_000)).is_empty());
    let rows =
        |steps: usize| format!("SELECT 1 FROM s MATCH_RECOGNIZE (PATTERN ({}))", vec!["A"; steps].join(" "));
    parsed(&rows(900));
    assert!(refused(&rows(1_000)).starts_with("E1102"));
}
