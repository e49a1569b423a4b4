//! Messages that are damaged, forged, too long, or of another version.

use net_wire::{GetRouting, Heartbeat, Query, Status, Versions};

use super::good::Good;
use super::node::Node;
use super::raw::{Raw, Said, append, frame, hello, hello_of, message, numbered, seal};

const MIB: u64 = 1 << 20;

/// Numbers that look random, the same every time.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let byte = |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 32) as u8
    };
    (0..count).map(byte).collect()
}

#[test]
fn random_bytes_end_their_connection_and_no_other() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    for seed in 0..200 {
        let mut before = Raw::silent(node.client);
        before.try_send(&noise(seed, 1 + seed as usize * 37));
        let mut after = Raw::greeted(node.client);
        after.try_send(&noise(seed + 1000, 1 + seed as usize * 37));
        // Fewer than four wrong bytes are enough to be refused; what is right so far is waited for.
        if seed > 0 {
            after.demand_end(0, Status::PermanentPayload);
        }
        drop(before);
    }
    // Noise behind a header that is right: the FlatBuffer does not verify, the connection goes on.
    let mut raw = Raw::greeted(node.client);
    for seed in 0..500 {
        let mut bytes = message(7, GetRouting { known: None });
        bytes.truncate(32);
        bytes.extend(noise(seed, 64));
        bytes[6..8].copy_from_slice(&(1 + seed as u16 % 90).to_le_bytes());
        let length = (bytes.len() as u32).to_le_bytes();
        bytes[8..12].copy_from_slice(&length);
        bytes[12..16].copy_from_slice(&64u32.to_le_bytes());
        seal(&mut bytes);
        raw.send(&bytes);
        match raw.answer() {
            Some(
                Said::Error(
                    7,
                    Status::PermanentPayload | Status::PermanentUnsupported | Status::PermanentAuth,
                )
                | Said::Refused(7, _)
                | Said::Ended(7, _),
            ) => {}
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    raw.demand_alive();
    node.end(good, 32 * MIB);
}

#[test]
fn truncated_and_damaged_messages_have_a_clear_status() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    // Cut off anywhere: the node takes nothing of it.
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("events");
    let rows = frame(&stream, 0, 3, 10);
    let whole = message(9, append(&stream, &raw.routing, numbered(7, 0), &rows));
    for cut in (1..whole.len()).step_by(23) {
        let mut raw = Raw::greeted(node.client);
        raw.send(&whole[..cut]);
        raw.finish();
        assert_eq!(raw.answer(), None, "cut at {cut}");
    }
    // A checksum of the message is wrong: damaged on the way, and nothing behind it can be trusted.
    for at in [29, 25, 40] {
        let mut raw = Raw::greeted(node.client);
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        raw.send(&bytes);
        raw.demand_end(0, Status::TransientRetry);
    }
    // One in the rows is told apart: the same may be sent again.
    let mut bytes = whole.clone();
    let last = bytes.len() - 70;
    bytes[last] ^= 1;
    raw.send(&bytes);
    assert_eq!(raw.answer(), Some(Said::Refused(9, Status::TransientRetry)));
    raw.send(&whole);
    assert!(matches!(raw.answer(), Some(Said::Ack(9, _))));
    // An unknown kind and flags that must be understood.
    for (at, value) in [(6, 250), (5, 0x80)] {
        let mut bytes = whole.clone();
        bytes[at] = value;
        seal(&mut bytes);
        raw.send(&bytes);
        assert_eq!(raw.answer(), Some(Said::Error(9, Status::PermanentUnsupported)));
    }
    // A farewell ends the connection; a query that is none does not.
    raw.send(&message(11, net_wire::Goodbye { failure: net_wire::Failure::none(), drain_ms: 0 }));
    assert_eq!(raw.answer(), None, "Goodbye ends the connection");
    let mut raw = Raw::greeted(node.client);
    let query = Query {
        sql: "SELECT FROM WHERE",
        space: "",
        partition: None,
        rows_max: 1,
        timeout_ms: 0,
        parameters: &[],
    };
    raw.send(&message(12, query));
    assert_eq!(raw.answer(), Some(Said::Ended(12, Status::PermanentQuery)));
    raw.demand_alive();
    node.end(good, 32 * MIB);
}

#[test]
fn the_handshake_is_demanded_and_versions_are_named() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let mut raw = Raw::silent(node.client);
    raw.send(&message(3, Heartbeat { reply: false, sent_ns: 0 }));
    assert!(matches!(raw.answer(), Some(Said::Error(_, Status::PermanentAuth))));
    assert_eq!(raw.answer(), None);
    let mut raw = Raw::silent(node.client);
    raw.send(&message(4, hello_of(Versions { min: 77, max: 99 })));
    raw.demand_end(4, Status::PermanentVersion);
    let mut raw = Raw::silent(node.client);
    let mut bytes = message(5, hello());
    bytes[4] = 2;
    seal(&mut bytes);
    raw.send(&bytes);
    assert!(matches!(
        raw.answer(),
        Some(Said::Error(0, Status::PermanentPayload | Status::PermanentVersion))
    ));
    assert_eq!(raw.answer(), None);
    // A second Hello is refused, and the connection goes on.
    let mut raw = Raw::greeted(node.client);
    raw.send(&message(6, hello()));
    assert_eq!(raw.answer(), Some(Said::Error(6, Status::PermanentUnsupported)));
    raw.demand_alive();
    node.end(good, 32 * MIB);
}

#[test]
fn oversized_messages_are_skipped_without_being_kept() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    // Above what the node takes: refused by its header, the connection goes on behind it.
    let mut raw = Raw::open(node.client);
    let stream = raw.stream("events");
    let rows = frame(&stream, 0, 20, 1 << 20);
    let bytes = message(9, append(&stream, &raw.routing, numbered(8, 0), &rows));
    assert!(bytes.len() > 16 << 20);
    raw.send(&bytes);
    assert_eq!(raw.answer(), Some(Said::Error(9, Status::PermanentPayload)));
    raw.demand_alive();
    // One event above the limit for events, in a message that is not too long.
    let rows = frame(&stream, 0, 1, (1 << 20) + 1);
    raw.send(&message(10, append(&stream, &raw.routing, numbered(8, 0), &rows)));
    assert_eq!(raw.answer(), Some(Said::Refused(10, Status::PermanentPayload)));
    raw.demand_alive();
    // 4 GiB are announced by 100 connections, and do not come.
    let mut header = message(11, GetRouting { known: None });
    header.truncate(32);
    header[8..12].copy_from_slice(&0xffff_fff8u32.to_le_bytes());
    let sum = crc32c::crc32c(&header[..28]);
    header[28..32].copy_from_slice(&sum.to_le_bytes());
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut raw = Raw::greeted(node.client);
        raw.send(&header);
        raw.send(&[0; 1000]);
        waiting.push(raw);
    }
    // A Hello that is longer than a Hello may be.
    let mut raw = Raw::silent(node.client);
    let long = "x".repeat(20 << 10);
    raw.send(&message(12, net_wire::Hello { client: &long, ..hello() }));
    assert!(matches!(raw.answer(), Some(Said::Error(_, Status::PermanentAuth))));
    assert_eq!(raw.answer(), None);
    node.end(good, 48 * MIB);
}
