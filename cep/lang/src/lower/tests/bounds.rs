//! Size and depth: what is large is compiled or refused, quickly, and never crashes.

use crate::lower::{CompileOptions, compile};

use super::{errors, program};

#[test]
fn deep_expressions_are_compiled_or_refused() {
    for depth in [20, 120, 1_000, 20_000] {
        for (open, close) in [("(", ")"), ("abs(", ")"), ("-(", ")"), ("CASE WHEN n > 0 THEN ", " END")] {
            let sql = format!(
                "CREATE STREAM s (n INT); SELECT {}n{} AS x FROM s",
                open.repeat(depth),
                close.repeat(depth)
            );
            if let Err(errors) = compile(&sql, &CompileOptions::default()) {
                assert!(depth > 20, "{open}: {errors:?}");
            }
        }
    }
}

#[test]
fn calls_that_repeat_their_arguments_are_bounded() {
    let nested = |call: &str, depth: usize| {
        format!("SELECT {}n{} AS x FROM arrivals", call.repeat(depth), ", 1)".repeat(depth))
    };
    program(&nested("coalesce(", 5));
    assert!(errors(&nested("coalesce(", 40)).contains("E0105"));
}

#[test]
fn chains_and_lists_are_not_deep() {
    let terms: Vec<String> = (0..200).map(|i| format!("n = {i}")).collect();
    program(&format!("SELECT n FROM arrivals WHERE {}", terms.join(" OR ")));
    let list: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    program(&format!("SELECT n FROM arrivals WHERE n IN ({})", list.join(", ")));
}

#[test]
fn views_that_double_are_bounded() {
    let mut sql = String::from("CREATE VIEW v0 AS SELECT n FROM arrivals;");
    for i in 1..=20 {
        sql.push_str(&format!("CREATE VIEW v{i} AS SELECT n FROM v{0} UNION ALL SELECT n FROM v{0};", i - 1));
    }
    assert!(errors(&sql).contains("more than 10000 operators"));
}

#[test]
fn projections_that_double_keep_the_rows_of_a_window() {
    let mut sql =
        String::from("CREATE VIEW v0 AS SELECT volume AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE);");
    for i in 1..=30 {
        sql.push_str(&format!("CREATE VIEW v{i} AS SELECT n + n AS n FROM v{};", i - 1));
    }
    let program = program(&format!("{sql} SELECT sum(n) AS s FROM v30"));
    assert_eq!(program.queries.len(), 1);
}

#[test]
fn many_statements_take_linear_time() {
    let mut sql = String::new();
    for i in 0..1_000 {
        sql.push_str(&format!("CREATE STREAM s{i} (n INT); SELECT n + {i} AS m FROM s{i} WHERE n > {i};"));
    }
    assert_eq!(program(&sql).queries.len(), 1_000);
}

#[test]
fn queries_are_ordered_by_what_feeds_them() {
    let program =
        program("CREATE STREAM b (x INT); SELECT x FROM b; INSERT INTO b SELECT n FROM arrivals WHERE n > 1");
    let names: Vec<&str> = program.queries.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["b", "query_1"]);
}
