//! A checkpoint of a replica in slices is that of its moment, whatever is applied meanwhile.

use cep_types::log::{self, Action, Activate};
use cep_types::{Epoch, EventId, StampNs};

use super::tests::{Host, activate, events, part, sequence};
use super::*;

const RUNNING: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts', \"watermark.lateness\" = '0 seconds');
SELECT ts, count(*) AS n FROM trades GROUP BY ts;";

fn ids(first: u128, count: u128) -> log::PartIds {
    log::PartIds::Opaque((first..first + count).map(EventId).collect())
}

/// A replica with groups, windows and ids, and its checkpoint now.
fn begun() -> (Host, Vec<u8>) {
    let mut host = Host::new(usize::MAX);
    host.apply(&log::activate(StampNs(0), &activate("app", RUNNING, 1, 10)));
    host.apply(&log::activate(StampNs(0), &activate("other", RUNNING, 2, 30)));
    host.apply(&events(&[part(0, 40, sequence(0)), part(40, 30, ids(0, 30))], 1));
    let wanted = host.replica.checkpoint();
    host.replica.cut_begin();
    (host, wanted)
}

fn finish(replica: &mut Replica, mut bytes: Vec<u8>) -> Vec<u8> {
    loop {
        let until = bytes.len() + 50;
        if replica.cut_next(&mut bytes, until) {
            return bytes;
        }
    }
}

#[test]
fn rows_ids_and_definitions_that_come_meanwhile_are_not_in_it() {
    for first in [0, 100, 500, 2_000] {
        let (mut host, wanted) = begun();
        let mut bytes = Vec::new();
        let _ = host.replica.cut_next(&mut bytes, first);
        host.apply(&events(&[part(0, 40, ids(100, 40)), part(200, 9, sequence(40))], 2));
        host.apply(&log::activate(StampNs(3), &activate("third", RUNNING, 3, 50)));
        assert_eq!(finish(&mut host.replica, bytes), wanted, "after {first} bytes");
    }
}

#[test]
fn definitions_that_stop_and_ids_that_are_forgotten_meanwhile_are_in_it() {
    for first in [0, 300, 1_500] {
        let (mut host, wanted) = begun();
        let mut bytes = Vec::new();
        let _ = host.replica.cut_next(&mut bytes, first);
        let stop = Activate { name: "app".into(), version: 1, epoch: Epoch(9), action: Action::Stop };
        host.apply(&log::activate(StampNs(4), &stop));
        host.apply(&log::activate(StampNs(4), &activate("other", RUNNING, 10, 30)));
        let quarantine = log::Quarantine {
            name: "other".into(),
            version: 1,
            epoch: Epoch(11),
            index: LogIndex(3),
            reason: "a test".into(),
        };
        host.apply(&log::quarantine(StampNs(5), &quarantine));
        // The ids are older than any retry by now.
        let later = 3 * 3_600_000_000_000;
        let mut append = part(0, 3, ids(900, 3));
        append.0.first_sent = StampNs(later);
        host.apply(&events(&[append], later));
        assert_eq!(finish(&mut host.replica, bytes), wanted, "after {first} bytes");
    }
}

#[test]
fn one_that_is_given_up_leaves_nothing_behind() {
    let (mut host, wanted) = begun();
    let mut bytes = Vec::new();
    let _ = host.replica.cut_next(&mut bytes, 700);
    host.replica.cut_end();
    assert!(host.replica.cut_next(&mut bytes, usize::MAX));
    assert_eq!(host.replica.checkpoint(), wanted);
    host.replica.cut_begin();
    assert_eq!(finish(&mut host.replica, Vec::new()), wanted);
}
