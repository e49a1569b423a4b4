//! One seed: several lives of a log on one disk, with faults as the profile says.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::sim::disk::{DiskOp, Effect, Injection};
use shard_rt::sim::{Crash, Sim, SimConfig};
use shard_rt::{NodeId, Rng, Rt, ShardId};
use wal::{Mode, Options, PartitionId, Recovered, Sabotage, Wal, WalError, fsck};

use crate::model::{History, Whole, read_all};
use crate::work::Work;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Strict,
    GroupFsync,
    Errors,
    NoSpace,
    Slow,
    Rot,
    Misdirected,
}

/// What happened in all runs of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub crashes: u64,
    pub records: u64,
    pub rotations: u64,
    pub freed: u64,
    pub rewritten: u64,
    pub poisoned: u64,
    pub full: u64,
    pub holes: u64,
    pub partitions_refused: u64,
    pub partitions_kept: u64,
    pub logs_refused: u64,
}

const DIR: &str = "/log";
const SHARD: ShardId = ShardId(0);

struct Life<'a> {
    sim: Sim,
    node: NodeId,
    rng: Rng,
    profile: Profile,
    options: Options,
    history: Rc<RefCell<History>>,
    serial: Rc<RefCell<u64>>,
    wrong: Rc<RefCell<Option<String>>>,
    tally: &'a mut Tally,
    /// A place where a bit was flipped: file and byte.
    rotten: Vec<(String, u64)>,
    /// A fault was put in that may cost acknowledged records.
    harmed: bool,
}

/// What a start found.
struct Found {
    whole: Whole,
    refused: BTreeSet<PartitionId>,
    recovered: Recovered,
}

pub fn run(profile: Profile, seed: u64, sabotage: Option<Sabotage>, tally: &mut Tally) -> Result<(), String> {
    let mut rng = Rng::new(seed ^ 0xA11_0C8);
    let sim = Sim::new(SimConfig { seed, ..SimConfig::default() });
    let node = sim.add_node(1);
    let segment_bytes = [32 << 10, 48 << 10, 64 << 10][rng.index(3)];
    let group = profile == Profile::GroupFsync || (profile != Profile::Strict && rng.chance(0.3));
    let options = Options {
        segment_bytes,
        segments_ahead: 3,
        segments_max: 8 + rng.index(20),
        batch_bytes_max: 1 << rng.between(10, 15),
        batch_records_max: 1 + rng.index(40),
        queue_bytes_max: 1 << 20,
        mode: if group { Mode::GroupFsync(Duration::from_millis(5)) } else { Mode::Strict },
        hot_bytes_max: [0, 4_000, 1 << 20][rng.index(3)],
        rewrite_live_percent_max: [0, 10, 40][rng.index(3)],
        recovery_parallel: 1 + rng.index(3),
        sabotage,
        ..Options::default()
    };
    let mut life = Life {
        sim,
        node,
        rng,
        profile,
        options,
        history: Rc::default(),
        serial: Rc::default(),
        wrong: Rc::default(),
        tally,
        rotten: Vec::new(),
        harmed: false,
    };
    let lives = 2 + life.rng.below(4);
    for number in 0..lives {
        if !life.live(number)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Any order of magnitude with the same chance.
fn magnitude(rng: &mut Rng, low: u64, high: u64) -> u64 {
    let bits = rng.between(low, high);
    rng.below(1 << bits)
}

impl Life<'_> {
    /// One start, some work, one crash, the check after it. False if the log is beyond use.
    fn live(&mut self, number: u64) -> Result<bool, String> {
        let Some(wal) = self.start(number)? else {
            return Ok(false);
        };
        self.faults();
        let work = Work {
            wal: wal.clone(),
            history: Rc::clone(&self.history),
            rng: self.rng.split(number),
            partitions: 1 + self.rng.below(5),
            payload_max: self.options.segment_bytes / 4,
            serial: Rc::clone(&self.serial),
            wrong: Rc::clone(&self.wrong),
        };
        let steps = 20 + self.rng.below(150);
        let quiet = matches!(self.profile, Profile::Rot | Profile::Misdirected);
        if quiet {
            let calm = Rc::new(RefCell::new(false));
            let ended = Rc::clone(&calm);
            self.sim.spawn(self.node, SHARD, "work", async move {
                work.clone().run(steps).await;
                work.settle().await;
                *ended.borrow_mut() = true;
            });
            self.sim.run_until(Duration::from_secs(20), || *calm.borrow());
        } else {
            self.sim.spawn(self.node, SHARD, "work", work.run(steps));
            let span = Duration::from_micros(magnitude(&mut self.rng, 4, 20));
            self.sim.run_for(span);
        }
        self.check_wrong()?;
        let stats = wal.stats();
        if std::env::var("SEED").is_ok() {
            eprintln!("{stats:?} at {:?} poisoned {:?}", self.sim.now(), wal.poisoned());
        }
        self.tally.rotations += stats.counters.rotations;
        self.tally.freed += stats.counters.segments_freed;
        self.tally.rewritten += stats.counters.records_rewritten;
        self.tally.full += stats.counters.refused_full;
        self.tally.poisoned += u64::from(wal.poisoned().is_some());
        self.tally.records += self.history.borrow().acked as u64;
        drop(wal);
        self.crash();
        Ok(true)
    }

    fn check_wrong(&self) -> Result<(), String> {
        match self.wrong.borrow_mut().take() {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// Faults of this life.
    fn faults(&mut self) {
        let disk = self.sim.disk(self.node);
        let nth = |rng: &mut Rng| magnitude(rng, 0, 7);
        match self.profile {
            Profile::Errors => {
                let ops = [
                    DiskOp::Write,
                    DiskOp::WriteDurable,
                    DiskOp::Sync,
                    DiskOp::Rename,
                    DiskOp::SyncDir,
                    DiskOp::Open,
                    DiskOp::PreAllocate,
                    DiskOp::Remove,
                    DiskOp::Read,
                ];
                let op = ops[self.rng.index(ops.len())];
                let skip = nth(&mut self.rng);
                disk.inject(Injection { skip, ..Injection::once(op, Effect::Error) });
            }
            Profile::NoSpace => {
                let free = self.rng.below(6) * self.options.segment_bytes;
                let used = disk.used_bytes();
                disk.configure(|config| config.capacity_bytes = used + free);
                let op = [DiskOp::Open, DiskOp::Rename, DiskOp::PreAllocate][self.rng.index(3)];
                let skip = nth(&mut self.rng);
                disk.inject(Injection { skip, ..Injection::once(op, Effect::NoSpace) });
            }
            Profile::Slow => disk.configure(|config| config.slow_probability = 0.3),
            Profile::Misdirected => {
                let op = [DiskOp::Write, DiskOp::WriteDurable][self.rng.index(2)];
                let effect = match self.rng.below(3) {
                    0 => Effect::Lose,
                    _ => Effect::Misdirect(self.rng.between(1, 15) as i64 - 8),
                };
                let skip = nth(&mut self.rng);
                disk.inject(Injection { skip, ..Injection::once(op, effect).on(".seg") });
                if std::env::var("SEED").is_ok() {
                    eprintln!("{op:?} {effect:?} after {skip}");
                }
                self.harmed = true;
            }
            Profile::Strict | Profile::GroupFsync | Profile::Rot => {}
        }
    }

    fn go_down(&mut self) {
        let power = self.rng.chance(0.6);
        let how = if power { Crash::PowerLoss } else { Crash::ProcessKill };
        self.sim.crash(self.node, how);
        self.tally.crashes += 1;
        {
            let mut history = self.history.borrow_mut();
            if power && self.options.mode != Mode::Strict {
                history.acked = history.synced;
            }
        }
    }

    fn crash(&mut self) {
        self.go_down();
        let disk = self.sim.disk(self.node);
        disk.clear_injections();
        disk.configure(|config| {
            config.slow_probability = 0.0;
            if self.profile != Profile::NoSpace {
                config.capacity_bytes = 1 << 40;
            }
        });
        self.sim.restart(self.node);
        if self.profile == Profile::Rot && self.rng.chance(0.7) {
            self.rot();
        }
    }

    /// Flips a bit somewhere in the files that have a segment's name.
    fn rot(&mut self) {
        let disk = self.sim.disk(self.node);
        let rt = self.sim.rt(self.node, SHARD);
        let names = self.sim.block_on(self.node, SHARD, async move {
            rt.disk().list(Path::new(DIR)).await.expect("it was opened before")
        });
        let names: Vec<String> =
            names.into_iter().map(|entry| entry.name).filter(|name| name.ends_with(".seg")).collect();
        let name = names[self.rng.index(names.len())].clone();
        let byte = self.rng.below(self.options.segment_bytes);
        disk.flip_bit(Path::new(DIR).join(&name), byte, self.rng.below(8) as u8);
        self.rotten.push((name, byte));
        self.harmed = true;
    }

    /// Opens the log and compares it with the model. `None` if the log as a whole is refused.
    fn start(&mut self, number: u64) -> Result<Option<Wal>, String> {
        // Sometimes the start itself is cut short.
        if number > 0 && self.rng.chance(0.3) {
            let (options, span) = (self.options.clone(), self.rng.below(3_000));
            self.sim.spawn(self.node, SHARD, "start", async move {
                let opened = Wal::open(&Rt::current(), DIR, options).await;
                std::future::pending::<()>().await;
                drop(opened);
            });
            self.sim.run_for(Duration::from_micros(span));
            self.go_down();
            self.sim.restart(self.node);
        }
        let offline = self.check_offline(number)?;
        let (wal, found) = match self.open() {
            Ok(opened) => opened,
            Err(WalError::LogDamaged { .. }) if self.harmed => {
                self.tally.logs_refused += 1;
                return Ok(None);
            }
            Err(WalError::Disk(shard_rt::RtError::NoSpace { .. })) if self.profile == Profile::NoSpace => {
                self.sim.disk(self.node).configure(|config| config.capacity_bytes = 1 << 40);
                self.open().map_err(|error| error.to_string())?
            }
            Err(error) => return Err(format!("life {number}: open: {error}")),
        };
        let found = found?;
        if std::env::var("SEED").is_ok() {
            eprintln!(
                "life {number}: {:?} refused {:?} rotten {:?}",
                found.recovered, found.refused, self.rotten
            );
        }
        if let Some(report) = offline.filter(|_| self.options.sabotage.is_none()) {
            let damaged = report.partitions.iter().filter(|partition| partition.damage.is_some());
            let damaged: Vec<_> = damaged.map(|partition| partition.partition).collect();
            let recovered: Vec<_> = found.recovered.damaged.iter().map(|(partition, _)| *partition).collect();
            if damaged != recovered || report.unattributed != found.recovered.unattributed {
                return Err(format!("life {number}: offline {report:?}, recovery {:?}", found.recovered));
            }
        }
        let refused = &found.refused;
        if !self.harmed && (!refused.is_empty() || !found.recovered.holes.is_empty()) {
            return Err(format!("life {number}: damage without a fault: {:?} {refused:?}", found.recovered));
        }
        self.check_named(&found)?;
        self.tally.holes += found.recovered.holes.len() as u64;
        self.tally.partitions_refused += refused.len() as u64;
        self.tally.partitions_kept += found.whole.len() as u64;
        let mut refused = refused.clone();
        if found.recovered.unattributed {
            // Partitions of which nothing is left are refused too.
            refused.extend((1..=5).map(PartitionId).filter(|id| wal.check(*id).is_err()));
        }
        let mut history = self.history.borrow_mut();
        let least = history.acked;
        history
            .settle(&found.whole, &refused, least)
            .map_err(|error| format!("life {number}: {error}; {:?}", found.recovered))?;
        Ok(Some(wal))
    }

    /// Fresh damage must lie where the harm was done.
    fn check_named(&mut self, found: &Found) -> Result<(), String> {
        let Some((name, byte)) = self.rotten.last() else {
            return Ok(());
        };
        let segment =
            u64::from_str_radix(name.trim_end_matches(".seg"), 16).map_err(|error| error.to_string())?;
        let ranges =
            found.recovered.damaged.iter().flat_map(|(_, ranges)| ranges).chain(&found.recovered.holes);
        let near: Vec<_> = ranges.filter(|range| range.from.segment() == segment).collect();
        let inside = |range: &&&wal::DamagedRange| {
            (range.from.offset()..range.from.offset() + range.bytes).contains(byte)
        };
        if near.is_empty() || near.iter().any(|range| inside(&range)) || self.rotten.len() > 1 {
            return Ok(());
        }
        Err(format!("byte {byte} of {name} rotted, the log names {near:?}"))
    }

    /// The offline check must say what recovery will say.
    fn check_offline(&mut self, number: u64) -> Result<Option<fsck::Report>, String> {
        if number % 3 != 2 {
            return Ok(None);
        }
        let disk = self.sim.disk(self.node);
        if !disk.exists(DIR) {
            return Ok(None);
        }
        let rt = self.sim.rt(self.node, SHARD);
        let names = self.sim.block_on(self.node, SHARD, async move { rt.disk().list(Path::new(DIR)).await });
        let names: Vec<String> =
            names.map_err(|error| error.to_string())?.into_iter().map(|e| e.name).collect();
        match fsck::verify(&names, |name| Ok(disk.peek(Path::new(DIR).join(name)))) {
            Ok(report) => Ok(Some(report)),
            Err(WalError::LogDamaged { .. }) if self.harmed => Ok(None),
            Err(error) => Err(format!("offline: {error}")),
        }
    }

    fn open(&mut self) -> Result<(Wal, Result<Found, String>), WalError> {
        let options = self.options.clone();
        self.sim.block_on(self.node, SHARD, async move {
            let (wal, recovered) = Wal::open(&Rt::current(), DIR, options).await?;
            let found = read_all(&wal).await.map(|(whole, refused)| Found { whole, refused, recovered });
            Ok((wal, found))
        })
    }
}
