//! Crashes and faults in simulation: after each the log must be what the model says.
//!
//! `CEPTRA_DEEP=1` runs 10,000 seeds of each profile.

mod model;
mod run;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};

use run::{Profile, run};
use wal::Sabotage;

fn seeds(reduced: u64) -> u64 {
    if std::env::var("CEPTRA_DEEP").is_ok_and(|deep| deep == "1") { 10_000 } else { reduced }
}

fn check(profile: Profile, reduced: u64) {
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let range = first.map_or(0..seeds(reduced), |seed| seed..seed + 1);
    let mut tally = run::Tally::default();
    for seed in range {
        if let Err(error) = run(profile, seed, None, &mut tally) {
            panic!("{profile:?}: SEED={seed}: {error}");
        }
    }
    println!("{profile:?}: {tally:?}");
    assert!(tally.records > 0 && tally.crashes > 0);
}

#[test]
fn strict_survives_crashes() {
    check(Profile::Strict, 150);
}

#[test]
fn group_fsync_loses_no_more_than_it_says() {
    check(Profile::GroupFsync, 150);
}

#[test]
fn errors_of_the_disk_poison_and_lose_nothing() {
    check(Profile::Errors, 150);
}

#[test]
fn want_of_space_is_back_pressure() {
    check(Profile::NoSpace, 100);
}

#[test]
fn a_slow_disk_changes_nothing() {
    check(Profile::Slow, 50);
}

#[test]
fn rot_in_acknowledged_records_is_named() {
    check(Profile::Rot, 200);
}

#[test]
fn misdirected_and_lost_writes_are_found() {
    check(Profile::Misdirected, 200);
}

/// The harness must find a log that is wrong in this way, within so many seeds.
fn finds(sabotage: Sabotage, profile: Profile, seeds_max: u64) {
    let mut tally = run::Tally::default();
    for seed in 0..seeds_max {
        // A wrong log may break an assertion of its own before the model sees it.
        let caught = catch_unwind(AssertUnwindSafe(|| run(profile, seed, Some(sabotage), &mut tally)));
        if let Ok(Err(_)) | Err(_) = caught {
            println!("{sabotage:?} was found by seed {seed}");
            return;
        }
    }
    panic!("{sabotage:?} was not found by {seeds_max} seeds");
}

#[test]
fn a_log_that_skips_the_flush_is_found() {
    finds(Sabotage::SkipFlush, Profile::Strict, 20);
}

#[test]
fn a_log_that_acknowledges_early_is_found() {
    finds(Sabotage::AckEarly, Profile::Strict, 40);
}

#[test]
fn a_log_that_ignores_checksums_is_found() {
    finds(Sabotage::IgnoreCrc, Profile::Strict, 200);
}

#[test]
fn a_log_that_forgets_the_generation_is_found() {
    finds(Sabotage::ForgetGeneration, Profile::Strict, 100);
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    let tally = |seed| {
        let mut tally = run::Tally::default();
        run(Profile::Strict, seed, None, &mut tally).expect("a sound run");
        tally
    };
    (0..5).for_each(|seed| assert_eq!(tally(seed), tally(seed)));
}
