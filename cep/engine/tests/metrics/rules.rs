//! Single rules: limits, order, the end of series, large windows, refusals.

use std::sync::Arc;

use cep_engine::Partition;
use cep_engine::ops::Operator;
use cep_lang::plan::{LatePolicy, MetricExpr, RangeFunc, VectorOp, metric_flags};

use crate::harness::{Feed, Outcome, Row, SECOND, run_program};
use crate::plans::{Case, PANE_NS, WIDTH, all_of, over, range};

const START: i64 = 1_700_000_000 * SECOND;

fn row(ms: i64, k: &str, v: f64) -> Row {
    (START + ms * 1_000_000, Some(k.to_string()), Some(v), None)
}

fn run(case: &Case, rows: &[Row]) -> Outcome {
    run_program(Arc::new(case.program()), &rows.to_vec(), &Feed::Restore(vec![1]))
}

/// Value and flags of a query in each row.
fn answers(outcome: &Outcome, query: usize) -> Vec<(String, i64)> {
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split(" | ").collect();
        (columns[WIDTH + 2 * query].to_string(), columns[WIDTH + 2 * query + 1].parse().expect("flags"))
    };
    outcome.rows().into_iter().map(of_line).collect()
}

fn values(outcome: &Outcome, query: usize) -> Vec<String> {
    answers(outcome, query).into_iter().map(|answer| answer.0).collect()
}

/// A case with the metric `x` by `k` and one bound query.
fn one(lateness_ns: i64, expr: MetricExpr, by: &[usize]) -> Case {
    let mut case = Case::new(lateness_ns);
    case.node.series.push(all_of(0, &[1]));
    case.query("q", expr, by);
    case.finish(false);
    case
}

#[test]
fn a_lane_too_many_is_frozen_until_another_ends() {
    let mut case = one(0, over(VectorOp::Sum, &[1], range(RangeFunc::Sum, 0, 4, 0)), &[1]);
    case.node.queries[0].lanes_max = 1;
    let rows = [
        row(0, "a", 1.0),
        row(10, "b", 2.0),
        row(20, "a", 3.0),
        row(900, "b", 4.0),
        // The window of a is empty now: its lane is free, and b is no longer left out.
        row(1_600, "b", 5.0),
        row(1_900, "a", 6.0),
    ];
    let over = metric_flags::LANE_OVERFLOW;
    let outcome = run(&case, &rows);
    let found: Vec<(String, i64)> =
        answers(&outcome, 0).into_iter().map(|(value, flags)| (value, flags & over)).collect();
    let expected = [("1.0", 0), ("∅", over), ("4.0", over), ("∅", over), ("9.0", 0), ("∅", over)];
    assert_eq!(found, expected.map(|(value, flags)| (value.to_string(), flags)));
}

#[test]
fn a_series_too_many_is_left_out_and_flagged_as_long_as_it_matters() {
    let mut case = one(0, over(VectorOp::Count, &[], range(RangeFunc::Count, 0, 4, 0)), &[]);
    case.node.series[0].series_max = 2;
    let rows =
        [row(0, "a", 1.0), row(1, "b", 1.0), row(2, "c", 1.0), row(700, "a", 1.0), row(1_600, "a", 1.0)];
    let over = metric_flags::LANE_OVERFLOW;
    let outcome = run(&case, &rows);
    let found: Vec<(String, i64)> =
        answers(&outcome, 0).into_iter().map(|(value, flags)| (value, flags & over)).collect();
    let expected = [("1.0", 0), ("2.0", 0), ("2.0", over), ("2.0", over), ("1.0", 0)];
    assert_eq!(found, expected.map(|(value, flags)| (value.to_string(), flags)));
    let partition = Partition::new(Arc::new(case.program()), &[]).expect("it can be built");
    let frozen = partition.operators().filter_map(|op| match op {
        Operator::Metrics(op) => Some(op.frozen_samples()),
        _ => None,
    });
    assert_eq!(frozen.collect::<Vec<_>>(), [0]);
}

#[test]
fn late_rows_are_dropped_or_counted_in() {
    let rows = [row(0, "a", 1.0), row(900, "a", 1.0), row(100, "a", 1.0), row(950, "a", 1.0)];
    let mut case = one(0, range(RangeFunc::Count, 0, 8, 0), &[1]);
    let outcome = run(&case, &rows);
    assert_eq!((values(&outcome, 0), outcome.late), (["1.0", "2.0", "3.0"].map(String::from).into(), 1));
    case.node.late_policy = LatePolicy::Retract;
    case.node.correction_ns = 700_000_000;
    let outcome = run(&case, &rows);
    assert_eq!(
        (values(&outcome, 0), outcome.late),
        (["1.0", "2.0", "3.0", "4.0"].map(String::from).into(), 0)
    );
    case.node.correction_ns = 600_000_000;
    let outcome = run(&case, &rows);
    let (found, dropped) = (answers(&outcome, 0), metric_flags::NON_RETRACTABLE_DROPPED);
    assert_eq!(found.iter().map(|a| a.1 & dropped).collect::<Vec<_>>(), [0, 0, dropped]);
    assert_eq!(outcome.late, 1);
}

#[test]
fn lanes_come_out_in_order_of_their_coming_and_with_their_labels() {
    let mut case = one(0, over(VectorOp::Sum, &[0, 1], range(RangeFunc::Sum, 0, 2, 0)), &[0, 1]);
    case.node.series[0] = all_of(0, &[0, 1]);
    case.finish(true);
    let named = |ms: i64, k: &str, v, n| (START + ms * 1_000_000, Some(k.to_string()), Some(v), n);
    let rows = [
        named(0, "z", 1.0, Some(0)),
        named(1, "\"q", 2.0, None),
        named(2, "a", 3.0, Some(1)),
        named(600, "a", 4.0, None),
    ];
    let outcome = run(&case, &rows);
    let lines: Vec<String> =
        outcome.rows().iter().map(|line| line.split(" | ").take(3).collect::<Vec<_>>().join(" ")).collect();
    let first = [
        "p.q {\"g\":\"a\",\"k\":\"z\"} 1.0",
        "p.q {\"g\":\"\",\"k\":\"\\\"q\"} 2.0",
        "p.q {\"g\":\"b\",\"k\":\"a\"} 3.0",
    ];
    assert_eq!(lines[..3], first);
    assert_eq!(lines[3..6], first, "the pane after, which has the same samples");
    assert_eq!(lines[6..], ["p.q {\"g\":\"\",\"k\":\"a\"} 4.0"]);
}

#[test]
fn a_gap_of_years_is_passed_over() {
    let mut case = one(0, range(RangeFunc::Last, 0, 4, 0), &[1]);
    case.finish(true);
    let year = 365 * 86_400_000;
    let rows = [row(0, "a", 1.0), row(10 * year, "b", 2.0), row(20 * year, "b", 3.0)];
    // Each is there for four panes; nothing comes out behind the newest row's.
    assert_eq!(run(&case, &rows).rows().len(), 4 + 4 + 1);
}

#[test]
fn quantiles_are_exact_up_to_4096_samples_and_near_above() {
    let mut case = one(0, range(RangeFunc::Quantile(0.9), 0, 40, 0), &[1]);
    case.query("all", range(RangeFunc::Count, 0, 40, 0), &[1]);
    case.finish(false);
    let value = |i: i64| ((i * 7_919) % 10_007) as f64 / 8.0 + 1.0;
    let rows: Vec<Row> =
        (0..12_000).map(|i| row(i + if i > 9_000 { 8_000 } else { 0 }, "a", value(i))).collect();
    let outcome = run_program(Arc::new(case.program()), &rows, &Feed::Restore(vec![1_000]));
    let found = values(&outcome, 0);
    let counts = values(&outcome, 1);
    let (mut exact, mut rough) = (0, 0);
    for at in (0..rows.len()).step_by(97) {
        let count: f64 = counts[at].parse().expect("a number");
        let mut window: Vec<f64> =
            rows[at + 1 - count as usize..=at].iter().filter_map(|row| row.2).collect();
        window.sort_by(f64::total_cmp);
        let rank = 0.9 * (count - 1.0);
        let (low, weight) = (rank.floor() as usize, rank - rank.floor());
        let wanted = window[low] * (1.0 - weight) + window[(low + 1).min(window.len() - 1)] * weight;
        let got: f64 = found[at].parse().expect("a number");
        if count <= 4096.0 {
            assert!((got - wanted).abs() <= 1e-12 * wanted, "row {at}: {got} and not {wanted}");
            exact += 1;
        } else {
            assert!((got - wanted).abs() <= 0.01 * wanted, "row {at}: {got} and not {wanted}");
            rough += 1;
        }
    }
    assert!(exact > 20 && rough > 20, "{exact} exact and {rough} others");
}

#[test]
fn distinct_counts_are_near_and_forget() {
    let mut case = Case::new(0);
    case.node.series.push(all_of(2, &[0]));
    case.query("d", over(VectorOp::Distinct, &[], range(RangeFunc::Distinct, 0, 8, 0)), &[]);
    case.finish(false);
    let mut rows: Vec<Row> =
        (0..20_000).map(|i| (START + i * 100_000, Some(format!("user-{i}")), None, Some(i % 3))).collect();
    rows.push((START + 60 * SECOND, Some("one".into()), None, None));
    let outcome = run_program(Arc::new(case.program()), &rows, &Feed::Restore(vec![4_000]));
    let found: Vec<f64> = values(&outcome, 0).iter().map(|v| v.parse().expect("a number")).collect();
    assert!((found[19_999] - 20_000.0).abs() <= 0.016 * 20_000.0, "{}", found[19_999]);
    assert_eq!(found[20_000], 1.0);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let refusal = |change: &dyn Fn(&mut Case)| {
        let mut case = one(0, over(VectorOp::Sum, &[1], range(RangeFunc::Sum, 0, 4, 0)), &[1]);
        change(&mut case);
        Partition::new(Arc::new(case.program()), &[]).err().map(|e| e.to_string()).expect("it is refused")
    };
    let query = |case: &mut Case, expr| case.node.queries[0].expr = expr;
    let ranges = |case: &mut Case, range_ns| {
        query(case, MetricExpr::Range { func: RangeFunc::Sum, series: 0, range_ns, offset_ns: 0 });
    };
    assert!(refusal(&|case| ranges(case, PANE_NS + 1)).contains("not a number of panes"));
    assert!(refusal(&|case| ranges(case, 0)).contains("not a number of panes"));
    assert!(refusal(&|case| ranges(case, i64::MAX - i64::MAX % PANE_NS)).contains("reaches back too far"));
    assert!(refusal(&|case| case.node.pane_ns = 0).contains("a width above 0"));
    assert!(refusal(&|case| case.node.queries[0].by = vec![0]).contains("lanes are by other labels"));
    assert!(refusal(&|case| query(case, range(RangeFunc::Distinct, 0, 4, 0))).contains("distinct"));
    assert!(
        refusal(&|case| query(case, over(VectorOp::Sum, &[0], range(RangeFunc::Sum, 0, 4, 0))))
            .contains("labels that what it aggregates has not")
    );
    assert!(refusal(&|case| case.node.series[0].metric = 2).contains("labels it has not"));
    assert!(
        refusal(&|case| {
            case.node.series[0].matchers.push(cep_lang::plan::LabelMatcher {
                label: Some(0),
                op: cep_lang::plan::MatchOp::Matches,
                value: "(".into(),
            });
        })
        .contains("the matcher '('")
    );
}

#[test]
fn what_is_estimated_is_what_it_takes() {
    use cep_engine::metrics::{LabelTuples, Metrics, MetricsPlan, SizeInput, estimate, put_label};
    let funcs = [
        RangeFunc::Rate,
        RangeFunc::Avg,
        RangeFunc::Max,
        RangeFunc::Stddev,
        RangeFunc::Quantile(0.5),
        RangeFunc::Distinct,
    ];
    for func in funcs {
        for (panes, samples_per_second) in [(2_400, 1.0), (1_200, 0.5), (2_400, 12.0)] {
            let mut case = Case::new(0);
            case.node.series.push(all_of(0, &[1]));
            let leaf = range(func, 0, panes, 0);
            let expr = if func == RangeFunc::Distinct { over(VectorOp::Distinct, &[1], leaf) } else { leaf };
            case.query("q", expr, &[1]);
            case.finish(false);
            let plan = MetricsPlan::new(&case.node).expect("it can be run");
            let predicted = estimate(&plan, SizeInput { series: 20, samples_per_second });
            let (mut metrics, mut tuples) = (Metrics::new(plan), LabelTuples::default());
            let step_ns = (SECOND as f64 / samples_per_second) as i64;
            for nth in 0..(panes * PANE_NS / step_ns) * 5 / 4 {
                let ts = START + nth * step_ns;
                let pane = ts.div_euclid(PANE_NS);
                metrics.advance(pane);
                metrics.begin_row(ts, pane - 8);
                for lane in 0..20 {
                    let mut key = Vec::new();
                    put_label(&mut key, b"");
                    put_label(&mut key, format!("lane-{lane}").as_bytes());
                    let labels = (tuples.number(&key), &key[..], tuples.generation());
                    metrics.add(0, labels, (ts, pane), nth as f64);
                    metrics.read(0, labels);
                }
            }
            let (found, wanted) = (metrics.size().bytes as f64, predicted as f64);
            let ratio = wanted / found;
            assert!(
                (0.8..=1.2).contains(&ratio),
                "{func:?} {panes} {samples_per_second}: {wanted} for {found}"
            );
        }
    }
}
