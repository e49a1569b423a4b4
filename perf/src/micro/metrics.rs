//! `metrics_upkeep`, `metrics_eval_5s`, `metrics_eval_1h`: 100 metrics × 64 lanes × 4 windows of 5 s, 1 min, 5 min
//! and 1 h over panes of 250 ms; an event carries 4 of the metrics, and each series gets a sample a second.
//!
//! All windows are full before anything is measured. The upkeep of an event is everything but reading values: its
//! labels are found, its four samples taken into panes and windows, and what leaves the windows is taken out.
//! An evaluation is the value of one lane of one window, read as rules do, at the event that changed it. `metrics_event`
//! is an event with its sixteen values read.

use std::collections::VecDeque;
use std::hint::black_box;

use arrow_schema::DataType;
use cep_engine::keys::KeyTable;
use cep_engine::metrics::{LabelTuples, Metrics, MetricsPlan, SizeInput, estimate, put_label};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{
    Expr, ExprKind, LatePolicy, Metric, MetricExpr, MetricQuery, MetricsNode, MetricsOutput, RangeFunc,
    SeriesSet, VectorOp,
};
use serde_json::{Value, json};

use super::pattern::resident_bytes;
use super::{elapsed_ns, median, now, round};

const METRICS: usize = 100;
const LANES: usize = 64;
/// Metrics of an event.
const CARRIED: usize = 4;
const SECOND: i64 = 1_000_000_000;
const PANE_NS: i64 = SECOND / 4;
const WINDOWS_S: [i64; 4] = [5, 60, 300, 3600];
/// Events until each series has a sample more: a second.
const ROUND: usize = METRICS / CARRIED * LANES;
/// Events of a pass.
const PASS: usize = 64 * ROUND;
const START_NS: i64 = 1_700_000_000 * SECOND;

/// Measures all three and what is resident.
pub fn measure(passes: usize) -> Vec<Value> {
    let before = resident_bytes();
    let mut bench = Bench::new();
    bench.run(0, 3_660 * ROUND, Read::None);
    let resident = resident_bytes().saturating_sub(before);
    let mut floor = Floor::new();
    floor.run(0, 3_660 * ROUND);
    let mut at = 3_660 * ROUND;
    let mut figures: [Vec<f64>; 5] = Default::default();
    for pass in 0..=passes {
        let mut of_pass = [0.0; 5];
        for (nth, read) in [Read::None, Read::Window(0), Read::Window(3), Read::All].into_iter().enumerate() {
            let start = now();
            black_box(bench.run(at + nth * PASS, PASS, read));
            of_pass[nth] = elapsed_ns(start) / PASS as f64;
        }
        let start = now();
        black_box(floor.run(at, 4 * PASS));
        of_pass[4] = elapsed_ns(start) / (4 * PASS) as f64;
        at += 4 * PASS;
        if pass > 0 {
            figures.iter_mut().zip(of_pass).for_each(|(all, one)| all.push(one));
        }
    }
    let [upkeep, with_5s, with_1h, with_all, by_hand] = figures.each_mut().map(|all| median(all));
    let read = |with: f64| (with - upkeep) / CARRIED as f64;
    let own = bench.metrics.size();
    let input = SizeInput { series: LANES as u64, samples_per_second: 1.0 };
    let conditions = |name: &str, ns: f64| {
        json!({
            "name": name, "ns_per_event": round(ns), "floor_ns_per_event": round(by_hand),
            "ratio": round(ns / by_hand), "metrics": METRICS, "lanes": LANES, "windows_s": WINDOWS_S,
            "carried": CARRIED, "events": PASS, "passes": passes,
            "resident_mb": resident >> 20, "accounted_mb": own.bytes >> 20,
            "estimated_mb": estimate(bench.metrics.plan(), input) >> 20, "panes": own.panes,
        })
    };
    vec![
        conditions("metrics_upkeep", upkeep),
        conditions("metrics_eval_5s", read(with_5s)),
        conditions("metrics_eval_1h", read(with_1h)),
        conditions("metrics_event", with_all),
    ]
}

/// What is read at an event.
#[derive(Clone, Copy)]
enum Read {
    None,
    /// The lane of each metric it carries, of this window.
    Window(usize),
    /// The same of all windows.
    All,
}

/// Labels, metrics and value of event `nth`.
fn event(nth: usize) -> (usize, usize, i64, f64) {
    let lane = nth % LANES;
    let first = nth / LANES % (METRICS / CARRIED) * CARRIED;
    let ts = START_NS + (nth as i64) * SECOND / ROUND as i64;
    (lane, first, ts, (nth / ROUND) as f64 * 3.0 + (nth % 7) as f64)
}

fn keys() -> Vec<Vec<u8>> {
    let key = |lane: usize| {
        let mut key = Vec::new();
        put_label(&mut key, format!("cell-{lane:04}").as_bytes());
        key
    };
    (0..LANES).map(key).collect()
}

struct Bench {
    metrics: Metrics,
    tuples: LabelTuples,
    keys: Vec<Vec<u8>>,
}

impl Bench {
    fn new() -> Self {
        let plan = MetricsPlan::new(&node()).expect("the benchmark's own plan");
        Bench { metrics: Metrics::new(plan), tuples: LabelTuples::default(), keys: keys() }
    }

    fn run(&mut self, from: usize, events: usize, read: Read) -> f64 {
        let mut sum = 0.0;
        for nth in from..from + events {
            let (lane, first, ts, value) = event(nth);
            let tuple = self.tuples.number(&self.keys[lane]);
            let labels = (tuple, self.tuples.key(tuple), self.tuples.generation());
            let pane = ts.div_euclid(PANE_NS);
            self.metrics.advance(pane);
            self.metrics.begin_row(ts, (ts - 2 * SECOND).div_euclid(PANE_NS));
            for metric in first..first + CARRIED {
                self.metrics.add(metric, labels, (ts, pane), value);
            }
            let windows = match read {
                Read::None => 0..0,
                Read::Window(window) => window..window + 1,
                Read::All => 0..WINDOWS_S.len(),
            };
            for window in windows {
                for metric in first..first + CARRIED {
                    let found = self.metrics.read(metric * WINDOWS_S.len() + window, labels);
                    sum += found.value.unwrap_or(0.0);
                }
            }
        }
        sum
    }
}

/// `sum by (cell)(f(m[w]))` for each metric and window; f is by turns `rate`, `avg`, `max` and `count`.
fn node() -> MetricsNode {
    let script = "CREATE STREAM s (cell STRING, v DOUBLE); SELECT cell, v FROM s;";
    let program = compile(script, &CompileOptions::default()).expect("the benchmark's own script");
    let input = program.queries[0].plan.clone();
    let column = |at: usize, data_type: DataType| Expr {
        kind: ExprKind::Column(at),
        data_type,
        nullable: true,
        span: None,
    };
    let mut queries = Vec::new();
    for metric in 0..METRICS {
        let func = [RangeFunc::Rate, RangeFunc::Avg, RangeFunc::Max, RangeFunc::Count][metric % 4];
        for seconds in WINDOWS_S {
            let range = MetricExpr::Range { func, series: metric, range_ns: seconds * SECOND, offset_ns: 0 };
            queries.push(MetricQuery {
                phase: "p".into(),
                name: format!("m{metric}_{seconds}"),
                text: String::new(),
                expr: MetricExpr::Aggregate { op: VectorOp::Sum, by: vec![0], input: Box::new(range) },
                by: vec![0],
                lanes_max: LANES as u32,
                span: None,
            });
        }
    }
    let metric = |nth: usize| Metric {
        name: format!("m{nth}"),
        value: column(1, DataType::Float64),
        labels: vec![("cell".into(), column(0, DataType::Utf8))],
    };
    let series = |metric| SeriesSet { metric, matchers: Vec::new(), identity: vec![0], series_max: 10_000 };
    MetricsNode {
        schema: input.schema().clone(),
        input,
        pane_ns: PANE_NS,
        metrics: (0..METRICS).map(metric).collect(),
        series: (0..METRICS).map(series).collect(),
        output: MetricsOutput::Bound { queries: (0..queries.len()).collect() },
        queries,
        late_policy: LatePolicy::Drop,
        correction_ns: 0,
    }
}

/// The upkeep by hand: the panes of each series in a queue, and for each window count and sum of doubles.
struct Floor {
    keys: Vec<Vec<u8>>,
    table: KeyTable,
    series: Vec<ByHand>,
}

#[derive(Default)]
struct ByHand {
    panes: VecDeque<(i64, f64, u64)>,
    dropped: usize,
    windows: [(usize, f64, u64); 4],
}

impl Floor {
    fn new() -> Self {
        let series = (0..METRICS * LANES).map(|_| ByHand::default()).collect();
        Floor { keys: keys(), table: KeyTable::new(), series }
    }

    fn run(&mut self, from: usize, events: usize) -> f64 {
        let mut total = 0.0;
        for nth in from..from + events {
            let (lane, first, ts, value) = event(nth);
            let lane = self.table.find_or_insert(&self.keys[lane]) as usize;
            let pane = ts.div_euclid(PANE_NS);
            for metric in first..first + CARRIED {
                total += self.series[metric * LANES + lane].add(pane, value);
            }
        }
        total
    }
}

impl ByHand {
    fn add(&mut self, pane: i64, value: f64) -> f64 {
        match self.panes.back_mut() {
            Some(last) if last.0 == pane => (last.1, last.2) = (last.1 + value, last.2 + 1),
            _ => self.panes.push_back((pane, value, 1)),
        }
        for ((begin, sum, count), seconds) in self.windows.iter_mut().zip(WINDOWS_S) {
            (*sum, *count) = (*sum + value, *count + 1);
            let low = pane - seconds * SECOND / PANE_NS;
            while let Some(old) = self.panes.get(*begin - self.dropped).filter(|old| old.0 <= low) {
                (*sum, *count, *begin) = (*sum - old.1, *count - old.2, *begin + 1);
            }
        }
        while self.dropped < self.windows[3].0 {
            self.panes.pop_front();
            self.dropped += 1;
        }
        self.windows[0].1
    }
}
