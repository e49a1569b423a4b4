//! A source and a sink of a definition, with crashes: the sink has what an undisturbed run makes of the
//! source, in the order of each partition.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use cep_types::hash::SpaceSeed;
use cep_types::log::Connectors as Run;
use cep_types::{SpaceId, StreamId};
use shard_control::{Change, DefinitionKind, DefinitionText, DefinitionVersion};
use shard_node::compile_definition;
use shard_node::connect::{ConnectorError, Connectors, Fed, Feed, Former, OutRows, Outlet, Plan, Soon};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{Rng, ShardId};

use crate::lives::{Tally, batch, partition_of, reference_of, texts};
use crate::server::{self, Kept};

const APP: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT) WITH (
    type = 'source', extension = 'file', format = 'csv', \"file.path\" = 'trades.csv', \"event.time\" = 'ts',
    \"watermark.lateness\" = '0 seconds', \"partition.by\" = 'symbol');
CREATE STREAM counts (symbol STRING, n BIGINT, qty BIGINT, last TIMESTAMP)
    WITH (type = 'sink', extension = 'file', format = 'json', \"file.path\" = 'counts.jsonl');
CREATE STREAM large (symbol STRING, ts TIMESTAMP)
    WITH (type = 'sink', extension = 'file', format = 'json', \"file.path\" = 'large.jsonl');
INSERT INTO counts SELECT symbol, count(*), sum(qty), max(ts) FROM trades WINDOW TUMBLING (SIZE 10 SECONDS)
    GROUP BY symbol;
INSERT INTO large SELECT symbol, ts FROM trades WHERE qty > 4;";

/// What outlives the node: its files.
pub struct Files {
    /// Rows that the source has.
    rows: i64,
    /// Lines of each sink by the stream of the space; those up to the number are on the disk.
    sinks: RefCell<BTreeMap<StreamId, (Vec<String>, usize)>>,
    /// Rows that were left out because the log had them.
    known: Cell<u64>,
    feeds: Cell<u64>,
    /// All was done, in this life.
    ended: Cell<bool>,
    seed: Cell<u64>,
}

/// Sources and sinks of a node in the simulator.
pub struct TestConnectors(pub Rc<Files>);

impl Files {
    fn rng(&self) -> Rng {
        self.seed.set(self.seed.get() + 1);
        Rng::new(self.seed.get())
    }

    /// A crash: what was not settled is there in part.
    fn crash(&self) {
        let mut rng = self.rng();
        self.ended.set(false);
        for (lines, settled) in self.sinks.borrow_mut().values_mut() {
            let kept = rng.between(*settled as u64, lines.len() as u64) as usize;
            lines.truncate(kept);
        }
    }
}

impl Connectors for TestConnectors {
    fn feed(&self, plan: &Plan, former: Former) -> Result<Box<dyn Feed>, ConnectorError> {
        let files = Rc::clone(&self.0);
        files.feeds.set(files.feeds.get() + 1);
        let stream = plan.inputs[0].inner;
        files.known.set(files.known.get() + former.known(stream));
        let rng = files.rng();
        if files.feeds.get().is_multiple_of(5) {
            return Err(ConnectorError::passing("the file is not there now"));
        }
        Ok(Box::new(TestFeed { files, former, stream, at: 0, rng }))
    }

    fn outlet(
        &self,
        plan: &Plan,
        lengths: Option<BTreeMap<StreamId, u64>>,
    ) -> Result<Box<dyn Outlet>, ConnectorError> {
        let mut sinks = self.0.sinks.borrow_mut();
        for (stream, _) in &plan.outputs {
            let (lines, settled) = sinks.entry(*stream).or_default();
            let length = lengths.as_ref().map_or(0, |lengths| lengths[stream] as usize);
            assert!(length <= lines.len(), "what was marked is there");
            lines.truncate(length);
            *settled = length;
        }
        let rng = self.0.rng();
        Ok(Box::new(TestOutlet { files: Rc::clone(&self.0), rng }))
    }

    fn ended(&self, _plan: &Plan, how: Result<(), &ConnectorError>) {
        if how.is_ok() {
            self.0.ended.set(true);
        }
    }
}

struct TestFeed {
    files: Rc<Files>,
    former: Former,
    stream: StreamId,
    at: i64,
    rng: Rng,
}

impl Feed for TestFeed {
    fn next(&mut self) -> Soon<'_, Result<Fed, ConnectorError>> {
        Box::pin(async {
            shard_rt::sleep(Duration::from_micros(self.rng.between(0, 1_000))).await;
            if self.at == self.files.rows {
                return Ok(Fed::End);
            }
            let count = (self.rng.between(1, 60) as i64).min(self.files.rows - self.at);
            let rows: Vec<i64> = (self.at..self.at + count).collect();
            self.at += count;
            let mut out = Vec::new();
            let formed = self.former.form(self.stream, self.stream, &batch(&rows), None, &mut out);
            formed.map_err(ConnectorError::last)?;
            Ok(Fed::Rows(out))
        })
    }
}

struct TestOutlet {
    files: Rc<Files>,
    rng: Rng,
}

impl Outlet for TestOutlet {
    fn put(&mut self, rows: Vec<OutRows>) -> Soon<'_, Result<(), ConnectorError>> {
        Box::pin(async {
            for run in rows {
                let mut sinks = self.files.sinks.borrow_mut();
                let (lines, _) = sinks.get_mut(&run.stream).expect("it was opened");
                lines.extend(texts(&run.rows));
            }
            shard_rt::sleep(Duration::from_micros(self.rng.between(0, 500))).await;
            Ok(())
        })
    }

    fn settle(&mut self) -> Soon<'_, Result<Vec<(StreamId, u64)>, ConnectorError>> {
        Box::pin(async {
            shard_rt::sleep(Duration::from_micros(self.rng.between(0, 3_000))).await;
            let mut sinks = self.files.sinks.borrow_mut();
            let settled = sinks.iter_mut().map(|(stream, (lines, settled))| {
                *settled = lines.len();
                (*stream, lines.len() as u64)
            });
            Ok(settled.collect())
        })
    }
}

/// One run: a node of some shards, so many crashes, and the comparison.
pub fn run(seed: u64, crashes: u64, tally: &mut Tally) {
    let sim = Sim::with_seed(seed);
    let mut rng = Rng::new(seed ^ 0xfeed);
    let (shards, partitions) = (rng.between(1, 2) as u32, rng.between(1, 3) as u32);
    let node = sim.add_node(shards as u16);
    let tester = sim.add_node(1);
    let mut settings = server::settings(&sim, node, shards, partitions);
    // Rings that are full long before the end: sinks must hold what they wait for.
    settings.retain_bytes = 4 << 10;
    let files = Rc::new(Files {
        rows: rng.between(800, 4_000) as i64,
        sinks: RefCell::default(),
        known: Cell::new(0),
        feeds: Cell::new(0),
        ended: Cell::new(false),
        seed: Cell::new(seed << 20),
    });
    let kept = Rc::new(Kept { files: Some(Rc::clone(&files)), ..Kept::default() });
    server::start(&sim, node, &settings, &kept);
    let deployed = sim.spawn(tester, ShardId(0), "deploy", deploy(Rc::clone(&kept), partitions));
    let is_deployed = sim.run_until(Duration::from_secs(60), || deployed.is_finished());
    assert!(is_deployed, "seed {seed}: log {:#?}", kept.log.borrow());
    for _ in 0..crashes {
        sim.run_for(Duration::from_micros(rng.between(2_000, 60_000)));
        let how = if rng.chance(0.5) { Crash::PowerLoss } else { Crash::ProcessKill };
        sim.crash(node, how);
        files.crash();
        tally.crashes += 1;
        sim.run_for(Duration::from_micros(rng.between(100, 5_000)));
        sim.restart(node);
        server::start(&sim, node, &settings, &kept);
    }
    let ended = sim.run_until(Duration::from_secs(600), || files.ended.get());
    assert!(ended, "seed {seed}: not done; log {:#?}", kept.log.borrow());
    compare(seed, partitions, &files, &kept);
    tally.duplicates += files.known.get();
    tally.rows += files.rows as u64;
    tally.delivered += files.sinks.borrow().values().map(|(lines, _)| lines.len() as u64).sum::<u64>();
}

/// Each sink has, of each partition, what one run makes of its rows.
fn compare(seed: u64, partitions: u32, files: &Files, kept: &Kept) {
    let partition_of = |row: i64| partition_of(row, SpaceSeed(5), partitions);
    let owner: BTreeMap<String, u32> =
        (0..files.rows.min(12)).map(|row| (crate::lives::symbol(row), partition_of(row))).collect();
    let sinks = files.sinks.borrow();
    assert_eq!(sinks.len(), 2, "seed {seed}");
    // Streams are numbered in the order of declaration.
    for (name, (lines, settled)) in ["counts", "large"].into_iter().zip(sinks.values()) {
        assert_eq!(*settled, lines.len(), "seed {seed}: {name}");
        for partition in 0..partitions {
            let rows: Vec<i64> = (0..files.rows).filter(|row| partition_of(*row) == partition).collect();
            let wanted = reference_of(APP, name, &rows);
            let of_partition = |line: &&String| {
                line.split(' ').next().and_then(|symbol| owner.get(symbol)) == Some(&partition)
            };
            let found: Vec<String> = lines.iter().filter(of_partition).cloned().collect();
            assert_eq!(
                found,
                wanted,
                "seed {seed}: {name} of partition {partition}: {:#?}",
                kept.log.borrow()
            );
        }
    }
}

async fn deploy(kept: Rc<Kept>, partitions: u32) {
    server::until(&kept, |control| control.spaces().next().is_some()).await;
    let compiled = compile_definition("app", APP, partitions, Run::On).expect("a test's own value");
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
}
