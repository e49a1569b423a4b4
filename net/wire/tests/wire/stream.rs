//! A byte stream is cut into the same messages however it arrives, and costs the memory it may.

use net_wire::{Decoder, Kind, READ_BYTES, Side, WireError};

use crate::cases::{self, Random};
use crate::fixed::{bytes, encoded, established};
use crate::sample::Store;

/// What came out of a decoder: messages as text, errors as they are. Ends with a fatal error.
pub type Heard = Vec<Result<String, WireError>>;

/// Takes all messages that are there; false after a fatal error.
pub fn listen(decoder: &mut Decoder, heard: &mut Heard) -> bool {
    loop {
        let (entry, goes_on) = match decoder.next() {
            Ok(None) => return true,
            Ok(Some(envelope)) => (Ok(format!("{envelope:?}")), true),
            Err(error) => {
                let goes_on = !error.is_fatal();
                (Err(error), goes_on)
            }
        };
        heard.push(entry);
        if !goes_on {
            let again = decoder.next().map(|_| ()).unwrap_err();
            assert_eq!(heard.last(), Some(&Err(again)), "a fatal error stays");
            return false;
        }
    }
}

/// Feeds `bytes` in pieces of `piece()` bytes.
pub fn hear(decoder: &mut Decoder, mut bytes: &[u8], mut piece: impl FnMut() -> usize) -> Heard {
    let mut heard = Vec::new();
    while !bytes.is_empty() {
        let taken = decoder.feed(&bytes[..piece().clamp(1, bytes.len())]);
        assert!(taken > 0, "a drained decoder has room");
        bytes = &bytes[taken..];
        if !listen(decoder, &mut heard) {
            break;
        }
    }
    heard
}

/// A stream of messages that a server receives; some are malformed but of known length.
fn any_stream(random: &mut Random) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..1 + random.below(12) {
        let store = Store::new(random);
        let details = store.details();
        let kind = *random.pick(Kind::NAMED);
        stream.extend(encoded(random.bits(), &store.message(kind, &details, random)));
    }
    stream
}

#[test]
fn pieces_of_any_size_give_the_same_messages() {
    cases::each(400, |random| {
        let stream = any_stream(random);
        let mut whole = established(Side::Server);
        let expected = hear(&mut whole, &stream, || usize::MAX);
        assert!(expected.iter().all(|entry| !matches!(entry, Err(error) if error.is_fatal())));
        let largest = [1, 3, 40, 700, 9000, 70_000][random.below(6)];
        let mut decoder = established(Side::Server);
        let heard = hear(&mut decoder, &stream, || 1 + random.below(largest));
        assert_eq!(heard, expected);
        assert_eq!(decoder.pending(), None);
    });
}

#[test]
fn reading_into_the_room_is_feeding() {
    cases::each(100, |random| {
        let stream = any_stream(random);
        let expected = hear(&mut established(Side::Server), &stream, || usize::MAX);
        let (mut decoder, mut heard, mut rest) = (established(Side::Server), Vec::new(), stream.as_slice());
        while !rest.is_empty() {
            let room = decoder.room();
            let count = room.len().min(rest.len()).min(1 + random.below(5000));
            room[..count].copy_from_slice(&rest[..count]);
            decoder.advance(count);
            rest = &rest[count..];
            listen(&mut decoder, &mut heard);
        }
        assert_eq!(heard, expected);
    });
}

#[test]
fn a_slow_sender_holds_no_more_than_twice_what_it_sent() {
    let mut large = bytes("append");
    // A header that announces 4 MiB, true checksums, and then one byte at a time.
    large[8..12].copy_from_slice(&(4_u32 << 20).to_le_bytes());
    crate::framing::reseal(&mut large);
    let mut decoder = established(Side::Server);
    let mut sent = 0;
    for at in 0..300_000_usize {
        let byte = large.get(at).copied().unwrap_or_default();
        sent += decoder.feed(&[byte]);
        assert_eq!(decoder.next(), Ok(None));
        assert!(
            decoder.capacity_bytes() <= (2 * sent).max(READ_BYTES),
            "{} for {sent}",
            decoder.capacity_bytes()
        );
    }
    assert_eq!(decoder.pending(), Some((300_000, 4 << 20)));
}

#[test]
fn memory_is_bounded_by_the_longest_message_and_given_back() {
    let max = 200_000_u32;
    let mut decoder = Decoder::new(Side::Server);
    decoder.establish(max);
    let mut long = bytes("query");
    long[8..12].copy_from_slice(&max.next_multiple_of(64).wrapping_sub(64).to_le_bytes());
    crate::framing::reseal(&mut long);
    long.resize((max.next_multiple_of(64) - 64) as usize, 0);
    let stream = [long.clone(), long].concat();
    hear(&mut decoder, &stream, || 1 << 20);
    assert!(decoder.capacity_bytes() <= max as usize + READ_BYTES, "{}", decoder.capacity_bytes());
    assert!(decoder.capacity_bytes() >= max as usize - 64);
    decoder.trim();
    assert_eq!(decoder.capacity_bytes(), 0);
    let heartbeat = bytes("heartbeat");
    assert_eq!(hear(&mut decoder, &heartbeat, || 7).len(), 1);
}

#[test]
fn nothing_is_taken_while_a_whole_message_waits() {
    let stream = bytes("heartbeat").repeat(2_000);
    let mut decoder = established(Side::Server);
    let mut taken = 0;
    loop {
        match decoder.feed(&stream[taken..]) {
            0 => break,
            count => taken += count,
        }
    }
    assert!(taken < stream.len(), "a decoder that nobody reads from stops taking");
    let mut heard = Vec::new();
    assert!(listen(&mut decoder, &mut heard));
    heard.extend(hear(&mut decoder, &stream[taken..], || usize::MAX));
    assert_eq!(heard.len(), 2_000);
}
