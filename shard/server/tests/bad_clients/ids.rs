//! Events that were sent before, long ago, or under numbers that do not fit.

use cep_types::{EventId, ProducerId, StampNs};
use net_wire::{EventIds, Outcome, Reason, Rejected, Status};

use super::good::Good;
use super::node::Node;
use super::raw::{Raw, Said, append, frame, message, numbered, wall_ns};

const MINUTE_NS: i64 = 60_000_000_000;

fn rejected(reason: Reason) -> Outcome {
    Outcome::Rejected(Rejected { reason, detail: None })
}

#[test]
fn duplicates_expired_ids_and_gaps_are_told_apart() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("events");
    let routing = raw.routing.clone();
    let rows = frame(&stream, 0, 10, 10);
    let mut request = 10;
    let mut send = |raw: &mut Raw, ids: EventIds<'_>, first_sent: i64| {
        request += 1;
        let wanted =
            net_wire::Append { first_sent: StampNs(first_sent), ..append(&stream, &routing, ids, &rows) };
        raw.send(&message(request, wanted));
        match raw.answer() {
            Some(Said::Ack(answered, runs)) if answered == request => Ok(runs),
            Some(Said::Refused(answered, status)) if answered == request => Err(status),
            other => panic!("{other:?}"),
        }
    };
    let now = wall_ns();
    assert_eq!(send(&mut raw, numbered(5, 0), now), Ok(vec![(10, Outcome::Applied)]));
    for _ in 0..50 {
        assert_eq!(send(&mut raw, numbered(5, 0), now), Ok(vec![(10, Outcome::Duplicate)]));
    }
    // Half of them are new.
    let half = Ok(vec![(5, Outcome::Duplicate), (5, Outcome::Applied)]);
    assert_eq!(send(&mut raw, numbered(5, 5), now), half);
    // The next but one is missing.
    assert_eq!(send(&mut raw, numbered(5, 100), now), Ok(vec![(10, rejected(Reason::SequenceGap))]));
    // First sent an hour ago: nobody knows any more.
    let expired = Err(Status::PermanentRetryExpired);
    assert_eq!(send(&mut raw, numbered(5, 15), now - 60 * MINUTE_NS), expired);
    assert_eq!(send(&mut raw, numbered(5, 15), wall_ns()), Ok(vec![(10, Outcome::Applied)]));
    // Opaque ids, also twice in one append.
    let ids: Vec<EventId> = (0..10).map(|at| EventId(u128::from(at % 9u64) + 1)).collect();
    let opaque = || EventIds::Opaque(ids.as_slice().into());
    assert_eq!(send(&mut raw, opaque(), now), Ok(vec![(9, Outcome::Applied), (1, Outcome::Duplicate)]));
    assert_eq!(send(&mut raw, opaque(), now), Ok(vec![(10, Outcome::Duplicate)]));
    assert_eq!(send(&mut raw, opaque(), now - 60 * MINUTE_NS), expired);
    // Fewer ids than rows, and numbers that end.
    let few = EventIds::Opaque(ids[..3].into());
    assert_eq!(send(&mut raw, few, now), Err(Status::PermanentPayload));
    let last = EventIds::Sequence { producer: ProducerId(6), first: u64::MAX - 3 };
    assert_eq!(send(&mut raw, last, now), Err(Status::PermanentPayload));
    raw.demand_alive();
    node.end(good, 32 << 20);
}

#[test]
fn ten_thousand_producers_are_remembered_within_bounds() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("events");
    let rows = frame(&stream, 0, 1, 10);
    for chunk in 0..20u64 {
        let mut bytes = Vec::new();
        for at in 0..500 {
            let producer = 10_000 + chunk * 500 + at;
            bytes.extend(message(producer, append(&stream, &raw.routing, numbered(producer, 0), &rows)));
        }
        raw.send(&bytes);
        for _ in 0..500 {
            assert!(matches!(raw.answer(), Some(Said::Ack(_, runs)) if runs == [(1, Outcome::Applied)]));
        }
    }
    node.end(good, 48 << 20);
}
