//! Credit windows: the servers of [`Cluster`] fail the test when one is overrun.

use std::time::Duration;

use net_client::{Client, ClientError, ProducerOptions, Window};
use net_wire::{Ack, Credits, Texts, Welcome};
use tokio::time::{Instant, timeout};

use crate::fake::cluster::Cluster;
use crate::fake::{Fake, Peer, applied, tables};
use crate::{connect, options};

#[tokio::test]
async fn no_more_is_under_way_than_rows_and_bytes_allow() {
    let bytes = tables::frame(tables::READINGS, 0, 10).len() as u64;
    for (window, at_once) in [
        (Window { events: 35, bytes: 1 << 30 }, 3),
        (Window { events: 1 << 30, bytes: bytes * 4 + 1 }, 4),
        (Window { events: 1, bytes: 1 }, 1),
    ] {
        let cluster = Cluster::start(1, 1).await;
        cluster.state().window = window;
        cluster.state().ack_delay = Duration::from_millis(3);
        let client = connect(&cluster).await;
        let producer = client.producer("readings", ProducerOptions::default()).unwrap();
        let mut pending = Vec::new();
        for append in 0..30 {
            pending.push(producer.append(&tables::rows(append * 10, 10)).await.unwrap());
        }
        for one in pending {
            assert!(one.await.unwrap().is_complete());
        }
        let state = cluster.stop().await;
        let state = state.lock().unwrap();
        assert_eq!((state.most_under_way, state.appends.len(), state.connections), (at_once, 30, 1));
    }
}

async fn connected(window: Window) -> (Client, Peer) {
    let fake = Fake::bind().await;
    let options = options(&[&fake.address]);
    let welcome = Welcome { credits: window, ..tables::welcome() };
    let server = async {
        let mut peer = fake.accept_with(&welcome).await;
        let (request, _) = peer.next().await.unwrap();
        peer.send(request, tables::routing(1, &[&fake.address])).await;
        peer
    };
    let (client, peer) = tokio::join!(Client::connect(options), server);
    (client.unwrap(), peer)
}

async fn is_quiet(peer: &mut Peer, time: Duration) -> bool {
    timeout(time, peer.next_ever()).await.is_err()
}

#[tokio::test]
async fn a_shut_window_is_opened_by_credits() {
    let shut = Window { events: 0, bytes: 0 };
    let (client, mut peer) = connected(shut).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let first = producer.append(&tables::rows(0, 4)).await.unwrap();
    let second = producer.append(&tables::rows(4, 4)).await.unwrap();
    assert!(is_quiet(&mut peer, Duration::from_millis(300)).await);
    let partition = net_client::PartitionId(0);
    let credits =
        |events| Credits { space: tables::SPACE, partition, credits: Window { events, bytes: 1 << 20 } };
    peer.send(net_wire::RequestId::NONE, credits(4)).await;
    let (one, _) = peer.next_append().await;
    assert!(is_quiet(&mut peer, Duration::from_millis(100)).await, "4 rows are all that is allowed");
    // The newest number holds, without any ack.
    peer.send(net_wire::RequestId::NONE, credits(8)).await;
    let (two, _) = peer.next_append().await;
    peer.ack(one, &[applied(1, 4)]).await;
    peer.ack(two, &[applied(2, 4)]).await;
    assert!(first.await.unwrap().is_complete() && second.await.unwrap().is_complete());
}

#[tokio::test]
async fn a_shut_window_is_tried_with_a_single_append_after_a_second() {
    let (client, mut peer) = connected(Window { events: 0, bytes: 0 }).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let began = Instant::now();
    let first = producer.append(&tables::rows(0, 1)).await.unwrap();
    let second = producer.append(&tables::rows(1, 1)).await.unwrap();
    let (request, _) = peer.next_append().await;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(is_quiet(&mut peer, Duration::from_millis(200)).await);
    peer.ack(request, &[applied(1, 1)]).await;
    assert!(first.await.unwrap().is_complete());
    let (request, _) = peer.next_append().await;
    peer.ack(request, &[applied(2, 1)]).await;
    assert!(second.await.unwrap().is_complete());
}

#[tokio::test]
async fn a_window_that_shrinks_holds_for_the_next_append() {
    let (client, mut peer) = connected(Window { events: 100, bytes: 1 << 20 }).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    for append in 0..3 {
        pending.push(producer.append(&tables::rows(append * 50, 50)).await.unwrap());
    }
    let (one, _) = peer.next_append().await;
    let (two, _) = peer.next_append().await;
    let credits = Window { events: 50, bytes: 1 << 20 };
    let runs = [applied(1, 50)];
    let halved = Ack { runs: (&runs).into(), details: Texts::default(), credits, failure: None };
    peer.send(one, halved).await;
    assert!(is_quiet(&mut peer, Duration::from_millis(100)).await, "50 rows are still under way");
    peer.send(two, halved).await;
    let (three, _) = peer.next_append().await;
    peer.send(three, halved).await;
    for one in pending {
        assert!(one.await.unwrap().is_complete());
    }
}

#[tokio::test]
async fn a_full_producer_makes_appends_wait_and_then_refuses_them() {
    let (client, mut peer) = connected(tables::WIDE).await;
    let bytes = tables::frame(tables::READINGS, 0, 10).len() as u32;
    let options = ProducerOptions {
        queue_bytes_max: bytes * 2,
        timeout: Some(Duration::from_millis(600)),
        ..ProducerOptions::default()
    };
    let producer = client.producer("readings", options).unwrap();
    let first = producer.append(&tables::rows(0, 10)).await.unwrap();
    let _second = producer.append(&tables::rows(10, 10)).await.unwrap();
    let rows = tables::rows(20, 10);
    let third = producer.append(&rows);
    tokio::pin!(third);
    assert!(timeout(Duration::from_millis(100), &mut third).await.is_err(), "it waits for room");
    let (request, _) = peer.next_append().await;
    peer.ack(request, &[applied(1, 10)]).await;
    assert!(first.await.unwrap().is_complete());
    let _third = third.await.unwrap();
    let error = producer.append(&tables::rows(30, 10)).await.err().unwrap();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("queue is full"), "{error}");
}
