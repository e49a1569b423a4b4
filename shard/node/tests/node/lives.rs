//! Lives of a node: clients append and subscribe, the node crashes now and then, and at the end everything
//! is as if it had never crashed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_buffer::Buffer;
use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::frame::{Frame, FrameHead, encode};
use cep_types::hash::{KeyForm, SpaceSeed};
use cep_types::log::Connectors;
use cep_types::{Entry, EntryKind, Events, LogIndex, ProducerId, SpaceId, StampNs, StreamId};
use net_wire::{
    Append, EventIds, Message, Outcome, Position, Reason, Rejected, Start, Status, Stream, Subscribe, Window,
};
use shard_control::{Change, DefinitionKind, DefinitionText, DefinitionVersion};
use shard_node::compile_definition;
use shard_node::lanes::ToShard;
use shard_rt::sim::disk::{DiskOp, Effect, Injection, SimDisk};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{Rng, ShardId};

use crate::client::{Broken, Client};
use crate::rot::{self, Rot};
use crate::server::{self, Kept};

pub const APP: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts', \"watermark.lateness\" = '0 seconds', \"partition.by\" = 'symbol');
CREATE STREAM counts AS SELECT symbol, count(*) AS n, sum(qty) AS qty, max(ts) AS last
    FROM trades WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY symbol;";
const SYMBOLS: i64 = 12;
const SECOND: i64 = 1_000_000_000;

/// What a run of lives saw, to be sure that it saw something.
#[derive(Debug, Default)]
pub struct Tally {
    pub crashes: u64,
    pub reconnects: u64,
    pub duplicates: u64,
    pub rows: u64,
    pub delivered: u64,
    /// Bytes that rotted.
    pub rotten: u64,
    /// Partitions that a start opened with an older checkpoint.
    pub degraded: u64,
}

/// Rows `first..first + count` of all, those of one partition.
pub fn batch(rows: &[i64]) -> RecordBatch {
    let symbols: Vec<String> = rows.iter().map(|i| symbol(*i)).collect();
    RecordBatch::try_from_iter([
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|i| i * SECOND / 4))) as _,
        ),
        ("symbol", Arc::new(StringArray::from(symbols)) as _),
        ("qty", Arc::new(Int64Array::from_iter_values(rows.iter().map(|i| i % 7))) as _),
    ])
    .expect("a test's own value")
}

pub fn symbol(row: i64) -> String {
    format!("s{}", row * 7 % SYMBOLS)
}

pub fn partition_of(row: i64, seed: SpaceSeed, partitions: u32) -> u32 {
    let mut form = KeyForm::default();
    form.push_text(&symbol(row));
    seed.partition(form.bytes(), NonZeroU32::new(partitions).expect("a test's own value"))
}

/// A row of the output as text.
pub fn texts(rows: &RecordBatch) -> Vec<String> {
    (0..rows.num_rows())
        .map(|row| {
            let values = rows.columns().iter().map(|column| {
                arrow_cast::display::array_value_to_string(column, row).expect("a plain value")
            });
            values.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// What one partition makes of its rows when nothing ever fails.
fn reference(rows: &[i64]) -> Vec<String> {
    reference_of(APP, "counts", rows)
}

/// The same of any app with that input.
pub fn reference_of(app: &str, output: &str, rows: &[i64]) -> Vec<String> {
    let program = Arc::new(compile(app, &CompileOptions::default()).expect("a test's own value"));
    let output = program.streams.iter().find(|stream| stream.name == output).expect("a test's own value");
    let schema = Arc::clone(&output.schema);
    let mut partition = Partition::new(Arc::clone(&program), &[output.id]).expect("a test's own value");
    let mut actions = Actions::new();
    let events = Events { stream: StreamId(0), rows: batch(rows), times: None };
    for kind in [EntryKind::Events(events), EntryKind::EndOfInput(StreamId(0))] {
        let entry = Entry { index: LogIndex(1), stamp: StampNs(0), kind };
        assert_eq!(partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions), Progress::Done);
    }
    let mut out = Vec::new();
    for run in actions.runs() {
        let chunk = &actions.emits()[run.emit].chunk;
        let arrays =
            chunk.columns.iter().zip(schema.fields()).map(|(c, f)| c.to_arrow(f.data_type())).collect();
        let rows = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a test's own value");
        out.extend(texts(&rows.slice(run.from, run.to - run.from)));
    }
    out
}

/// Appends all rows of one partition, some batches under way at a time, each until it is acknowledged.
async fn appender(setup: Setup, stream: Stream, partition: u32, rows: Vec<i64>, tally: Rc<RefCell<Tally>>) {
    let mut rng = shard_rt::rng();
    let mut done = 0;
    let mut client: Option<Client> = None;
    while done < rows.len() {
        let Some(open) = &mut client else {
            tally.borrow_mut().reconnects += 1;
            client = Client::connect(setup.address(partition)).await.ok();
            if client.is_none() {
                shard_rt::sleep(Duration::from_millis(3)).await;
            }
            continue;
        };
        let (sent, duplicates) = send_some(open, &stream, partition, &rows, done, &mut rng).await;
        tally.borrow_mut().duplicates += duplicates;
        match sent {
            Ok(count) => {
                if count == 0 {
                    shard_rt::sleep(Duration::from_millis(2)).await;
                }
                done += count;
                tally.borrow_mut().rows += count as u64;
            }
            Err(Broken) => client = None,
        }
    }
}

/// Appends up to six batches without waiting in between; how many rows from `done` on are there now, and how
/// many of them were before.
async fn send_some(
    client: &mut Client,
    stream: &Stream,
    partition: u32,
    rows: &[i64],
    done: usize,
    rng: &mut Rng,
) -> (Result<usize, Broken>, u64) {
    let mut waiting = Vec::new();
    let mut at = done;
    for _ in 0..rng.between(1, 6) {
        let count = (rng.between(1, 40) as usize).min(rows.len() - at);
        if count == 0 {
            break;
        }
        match send(client, stream, partition, &rows[at..at + count], at as u64).await {
            Ok(request) => waiting.push((request, count)),
            Err(Broken) => return (Err(Broken), 0),
        }
        at += count;
    }
    let (mut acknowledged, mut all, mut again) = (0, true, 0);
    for (request, count) in waiting {
        match acked(client, request, count).await {
            // Behind one that is to be sent again: it fits only if that one is there from before.
            Ok(Some(_)) if !all => {}
            Ok(Some(duplicates)) => {
                acknowledged += count;
                again += duplicates;
            }
            Ok(None) => all = false,
            Err(Broken) => return (Err(Broken), 0),
        }
    }
    (Ok(acknowledged), again)
}

/// Appends rows; the request's number.
async fn send(
    client: &mut Client,
    stream: &Stream,
    partition: u32,
    rows: &[i64],
    first: u64,
) -> Result<u64, Broken> {
    let request = client.next;
    client.next += 1;
    let head = FrameHead { stream: stream.id, schema_version: stream.schema_version };
    let ids: Vec<_> = stream.columns.iter().map(|column| column.id).collect();
    let frame = encode(head, &ids, &batch(rows)).expect("a test's own value");
    let append = Append {
        stream: stream.id,
        schema_version: stream.schema_version,
        partition: cep_types::PartitionId(partition),
        routing_epoch: cep_types::Epoch(1),
        ids: EventIds::Sequence { producer: ProducerId(9), first },
        first_sent: StampNs(1_767_225_600_000_000_000),
        replay: false,
        timeout_ms: 0,
        rows: &frame,
    };
    client.send(request, append).await?;
    Ok(request)
}

/// Waits for an ack; how many of the rows were there already, or `None` if they are to be sent again.
async fn acked(client: &mut Client, request: u64, count: usize) -> Result<Option<u64>, Broken> {
    client
        .receive(|id, message| match message {
            Message::Ack(ack) if id == request => {
                if let Some(failure) = ack.failure {
                    // A log that failed stays closed until the next start.
                    let failed = failure.status == Status::PermanentDurability;
                    assert!(failed || failure.status.is_transient(), "{failure:?}");
                    return Some(None);
                }
                let mut duplicates = 0;
                let mut rows = 0;
                for run in ack.runs.iter() {
                    rows += run.count as usize;
                    match run.outcome {
                        Outcome::Applied => {}
                        Outcome::Duplicate => duplicates += u64::from(run.count),
                        Outcome::Rejected(Rejected { reason: Reason::SequenceGap, .. }) => return Some(None),
                        other => panic!("request {request}: {other:?}"),
                    }
                }
                assert_eq!(rows, count);
                Some(Some(duplicates))
            }
            _ => None,
        })
        .await
}

/// Collects the output of one partition, going on behind the last row after each crash.
async fn subscriber(setup: Setup, stream: Stream, partition: u32, out: Rc<RefCell<Vec<String>>>) {
    let mut last = None;
    loop {
        if let Ok(mut client) = Client::connect(setup.address(partition)).await {
            let _ = follow(&mut client, &stream, partition, &mut last, &out).await;
        }
        shard_rt::sleep(Duration::from_millis(3)).await;
    }
}

async fn follow(
    client: &mut Client,
    stream: &Stream,
    partition: u32,
    last: &mut Option<Position>,
    out: &RefCell<Vec<String>>,
) -> Result<(), Broken> {
    let everything = Window { events: u64::MAX, bytes: u64::MAX };
    let subscribe = Subscribe {
        stream: stream.id,
        partition: cep_types::PartitionId(partition),
        routing_epoch: cep_types::Epoch(1),
        start: last.map_or(Start::Earliest, Start::After),
        allowed: everything,
    };
    client.send(500, subscribe).await?;
    loop {
        let ended = client
            .receive(|id, message| match message {
                Message::Delivery(delivery) if id == 500 => {
                    let frame = Frame::open(&Buffer::from(delivery.rows)).expect("a test's own value");
                    let arrays = frame.columns().iter().map(|c| (c.id.0.to_string(), Arc::clone(&c.array)));
                    out.borrow_mut()
                        .extend(texts(&RecordBatch::try_from_iter(arrays).expect("a test's own value")));
                    for run in delivery.positions.iter() {
                        assert!(last.is_none_or(|last| last < run.first), "{last:?} then {run:?}");
                        let ordinal = run.first.ordinal + (run.count - 1);
                        *last = Some(Position { ordinal, ..run.first });
                    }
                    Some(false)
                }
                Message::SubscriptionEnd(end) if id == 500 => {
                    // Rows wait for who is slow, but not for ever; here nobody is.
                    assert_ne!(end.failure.status, Status::PermanentPositionExpired, "{end:?}");
                    let transient = end.failure.status.is_transient();
                    assert!(transient || end.failure.text.contains("fetch the routing"), "{end:?}");
                    Some(true)
                }
                _ => None,
            })
            .await?;
        if ended {
            return Err(Broken);
        }
    }
}

/// Where everything is.
#[derive(Clone)]
pub struct Setup {
    kept: Rc<Kept>,
    addresses: Vec<std::net::SocketAddr>,
}

impl Setup {
    fn address(&self, partition: u32) -> std::net::SocketAddr {
        let id = shard_node::lanes::partition_of(0, partition);
        self.addresses[shard_node::shard_of(id, self.addresses.len() as u32) as usize]
    }
}

/// What else goes wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The log is so small that it is full again and again, and its device, too.
    SmallLog,
    /// Writes and flushes fail or take long; who fails is started again.
    BadDisk,
    /// A chunk of a checkpoint rots while the node is down.
    RottenCheckpoint,
}

impl Trouble {
    /// Some of it, with a node on this disk.
    fn strike(self, disk: &SimDisk, rng: &mut Rng) {
        if self != Trouble::BadDisk {
            return;
        }
        let ops = [DiskOp::Write, DiskOp::WriteDurable, DiskOp::Sync, DiskOp::PreAllocate];
        let op = ops[rng.index(ops.len())];
        let effect = match rng.between(0, 3) {
            0 => Effect::Delay(Duration::from_millis(rng.between(1, 40))),
            1 if op == DiskOp::PreAllocate => Effect::NoSpace,
            _ => Effect::Error,
        };
        disk.inject(Injection { op, path: String::new(), skip: rng.between(0, 60), times: 1, effect });
    }
}

/// One run: a node of some shards, so many crashes, and the comparison.
pub fn run(seed: u64, crashes: u64, trouble: Trouble, tally: &mut Tally) {
    let sim = Sim::with_seed(seed);
    let mut rng = Rng::new(seed ^ 0xbeef);
    let (shards, partitions) = (rng.between(1, 2) as u32, rng.between(1, 3) as u32);
    let node = sim.add_node(shards as u16);
    let tester = sim.add_node(1);
    let mut settings = server::settings(&sim, node, shards, partitions);
    if trouble == Trouble::SmallLog {
        settings.segment_bytes = 256 << 10;
        settings.segments_max = 10;
        settings.retain_bytes = 32 << 10;
        // What is full waits for checkpoints that are made because it is full.
        settings.checkpoint_interval = Duration::from_secs(1_000);
        let segments = rng.between(10, 14) * u64::from(shards);
        sim.disk(node).configure(|disk| disk.capacity_bytes = segments * settings.segment_bytes);
    }
    let kept = Rc::new(Kept::default());
    server::start(&sim, node, &settings, &kept);
    let addresses = (0..shards as u16).map(|shard| sim.addr(node, server::PORT + shard)).collect();
    let setup = Setup { kept: Rc::clone(&kept), addresses };
    let total = rng.between(200, 1500) as i64;
    let mut by_partition: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for row in 0..total {
        by_partition.entry(partition_of(row, SpaceSeed(5), partitions)).or_default().push(row);
    }
    let seen = Rc::new(RefCell::new(Tally::default()));
    let outputs: BTreeMap<u32, Rc<RefCell<Vec<String>>>> =
        by_partition.keys().map(|partition| (*partition, Rc::default())).collect();
    let finished = sim.spawn(
        tester,
        ShardId(0),
        "test",
        whole(setup, partitions, by_partition.clone(), outputs.clone(), Rc::clone(&seen)),
    );
    for _ in 0..crashes {
        trouble.strike(&sim.disk(node), &mut rng);
        sim.run_for(Duration::from_micros(rng.between(500, 60_000)));
        let how = if rng.chance(0.5) { Crash::PowerLoss } else { Crash::ProcessKill };
        sim.crash(node, how);
        tally.crashes += 1;
        sim.run_for(Duration::from_micros(rng.between(100, 5_000)));
        sim.restart(node);
        sim.disk(node).clear_injections();
        if trouble == Trouble::RottenCheckpoint && rng.chance(0.7) {
            let hit = rot::strike(&sim, node, shards, Rot::Checkpoint, &mut rng);
            tally.rotten += u64::from(hit.is_some());
        }
        server::start(&sim, node, &settings, &kept);
        if trouble == Trouble::RottenCheckpoint {
            // Long enough for a full checkpoint: two that rot one behind the other are more than is promised.
            sim.run_for(Duration::from_millis(150));
        }
    }
    let ended = sim.run_until(Duration::from_secs(600), || finished.is_finished());
    if !ended {
        let said = Rc::clone(&kept);
        let reports = sim.block_on(tester, ShardId(0), async move {
            let mut reports = Vec::new();
            for shard in 0..shards {
                reports
                    .push(server::ask(&said, shard, |reply| ToShard::Report { hashes: false, reply }).await);
            }
            reports
        });
        panic!("seed {seed}: not done; log {:#?}; shards {reports:#?}", kept.log.borrow());
    }
    for (partition, rows) in &by_partition {
        let wanted = reference(rows);
        let found = outputs[partition].borrow();
        assert_eq!(*found, wanted, "seed {seed}: partition {partition}: log {:#?}", kept.log.borrow());
        tally.delivered += found.len() as u64;
    }
    let said = kept.log.borrow();
    tally.degraded += said.iter().filter(|line| line.contains("checkpoint_chain_degraded")).count() as u64;
    let seen = seen.borrow();
    tally.reconnects += seen.reconnects;
    tally.duplicates += seen.duplicates;
    tally.rows += seen.rows;
}

/// A node whose log rots behind the newest checkpoint while it is down: the partition is refused, by name, and
/// nothing of it is made up.
pub fn refused(seed: u64, tally: &mut Tally) {
    let sim = Sim::with_seed(seed);
    let mut rng = Rng::new(seed ^ 0xf00d);
    let node = sim.add_node(1);
    let tester = sim.add_node(1);
    let mut settings = server::settings(&sim, node, 1, 1);
    // No checkpoint comes after the rows.
    settings.checkpoint_interval = Duration::from_secs(1_000);
    settings.checkpoint_incremental_interval = Duration::from_millis(rng.between(20, 2_000));
    let kept = Rc::new(Kept::default());
    server::start(&sim, node, &settings, &kept);
    let setup = Setup { kept: Rc::clone(&kept), addresses: vec![sim.addr(node, server::PORT)] };
    let rows: Vec<i64> = (0..rng.between(100, 600) as i64).collect();
    let by_partition = BTreeMap::from([(0, rows)]);
    let outputs = BTreeMap::from([(0, Rc::default())]);
    let seen = Rc::new(RefCell::new(Tally::default()));
    let task = sim.spawn(tester, ShardId(0), "test", whole(setup, 1, by_partition, outputs, seen));
    sim.run_for(Duration::from_millis(rng.between(30, 200)));
    sim.crash(node, Crash::ProcessKill);
    drop(task);
    sim.restart(node);
    let Some(group) = rot::strike(&sim, node, 1, Rot::Entry, &mut rng) else { return };
    tally.rotten += 1;
    server::start(&sim, node, &settings, &kept);
    sim.run_for(Duration::from_secs(2));
    let said = kept.log.borrow().join("\n");
    assert!(said.contains("damaged") && said.contains("segment"), "seed {seed}: group {group}: {said}");
    let asking = Rc::clone(&kept);
    let report = sim.block_on(tester, ShardId(0), async move {
        server::ask(&asking, 0, |reply| ToShard::Report { hashes: false, reply }).await
    });
    let report = report.expect("the node answers");
    assert!(report.partitions.is_empty(), "seed {seed}: {:?}", report.partitions);
}

/// Deploys, appends everything, ends the stream, and waits for the whole output.
async fn whole(
    setup: Setup,
    partitions: u32,
    rows: BTreeMap<u32, Vec<i64>>,
    outputs: BTreeMap<u32, Rc<RefCell<Vec<String>>>>,
    tally: Rc<RefCell<Tally>>,
) {
    let kept = Rc::clone(&setup.kept);
    server::until(&kept, |control| control.spaces().next().is_some()).await;
    let compiled = compile_definition("app", APP, partitions, Connectors::Off).expect("a test's own value");
    let deploy = Change::Deploy {
        name: "app".into(),
        kind: DefinitionKind::Sql,
        space: SpaceId(0),
        text: DefinitionText(APP.into()),
        compiled,
    };
    let deployed = server::propose(&kept, 1, deploy).await;
    assert!(deployed.refusal().is_none(), "{deployed:?}");
    let version = DefinitionVersion(1);
    let activate = Change::Activate { definition: "app".into(), version, despite_quarantine: false };
    let activated = server::propose(&kept, 2, activate).await;
    assert!(activated.refusal().is_none(), "{activated:?}");
    // Clients may come before the partitions run what is deployed.
    if shard_rt::rng().chance(0.5) {
        server::until(&kept, |control| {
            control.definition("app").is_some_and(|d| matches!(d.status(), shard_control::Status::Active(_)))
        })
        .await;
    }
    let routing = loop {
        if let Ok(mut client) = Client::connect(setup.addresses[0]).await
            && let Ok(routing) = client.routing().await
            && routing.stream("counts").is_some()
        {
            break routing;
        }
        shard_rt::sleep(Duration::from_millis(3)).await;
    };
    let (input, output) = (
        routing.stream("trades").expect("a test's own value").clone(),
        routing.stream("counts").expect("a test's own value").clone(),
    );
    assert!(input.can_append && output.can_subscribe);
    let mut appenders = Vec::new();
    for (partition, rows) in rows.clone() {
        let out = Rc::clone(&outputs[&partition]);
        shard_rt::spawn("subscriber", subscriber(setup.clone(), output.clone(), partition, out));
        let task = appender(setup.clone(), input.clone(), partition, rows, Rc::clone(&tally));
        appenders.push(shard_rt::spawn("appender", task));
    }
    for appender in appenders {
        appender.await.expect("it ends");
    }
    let shards = setup.addresses.len() as u32;
    for partition in rows.keys() {
        server::end_of_input(&kept, shards, *partition, input.id).await;
    }
    for (partition, rows) in &rows {
        let wanted = reference(rows).len();
        while outputs[partition].borrow().len() < wanted {
            shard_rt::sleep(Duration::from_millis(3)).await;
        }
    }
    shard_rt::sleep(Duration::from_millis(50)).await;
}
