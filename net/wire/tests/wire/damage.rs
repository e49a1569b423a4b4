//! Noise and damage: never a panic, never more memory than allowed, and what is read can be written.

use net_wire::{Decoder, Encoder, Kind, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN, READ_BYTES, RequestId, Side};

use crate::cases::{self, Random};
use crate::fixed::{encoded, receiver};
use crate::framing::reseal;
use crate::sample::Store;
use crate::stream::hear;

/// One random change.
fn damage(random: &mut Random, bytes: &mut Vec<u8>, from: usize) {
    let len = bytes.len();
    if len <= from {
        return;
    }
    let at = from + random.below(len - from);
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.bits() as u8,
        2 => {
            let at = at / 4 * 4;
            let value = *random.pick(&[0, 1, 4, 0xff, 0xffff, u32::MAX, 1 << 31, i32::MAX as u32]);
            let end = len.min(at + 4);
            bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        }
        3 => {
            let to = from + random.below(len - from);
            let count = random.below(40).min(len - at).min(len - to);
            bytes.copy_within(at..at + count, to);
        }
        4 => bytes.truncate(at),
        _ => bytes.splice(at..at, (0..random.below(20)).map(|_| 0x43)).for_each(drop),
    }
}

fn decoder(side: Side) -> Decoder {
    let mut decoder = Decoder::new(side);
    decoder.establish(MESSAGE_BYTES_MIN);
    decoder
}

#[test]
fn a_damaged_stream_gives_errors_and_nothing_else() {
    cases::each(600, |random| {
        let side = *random.pick(&[Side::Client, Side::Server]);
        let mut stream = Vec::new();
        for _ in 0..1 + random.below(6) {
            let store = Store::new(random);
            let details = store.details();
            let message = store.message(*random.pick(Kind::NAMED), &details, random);
            stream.extend(encoded(random.bits(), &message));
        }
        for _ in 0..1 + random.below(4) {
            damage(random, &mut stream, 0);
        }
        let mut decoder = decoder(side);
        let largest = 1 + random.below(3000);
        hear(&mut decoder, &stream, || largest);
        assert!(decoder.capacity_bytes() <= MESSAGE_BYTES_MIN as usize + READ_BYTES);
    });
}

#[test]
fn noise_is_refused_at_its_first_bytes() {
    cases::each(600, |random| {
        let mut noise: Vec<u8> = (0..random.below(3000)).map(|_| random.bits() as u8).collect();
        if random.one_in(2) && noise.len() > 32 {
            // With a true header noise gets as far as the body.
            noise[..5].copy_from_slice(b"CEPW\x01");
            let kind = random.pick(Kind::NAMED).code();
            noise[6..8].copy_from_slice(&kind.to_le_bytes());
            let total = noise.len() / 8 * 8;
            noise[8..12].copy_from_slice(&(total as u32).to_le_bytes());
            noise[12..16].copy_from_slice(&((total - 32) as u32).to_le_bytes());
            reseal(&mut noise);
        }
        let side = *random.pick(&[Side::Client, Side::Server]);
        hear(&mut decoder(side), &noise, || 1 + random.below(500));
    });
}

/// Damage under true checksums: what the checks behind them are for.
#[test]
fn what_is_read_from_a_forged_message_can_be_written_and_read_again() {
    let (mut tried, mut read) = (0, 0);
    cases::each(3_000, |random| {
        tried += 1;
        let store = Store::new(random);
        let details = store.details();
        let kind = *random.pick(Kind::NAMED);
        let message = store.message(kind, &details, random);
        let mut bytes = encoded(1, &message);
        let meta = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        let mut forged = bytes[..32 + meta].to_vec();
        for _ in 0..1 + random.below(3) {
            damage(random, &mut forged, 32);
        }
        forged.resize(32 + meta, 0);
        bytes[..32 + meta].copy_from_slice(&forged);
        reseal(&mut bytes);
        let mut first = Decoder::new(receiver(kind));
        first.establish(MESSAGE_BYTES_MAX);
        if !swallow(&mut first, &bytes) {
            return;
        }
        let Ok(Some(envelope)) = first.next() else { return };
        read += 1;
        let mut again = Vec::new();
        Encoder::new(MESSAGE_BYTES_MAX).encode(RequestId(1), &envelope.message, &mut again).unwrap();
        let mut second = Decoder::new(receiver(kind));
        second.establish(MESSAGE_BYTES_MAX);
        assert!(swallow(&mut second, &again));
        assert_eq!(second.next(), Ok(Some(envelope)));
    });
    assert!(tried < 100 || (tried / 10..tried * 9 / 10).contains(&read), "{read} of {tried} were readable");
}

/// Feeds one message whole; false when it is refused on the way.
fn swallow(decoder: &mut Decoder, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        if decoder.next() != Ok(None) {
            return false;
        }
        bytes = &bytes[decoder.feed(bytes)..];
    }
    true
}
