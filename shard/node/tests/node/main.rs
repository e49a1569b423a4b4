//! A whole node in the simulator: what was acknowledged is there once, the output goes on exactly, and questions
//! are answered meanwhile.

mod asks;
mod client;
mod lives;
mod rot;
mod server;
mod sources;

use lives::{Tally, Trouble};

/// Seeds of a test; more of them when the environment asks for depth, or the one it names.
fn seeds(count: u64) -> std::ops::Range<u64> {
    if let Some(seed) = std::env::var("CEPTRA_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return seed..seed + 1;
    }
    let deep = std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1");
    0..if deep { count * 200 } else { count }
}

/// Whether a single seed is run, which need not have seen everything.
fn is_one() -> bool {
    std::env::var("CEPTRA_SEED").is_ok()
}

#[test]
fn without_crashes_the_output_is_that_of_one_run() {
    let mut tally = Tally::default();
    for seed in seeds(5) {
        lives::run(seed, 0, Trouble::None, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || (tally.delivered > 100), "{tally:?}");
}

#[test]
fn crashes_lose_nothing_repeat_nothing_and_invent_nothing() {
    let mut tally = Tally::default();
    for seed in seeds(30) {
        lives::run(seed, 4, Trouble::None, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || (tally.crashes > 100 && tally.delivered > 500 && tally.duplicates > 0), "{tally:?}");
}

#[test]
fn a_log_that_is_full_holds_appends_back_until_checkpoints_make_room() {
    let mut tally = Tally::default();
    for seed in seeds(5) {
        lives::run(seed, 0, Trouble::SmallLog, &mut tally);
    }
    for seed in seeds(10) {
        lives::run(seed, 3, Trouble::SmallLog, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || (tally.crashes >= 30 && tally.delivered > 300), "{tally:?}");
}

#[test]
fn a_disk_that_fails_costs_a_restart_and_no_row() {
    let mut tally = Tally::default();
    for seed in seeds(15) {
        lives::run(seed, 5, Trouble::BadDisk, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || (tally.crashes > 50 && tally.delivered > 300), "{tally:?}");
}

#[test]
fn a_checkpoint_that_rots_costs_a_longer_replay_and_no_row() {
    let mut tally = Tally::default();
    for seed in seeds(25) {
        lives::run(seed, 6, Trouble::RottenCheckpoint, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || (tally.rotten > 20 && tally.degraded > 10 && tally.delivered > 300), "{tally:?}");
}

#[test]
fn an_entry_that_rots_is_named_and_its_partition_refused() {
    let mut tally = Tally::default();
    for seed in seeds(25) {
        lives::refused(seed, &mut tally);
    }
    println!("{tally:?}");
    assert!(is_one() || tally.rotten > 10, "{tally:?}");
}

#[test]
fn a_source_goes_on_exactly_and_a_sink_has_each_row_once() {
    let mut tally = Tally::default();
    for seed in seeds(4) {
        sources::run(seed, 0, &mut tally);
    }
    for seed in seeds(20) {
        sources::run(seed + 1_000, 5, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.crashes >= 100 && tally.duplicates > 1_000, "{tally:?}");
}
