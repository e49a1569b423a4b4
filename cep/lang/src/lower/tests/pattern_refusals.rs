//! PATTERN, SEQUENCE and MATCH_RECOGNIZE: what is refused.

use std::fmt::Write as _;

use expect_test::expect;

use super::errors;
use super::patterns::MORE;

#[test]
fn refusals_of_patterns() {
    let mut out = String::new();
    for sql in [
        "SELECT 1 AS x FROM PATTERN (nope)",
        "SELECT e1.v FROM PATTERN (e1 = a -> e1 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT b)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT e2 = b FOR 1 SECOND)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT (b -> c) FOR 1 SECOND)",
        "SELECT e1.v FROM PATTERN (NOT a AND NOT b)",
        "SELECT e1.v FROM PATTERN (e1 = a* -> e2 = b?)",
        "SELECT e1.v FROM PATTERN (EVERY e1 = a*)",
        "SELECT e1.v FROM SEQUENCE (e1 = a, EVERY e2 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a[v > e2.v] -> e2 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a[v])",
        "SELECT e1.v FROM PATTERN (e1 = a[vv > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a[prev(v) > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a[last(v) > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a -> a[a.v > 1] -> a)",
        "SELECT e1.vv FROM PATTERN (e1 = a)",
        "SELECT e3.v FROM PATTERN (e1 = a)",
        "SELECT nope FROM PATTERN (e1 = a)",
        "SELECT k FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT e1.v, e2.v FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT e1[x].v FROM PATTERN (e1 = a)",
        "SELECT e1[0] FROM PATTERN (e1 = a)",
        "SELECT sum(e1[0].v) AS s FROM PATTERN (e1 = a)",
        "SELECT sum(e1.v + e2.v) AS s FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT * FROM PATTERN (e1 = a)",
        "SELECT count(*) AS n FROM PATTERN (e1 = a)",
        "SELECT e1.k, count(e1) AS n FROM PATTERN (e1 = a) GROUP BY e1.k",
        "SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0 ORDER BY e1.k",
        "SELECT e1.k, timed_out FROM PATTERN (e1 = a)",
        "SELECT e1.k FROM PATTERN (e1 = a) WITH TIMED OUT",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY v",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts DESC",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts, v",
        "SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY v",
        "SELECT e1.v FROM PATTERN (e1 = a -> e2 = c) PARTITION BY k",
        "SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY k ORDER BY ts",
        "SELECT e1.k FROM PATTERN (e1 = a) AFTER MATCH SKIP TO e7",
        "SELECT classifier() AS c FROM PATTERN (e1 = a)",
        "SELECT e1.k FROM PATTERN (e1 = g)",
        "SELECT max_forever(e1.v) AS m FROM PATTERN (e1 = a)",
    ] {
        let with = "CREATE VIEW g AS SELECT k, count(*) AS n FROM a GROUP BY k;";
        let _ = write!(out, "{sql}\n  {}", errors(&format!("{MORE}{with}{sql}")));
    }
    expect![[r#"
        SELECT 1 AS x FROM PATTERN (nope)
          E0201: there is no stream, view, table or aggregation `nope` at «nope»
          help: declare it first: CREATE STREAM nope (…) WITH (…)
        SELECT e1.v FROM PATTERN (e1 = a -> e1 = b)
          E1101: two elements are called `e1` at «e1»
          help: give one of them another name
        SELECT e1.v FROM PATTERN (e1 = a -> NOT b)
          E1102: when is it certain that no such row came? NOT needs a time, or another part beside it at «NOT b»
          help: write NOT s FOR 10 SECONDS, or e2 = t AND NOT s
        SELECT e1.v FROM PATTERN (e1 = a -> NOT e2 = b FOR 1 SECOND)
          E1101: `e2` is behind NOT: it has no rows, so it needs no name at «e2»
          help: leave out the name; its own columns need none in its condition
        SELECT e1.v FROM PATTERN (e1 = a -> NOT (b -> c) FOR 1 SECOND)
          E1102: NOT is of single rows: s[condition], or one of several with OR at «(b -> c)»
          help: write NOT s FOR 10 SECONDS or NOT (s OR t) FOR 10 SECONDS
        SELECT e1.v FROM PATTERN (NOT a AND NOT b)
          E1102: nothing here says when it is over at «NOT a AND NOT b»
          help: give one NOT a time: NOT a FOR 10 SECONDS, or write a part that must come beside it
        SELECT e1.v FROM PATTERN (e1 = a* -> e2 = b?)
          E1102: no row at all would be a match: every part may be left out at «e1 = a* -> e2 = b?»
          help: let one part occur at least once: e1 = s+
        SELECT e1.v FROM PATTERN (EVERY e1 = a*)
          E1102: EVERY of something that may be left out at «EVERY e1 = a*»
          help: let it occur at least once: EVERY e1 = s+
        SELECT e1.v FROM SEQUENCE (e1 = a, EVERY e2 = b)
          E1102: EVERY stands at the beginning of a SEQUENCE at «EVERY e2 = b»
          help: write SEQUENCE (EVERY (a, b)), or PATTERN, where EVERY stands anywhere
        SELECT e1.v FROM PATTERN (e1 = a[v > e2.v] -> e2 = b)
          E1105: `e2` comes after `e1`, so it has no rows yet at «e2.v»
          help: put the condition on `e2`, which comes later
        SELECT e1.v FROM PATTERN (e1 = a[v])
          E0307: a condition is TRUE or FALSE, and this is INT at «v»
          help: compare it with something
        SELECT e1.v FROM PATTERN (e1 = a[vv > 1])
          E0202: there is no column `vv` at «vv»
          help: did you mean `v`?
        SELECT e1.v FROM PATTERN (e1 = a[prev(v) > 1])
          E1105: PREV and NEXT stand in MATCH_RECOGNIZE only at «v»
          help: take the row before of the same element: e1[last - 1].price
        SELECT e1.v FROM PATTERN (e1 = a[last(v) > 1])
          E1105: the rows of which element? `v` alone is the row that is tested at «v»
          help: name the element: LAST(e1.v)
        SELECT e1.v FROM PATTERN (e1 = a -> a[a.v > 1] -> a)
          E0203: several elements are of the stream `a` at «a.v»
          help: give them names: e1 = a
        SELECT e1.vv FROM PATTERN (e1 = a)
          E0202: `e1` has no column `vv` at «e1.vv»
          help: did you mean `v`?
        SELECT e3.v FROM PATTERN (e1 = a)
          E0202: `e3` is neither an element nor a column at «e3»
          help: columns belong to elements, as in e1.price; text takes single quotes
        SELECT nope FROM PATTERN (e1 = a)
          E0202: there is no column `nope` at «nope»
          help: columns belong to elements, as in e1.price; text takes single quotes
        SELECT k FROM PATTERN (e1 = a -> e2 = b)
          E0203: several elements have a column `k` at «k»
          help: say of which one: e1.k
        SELECT e1.v, e2.v FROM PATTERN (e1 = a -> e2 = b)
          E0205: two columns are called `v` at «e2.v»
          help: name one of them with AS
        SELECT e1[x].v FROM PATTERN (e1 = a)
          E1105: `e1[x]` is no row of `e1` at «e1»
          help: write e1[0], e1[1], e1[last] or e1[last - 1]
        SELECT e1[0] FROM PATTERN (e1 = a)
          E1105: `e1[0]` is a row, not a value at «e1»
          help: name one of its columns: e1[0].price
        SELECT sum(e1[0].v) AS s FROM PATTERN (e1 = a)
          E1105: SUM chooses the rows of `e1` itself at «e1»
          help: leave out the index, or write e1[…] without SUM
        SELECT sum(e1.v + e2.v) AS s FROM PATTERN (e1 = a -> e2 = b)
          E1105: SUM reads columns of two variables at «sum»
          help: write one SUM for each of them
        SELECT * FROM PATTERN (e1 = a)
          E0611: `*` alone has no meaning over a pattern at «*»
          help: name the columns, or all of an element: e1.*
        SELECT count(*) AS n FROM PATTERN (e1 = a)
          E1105: an aggregate in a pattern is over the rows of an element, and this one names none at «count»
          help: count rows of an element: count(e1); count matches around the pattern: SELECT count(*) FROM (SELECT … FROM PATTERN (…)) …
        SELECT e1.k, count(e1) AS n FROM PATTERN (e1 = a) GROUP BY e1.k
          E0607: GROUP BY does not stand directly over a pattern, where aggregates are over the rows of a match at «e1.k»
          help: put the pattern into a query of its own: SELECT s, count(*) FROM (SELECT e1.symbol AS s FROM PATTERN (…)) GROUP BY s
        SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0 ORDER BY e1.k
          E0703: ORDER BY needs all rows first, and these never end at «SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0»
          help: ORDER BY the event time stands directly behind PATTERN (…), before WHERE
        SELECT e1.k, timed_out FROM PATTERN (e1 = a)
          E1103: no partial match comes out here, so none is timed out at «timed_out»
          help: write WITH TIMED OUT MATCHES behind the pattern
        SELECT e1.k FROM PATTERN (e1 = a) WITH TIMED OUT
          E1103: no partial match ever times out: nothing bounds its time at «WITH TIMED OUT»
          help: write WITHIN 1 MINUTE behind the pattern
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY v
          E1106: a pattern is ordered by the event time of its rows, ascending at «v»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts DESC
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts, v
          E1106: rows of one event time keep the order of the log; no other column orders them at «v»
          help: leave out what stands behind the event time
        SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY v
          E0202: `arrivals` has no column `v`, and every stream of the pattern needs the key at «v»
          help: give it one: WITH x AS (SELECT …, id AS key FROM arrivals) and use x in the pattern
        SELECT e1.v FROM PATTERN (e1 = a -> e2 = c) PARTITION BY k
          E0304: the key is STRING in `a` and BIGINT in `c` at «k»
          help: convert one of them in a common table expression: CAST(x AS type)
        SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY k ORDER BY ts
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) AFTER MATCH SKIP TO e7
          E1104: `e7` is no variable of the pattern at «e7»
          help: did you mean `e1`?
        SELECT classifier() AS c FROM PATTERN (e1 = a)
          E1105: CLASSIFIER stands in MATCH_RECOGNIZE only at «classifier»
          help: elements of PATTERN and SEQUENCE are told apart by their names
        SELECT e1.k FROM PATTERN (e1 = g)
          E0701: a pattern cannot take rows that are replaced or taken back later at «g»
          help: put a window on its input, then its rows are final: WINDOW TUMBLING (SIZE 1 MINUTE)
        SELECT max_forever(e1.v) AS m FROM PATTERN (e1 = a)
          E0904: an aggregate in a pattern is over the rows of a match, and minForever and maxForever are over more at «max_forever(e1.v)»
          help: use min or max
    "#]].assert_eq(&out);
}

#[test]
fn refusals_of_match_recognize() {
    let mut out = String::new();
    for clauses in [
        "ORDER BY price MEASURES A.price AS p PATTERN (A)",
        "ORDER BY ts DESC MEASURES A.price AS p PATTERN (A)",
        "ORDER BY ts, price MEASURES A.price AS p PATTERN (A)",
        "PATTERN (A)",
        "MEASURES A.price AS p PATTERN (A) DEFINE B AS price > 1",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS price > 1, a AS price > 2",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS FINAL LAST(A.price) > 1",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS price",
        "MEASURES B.price AS p PATTERN (A)",
        "MEASURES A.pryce AS p PATTERN (A)",
        "MEASURES A.price AS p PATTERN (A) SUBSET U = (A, B)",
        "MEASURES A.price AS p PATTERN (A) SUBSET A = (A)",
        "MEASURES A.price AS p PATTERN (A B) SUBSET U = (A, A)",
        "MEASURES A.price AS p AFTER MATCH SKIP TO LAST B PATTERN (A)",
        "MEASURES A.price AS p ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A {- B -})",
        "MEASURES A.price AS p, A.volume AS p PATTERN (A)",
        "MEASURES A.price AS volume ALL ROWS PER MATCH PATTERN (A)",
        "PARTITION BY lower(symbol) MEASURES A.price AS p PATTERN (A)",
        "MEASURES PREV(A.price + B.price) AS p PATTERN (A B)",
        "MEASURES PREV(1) AS p PATTERN (A B)",
        "MEASURES PREV(PREV(A.price)) AS p PATTERN (A B)",
        "MEASURES FIRST(PREV(A.price)) AS p PATTERN (A B)",
        "MEASURES sum(LAST(A.price)) AS p PATTERN (A B)",
        "MEASURES LAST(A.price, volume) AS p PATTERN (A B)",
        "MEASURES LAST(A.price, 1, 2) AS p PATTERN (A B)",
        "MEASURES FINAL abs(A.price) AS p PATTERN (A B)",
        "MEASURES count(C.*) AS p PATTERN (A B)",
        "MEASURES CLASSIFIER(C) AS p PATTERN (A B)",
        "MEASURES array_agg(CLASSIFIER()) AS p PATTERN (A B)",
        "MEASURES A.price AS p PATTERN (PERMUTE(A, B, C, D, E, F, G, H, I))",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS MATCH_ROWTIME() > ts",
    ] {
        let _ = write!(
            out,
            "{clauses}\n  {}",
            errors(&format!("SELECT * FROM trades MATCH_RECOGNIZE ({clauses})"))
        );
    }
    expect![[r#"
        ORDER BY price MEASURES A.price AS p PATTERN (A)
          E1106: a pattern is ordered by the event time of its rows, ascending at «price»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        ORDER BY ts DESC MEASURES A.price AS p PATTERN (A)
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        ORDER BY ts, price MEASURES A.price AS p PATTERN (A)
          E1106: rows of one event time keep the order of the log; no other column orders them at «price»
          help: leave out what stands behind the event time
        PATTERN (A)
          E0607: ONE ROW PER MATCH without PARTITION BY and MEASURES has no columns at «SELECT * FROM trades MATCH_RECOGNIZE (PATTERN (A))»
          help: add MEASURES, such as MATCH_NUMBER() AS number
        MEASURES A.price AS p PATTERN (A) DEFINE B AS price > 1
          E1101: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p PATTERN (A) DEFINE A AS price > 1, a AS price > 2
          E1101: `a` is defined twice at «a»
          help: combine the conditions with AND
        MEASURES A.price AS p PATTERN (A) DEFINE A AS FINAL LAST(A.price) > 1
          E1105: FINAL is about a match that is complete, and a condition decides whether it will be at «A.price»
          help: leave out FINAL
        MEASURES A.price AS p PATTERN (A) DEFINE A AS price
          E0307: a condition is TRUE or FALSE, and this is DOUBLE at «price»
          help: compare it with something
        MEASURES B.price AS p PATTERN (A)
          E0202: `B` is neither a stream nor a column of this query at «B»
          help: columns belong to `A` here
        MEASURES A.pryce AS p PATTERN (A)
          E0202: `A` has no column `pryce` at «A.pryce»
          help: did you mean `price`?
        MEASURES A.price AS p PATTERN (A) SUBSET U = (A, B)
          E1101: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p PATTERN (A) SUBSET A = (A)
          E1101: `A` is a variable or subset already at «A»
          help: give the subset another name
        MEASURES A.price AS p PATTERN (A B) SUBSET U = (A, A)
          E1101: `A` is in the subset twice at «A»
          help: name it once
        MEASURES A.price AS p AFTER MATCH SKIP TO LAST B PATTERN (A)
          E1104: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A {- B -})
          E1102: rows left out by {- … -} are matched, and WITH UNMATCHED ROWS could not tell them from others at «A {- B -}»
          help: write SHOW EMPTY MATCHES or OMIT EMPTY MATCHES, or leave out {- and -}
        MEASURES A.price AS p, A.volume AS p PATTERN (A)
          E0205: two columns are called `p` at «p»
          help: give the measure another name
        MEASURES A.price AS volume ALL ROWS PER MATCH PATTERN (A)
          E0205: two columns are called `volume` at «volume»
          help: give the measure another name
        PARTITION BY lower(symbol) MEASURES A.price AS p PATTERN (A)
          E0608: PARTITION BY of MATCH_RECOGNIZE takes columns, which come out under their names at «lower(symbol)»
          help: compute it below: FROM (SELECT *, lower(symbol) AS key FROM s) MATCH_RECOGNIZE (PARTITION BY key …)
        MEASURES PREV(A.price + B.price) AS p PATTERN (A B)
          E1105: PREV reads columns of two variables at «PREV»
          help: write one PREV for each of them
        MEASURES PREV(1) AS p PATTERN (A B)
          E1105: PREV needs a column of a row at «PREV»
          help: write PREV(A.price)
        MEASURES PREV(PREV(A.price)) AS p PATTERN (A B)
          E1105: PREV cannot stand inside PREV at «PREV»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES FIRST(PREV(A.price)) AS p PATTERN (A B)
          E1105: PREV cannot stand inside FIRST at «PREV»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES sum(LAST(A.price)) AS p PATTERN (A B)
          E1105: LAST cannot stand inside SUM at «LAST»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES LAST(A.price, volume) AS p PATTERN (A B)
          E0902: the number of rows in LAST is a whole number, written out at «volume»
          help: for example LAST(A.price, 2)
        MEASURES LAST(A.price, 1, 2) AS p PATTERN (A B)
          E0902: LAST takes 1 to 2 arguments, not 3 at «LAST»
          help: for example PREV(A.price, 2), LAST(A.price), CLASSIFIER()
        MEASURES FINAL abs(A.price) AS p PATTERN (A B)
          E1105: FINAL stands before FIRST, LAST and aggregates at «FINAL»
          help: write FINAL LAST(A.price)
        MEASURES count(C.*) AS p PATTERN (A B)
          E1101: `C` is no variable of the pattern at «count»
          help: count(a.*) takes a variable or a subset
        MEASURES CLASSIFIER(C) AS p PATTERN (A B)
          E1101: `C` is no variable of the pattern at «CLASSIFIER»
          help: CLASSIFIER takes a variable or a subset
        MEASURES array_agg(CLASSIFIER()) AS p PATTERN (A B)
          E1105: CLASSIFIER inside an aggregate is not supported at «CLASSIFIER»
          help: count the rows of each variable: count(A.*)
        MEASURES A.price AS p PATTERN (PERMUTE(A, B, C, D, E, F, G, H, I))
          E1102: PERMUTE of 9 parts has too many orders; 8 is the most at «PERMUTE(A, B, C, D, E, F, G, H, I)»
          help: match them with one variable and count kinds in its condition
        MEASURES A.price AS p PATTERN (A) DEFINE A AS MATCH_ROWTIME() > ts
          E1105: MATCH_ROWTIME is about a match that is complete at «MATCH_ROWTIME»
          help: compare the time of rows: LAST(A.ts)
    "#]].assert_eq(&out);
}

#[test]
fn outside_of_a_pattern_its_functions_are_unknown() {
    let mut out = String::new();
    for sql in [
        "SELECT FINAL last(price) FROM trades",
        "SELECT classifier() FROM trades",
        "SELECT prev(price) FROM trades",
        "SELECT e1[0].price FROM trades",
        "SELECT * FROM (SELECT price FROM trades) WHERE count(x.*) > 1",
    ] {
        let _ = write!(out, "{sql}\n  {}", errors(sql));
    }
    expect![[r#"
        SELECT FINAL last(price) FROM trades
          E0901: there is no function `FINAL` at «FINAL»
          help: SHOW FUNCTIONS lists the library
        SELECT classifier() FROM trades
          E0901: there is no function `classifier` at «classifier»
          help: SHOW FUNCTIONS lists the library
        SELECT prev(price) FROM trades
          E0907: `prev` looks at other rows and needs an OVER clause at «prev»
          help: write prev(…) OVER (ORDER BY ts)
        SELECT e1[0].price FROM trades
          E0202: `e1` is neither a stream nor a column of this query at «e1»
          help: columns belong to `trades` here
        SELECT * FROM (SELECT price FROM trades) WHERE count(x.*) > 1
          E0612: `x.*` is not supported in a function call at «count(x»
          help: write count(*), or name the columns
    "#]]
    .assert_eq(&out);
}
