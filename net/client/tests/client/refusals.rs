//! Appends that are refused for good, and the numbers behind them.

use net_client::{Client, ClientError, ProducerId, ProducerOptions, ProducerPosition, RowOutcome, Status};
use net_wire::{Outcome, Reason, Rejected, Run};

use crate::fake::cluster::{Cluster, Fate};
use crate::fake::{Fake, GotIds, tables};
use crate::{connect, options};

#[tokio::test]
async fn permanent_statuses_are_given_back_with_the_server_s_words() {
    for status in [
        Status::PermanentSchema,
        Status::PermanentPayload,
        Status::PermanentDurability,
        Status::PermanentRetryExpired,
        Status::PermanentAuth,
        Status::PermanentUnsupported,
        Status::Other(900),
    ] {
        let cluster = Cluster::start(1, 1).await;
        cluster.fail(move |_| Fate::Refuse(status));
        let client = connect(&cluster).await;
        let producer = client.producer("readings", ProducerOptions::default()).unwrap();
        let failed = producer.append(&tables::rows(0, 1)).await.unwrap().await.unwrap_err();
        let ClientError::Server(refusal) = &failed.error else { panic!("{failed:?}") };
        assert_eq!((refusal.status, refusal.text.as_str()), (status, "as the test says"));
        assert!(matches!(failed.receipt.rows(), [RowOutcome::Failed { maybe_applied: false, .. }]));
        assert_eq!(cluster.state().appends.len(), 1, "it is not tried again");
    }
}

#[tokio::test]
async fn one_refused_append_does_not_cost_those_behind_it() {
    let cluster = Cluster::start(1, 1).await;
    cluster.fail(|append| {
        let first = tables::opened(&append.frame)[0].0;
        if first == 20 { Fate::Refuse(Status::PermanentPayload) } else { Fate::Apply }
    });
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    for append in 0..10 {
        pending.push(producer.append(&tables::rows(append * 10, 10)).await.unwrap());
    }
    for (at, one) in pending.into_iter().enumerate() {
        assert_eq!(one.await.is_ok_and(|receipt| receipt.is_complete()), at != 2, "append {at}");
    }
    let expected: Vec<i64> = (0..20).chain(30..100).collect();
    assert_eq!(cluster.state().logs[&0].applied, expected, "in order, each once");
    // The numbers go on under a new producer.
    let position = producer.positions()[0];
    assert_eq!(position.next_sequence, 70);
    let state = cluster.state();
    let GotIds::Sequence(first, _) = state.appends[0].1.ids else { panic!() };
    assert_ne!(first, position.producer);
}

#[tokio::test]
async fn part_of_a_batch_may_fail_and_the_rest_is_told() {
    let cluster = Cluster::start(1, 4).await;
    cluster.fail(|append| {
        if append.partition.0 == 2 { Fate::Refuse(Status::PermanentDurability) } else { Fate::Apply }
    });
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let names: Vec<String> = (0..60).map(|at| format!("sensor {at}")).collect();
    let failed = producer.append(&tables::rows_of(0, &names)).await.unwrap().await.unwrap_err();
    assert!(
        matches!(&failed.error, ClientError::Server(refusal) if refusal.status == Status::PermanentDurability)
    );
    for (row, name) in failed.receipt.rows().iter().zip(&names) {
        let is_broken = tables::owner(name, 4) == 2;
        assert_eq!(matches!(row, RowOutcome::Failed { .. }), is_broken);
        assert_eq!(row.is_applied(), !is_broken);
    }
}

#[tokio::test]
async fn a_producer_goes_on_where_it_was() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let options = ProducerOptions { producer: Some(ProducerId(17)), ..ProducerOptions::default() };
    let producer = client.producer("readings", options).unwrap();
    producer.append(&tables::rows(0, 3)).await.unwrap().await.unwrap();
    let resume = producer.positions();
    let partition = net_client::PartitionId(0);
    assert_eq!(resume, [ProducerPosition { partition, producer: ProducerId(17), next_sequence: 3 }]);
    drop((producer, client));
    let client = connect(&cluster).await;
    let options = ProducerOptions { resume, ..ProducerOptions::default() };
    let producer = client.producer("readings", options).unwrap();
    assert!(producer.append(&tables::rows(3, 2)).await.unwrap().await.unwrap().is_complete());
    let state = cluster.state();
    assert_eq!((state.logs[&0].applied.as_slice(), state.logs[&0].gaps), (&[0, 1, 2, 3, 4][..], 0));
}

#[tokio::test]
async fn a_gap_that_nobody_can_explain_is_told_once() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let partition = net_client::PartitionId(0);
    let resume = vec![ProducerPosition { partition, producer: ProducerId(17), next_sequence: 1_000 }];
    let producer =
        client.producer("readings", ProducerOptions { resume, ..ProducerOptions::default() }).unwrap();
    let receipt = producer.append(&tables::rows(0, 2)).await.unwrap().await.unwrap();
    let reasons: Vec<_> = receipt.rejected().map(|(row, reason, _)| (row, reason)).collect();
    assert_eq!(reasons, [(0, Reason::SequenceGap), (1, Reason::SequenceGap)]);
    assert!(producer.append(&tables::rows(2, 2)).await.unwrap().await.unwrap().is_complete());
    assert_eq!(cluster.state().logs[&0].applied, [2, 3]);
}

#[tokio::test]
async fn rejected_rows_whose_numbers_do_not_count_cost_nothing_else() {
    let fake = Fake::bind().await;
    let routing = tables::routing(1, &[&fake.address]);
    let (client, mut peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    let producer = client.unwrap().producer("readings", ProducerOptions::default()).unwrap();
    let first = producer.append(&tables::rows(0, 2)).await.unwrap();
    let second = producer.append(&tables::rows(2, 2)).await.unwrap();
    let rejected = |reason| {
        let outcome = Outcome::Rejected(Rejected { reason, detail: None });
        [Run { count: 2, outcome, place: None }]
    };
    let (one, before) = peer.next_append().await;
    let (two, _) = peer.next_append().await;
    peer.ack(one, &rejected(Reason::RetryExpired)).await;
    peer.ack(two, &rejected(Reason::SequenceGap)).await;
    assert_eq!(first.await.unwrap().applied(), 0);
    let (again, append) = peer.next_append().await;
    let (GotIds::Sequence(old, 0), GotIds::Sequence(new, 0)) = (before.ids, append.ids) else { panic!() };
    assert_ne!(old, new);
    assert_eq!(tables::opened(&append.frame)[0].0, 2);
    peer.ack(again, &[crate::fake::applied(5, 2)]).await;
    assert!(second.await.unwrap().is_complete());
}
