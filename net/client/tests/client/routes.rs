//! Leaders that change.

use std::time::Duration;

use net_client::{Client, ProducerOptions, Status};
use net_wire::{Failure, RequestId};

use crate::fake::cluster::{Cluster, Fate};
use crate::fake::{Fake, Got, applied, tables};
use crate::{connect, options};

#[tokio::test]
async fn a_redirect_is_followed_at_once_and_the_table_fetched_when_it_is_newer() {
    let (old, new) = (Fake::bind().await, Fake::bind().await);
    let routing = tables::routing(1, &[&old.address]);
    let (client, mut peer) =
        tokio::join!(Client::connect(options(&[&old.address])), old.accept_routed(&routing));
    let client = client.unwrap();
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 2)).await.unwrap();
    let (request, first) = peer.next_append().await;
    let failure = Failure {
        redirect: Some(&new.address),
        routing_epoch: Some(cep_types::Epoch(2)),
        ..Failure::new(Status::TransientRedirect, "moved")
    };
    peer.refuse(request, failure).await;
    let mut peer = new.accept_routed(&tables::routing(2, &[&new.address])).await;
    let (request, again) = peer.next_append().await;
    assert_eq!((again.ids, again.first_sent_ns, again.epoch.0), (first.ids, first.first_sent_ns, 2));
    peer.ack(request, &[applied(1, 2)]).await;
    assert!(pending.await.unwrap().is_complete());
    assert_eq!(client.routing().epoch.0, 2);
}

#[tokio::test]
async fn another_epoch_means_a_new_table_and_another_try() {
    let cluster = Cluster::start(2, 1).await;
    let addresses = cluster.addresses.clone();
    let client = connect(&cluster).await;
    cluster.state().routing = tables::routing(2, &[&addresses[1]]);
    cluster.fail(
        |append| {
            if append.epoch.0 < 2 { Fate::Refuse(Status::PermanentEpoch) } else { Fate::Apply }
        },
    );
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    assert!(producer.append(&tables::rows(0, 5)).await.unwrap().await.unwrap().is_complete());
    let state = cluster.state();
    let servers: Vec<(usize, u64)> =
        state.appends.iter().map(|(server, append)| (*server, append.epoch.0)).collect();
    assert_eq!(servers, [(0, 1), (1, 2)]);
}

#[tokio::test]
async fn a_dead_leader_s_rows_go_to_the_next_one() {
    let cluster = Cluster::start(1, 1).await;
    let dead = Fake::bind().await.address;
    let live = cluster.addresses[0].clone();
    cluster.state().routing = tables::routing(1, &[&dead]);
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 5)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    cluster.state().routing = tables::routing(2, &[&live]);
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn an_election_is_waited_for() {
    let cluster = Cluster::start(1, 1).await;
    let mut routing = tables::routing(1, &[&cluster.addresses[0]]);
    routing.spaces[0].leaders[0] = None;
    let elected = tables::routing(2, &[&cluster.addresses[0]]);
    cluster.state().routing = routing;
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 5)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cluster.state().appends.len(), 0);
    cluster.state().routing = elected;
    assert!(pending.await.unwrap().is_complete());
}

#[tokio::test]
async fn pushed_tables_are_taken_when_they_are_newer() {
    let fake = Fake::bind().await;
    let routing = tables::routing(5, &[&fake.address]);
    let (client, mut peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    let client = client.unwrap();
    for (pushed, kept) in [(6, 6), (4, 6), (9, 9)] {
        peer.send(RequestId::NONE, tables::routing(pushed, &[&fake.address])).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(client.routing().epoch.0, kept);
    }
    let (refreshed, ()) = tokio::join!(client.refresh_routing(), async {
        let (request, got) = peer.next().await.unwrap();
        assert_eq!(got, Got::GetRouting(Some(cep_types::Epoch(9))));
        peer.send(request, net_wire::Routing { epoch: cep_types::Epoch(9), ..Default::default() }).await;
    });
    assert_eq!(refreshed.unwrap().streams.len(), 4, "an answer that says `the same` changes nothing");
}
