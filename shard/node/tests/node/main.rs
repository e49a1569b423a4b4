//! A whole node in the simulator: what was acknowledged is there once, the output goes on exactly, and questions
//! are answered meanwhile.

mod asks;
mod client;
mod lives;
mod server;

use lives::Tally;

/// Seeds of a test; more of them when the environment asks for depth.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let deep = std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1");
    0..if deep { count * 200 } else { count }
}

#[test]
fn without_crashes_the_output_is_that_of_one_run() {
    let mut tally = Tally::default();
    for seed in seeds(5) {
        lives::run(seed, 0, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.delivered > 100, "{tally:?}");
}

#[test]
fn crashes_lose_nothing_repeat_nothing_and_invent_nothing() {
    let mut tally = Tally::default();
    for seed in seeds(30) {
        lives::run(seed, 4, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.crashes > 100 && tally.delivered > 500 && tally.duplicates > 0, "{tally:?}");
}
