//! Deep and large input: success or a clear error, in bounded time and stack.

use crate::sql::{EXPR_DEPTH_MAX, parse_script};

use super::{env, parsed};

/// Stack of the threads below: half of what tests get, an eighth of a main thread.
const STACK_BYTES: usize = 1 << 20;

/// Parses and drops in a thread with a small stack; `Ok` or the codes.
#[allow(clippy::disallowed_methods)] // The point is the stack of the thread.
fn outcome(text: String) -> Result<usize, Vec<&'static str>> {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || match parse_script(&text, &env) {
            Ok(statements) => Ok(statements.len()),
            Err(errors) => Err(errors.iter().map(|e| e.code).collect()),
        })
        .expect("a thread")
        .join()
        .expect("no overflow")
}

/// What one level looks like: before, in the middle, and after.
const SHAPES: &[(&str, &str, &str, &str)] = &[
    ("brackets", "(", "1", ")"),
    ("not", "NOT ", "a", ""),
    ("minus", "- ", "a", ""),
    ("plus", "+ ", "a", ""),
    ("sum to the left", "", "a", " + a"),
    ("sum to the right", "a + (", "a", ")"),
    ("or", "", "a", " OR a"),
    ("and", "", "a", " AND a"),
    ("and with not", "", "a", " AND NOT a"),
    ("between", "x BETWEEN a AND NOT ", "a", ""),
    ("between left", "", "x", " BETWEEN a AND b"),
    ("casts", "", "a", "::INT"),
    ("is null", "", "a", " IS NULL"),
    ("distinct from", "", "a", " IS DISTINCT FROM a"),
    ("distinct from and", "a IS DISTINCT FROM b AND ", "a", ""),
    ("functions", "f(", "a", ")"),
    ("named arguments", "f(x => ", "a", ")"),
    ("cast function", "CAST(", "a", " AS INT)"),
    ("case", "CASE WHEN ", "a", " THEN 1 END"),
    ("case else", "CASE WHEN a THEN b ELSE ", "a", " END"),
    ("case operand", "CASE ", "a", " WHEN 1 THEN 2 END"),
    ("arrays", "[", "1", "]"),
    ("named arrays", "ARRAY[", "1", "]"),
    ("subscripts", "", "a", "[1]"),
    ("subscripts inside", "a[", "1", "]"),
    ("structs", "{'a': ", "1", "}"),
    ("maps", "MAP {'a': ", "1", "}"),
    ("struct calls", "STRUCT(", "1", " AS a)"),
    ("in", "a IN (", "1", ")"),
    ("in left", "", "a", " IN (1)"),
    ("like", "a LIKE ", "b", ""),
    ("like left", "", "a", " LIKE 'b'"),
    ("intervals", "INTERVAL ", "'1' DAY", ""),
    ("extract", "EXTRACT(DAY FROM ", "a", ")"),
    ("trim", "TRIM(", "a", ")"),
    ("substring", "SUBSTRING(", "a", " FROM 1)"),
    ("position", "POSITION('a' IN ", "b", ")"),
    ("overlay", "OVERLAY(", "a", " PLACING b FROM 1)"),
    ("ceil", "CEIL(", "a", ")"),
    ("time zone", "", "a", " AT TIME ZONE 'UTC'"),
    ("collate", "", "a", " COLLATE limit"),
    ("json", "", "a", "->'b'"),
    ("filter", "count(*) FILTER (WHERE ", "a", ")"),
    ("over", "sum(x) OVER (ORDER BY ", "a", ")"),
    ("over names", "", "sum(x)", " + sum(x) OVER limit"),
    ("within group", "", "a", " + p(1) WITHIN GROUP (ORDER BY x)"),
    ("any", "a = ANY(", "b", ")"),
    ("subqueries", "(SELECT ", "1", ")"),
    ("exists", "EXISTS (SELECT ", "1", ")"),
    ("in subqueries", "a IN (SELECT ", "1", ")"),
    ("in brackets", "a IN ((", "1", "))"),
    ("dots", "a.", "a", ""),
    ("types", "CAST(a AS ARRAY<", "INT", ">)"),
    ("columns called limit", "limit + ", "limit", ""),
    ("column called end", "(end + ", "end", ")"),
    ("columns called case", "case + ", "a", ""),
    ("lambda", "x -> ", "x", ""),
    ("open brackets", "(", "", ""),
    ("open cast", "CAST(", "", ""),
    ("open case", "CASE WHEN ", "", ""),
    ("open function", "f(a, ", "", ""),
    ("open in", "a IN (", "", ""),
    ("open named", "f(a => ", "", ""),
    ("open interval", "INTERVAL ", "", ""),
    ("open extract", "EXTRACT(", "", ""),
    ("open struct", "STRUCT<a ", "", ""),
    ("open brace", "{", "", ""),
    ("closing only", "", "a", ")"),
];

fn nested(shape: (&str, &str, &str, &str), levels: usize) -> String {
    let (_name, before, middle, after) = shape;
    format!("SELECT {}{middle}{} FROM s", before.repeat(levels), after.repeat(levels))
}

#[test]
fn a_thousand_levels_of_anything_are_an_error_or_fine() {
    for shape in SHAPES {
        for levels in [30, 120, 250, 1_000, 20_000] {
            let result = outcome(nested(*shape, levels));
            if levels >= 1_000 && shape.0 != "dots" && shape.0 != "columns called case" {
                assert!(result.is_err(), "{} × {levels}: {result:?}", shape.0);
            }
        }
    }
}

#[test]
fn reasonable_depth_is_accepted() {
    for shape in SHAPES.iter().filter(|shape| {
        matches!(
            shape.0,
            "brackets" | "not" | "minus" | "sum to the left" | "sum to the right" | "or" | "and"
                | "functions" | "case" | "case else" | "arrays" | "structs" | "casts"
        )
    }) {
        let result = outcome(nested(*shape, 25));
        assert_eq!(result, Ok(1), "{}", shape.0);
    }
    assert_eq!(outcome(nested(SHAPES[6], 200)), Ok(1), "a chain of 200 ORs");
}

#[test]
fn chains_are_bounded_where_the_limit_says() {
    let chain = |terms: usize| format!("SELECT {}", vec!["a"; terms].join(" OR "));
    let highest = (1..2 * EXPR_DEPTH_MAX)
        .rev()
        .find(|terms| outcome(chain(*terms)).is_ok())
        .expect("short chains are fine");
    assert!(highest >= EXPR_DEPTH_MAX - 8, "{highest}");
    assert_eq!(outcome(chain(highest + 1)), Err(vec!["E0105"]));
}

#[test]
fn nested_queries_types_and_filters_are_bounded() {
    let derived = |n: usize| format!("{}SELECT 1{}", "SELECT * FROM (".repeat(n), ")".repeat(n));
    assert_eq!(outcome(derived(20)), Ok(1));
    assert_eq!(outcome(derived(1_000)), Err(vec!["E0105"]));
    let unions = |n: usize| vec!["SELECT 1"; n].join(" UNION ALL ");
    assert_eq!(outcome(unions(5_000)), Ok(1));
    let brackets = |n: usize| format!("{}SELECT 1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(outcome(brackets(20)), Ok(1));
    assert_eq!(outcome(brackets(1_000)), Err(vec!["E0105"]));
    let types = |n: usize| format!("CREATE STREAM s (a {}INT{})", "ARRAY<".repeat(n), ">".repeat(n));
    assert_eq!(outcome(types(30)), Ok(1));
    assert_eq!(outcome(types(1_000)), Err(vec!["E0105"]));
    let structs = |n: usize| {
        format!("CREATE STREAM s (a {}INT{})", "STRUCT<x INT, y ".repeat(n), ">".repeat(n))
    };
    assert_eq!(outcome(structs(30)), Ok(1));
    assert_eq!(outcome(structs(1_000)), Err(vec!["E0105"]));
    let filters = |n: usize| format!("SELECT * FROM s{}", "[a]".repeat(n));
    assert_eq!(outcome(filters(50)), Ok(1));
    assert_eq!(outcome(filters(1_000)), Err(vec!["E0105"]));
    let explains = |n: usize| format!("{}SELECT 1", "EXPLAIN ".repeat(n));
    assert_eq!(outcome(explains(1)), Ok(1));
    assert!(outcome(explains(1_000)).is_err());
    let comments = |n: usize| format!("{}{} SELECT 1", "/*".repeat(n), "*/".repeat(n));
    assert_eq!(outcome(comments(10_000)), Ok(1));
}

#[test]
fn wide_statements_are_fine() {
    let list = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(parsed(&format!("SELECT a IN ({}) FROM s", list(50_000))).len(), 1);
    assert_eq!(parsed(&format!("SELECT {} FROM s", list(20_000))).len(), 1);
    let rows = vec!["(1, 'a', -2.5)"; 20_000].join(", ");
    assert_eq!(parsed(&format!("INSERT INTO s VALUES {rows}")).len(), 1);
    let whens = "WHEN a = 1 THEN 'x' ".repeat(5_000);
    assert_eq!(parsed(&format!("SELECT CASE {whens} END FROM s")).len(), 1);
    assert_eq!(parsed(&"SHOW STREAMS;".repeat(20_000)).len(), 20_000);
    assert_eq!(parsed(&format!("SELECT '{}' FROM s", "x".repeat(2 << 20))).len(), 1);
}

#[test]
fn ten_megabytes_are_a_clear_error() {
    for unit in ["SELECT a FROM s;\n", "a,", "(", "'", "SELECT ", "é", "\n"] {
        let text = unit.repeat((10 << 20) / unit.len());
        assert_eq!(outcome(text), Err(vec!["E0104"]));
    }
}

#[test]
fn malformed_megabytes_take_bounded_time() {
    for unit in [
        "CAST(", "CASE WHEN ", "f(a => ", "((", "a IN (", "SELECT (", "{'a': ", "INTERVAL ", "NOT ", "a.", "a,", "f(a, ",
        "x BETWEEN ", "STRUCT<", "/*", "'", "--", "\"", "WITH a AS (", "E'", "U&'", "$$", "a::", "[",
    ] {
        let text = format!("SELECT {}", unit.repeat(((256 << 10) / unit.len()) | 1));
        let result = outcome(text);
        assert!(result.is_err() || unit == "--", "{unit}: {result:?}");
    }
}

#[test]
fn failures_in_deep_nests_do_not_multiply() {
    // Each level has two readings for the parser; fuel keeps that from doubling the time.
    for unit in ["CAST(", "CASE WHEN ", "EXTRACT(", "TRIM(", "POSITION(", "SUBSTRING(", "OVERLAY(", "CEIL(", "f(a => ", "STRUCT(", "CONVERT(", "NOT EXISTS(", "ARRAY(", "MAP {"] {
        for levels in [8, 24, 60, 120] {
            for end in ["", "1", "1))", "1 AS INT)"] {
                let result = outcome(format!("SELECT {}{end}", unit.repeat(levels)));
                assert!(result.is_err(), "{unit} × {levels}");
            }
        }
    }
}
