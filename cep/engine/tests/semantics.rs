//! What expressions and INSERT mean, row by row, where engines are known to differ.

mod harness;

use harness::{Feed, Row, run};

/// Rows a second apart.
fn rows(values: &[(Option<&str>, Option<f64>, Option<i64>)]) -> Vec<Row> {
    let at = |i: usize| 1_700_000_000 * harness::SECOND + i as i64 * harness::SECOND;
    values.iter().enumerate().map(|(i, (k, v, n))| (at(i), k.map(str::to_owned), *v, *n)).collect()
}

/// The columns of each output row, then the errors.
fn results(query: &str, rows: &Vec<Row>) -> (Vec<String>, Vec<String>) {
    let whole = run(query, rows, &Feed::Whole);
    let single = run(query, rows, &Feed::Cut(vec![1]));
    assert_eq!((&whole.output, &whole.errors), (&single.output, &single.errors), "{query}");
    let columns = |line: &String| {
        let (_target, columns) =
            line.split_once("  ").or_else(|| line.split_once(") ")).expect("an output in front");
        columns.to_owned()
    };
    (whole.output.iter().map(columns).collect(), whole.errors)
}

#[test]
fn a_decimal_beside_a_double_loses_no_row() {
    let rows = rows(&[
        (None, Some(1e-20), Some(1)),
        (None, Some(1e20), Some(2)),
        (None, Some(f64::NAN), Some(3)),
        (None, None, Some(4)),
    ]);
    let d = "CAST(n AS DECIMAL(10, 2))";
    let cases = [
        (format!("v > {d}"), "false true true ∅"),
        (format!("v IN ({d}, 1e20)"), "false true false ∅"),
        (format!("v BETWEEN 0 AND {d}"), "true false false ∅"),
        (format!("coalesce(v, {d})"), "1e-20 1e20 NaN 4.0"),
        (format!("CASE WHEN n < 4 THEN v ELSE {d} END"), "1e-20 1e20 NaN 4.0"),
        (format!("greatest(v, {d})"), "1.0 1e20 NaN 4.0"),
        (format!("if(n = 4, {d}, v)"), "1e-20 1e20 NaN 4.0"),
        (format!("nullif({d}, v)"), "1.0 2.0 3.0 4.0"),
        // A constant is as exact as it is written.
        (format!("{d} >= 2.0"), "false true true true"),
        (format!("CAST(CASE WHEN n > 2 THEN {d} ELSE 0.5 END AS STRING)"), "0.50 0.50 3.00 4.00"),
        (format!("{d} IN (1.0, 3)"), "true false true false"),
    ];
    for (expr, expected) in cases {
        let (output, errors) = results(&format!("SELECT {expr} AS x FROM s"), &rows);
        assert_eq!(output.join(" "), expected, "{expr}");
        assert_eq!(errors, Vec::<String>::new(), "{expr}");
    }
}

#[test]
fn a_filter_keeps_arguments_of_other_rows_from_failing() {
    let rows = rows(&[(None, None, Some(1)), (None, None, Some(0)), (None, None, Some(2))]);
    let aggregates = "sum(10 / n) FILTER (WHERE n <> 0) AS a, count(*) AS c";
    for window in ["WINDOW TUMBLING (SIZE 1 HOUR)", "WINDOW LENGTHBATCH (3)"] {
        let (output, errors) = results(&format!("SELECT {aggregates} FROM s {window}"), &rows);
        assert_eq!((output, errors), (vec!["15 | 3".to_owned()], Vec::new()), "{window}");
    }
    let over = "SELECT sum(10 / n) FILTER (WHERE n <> 0) OVER (ORDER BY ts) AS a FROM s";
    let (output, errors) = results(over, &rows);
    assert_eq!((output.join(" ").as_str(), errors), ("10 10 15", Vec::new()));
}

#[test]
fn a_null_for_a_column_that_is_not_null_is_an_error_of_its_row() {
    let rows = rows(&[(Some("a"), None, Some(1)), (Some("b"), None, None), (Some("c"), None, Some(3))]);
    let script =
        "CREATE STREAM o (k STRING, n BIGINT NOT NULL); INSERT INTO o SELECT k, n FROM s; SELECT * FROM o";
    let outcome = run(script, &rows, &Feed::Whole);
    let printed: Vec<&String> = outcome.output.iter().filter(|line| line.contains("QueryId(1)")).collect();
    assert_eq!(printed.len(), 2, "{:?}", outcome.output);
    assert_eq!(outcome.errors.len(), 1, "{:?}", outcome.errors);
    assert!(outcome.errors[0].contains("column `n`, which is NOT NULL, is NULL"), "{:?}", outcome.errors);
}

#[test]
fn a_plain_null_takes_the_type_of_the_other_select() {
    let rows = rows(&[(Some("a"), None, Some(1))]);
    let sql = "SELECT NULL AS k, n FROM s UNION ALL SELECT k, NULL FROM s UNION ALL SELECT NULL, NULL FROM s";
    let (output, errors) = results(sql, &rows);
    assert_eq!(output, ["∅ | 1", "a | ∅", "∅ | ∅"]);
    assert_eq!(errors, Vec::<String>::new());
}
