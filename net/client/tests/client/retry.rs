//! Appends that fail and are sent again.

use std::time::Duration;

use net_client::{Client, ClientError, ProducerOptions, RowOutcome, Status};
use net_wire::Failure;
use tokio::time::Instant;

use crate::fake::cluster::{Cluster, Fate};
use crate::fake::{Fake, GotIds, Peer, applied, tables};
use crate::{connect, options};

async fn connected() -> (Client, Peer, Fake) {
    let fake = Fake::bind().await;
    let routing = tables::routing(1, &[&fake.address]);
    let (client, peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    (client.unwrap(), peer, fake)
}

#[tokio::test]
async fn after_a_lost_connection_the_same_rows_come_with_the_same_ids() {
    let cluster = Cluster::start(1, 1).await;
    let mut count = 0;
    cluster.fail(move |_| {
        count += 1;
        if count == 5 { Fate::CutAfter } else { Fate::Apply }
    });
    cluster.state().ack_delay = Duration::from_millis(20);
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    for append in 0..8 {
        pending.push(producer.append(&tables::rows(append * 10, 10)).await.unwrap());
    }
    for one in pending {
        assert!(one.await.unwrap().is_complete());
    }
    let state = cluster.stop().await;
    let state = state.lock().unwrap();
    assert_eq!(state.logs[&0].applied, (0..80).collect::<Vec<i64>>());
    assert!(state.connections == 2 && state.logs[&0].duplicates >= 10 && state.logs[&0].gaps == 0);
    for (_, append) in &state.appends {
        let same = state.appends.iter().filter(|(_, other)| other.ids == append.ids);
        for (_, other) in same {
            assert_eq!((other.first_sent_ns, &other.frame), (append.first_sent_ns, &append.frame));
        }
    }
}

#[tokio::test]
async fn transient_statuses_are_tried_again_after_the_time_the_server_asks_for() {
    let (client, mut peer, _fake) = connected().await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 2)).await.unwrap();
    let (mut request, first) = peer.next_append().await;
    let unknown = Status::Other(200);
    for status in [Status::TransientWarmup, Status::TransientRetry, Status::TransientBackpressure, unknown] {
        let began = Instant::now();
        let failure = Failure { retry_after_ms: 80, ..Failure::new(status, "not now") };
        peer.refuse(request, failure).await;
        let (again, append) = peer.next_append().await;
        assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
        assert_ne!(again, request);
        assert_eq!((append.ids, append.first_sent_ns), (first.ids.clone(), first.first_sent_ns));
        request = again;
    }
    peer.ack(request, &[applied(1, 2)]).await;
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn when_one_fails_all_behind_it_are_sent_again_in_order() {
    let (client, mut peer, _fake) = connected().await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    for append in 0..4 {
        pending.push(producer.append(&tables::rows(append, 1)).await.unwrap());
    }
    let mut requests = Vec::new();
    for _ in 0..4 {
        requests.push(peer.next_append().await.0);
    }
    peer.ack(requests[0], &[applied(1, 1)]).await;
    peer.refuse(requests[1], Failure::new(Status::TransientRetry, "no leader")).await;
    // Until the others are answered nothing may come.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = producer.append(&tables::rows(4, 1)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), peer.next_ever()).await.is_err());
    for request in &requests[2..] {
        peer.refuse(*request, Failure::new(Status::TransientRetry, "no leader")).await;
    }
    for expected in 1..5 {
        let (request, append) = peer.next_append().await;
        assert_eq!(tables::opened(&append.frame)[0].0, expected);
        assert!(matches!(append.ids, GotIds::Sequence(_, first) if first == expected as u64));
        peer.ack(request, &[applied(2, 1)]).await;
    }
    for one in pending.into_iter().chain([late]) {
        assert!(one.await.unwrap().is_complete());
    }
}

#[tokio::test]
async fn an_append_ends_at_its_deadline_and_says_what_went_wrong() {
    let cluster = Cluster::start(1, 1).await;
    cluster.fail(|_| Fate::Refuse(Status::TransientWarmup));
    let client = connect(&cluster).await;
    let options = ProducerOptions { timeout: Some(Duration::from_millis(400)), ..ProducerOptions::default() };
    let producer = client.producer("readings", options).unwrap();
    let began = Instant::now();
    let failed = producer.append(&tables::rows(0, 3)).await.unwrap().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let text = failed.to_string();
    assert!(text.contains("400ms") && text.contains("TransientWarmup: as the test says"), "{text}");
    assert_eq!((failed.receipt.rows().len(), failed.receipt.applied()), (3, 0));
    for row in failed.receipt.rows() {
        assert!(matches!(row, RowOutcome::Failed { maybe_applied: false, .. }), "{row:?}");
    }
    assert!(cluster.state().appends.len() > 2);
    // What comes later is not held up by the numbers that were given up.
    cluster.fail(|_| Fate::Apply);
    assert!(producer.append(&tables::rows(3, 3)).await.unwrap().await.unwrap().is_complete());
    assert_eq!(cluster.state().logs[&0].applied, [3, 4, 5]);
}

#[tokio::test]
async fn the_server_is_told_how_long_it_may_take() {
    let (client, mut peer, _fake) = connected().await;
    let options = ProducerOptions { timeout: Some(Duration::from_secs(2)), ..ProducerOptions::default() };
    let producer = client.producer("readings", options).unwrap();
    let _pending = producer.append(&tables::rows(0, 1)).await.unwrap();
    let (_, append) = peer.next_append().await;
    assert!((1_000..=2_000).contains(&append.timeout_ms), "{}", append.timeout_ms);
    assert_eq!(append.epoch.0, 1);
}

#[tokio::test]
async fn a_server_that_beats_and_never_answers_is_left() {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.timeouts.ack = Duration::from_millis(300);
    let routing = tables::routing(1, &[&fake.address]);
    let (client, mut peer) = tokio::join!(Client::connect(options), fake.accept_routed(&routing));
    let producer = client.unwrap().producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 1)).await.unwrap();
    peer.next_append().await;
    let stuck = tokio::spawn(async move { while peer.next().await.is_some() {} });
    let mut second = fake.accept_routed(&routing).await;
    stuck.await.unwrap();
    let (request, _) = second.next_append().await;
    second.ack(request, &[applied(1, 1)]).await;
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn a_dropped_receipt_does_not_drop_the_rows() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    drop(producer.append(&tables::rows(0, 2)).await.unwrap());
    client.close().await.unwrap();
    assert_eq!(cluster.state().logs[&0].applied, [0, 1]);
    assert_eq!(producer.append(&tables::rows(0, 2)).await.err(), Some(ClientError::Closed));
}
