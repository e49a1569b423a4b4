//! Figures: JSON lines for machines, a short table for people, and the bars.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::error::{E2eError, Result};

/// A histogram of nanoseconds, from 1 ns to 10 minutes, three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("three digits between these bounds are allowed")
}

/// What a bar asks of a figure.
#[derive(Debug, Clone, Copy)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// One line of a bar.
struct Judged {
    name: String,
    value: f64,
    bar: Bar,
}

impl Judged {
    fn is_met(&self) -> bool {
        match self.bar {
            Bar::AtMost(limit) => self.value <= limit,
            Bar::AtLeast(limit) => self.value >= limit,
        }
    }
}

/// Takes figures as they come.
#[derive(Default)]
pub struct Report {
    judged: Vec<Judged>,
}

impl Report {
    /// Prints the figures of a measurement: the JSON line on standard output, a short one on standard error.
    pub fn figures(&self, name: &str, mode: Option<&str>, figures: Value) {
        let mut line = Map::new();
        line.insert("name".into(), format!("e2e/{name}").into());
        if let Some(mode) = mode {
            line.insert("mode".into(), mode.into());
        }
        if let Value::Object(figures) = figures {
            for (key, value) in &figures {
                eprintln!("  {:<34} {}", key, short(value));
            }
            line.extend(figures);
        }
        println!("{}", Value::Object(line));
    }

    /// Says what comes next.
    pub fn begin(&self, name: &str, mode: Option<&str>) {
        match mode {
            Some(mode) => eprintln!("{name}, {mode}"),
            None => eprintln!("{name}"),
        }
    }

    /// Holds a figure against a bar that it may not pass.
    pub fn at_most(&mut self, name: impl Into<String>, value: f64, limit: f64) {
        self.judged.push(Judged { name: name.into(), value, bar: Bar::AtMost(limit) });
    }

    /// Holds a figure against a bar that it must reach.
    pub fn at_least(&mut self, name: impl Into<String>, value: f64, limit: f64) {
        self.judged.push(Judged { name: name.into(), value, bar: Bar::AtLeast(limit) });
    }

    /// Prints all bars, for people and for machines.
    ///
    /// # Errors
    /// With `check`, when some are missed, or there was none to check.
    pub fn end(&self, check: bool) -> Result<()> {
        if !self.judged.is_empty() {
            eprintln!("bars");
        }
        let mut missed = 0;
        for judged in &self.judged {
            let (sign, limit) = match judged.bar {
                Bar::AtMost(limit) => ("<=", limit),
                Bar::AtLeast(limit) => (">=", limit),
            };
            let met = judged.is_met();
            missed += usize::from(!met);
            let word = if met { "met" } else { "MISSED" };
            eprintln!(
                "  {word:<7} {:<44} {:>12} {sign} {}",
                judged.name,
                short(&judged.value.into()),
                short(&limit.into())
            );
            let line = json!({"name": "e2e/bar", "bar": judged.name, "value": round(judged.value), "must_be": sign,
                "limit": round(limit), "met": met});
            println!("{line}");
        }
        if check && self.judged.is_empty() {
            return Err(E2eError::Wrong("nothing was measured that has a bar".into()));
        }
        if check && missed > 0 { Err(E2eError::Bars(missed)) } else { Ok(()) }
    }
}

/// Three digits behind the point.
pub fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Percentiles of a histogram of nanoseconds, in microseconds.
pub fn percentiles_us(took: &Histogram<u64>) -> Value {
    let at = |quantile: f64| round(took.value_at_quantile(quantile) as f64 / 1000.0);
    json!({
        "count": took.len(),
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "p999": at(0.999),
        "max": round(took.max() as f64 / 1000.0),
        "mean": round(took.mean() / 1000.0),
    })
}

/// A value as it stands in the table.
fn short(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.abs() >= 1000.0 => format!("{float:.0}"),
            Some(float) if number.is_f64() => format!("{float:.3}"),
            _ => number.to_string(),
        },
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} {}", short(value)));
            fields.collect::<Vec<_>>().join("  ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bar_fails_the_check_and_only_the_check() {
        let mut report = Report::default();
        report.at_most("latency", 1.0, 2.0);
        report.at_least("rate", 10.0, 10.0);
        assert!(report.end(true).is_ok());
        report.at_least("rate", 9.0, 10.0);
        assert!(report.end(false).is_ok());
        assert!(matches!(report.end(true), Err(E2eError::Bars(1))));
        assert!(Report::default().end(true).is_err());
    }

    #[test]
    fn percentiles_are_in_microseconds() {
        let mut took = histogram();
        (1..=1000).for_each(|us| took.saturating_record(us * 1000));
        let found = percentiles_us(&took);
        assert_eq!(found["count"], 1000);
        assert!((found["p50"].as_f64().unwrap() - 500.0).abs() < 1.0, "{found}");
        assert!((found["p99"].as_f64().unwrap() - 990.0).abs() < 1.0, "{found}");
    }
}
