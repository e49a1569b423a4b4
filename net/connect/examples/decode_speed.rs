//! How fast files are decoded: MB/s of each format over the same generated rows, on one thread.
//!
//! `cargo run --release -p net-connect --example decode_speed [rows [format]]`

#![allow(clippy::disallowed_methods)] // measures wall-clock time, which is its purpose

use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use cep_types::options::{OptionError, OptionValue, StreamOptions};
use net_connect::{ConnectError, reader_source};

/// The best of so many runs counts: other work on the machine only ever adds time.
const RUNS: usize = 40;

fn schema() -> SchemaRef {
    let timestamp = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let column = |name, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        column("ts", timestamp),
        column("symbol", DataType::Utf8),
        column("price", DataType::Float64),
        column("volume", DataType::Int64),
        column("venue", DataType::Utf8),
        column("change", DataType::Float64),
    ]))
}

fn options(pairs: &[(&str, &str)], schema: &SchemaRef) -> Result<StreamOptions, OptionError> {
    let all = [&[("extension", "stdin"), ("event.time", "ts")], pairs].concat();
    let all: Vec<(String, OptionValue)> =
        all.into_iter().map(|(key, value)| (key.to_owned(), OptionValue::Str(value.to_owned()))).collect();
    StreamOptions::from_pairs(&all, schema.fields())
}

/// Rows as text: `line` writes one from its number and pseudo-random values.
fn text(rows: u64, head: &str, line: impl Fn(&mut String, u64, u64)) -> Vec<u8> {
    let mut text = String::from(head);
    let mut state = 1_u64;
    for row in 0..rows {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        line(&mut text, row, state >> 33);
    }
    text.into_bytes()
}

fn stamp(row: u64) -> String {
    let (second, minute, hour, day) = (row % 60, row / 60 % 60, row / 3600 % 24, row / 86_400 % 28);
    format!("2024-01-{:02} {hour:02}:{minute:02}:{second:02}", day + 1)
}

fn measure(name: &str, bytes: Vec<u8>, pairs: &[(&str, &str)]) -> Result<(), ConnectError> {
    if std::env::args().nth(2).is_some_and(|only| only != name) {
        return Ok(());
    }
    let schema = schema();
    let options = options(pairs, &schema)?;
    let length = bytes.len();
    let mut best = f64::INFINITY;
    let mut rows = 0;
    for _ in 0..RUNS {
        let reader = Box::new(Cursor::new(bytes.clone()));
        let mut source = reader_source(&options, &schema, name, reader, 256 * 1024)?;
        let start = Instant::now();
        rows = 0;
        loop {
            let chunk = source.next(1024, 0)?;
            rows += chunk.batch.num_rows();
            if chunk.end {
                break;
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "{name:>12}: {:7.0} MB/s  {:6.1} ns/row  {rows} rows of {:.0} bytes",
        length as f64 / best / 1e6,
        best / rows as f64 * 1e9,
        length as f64 / rows as f64,
    );
    Ok(())
}

fn main() -> Result<(), ConnectError> {
    let rows = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(50_000);
    let header = "ts,symbol,price,volume,venue,change\n";
    let plain = |out: &mut String, row: u64, x: u64| {
        let (price, change) = (x % 100_000, x % 2_000);
        *out += &format!(
            "{},SYM{:03},{}.{:02},{},XNAS,{}.{:04}\n",
            stamp(row),
            x % 1000,
            price / 100,
            price % 100,
            x % 1_000_000,
            change / 1000,
            change
        );
    };
    let quoted = |out: &mut String, row: u64, x: u64| {
        let price = x % 100_000;
        *out += &format!(
            "{},\"SYM{:03}\",{}.{:02},{},\"X, NAS\",0.5\n",
            stamp(row),
            x % 1000,
            price / 100,
            price % 100,
            x % 1_000_000
        );
    };
    let json = |out: &mut String, row: u64, x: u64| {
        let price = x % 100_000;
        *out += &format!(
            "{{\"ts\":\"{}\",\"symbol\":\"SYM{:03}\",\"price\":{}.{:02},\"volume\":{},\"venue\":\"XNAS\",\"change\":0.5}}\n",
            stamp(row),
            x % 1000,
            price / 100,
            price % 100,
            x % 1_000_000
        );
    };
    let pattern =
        r"^(?<ts>[^,]*),(?<symbol>[^,]*),(?<price>[^,]*),(?<volume>[^,]*),(?<venue>[^,]*),(?<change>[^,]*)$";
    measure("csv", text(rows, header, plain), &[("format", "csv")])?;
    measure("csv quoted", text(rows, header, quoted), &[("format", "csv")])?;
    measure("json lines", text(rows, "", json), &[("format", "json")])?;
    let regex = [("format", "regex"), ("regex.pattern", pattern)];
    measure("regex lines", text(rows / 10, "", plain), &regex)
}
