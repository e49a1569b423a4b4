//! Connections that dawdle: a byte now and then, half-closed, nothing read.

use std::time::{Duration, Instant};

use cep_types::PartitionId;
use net_wire::{GetRouting, Outcome, Start, Status, Subscribe, Window};

use super::good::Good;
use super::node::Node;
use super::raw::{Raw, Said, append, frame, hello, message, numbered};

const MIB: u64 = 1 << 20;

#[test]
fn a_byte_now_and_then_before_hello_is_given_up() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let hello = message(1, hello());
    let mut slow: Vec<Raw> = (0..50).map(|_| Raw::silent(node.client)).collect();
    let begun = Instant::now();
    for byte in hello.iter().take(40) {
        for raw in &mut slow {
            let _ = raw.try_send(&[*byte]);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    for raw in &mut slow {
        raw.demand_end(0, Status::PermanentAuth);
    }
    assert!(begun.elapsed() < Duration::from_secs(12), "10 s are the limit of the protocol");
    node.wait("the connections are gone", |node| node.connections() == 1);
    node.end(good, 32 * MIB);
}

#[test]
fn a_byte_now_and_then_within_a_message_holds_up_nobody() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut slow: Vec<Raw> = (0..50).map(|_| Raw::open(node.client)).collect();
    let stream = slow[0].stream("events");
    let rows = frame(&stream, 0, 2, 1000);
    let messages: Vec<Vec<u8>> = (0..slow.len() as u64)
        .map(|at| message(9, append(&stream, &slow[0].routing, numbered(1000 + at, 0), &rows)))
        .collect();
    let length = messages[0].len();
    for at in 0..60 {
        for (raw, bytes) in slow.iter_mut().zip(&messages) {
            raw.send(&bytes[at..=at]);
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    // Slow is not wrong: what gets on in the end is taken.
    for (raw, bytes) in slow.iter_mut().zip(&messages) {
        raw.send(&bytes[60..length]);
        assert_eq!(raw.answer(), Some(Said::Ack(9, vec![(2, Outcome::Applied)])));
    }
    node.end(good, 32 * MIB);
}

#[test]
fn a_message_that_does_not_get_on_is_given_up() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut raw = Raw::greeted(node.client);
    raw.send(&message(9, GetRouting { known: None })[..33]);
    let begun = Instant::now();
    while raw.next().is_some() {}
    let took = begun.elapsed();
    // Three heartbeats of 5 s, and one to look.
    assert!((14..26).contains(&took.as_secs()), "{took:?}");
    node.end(good, 32 * MIB);
}

#[test]
fn a_half_closed_connection_gets_its_answers() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    for producer in 0..50 {
        let mut raw = Raw::open(node.client);
        let stream = raw.stream("events");
        for first in 0..20 {
            let rows = frame(&stream, first, 1, 10);
            raw.send(&message(
                9 + first as u64,
                append(&stream, &raw.routing, numbered(500 + producer, first as u64), &rows),
            ));
        }
        raw.finish();
        for first in 0..20 {
            assert_eq!(raw.answer(), Some(Said::Ack(9 + first, vec![(1, Outcome::Applied)])));
        }
        assert_eq!(raw.answer(), None);
    }
    // Gone without a word, appends under way: they are applied or not, nobody waits for it.
    for producer in 0..50 {
        let mut raw = Raw::open(node.client);
        let stream = raw.stream("events");
        let rows = frame(&stream, 0, 100, 100);
        raw.send(&message(9, append(&stream, &raw.routing, numbered(800 + producer, 0), &rows)));
        drop(raw);
    }
    node.wait("the connections are gone", |node| node.connections() == 1);
    node.end(good, 32 * MIB);
}

#[test]
fn answers_that_nobody_reads_do_not_pile_up() {
    let node = Node::start(&["--retain-bytes", "33554432"]);
    // A routing table of some size.
    let streams: String =
        (0..150).map(|at| format!("CREATE STREAM s{at} (a BIGINT, b STRING, c DOUBLE);\n")).collect();
    node.deploy("streams", &streams);
    let good = Good::start(node.client);
    let mut raw = Raw::open(node.client);
    let table_bytes = message(2, raw.routing.clone()).len();
    assert!(table_bytes > 10_000, "{table_bytes}");
    // Thousands of times that are asked for at once, and not read.
    let asked: Vec<u8> = (0..4000).flat_map(|at| message(100 + at, GetRouting { known: None })).collect();
    let mut asking: Vec<Raw> = (0..4).map(|_| Raw::greeted(node.client)).collect();
    for raw in &mut asking {
        raw.set_patience(Duration::from_secs(1));
        raw.try_send(&asked);
    }
    // Rows of many subscriptions, and not read.
    let (events, passed) = (raw.stream("events"), raw.stream("passed"));
    for at in 0..20 {
        let rows = frame(&events, at * 1000, 1000, 1000);
        raw.send(&message(9, append(&events, &raw.routing, numbered(77, at as u64 * 1000), &rows)));
        assert_eq!(raw.answer(), Some(Said::Ack(9, vec![(1000, Outcome::Applied)])));
    }
    let retained = node.grown();
    let wanted = Subscribe {
        stream: passed.id,
        partition: PartitionId(0),
        routing_epoch: raw.routing.epoch,
        start: Start::Earliest,
        allowed: Window { events: u64::MAX, bytes: u64::MAX },
    };
    let subscribing: Vec<u8> = (0..300).flat_map(|at| message(5000 + at, wanted)).collect();
    let mut greedy = Raw::greeted(node.client);
    greedy.send(&subscribing);
    std::thread::sleep(Duration::from_secs(2));
    let grown = node.grown();
    assert!(grown < retained + 48 * MIB, "from {} to {} MiB", retained >> 20, grown >> 20);
    node.end(good, 160 * MIB);
}
