//! Several errors, their order, and where syntax errors stand.

use expect_test::expect;

use super::{errors, refused};
use crate::sql::{ERRORS_MAX, SCRIPT_BYTES_MAX};

#[test]
fn each_statement_reports_its_first_error() {
    let text = "SELECT FROM s; SELECT 1; CREATE STRAEM s (a INT);\nDROP s; SELECT 'open";
    let shown: Vec<String> = errors(text)
        .iter()
        .map(|e| {
            let span = e.span.expect("a place");
            format!("{} at {}: «{}»", e.code, span.start, &text[span.start..span.end])
        })
        .collect();
    expect![[r#"
        E0101 at 7: «FROM»
        E0101 at 32: «STRAEM»
        E0101 at 55: «s»
        E0102 at 65: «'open»"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn errors_are_capped() {
    let text = "SELECT;".repeat(ERRORS_MAX + 5);
    assert_eq!(errors(&text).len(), ERRORS_MAX);
    let text = format!("{text} 'open");
    assert_eq!(errors(&text).len(), ERRORS_MAX);
}

#[test]
fn long_scripts_are_refused_before_they_are_read() {
    let text = " ".repeat(SCRIPT_BYTES_MAX + 1);
    let errors = errors(&text);
    assert_eq!(errors[0].code, "E0104");
    assert_eq!(super::parsed(&text[..SCRIPT_BYTES_MAX]).len(), 0);
}

#[test]
fn syntax_errors() {
    let mut out = String::new();
    for text in [
        "SELECT",
        "SELECT a,",
        "SELECT a, FROM s",
        "SELECT a FROM",
        "SELECT a FROM s WHERE",
        "SELECT a FROM s WHERE GROUP BY a",
        "SELECT a FROM s GROUP a",
        "SELECT a FROM s GROUP BY",
        "SELECT a FROM s ORDER a",
        "SELECT a FROM s HAVING",
        "SELECT (a FROM s",
        "SELECT a) FROM s",
        "SELECT f(a FROM s",
        "SELECT a b c FROM s",
        "SELECT CASE WHEN a THEN b FROM s",
        "SELECT CAST(a AS) FROM s",
        "SELECT a FROM s WHERE a = = b",
        "SELECT a FROM s LIMIT x",
        "SELECT a FROM s LIMIT -1",
        "SELECT a FROM s LIMIT 1.5",
        "SELECT a FROM s LIMIT 1 LIMIT 2",
        "SELECT a FROM s LIMIT 1, 2",
        "SELECT a FROM s WHERE b WHERE c",
        "SELECT a FROM s LIMIT 1 ORDER BY a",
        "SELECT a FROM s OUTPUT LAST EVERY 5 SECONDS LIMIT 1",
        "SELECT a FROM s OUTPUT",
        "SELECT a FROM s OUTPUT SOMETIMES",
        "SELECT a FROM s OUTPUT LAST EVERY 5",
        "SELECT a FROM s OUTPUT LAST EVERY 0 EVENTS",
        "SELECT a FROM s OUTPUT LAST EVERY 1 MONTH",
        "SELECT a FROM s OUTPUT SNAPSHOT EVERY 5 EVENTS",
        "SELECT a FROM 's'",
        "SELECT a FROM x.s",
        "SELECT a FROM (s)",
        "SELECT a FROM s AS",
        "SELECT a FROM s AS 'x'",
        "SELECT a 'x' FROM s",
        "SELECT a AS FROM s",
        "SELECT 'a FROM s",
        "SELECT \"a FROM s",
        "SELECT a /* b FROM s",
        "SELECT 12abc",
        "SELECT 1_000",
        "SELECT a ? b FROM s",
        "SELECT a # b FROM s",
        "SELECT a \\ b",
        "SELECT count(*) FILTER FROM s",
        "SELECT count(*) FILTER (a) FROM s",
        "SELECT a FROM s t u",
        "SELECT a FROM s WITHIN '2024'",
        "SELECT a FROM s WITHIN '2024' PER 'eons'",
        "SELECT a FROM s WITHIN '2024' PER HOURS WITHIN '2024' PER HOURS",
        "WITH a AS SELECT 1 SELECT 2",
        "WITH a AS (SELECT 1)",
        "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT 3",
        "INSERT s SELECT 1",
        "INSERT INTO s",
        "INSERT INTO s (a, b)",
        "INSERT INTO s VALUES",
        "INSERT INTO s VALUES ()",
        "INSERT INTO s VALUES (1), (1, 2)",
        "INSERT INTO s VALUES (1",
        "CREATE",
        "CREATE STREAM",
        "CREATE STREAM s",
        "CREATE STREAM s (a INT) AS",
        "CREATE STREAM s AS SELECT 1 WITH (a = 1)",
        "CREATE STREAM select (a INT)",
        "CREATE STREAM \"\" (a INT)",
        "CREATE VIEW v",
        "CREATE VIEW v AS",
        "CREATE AGGREGATION a AS SELECT 1",
        "CREATE AGGREGATION a AS SELECT 1 AGGREGATE BY ts",
        "CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY",
        "CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY YEARS … SECONDS",
        "CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY SECONDS, SECONDS",
        "CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY SECNDS",
        "SHOW",
        "SHOW STREMS",
        "SHOW TABLE",
        "DESCRIBE",
        "DESCRIBE s t",
        "DROP",
        "DROP s",
        "DROP STREEM s",
        "DROP STREAM",
        "DROP STREAM a, b",
        "EXPLAIN",
        "EXPLAIN SHOW STREAMS",
        "SELEC 1",
        "42",
        "hello",
        "SELECT 1 SELECT 2",
        ")",
    ] {
        out.push_str(&format!("{text}\n  {}\n", refused(text)));
    }
    expect![[r#"
        SELECT
          E0101 at «»: expected a column or an expression, found the end of the statement
          help: -
        SELECT a,
          E0101 at «»: expected a column or an expression, found the end of the statement
          help: -
        SELECT a, FROM s
          E0101 at «FROM»: expected a column or an expression, found `FROM`
          help: -
        SELECT a FROM
          E0101 at «»: expected the name of a stream, view or aggregation, found the end of the statement
          help: -
        SELECT a FROM s WHERE
          E0101 at «»: expected an expression, found the end of the statement
          help: -
        SELECT a FROM s WHERE GROUP BY a
          E0101 at «GROUP»: expected an expression, found `GROUP`
          help: a name that is a word of SQL needs double quotes
        SELECT a FROM s GROUP a
          E0101 at «a»: expected `BY`, found `a`
          help: -
        SELECT a FROM s GROUP BY
          E0101 at «»: expected an expression, found the end of the statement
          help: -
        SELECT a FROM s ORDER a
          E0101 at «a»: expected `BY`, found `a`
          help: -
        SELECT a FROM s HAVING
          E0101 at «»: expected an expression, found the end of the statement
          help: -
        SELECT (a FROM s
          E0101 at «FROM»: expected `)`, found `FROM`
          help: -
        SELECT a) FROM s
          E0101 at «)»: expected the end of the statement, found `)`
          help: -
        SELECT f(a FROM s
          E0101 at «FROM»: expected `)`, found `FROM`
          help: -
        SELECT a b c FROM s
          E0101 at «c»: expected the end of the statement, found `c`
          help: -
        SELECT CASE WHEN a THEN b FROM s
          E0101 at «WHEN»: expected the end of the statement, found `WHEN`
          help: -
        SELECT CAST(a AS) FROM s
          E0101 at «)»: expected a data type name, found `)`
          help: -
        SELECT a FROM s WHERE a = = b
          E0101 at «=»: expected an expression, found `=`
          help: -
        SELECT a FROM s LIMIT x
          E0101 at «x»: a number of rows is a whole number, written out
          help: for example LIMIT 10
        SELECT a FROM s LIMIT -1
          E0101 at «-1»: a number of rows is a whole number, written out
          help: for example LIMIT 10
        SELECT a FROM s LIMIT 1.5
          E0101 at «1.5»: a number of rows is a whole number, written out
          help: for example LIMIT 10
        SELECT a FROM s LIMIT 1 LIMIT 2
          E0101 at «LIMIT 2»: the number of rows is given twice
          help: -
        SELECT a FROM s LIMIT 1, 2
          E0101 at «,»: expected the end of LIMIT, found `,`
          help: write LIMIT n OFFSET m instead of LIMIT m, n
        SELECT a FROM s WHERE b WHERE c
          E0101 at «WHERE»: expected the end of the query, found `WHERE`
          help: the order is: FROM, WHERE, GROUP BY, HAVING, WINDOW, QUALIFY, ORDER BY, LIMIT, OUTPUT
        SELECT a FROM s LIMIT 1 ORDER BY a
          E0101 at «ORDER»: expected the end of the query, found `ORDER`
          help: ORDER BY, then LIMIT and OFFSET, then OUTPUT
        SELECT a FROM s OUTPUT LAST EVERY 5 SECONDS LIMIT 1
          E0101 at «LIMIT»: expected the end of the query, found `LIMIT`
          help: ORDER BY, then LIMIT and OFFSET, then OUTPUT
        SELECT a FROM s OUTPUT
          E0101 at «»: expected ALL, FIRST, LAST or SNAPSHOT, found the end of the statement
          help: OUTPUT ALL|FIRST|LAST EVERY n EVENTS, … EVERY 5 SECONDS, or OUTPUT SNAPSHOT EVERY 5 SECONDS
        SELECT a FROM s OUTPUT SOMETIMES
          E0101 at «SOMETIMES»: expected ALL, FIRST, LAST or SNAPSHOT, found `SOMETIMES`
          help: OUTPUT ALL|FIRST|LAST EVERY n EVENTS, … EVERY 5 SECONDS, or OUTPUT SNAPSHOT EVERY 5 SECONDS
        SELECT a FROM s OUTPUT LAST EVERY 5
          E0410 at «5»: a rate needs a unit
          help: OUTPUT ALL|FIRST|LAST EVERY n EVENTS, … EVERY 5 SECONDS, or OUTPUT SNAPSHOT EVERY 5 SECONDS
        SELECT a FROM s OUTPUT LAST EVERY 0 EVENTS
          E0404 at «0»: the number of events is a whole number from 1 on
          help: write it as digits, for example 100
        SELECT a FROM s OUTPUT LAST EVERY 1 MONTH
          E0403 at «1 MONTH»: an output rate needs a fixed length; months and years differ in theirs
          help: count in days or weeks instead
        SELECT a FROM s OUTPUT SNAPSHOT EVERY 5 EVENTS
          E0410 at «OUTPUT SNAPSHOT EVERY 5 EVENTS»: a snapshot is taken by time, not by events
          help: OUTPUT ALL|FIRST|LAST EVERY n EVENTS, … EVERY 5 SECONDS, or OUTPUT SNAPSHOT EVERY 5 SECONDS
        SELECT a FROM 's'
          E0101 at «'s'»: expected the name of a stream, view or aggregation, found `'s'`
          help: names take double quotes: "s"
        SELECT a FROM x.s
          E0206 at «x.»: names of streams, views and aggregations have one part
          help: there are no databases or schemas; quote the name if the dot belongs to it
        SELECT a FROM (s)
          E0101 at «(s)»: these parentheses hold no join and no query
          help: leave them out
        SELECT a FROM s AS
          E0101 at «»: expected an alias, found the end of the statement
          help: -
        SELECT a FROM s AS 'x'
          E0101 at «'x'»: expected an alias, found `'x'`
          help: names take double quotes: "x"
        SELECT a 'x' FROM s
          E0206 at «'x'»: a name stands here, not the string 'x'
          help: names take double quotes: "x"
        SELECT a AS FROM s
          E0101 at «s»: expected the end of the statement, found `s`
          help: -
        SELECT 'a FROM s
          E0102 at «'a FROM s»: this string is not closed
          help: close it with `'`; a quote inside a string is written twice: 'it''s'
        SELECT "a FROM s
          E0102 at «"a FROM s»: this quoted name is not closed
          help: close it with the quote it began with; strings take single quotes
        SELECT a /* b FROM s
          E0102 at «/* b FROM s»: this comment is not closed
          help: close it with `*/`; comments nest, so each `/*` needs its own
        SELECT 12abc
          E0103 at «12abc»: letters directly behind a number are no number
          help: put a space between a number and its unit, and write 1000, not 1_000
        SELECT 1_000
          E0103 at «1_000»: letters directly behind a number are no number
          help: put a space between a number and its unit, and write 1000, not 1_000
        SELECT a ? b FROM s
          E0101 at «?»: expected the end of the statement, found `?`
          help: -
        SELECT a # b FROM s
          E0101 at «#»: no infix parser for token Sharp
          help: -
        SELECT a \ b
          E0101 at «\»: expected the end of the statement, found `\`
          help: -
        SELECT count(*) FILTER FROM s
          E0101 at «FILTER»: FILTER needs a condition in parentheses
          help: write FILTER (WHERE condition), or quote the name "filter"
        SELECT count(*) FILTER (a) FROM s
          E0101 at «FILTER»: FILTER needs a condition in parentheses
          help: write FILTER (WHERE condition), or quote the name "filter"
        SELECT a FROM s t u
          E0101 at «u»: expected the end of the statement, found `u`
          help: -
        SELECT a FROM s WITHIN '2024'
          E0101 at «»: expected PER, found the end of the statement
          help: write WITHIN '2024-01-01', '2024-02-01' PER 'hours'
        SELECT a FROM s WITHIN '2024' PER 'eons'
          E0409 at «'eons'»: 'eons' is no grain
          help: 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months' or 'years'
        SELECT a FROM s WITHIN '2024' PER HOURS WITHIN '2024' PER HOURS
          E0101 at «WITHIN»: expected the end of the statement, found `WITHIN`
          help: -
        WITH a AS SELECT 1 SELECT 2
          E0101 at «SELECT»: expected `(`, found `SELECT`
          help: -
        WITH a AS (SELECT 1)
          E0101 at «»: expected SELECT, found the end of the statement
          help: -
        WITH a AS (SELECT 1), a AS (SELECT 2) SELECT 3
          E0204 at «a»: WITH defines `a` twice
          help: rename one of them
        INSERT s SELECT 1
          E0101 at «s»: expected `INTO`, found `s`
          help: -
        INSERT INTO s
          E0101 at «»: expected SELECT or VALUES, found the end of the statement
          help: -
        INSERT INTO s (a, b)
          E0101 at «»: expected SELECT or VALUES, found the end of the statement
          help: -
        INSERT INTO s VALUES
          E0101 at «»: expected `(`, found the end of the statement
          help: -
        INSERT INTO s VALUES ()
          E0101 at «)»: expected an expression, found `)`
          help: -
        INSERT INTO s VALUES (1), (1, 2)
          E0210 at «(1, 2)»: this row has 2 values, the first has 1
          help: give every row the same number of values
        INSERT INTO s VALUES (1
          E0101 at «»: expected `)`, found the end of the statement
          help: -
        CREATE
          E0101 at «»: expected STREAM, VIEW, TABLE, TRIGGER, FUNCTION or AGGREGATION behind CREATE, found the end of the statement
          help: -
        CREATE STREAM
          E0101 at «»: expected the stream's name, found the end of the statement
          help: -
        CREATE STREAM s
          E0101 at «»: expected the columns of `s`, found the end of the statement
          help: write CREATE STREAM name (column TYPE, …) or CREATE STREAM name AS SELECT …
        CREATE STREAM s (a INT) AS
          E0101 at «»: expected SELECT, found the end of the statement
          help: -
        CREATE STREAM s AS SELECT 1 WITH (a = 1)
          E0101 at «WITH»: expected the end of the statement, found `WITH`
          help: WITH (…) stands before AS
        CREATE STREAM select (a INT)
          E0101 at «select»: expected the stream's name, found `select`
          help: `select` is a word of SQL; to use it as a name write "select"
        CREATE STREAM "" (a INT)
          E0206 at «""»: a name cannot be empty
          help: -
        CREATE VIEW v
          E0101 at «»: expected `AS`, found the end of the statement
          help: -
        CREATE VIEW v AS
          E0101 at «»: expected SELECT, found the end of the statement
          help: -
        CREATE AGGREGATION a AS SELECT 1
          E0101 at «»: expected AGGREGATE, found the end of the statement
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        CREATE AGGREGATION a AS SELECT 1 AGGREGATE BY ts
          E0101 at «BY»: expected AGGREGATE, found `BY`
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY
          E0101 at «EVERY»: expected AGGREGATE, found `EVERY`
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY YEARS … SECONDS
          E0101 at «EVERY»: expected AGGREGATE, found `EVERY`
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY SECONDS, SECONDS
          E0101 at «EVERY»: expected AGGREGATE, found `EVERY`
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        CREATE AGGREGATION a AS SELECT 1 AGGREGATE EVERY SECNDS
          E0101 at «EVERY»: expected AGGREGATE, found `EVERY`
          help: end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS
        SHOW
          E0101 at «»: expected STREAMS, VIEWS, TABLES, AGGREGATIONS, QUERIES, FUNCTIONS or WINDOWS behind SHOW, found the end of the statement
          help: -
        SHOW STREMS
          E0101 at «STREMS»: expected STREAMS, VIEWS, TABLES, AGGREGATIONS, QUERIES, FUNCTIONS or WINDOWS behind SHOW, found `STREMS`
          help: did you mean `SHOW STREAMS`?
        SHOW TABLE
          E0101 at «TABLE»: expected STREAMS, VIEWS, TABLES, AGGREGATIONS, QUERIES, FUNCTIONS or WINDOWS behind SHOW, found `TABLE`
          help: did you mean `SHOW TABLES`?
        DESCRIBE
          E0101 at «»: expected the name of a stream, view, table or aggregation, found the end of the statement
          help: -
        DESCRIBE s t
          E0101 at «t»: expected the end of the statement, found `t`
          help: -
        DROP
          E0101 at «»: expected STREAM, VIEW, TABLE, TRIGGER, FUNCTION or AGGREGATION behind DROP, found the end of the statement
          help: -
        DROP s
          E0101 at «s»: expected STREAM, VIEW, TABLE, TRIGGER, FUNCTION or AGGREGATION behind DROP, found `s`
          help: -
        DROP STREEM s
          E0101 at «STREEM»: expected STREAM, VIEW, TABLE, TRIGGER, FUNCTION or AGGREGATION behind DROP, found `STREEM`
          help: did you mean `STREAM`?
        DROP STREAM
          E0101 at «»: expected its name, found the end of the statement
          help: -
        DROP STREAM a, b
          E0101 at «,»: expected the end of the statement, found `,`
          help: drop one object with each statement
        EXPLAIN
          E0101 at «»: expected a statement, found the end of the statement
          help: -
        EXPLAIN SHOW STREAMS
          E0101 at «SHOW»: expected a statement with a plan, found `SHOW`
          help: EXPLAIN takes SELECT, INSERT, CREATE STREAM … AS, CREATE VIEW or CREATE AGGREGATION
        SELEC 1
          E0107 at «SELEC»: `SELEC` starts no statement
          help: did you mean `SELECT`?
        42
          E0101 at «42»: expected a statement, found `42`
          help: -
        hello
          E0107 at «hello»: `hello` starts no statement
          help: statements start with CREATE, INSERT, UPSERT, UPDATE, DELETE, SELECT, WITH, EXPLAIN, SHOW, DESCRIBE or DROP
        SELECT 1 SELECT 2
          E0101 at «SELECT»: expected the end of the statement, found `SELECT`
          help: statements are separated by `;`
        )
          E0101 at «)»: expected a statement, found `)`
          help: -
    "#]].assert_eq(&out);
}
