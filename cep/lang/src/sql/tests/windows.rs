//! Windows of streams: every kind, and three spellings with one meaning (R-SQL-3).

use expect_test::{Expect, expect};

use crate::ast::{FromItem, SetExpr, StatementKind, Window};
use crate::sql::window_docs;

use super::describe::window as describe;
use super::{parsed, refused};

fn window_of(from: &str) -> Window {
    let statements = parsed(&format!("SELECT * FROM {from}"));
    let StatementKind::Select(query) = &statements[0].kind else {
        panic!("a select");
    };
    let SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    let from = select.from.as_ref().and_then(FromItem::relation).expect("a relation");
    from.window.clone().expect("a window")
}

/// All spellings give the same kind.
fn same(spellings: &[&str], expected: Expect) {
    let windows: Vec<Window> = spellings.iter().map(|s| window_of(s)).collect();
    for (window, text) in windows.iter().zip(spellings) {
        assert_eq!(window.kind, windows[0].kind, "{text} differs from {}", spellings[0]);
    }
    expected.assert_eq(&describe(&windows[0]));
}

#[test]
fn tumbling() {
    same(
        &[
            "s WINDOW TUMBLING (SIZE 1 MINUTE)",
            "s WINDOW TUMBLING (1 MINUTE)",
            "s WINDOW tumble (size => INTERVAL '1' MINUTE)",
            "s WINDOW('tumbling', 1 MINUTE)",
            "s WINDOW('TUMBLE', SIZE 60 SECONDS)",
            "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
            "TABLE(TUMBLE(DATA => TABLE s, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' MINUTE))",
            "TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
            "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '0' SECOND))",
        ],
        expect!["tumbling size 60000000000 ns"],
    );
    same(
        &[
            "s WINDOW TUMBLING (SIZE 1 MONTH, OFFSET 5 DAYS, ZONE 'Europe/Berlin')",
            "s WINDOW TUMBLING (1 MONTH, 5 DAYS, 'Europe/Berlin')",
            "s WINDOW TUMBLING (ZONE 'Europe/Berlin', OFFSET 5 DAYS, SIZE 1 MONTH)",
            "s WINDOW('tumbling', 1 MONTH, 5 DAYS, 'Europe/Berlin')",
            "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), 1 MONTH, 5 DAYS, 'Europe/Berlin'))",
        ],
        expect!["tumbling size 1 mon offset 5 d zone Europe/Berlin"],
    );
}

#[test]
fn hop_takes_the_slide_first_in_the_table_spelling() {
    same(
        &[
            "s WINDOW HOP (SIZE 1 HOUR, SLIDE 5 MINUTES)",
            "s WINDOW SLIDING (1 HOUR, 5 MINUTES)",
            "s WINDOW HOPPING (SLIDE 5 MINUTES, SIZE 1 HOUR)",
            "s WINDOW('sliding', 1 HOUR, 5 MINUTES)",
            "TABLE(HOP(TABLE s, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))",
            "TABLE(HOP(TABLE s, DESCRIPTOR(ts), SIZE => INTERVAL '1' HOUR, SLIDE => INTERVAL '5' MINUTE))",
        ],
        expect!["hop size 3600000000000 ns slide 300000000000 ns"],
    );
}

#[test]
fn cumulate() {
    same(
        &[
            "s WINDOW CUMULATE (STEP 2 MINUTES, SIZE 10 MINUTES)",
            "s WINDOW('cumulate', 2 MINUTES, 10 MINUTES)",
            "TABLE(CUMULATE(TABLE s, DESCRIPTOR(ts), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES))",
        ],
        expect!["cumulate step 120000000000 ns size 600000000000 ns"],
    );
}

#[test]
fn session() {
    same(
        &[
            "s WINDOW SESSION (GAP 5 MINUTES, KEY a, lower(b))",
            "s WINDOW SESSION (5 MINUTES, a, lower(b))",
            "s WINDOW('session', 5 MINUTES, a, lower(b))",
            "TABLE(SESSION(TABLE s PARTITION BY (a, lower(b)), DESCRIPTOR(ts), INTERVAL '5' MINUTES))",
        ],
        expect!["session gap 300000000000 ns keys [a, lower(b)]"],
    );
    same(
        &[
            "s WINDOW SESSION (GAP 5 MINUTES)",
            "TABLE(SESSION(TABLE s, DESCRIPTOR(ts), INTERVAL '5' MINUTES))",
        ],
        expect!["session gap 300000000000 ns keys []"],
    );
}

#[test]
fn every_other_kind() {
    let cases: &[(&[&str], Expect)] = &[
        (
            &[
                "s WINDOW TIME (5 SECONDS)",
                "s WINDOW('time', SIZE 5 SECONDS)",
                "TABLE(TIME(TABLE s, 5 SECONDS))",
            ],
            expect!["time size 5000000000 ns"],
        ),
        (
            &[
                "s WINDOW timeBatch (5 SECONDS, START TIMESTAMP '2024-01-01')",
                "s WINDOW TIME_BATCH (5 SECONDS, TIMESTAMP '2024-01-01')",
            ],
            expect!["time batch size 5000000000 ns start TIMESTAMP '2024-01-01'"],
        ),
        (
            &[
                "s WINDOW LENGTH (10)",
                "s WINDOW LENGTH (ROWS 10)",
                "s WINDOW('length', 10)",
                "TABLE(LENGTH(TABLE s, 10))",
            ],
            expect!["length 10"],
        ),
        (&["s WINDOW LENGTHBATCH (10)", "s WINDOW('lengthBatch', 10)"], expect!["length batch 10"]),
        (
            &["s WINDOW TIMELENGTH (5 SECONDS, 10)", "s WINDOW TIMELENGTH (ROWS 10, SIZE 5 SECONDS)"],
            expect!["time length size 5000000000 ns rows 10"],
        ),
        (
            &["s WINDOW EXTERNALTIME (ts, 5 SECONDS)", "s WINDOW EXTERNALTIME (COLUMN ts, SIZE 5 SECONDS)"],
            expect!["external time by ts size 5000000000 ns"],
        ),
        (
            &[
                "s WINDOW EXTERNALTIMEBATCH (a.ts, 5 SECONDS, 0, 1 MINUTE)",
                "s WINDOW EXTERNALTIMEBATCH (COLUMN a.ts, SIZE 5 SECONDS, TIMEOUT 1 MINUTE, START 0)",
            ],
            expect!["external time batch by a.ts size 5000000000 ns start 0 timeout 60000000000 ns"],
        ),
        (
            &["TABLE(EXTERNALTIME(TABLE s, DESCRIPTOR(ts), 5 SECONDS))"],
            expect![[r#"external time by "ts" size 5000000000 ns"#]],
        ),
        (
            &["s WINDOW BATCH", "s WINDOW BATCH ()", "s WINDOW('batch')", "TABLE(BATCH(TABLE s))"],
            expect!["batch"],
        ),
        (
            &[
                "s WINDOW SORT (3, price DESC, symbol)",
                "s WINDOW SORT (ROWS 3, ORDER BY price DESC, symbol)",
                "s WINDOW('sort', 3, price DESC, symbol)",
            ],
            expect!["sort 3 by price DESC, symbol"],
        ),
        (&["s WINDOW UNIQUE (a, b + 1)", "s WINDOW UNIQUE (KEY a, b + 1)"], expect!["unique by a, b + 1"]),
        (&["s WINDOW FIRSTUNIQUE (key)", "s WINDOW FIRST_UNIQUE (KEY key)"], expect!["first unique by key"]),
        (&["s WINDOW DELAY (1 HOUR)"], expect!["delay 3600000000000 ns"]),
        (
            &["s WINDOW CRON ('0 */5 * * * *')", "s WINDOW('cron', '0 */5 * * * *')"],
            expect!["cron 0 */5 * * * *"],
        ),
        (
            &[
                "s WINDOW EXPRESSION (count(*) <= 20)",
                "s WINDOW EXPRESSION ('count(*) <= 20')",
                "s WINDOW('expression', 'count(*) <= 20')",
            ],
            expect!["expression count(*) <= 20"],
        ),
        (
            &["s WINDOW EXPRESSIONBATCH (a = 'it''s')", "s WINDOW EXPRESSIONBATCH ('a = ''it''''s''')"],
            expect!["expression batch a = 'it''s' including false"],
        ),
        (
            &[
                "s WINDOW EXPRESSIONBATCH (a > 1, INCLUDE TRIGGERING TRUE)",
                "s WINDOW EXPRESSIONBATCH (a > 1, TRUE)",
                "s WINDOW EXPRESSIONBATCH (a > 1, INCLUDE TRIGGERING)",
                "s WINDOW EXPRESSIONBATCH (a > 1, include_triggering => true)",
            ],
            expect!["expression batch a > 1 including true"],
        ),
        (
            &["s WINDOW FREQUENT (5, a, b)", "s WINDOW FREQUENT (COUNTERS 5, KEY a, b)"],
            expect!["frequent 5 keys [a, b]"],
        ),
        (&["s WINDOW FREQUENT (5)"], expect!["frequent 5 keys []"]),
        (
            &["s WINDOW LOSSYFREQUENT (0.1, a)", "s WINDOW LOSSYFREQUENT (0.1, 0.01, a)"],
            expect!["lossy frequent 0.1 0.01 keys [a]"],
        ),
    ];
    for (spellings, expected) in cases {
        let windows: Vec<Window> = spellings.iter().map(|s| window_of(s)).collect();
        for (window, text) in windows.iter().zip(*spellings) {
            assert_eq!(describe(window), describe(&windows[0]), "{text}");
        }
        expected.assert_eq(&describe(&windows[0]));
    }
}

#[test]
fn the_descriptor_is_kept() {
    expect!["tumbling size 60000000000 ns over Event Time"].assert_eq(&describe(&window_of(
        "TABLE(TUMBLE(TABLE s, DESCRIPTOR(\"Event Time\"), INTERVAL '1' MINUTE))",
    )));
}

#[test]
fn a_window_named_like_a_clause_is_the_standard_clause() {
    let statements = parsed("SELECT sum(x) OVER tumbling FROM s WINDOW tumbling AS (ORDER BY ts)");
    let StatementKind::Select(query) = &statements[0].kind else {
        panic!("a select");
    };
    let SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    assert_eq!(select.named_windows.len(), 1);
    assert!(select.from.as_ref().and_then(FromItem::relation).expect("a relation").window.is_none());
}

#[test]
fn every_documented_window_is_known_by_all_its_names() {
    for doc in window_docs() {
        for name in std::iter::once(&doc.name).chain(doc.aliases) {
            let errors = super::errors(&format!("SELECT * FROM s WINDOW {name} (nonsense => 1)"));
            assert_eq!(errors[0].code, "E0402", "{name}: {}", errors[0].message);
        }
        assert!(doc.usage().starts_with(doc.name));
    }
}

#[test]
fn wrong_windows_are_refused_where_they_are_wrong() {
    let mut out = String::new();
    for window in [
        "WINDOW TUMBELING (SIZE 1 MINUTE)",
        "WINDOW('tumbeling', 1 MINUTE)",
        "WINDOW (tumbling, 1 MINUTE)",
        "WINDOW TUMBLING",
        "WINDOW TUMBLING ()",
        "WINDOW TUMBLING (5)",
        "WINDOW TUMBLING (SIZE 5)",
        "WINDOW TUMBLING (SIZE 0 SECONDS)",
        "WINDOW TUMBLING (SIZE -5 SECONDS)",
        "WINDOW TUMBLING (SIZ 1 MINUTE)",
        "WINDOW TUMBLING (SIZE 1 MINUTE, SIZE 2 MINUTES)",
        "WINDOW TUMBLING (1 MINUTE, 1 SECOND, 'UTC', 4)",
        "WINDOW TUMBLING (SIZE 1 MINUTE, ZONE 'Europe/Berln')",
        "WINDOW TUMBLING (SIZE 1 MINUTE, OFFSET -1 SECOND)",
        "WINDOW HOP (SIZE 1 MINUTE)",
        "WINDOW SESSION (GAP 1 MONTH)",
        "WINDOW LENGTH (0)",
        "WINDOW LENGTH (-1)",
        "WINDOW LENGTH (1.5)",
        "WINDOW LENGTH ('a')",
        "WINDOW BATCH (5)",
        "WINDOW CRON ('every day')",
        "WINDOW EXPRESSION ('a >')",
        "WINDOW EXPRESSION ('a > 1 b')",
        "WINDOW EXPRESSION ('')",
        "WINDOW LOSSYFREQUENT (1.5)",
        "WINDOW UNIQUE ()",
        "WINDOW LENGTH (5) WINDOW LENGTH (6)",
        "WINDOW LENGTH (5) AS a WHERE b WINDOW LENGTH (6)",
        "AS a WINDOW LENGTH (5) AS b",
    ] {
        let text = format!("SELECT * FROM s {window}");
        out.push_str(&format!("{window}\n  {}\n", refused(&text)));
    }
    for from in [
        "TABLE(TUMBEL(TABLE s, DESCRIPTOR(ts), 1 MINUTE))",
        "TABLE(TUMBLE(s, DESCRIPTOR(ts), 1 MINUTE))",
        "TUMBLE(s, DESCRIPTOR(ts), 1 MINUTE)",
        "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts)))",
        "TABLE(TUMBLE(TABLE s PARTITION BY a, DESCRIPTOR(ts), 1 MINUTE))",
        "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), DESCRIPTOR(ts), 1 MINUTE))",
        "TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), 1 MINUTE)) WINDOW LENGTH (5)",
        "generate_series(1, 10)",
        "unnest(a)",
    ] {
        let text = format!("SELECT * FROM {from}");
        out.push_str(&format!("{from}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        WINDOW TUMBELING (SIZE 1 MINUTE)
          E0401 at «TUMBELING»: there is no window `TUMBELING`
          help: did you mean `TUMBLING`?
        WINDOW('tumbeling', 1 MINUTE)
          E0401 at «'tumbeling'»: there is no window `tumbeling`
          help: did you mean `TUMBLING`?
        WINDOW (tumbling, 1 MINUTE)
          E0101 at «tumbling»: expected the window's kind in quotes, found `tumbling`
          help: write WINDOW('tumbling', 1 MINUTE) or WINDOW TUMBLING (SIZE 1 MINUTE)
        WINDOW TUMBLING
          E0402 at «TUMBLING»: TUMBLING needs SIZE
          help: usage: TUMBLING (SIZE …, [OFFSET …], [ZONE …])
        WINDOW TUMBLING ()
          E0402 at «TUMBLING»: TUMBLING needs SIZE
          help: usage: TUMBLING (SIZE …, [OFFSET …], [ZONE …])
        WINDOW TUMBLING (5)
          E0101 at «)»: expected a unit of time behind 5, found `)`
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        WINDOW TUMBLING (SIZE 5)
          E0101 at «)»: expected a unit of time behind 5, found `)`
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        WINDOW TUMBLING (SIZE 0 SECONDS)
          E0403 at «0 SECONDS»: SIZE must be longer than nothing
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        WINDOW TUMBLING (SIZE -5 SECONDS)
          E0403 at «-5 SECONDS»: SIZE must be longer than nothing
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        WINDOW TUMBLING (SIZ 1 MINUTE)
          E0402 at «SIZ»: TUMBLING has no parameter `SIZ`
          help: did you mean `SIZE`?
        WINDOW TUMBLING (SIZE 1 MINUTE, SIZE 2 MINUTES)
          E0402 at «SIZE»: SIZE is given twice
          help: usage: TUMBLING (SIZE …, [OFFSET …], [ZONE …])
        WINDOW TUMBLING (1 MINUTE, 1 SECOND, 'UTC', 4)
          E0402 at «4»: TUMBLING takes no more parameters
          help: usage: TUMBLING (SIZE …, [OFFSET …], [ZONE …])
        WINDOW TUMBLING (SIZE 1 MINUTE, ZONE 'Europe/Berln')
          E0408 at «'Europe/Berln'»: 'Europe/Berln' is no time zone
          help: did you mean 'Europe/Berlin'?
        WINDOW TUMBLING (SIZE 1 MINUTE, OFFSET -1 SECOND)
          E0403 at «-1 SECOND»: an offset is not negative
          help: add the window's size to it: edges repeat with that period
        WINDOW HOP (SIZE 1 MINUTE)
          E0402 at «HOP»: HOP needs SLIDE
          help: usage: HOP (SIZE …, SLIDE …, [OFFSET …], [ZONE …])
        WINDOW SESSION (GAP 1 MONTH)
          E0403 at «1 MONTH»: GAP needs a fixed length; months and years differ in theirs
          help: count in days or weeks instead
        WINDOW LENGTH (0)
          E0404 at «0»: ROWS is a whole number from 1 on
          help: write it as digits, for example 100
        WINDOW LENGTH (-1)
          E0404 at «-»: ROWS is a whole number from 1 on
          help: write it as digits, for example 100
        WINDOW LENGTH (1.5)
          E0404 at «1.5»: ROWS is a whole number from 1 on
          help: write it as digits, for example 100
        WINDOW LENGTH ('a')
          E0101 at «'a'»: expected ROWS, a whole number, found `'a'`
          help: -
        WINDOW BATCH (5)
          E0402 at «5»: BATCH takes no more parameters
          help: usage: BATCH ()
        WINDOW CRON ('every day')
          E0407 at «'every day'»: this is no cron expression: Invalid pattern: Pattern must have between 5 and 7 fields.
          help: five fields, or six with seconds first: '0 */5 * * * *' is every five minutes
        WINDOW EXPRESSION ('a >')
          E0101 at «'»: expected an expression, found the end of the statement
          help: -
        WINDOW EXPRESSION ('a > 1 b')
          E0101 at «b»: expected the end of the expression, found `b`
          help: -
        WINDOW EXPRESSION ('')
          E0101 at «'»: expected an expression, found the end of the statement
          help: -
        WINDOW LOSSYFREQUENT (1.5)
          E0404 at «1.5»: SUPPORT is a number between 0 and 1
          help: for example 0.1 for a tenth
        WINDOW UNIQUE ()
          E0402 at «UNIQUE»: UNIQUE needs KEY
          help: usage: UNIQUE (KEY …, …)
        WINDOW LENGTH (5) WINDOW LENGTH (6)
          E0405 at «WINDOW»: a relation has one window
          help: put the first into a query of its own: FROM (SELECT … FROM s WINDOW …) WINDOW …
        WINDOW LENGTH (5) AS a WHERE b WINDOW LENGTH (6)
          E0405 at «WINDOW»: a relation has one window
          help: put the first into a query of its own: FROM (SELECT … FROM s WINDOW …) WINDOW …
        AS a WINDOW LENGTH (5) AS b
          E0101 at «AS b»: the relation already has the alias `a`
          help: keep one of the two
        TABLE(TUMBEL(TABLE s, DESCRIPTOR(ts), 1 MINUTE))
          E0401 at «TUMBEL»: there is no window `TUMBEL`
          help: did you mean `TUMBLE`?
        TABLE(TUMBLE(s, DESCRIPTOR(ts), 1 MINUTE))
          E0101 at «s»: expected `TABLE` and the name of a stream, found `s`
          help: write TUMBLE(TABLE stream, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
        TUMBLE(s, DESCRIPTOR(ts), 1 MINUTE)
          E0101 at «(»: expected the end of the relation, found `(`
          help: a window takes its rows with TABLE: TUMBLE(TABLE s, DESCRIPTOR(ts), …)
        TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts)))
          E0402 at «TUMBLE»: TUMBLING needs SIZE
          help: usage: TUMBLING (SIZE …, [OFFSET …], [ZONE …])
        TABLE(TUMBLE(TABLE s PARTITION BY a, DESCRIPTOR(ts), 1 MINUTE))
          E0402 at «PARTITION»: TUMBLING has no keys, so no PARTITION BY
          help: group with GROUP BY
        TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), DESCRIPTOR(ts), 1 MINUTE))
          E0402 at «DESCRIPTOR»: DESCRIPTOR is given twice
          help: -
        TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), 1 MINUTE)) WINDOW LENGTH (5)
          E0405 at «WINDOW»: a relation has one window
          help: put the first into a query of its own: FROM (SELECT … FROM s WINDOW …) WINDOW …
        generate_series(1, 10)
          E0607 at «generate_series»: there is no table function `generate_series`
          help: only windows stand here: TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
        unnest(a)
          E0607 at «unnest»: there is no table function `unnest`
          help: use unnest(array) in the select list
    "#]].assert_eq(&out);
}
