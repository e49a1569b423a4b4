//! Golden trees of queries.

use expect_test::{Expect, expect};

use super::describe::describe;
use super::parsed;

fn check(text: &str, expected: Expect) {
    let out: String = parsed(text).iter().map(describe).collect();
    expected.assert_eq(&out);
}

#[test]
fn all_clauses_in_order() {
    check(
        "SELECT DISTINCT a, count(*) FILTER (WHERE x) AS n FROM s WHERE b GROUP BY a, lower(c) HAVING count(*) > 1 WINDOW w AS (ORDER BY a) QUALIFY rank() OVER w = 1 ORDER BY n DESC, a LIMIT 10 OFFSET 5 OUTPUT FIRST EVERY 3 EVENTS",
        expect![[r#"
            select
              distinct items a, count(*) FILTER (WHERE x) AS n
              from s
              where b
              group by a, lower(c)
              having count(*) > 1
              windows w AS (ORDER BY a)
              qualify rank() OVER w = 1
              order by n DESC, a
              limit 10
              offset 5
              output First every 3 events
        "#]],
    );
}

#[test]
fn ctes_and_unions() {
    check(
        "WITH a AS (SELECT 1), b (x) AS (WITH c AS (SELECT 2) SELECT * FROM c) SELECT * FROM a UNION ALL SELECT * FROM b UNION ALL (SELECT 3 LIMIT 1)",
        expect![[r#"
            select
              cte a ()
                items 1
              cte b (x)
                cte c ()
                  items 2
                items *
                from c
              union all of 3
                items *
                from a
                items *
                from b
                nested
                  items 3
                  limit 1
        "#]],
    );
}

#[test]
fn filters_before_and_after_the_window() {
    check(
        "SELECT * FROM s[a][b] AS x WINDOW LENGTH (5) WHERE c;
         SELECT * FROM s WHERE a WINDOW LENGTH (5) AS x WHERE c;
         SELECT * FROM s[a] WHERE b WINDOW LENGTH (5);
         SELECT * FROM s WHERE a",
        expect![[r#"
            select
              items *
              from s as x ()
                before the window: (a) AND (b)
                length 5
              where c
            select
              items *
              from s as x ()
                before the window: a
                length 5
              where c
            select
              items *
              from s
                before the window: (a) AND (b)
                length 5
            select
              items *
              from s
              where a
        "#]],
    );
}

#[test]
fn derived_tables_and_aliases() {
    check(
        "SELECT * FROM (SELECT a FROM s WINDOW LENGTH (5)) AS q (x) WINDOW LENGTH (2);
         SELECT * FROM s q;
         SELECT * FROM s WINDOW BATCH q;
         SELECT * FROM ((SELECT 1) UNION ALL SELECT 2)",
        expect![[r#"
            select
              items *
              from query as q (x)
                items a
                from s
                  length 5
                length 2
            select
              items *
              from s as q ()
            select
              items *
              from s as q ()
                batch
            select
              items *
              from query
                union all of 2
                  nested
                    items 1
                  items 2
        "#]],
    );
}

#[test]
fn within_per() {
    check(
        "SELECT * FROM a WITHIN '2024-01-01', '2024-02-01' PER 'hours';
         SELECT * FROM a AS x WITHIN '2024-01-** **:**:**' PER DAYS WHERE s = 'x';
         SELECT * FROM a WHERE s = 'x' WITHIN '2024' PER 'Second'",
        expect![[r#"
            select
              items *
              from a
                within '2024-01-01', '2024-02-01' per Hour
            select
              items *
              from a as x ()
                within '2024-01-** **:**:**' per Day
              where s = 'x'
            select
              items *
              from a
                within '2024' per Second
              where s = 'x'
        "#]],
    );
}

#[test]
fn output_rates() {
    check(
        "SELECT 1 OUTPUT ALL EVERY 5 SECONDS; SELECT 1 OUTPUT EVERY 10 EVENTS; SELECT 1 OUTPUT LAST EVERY INTERVAL '1' DAY; SELECT 1 OUTPUT SNAPSHOT EVERY 500 MS",
        expect![[r#"
            select
              items 1
              output All every 5000000000 ns
            select
              items 1
              output All every 10 events
            select
              items 1
              output Last every 1 d
            select
              items 1
              output Snapshot every 500000000 ns
        "#]],
    );
}

#[test]
fn limits_in_their_spellings() {
    check(
        "SELECT 1 LIMIT 5; SELECT 1 OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY; SELECT 1 FETCH FIRST ROW ONLY; SELECT 1 OFFSET 2 LIMIT 1",
        expect![[r#"
            select
              items 1
              limit 5
            select
              items 1
              limit 2
              offset 3
            select
              items 1
              limit 1
            select
              items 1
              limit 1
              offset 2
        "#]],
    );
}

#[test]
fn group_by_takes_lists_in_parentheses() {
    check("SELECT a FROM s GROUP BY (a, b), c", expect![[r#"
        select
          items a
          from s
          group by a, b, c
    "#]]);
}

#[test]
fn operators_bind_as_they_look() {
    let bracketed = |text: &str| -> String {
        let statements = parsed(&format!("SELECT {text}"));
        format!("{text}  =>  {}\n", brackets(&statements[0]))
    };
    let mut out = String::new();
    for text in [
        "payload->>'a' = 'x'",
        "payload->'n' + 1",
        "a IS DISTINCT FROM b AND c",
        "a IS NOT DISTINCT FROM b OR c",
        "NOT a = b",
        "-a * b",
        "a || b = c",
        "a = b IS NULL",
        "a + b * c::INT",
        "a ~ b AND c",
        "a BETWEEN b AND c AND d",
        "a & b = c",
    ] {
        out.push_str(&bracketed(text));
    }
    expect![[r#"
        payload->>'a' = 'x'  =>  ((payload ->> 'a') = 'x')
        payload->'n' + 1  =>  ((payload -> 'n') + 1)
        a IS DISTINCT FROM b AND c  =>  ((a <=!=> b) AND c)
        a IS NOT DISTINCT FROM b OR c  =>  ((a <===> b) OR c)
        NOT a = b  =>  (NOT (a = b))
        -a * b  =>  ((- a) * b)
        a || b = c  =>  ((a || b) = c)
        a = b IS NULL  =>  ((a = b) is null)
        a + b * c::INT  =>  (a + (b * c::INT))
        a ~ b AND c  =>  ((a ~ b) AND c)
        a BETWEEN b AND c AND d  =>  ((a between b and c) AND d)
        a & b = c  =>  ((a & b) = c)
    "#]].assert_eq(&out);
}

/// The only select item with every operation in brackets.
fn brackets(statement: &crate::ast::Statement) -> String {
    use datafusion_sql::sqlparser::ast::{Expr, SelectItem};
    fn show(expr: &Expr) -> String {
        match expr {
            Expr::BinaryOp { left, op, right } => format!("({} {op} {})", show(left), show(right)),
            Expr::UnaryOp { op, expr } => format!("({op} {})", show(expr)),
            Expr::IsDistinctFrom(a, b) => format!("({} <=!=> {})", show(a), show(b)),
            Expr::IsNotDistinctFrom(a, b) => format!("({} <===> {})", show(a), show(b)),
            Expr::IsNull(a) => format!("({} is null)", show(a)),
            Expr::Between { expr, low, high, .. } => {
                format!("({} between {} and {})", show(expr), show(low), show(high))
            }
            other => other.to_string(),
        }
    }
    let crate::ast::StatementKind::Select(query) = &statement.kind else {
        panic!("a select");
    };
    let crate::ast::SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    let [SelectItem::UnnamedExpr(expr)] = select.items.as_slice() else {
        panic!("one item: {:?}", select.items);
    };
    show(expr)
}
