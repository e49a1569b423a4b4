//! Subscriptions that nothing disturbs, and slow consumers.

use std::collections::BTreeMap;
use std::time::Duration;

use net_client::*;
use net_wire::{Delivery, Failure, List, PositionRun, RequestId, Start, SubscriptionEnd};
use tokio::time::timeout;

use crate::fake::{Fake, Got, PATIENCE, Peer, tables};
use crate::options;

pub fn at(index: u64, ordinal: u32) -> Position {
    Position { index: LogIndex(index), ordinal }
}

/// Delivers `count` rows from `first` on, at this position and those behind it.
pub async fn deliver(peer: &mut Peer, request: RequestId, position: Position, first: i64, count: usize) {
    let runs = [PositionRun { first: position, count: count as u32 }];
    let ids: Vec<u64> = (0..count as u64).map(|row| position.index.0 << 32 | row).collect();
    let rows = tables::frame(tables::READINGS, first, count);
    let delivery = Delivery {
        positions: (&runs).into(),
        derived_ids: ids.as_slice().into(),
        ops: List::default(),
        watermark_ns: Some(first),
        rows: &rows,
    };
    peer.send(request, delivery).await;
}

/// A client, and a connection on which `partitions` are subscribed to.
pub async fn connected(partitions: usize) -> (Client, Fake, Peer) {
    let fake = Fake::bind().await;
    let routing = tables::routing(1, &vec![fake.address.as_str(); partitions]);
    let (client, peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    (client.unwrap(), fake, peer)
}

pub fn allow(events: u64) -> SubscribeOptions {
    SubscribeOptions { allowance: Window { events, bytes: 1 << 20 }, ..SubscribeOptions::default() }
}

pub async fn next(subscription: &mut Subscription) -> Delivered {
    let item = timeout(PATIENCE, subscription.next()).await.expect("rows come");
    item.expect("the subscription goes on").unwrap()
}

#[tokio::test]
async fn rows_come_with_positions_ids_operations_and_watermarks() {
    let (client, _fake, mut peer) = connected(1).await;
    let mut subscription = client.subscribe("Readings", &allow(100)).unwrap();
    let (request, subscribe) = peer.next_subscribe().await;
    assert_eq!(
        (subscribe.stream, subscribe.partition.0, subscribe.start),
        (tables::READINGS, 0, Start::Earliest)
    );
    assert_eq!((subscribe.allowed, subscribe.routing_epoch.0), (Window { events: 100, bytes: 1 << 20 }, 1));
    peer.send(request, tables::subscribed(at(0, 0))).await;
    let runs = [PositionRun { first: at(4, 1), count: 2 }, PositionRun { first: at(9, 0), count: 1 }];
    let rows = tables::frame(tables::READINGS, 50, 3);
    let ops = [Op::Insert, Op::UpdateBefore, Op::UpdateAfter];
    let delivery = Delivery {
        positions: (&runs).into(),
        derived_ids: (&[7, 8, 9]).into(),
        ops: (&ops).into(),
        watermark_ns: None,
        rows: &rows,
    };
    peer.send(request, delivery).await;
    let delivered = next(&mut subscription).await;
    assert_eq!(delivered.positions, [at(4, 1), at(4, 2), at(9, 0)]);
    assert_eq!((delivered.derived_ids.as_slice(), delivered.ops.as_slice()), (&[7, 8, 9][..], &ops[..]));
    assert_eq!((tables::numbers(&delivered.rows), delivered.watermark_ns), (vec![50, 51, 52], None));
    assert_eq!(delivered.rows.schema().field(1).name(), "sensor");
    for watermark in [5, 6, 7] {
        let news = Delivery { watermark_ns: Some(watermark), ..empty() };
        peer.send(request, news).await;
    }
    deliver(&mut peer, request, at(10, 0), 60, 1).await;
    let news = next(&mut subscription).await;
    assert_eq!((news.rows.num_rows(), news.rows.num_columns()), (0, 2));
    assert!(news.watermark_ns.is_some());
    let mut rest = next(&mut subscription).await;
    while rest.rows.num_rows() == 0 {
        rest = next(&mut subscription).await;
    }
    assert_eq!((tables::numbers(&rest.rows), rest.ops), (vec![60], vec![Op::Insert]));
}

fn empty() -> Delivery<'static> {
    Delivery {
        positions: List::default(),
        derived_ids: List::default(),
        ops: List::default(),
        watermark_ns: None,
        rows: &[],
    }
}

#[tokio::test]
async fn a_slow_consumer_holds_no_more_than_its_allowance() {
    let (client, _fake, mut peer) = connected(1).await;
    let mut subscription = client.subscribe("readings", &allow(10)).unwrap();
    let (request, _) = peer.next_subscribe().await;
    peer.send(request, tables::subscribed(at(0, 0))).await;
    for row in 0..10 {
        deliver(&mut peer, request, at(row + 1, 0), row as i64, 1).await;
    }
    assert!(timeout(Duration::from_millis(200), peer.next_ever()).await.is_err(), "nothing was taken yet");
    for row in 0..4 {
        assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [row]);
    }
    assert!(timeout(Duration::from_millis(100), peer.next_ever()).await.is_err(), "less than half was taken");
    next(&mut subscription).await;
    let (about, got) = peer.next().await.unwrap();
    let Got::Allow(allowed) = got else { panic!("{got:?}") };
    assert_eq!((about, allowed.events), (request, 15));
    assert!(allowed.bytes > 1 << 20);
}

#[tokio::test]
async fn more_than_is_allowed_ends_the_connection_and_comes_again() {
    let (client, fake, mut peer) = connected(1).await;
    let mut subscription = client.subscribe("readings", &allow(3)).unwrap();
    let (request, _) = peer.next_subscribe().await;
    peer.send(request, tables::subscribed(at(0, 0))).await;
    deliver(&mut peer, request, at(1, 0), 0, 2).await;
    deliver(&mut peer, request, at(2, 0), 2, 2).await;
    let mut peer = fake.accept_routed(&tables::routing(1, &[&fake.address])).await;
    let (request, subscribe) = peer.next_subscribe().await;
    assert_eq!((subscribe.start, subscribe.allowed.events), (Start::After(at(1, 1)), 1));
    peer.send(request, tables::subscribed(at(1, 1))).await;
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [0, 1]);
    let (_, got) = peer.next().await.unwrap();
    assert!(matches!(got, Got::Allow(Window { events: 3, .. })), "{got:?}");
    deliver(&mut peer, request, at(2, 0), 2, 2).await;
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [2, 3]);
}

#[tokio::test]
async fn some_partitions_from_some_places() {
    let (client, _fake, mut peer) = connected(4).await;
    let places = BTreeMap::from([(PartitionId(3), at(8, 2))]);
    let wanted = SubscribeOptions {
        partitions: Some(vec![PartitionId(3), PartitionId(1)]),
        start: SubscribeStart::After(places),
        ..SubscribeOptions::default()
    };
    let _subscription = client.subscribe("readings", &wanted).unwrap();
    let mut starts = BTreeMap::new();
    for _ in 0..2 {
        let (_, subscribe) = peer.next_subscribe().await;
        starts.insert(subscribe.partition.0, subscribe.start);
    }
    assert_eq!(starts, BTreeMap::from([(1, Start::Earliest), (3, Start::After(at(8, 2)))]));
    let refused = |stream: &str, options: &SubscribeOptions| client.subscribe(stream, options).err().unwrap();
    let beyond = SubscribeOptions { partitions: Some(vec![PartitionId(4)]), ..SubscribeOptions::default() };
    assert!(matches!(refused("readings", &beyond), ClientError::UnknownPartition { count: 4, .. }));
    assert!(matches!(refused("hidden", &allow(1)), ClientError::Unsupported { .. }));
    assert!(matches!(refused("nothing", &allow(1)), ClientError::UnknownStream { .. }));
    assert!(matches!(refused("readings", &allow(0)), ClientError::Options { .. }));
}

#[tokio::test]
async fn dropping_a_subscription_cancels_it() {
    let (client, _fake, mut peer) = connected(1).await;
    let subscription = client.subscribe("readings", &allow(3)).unwrap();
    let (request, _) = peer.next_subscribe().await;
    peer.send(request, tables::subscribed(at(0, 0))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(subscription);
    assert_eq!(peer.next().await, Some((request, Got::Cancel)));
    let end = SubscriptionEnd { failure: Failure::none(), last: at(0, 0) };
    peer.send(request, end).await;
    assert_eq!(client.sessions().len(), 1);
}

#[tokio::test]
async fn the_end_of_a_partition_is_told_and_the_others_go_on() {
    let (client, _fake, mut peer) = connected(2).await;
    let mut subscription = client.subscribe("readings", &allow(100)).unwrap();
    let mut requests = BTreeMap::new();
    for _ in 0..2 {
        let (request, subscribe) = peer.next_subscribe().await;
        requests.insert(subscribe.partition.0, request);
    }
    let expired = Failure {
        earliest: Some(at(40, 0)),
        ..Failure::new(Status::PermanentPositionExpired, "rows before 40 are gone")
    };
    peer.send(requests[&0], SubscriptionEnd { failure: expired, last: at(0, 0) }).await;
    let error = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap().unwrap_err();
    let ClientError::PositionExpired { partition: PartitionId(0), earliest, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*earliest, Some(at(40, 0)));
    assert!(error.to_string().contains("rows before 40 are gone"), "{error}");
    peer.send(requests[&1], tables::subscribed(at(0, 0))).await;
    deliver(&mut peer, requests[&1], at(3, 0), 7, 2).await;
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [7, 8]);
    let gone = Failure::new(Status::PermanentSchema, "the stream was dropped");
    peer.send(requests[&1], SubscriptionEnd { failure: gone, last: at(3, 1) }).await;
    let error = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap().unwrap_err();
    let ClientError::SubscriptionEnded { last, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*last, Some(at(3, 1)));
    assert!(subscription.next().await.is_none());
}
