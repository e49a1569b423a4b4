//! Many connections, and more than was allowed.

use std::time::Instant;

use net_wire::{Outcome, Status};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::good::Good;
use super::node::Node;
use super::raw::{Raw, Said, append, frame, message, numbered};

const MIB: u64 = 1 << 20;

/// 10,000 in a deep run, 500 in an ordinary one.
fn connections() -> usize {
    if std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1") { 10_000 } else { 500 }
}

/// Lets this process, and the node that it starts, open as many files as the system allows.
fn raise_limit_of_files(needed: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    assert!(limit.maximum.is_none_or(|most| most >= needed), "needs {needed} open files; raise ulimit -Hn");
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn thousands_of_connections_leave_the_others_unharmed() {
    let count = connections();
    raise_limit_of_files(count as u64 + 500);
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let begun = Instant::now();
    // A tenth says nothing, the rest shakes hands.
    let mut open: Vec<Raw> = (0..count)
        .map(|at| if at % 10 == 0 { Raw::silent(node.client) } else { Raw::greeted(node.client) })
        .collect();
    let took = begun.elapsed();
    let per_connection = node.grown() / count as u64;
    eprintln!("{count} connections in {took:?}, {per_connection} bytes each");
    assert!(per_connection <= 32 << 10, "{per_connection} bytes for each connection");
    // All of them speak at once.
    for (at, raw) in open.iter_mut().enumerate().filter(|(at, _)| at % 10 != 0) {
        raw.send(&message(at as u64, net_wire::Heartbeat { reply: false, sent_ns: 1 }));
    }
    for (_, raw) in open.iter_mut().enumerate().filter(|(at, _)| at % 10 != 0) {
        while raw.next() != Some(Said::Heartbeat) {}
    }
    drop(open);
    node.wait("the connections are gone", |node| node.connections() == 1);
    record("bad_clients/connections", count as u64);
    node.end(good, (count as u64 * (64 << 10)).max(64 * MIB));
}

#[test]
fn connections_above_the_limit_are_refused_and_those_below_it_go_on() {
    let node = Node::start(&["--connections-max", "20"]);
    let good = Good::start(node.client);
    let mut open: Vec<Raw> = (0..19).map(|_| Raw::greeted(node.client)).collect();
    for _ in 0..30 {
        let mut refused = Raw::silent(node.client);
        refused.try_send(&message(1, super::raw::hello()));
        assert_eq!(refused.next(), None, "there is no room for another one");
    }
    open.iter_mut().for_each(Raw::demand_alive);
    drop(open);
    node.wait("the connections are gone", |node| node.connections() == 1);
    Raw::greeted(node.client).demand_alive();
    node.end(good, 32 * MIB);
}

#[test]
fn a_flood_beyond_the_credits_is_pressed_back() {
    let node = Node::start(&["--inflight-events-max", "64"]);
    let good = Good::start(node.client);
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("events");
    let before = node.partition()["rows_applied"].as_u64().unwrap();
    let count = 5_000;
    let mut bytes = Vec::new();
    for number in 0..count {
        let rows = frame(&stream, number as i64, 1, 100);
        bytes.extend(message(10 + number, append(&stream, &raw.routing, numbered(99, number), &rows)));
    }
    raw.send(&bytes);
    let (mut applied, mut pressed, mut gaps) = (0, 0, 0);
    for _ in 0..count {
        match raw.answer() {
            Some(Said::Ack(_, runs)) if runs == [(1, Outcome::Applied)] => applied += 1,
            Some(Said::Ack(_, runs)) if matches!(runs[..], [(1, Outcome::Rejected(_))]) => gaps += 1,
            Some(Said::Refused(_, Status::TransientBackpressure)) => pressed += 1,
            other => panic!("{other:?}"),
        }
    }
    eprintln!("of {count}: {applied} applied, {pressed} pressed back, {gaps} behind a gap");
    assert!(applied >= 64 && pressed > 0, "all are answered, some are pressed back");
    // The rest is sent as it should be: each row is there once in the end.
    let (mut next, mut under_way) = (applied, 0);
    while next < count || under_way > 0 {
        while under_way < 64 && next < count {
            let rows = frame(&stream, next as i64, 1, 100);
            raw.send(&message(10 + next, append(&stream, &raw.routing, numbered(99, next), &rows)));
            (next, under_way) = (next + 1, under_way + 1);
        }
        assert!(matches!(raw.answer(), Some(Said::Ack(_, runs)) if runs == [(1, Outcome::Applied)]));
        under_way -= 1;
    }
    let told = node.partition()["rows_applied"].as_u64().unwrap();
    assert!(told >= before + count, "{told} rows are applied");
    node.end(good, 48 * MIB);
}

/// Tells a deep run of the check how much was done.
fn record(name: &str, count: u64) {
    use std::io::Write;
    let Ok(path) = std::env::var("CEPTRA_FIGURES") else { return };
    let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
    writeln!(file, "{}", serde_json::json!({"name": name, "count": count})).unwrap();
}
