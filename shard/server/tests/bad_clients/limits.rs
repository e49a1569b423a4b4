//! Limits that the cluster's config sets while the node runs.

use cep_types::{EventId, StampNs};
use net_wire::{EventIds, Outcome, Status};
use serde_json::{Value, json};

use super::good::Good;
use super::node::Node;
use super::raw::{Raw, Said, append, frame, message, wall_ns};

fn version(node: &Node) -> u64 {
    node.http("GET", "/v1/config", None).1["version"].as_u64().unwrap()
}

fn set(node: &Node, values: Value) -> (u16, Value) {
    let patch = json!({"base": version(node), "patch": {"cluster": values}, "why": "a test"});
    node.http("PATCH", "/v1/config", Some(&patch))
}

/// One event of `bytes` with an id of its own.
fn send(raw: &mut Raw, request: u64, ids: &[u128], bytes: usize, sent_ns: i64) -> Result<Outcome, Status> {
    let stream = raw.stream("events");
    let routing = raw.routing.clone();
    let rows = frame(&stream, 0, ids.len() as i64, bytes);
    let ids: Vec<EventId> = ids.iter().map(|&id| EventId(id)).collect();
    let opaque = EventIds::Opaque(ids.as_slice().into());
    let wanted =
        net_wire::Append { first_sent: StampNs(sent_ns), ..append(&stream, &routing, opaque, &rows) };
    raw.send(&message(request, wanted));
    match raw.answer() {
        Some(Said::Ack(answered, runs)) if answered == request => Ok(runs[0].1),
        Some(Said::Refused(answered, status)) if answered == request => Err(status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_config_sets_what_a_partition_remembers_and_takes() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut raw = Raw::open(node.client);
    let ids = |range: std::ops::Range<u128>| range.collect::<Vec<_>>();
    let now = wall_ns();
    assert_eq!(send(&mut raw, 1, &ids(1..701), 10, now), Ok(Outcome::Applied));
    let (code, said) = set(&node, json!({"dedup.capacity": 1024, "event.bytes_max": "64KiB"}));
    assert_eq!(code, 200, "{said}");
    // Its entry is a matter of milliseconds.
    let before = wall_ns();
    let mut request = 1;
    while send(&mut raw, request + 1, &ids(1..2), 100_000, now) != Err(Status::PermanentPayload) {
        assert!(wall_ns() - before < 20_000_000_000, "the limit of events does not come");
        request += 1;
    }
    // What is remembered stays; what there is no place for waits.
    let waits = |raw: &mut Raw, request| {
        let answer = send(raw, request, &ids(1_000..1_400), 10, now);
        answer == Err(Status::TransientBackpressure)
    };
    assert!(waits(&mut raw, request + 2), "1,100 ids were taken where 1,024 have place");
    assert_eq!(send(&mut raw, request + 3, &ids(1..701), 10, now), Ok(Outcome::Duplicate));
    assert_eq!(set(&node, json!({"dedup.capacity": 5_000})).0, 200);
    let begun = wall_ns();
    request += 4;
    while waits(&mut raw, request) {
        assert!(wall_ns() - begun < 20_000_000_000, "the capacity does not come");
        request += 1;
    }
    assert_eq!(send(&mut raw, request + 1, &ids(1_000..1_400), 10, now), Ok(Outcome::Duplicate));
    // A shorter window ends retries, a longer one does not bring back what may be forgotten.
    let minutes = |count: i64| wall_ns() - count * 60_000_000_000;
    assert_eq!(send(&mut raw, request + 2, &[90_000], 10, minutes(5)), Ok(Outcome::Applied));
    assert_eq!(set(&node, json!({"client.retry_window": "1m"})).0, 200);
    let begun = wall_ns();
    request += 3;
    while send(&mut raw, request, &[90_000], 10, minutes(5)) != Err(Status::PermanentRetryExpired) {
        assert!(wall_ns() - begun < 20_000_000_000, "the window does not come");
        request += 1;
    }
    assert_eq!(set(&node, json!({"client.retry_window": "1h"})).0, 200);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(send(&mut raw, request + 1, &[90_001], 10, minutes(5)), Err(Status::PermanentRetryExpired));
    assert_eq!(send(&mut raw, request + 2, &[90_002], 10, wall_ns()), Ok(Outcome::Applied));
    // Keys without effect are refused.
    let (code, said) = set(&node, json!({"lanes.max": 3}));
    assert_eq!(code, 400, "{said}");
    raw.demand_alive();
    node.end(good, 32 << 20);
}
