//! A group of one voter in the simulator: what is acknowledged survives crashes, once and in order.

mod chains;
mod list;
mod lives;

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::Duration;

use raft::RaftError;
use shard_rt::ShardId;
use shard_rt::sim::Sim;
use wal::Sabotage;

use list::{List, payload, place};
use lives::{Faults, Tally, group_options, open};

/// Seeds of a test; more of them when the environment asks for depth.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let deep = std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1");
    0..if deep { count * 50 } else { count }
}

#[test]
fn acknowledged_entries_survive_crashes_once_and_in_order() {
    let mut tally = Tally::default();
    for seed in seeds(120) {
        lives::run(seed, &Faults::default(), &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.acked > 1_000 && tally.left_open > 100, "{tally:?}");
    assert!(tally.snapshots > 50 && tally.purged > 50, "{tally:?}");
}

#[test]
fn a_fenced_log_acknowledges_nothing_more() {
    let mut tally = Tally::default();
    for seed in seeds(60) {
        lives::run(seed, &Faults { poison: true, sabotage: None }, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.poisoned > 20, "{tally:?}");
}

#[test]
fn a_log_that_lies_is_found_out() {
    for sabotage in [Sabotage::SkipFlush, Sabotage::AckEarly] {
        let faults = Faults { poison: false, sabotage: Some(sabotage) };
        let run = |seed| catch_unwind(|| lives::run(seed, &faults, &mut Tally::default())).is_err();
        assert!((0..40).any(run), "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn a_group_answers_and_says_how_it_is() {
    let sim = Sim::with_seed(1);
    let node = sim.add_node(1);
    sim.block_on(node, ShardId(0), async {
        let (_, group) = open(group_options(), List::default(), None).await;
        let early = group.propose(payload(1)).await;
        assert_eq!(early, Err(RaftError::NotLeader { leader: None }));
        group.initialize().await.expect("a new group");
        group.lead().await.expect("the only voter leads");
        for item in 0..100 {
            let answer = group.propose(payload(item)).await.expect("acknowledged");
            assert_eq!(place(&answer.bytes) as u64, item);
        }
        let many = group.propose_many((100..200).map(payload).collect()).await.expect("taken");
        let places: Vec<usize> = many.into_iter().map(|one| place(&one.expect("applied").bytes)).collect();
        assert_eq!(places, (100..200).collect::<Vec<_>>());
        shard_rt::sleep(Duration::from_millis(50)).await;
        let metrics = group.metrics();
        assert!(metrics.leads && metrics.leader == Some(raft::PeerId(1)), "{metrics:?}");
        assert_eq!(metrics.applied, metrics.committed);
        assert!(metrics.snapshot.is_some() && metrics.purged.is_some(), "{metrics:?}");
        assert_eq!(group.machine(|list| list.items.len()), 200);
        group.initialize().await.expect("a second time changes nothing");
        group.shutdown().await.expect("it ends");
        assert_eq!(group.propose(payload(7)).await, Err(RaftError::Stopped));
    });
}

#[test]
fn an_idle_group_of_one_voter_does_nothing() {
    let sim = Sim::with_seed(2);
    let node = sim.add_node(1);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let list = List::seen_by(&seen);
    let group = sim.block_on(node, ShardId(0), async move {
        let (_, group) = open(group_options(), list, None).await;
        group.initialize().await.expect("a new group");
        group.lead().await.expect("the only voter leads");
        group.propose(payload(1)).await.expect("acknowledged");
        group
    });
    sim.run_for(Duration::from_secs(5));
    let polls = sim.polls();
    sim.run_for(Duration::from_secs(60));
    assert!(sim.polls() - polls < 20, "{} polls in a minute", sim.polls() - polls);
    drop(group);
}
