//! Any mix of faults: each row is applied once, in order, and every receipt is true.

use std::collections::BTreeMap;
use std::time::Duration;

use net_client::{Client, ClientOptions, ProducerOptions, RetryPolicy, Status, Window};

use crate::fake::cluster::{Cluster, Fate};
use crate::fake::tables;
use crate::options;

/// Deterministic choices (SplitMix64, Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Whether faults may refuse rows for good.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Transient,
    Any,
}

async fn run(seed: u64, kind: Kind) {
    const APPENDS: i64 = 60;
    const ROWS: i64 = 8;
    let mut random = Random(seed);
    let cluster = Cluster::start(2, 3).await;
    cluster.state().window = Window { events: 8 + random.below(60), bytes: 1 << 30 };
    cluster.state().ack_delay = Duration::from_millis(random.below(4));
    let mut faults = Random(seed ^ 0xf00d);
    cluster.fail(move |_| match faults.below(30) {
        0 => Fate::CutBefore,
        1 | 2 => Fate::CutAfter,
        3 => Fate::Refuse(Status::TransientRetry),
        4 => Fate::Refuse(Status::TransientWarmup),
        5 => Fate::Refuse(Status::PermanentEpoch),
        6 | 7 if kind == Kind::Any => Fate::Refuse(Status::PermanentPayload),
        _ => Fate::Apply,
    });
    let retry = RetryPolicy { initial: Duration::from_millis(1), max: Duration::from_millis(20) };
    let client = Client::connect(ClientOptions { retry, ..options(&cluster.addresses) }).await.unwrap();
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    let mut owners = BTreeMap::new();
    for append in 0..APPENDS {
        let sensors: Vec<String> = (0..ROWS).map(|_| format!("sensor {}", random.below(9))).collect();
        for (row, sensor) in (0..).zip(&sensors) {
            owners.insert(append * ROWS + row, tables::owner(sensor, 3) as u32);
        }
        pending.push(producer.append(&tables::rows_of(append * ROWS, &sensors)).await.unwrap());
    }
    let mut told = BTreeMap::new();
    for (append, one) in (0..).zip(pending) {
        let receipt = match one.await {
            Ok(receipt) => receipt,
            Err(failed) => {
                assert!(kind == Kind::Any, "seed {seed}: {failed}");
                failed.receipt
            }
        };
        for (row, outcome) in (0..).zip(receipt.rows()) {
            told.insert(append * ROWS + row, outcome.clone());
        }
    }
    let state = cluster.stop().await;
    let state = state.lock().unwrap();
    for (number, outcome) in &told {
        let in_log = state.logs[&owners[number]].applied.iter().filter(|applied| *applied == number).count();
        match outcome {
            applied if applied.is_applied() => assert_eq!(in_log, 1, "seed {seed}: row {number}"),
            net_client::RowOutcome::Failed { maybe_applied: true, .. } => assert!(in_log <= 1, "seed {seed}"),
            other => assert_eq!(in_log, 0, "seed {seed}: row {number} {other:?}"),
        }
    }
    for (partition, log) in &state.logs {
        assert!(log.applied.is_sorted(), "seed {seed}: partition {partition} is out of order");
        if kind == Kind::Transient {
            let expected = owners.iter().filter(|(_, owner)| *owner == partition).map(|(number, _)| *number);
            assert_eq!(log.applied, expected.collect::<Vec<i64>>(), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn passing_faults_lose_nothing_and_repeat_nothing() {
    for seed in 0..12 {
        run(seed, Kind::Transient).await;
    }
}

#[tokio::test]
async fn refusals_between_them_cost_only_their_own_rows() {
    for seed in 100..112 {
        run(seed, Kind::Any).await;
    }
}
