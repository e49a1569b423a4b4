//! A definition that ends the process, twice at one entry (R-DET-6): it is fenced, and everything else goes on.

use net_wire::{Outcome, Subscribe, Window};
use serde_json::json;

use super::node::Node;
use super::raw::{Raw, Said, append, frame, message, numbered};

const BAD: &str = "CREATE STREAM events (seq BIGINT NOT NULL, payload STRING NOT NULL);\n\
     CREATE STREAM doubled AS SELECT seq * 2 AS seq FROM events;";

fn rows_of(node: &Node, count: i64) -> Vec<i64> {
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("passed");
    let start = net_wire::Start::Earliest;
    let allowed = Window { events: u64::MAX, bytes: u64::MAX };
    let (partition, routing_epoch) = (cep_types::PartitionId(0), raw.routing.epoch);
    raw.send(&message(3, Subscribe { stream: stream.id, partition, routing_epoch, start, allowed }));
    raw.rows_of(count as usize)
}

/// Appends `count` rows from `first` on; what came of them, if the node lived to tell.
fn send(raw: &mut Raw, first: u64, count: i64) -> Option<Vec<(u32, Outcome)>> {
    let stream = raw.stream("events");
    let rows = frame(&stream, first as i64, count, 10);
    raw.send(&message(9, append(&stream, &raw.routing, numbered(5, first), &rows)));
    match raw.answer()? {
        Said::Ack(9, runs) => Some(runs),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_definition_that_ends_the_process_twice_is_fenced_and_the_others_go_on() {
    let mut node = Node::start_with_defect(&[], "bad");
    let mut raw = Raw::open(node.client);
    assert_eq!(send(&mut raw, 0, 10), Some(vec![(10, Outcome::Applied)]));
    node.deploy("bad", BAD);
    let mut raw = Raw::open(node.client);
    assert_eq!(send(&mut raw, 10, 5), None, "the process ends before it can answer");
    node.wait_until_it_ends();
    // The same entry ends it once more, while it is replayed.
    node.start_again();
    node.wait_until_it_ends();
    node.restart();
    let mut raw = Raw::open(node.client);
    // The rows of that entry were logged, and are there once.
    assert_eq!(send(&mut raw, 10, 5), Some(vec![(5, Outcome::Duplicate)]));
    assert_eq!(send(&mut raw, 15, 3), Some(vec![(3, Outcome::Applied)]));
    assert_eq!(rows_of(&node, 18), (0..18).collect::<Vec<_>>());
    node.wait("the fence is known", |node| {
        node.http("GET", "/v1/definitions/bad", None).1["fenced_partitions"] == json!([0])
    });
    assert_eq!(node.http("GET", "/v1/definitions/app", None).1["fenced_partitions"], json!([]));
    let log = node.log_text();
    assert!(log.contains("definition 'bad' is fenced"), "{log}");
    // It stays fenced over another start, and nothing ends any more.
    node.kill();
    node.restart();
    let mut raw = Raw::open(node.client);
    assert_eq!(send(&mut raw, 18, 2), Some(vec![(2, Outcome::Applied)]));
    assert_eq!(rows_of(&node, 20), (0..20).collect::<Vec<_>>());
    assert_eq!(node.http("GET", "/v1/definitions/bad", None).1["fenced_partitions"], json!([0]));
}
