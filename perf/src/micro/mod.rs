//! Micro benchmarks: entries of 1,024 rows, 1,000 string symbols, one thread.
//!
//! Engine and floor passes take turns; the figure is the median over passes.

mod floor;
mod input;
mod join;
mod metrics;
mod pattern;
mod rules;
mod single;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::Program;
use cep_types::Entry;
use clap::Args;
use serde_json::{Value, json};

use input::{BATCH_ROWS, Trades};

/// Options of `micro`.
#[derive(Debug, Args)]
pub struct MicroArgs {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Passes of engine and floor each; the median counts
    #[arg(long, default_value_t = 15)]
    passes: usize,
    /// Only the benchmarks whose name contains this
    #[arg(long)]
    only: Option<String>,
}

const DECLARE: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, price DOUBLE NOT NULL, volume BIGINT NOT NULL) \
     WITH (clock = 'event', \"event.time\" = 'ts');\n";

const W1: &str = "SELECT symbol, price FROM trades WHERE price > 50;";
const W2: &str = "SELECT symbol, avg(price) AS a, sum(price) AS s, count(*) AS c \
     FROM trades WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY symbol;";
const W3: &str = "SELECT symbol, avg(price) AS a FROM trades WINDOW LENGTH (100) GROUP BY symbol;";

/// Trades beside a table of all symbols, found by key.
const W5: &str =
    "SELECT t.symbol, t.price, s.sector, s.lot FROM trades AS t JOIN sectors AS s ON t.symbol = s.symbol;";

/// The table of [`W5`].
fn sectors() -> String {
    let row = |nth: u64| format!("('SYM{nth:04}', {}, {})", nth % 11, nth * 100);
    let rows: Vec<String> = (0..input::SYMBOLS).map(row).collect();
    format!(
        "CREATE TABLE sectors (symbol STRING PRIMARY KEY, sector BIGINT NOT NULL, lot BIGINT NOT NULL);\n\
         INSERT INTO sectors VALUES {};\n",
        rows.join(", ")
    )
}

/// Runs the benchmarks and prints the figures.
pub fn run(args: &MicroArgs) {
    let trades = Trades::new(400);
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    if wanted("w1_filter_project") {
        print(args, compare("w1_filter_project", W1, args, &trades, &mut floor::FilterProject::default()));
    }
    if wanted("w2_tumbling") {
        print(args, compare("w2_tumbling", W2, args, &trades, &mut floor::Tumbling::default()));
    }
    if wanted("w3_sliding_length") {
        print(args, compare("w3_sliding_length", W3, args, &trades, &mut floor::SlidingLength::new(100)));
    }
    if wanted("join_window") {
        print(args, join::measure(args.passes));
    }
    if wanted("w5_enrich") {
        let query = format!("{}{W5}", sectors());
        print(args, compare("w5_enrich", &query, args, &trades, &mut floor::Enrich::default()));
    }
    if wanted("w4_pattern") {
        print(args, compare("w4_pattern", pattern::W4, args, &trades, &mut floor::Pattern::default()));
    }
    if wanted("pattern_resident") {
        let found = pattern::resident();
        if args.json {
            println!("{found}");
        } else {
            println!("pattern_resident     {} MB for {} keys", found["resident_mb"], found["keys"]);
        }
    }
    if ["metrics_upkeep", "metrics_eval_5s", "metrics_eval_1h", "metrics_event"].into_iter().any(wanted) {
        metrics::measure(args.passes).into_iter().for_each(|found| print(args, found));
    }
    if wanted("rule_3_bindings") {
        print(args, rules::three_bindings(args, &trades));
    }
    if wanted("rules_10000") {
        print(args, rules::ten_thousand(args, &trades));
    }
    if wanted("single_event") {
        print(args, single::measure(W2, &trades));
    }
}

/// A hand-written loop over the columns of the entries.
pub trait Floor {
    /// Processes all entries from a fresh state; returns something that depends on all of it.
    fn pass(&mut self, trades: &Trades) -> f64;
}

fn compare(name: &str, query: &str, args: &MicroArgs, trades: &Trades, floor: &mut dyn Floor) -> Value {
    compare_program(name, &program(query), args, trades, floor)
}

fn compare_program(
    name: &str,
    program: &Arc<Program>,
    args: &MicroArgs,
    trades: &Trades,
    floor: &mut dyn Floor,
) -> Value {
    let rows = (trades.entries.len() * BATCH_ROWS) as f64;
    let (mut engine_ns, mut floor_ns) = (Vec::new(), Vec::new());
    let mut out_rows = 0;
    for pass in 0..=args.passes {
        let mut partition = Partition::new(Arc::clone(program), &[]).expect("the query runs");
        let mut actions = Actions::new();
        let start = now();
        out_rows = feed(&mut partition, &trades.entries, &mut actions);
        let engine = elapsed_ns(start) / rows;
        let start = now();
        black_box(floor.pass(trades));
        let by_hand = elapsed_ns(start) / rows;
        // The first pass warms caches and allocations.
        if pass > 0 {
            engine_ns.push(engine);
            floor_ns.push(by_hand);
        }
    }
    let (engine, by_hand) = (median(&mut engine_ns), median(&mut floor_ns));
    json!({
        "name": name,
        "ns_per_event": round(engine),
        "floor_ns_per_event": round(by_hand),
        "ratio": round(engine / by_hand),
        "batch_rows": BATCH_ROWS,
        "events": rows as u64,
        "output_rows": out_rows,
        "symbols": input::SYMBOLS,
        "passes": args.passes,
    })
}

/// Applies all entries; returns the number of output rows.
fn feed(partition: &mut Partition, entries: &[Entry], actions: &mut Actions) -> usize {
    let mut rows = 0;
    for entry in entries {
        actions.clear();
        let done = partition.apply(entry, &mut { Budget::UNLIMITED }, actions);
        assert_eq!(done, Progress::Done, "the budget is unlimited");
        rows += actions.rows();
        black_box(&*actions);
    }
    rows
}

fn program(query: &str) -> Arc<Program> {
    match compile(&format!("{DECLARE}{query}"), &CompileOptions::default()) {
        Ok(program) => Arc::new(program),
        Err(errors) => panic!("the benchmark's own query: {errors:?}"),
    }
}

#[allow(clippy::disallowed_methods)] // measuring is what this program is for
fn now() -> Instant {
    Instant::now()
}

fn elapsed_ns(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn print(args: &MicroArgs, result: Value) {
    if args.json {
        println!("{result}");
    } else {
        let text = |key: &str| result.get(key).map(ToString::to_string).unwrap_or_default();
        println!(
            "{:<20} {:>9} ns/event  floor {:>9} ns  ratio {:>6}",
            result["name"].as_str().unwrap_or_default(),
            text("ns_per_event"),
            text("floor_ns_per_event"),
            text("ratio"),
        );
    }
}
