//! Crashes and faults in simulation: after each the log must be what the model says.
//!
//! `CEPTRA_DEEP=1` runs 10,000 seeds of each profile.

mod model;
mod run;
mod work;

use run::{Profile, run};

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
