//! Each fault of a message has its own error, and the error says whether the connection goes on.

use net_wire::*;

use crate::fixed::{bytes, established};
use crate::stream::{Heard, hear};

/// Makes the checksums of one message true again, as far as its lengths make sense.
pub fn reseal(message: &mut [u8]) {
    let meta = u32::from_le_bytes(message[12..16].try_into().unwrap()) as usize;
    let total = u32::from_le_bytes(message[8..12].try_into().unwrap()) as usize;
    let bare = (32 + meta).next_multiple_of(8);
    let end = if total == bare { total } else { (32 + meta).next_multiple_of(64) };
    if end <= message.len() {
        let sum = crc32c::crc32c(&message[32..end]);
        message[24..28].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = crc32c::crc32c(&message[..28]);
    message[28..32].copy_from_slice(&sum.to_le_bytes());
}

/// What a server hears when `change` was made to an append, between two heartbeats.
fn heard(change: impl FnOnce(&mut Vec<u8>)) -> Heard {
    let mut append = bytes("append");
    change(&mut append);
    let heartbeat = bytes("heartbeat");
    let stream = [heartbeat.clone(), append, heartbeat].concat();
    hear(&mut established(Side::Server), &stream, || usize::MAX)
}

/// The error in the middle, after which the connection goes on.
fn skipped(change: impl FnOnce(&mut Vec<u8>)) -> WireError {
    let heard = heard(|append| {
        change(append);
        reseal(append);
    });
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[2].is_ok(), "the message behind it is unharmed");
    let error = heard[1].clone().unwrap_err();
    assert!(!error.is_fatal());
    assert_eq!(error.request(), RequestId(3));
    error
}

/// The error that ends the connection.
fn fatal(change: impl FnOnce(&mut Vec<u8>)) -> WireError {
    let heard = heard(change);
    assert_eq!(heard.len(), 2, "{heard:?}");
    let error = heard[1].clone().unwrap_err();
    assert!(error.is_fatal());
    assert_eq!(error.request(), RequestId::NONE);
    error
}

#[test]
fn damage_ends_the_connection() {
    for at in 0..bytes("append").len() {
        let body = bytes("append").len() - crate::fixed::ROW.len();
        if at >= body {
            // The rows have a checksum of their own, which their reader checks.
            let heard = heard(|append| append[at] ^= 0x40);
            assert!(heard.len() == 3 && heard.iter().all(Result::is_ok), "byte {at}");
            continue;
        }
        let error = fatal(|append| append[at] ^= 0x40);
        match at {
            0..4 => assert!(matches!(error, WireError::NotAMessage { .. })),
            4 => assert_eq!(error, WireError::Framing { found: 0x41 }),
            5..32 => assert!(matches!(error, WireError::HeaderChecksum { .. })),
            _ => assert!(matches!(error, WireError::BodyChecksum { kind: Kind::Append, .. })),
        }
    }
}

#[test]
fn lengths_that_contradict_each_other_end_the_connection() {
    let total = u32::try_from(bytes("append").len()).unwrap();
    for (at, value) in
        [(8, 0), (8, total + 1), (8, 32), (8, 64), (12, 0), (12, 7), (12, total), (12, u32::MAX)]
    {
        let error = fatal(|append| {
            append[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let sum = crc32c::crc32c(&append[..28]);
            append[28..32].copy_from_slice(&sum.to_le_bytes());
        });
        assert!(matches!(error, WireError::Lengths { .. }), "{at} {value}: {error}");
        assert_eq!(error.status(), Status::PermanentPayload);
    }
}

#[test]
fn what_is_wrong_inside_a_message_leaves_its_neighbours_alone() {
    let append = Kind::Append;
    let error = skipped(|message| message[6..8].copy_from_slice(&999_u16.to_le_bytes()));
    assert_eq!(error, WireError::Kind { request: RequestId(3), kind: Kind::Other(999) });
    assert_eq!(error.status(), Status::PermanentUnsupported);
    let error = skipped(|message| message[6] = 17);
    assert_eq!(error, WireError::Kind { request: RequestId(3), kind: Kind::Ack });
    let error = skipped(|message| message[5] = 0x81);
    assert_eq!(error, WireError::Flags { request: RequestId(3), kind: append, flags: 0x81 });
    let error = skipped(|message| message[32..40].fill(0xff));
    assert!(matches!(error, WireError::Malformed { kind: Kind::Append, .. }), "{error}");
    assert_eq!(error.status(), Status::PermanentPayload);
    let error = skipped(|message| {
        let meta = u32::from_le_bytes(message[12..16].try_into().unwrap()) as usize;
        assert!(!(32 + meta).is_multiple_of(64), "the example has padding");
        message[32 + meta] = 1;
    });
    assert!(error.to_string().contains("padding"), "{error}");
    let error = skipped(|message| message[6] = 80);
    assert!(error.to_string().contains("rows follow it"), "{error}");
}

#[test]
fn flags_that_may_be_ignored_are() {
    let heard = heard(|append| {
        append[5] = 0x0f;
        reseal(append);
    });
    assert!(heard.len() == 3 && heard.iter().all(Result::is_ok));
}

#[test]
fn a_message_above_the_limit_is_skipped_without_being_held() {
    let mut decoder = Decoder::new(Side::Server);
    decoder.establish(MESSAGE_BYTES_MIN);
    let mut long = bytes("append");
    long.resize(10 << 20, 0);
    long[8..12].copy_from_slice(&(10_u32 << 20).to_le_bytes());
    reseal(&mut long);
    long.extend(bytes("heartbeat"));
    let heard = hear(&mut decoder, &long, || 5000);
    assert_eq!(heard.len(), 2);
    let error = heard[0].clone().unwrap_err();
    let (request, kind) = (RequestId(3), Kind::Append);
    assert_eq!(error, WireError::TooLarge { request, kind, bytes: 10 << 20, max: MESSAGE_BYTES_MIN });
    assert!(!error.is_fatal() && error.status() == Status::PermanentPayload);
    assert!(heard[1].is_ok());
    assert!(decoder.capacity_bytes() <= 2 * READ_BYTES);
}

#[test]
fn before_the_handshake_only_its_messages_are_taken_and_only_short_ones() {
    let alone = |side, name: &str| hear(&mut Decoder::new(side), &bytes(name), || 11).remove(0);
    assert!(alone(Side::Server, "hello").is_ok());
    for name in ["welcome", "error", "goodbye"] {
        assert!(alone(Side::Client, name).is_ok());
        assert!(matches!(alone(Side::Server, name), Err(WireError::Handshake { .. })));
    }
    for name in ["append", "heartbeat", "query", "cancel"] {
        let error = alone(Side::Server, name).unwrap_err();
        assert!(error.is_fatal() && error.status() == Status::PermanentAuth, "{error}");
    }
    let mut long = bytes("hello");
    long[8..12].copy_from_slice(&(HANDSHAKE_BYTES_MAX + 64).to_le_bytes());
    reseal(&mut long);
    let heard = hear(&mut Decoder::new(Side::Server), &long, || usize::MAX);
    assert!(matches!(heard[..], [Err(WireError::Handshake { .. })]));
}

#[test]
fn another_protocol_is_told_by_its_first_bytes() {
    for first in ["GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "X", "CEPF"] {
        let mut decoder = Decoder::new(Side::Server);
        decoder.feed(first.as_bytes());
        assert!(matches!(decoder.next(), Err(WireError::NotAMessage { .. })), "{first:?}");
    }
    let mut decoder = Decoder::new(Side::Server);
    decoder.feed(b"CEP");
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn secrets_are_not_printed() {
    let heard = hear(&mut Decoder::new(Side::Server), &bytes("hello"), || usize::MAX);
    let text = heard[0].clone().unwrap();
    assert!(text.contains("Credentials(Token, 6 bytes)"), "{text}");
    assert!(!text.contains("secret") && !text.contains("115, 101"), "{text}");
}
