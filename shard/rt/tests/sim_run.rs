//! The simulator as a whole: equal runs, crashes, clocks, and a network that fails.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use shard_rt::sim::{Crash, Sim, SimConfig};
use shard_rt::{
    BlockAddr, BlockWrite, NodeId, OpenMode, Rt, RtError, ShardId, Stream, buffer, disk, mailbox, net, now,
    rng, sleep, spawn, timeout, wall_ns, yield_now,
};

const SHARD: ShardId = ShardId(0);
const PORT: u16 = 7_000;
const MS: Duration = Duration::from_millis(1);

/// Answers every connection with what it was sent, and writes it to its disk.
async fn serve() {
    let address = ([0, 0, 0, 0], PORT).into();
    let listener = net().listen(address).expect("a free port");
    disk().create_dir("/d").await.expect("a directory");
    while let Ok(stream) = listener.accept().await {
        drop(spawn("connection", async move {
            let name = format!("/d/{}", rng().draw());
            let file = disk().open(name, OpenMode::CreateNew).await.expect("a new file");
            loop {
                let (count, buf) = stream.read(BytesMut::with_capacity(512)).await;
                if !matches!(count, Ok(1..)) {
                    return;
                }
                let batch = vec![BlockWrite { at: BlockAddr::ZERO, buf: buffer(1) }];
                let (written, _) = file.write_durable(batch).await;
                if written.is_err() || stream.write_all(buf.freeze()).await.is_err() {
                    return;
                }
            }
        }));
    }
}

async fn ask(stream: &Stream, question: u8) -> Result<u8, RtError> {
    stream.write_all(Bytes::from(vec![question])).await?;
    let (count, buf) = stream.read(BytesMut::with_capacity(16)).await;
    match count? {
        0 => Err(RtError::Reset { op: "read", object: "end".into() }),
        _ => Ok(buf[0]),
    }
}

/// A run with traffic, crashes and faults; what it came to.
fn busy_run(seed: u64) -> (u64, u64, u64) {
    let sim = Sim::with_seed(seed);
    let nodes: Vec<NodeId> = (0..3).map(|_| sim.add_node(2)).collect();
    sim.net().configure(|config| config.reset_probability = 0.02);
    let answers = Rc::new(Cell::new(0));
    for node in &nodes {
        sim.spawn(*node, SHARD, "serve", serve());
    }
    for (index, node) in nodes.iter().enumerate() {
        let peer = sim.addr(nodes[(index + 1) % 3], PORT);
        let answers = Rc::clone(&answers);
        sim.spawn(*node, ShardId(1), "client", async move {
            loop {
                if let Ok(stream) = net().dial(peer).await {
                    while let Ok(Ok(_)) = timeout(100 * MS, ask(&stream, 1)).await {
                        answers.set(answers.get() + 1);
                    }
                }
                sleep(rng().between(1, 20) as u32 * MS).await;
            }
        });
    }
    sim.run_for(100 * MS);
    sim.net().partition(&nodes[..1], &nodes[1..]);
    sim.run_for(50 * MS);
    sim.net().heal();
    sim.crash(nodes[1], if seed.is_multiple_of(2) { Crash::PowerLoss } else { Crash::ProcessKill });
    sim.run_for(30 * MS);
    sim.restart(nodes[1]);
    sim.spawn(nodes[1], SHARD, "serve", serve());
    sim.run_for(100 * MS);
    (sim.trace_hash(), answers.get(), sim.polls())
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let mut hashes = BTreeSet::new();
    for seed in 0..200 {
        let run = busy_run(seed);
        assert_eq!(run, busy_run(seed), "seed {seed}");
        assert!(run.1 > 20, "seed {seed}: {} answers", run.1);
        hashes.insert(run.0);
    }
    assert_eq!(hashes.len(), 200);
}

#[test]
fn tasks_run_in_every_order() {
    let mut orders = BTreeSet::new();
    for seed in 0..200 {
        let sim = Sim::with_seed(seed);
        let node = sim.add_node(1);
        let order = Rc::new(RefCell::new(Vec::new()));
        for index in 0..4 {
            let order = Rc::clone(&order);
            sim.spawn(node, SHARD, "racer", async move { order.borrow_mut().push(index) });
        }
        sim.run_for(MS);
        orders.insert(order.take());
    }
    assert_eq!(orders.len(), 24);
}

#[test]
fn a_crash_drops_the_tasks_of_its_node_alone() {
    let sim = Sim::with_seed(1);
    let (one, two) = (sim.add_node(2), sim.add_node(1));
    let held = Rc::new(());
    for (node, shard) in [(one, SHARD), (one, ShardId(1)), (two, SHARD)] {
        let held = Rc::clone(&held);
        sim.spawn(node, shard, "holder", async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
    }
    sim.run_for(MS);
    sim.crash(one, Crash::ProcessKill);
    assert!(!sim.is_up(one) && sim.is_up(two));
    assert_eq!(Rc::strong_count(&held), 2);
    sim.restart(one);
    assert_eq!(sim.block_on(one, ShardId(1), async { Rt::current().node() }), one);
}

#[test]
fn a_stalled_shard_stands_still_and_a_skewed_clock_lies() {
    let sim = Sim::with_seed(2);
    let node = sim.add_node(2);
    let turns = Rc::new(Cell::new(0));
    let count = Rc::clone(&turns);
    sim.spawn(node, ShardId(1), "ticker", async move {
        loop {
            sleep(MS).await;
            count.set(count.get() + 1);
        }
    });
    sim.run_for(10 * MS);
    let before = turns.get();
    assert!(before > 3);
    sim.stall(node, ShardId(1), 50 * MS);
    sim.run_for(40 * MS);
    assert_eq!(turns.get(), before);
    sim.run_for(40 * MS);
    assert!(turns.get() > before);
    let honest = sim.block_on(node, SHARD, async { wall_ns() });
    sim.skew_wall(node, -3_600_000_000_000);
    let skewed = sim.block_on(node, SHARD, async { wall_ns() });
    assert!(skewed < honest - 3_500_000_000_000);
}

#[test]
fn mailboxes_cross_shards_and_close_with_their_node() {
    let sim = Sim::with_seed(3);
    let node = sim.add_node(2);
    let (sender, mut receiver) = mailbox::channel(4);
    let got = sim.spawn(node, ShardId(1), "receiver", async move {
        let mut sum = 0;
        while sum < 6 {
            sum += receiver.recv().await.expect("a message");
        }
        (receiver, sum)
    });
    let sent = sender.clone();
    sim.block_on(node, SHARD, async move {
        for value in 1..=3 {
            sent.try_send(value).expect("room");
            yield_now().await;
        }
    });
    sim.run_for(MS);
    assert!(got.is_finished());
    drop(got);
    sim.crash(node, Crash::ProcessKill);
    assert!(sender.try_send(1).is_err());
}

/// Two nodes and a connection of the first to a server on the second.
fn connected(seed: u64) -> (Sim, [NodeId; 2], Stream) {
    let sim = Sim::new(SimConfig { seed, ..SimConfig::default() });
    let nodes = [sim.add_node(1), sim.add_node(1)];
    sim.spawn(nodes[1], SHARD, "serve", serve());
    let address = sim.addr(nodes[1], PORT);
    let stream = sim.block_on(nodes[0], SHARD, async move {
        let stream = loop {
            match net().dial(address).await {
                Ok(stream) => break stream,
                Err(error) => assert!(matches!(error, RtError::Refused { .. }), "{error}"),
            }
            sleep(MS).await;
        };
        assert_eq!(ask(&stream, 5).await, Ok(5));
        stream
    });
    (sim, nodes, stream)
}

fn ask_within(sim: &Sim, node: NodeId, stream: &Stream, time: Duration) -> Option<Result<u8, RtError>> {
    let stream = stream.clone();
    sim.block_on(node, SHARD, async move { timeout(time, ask(&stream, 6)).await.ok() })
}

#[test]
fn a_partition_holds_bytes_back_until_it_heals() {
    let (sim, nodes, stream) = connected(4);
    sim.net().partition(&nodes[..1], &nodes[1..]);
    assert_eq!(ask_within(&sim, nodes[0], &stream, 500 * MS), None);
    sim.net().heal();
    assert_eq!(ask_within(&sim, nodes[0], &stream, 500 * MS), Some(Ok(6)));
}

#[test]
fn one_direction_can_be_cut_alone() {
    let (sim, nodes, stream) = connected(5);
    sim.net().cut(nodes[1], nodes[0]);
    assert_eq!(ask_within(&sim, nodes[0], &stream, 500 * MS), None, "the answer is held back");
    sim.net().heal();
    assert_eq!(ask_within(&sim, nodes[0], &stream, 500 * MS), Some(Ok(6)));
}

#[test]
fn a_long_silence_resets_and_a_dial_into_it_times_out() {
    let (sim, nodes, stream) = connected(6);
    sim.net().partition(&nodes[..1], &nodes[1..]);
    let answer = ask_within(&sim, nodes[0], &stream, Duration::from_secs(60));
    assert!(matches!(answer, Some(Err(RtError::Reset { .. }))), "{answer:?}");
    let address = sim.addr(nodes[1], PORT);
    let dial = sim.block_on(nodes[0], SHARD, async move {
        let begin = now();
        (net().dial(address).await.map(|_| ()), now() - begin)
    });
    assert!(matches!(dial.0, Err(RtError::TimedOut { .. })) && dial.1 >= 10_000_000_000, "{dial:?}");
}

#[test]
fn a_killed_process_resets_and_a_dead_machine_is_silent() {
    let (sim, nodes, stream) = connected(7);
    sim.crash(nodes[1], Crash::ProcessKill);
    sim.run_for(100 * MS);
    let answer = ask_within(&sim, nodes[0], &stream, 500 * MS);
    assert!(matches!(answer, Some(Err(RtError::Reset { .. }))), "{answer:?}");

    let (sim, nodes, stream) = connected(8);
    sim.crash(nodes[1], Crash::PowerLoss);
    assert_eq!(ask_within(&sim, nodes[0], &stream, 500 * MS), None);
    sim.restart(nodes[1]);
    let answer = ask_within(&sim, nodes[0], &stream, 500 * MS);
    assert!(matches!(answer, Some(Err(RtError::Reset { .. }))), "it knows nothing of it: {answer:?}");
}

#[test]
fn connections_are_reset_by_chance_and_on_order() {
    let (sim, nodes, stream) = connected(9);
    sim.net().reset(nodes[1], nodes[0]);
    assert!(matches!(ask_within(&sim, nodes[0], &stream, 500 * MS), Some(Err(RtError::Reset { .. }))));
    let (sim, nodes, stream) = connected(10);
    sim.net().configure(|config| config.reset_probability = 0.2);
    let asked = (0..200).take_while(|_| ask_within(&sim, nodes[0], &stream, 500 * MS) == Some(Ok(6))).count();
    assert!((0..100).contains(&asked), "{asked}");
    sim.net().configure(|config| config.dial_failure_probability = 1.0);
    let address = sim.addr(nodes[1], PORT);
    let dial = sim.block_on(nodes[0], SHARD, async move { net().dial(address).await.map(|_| ()) });
    assert!(matches!(dial, Err(RtError::TimedOut { .. })), "{dial:?}");
}
