//! How each statement looks, with comments in all places.

use expect_test::{Expect, expect};

use crate::fmt::format;

#[track_caller]
fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&format(text).unwrap_or_else(|errors| panic!("{errors:#?}")));
}

#[test]
fn create_stream() {
    check(
        r#"-- head of the script

/* a block
   comment */
create /*1*/ stream /*2*/ s /*3*/ ( -- in the columns
  ts timestamp not null, -- behind a column
  /* before */ k string, "odd name" decimal(10,2)
) with ( -- options
  type = 'source', extension='generator' /*4*/, "generator.rows" = 10, -- last
  "generator.rate" = '${RATE:5/s}'
) /*5*/ ; -- behind the statement"#,
        &expect![[r#"
            -- head of the script

            /* a block
               comment */
            CREATE /*1*/ STREAM /*2*/ s /*3*/ ( -- in the columns
                ts TIMESTAMP NOT NULL, -- behind a column
                /* before */
                k STRING,
                "odd name" DECIMAL(10, 2)
            ) WITH ( -- options
                type = 'source',
                extension = 'generator' /*4*/ ,
                "generator.rows" = 10, -- last
                "generator.rate" = '${RATE:5/s}'
            ) /*5*/ ; -- behind the statement
        "#]],
    );
}

#[test]
fn create_stream_as() {
    check(
        r#"create stream t with (clock='event') as select /*a*/ k, -- why
 v*2 as w from s /*b*/ where k='x''y' -- cond
 and (v between 1 and 2 or k like 'a%') ;"#,
        &expect![[r#"
            CREATE STREAM t WITH (
                clock = 'event'
            ) AS
            SELECT /*a*/
                k, -- why
                v * 2 AS w
            FROM s /*b*/
            WHERE k = 'x''y' -- cond
                AND (v BETWEEN 1 AND 2 OR k LIKE 'a%');
        "#]],
    );
}

#[test]
fn create_view() {
    check(
        r#"-- names
create view v (a,b) -- two
 as select k, count(*) from s window tumbling (size 1 minute) group by k;"#,
        &expect![[r#"
            -- names
            CREATE VIEW v (a, b) -- two
                AS
            SELECT k, count(*)
            FROM s
            WINDOW TUMBLING (SIZE 1 MINUTE)
            GROUP BY k;
        "#]],
    );
}

#[test]
fn create_aggregation() {
    check(
        r#"create aggregation agg -- roll-ups
 as select k, sum(v) as total from s /* all */ group by k aggregate by ts every seconds ... years;"#,
        &expect![[r#"
            CREATE AGGREGATION agg -- roll-ups
                AS
            SELECT k, sum(v) AS total
            FROM s /* all */
            GROUP BY k
            AGGREGATE BY ts EVERY seconds...years;
        "#]],
    );
}

#[test]
fn insert_values() {
    check(
        r#"insert into t (k, w) values ('a', 1), -- one
 ('b', /* null */ null);"#,
        &expect![[r#"
            INSERT INTO t (k, w)
            VALUES
                ('a', 1), -- one
                ('b', /* null */ NULL);
        "#]],
    );
}

#[test]
fn insert_select() {
    check(
        r#"insert into t -- into
 select k, v from s -- from
 where v>0;"#,
        &expect![[r#"
            INSERT INTO t -- into
            SELECT k, v
            FROM s -- from
            WHERE v > 0;
        "#]],
    );
}

#[test]
fn select() {
    check(
        r#"with x as (select k from s) -- a part
select distinct k, case when v>1 then 'a' else 'b' end as c, -- choice
sum(v) over (partition by k order by ts rows 3 preceding) as r from x [k <> ''] window hop(size 1 minute, slide 10 seconds) as w where k is not null group by k having count(*)>1 order by k desc nulls last limit 3 output last every 5 events;"#,
        &expect![[r#"
            WITH x AS (
                SELECT k
                FROM s
            ) -- a part
            SELECT DISTINCT
                k,
                CASE WHEN v > 1 THEN 'a' ELSE 'b' END AS c, -- choice
                sum(v) OVER (PARTITION BY k ORDER BY ts ROWS 3 PRECEDING) AS r
            FROM x[k <> '']
            WINDOW HOP (SIZE 1 MINUTE, SLIDE 10 SECONDS) AS w
            WHERE k IS NOT NULL
            GROUP BY k
            HAVING count(*) > 1
            ORDER BY k DESC NULLS LAST
            LIMIT 3
            OUTPUT LAST EVERY 5 EVENTS;
        "#]],
    );
}

#[test]
fn union() {
    check(
        r#"select a from s /* and */ union all -- more
(select b from t limit 1) order by 1;"#,
        &expect![[r#"
            SELECT a
            FROM s /* and */
            UNION ALL -- more
                (
                SELECT b
                FROM t
                LIMIT 1
            )
            ORDER BY 1;
        "#]],
    );
}

#[test]
fn within_per() {
    check(
        r#"select k from agg within '2024-05-**' per 'days'; -- a month"#,
        &expect![[r#"
            SELECT k
            FROM agg WITHIN '2024-05-**' PER 'days'; -- a month
        "#]],
    );
}

#[test]
fn small_statements() {
    check(
        r#"explain /* plan */ select 1 from s; show streams; -- all
describe s;

drop stream if exists s;
-- the end"#,
        &expect![[r#"
            EXPLAIN /* plan */ SELECT 1
            FROM s;

            SHOW STREAMS; -- all
            DESCRIBE s;

            DROP STREAM IF EXISTS s;
            -- the end
        "#]],
    );
}

#[test]
fn a_script_with_errors_is_not_formatted() {
    let errors = format("SELECT FROM; SELECT 'a").unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    expect![[r#"
        [
            "E0101: expected a column or an expression, found `FROM`",
            "E0102: this string is not closed",
        ]
    "#]]
    .assert_debug_eq(&shown);
}

#[test]
fn patterns() {
    check(
        r#"select e1.k, e2[last-1].v, count(e2) n from pattern(every e1=a[v>1]->e2=b[k=e1.k]{2,5}->(c and not d) or e<2:3>->not f for 10 seconds) within 1 minute and 10 events and 5 seconds between steps partition by k after match skip to first e2 with timed out matches where e1.v>0;
select e.v from sequence(every (e=a+,b?) within 5 seconds) order by ts;"#,
        &expect![[r#"
            SELECT e1.k, e2[last - 1].v, count(e2) n
            FROM PATTERN (
                EVERY e1 = a[v > 1] -> e2 = b[k = e1.k]{2,5} -> (c AND NOT d) OR e<2:3> -> NOT f FOR 10 SECONDS
            ) WITHIN 1 MINUTE AND 10 EVENTS AND 5 SECONDS BETWEEN STEPS PARTITION BY k AFTER MATCH SKIP TO FIRST e2 WITH TIMED OUT MATCHES
            WHERE e1.v > 0;

            SELECT e.v
            FROM SEQUENCE (EVERY (e = a+, b?) WITHIN 5 SECONDS)
            ORDER BY ts;
        "#]],
    );
}

#[test]
fn match_recognize() {
    check(
        r#"select * from s match_recognize(partition by k order by ts measures final last(a.price,1) as p, running sum(b.price) as t, count(a.*) as n, classifier() as c, prev(first(a.price),2) as q all rows per match show empty matches after match skip to last u -- where to go on
 pattern(^ a b+?(c|d)* e{2,3}? {- f -} permute(g,h) () $) within interval '1' hour subset u=(a,b) define a as price>1, b as b.price>prev(b.price)) as m where p>1;
select * from s match_recognize(pattern(a));"#,
        &expect![[r#"
            SELECT *
            FROM s MATCH_RECOGNIZE (
                PARTITION BY k
                ORDER BY ts
                MEASURES
                    FINAL last(a.price, 1) AS p,
                    RUNNING sum(b.price) AS t,
                    count(a.*) AS n,
                    classifier() AS c,
                    prev(first(a.price), 2) AS q
                ALL ROWS PER MATCH SHOW EMPTY MATCHES
                AFTER MATCH SKIP TO LAST u -- where to go on
                PATTERN (^ a b+? (c | d)* e{2,3}? {- f -} PERMUTE(g, h) () $)
                WITHIN INTERVAL '1' HOUR
                SUBSET u = (a, b)
                DEFINE a AS price > 1, b AS b.price > prev(b.price)
            ) AS m
            WHERE p > 1;

            SELECT *
            FROM s MATCH_RECOGNIZE (PATTERN (a));
        "#]],
    );
}
