//! Golden trees of statements.

use expect_test::{Expect, expect};

use super::describe::describe;
use super::{corpus, parsed};

fn check(text: &str, expected: Expect) {
    let out: String = parsed(text).iter().map(describe).collect();
    expected.assert_eq(&out);
}

#[test]
fn every_statement_of_the_corpus_is_accepted() {
    for text in corpus::STATEMENTS {
        assert_eq!(parsed(text).len(), 1, "{text}");
    }
}

#[test]
fn scripts_hold_several_statements_and_empty_ones_are_nothing() {
    assert_eq!(parsed("").len(), 0);
    assert_eq!(parsed(" ;; -- nothing\n; /* here */").len(), 0);
    assert_eq!(parsed("SHOW STREAMS;; SHOW VIEWS").len(), 2);
}

#[test]
fn create_stream() {
    check(
        "CREATE STREAM IF NOT EXISTS Trades (
            Symbol STRING NOT NULL, price DECIMAL(10, 2), tags ARRAY<STRING>, j JSON
         ) WITH ('type' = 'source', extension = file, csv.has-header = TRUE, n = -3, t = INTERVAL '5' SECOND)",
        expect![[r#"
            create stream if not exists Trades
              Symbol: Utf8 not null
              price: Decimal128(10, 2)
              tags: List(Utf8)
              j: Utf8 json
              with type = text "source"
              with extension = text "file"
              with csv.has-header = bool true
              with n = number -3
              with t = interval 5000000000 ns
        "#]],
    );
}

#[test]
fn create_stream_as() {
    check(
        "CREATE STREAM out WITH ('type' = 'sink') AS SELECT a FROM s",
        expect![[r#"
            create stream out
              with type = text "sink"
              items a
              from s
        "#]],
    );
}

#[test]
fn create_view() {
    check(
        "CREATE VIEW v (x, y) AS SELECT a, b FROM s WHERE a > 1",
        expect![[r#"
            create view v (x, y)
              items a, b
              from s
              where a > 1
        "#]],
    );
}

#[test]
fn create_aggregation() {
    check(
        "CREATE AGGREGATION a AS SELECT symbol, sum(p) AS t FROM s WHERE p > 0 GROUP BY symbol AGGREGATE BY s.ts EVERY DAYS, SECONDS;
         CREATE AGGREGATION b WITH (x = 1) AS SELECT sum(p) AS t FROM s AGGREGATE EVERY SECONDS … YEARS;
         CREATE AGGREGATION c AS SELECT sum(p) AS t FROM s AGGREGATE EVERY SECONDS...MINUTES;
         CREATE AGGREGATION d AS SELECT sum(p) AS t FROM s AGGREGATE BY ts EVERY week",
        expect![[r#"
            create aggregation a
              items symbol, sum(p) AS t
              from s
              where p > 0
              group by symbol
              by ts every [Second, Day]
            create aggregation b
              with x = number 1
              items sum(p) AS t
              from s
              by event time every [Second, Minute, Hour, Day, Month, Year]
            create aggregation c
              items sum(p) AS t
              from s
              by event time every [Second, Minute]
            create aggregation d
              items sum(p) AS t
              from s
              by ts every [Week]
        "#]],
    );
}

#[test]
fn insert() {
    check(
        "INSERT INTO o (a, b) SELECT x, y FROM s;
         INSERT INTO o VALUES (1, 'a'), (NULL, upper('b'));
         INSERT INTO o (SELECT 1)",
        expect![[r#"
            insert into o (a, b)
              items x, y
              from s
            insert into o ()
              row 1, 'a'
              row NULL, upper('b')
            insert into o ()
              nested
                items 1
        "#]],
    );
}

#[test]
fn explain_show_describe_drop() {
    check(
        "EXPLAIN SELECT 1; EXPLAIN CREATE VIEW v AS SELECT 1;
         SHOW STREAMS; SHOW VIEWS; SHOW AGGREGATIONS; SHOW QUERIES; SHOW FUNCTIONS; SHOW WINDOWS;
         DESCRIBE s; DESC \"My Stream\"; DESCRIBE STREAM s; DESCRIBE stream;
         DROP STREAM s; DROP VIEW IF EXISTS v; DROP AGGREGATION a",
        expect![[r#"
            explain select
              items 1
            explain create view v ()
              items 1
            Show(Streams)
            Show(Views)
            Show(Aggregations)
            Show(Queries)
            Show(Functions)
            Show(Windows)
            Describe(Name { text: "s", span: Span { start: 169, end: 170 } })
            Describe(Name { text: "My Stream", span: Span { start: 177, end: 188 } })
            Describe(Name { text: "s", span: Span { start: 206, end: 207 } })
            Describe(Name { text: "stream", span: Span { start: 218, end: 224 } })
            Drop { kind: Stream, if_exists: false, name: Name { text: "s", span: Span { start: 247, end: 248 } } }
            Drop { kind: View, if_exists: true, name: Name { text: "v", span: Span { start: 270, end: 271 } } }
            Drop { kind: Aggregation, if_exists: false, name: Name { text: "a", span: Span { start: 290, end: 291 } } }
        "#]],
    );
}
