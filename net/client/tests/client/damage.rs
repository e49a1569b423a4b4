//! Servers that break the protocol: the connection ends, the client does not.

use net_client::{Client, ClientError, ProducerOptions};
use net_wire::*;

use crate::fake::{Fake, Got, Peer, applied, tables};
use crate::options;

fn encoded<'a>(request: u64, message: impl Into<Message<'a>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::default().encode(RequestId(request), &message.into(), &mut bytes).unwrap();
    bytes
}

fn with_kind(mut bytes: Vec<u8>, kind: u16) -> Vec<u8> {
    bytes[6..8].copy_from_slice(&kind.to_le_bytes());
    let sum = crc32c_of(&bytes[..28]);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// crc32c, bit by bit: slow and obvious.
fn crc32c_of(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

fn ack(runs: &[Run]) -> Ack<'_> {
    Ack { runs: runs.into(), details: Texts::default(), credits: tables::WIDE, failure: None }
}

/// What to say about the append with this request id, which has two rows.
type Wrong = fn(u64) -> Vec<u8>;

const WRONG: &[(&str, Wrong)] = &[
    ("noise", |_| b"this is not a message at all, whatever it is".to_vec()),
    ("an ack of too few rows", |request| encoded(request, ack(&[applied(1, 1)]))),
    ("an ack of too many rows", |request| encoded(request, ack(&[applied(1, 3)]))),
    ("rows applied nowhere", |request| encoded(request, ack(&[Run { place: None, ..applied(1, 2) }]))),
    ("a second Welcome", |request| encoded(request, tables::welcome())),
    ("rows for an append", |request| encoded(request, tables::subscribed(Position::default()))),
    ("an error of the connection", |_| encoded(0, Failure::new(Status::PermanentPayload, "you broke it"))),
    ("a message of the client's", |request| {
        // Hello is known and never comes from a server, so only the kind is answered.
        let mut bytes = with_kind(encoded(request, Cancel), 80);
        bytes.extend_from_slice(b"and then noise");
        bytes
    }),
    ("a damaged header", |request| {
        let mut bytes = encoded(request, ack(&[applied(1, 2)]));
        bytes[20] ^= 1;
        bytes
    }),
    ("a damaged body", |request| {
        let mut bytes = encoded(request, ack(&[applied(1, 2)]));
        bytes[40] ^= 1;
        bytes
    }),
    ("a body of another kind", |request| with_kind(encoded(request, ack(&[applied(1, 2)])), 33)),
    ("half a message, and silence", |request| encoded(request, ack(&[applied(1, 2)]))[..50].to_vec()),
];

#[tokio::test]
async fn whatever_is_said_the_append_gets_through_on_the_next_connection() {
    for (what, wrong) in WRONG {
        let fake = Fake::bind().await;
        let routing = tables::routing(1, &[&fake.address]);
        let (client, mut peer) =
            tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
        let producer = client.unwrap().producer("readings", ProducerOptions::default()).unwrap();
        let pending = producer.append(&tables::rows(0, 2)).await.unwrap();
        let (request, first) = peer.next_append().await;
        peer.send_bytes(&wrong(request.0)).await;
        let mut second = fake.accept_routed(&routing).await;
        let (request, again) = second.next_append().await;
        assert_eq!(again.ids, first.ids, "{what}");
        second.ack(request, &[applied(1, 2)]).await;
        assert!(pending.await.unwrap().is_complete(), "{what}");
    }
}

async fn connected() -> (Client, Peer) {
    let fake = Fake::bind().await;
    let routing = tables::routing(1, &[&fake.address]);
    let (client, peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    (client.unwrap(), peer)
}

#[tokio::test]
async fn kinds_of_later_versions_and_answers_to_nothing_are_skipped() {
    let (client, mut peer) = connected().await;
    peer.send_bytes(&with_kind(encoded(9, Cancel), 999)).await;
    assert_eq!(peer.next().await.unwrap(), (RequestId(9), Got::Error(Status::PermanentUnsupported)));
    peer.send(RequestId(12_345), ack(&[applied(1, 1)])).await;
    peer.send(RequestId(12_345), tables::subscribed(Position::default())).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 2)).await.unwrap();
    let (request, _) = peer.next_append().await;
    peer.ack(request, &[applied(1, 2)]).await;
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn an_error_about_an_append_is_its_answer() {
    let (client, mut peer) = connected().await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 2)).await.unwrap();
    let (request, _) = peer.next_append().await;
    peer.send(request, Failure::new(Status::PermanentPayload, "too long")).await;
    let failed = pending.await.unwrap_err();
    assert!(
        matches!(&failed.error, ClientError::Server(refusal) if refusal.text == "too long"),
        "{failed:?}"
    );
}
