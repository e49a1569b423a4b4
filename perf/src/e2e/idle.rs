//! A node of many partitions that nobody asks for anything.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bench::Bench;
use super::error::Result;
use super::node::Node;
use super::process;
use super::report::{Report, round};

const PARTITIONS: u32 = 64;
/// How long what a start leaves to do may take.
const SETTLE: Duration = Duration::from_secs(3);
/// An app in every partition; by key, so that it may be in many.
const APP: &str = "CREATE STREAM trades (symbol STRING NOT NULL, price DOUBLE NOT NULL) \
     WITH (\"partition.by\" = 'symbol');\n\
     CREATE STREAM averages AS SELECT symbol, avg(price) AS a FROM trades \
     WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY symbol;";

/// Measures CPU and memory of an idle node.
///
/// # Errors
/// When the node fails.
pub fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let node = Node::start(&bench.setup("strict", PARTITIONS), folder.path())?;
    let start_ms = node.start_to_ready.as_secs_f64() * 1000.0;
    node.deploy("perf", APP)?;
    thread::sleep(SETTLE);
    let before = process::cpu_time(node.pid())?;
    let begun = Instant::now();
    thread::sleep(bench.length);
    let seconds = begun.elapsed().as_secs_f64();
    let used = (process::cpu_time(node.pid())? - before).as_secs_f64();
    let percent = used / seconds * 100.0;
    let resident_mb = process::resident_bytes(node.pid())? as f64 / 1e6;
    report.figures(
        "idle",
        Some("strict"),
        json!({
            "cpu_percent_of_a_core": round(percent),
            "resident_mb": round(resident_mb),
            "resident_mb_max": round(process::resident_bytes_max(node.pid())? as f64 / 1e6),
            "partitions": PARTITIONS,
            "apps": 1,
            "connections": 0,
            "seconds": round(seconds),
            "start_to_ready_ms": round(start_ms),
        }),
    );
    report.at_most("idle with 64 partitions, percent of a core", percent, 3.0);
    report.at_most("idle with 64 partitions, resident MB", resident_mb, 150.0);
    node.stop()
}
