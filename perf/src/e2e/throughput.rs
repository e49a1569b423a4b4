//! How much one shard takes: in batches, and one event at a time.

use serde_json::json;

use super::append::client;
use super::bench::Bench;
use super::closed_loop::{self, Load};
use super::disk::Bandwidth;
use super::error::Result;
use super::link::Link;
use super::report::{Report, percentiles_us, round};
use super::rows::{PAYLOAD_BYTES, W2_APP, Writer, trades};

const BATCH_ROWS: u64 = 1_000;
/// Batches in flight: what the credits of a node's default settings allow.
const BATCHES_IN_FLIGHT: usize = 65;
/// Different frames, sent in turn.
const BATCHES: u64 = 64;
const SINGLES: u64 = 4_096;
const SINGLES_IN_FLIGHT: usize = 256;
/// Share of the disk's bandwidth that is enough.
const BANDWIDTH_SHARE: f64 = 0.7;

/// Measures batches of 1,000 events of 100 bytes, with the W2 app.
///
/// # Errors
/// When a row is not applied, or something fails.
pub fn batches(
    bench: &Bench,
    durability: &'static str,
    bandwidth: Bandwidth,
    report: &mut Report,
) -> Result<()> {
    let folder = bench.folder()?;
    let node = bench.node(durability, &folder, W2_APP)?;
    let link = Link::open(node.client)?;
    let writer = Writer::new(&link.stream("trades")?, link.routing.epoch);
    let frames: Result<Vec<_>> =
        (0..BATCHES).map(|batch| writer.frame(trades(batch * BATCH_ROWS, BATCH_ROWS))).collect();
    let frames = frames?;
    let frame_bytes = frames.iter().map(Vec::len).sum::<usize>() as f64 / frames.len() as f64;
    let load = Load { frames: &frames, rows: BATCH_ROWS, in_flight: BATCHES_IN_FLIGHT };
    let done = closed_loop::run(link, writer, &load, &node, bench.warm_up, bench.length)?;
    let written_per_second = done.written_bytes as f64 / done.seconds;
    // What must be written at least for each event; the log adds its own.
    let event_bytes = frame_bytes / BATCH_ROWS as f64;
    let disk_bar = BANDWIDTH_SHARE * bandwidth.best() / event_bytes;
    report.figures(
        "throughput",
        Some(durability),
        json!({
            "events_per_second": done.rows_per_second().round(),
            "events": done.rows,
            "seconds": round(done.seconds),
            "append_us": percentiles_us(&done.took),
            "batch_rows": BATCH_ROWS,
            "payload_bytes": PAYLOAD_BYTES,
            "frame_bytes_per_event": round(event_bytes),
            "in_flight": BATCHES_IN_FLIGHT,
            "disk_written_mb_per_second": round(written_per_second / 1e6),
            "disk_raw_mb_per_second": round(bandwidth.best() / 1e6),
            "disk_share": round(written_per_second / bandwidth.best()),
            "events_per_second_at_70_percent_of_disk": disk_bar.round(),
            "rows_per_log_entry": round(done.rows_per_entry()),
            "node_cpu_cores": round(done.node_cores),
            "client_cpu_cores": round(done.client_cores),
            "app": "tumbling 1 s avg, sum, count by 1,000 symbols",
            "frames": "written before the measurement, sent in turn",
            "warm_up_seconds": bench.warm_up.as_secs(),
            "client": client(),
        }),
    );
    if durability == "strict" {
        let limit = disk_bar.min(1e6);
        report.at_least("throughput strict, events a second", done.rows_per_second(), limit);
    }
    node.stop()
}

/// Measures appends of one event with 256 in flight.
///
/// # Errors
/// When a row is not applied, or something fails.
pub fn singles(bench: &Bench, durability: &'static str, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let node = bench.node(durability, &folder, W2_APP)?;
    let link = Link::open(node.client)?;
    let writer = Writer::new(&link.stream("trades")?, link.routing.epoch);
    let frames: Result<Vec<_>> = (0..SINGLES).map(|number| writer.frame(trades(number, 1))).collect();
    let frames = frames?;
    let load = Load { frames: &frames, rows: 1, in_flight: SINGLES_IN_FLIGHT };
    let done = closed_loop::run(link, writer, &load, &node, bench.warm_up, bench.length)?;
    report.figures(
        "single_appends",
        Some(durability),
        json!({
            "acks_per_second": done.rows_per_second().round(),
            "events": done.rows,
            "seconds": round(done.seconds),
            "append_us": percentiles_us(&done.took),
            "in_flight": SINGLES_IN_FLIGHT,
            "connections": 1,
            "payload_bytes": PAYLOAD_BYTES,
            "frame_bytes_per_event": frames[0].len(),
            "disk_written_mb_per_second": round(done.written_bytes as f64 / done.seconds / 1e6),
            "rows_per_log_entry": round(done.rows_per_entry()),
            "node_cpu_cores": round(done.node_cores),
            "client_cpu_cores": round(done.client_cores),
            "app": "tumbling 1 s avg, sum, count by 1,000 symbols",
            "warm_up_seconds": bench.warm_up.as_secs(),
            "client": client(),
        }),
    );
    if durability == "strict" {
        report.at_least("single appends strict, acks a second", done.rows_per_second(), 100_000.0);
    }
    node.stop()
}
