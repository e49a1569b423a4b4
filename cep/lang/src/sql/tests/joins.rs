//! Golden trees of joins.

use expect_test::{Expect, expect};

use super::describe::describe;
use super::parsed;

fn check(from: &str, expected: Expect) {
    let out: String = parsed(&format!("SELECT * FROM {from}")).iter().map(describe).collect();
    expected.assert_eq(&out);
}

#[test]
fn every_operator() {
    check(
        "a JOIN b ON a.x = b.x",
        expect![[r#"
        select
          items *
          join Inner on a.x = b.x
            from a
            from b
    "#]],
    );
    check(
        "a INNER JOIN b USING (x, y)",
        expect![[r#"
        select
          items *
          join Inner using x, y
            from a
            from b
    "#]],
    );
    check(
        "a LEFT OUTER JOIN b ON TRUE",
        expect![[r#"
        select
          items *
          join Left on true
            from a
            from b
    "#]],
    );
    check(
        "a RIGHT JOIN b ON TRUE",
        expect![[r#"
        select
          items *
          join Right on true
            from a
            from b
    "#]],
    );
    check(
        "a AS x FULL JOIN b y ON x.k = y.k",
        expect![[r#"
        select
          items *
          join Full on x.k = y.k
            from a as x ()
            from b as y ()
    "#]],
    );
    check(
        "a CROSS JOIN b",
        expect![[r#"
        select
          items *
          join Cross
            from a
            from b
    "#]],
    );
    check(
        "a ASOF LEFT JOIN b MATCH_CONDITION (a.ts >= b.ts) ON a.k = b.k",
        expect![[r#"
        select
          items *
          join Left asof a.ts >= b.ts on a.k = b.k
            from a
            from b
    "#]],
    );
    check(
        "a ASOF JOIN b ON a.k = b.k AND a.ts >= b.ts",
        expect![[r#"
        select
          items *
          join Inner asof on a.k = b.k AND a.ts >= b.ts
            from a
            from b
    "#]],
    );
}

#[test]
fn joins_lean_to_the_left_and_commas_bind_least() {
    check(
        "a JOIN b ON x LEFT JOIN c ON y",
        expect![[r#"
        select
          items *
          join Left on y
            join Inner on x
              from a
              from b
            from c
    "#]],
    );
    check(
        "a, b JOIN c ON x, d",
        expect![[r#"
        select
          items *
          join Cross
            join Cross
              from a
              join Inner on x
                from b
                from c
            from d
    "#]],
    );
    check(
        "a JOIN (b JOIN c ON x) ON y",
        expect![[r#"
        select
          items *
          join Inner on y
            from a
            join Inner on x
              from b
              from c
    "#]],
    );
    check(
        "((a CROSS JOIN b) CROSS JOIN c)",
        expect![[r#"
        select
          items *
          join Cross
            join Cross
              from a
              from b
            from c
    "#]],
    );
}

#[test]
fn sides_have_filters_windows_aliases_and_queries() {
    check(
        "a[x > 1] WINDOW TIME (10 SECONDS) AS l JOIN b AS r WINDOW LENGTH (5) UNIDIRECTIONAL ON l.k = r.k",
        expect![[r#"
            select
              items *
              join Inner on l.k = r.k
                from a as l ()
                  before the window: x > 1
                  time size 10000000000 ns
                from b as r ()
                  length 5
                  unidirectional
        "#]],
    );
    check(
        "a UNIDIRECTIONAL JOIN (SELECT 1) AS q ON TRUE",
        expect![[r#"
        select
          items *
          join Inner on true
            from a
              unidirectional
            from query as q ()
              items 1
    "#]],
    );
    check(
        "a WHERE x WINDOW LENGTH (5)",
        expect![[r#"
        select
          items *
          from a
            before the window: x
            length 5
    "#]],
    );
    check(
        "((SELECT 1) UNION ALL (SELECT 2)) AS q JOIN b ON TRUE",
        expect![[r#"
        select
          items *
          join Inner on true
            from query as q ()
              union all of 2
                nested
                  items 1
                nested
                  items 2
            from b
    "#]],
    );
    check(
        "((SELECT 1) AS p JOIN b ON TRUE)",
        expect![[r#"
        select
          items *
          join Inner on true
            from query as p ()
              items 1
            from b
    "#]],
    );
    check(
        "a JOIN r FOR SYSTEM_TIME AS OF a.ts AS v ON a.k = v.k",
        expect![[r#"
        select
          items *
          join Inner on a.k = v.k
            from a
            from r as v ()
              as of a.ts
    "#]],
    );
}
