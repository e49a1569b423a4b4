//! Questions to a replica: answers against the rows, slices, several definitions, and a state that stays.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use cep_lang::lower::Question;
use cep_types::log::Activate;
use cep_types::{Epoch, StampNs};

use super::tests::{Host, activate, events, part, sequence};
use super::*;

const TOTALS: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts');
CREATE AGGREGATION totals AS SELECT symbol, count(*) AS n, sum(qty) AS qty FROM trades GROUP BY symbol
    AGGREGATE BY ts EVERY SECONDS … HOURS;";
const OTHER: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts');
CREATE AGGREGATION Totals AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY SECONDS … HOURS;
CREATE AGGREGATION peaks AS SELECT max(qty) AS most FROM trades AGGREGATE BY ts EVERY HOURS;";

/// A partition with rows `first..first + count` in it.
fn host(definitions: &[(&str, &str)], first: i64, count: i64) -> Host {
    let mut host = Host::new(50);
    for (at, (name, text)) in definitions.iter().enumerate() {
        let activate = activate(name, text, at as u64 + 1, 100 * (at as u32 + 1));
        host.apply(&cep_types::log::activate(StampNs(0), &activate));
    }
    host.apply(&events(&[part(first, count, sequence(0))], 5));
    host
}

fn answer(replica: &Replica, sql: &str, groups: usize) -> Result<RecordBatch, AskError> {
    let question = Question::parse(sql, None).unwrap();
    let planned = replica.plan(&question)?;
    let mut asking = replica.begin_answer(&planned)?;
    let mut slices = 1;
    while !replica.go_on_answering(&planned, &mut asking, groups)? {
        slices += 1;
    }
    assert!(groups < 1000 || slices == 1);
    replica.end_answer(&planned, asking)
}

fn shown(rows: &RecordBatch) -> String {
    format!("{:?}", rows.columns())
}

#[test]
fn an_answer_is_that_of_the_rows_in_any_slices_and_leaves_the_state() {
    let host = host(&[("app", TOTALS)], 0, 100);
    let (hash, bytes) = (host.replica.state_hash(), host.replica.checkpoint());
    for sql in [
        "SELECT * FROM totals WITHIN '1970-01-01' PER 'seconds'",
        "SELECT symbol, qty, n FROM app.totals WITHIN '1970-01-01 00:00:10', '1970-01-01 00:01:00' PER 'minutes'",
        "SELECT symbol, qty FROM totals WITHIN '1970-**-** **:**:**' PER 'minutes' WHERE qty > 30 ORDER BY qty DESC LIMIT 2",
        "SELECT sum(n) AS n FROM totals WITHIN '1970-01-01' PER 'hours'",
    ] {
        let whole = answer(&host.replica, sql, usize::MAX).unwrap();
        for groups in [1, 2, 7] {
            assert_eq!(answer(&host.replica, sql, groups).unwrap(), whole, "{sql}");
        }
    }
    let all =
        answer(&host.replica, "SELECT n FROM totals WITHIN '1970-01-01' PER 'hours' ORDER BY n", 5).unwrap();
    let counts: Vec<i64> = all.column(0).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(counts, [33, 33, 34]);
    assert_eq!((host.replica.state_hash(), host.replica.checkpoint()), (hash, bytes));
}

#[test]
fn steps_that_need_all_rows_are_done_with_the_answers_of_all_partitions() {
    let parts = [host(&[("app", TOTALS)], 0, 40), host(&[("app", TOTALS)], 40, 60)];
    let one = host(&[("app", TOTALS)], 0, 100);
    for sql in [
        "SELECT symbol, n FROM totals WITHIN '1970-01-01' PER 'seconds' ORDER BY n DESC, agg_timestamp DESC LIMIT 5",
        "SELECT symbol, sum(n) AS n FROM totals WITHIN '1970-01-01' PER 'minutes' GROUP BY symbol ORDER BY symbol",
        "SELECT DISTINCT symbol FROM totals WITHIN '1970-01-01' PER 'seconds' WHERE n > 0 ORDER BY symbol",
        "SELECT qty + 1 AS q FROM totals WITHIN '1970-01-01' PER 'seconds' WHERE symbol = 's1'",
    ] {
        let mut planned = parts[0].replica.plan(&Question::parse(sql, None).unwrap()).unwrap();
        planned.apart(&parts[0].replica);
        let answers = parts.each_ref().map(|host| {
            let replica = &host.replica;
            let mut asking = replica.begin_answer(&planned).unwrap();
            while !replica.go_on_answering(&planned, &mut asking, 3).unwrap() {}
            replica.end_answer(&planned, asking).unwrap()
        });
        let wanted = answer(&one.replica, sql, usize::MAX).unwrap();
        assert_eq!(shown(&planned.together(&answers).unwrap()), shown(&wanted), "{sql}");
    }
}

#[test]
fn names_find_the_one_definition_that_keeps_them() {
    let host = host(&[("app", TOTALS), ("other-app", OTHER)], 0, 10);
    let rows = |sql: &str| answer(&host.replica, sql, usize::MAX).map(|rows| rows.num_rows());
    let wrong = |sql: &str| match rows(sql).unwrap_err() {
        AskError::Wrong(text) => text,
        AskError::Changed(name) => panic!("{name}"),
    };
    assert_eq!(rows("SELECT most FROM peaks WITHIN '1970-01-01' PER 'hours'"), Ok(1));
    assert_eq!(rows("SELECT n FROM app.totals WITHIN '1970-01-01' PER 'hours'"), Ok(3));
    assert_eq!(rows("SELECT n FROM \"other-app\".totals WITHIN '1970-01-01' PER 'hours'"), Ok(1));
    assert_eq!(rows("SELECT 1 AS one"), Ok(1));
    let several = wrong("SELECT n FROM totals WITHIN '1970-01-01' PER 'hours'");
    assert!(several.contains("app, other-app") && several.contains("FROM \"app\".totals"), "{several}");
    assert!(wrong("SELECT * FROM trades").contains("subscribe"));
    assert!(wrong("SELECT * FROM peeks").contains("did you mean 'peaks'"));
    assert!(wrong("SELECT * FROM nobody.totals").contains("there is app, other-app"));
    assert!(wrong("SELECT nothing FROM peaks WITHIN '1970-01-01' PER 'hours'").contains("nothing"));
}

#[test]
fn a_plan_for_what_no_longer_runs_is_refused() {
    let mut host = host(&[("app", TOTALS)], 0, 10);
    let question = Question::parse("SELECT n FROM totals WITHIN '1970-01-01' PER 'hours'", None).unwrap();
    let planned = Arc::new(host.replica.plan(&question).unwrap());
    let newer = Activate { version: 2, epoch: Epoch(9), ..activate("app", TOTALS, 9, 100) };
    host.apply(&cep_types::log::activate(StampNs(9), &newer));
    assert_eq!(host.replica.begin_answer(&planned).unwrap_err(), AskError::Changed("app".into()));
    let bytes = host.replica.checkpoint();
    let restored = Replica::restore(DedupLimits::default(), &bytes).unwrap();
    assert_eq!(
        answer(&restored, "SELECT n FROM totals WITHIN '1970-01-01' PER 'hours'", 1).unwrap().num_rows(),
        0
    );
}
