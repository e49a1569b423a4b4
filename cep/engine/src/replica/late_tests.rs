//! Rows that came too late for everyone are told so, whatever the entries and slices they came in.

use super::tests::{Host, activate, events, part, sequence};
use super::*;

const STREAM: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts', \"watermark.lateness\" = '0 seconds');";
const TENS: &str = "SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 10 SECONDS);";
const HUNDREDS: &str = "SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 100 SECONDS);";
const EVERY_ROW: &str = "SELECT symbol FROM trades WHERE qty > 5;";

/// Outcomes of rows 50, 51, …, then 0, 1, …, so many each, in parts of `cut` rows.
fn outcomes(definitions: &[String], count: i64, cut: i64, budget: usize) -> Vec<Outcome> {
    let mut host = Host::new(budget);
    for (at, text) in definitions.iter().enumerate() {
        let activate = activate(&format!("app{at}"), text, at as u64 + 1, 100 * (at as u32 + 1));
        host.apply(&cep_types::log::activate(StampNs(0), &activate));
    }
    host.outcomes.clear();
    let mut number = 0;
    for first in [50, 0] {
        for from in (0..count).step_by(cut as usize) {
            let rows = cut.min(count - from);
            host.apply(&events(&[part(first + from, rows, sequence(number))], 5));
            number += rows as u64;
        }
    }
    let runs = host.outcomes.iter().flatten().flatten();
    runs.flat_map(|run| std::iter::repeat_n(run.outcome, run.rows as usize)).collect()
}

fn app(queries: &[&str]) -> String {
    format!("{STREAM}{}", queries.concat())
}

#[test]
fn a_row_is_late_when_every_reader_dropped_it() {
    use Outcome::{Applied, LateDropped};
    // Row 59 has closed the windows up to 50 s.
    let late = |definitions: &[String]| -> Vec<usize> {
        let told = outcomes(definitions, 10, 10, usize::MAX);
        assert_eq!(told.len(), 20);
        assert!(told.iter().all(|outcome| [Applied, LateDropped].contains(outcome)));
        (0..20).filter(|&row| told[row] == LateDropped).collect()
    };
    let all: Vec<usize> = (10..20).collect();
    assert_eq!(late(&[app(&[TENS])]), all);
    assert_eq!(late(&[app(&[TENS]), app(&[TENS])]), all);
    assert_eq!(late(&[app(&[TENS, HUNDREDS])]), [0_usize; 0]);
    assert_eq!(late(&[app(&[TENS]), app(&[HUNDREDS])]), [0_usize; 0]);
    assert_eq!(late(&[app(&[TENS]), app(&[EVERY_ROW])]), [0_usize; 0]);
    // A definition that declares the stream and reads it nowhere keeps nothing of it.
    assert_eq!(late(&[app(&[TENS]), app(&[])]), all);
    assert_eq!(late(&[app(&[])]), [0_usize; 0]);
    // What the filter before the window leaves out is not late.
    let filtered = "SELECT count(*) AS n FROM trades WHERE qty <> 3 WINDOW TUMBLING (SIZE 10 SECONDS);";
    assert_eq!(late(&[app(&[filtered])]), [10, 11, 12, 14, 15, 16, 17, 18, 19]);
    // Nor is what was not late for the query below.
    let derived = "CREATE STREAM copies AS SELECT * FROM trades;
        SELECT count(*) AS n FROM copies WINDOW TUMBLING (SIZE 10 SECONDS);";
    assert_eq!(late(&[app(&[derived])]), [0_usize; 0]);
}

#[test]
fn cuts_and_slices_do_not_matter() {
    let apps = [app(&[TENS]), app(&[TENS, TENS])];
    let whole = outcomes(&apps, 40, 40, usize::MAX);
    assert_eq!(whole.iter().filter(|outcome| **outcome == Outcome::LateDropped).count(), 40);
    for (cut, budget) in [(1, 1), (7, 3), (13, 1), (40, 2)] {
        assert_eq!(outcomes(&apps, 40, cut, budget), whole, "{cut} {budget}");
    }
}

#[test]
fn rows_far_behind_the_clock_are_late() {
    let text = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
            WITH (clock = 'ingest', \"event.time\" = 'ts');
        SELECT symbol FROM trades;";
    let mut host = Host::new(usize::MAX);
    host.apply(&cep_types::log::activate(StampNs(0), &activate("app", text, 1, 100)));
    let now = 3_600_000_000_000 + 5_000_000_000;
    let mut parts = [part(0, 3, sequence(0)), part(3_600, 2, sequence(3))];
    parts.iter_mut().for_each(|(head, _)| head.first_sent = StampNs(now));
    host.apply(&events(&parts, now));
    let told: Vec<_> = host.outcomes.last().unwrap().concat();
    let run = |rows, outcome| OutcomeRun { rows, outcome };
    assert_eq!(told, [run(3, Outcome::LateDropped), run(2, Outcome::Applied)]);
}
