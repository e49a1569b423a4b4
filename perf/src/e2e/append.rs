//! One client, one append at a time, beside the floor in the same run.

use std::time::Instant;

use net_wire::{Ack, Message, Outcome};
use serde_json::{Value, json};

use super::bench::Bench;
use super::disk::Floor;
use super::error::{E2eError, Result};
use super::link::Link;
use super::report::{Report, histogram, percentiles_us, round};
use super::rows::{EVENTS_APP, PAYLOAD_BYTES, Writer, events};

/// Appends, then as many rounds of the floor, in turn.
const TURN: u64 = 100;

/// Rows that an ack says are in the log now.
///
/// # Errors
/// When it says anything else of one of them.
pub fn applied(ack: &Ack<'_>) -> Result<u64> {
    if let Some(failure) = &ack.failure {
        return Err(E2eError::Wrong(format!("an append failed: {:?}: {}", failure.status, failure.text)));
    }
    let mut rows = 0;
    for run in ack.runs.iter() {
        if run.outcome != Outcome::Applied {
            return Err(E2eError::Wrong(format!("{} rows are {:?}", run.count, run.outcome)));
        }
        rows += u64::from(run.count);
    }
    Ok(rows)
}

/// Measures the latency of appends of one event.
///
/// # Errors
/// When something fails, or is not as it should be.
pub fn measure(bench: &Bench, durability: &'static str, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let mut floor = Floor::new(folder.path())?;
    let node = bench.node(durability, &folder, EVENTS_APP)?;
    let mut link = Link::open(node.client)?;
    let mut writer = Writer::new(&link.stream("events")?, link.routing.epoch);
    let (mut floor_took, mut took) = (histogram(), histogram());
    let turns = bench.appends.div_ceil(TURN);
    let warm_turns = (turns / 10).max(1);
    for turn in 0..warm_turns + turns {
        for _ in 0..TURN {
            let floor_ns = floor.once()?;
            if turn >= warm_turns {
                floor_took.saturating_record(floor_ns);
            }
        }
        for _ in 0..TURN {
            let append_ns = once(&mut link, &mut writer)?;
            if turn >= warm_turns {
                took.saturating_record(append_ns);
            }
        }
    }
    let state = node.partition()?;
    if state["rows_applied"] != json!((warm_turns + turns) * TURN) {
        return Err(E2eError::Wrong(format!("the node has {} rows", state["rows_applied"])));
    }
    let ratio = |quantile: f64| {
        took.value_at_quantile(quantile) as f64 / floor_took.value_at_quantile(quantile).max(1) as f64
    };
    report.figures(
        "append_latency",
        Some(durability),
        json!({
            "append_us": percentiles_us(&took),
            "floor_us": percentiles_us(&floor_took),
            "ratio_p50": round(ratio(0.5)),
            "ratio_p99": round(ratio(0.99)),
            "payload_bytes": PAYLOAD_BYTES,
            "warm_up_appends": warm_turns * TURN,
            "interleaved_by": TURN,
            "client": client(),
        }),
    );
    if durability == "strict" {
        report.at_most("append latency strict, p50 over floor", ratio(0.5), 2.5);
        report.at_most("append latency strict, p99 over floor", ratio(0.99), 3.0);
    }
    node.stop()
}

/// What the client of all measurements is.
pub fn client() -> Value {
    "net-wire on a blocking socket, loopback".into()
}

/// One append, from the row to its ack; nanoseconds.
fn once(link: &mut Link, writer: &mut Writer) -> Result<u64> {
    let number = writer.next;
    let columns = events(number, 1);
    let begun = Instant::now();
    let frame = writer.frame(columns)?;
    link.outlet.put(number + 10, writer.append(&frame, 1))?;
    link.outlet.flush()?;
    let mut answered = false;
    while !answered {
        link.inlet.messages(|request, message| {
            if let Message::Ack(ack) = message {
                answered = request == number + 10 && applied(ack)? == 1;
            }
            Ok(())
        })?;
    }
    Ok(begun.elapsed().as_nanos() as u64)
}
