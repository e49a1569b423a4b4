//! An entry cut at an error is the entry that had ended before it (R-DET-1, R-SQL-9).

mod harness;

use cep_engine::{Actions, Budget, Partition, Progress, Subject};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
use harness::{Row, Rows, batch, program, rows};
use proptest::prelude::*;

const QUERIES: &[&str] = &[
    "SELECT n, 12 / n AS q FROM s; SELECT n FROM s WHERE n > 1",
    "SELECT n FROM s; SELECT 12 / n AS q FROM s; SELECT count(*) AS c FROM s WINDOW LENGTHBATCH (2)",
    "SELECT k, sum(12 / n) AS q FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY k; SELECT k FROM s",
    "SELECT count(*) AS c FROM s WINDOW TUMBLING (SIZE 1 SECOND); SELECT sum(12 / n) OVER (PARTITION BY k) AS q FROM s",
    "SELECT 1 / (count(*) - 2) AS q FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY k; SELECT n FROM s",
    "SELECT 1 / (sum(n) - 3) AS q FROM s WINDOW LENGTHBATCH (3); SELECT k, sum(12 / n) AS t FROM s GROUP BY k",
];

/// Applies one entry; its output, and the row and text of its first error.
fn apply(partition: &mut Partition, index: u64, rows: &[Row]) -> (Vec<String>, Option<(u64, String)>) {
    let kind = EntryKind::Events(Events { stream: StreamId(0), rows: batch(rows), times: None });
    let entry = Entry { index: LogIndex(index), stamp: StampNs(0), kind };
    let mut actions = Actions::new();
    let mut budget = Budget::UNLIMITED;
    assert_eq!(partition.apply(&entry, &mut budget, &mut actions), Progress::Done);
    let first =
        actions.errors.first().map(|e| (e.row, format!("{:?} {:?} {}", e.query, e.subject, e.message)));
    if first.is_some() {
        actions.truncate(0);
        assert_eq!(actions.errors.len(), 1);
    }
    let mut out = Vec::new();
    for run in actions.runs() {
        let emit = &actions.emits()[run.emit];
        for row in run.from..run.to {
            let columns: Vec<String> = emit.chunk.columns.iter().map(|c| c.text_at(row)).collect();
            out.push(format!("{:?} {}", emit.output, columns.join(" | ")));
        }
    }
    (out, first)
}

/// What comes out before the first error, and the error with its row.
fn until_error(query: &str, rows: &Rows, entry_rows: usize) -> (Vec<String>, Option<(u64, String)>) {
    let mut partition = Partition::new(program(query), &[]).unwrap_or_else(|e| panic!("{query}: {e}"));
    let mut out = Vec::new();
    for (nth, piece) in rows.chunks(entry_rows).enumerate() {
        let (some, failed) = apply(&mut partition, nth as u64 + 1, piece);
        out.extend(some);
        if let Some((row, message)) = failed {
            return (out, Some(((nth * entry_rows) as u64 + row, message)));
        }
    }
    (out, None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(48)))]

    #[test]
    fn what_comes_before_an_error_does_not_depend_on_entries(
        rows in rows(1..80),
        entry_rows in 1_usize..90,
        query in prop::sample::select(QUERIES),
    ) {
        prop_assert_eq!(until_error(query, &rows, entry_rows), until_error(query, &rows, 1), "{}", query);
    }
}

/// One row a second: key, number.
fn second(at: i64, key: &str, n: Option<i64>) -> Row {
    (at * harness::SECOND, Some(key.to_owned()), Some(0.0), n)
}

#[test]
fn an_entry_of_many_steps_is_cut_in_the_step_of_the_error() {
    let rows: Rows = (0..5_000).map(|i| second(i, "k", Some(i))).collect();
    for failing in [0, 1, 1_023, 1_024, 2_500, 4_999] {
        let query = format!("SELECT n, 1 / (n - {failing}) AS q FROM s");
        let (out, error) = until_error(&query, &rows, 5_000);
        assert_eq!((out.len(), error.map(|e| e.0)), (failing, Some(failing as u64)), "{failing}");
    }
}

#[test]
fn errors_of_results_are_told_from_errors_of_records() {
    let rows: Rows = vec![second(0, "a", Some(3)), second(1, "a", Some(0)), second(90, "b", Some(1))];
    let subjects = |query: &str| -> Vec<(Subject, u64, String)> {
        let mut partition = Partition::new(program(query), &[]).expect("it builds");
        let kind = EntryKind::Events(Events { stream: StreamId(0), rows: batch(&rows), times: None });
        let mut actions = Actions::new();
        let entry = Entry { index: LogIndex(1), stamp: StampNs(0), kind };
        let mut budget = Budget::UNLIMITED;
        assert_eq!(partition.apply(&entry, &mut budget, &mut actions), Progress::Done);
        actions.errors.iter().map(|e| (e.subject, e.row, e.message.clone())).collect()
    };
    let window = "window 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z";
    let zero = "division by zero";
    let result = |row, message: String| vec![(Subject::Result, row, message)];
    assert_eq!(subjects("SELECT 6 / n AS q FROM s"), [(Subject::Record, 1, zero.to_owned())]);
    assert_eq!(
        subjects("SELECT sum(6 / n) AS q FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"),
        [(Subject::Record, 1, zero.to_owned())]
    );
    assert_eq!(
        subjects("SELECT k, 1 / (sum(n) - 3) AS q FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k"),
        result(2, format!("{window}: k = 'a', sum(n) = 3: {zero}"))
    );
    assert_eq!(
        subjects("SELECT k FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k HAVING 1 / (sum(n) - 3) = 0"),
        result(2, format!("{window}: k = 'a', sum(n) = 3: {zero}"))
    );
    assert_eq!(
        subjects(
            "CREATE STREAM t AS SELECT sum(n) AS total FROM s WINDOW LENGTHBATCH (2); SELECT 1 / (total - 3) AS q FROM t"
        ),
        result(1, format!("total = 3: {zero}"))
    );
    assert_eq!(
        subjects("SELECT 1 / (sum(n) OVER (ORDER BY ts) - 3) AS q FROM s")[0].0,
        Subject::Result,
        "rows that wait for the watermark come when another record moves it"
    );
    let grouped = "SELECT 1 / (sum(n) - 3) AS q FROM s GROUP BY k";
    assert_eq!(subjects(grouped)[0].0, Subject::Record, "the row of a group stands for the record");
}
