//! Aggregate and window calls as plans: names, rewrites, result types, refused arguments.

use arrow_schema::DataType;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlan};

use crate::functions::tests::catalog::Catalog;

/// The plan of `SELECT call FROM t`, and the type of its column.
fn typed(catalog: &Catalog, call: &str) -> (String, DataType) {
    let plan = catalog.plan(&format!("SELECT {call} AS x FROM t")).unwrap_or_else(|e| panic!("{call}: {e}"));
    let data_type = plan.schema().field(0).data_type().clone();
    let mut found = String::new();
    plan.apply(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node {
            found = aggregate.aggr_expr.iter().map(inner).collect::<Vec<_>>().join(", ");
        }
        if let LogicalPlan::Window(window) = node {
            found = window.window_expr.iter().map(inner).collect::<Vec<_>>().join(", ");
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    (found, data_type)
}

fn inner(expr: &Expr) -> String {
    expr.clone().unalias_nested().data.to_string()
}

fn refusal(catalog: &Catalog, call: &str) -> String {
    match catalog.plan(&format!("SELECT {call} FROM t")) {
        Ok(plan) => panic!("{call} is planned: {plan}"),
        Err(error) => error.strip_backtrace(),
    }
}

#[test]
fn result_types() {
    let catalog = Catalog::new();
    let list = |item: DataType| DataType::new_list(item, true);
    let cases = [
        ("count(*)", DataType::Int64),
        ("COUNT(DISTINCT s)", DataType::Int64),
        ("distinctCount(s)", DataType::Int64),
        ("approx_count_distinct(s)", DataType::Int64),
        ("count_if(b > 2)", DataType::Int64),
        ("sum(i)", DataType::Int64),
        ("sum(b)", DataType::Int64),
        ("sum(f)", DataType::Float64),
        ("sum(n)", DataType::Decimal128(20, 2)),
        ("avg(b)", DataType::Float64),
        ("avg(n)", DataType::Decimal128(14, 6)),
        ("min(s)", DataType::Utf8),
        ("max(ts)", DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, None)),
        ("median(i)", DataType::Float64),
        ("percentile(b, 0.9)", DataType::Float64),
        ("quantile(n, 0.5)", DataType::Float64),
        ("approx_percentile_kll(d, 0.9)", DataType::Float64),
        ("stdDev(b)", DataType::Float64),
        ("variance(f)", DataType::Float64),
        ("var_pop(n)", DataType::Float64),
        ("corr(b, d)", DataType::Float64),
        ("covar_samp(i, d)", DataType::Float64),
        ("first(s)", DataType::Utf8),
        ("last(l)", list(DataType::Int64)),
        ("nth(b, 2)", DataType::Int64),
        ("nth_value(b, -1)", DataType::Int64),
        ("mode(s)", DataType::Utf8),
        ("collect(d)", list(DataType::Float64)),
        ("array_agg(d ORDER BY b)", list(DataType::Float64)),
        ("union_set(s)", list(DataType::Utf8)),
        ("unionSet(l)", list(DataType::Int64)),
        ("minForever(d)", DataType::Float64),
        ("max_forever(b)", DataType::Int64),
        ("rate(b)", DataType::Float64),
        ("increase(d)", DataType::Float64),
        ("ewma(b, 0.3)", DataType::Float64),
        ("arg_min(s, d)", DataType::Utf8),
        ("max_by(b, ts)", DataType::Int64),
        ("regr_slope(b, d)", DataType::Float64),
        ("regr_count(b, d)", DataType::Int64),
        ("bool_and(ok)", DataType::Boolean),
        ("every(ok)", DataType::Boolean),
        ("bit_xor(b)", DataType::Int64),
        ("string_agg(s, ', ')", DataType::Utf8),
        ("listagg(s)", DataType::Utf8),
        ("lag(b) OVER (ORDER BY ts)", DataType::Int64),
        ("lead(s, 2, 'none') OVER (ORDER BY ts)", DataType::Utf8),
        ("row_number() OVER (ORDER BY ts)", DataType::Int64),
        ("dense_rank() OVER (ORDER BY ts)", DataType::Int64),
        ("ntile(4) OVER (ORDER BY ts)", DataType::Int64),
        ("percent_rank() OVER (ORDER BY ts)", DataType::Float64),
        ("first(b) OVER (PARTITION BY s ORDER BY ts)", DataType::Int64),
        ("sum(i) OVER (ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)", DataType::Int64),
        ("ewma(d, 0.1) OVER (PARTITION BY s ORDER BY ts)", DataType::Float64),
    ];
    for (call, expected) in cases {
        assert_eq!(typed(&catalog, call).1, expected, "{call}");
    }
    let DataType::List(item) = typed(&catalog, "topk(s, 3)").1 else { panic!("topk gives a list") };
    let DataType::Struct(fields) = item.data_type() else { panic!("of structs") };
    let members: Vec<(&str, &DataType)> = fields.iter().map(|f| (f.name().as_str(), f.data_type())).collect();
    assert_eq!(members, [("value", &DataType::Utf8), ("count", &DataType::Int64)]);
}

#[test]
fn other_spellings_become_the_canonical_aggregate() {
    let catalog = Catalog::new();
    let cases = [
        ("count_distinct(s)", "count(DISTINCT t.s)"),
        ("distinctCount(s)", "count(DISTINCT t.s)"),
        ("count_if(ok)", "count(Int64(1)) FILTER (WHERE t.ok)"),
        ("count_if(ok) FILTER (WHERE b > 1)", "count(Int64(1)) FILTER (WHERE t.b > Int64(1) AND t.ok)"),
        ("quantile(d, 0.25)", "percentile(t.d, Float64(0.25))"),
        ("percentile_cont(0.25) WITHIN GROUP (ORDER BY d)", "percentile(t.d, Float64(0.25))"),
        ("percentile_cont(0.25) WITHIN GROUP (ORDER BY d DESC)", "percentile(t.d, Float64(0.75))"),
        ("mean(d)", "avg(t.d)"),
        ("first(d)", "first_value(t.d)"),
        ("correlation(d, d)", "corr(t.d, t.d)"),
    ];
    for (call, expected) in cases {
        assert_eq!(typed(&catalog, call).0, expected, "{call}");
    }
    let (over, _) = typed(&catalog, "count_if(ok) OVER (PARTITION BY s)");
    assert!(over.starts_with("count(Int64(1)) FILTER (WHERE t.ok) PARTITION BY"), "{over}");
    let (over, _) = typed(&catalog, "distinct_count(b) OVER (PARTITION BY s)");
    assert!(over.starts_with("count(DISTINCT t.b) PARTITION BY"), "{over}");
}

#[test]
fn the_column_keeps_the_name_the_user_wrote() {
    let catalog = Catalog::new();
    let name =
        |call: &str| catalog.plan(&format!("SELECT {call} FROM t")).unwrap().schema().field(0).name().clone();
    assert_eq!(name("count(*)"), "count(*)");
    assert_eq!(name("count_if(ok)"), "count_if(t.ok)");
    assert_eq!(name("count_distinct(s)"), "count_distinct(t.s)");
    assert_eq!(name("first(d)"), "first(t.d)");
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_the_way_out() {
    let catalog = Catalog::new();
    let cases = [
        ("percentile(b, 95)", "0.95"),
        ("percentile(b)", "percentile(x, p)"),
        ("percentile(s, 0.5)", "argument 1 of percentile cannot be STRING"),
        ("percentile(b, d)", "must be a literal number"),
        ("ewma(d, 0)", "alpha"),
        ("topk(s, 0)", "between 1 and 10000"),
        ("topk(s, 1.5)", "argument 2 of topk"),
        ("nth(b, 0)", "counts from 1"),
        ("count_if(ok, ok)", "one condition"),
        ("rate(s)", "argument 1 of rate cannot be STRING"),
        ("string_agg(b)", "argument 1 of string_agg cannot be BIGINT"),
        ("sum(b) IGNORE NULLS", "NULLS"),
        ("sum(s)", "sum"),
    ];
    for (call, expected) in cases {
        let error = refusal(&catalog, call);
        assert!(error.contains(expected), "{call}: {error}");
    }
}
