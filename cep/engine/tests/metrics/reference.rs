//! What metrics are, straight from the definitions: all samples are kept, and every value is computed from them.

use std::collections::{BTreeMap, BTreeSet};

use cep_engine::keys::hash_bytes;
use cep_lang::plan::{MatchOp, MetricExpr, RangeFunc, VectorOp, metric_flags};

use crate::harness::Row;
use crate::plans::{Case, PANE_NS};

/// Labels of a series or a lane: number of the label and its value.
type Labels = BTreeMap<usize, String>;

#[derive(Debug, Clone)]
struct Sample {
    metric: usize,
    labels: Labels,
    ts: i64,
    value: f64,
    /// What distinct counts tell apart.
    text: String,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub value: Option<f64>,
    pub flags: i64,
}

pub struct Reference<'a> {
    case: &'a Case,
    /// In order of the log.
    samples: Vec<Sample>,
    first_row: Option<i64>,
    newest: i64,
    largest: i64,
    pub late: u64,
    /// Set and pane of samples that came beyond all corrections.
    dropped: Vec<(usize, i64)>,
}

impl<'a> Reference<'a> {
    pub fn new(case: &'a Case) -> Self {
        let (samples, dropped) = (Vec::new(), Vec::new());
        Reference { case, samples, first_row: None, newest: i64::MIN, largest: i64::MIN, late: 0, dropped }
    }

    pub fn pane_end(&self) -> i64 {
        (self.newest + 1) * PANE_NS
    }

    /// Takes a row; what the queries say of its lanes, unless it is late.
    pub fn row(&mut self, row: &Row) -> Option<Vec<Answer>> {
        let (ts, k, v, n) = row;
        let pane = ts.div_euclid(PANE_NS);
        let before = self.largest;
        self.largest = self.largest.max(*ts);
        let text = |label: Option<String>| label.unwrap_or_default();
        let g = text(n.and_then(|n| [Some("a"), Some("b"), None][(n % 3) as usize]).map(String::from));
        let k = text(k.clone());
        let labels: [Labels; 3] =
            [[(0, g.clone()), (1, k.clone())].into(), [(0, k.clone())].into(), [(0, g)].into()];
        let values = [*v, n.map(|n| n as f64 * 0.5), row.1.as_ref().map(|_| 0.0)];
        let mut samples = Vec::new();
        for (metric, value) in values.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let text = if metric == 2 { k.clone() } else { format!("{:?}", value + 0.0) };
            samples.push(Sample { metric, labels: labels[metric].clone(), ts: *ts, value, text });
        }
        let horizon = if self.case.retracts() { self.case.node.correction_ns } else { 0 };
        if before != i64::MIN && (pane + 1) * PANE_NS + horizon <= before - self.case.lateness_ns {
            self.late += 1;
            if self.case.retracts() {
                for (set, node) in self.case.node.series.iter().enumerate() {
                    if samples.iter().any(|s| s.metric == node.metric && self.matches(set, s)) {
                        self.dropped.push((set, pane));
                    }
                }
            }
            return None;
        }
        self.first_row.get_or_insert(*ts);
        self.newest = self.newest.max(pane);
        self.samples.extend(samples);
        let answer = |query: usize| {
            let node = &self.case.node.queries[query];
            let metric = self.case.node.series[set_of(&node.expr)].metric;
            let lane: Labels = node.by.iter().map(|&l| (l, labels[metric][&l].clone())).collect();
            Answer { value: self.values(query, self.newest).get(&lane).copied(), flags: self.flags(query) }
        };
        Some((0..self.case.node.queries.len()).map(answer).collect())
    }

    fn flags(&self, query: usize) -> i64 {
        let (set, range, offset) = leaf(&self.case.node.queries[query].expr);
        let first = self.newest - offset - range + 1;
        let mut flags = 0;
        if self.first_row.is_none_or(|ts| first * PANE_NS < ts) {
            flags |= metric_flags::WARMING_UP;
        }
        if self.dropped.iter().any(|&(of, pane)| of == set && pane >= first) {
            flags |= metric_flags::NON_RETRACTABLE_DROPPED;
        }
        flags
    }

    /// All final values up to the pane of the newest row, with every sample that was let in.
    pub fn finals(&self) -> BTreeMap<(i64, String, String), f64> {
        let mut out = BTreeMap::new();
        let panes = self.samples.iter().map(|s| s.ts.div_euclid(PANE_NS));
        let Some(first) = panes.min() else { return out };
        for (number, query) in self.case.node.queries.iter().enumerate() {
            for pane in first..=self.newest {
                for (lane, value) in self.values(number, pane) {
                    let metric = self.case.node.series[set_of(&query.expr)].metric;
                    let names = &self.case.node.metrics[metric].labels;
                    let labels: Vec<String> =
                        lane.iter().map(|(l, v)| format!("\"{}\":\"{v}\"", names[*l].0)).collect();
                    out.insert(
                        (pane, format!("p.{}", query.name), format!("{{{}}}", labels.join(","))),
                        value,
                    );
                }
            }
        }
        out
    }

    fn values(&self, query: usize, pane: i64) -> BTreeMap<Labels, f64> {
        self.vector(&self.case.node.queries[query].expr, pane)
    }

    fn vector(&self, expr: &MetricExpr, pane: i64) -> BTreeMap<Labels, f64> {
        match expr {
            MetricExpr::Range { func: RangeFunc::Distinct, .. } => panic!("below distinct"),
            MetricExpr::Range { func, series, range_ns, offset_ns } => {
                let end = (pane + 1) * PANE_NS - offset_ns;
                let of = self.series(*series, end - range_ns, end);
                of.into_iter()
                    .filter_map(|(l, s)| Some((l, function(*func, &s, end - range_ns, end)?)))
                    .collect()
            }
            MetricExpr::Instant { series, lookback_ns, offset_ns } => {
                let end = (pane + 1) * PANE_NS - offset_ns;
                let of = self.series(*series, end - lookback_ns, end);
                of.into_iter().filter_map(|(l, s)| Some((l, s.last()?.value))).collect()
            }
            MetricExpr::Aggregate { op: VectorOp::Distinct, by, input } => {
                let MetricExpr::Range { series, range_ns, offset_ns, .. } = **input else {
                    panic!("a range")
                };
                let end = (pane + 1) * PANE_NS - offset_ns;
                let mut groups: BTreeMap<Labels, BTreeSet<String>> = BTreeMap::new();
                for (labels, samples) in self.series(series, end - range_ns, end) {
                    groups.entry(only(&labels, by)).or_default().extend(samples.into_iter().map(|s| s.text));
                }
                // Few values: the sketch counts them exactly.
                groups.into_iter().map(|(labels, texts)| (labels, texts.len() as f64)).collect()
            }
            MetricExpr::Aggregate { op, by, input } => {
                let mut groups: BTreeMap<Labels, Vec<(Labels, f64)>> = BTreeMap::new();
                for (labels, value) in self.vector(input, pane) {
                    groups.entry(only(&labels, by)).or_default().push((labels, value));
                }
                groups.into_iter().flat_map(|(labels, members)| aggregate(*op, labels, members)).collect()
            }
        }
    }

    fn matches(&self, set: usize, sample: &Sample) -> bool {
        self.case.node.series[set].matchers.iter().all(|matcher| {
            let value = matcher.label.map_or("", |label| sample.labels[&label].as_str());
            let found =
                |regex: &str| regex::Regex::new(&format!("^(?:{regex})$")).expect("a regex").is_match(value);
            match matcher.op {
                MatchOp::Equal => value == matcher.value,
                MatchOp::NotEqual => value != matcher.value,
                MatchOp::Matches => found(&matcher.value),
                MatchOp::NotMatches => !found(&matcher.value),
            }
        })
    }

    /// Samples of each series of a set from `start` to before `end`, by time and place in the log.
    fn series(&self, set: usize, start: i64, end: i64) -> BTreeMap<Labels, Vec<Sample>> {
        let node = &self.case.node.series[set];
        let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        for sample in &self.samples {
            if sample.metric == node.metric && (start..end).contains(&sample.ts) && self.matches(set, sample)
            {
                series.entry(only(&sample.labels, &node.identity)).or_default().push(sample.clone());
            }
        }
        series.values_mut().for_each(|samples| samples.sort_by_key(|s| s.ts));
        series
    }
}

fn only(labels: &Labels, by: &[usize]) -> Labels {
    by.iter().map(|l| (*l, labels[l].clone())).collect()
}

fn set_of(expr: &MetricExpr) -> usize {
    leaf(expr).0
}

/// Set, range and offset in panes.
fn leaf(expr: &MetricExpr) -> (usize, i64, i64) {
    match expr {
        MetricExpr::Range { series, range_ns, offset_ns, .. } => {
            (*series, range_ns / PANE_NS, offset_ns / PANE_NS)
        }
        MetricExpr::Instant { series, lookback_ns, offset_ns } => {
            (*series, lookback_ns / PANE_NS, offset_ns / PANE_NS)
        }
        MetricExpr::Aggregate { input, .. } => leaf(input),
    }
}

fn function(func: RangeFunc, samples: &[Sample], start: i64, end: i64) -> Option<f64> {
    let values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    Some(match func {
        RangeFunc::Rate => return slope(samples, start, end, true, true),
        RangeFunc::Increase => return slope(samples, start, end, true, false),
        RangeFunc::Delta => return slope(samples, start, end, false, false),
        RangeFunc::Count => n,
        RangeFunc::Sum => sum,
        RangeFunc::Avg => sum / n,
        RangeFunc::Min => extreme(&values, |x, best| x < best),
        RangeFunc::Max => extreme(&values, |x, best| x > best),
        RangeFunc::Stddev => {
            let mean = sum / n;
            (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt()
        }
        RangeFunc::Last => *values.last()?,
        RangeFunc::Quantile(phi) => quantile(phi, values),
        RangeFunc::Distinct => panic!("below distinct"),
    })
}

fn extreme(values: &[f64], better: fn(f64, f64) -> bool) -> f64 {
    let mut best = values[0];
    for &x in values {
        if better(x, best) || best.is_nan() {
            best = x;
        }
    }
    best
}

fn quantile(phi: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        _ => a.partial_cmp(b).expect("numbers"),
    });
    let rank = phi * (values.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}

/// Extrapolation as in Prometheus 3.
fn slope(samples: &[Sample], start: i64, end: i64, is_counter: bool, is_rate: bool) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 || first.ts == last.ts {
        return None;
    }
    let mut total = last.value - first.value;
    if is_counter {
        for pair in samples.windows(2) {
            if pair[1].value < pair[0].value {
                total += pair[0].value;
            }
        }
    }
    let seconds = |ns: i64| ns as f64 / 1e9;
    let interval = seconds(last.ts - first.ts);
    let average = interval / (samples.len() - 1) as f64;
    let mut to_start = seconds(first.ts - start);
    let mut to_end = seconds(end - last.ts);
    if to_start >= average * 1.1 {
        to_start = average / 2.0;
    }
    if is_counter && total > 0.0 && first.value >= 0.0 {
        let to_zero = interval * (first.value / total);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= average * 1.1 {
        to_end = average / 2.0;
    }
    let mut factor = (interval + to_start + to_end) / interval;
    if is_rate {
        factor /= seconds(end - start);
    }
    Some(total * factor)
}

fn aggregate(op: VectorOp, labels: Labels, members: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let values: Vec<f64> = members.iter().map(|m| m.1).collect();
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let value = match op {
        VectorOp::Sum => sum,
        VectorOp::Count => n,
        VectorOp::Avg => sum / n,
        VectorOp::Min => extreme(&values, |x, best| x < best),
        VectorOp::Max => extreme(&values, |x, best| x > best),
        VectorOp::Quantile(phi) => quantile(phi, values),
        VectorOp::TopK(k) => {
            let mut members = members;
            let key = |labels: &Labels| {
                let mut key = Vec::new();
                for value in labels.values() {
                    key.extend_from_slice(&(value.len() as u32).to_le_bytes());
                    key.extend_from_slice(value.as_bytes());
                }
                (hash_bytes(&key), key)
            };
            members.sort_by(|a, b| {
                let by_value = match (a.1.is_nan(), b.1.is_nan()) {
                    (true, true) => std::cmp::Ordering::Equal,
                    (true, false) => std::cmp::Ordering::Greater,
                    (false, true) => std::cmp::Ordering::Less,
                    _ => b.1.partial_cmp(&a.1).expect("numbers"),
                };
                by_value.then_with(|| key(&a.0).cmp(&key(&b.0)))
            });
            members.truncate(k as usize);
            return members;
        }
        VectorOp::Distinct => panic!("done above"),
    };
    vec![(labels, value)]
}
