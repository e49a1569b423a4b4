//! Appends as fast as the disk takes them: `append_rate DIR [strict|group] [SECONDS]`. One JSON line a case.

use std::cell::RefCell;
use std::error::Error;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::uring::{ShardConfig, run};
use shard_rt::{NodeId, Rt, ShardId, sleep};
use wal::{BatchReport, Mode, Observer, Options, PartitionId, Record, Wal, WalError};

#[derive(Default)]
struct Latencies(RefCell<Vec<u64>>);

impl Observer for Latencies {
    fn batch(&self, report: BatchReport) {
        self.0.borrow_mut().push(report.latency_ns);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().ok_or("which directory?")?);
    let group = args.next().is_some_and(|mode| mode == "group");
    let seconds: u64 = args.next().map_or(Ok(3), |seconds| seconds.parse())?;
    let mode = if group { Mode::GroupFsync(Duration::from_millis(5)) } else { Mode::Strict };
    for (payload, in_flight) in [(256, 1), (256, 64), (4_096, 1), (4_096, 16), (4_096, 256), (65_536, 16)] {
        let dir = dir.join(format!("{payload}-{in_flight}"));
        let config = ShardConfig { io_memory_bytes: 32 << 20, ..ShardConfig::new(NodeId(0), ShardId(0)) };
        let line = run(&config, || measure(dir, mode, payload, in_flight, seconds))??;
        println!("{line}");
    }
    Ok(())
}

async fn measure(
    dir: PathBuf,
    mode: Mode,
    payload: usize,
    in_flight: usize,
    seconds: u64,
) -> Result<String, WalError> {
    let rt = Rt::current();
    let latencies = Rc::new(Latencies::default());
    let observer: Rc<dyn Observer> = Rc::clone(&latencies) as Rc<dyn Observer>;
    let options = Options { mode, segments_max: 24, observer: Some(observer), ..Options::default() };
    let (wal, _) = Wal::open(&rt, &dir, options).await?;
    while wal.stats().segments_ready < 4 {
        sleep(Duration::from_millis(10)).await;
    }
    let (begun, end) = (rt.now(), rt.now() + seconds * 1_000_000_000);
    let tasks: Vec<_> = (0..in_flight as u64)
        .map(|partition| rt.spawn("append", append(wal.clone(), PartitionId(partition), payload, end)))
        .collect();
    for task in tasks {
        let _ = task.await;
    }
    let spent = (rt.now() - begun) as f64 / 1e9;
    let stats = wal.stats().counters;
    wal.close().await?;
    let mut all = latencies.0.borrow_mut();
    all.sort_unstable();
    let at = |share: f64| all.get((all.len() as f64 * share) as usize).copied().unwrap_or(0) / 1_000;
    Ok(format!(
        "{{\"mode\":\"{mode:?}\",\"payload\":{payload},\"in_flight\":{in_flight},\"entries_s\":{:.0},\"mb_s\":{:.1},\
         \"entries_a_batch\":{:.1},\"batch_us_p50\":{},\"batch_us_p99\":{},\"full\":{}}}",
        stats.records as f64 / spent,
        (stats.records as f64 * payload as f64) / spent / 1e6,
        stats.records as f64 / stats.batches.max(1) as f64,
        at(0.5),
        at(0.99),
        stats.refused_full,
    ))
}

async fn append(wal: Wal, partition: PartitionId, payload: usize, end: u64) {
    let bytes = bytes::Bytes::from(vec![7; payload]);
    for index in 1.. {
        if shard_rt::now() >= end {
            return;
        }
        let mut records = vec![Record::entry(1, index, bytes.clone())];
        if index % 1_000 == 0 {
            records.push(Record::purge(1, index - 100));
        }
        while let Err(error) = wal.append_wait(partition, records.clone()).await {
            if !error.is_transient() || wal.room(payload as u64 + 128).await.is_err() {
                return;
            }
        }
    }
}
