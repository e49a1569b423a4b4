//! Connections that are quiet, silent, or ending.

use std::time::Duration;

use net_client::{Client, ClientError, ProducerOptions};
use net_wire::*;
use tokio::time::Instant;

use crate::fake::{Fake, Got, applied, tables};
use crate::options;

async fn connected(fake: &Fake) -> (Client, crate::fake::Peer) {
    let routing = tables::routing(1, &[&fake.address]);
    let (client, peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    (client.unwrap(), peer)
}

#[tokio::test]
async fn a_quiet_client_beats_and_answers() {
    let fake = Fake::bind().await;
    let (_client, mut peer) = connected(&fake).await;
    peer.answers_heartbeats = false;
    let (request, got) = peer.next().await.unwrap();
    let Got::Heartbeat(Heartbeat { reply: false, .. }) = got else { panic!("{got:?}") };
    assert_ne!(request, RequestId::NONE);
    peer.send(RequestId(77), Heartbeat { reply: false, sent_ns: 5 }).await;
    let answer = Got::Heartbeat(Heartbeat { reply: true, sent_ns: 5 });
    assert_eq!(peer.next().await.unwrap(), (RequestId(77), answer));
}

#[tokio::test]
async fn a_silent_server_is_left_and_its_appends_go_elsewhere() {
    let fake = Fake::bind().await;
    let (client, mut peer) = connected(&fake).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let began = Instant::now();
    let pending = producer.append(&tables::rows(0, 3)).await.unwrap();
    let (_, first) = peer.next_append().await;
    // Nothing more is said on the first connection; the second one answers.
    let routing = tables::routing(1, &[&fake.address]);
    let mut second = fake.accept_routed(&routing).await;
    assert!(began.elapsed() >= Duration::from_millis(4_500), "three heartbeats of silence");
    let (request, again) = second.next_append().await;
    assert_eq!((again.ids, again.first_sent_ns, again.frame), (first.ids, first.first_sent_ns, first.frame));
    second.ack(request, &[applied(1, 3)]).await;
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn goodbye_lets_answers_come_and_sends_nothing_new() {
    let fake = Fake::bind().await;
    let (client, mut peer) = connected(&fake).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let before = producer.append(&tables::rows(0, 1)).await.unwrap();
    let (request, _) = peer.next_append().await;
    peer.send(RequestId::NONE, Goodbye { failure: Failure::none(), drain_ms: 5_000 }).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let after = producer.append(&tables::rows(1, 1)).await.unwrap();
    peer.ack(request, &[applied(1, 1)]).await;
    assert!(before.await.unwrap().is_complete());
    let routing = tables::routing(1, &[&fake.address]);
    let mut second = fake.accept_routed(&routing).await;
    let (request, append) = second.next_append().await;
    assert_eq!(tables::opened(&append.frame)[0].0, 1);
    second.ack(request, &[applied(2, 1)]).await;
    assert!(after.await.unwrap().is_complete());
    assert_eq!(peer.next().await, None, "the drained connection is closed, and nothing came on it");
}

#[tokio::test]
async fn close_waits_for_acks_and_says_goodbye() {
    let fake = Fake::bind().await;
    let (client, mut peer) = connected(&fake).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 1)).await.unwrap();
    let (request, _) = peer.next_append().await;
    let closing = tokio::spawn(client.close());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!closing.is_finished());
    assert_eq!(producer.append(&tables::rows(1, 1)).await.err(), Some(ClientError::Closed));
    peer.ack(request, &[applied(1, 1)]).await;
    assert_eq!(peer.next().await.map(|(_, got)| got), Some(Got::Goodbye));
    assert_eq!(peer.next().await, None);
    closing.await.unwrap().unwrap();
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn close_gives_up_what_is_never_answered() {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.timeouts.drain = Duration::from_millis(100);
    let routing = tables::routing(1, &[&fake.address]);
    let (client, mut peer) = tokio::join!(Client::connect(options), fake.accept_routed(&routing));
    let client = client.unwrap();
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 1)).await.unwrap();
    peer.next_append().await;
    assert!(matches!(client.close().await, Err(ClientError::Timeout { .. })));
    let failed = pending.await.unwrap_err();
    assert!(matches!(failed.receipt.rows(), [net_client::RowOutcome::Failed { maybe_applied: true, .. }]));
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connections() {
    let fake = Fake::bind().await;
    let (client, mut peer) = connected(&fake).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    drop(client);
    let _pending = producer.append(&tables::rows(0, 1)).await.unwrap();
    peer.next_append().await;
    drop(producer);
    assert_eq!(peer.next().await, None);
}
