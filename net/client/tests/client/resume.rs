//! Subscriptions across lost connections: neither loss nor repetition.

use std::time::Duration;

use net_client::{Client, ClientError, Position, Status, SubscribeOptions, SubscribeStart};
use net_wire::{Failure, Start, SubscriptionEnd};
use tokio::time::timeout;

use crate::fake::{Fake, PATIENCE, tables};
use crate::options;
use crate::subscribe::{allow, at, connected, deliver, next};

#[tokio::test]
async fn a_new_connection_goes_on_behind_the_last_row() {
    let (client, fake, mut peer) = connected(1).await;
    let mut subscription = client.subscribe("readings", &allow(100)).unwrap();
    let routing = tables::routing(1, &[&fake.address]);
    let mut last = at(0, 0);
    let mut taken = Vec::new();
    for round in 0..5_u64 {
        let (request, subscribe) = peer.next_subscribe().await;
        let expected = if round == 0 { Start::Earliest } else { Start::After(last) };
        assert_eq!(subscribe.start, expected);
        peer.send(request, tables::subscribed(last)).await;
        deliver(&mut peer, request, at(round + 1, 0), round as i64 * 4, 3).await;
        deliver(&mut peer, request, at(round + 1, 3), round as i64 * 4 + 3, 1).await;
        last = at(round + 1, 3);
        if round % 2 == 0 {
            // Some are taken before the connection breaks, some after.
            taken.extend(tables::numbers(&next(&mut subscription).await.rows));
        }
        drop(peer);
        peer = fake.accept_routed(&routing).await;
    }
    while taken.len() < 20 {
        taken.extend(tables::numbers(&next(&mut subscription).await.rows));
    }
    assert_eq!(taken, (0..20).collect::<Vec<i64>>());
    assert!(timeout(Duration::from_millis(100), subscription.next()).await.is_err(), "nothing twice");
}

#[tokio::test]
async fn a_subscription_from_now_on_stays_where_it_began() {
    let (client, fake, mut peer) = connected(1).await;
    let latest = SubscribeOptions { start: SubscribeStart::Latest, ..allow(10) };
    let mut subscription = client.subscribe("readings", &latest).unwrap();
    let (request, subscribe) = peer.next_subscribe().await;
    assert_eq!(subscribe.start, Start::Latest);
    peer.send(request, tables::subscribed(at(30, 4))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(peer);
    let mut peer = fake.accept_routed(&tables::routing(1, &[&fake.address])).await;
    let (request, subscribe) = peer.next_subscribe().await;
    assert_eq!(subscribe.start, Start::After(at(30, 4)), "rows of between are not lost");
    peer.send(request, tables::subscribed(at(30, 4))).await;
    deliver(&mut peer, request, at(31, 0), 5, 1).await;
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [5]);
}

#[tokio::test]
async fn rows_that_are_damaged_or_repeated_are_not_delivered() {
    for what in ["damaged", "repeated", "other stream"] {
        let (client, fake, mut peer) = connected(1).await;
        let mut subscription = client.subscribe("readings", &allow(100)).unwrap();
        let (request, _) = peer.next_subscribe().await;
        peer.send(request, tables::subscribed(at(0, 0))).await;
        deliver(&mut peer, request, at(1, 0), 0, 2).await;
        let mut rows = tables::frame(tables::READINGS, 2, 2);
        let mut place = at(2, 0);
        match what {
            "damaged" => *rows.last_mut().unwrap() ^= 1,
            "repeated" => place = at(1, 1),
            _ => rows = tables::frame(tables::LOOSE, 2, 2),
        }
        let runs = [net_wire::PositionRun { first: place, count: 2 }];
        let delivery = net_wire::Delivery {
            positions: (&runs).into(),
            derived_ids: (&[1, 2]).into(),
            ops: net_wire::List::default(),
            watermark_ns: None,
            rows: &rows,
        };
        peer.send(request, delivery).await;
        // What came behind is not delivered either: it comes again in its place.
        deliver(&mut peer, request, at(3, 0), 4, 2).await;
        let mut peer = fake.accept_routed(&tables::routing(1, &[&fake.address])).await;
        let (request, subscribe) = peer.next_subscribe().await;
        assert_eq!((subscribe.start, subscribe.allowed.events), (Start::After(at(1, 1)), 98), "{what}");
        peer.send(request, tables::subscribed(at(1, 1))).await;
        deliver(&mut peer, request, at(2, 0), 2, 4).await;
        let mut taken = tables::numbers(&next(&mut subscription).await.rows);
        taken.extend(tables::numbers(&next(&mut subscription).await.rows));
        assert_eq!(taken, [0, 1, 2, 3, 4, 5], "{what}");
    }
}

#[tokio::test]
async fn a_subscription_that_moves_is_followed() {
    let (client, _old, mut peer) = connected(1).await;
    let mut subscription = client.subscribe("readings", &allow(100)).unwrap();
    let (request, _) = peer.next_subscribe().await;
    peer.send(request, tables::subscribed(at(0, 0))).await;
    deliver(&mut peer, request, at(1, 0), 0, 1).await;
    let new = Fake::bind().await;
    let failure =
        Failure { redirect: Some(&new.address), ..Failure::new(Status::TransientRedirect, "moved") };
    peer.send(request, SubscriptionEnd { failure, last: at(1, 0) }).await;
    let mut peer = new.accept_routed(&tables::routing(2, &[&new.address])).await;
    let (request, subscribe) = peer.next_subscribe().await;
    assert_eq!((subscribe.start, subscribe.routing_epoch.0), (Start::After(at(1, 0)), 2));
    peer.send(request, tables::subscribed(at(1, 0))).await;
    deliver(&mut peer, request, at(2, 0), 1, 1).await;
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [0]);
    assert_eq!(tables::numbers(&next(&mut subscription).await.rows), [1]);
}

#[tokio::test]
async fn a_partition_that_never_goes_on_is_given_up() {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.timeouts.resume = Duration::from_millis(300);
    options.timeouts.request = Duration::from_millis(200);
    let routing = tables::routing(1, &[&fake.address]);
    let (client, mut peer) = tokio::join!(Client::connect(options), fake.accept_routed(&routing));
    let mut subscription = client.unwrap().subscribe("readings", &allow(100)).unwrap();
    let server = tokio::spawn(async move {
        while let Some((request, _)) = peer.next_ever().await {
            let failure = Failure::new(Status::TransientWarmup, "still loading");
            peer.send(request, SubscriptionEnd { failure, last: Position::default() }).await;
        }
    });
    let error = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap().unwrap_err();
    let ClientError::SubscriptionEnded { last: None, reason, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**reason, ClientError::Timeout { .. }), "{error:?}");
    assert!(subscription.next().await.is_none());
    server.abort();
}

#[tokio::test]
async fn a_server_that_leaves_out_rows_is_not_believed() {
    let (client, fake, mut peer) = connected(1).await;
    let places = std::collections::BTreeMap::from([(net_client::PartitionId(0), at(5, 0))]);
    let after = SubscribeOptions { start: SubscribeStart::After(places), ..allow(10) };
    let _subscription = client.subscribe("readings", &after).unwrap();
    let (request, _) = peer.next_subscribe().await;
    peer.send(request, tables::subscribed(at(9, 0))).await;
    let mut peer = fake.accept_routed(&tables::routing(1, &[&fake.address])).await;
    let (_, subscribe) = peer.next_subscribe().await;
    assert_eq!(subscribe.start, Start::After(at(5, 0)));
}
