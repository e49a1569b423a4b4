//! `ceptra-perf e2e`: a real `ceptra serve` process over TCP, beside what the disk itself can do.
//!
//! `bench` what is shared · `disk` the disk alone · `node` the process · `link` a lean connection · `rows` what is
//! appended · `append` one at a time · `open_loop` a fixed rate · `closed_loop` as much as goes · `throughput`
//! batches and single events · `recovery` starts · `idle` nothing to do · `process` what the kernel counts ·
//! `report` figures and bars.
//!
//! Invariants: what is compared is measured in the same run; nothing of the warm-up is counted; every row that is
//! counted was acknowledged as applied, and every derived event came once and in order, or the run fails.
#![allow(clippy::disallowed_methods, reason = "measuring time, with threads, is what this program is for")]

mod append;
mod bench;
mod closed_loop;
mod disk;
mod error;
mod idle;
mod link;
mod node;
mod open_loop;
mod process;
mod recovery;
mod report;
mod rows;
mod throughput;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use bench::Bench;
use disk::{Bandwidth, FLOOR_BYTES, Floor};
use error::{E2eError, Result};
use report::{Report, percentiles_us, round};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// The disk alone: 4 KiB write and flush, and bandwidth
    Floor,
    /// One client, one append at a time
    Append,
    /// A fixed rate, append to derived event
    OpenLoop,
    /// Batches of 1,000 events
    Throughput,
    /// Single events, 256 in flight
    Single,
    /// Restart after a kill, with state
    Recovery,
    /// 64 partitions, nothing to do; and empty starts
    Idle,
}

/// When a node acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// When it is on stable storage
    Strict,
    /// When it is written
    GroupFsync,
}

impl Durability {
    fn name(self) -> &'static str {
        match self {
            Durability::Strict => "strict",
            Durability::GroupFsync => "group-fsync",
        }
    }
}

/// Options of `e2e`.
#[derive(Debug, Args)]
pub struct E2eArgs {
    /// The program that is measured; `ceptra` beside this one unless given
    #[arg(long, value_name = "PATH")]
    ceptra: Option<PathBuf>,
    /// Folder on the disk that is measured; that of this program unless given
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<What>,
    /// Only these modes of durability
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["strict", "group-fsync"])]
    durability: Vec<Durability>,
    /// Seconds of each timed measurement
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Seconds in front of it that do not count
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    warm_up_seconds: u64,
    /// Appends of `append`
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..))]
    appends: u64,
    /// Events a second of `open-loop`
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Keys of `recovery`
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    keys: u64,
    /// Megabytes of rows in front of the last checkpoint of `recovery`
    #[arg(long, default_value_t = 1000)]
    history_mb: u64,
    /// Megabytes of rows behind it
    #[arg(long, default_value_t = 60)]
    tail_mb: u64,
    /// One more word for the command line of the nodes; may be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    node_arg: Vec<String>,
    /// Exit code 1 when a bar is missed; refused where other programs run, because a disturbed floor flatters
    #[arg(long)]
    check: bool,
}

/// Runs the measurements and prints the figures; the exit code.
pub fn run(args: &E2eArgs) -> u8 {
    match measure(args) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            if matches!(error, E2eError::Bars(_)) { 1 } else { 2 }
        }
    }
}

fn measure(args: &E2eArgs) -> Result<()> {
    let own = std::env::current_exe().map_err(E2eError::io("this program's own place"))?;
    let beside = own.parent().map(PathBuf::from).unwrap_or_default();
    let bench = Bench {
        program: args.ceptra.clone().unwrap_or_else(|| beside.join("ceptra")),
        dir: args.dir.clone().unwrap_or(beside),
        node_args: args.node_arg.clone(),
        warm_up: Duration::from_secs(args.warm_up_seconds),
        length: Duration::from_secs(args.seconds),
        appends: args.appends,
        rate: args.rate,
        keys: args.keys,
        history_bytes: args.history_mb * 1_000_000,
        tail_bytes: args.tail_mb * 1_000_000,
    };
    let wanted = |what: What| args.only.is_empty() || args.only.contains(&what);
    let modes = || args.durability.iter().map(|mode| mode.name());
    let mut report = Report::default();
    report.begin("conditions", None);
    let busy_percent = process::busy_percent(LOOK_AROUND)?;
    let mut conditions = conditions(&bench)?;
    conditions["busy_before_percent"] = round(busy_percent).into();
    report.figures("conditions", None, conditions);
    if busy_percent > QUIET_PERCENT_MAX {
        let text = format!("other programs use {busy_percent:.0} % of the machine; quiet it first");
        if args.check {
            return Err(E2eError::Wrong(text));
        }
        eprintln!("warning: {text}. These figures prove nothing");
    }
    if wanted(What::Floor) {
        floor(&bench, &report)?;
    }
    if wanted(What::Append) {
        for mode in modes() {
            report.begin("append latency, one at a time", Some(mode));
            append::measure(&bench, mode, &mut report)?;
        }
    }
    if wanted(What::OpenLoop) {
        for mode in modes() {
            report.begin("open loop, append to derived event", Some(mode));
            open_loop::measure(&bench, mode, &mut report)?;
        }
    }
    if wanted(What::Throughput) {
        let bandwidth = Bandwidth::measure(bench.folder()?.path(), bench.length.min(BANDWIDTH_SECONDS))?;
        for mode in modes() {
            report.begin("throughput, batches of 1,000", Some(mode));
            throughput::batches(&bench, mode, bandwidth, &mut report)?;
        }
    }
    if wanted(What::Single) {
        for mode in modes() {
            report.begin("single events, 256 in flight", Some(mode));
            throughput::singles(&bench, mode, &mut report)?;
        }
    }
    if wanted(What::Recovery) {
        report.begin("recovery after a kill", Some("strict"));
        recovery::measure(&bench, "strict", &mut report)?;
    }
    if wanted(What::Idle) {
        report.begin("an empty start", None);
        recovery::empty(&bench, 9, &mut report)?;
        report.begin("idle, 64 partitions", None);
        idle::measure(&bench, &mut report)?;
    }
    report.end(args.check)
}

/// How long to look at the machine before anything runs.
const LOOK_AROUND: Duration = Duration::from_secs(2);
/// A machine that does more than this is not quiet.
const QUIET_PERCENT_MAX: f64 = 10.0;

/// Bandwidth shows within this; a disk's own cache hides it for a shorter time.
const BANDWIDTH_SECONDS: Duration = Duration::from_secs(5);

/// What the figures hold under.
fn conditions(bench: &Bench) -> Result<Value> {
    let mut version = std::process::Command::new(&bench.program);
    let said = version
        .arg("--version")
        .output()
        .map_err(E2eError::io(format!("start '{}'; build it, or give --ceptra", bench.program.display())))?;
    let mut conditions = process::conditions(&bench.dir);
    conditions["node"] = String::from_utf8_lossy(&said.stdout).trim().into();
    conditions["node_args"] = bench.node_args.clone().into();
    conditions["network"] = "TCP over loopback".into();
    Ok(conditions)
}

/// The disk alone.
fn floor(bench: &Bench, report: &Report) -> Result<()> {
    report.begin("the disk alone", None);
    let folder = bench.folder()?;
    let took = Floor::new(folder.path())?.run(bench.length.min(BANDWIDTH_SECONDS))?;
    let bandwidth = Bandwidth::measure(folder.path(), bench.length.min(BANDWIDTH_SECONDS))?;
    report.figures(
        "floor",
        None,
        json!({
            "write_and_flush_us": percentiles_us(&took),
            "write_bytes": FLOOR_BYTES,
            "bandwidth_mb_per_second_1_writer": round(bandwidth.one_writer / 1e6),
            "bandwidth_mb_per_second_4_writers": round(bandwidth.four_writers / 1e6),
            "file": "written once before, O_DIRECT",
        }),
    );
    Ok(())
}
