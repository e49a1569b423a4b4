//! Appends that nothing disturbs.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use net_client::*;
use net_wire::{Ack, Outcome, Rejected, Run, Texts};

use crate::fake::cluster::Cluster;
use crate::fake::{Fake, GotIds, tables};
use crate::{connect, options};

fn sensors(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("sensor {at}")).collect()
}

#[tokio::test]
async fn every_row_goes_to_the_partition_of_its_key_and_that_one_s_leader() {
    let cluster = Cluster::start(3, 8).await;
    let client = connect(&cluster).await;
    let producer = client.producer("Readings", ProducerOptions::default()).unwrap();
    let names = sensors(1_000);
    let receipt = producer.append(&tables::rows_of(0, &names)).await.unwrap().await.unwrap();
    assert!(receipt.is_complete());
    for (row, outcome) in receipt.rows().iter().enumerate() {
        let RowOutcome::Applied { partition, index, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!((u64::from(partition.0), index.0), (tables::owner(&names[row], 8), 1));
    }
    let state = cluster.stop().await;
    let state = state.lock().unwrap();
    assert_eq!(state.appends.len(), 8);
    for (server, append) in &state.appends {
        assert_eq!(append.partition.0 as usize % 3, *server);
        let numbers: Vec<i64> = tables::opened(&append.frame).into_iter().map(|(number, _)| number).collect();
        assert!(numbers.is_sorted(), "rows of a partition keep their order");
    }
    let applied: usize = state.logs.values().map(|log| log.applied.len()).sum();
    assert_eq!(applied, 1_000);
}

#[tokio::test]
async fn the_documented_key_is_where_the_document_says() {
    assert_eq!(tables::owner("kitchen", 4), 1);
    let cluster = Cluster::start(1, 4).await;
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    producer.append(&tables::rows(0, 5)).await.unwrap().await.unwrap();
    assert_eq!(cluster.state().logs.keys().collect::<Vec<_>>(), [&1]);
}

#[tokio::test]
async fn many_appends_are_under_way_at_once_and_numbered_densely() {
    let cluster = Cluster::start(1, 1).await;
    cluster.state().ack_delay = Duration::from_millis(100);
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let mut pending = Vec::new();
    for append in 0..50 {
        pending.push(producer.append(&tables::rows(append * 10, 10)).await.unwrap());
    }
    for one in pending {
        assert!(one.await.unwrap().is_complete());
    }
    let positions = producer.positions();
    assert_eq!((positions.len(), positions[0].next_sequence), (1, 500));
    let state = cluster.stop().await;
    let state = state.lock().unwrap();
    assert!(state.most_under_way >= 40, "{} at once", state.most_under_way);
    for (at, (_, append)) in state.appends.iter().enumerate() {
        assert_eq!(append.ids, GotIds::Sequence(positions[0].producer, at as u64 * 10));
    }
}

#[tokio::test]
async fn a_receipt_tells_each_row() {
    let fake = Fake::bind().await;
    let routing = tables::routing(1, &[&fake.address]);
    let (client, mut peer) =
        tokio::join!(Client::connect(options(&[&fake.address])), fake.accept_routed(&routing));
    let producer = client.unwrap().producer("readings", ProducerOptions::default()).unwrap();
    let pending = producer.append(&tables::rows(0, 7)).await.unwrap();
    let (request, _) = peer.next_append().await;
    let run = |count, outcome, place| Run { count, outcome, place };
    let rejected = Outcome::Rejected(Rejected { reason: Reason::Value, detail: Some(0) });
    let unknown = Outcome::Rejected(Rejected { reason: Reason::Other(99), detail: None });
    let runs = [
        run(2, Outcome::Applied, Some((LogIndex(9), 5))),
        run(1, Outcome::Duplicate, None),
        run(1, Outcome::LateDropped, None),
        run(2, rejected, None),
        run(1, unknown, None),
    ];
    let details = ["n is NULL"];
    let ack = Ack {
        runs: (&runs).into(),
        details: Texts::from(&details[..]),
        credits: tables::WIDE,
        failure: None,
    };
    peer.send(request, ack).await;
    let receipt = pending.await.unwrap();
    let applied = |row| RowOutcome::Applied { partition: PartitionId(0), index: LogIndex(9), row };
    assert_eq!(receipt.rows()[..4], [applied(5), applied(6), RowOutcome::Duplicate, RowOutcome::LateDropped]);
    assert_eq!((receipt.applied(), receipt.is_complete()), (3, false));
    let rejected: Vec<_> = receipt.rejected().collect();
    let expected =
        [(4, Reason::Value, "n is NULL"), (5, Reason::Value, "n is NULL"), (6, Reason::Other(99), "")];
    assert_eq!(rejected, expected);
}

#[tokio::test]
async fn ids_of_the_user_travel_with_their_rows() {
    let cluster = Cluster::start(2, 4).await;
    let client = connect(&cluster).await;
    let options = ProducerOptions { replay: true, ..ProducerOptions::default() };
    let producer = client.producer("readings", options).unwrap();
    let rows = tables::rows_of(0, &sensors(40));
    let ids: Vec<EventId> = (0..40).map(|at| EventId(at << 70 | 3)).collect();
    assert!(producer.append_with_ids(&rows, &ids).await.unwrap().await.unwrap().is_complete());
    let again = producer.append_with_ids(&rows, &ids).await.unwrap().await.unwrap();
    assert!(again.rows().iter().all(|row| *row == RowOutcome::Duplicate));
    let wrong = producer.append_with_ids(&rows, &ids[1..]).await.err().unwrap();
    assert!(wrong.to_string().contains("39 ids for 40 rows"), "{wrong}");
    for (_, append) in &cluster.state().appends {
        let GotIds::Opaque(of) = &append.ids else { panic!("{append:?}") };
        let numbers = tables::opened(&append.frame).into_iter().map(|(number, _)| number as u128);
        assert!(append.replay && of.iter().map(|id| id.0 >> 70).eq(numbers));
    }
    assert_eq!(producer.positions(), []);
}

#[tokio::test]
async fn rows_without_a_key_take_turns() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let producer = client.producer("loose", ProducerOptions::default()).unwrap();
    for append in 0..4 {
        producer.append(&tables::rows(append, 1)).await.unwrap().await.unwrap();
    }
    assert_eq!(cluster.state().logs[&0].applied, [0, 1, 2, 3]);
    let empty = producer.append(&tables::rows(0, 0)).await.unwrap().await.unwrap();
    assert_eq!((empty.rows().len(), empty.is_complete()), (0, true));
}

#[tokio::test]
async fn columns_fit_by_name_and_without_loss() {
    let cluster = Cluster::start(1, 2).await;
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let names: ArrayRef = Arc::new(vec!["a", "b", "a"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let batch = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    let good = batch(vec![("SENSOR", names.clone()), ("n", narrow.clone())]);
    assert!(producer.append(&good).await.unwrap().await.unwrap().is_complete());
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    for (wrong, text) in [
        (batch(vec![("sensor", names.clone()), ("m", narrow.clone())]), "no column m; it has n, sensor"),
        (batch(vec![("n", narrow.clone())]), "column sensor of the key is missing"),
        (
            batch(vec![("sensor", texts.clone()), ("n", texts.clone())]),
            "the rows have STRING, the stream has BIGINT",
        ),
        (batch(vec![("sensor", texts.clone()), ("Sensor", texts)]), "column sensor is given twice"),
    ] {
        let error = producer.append(&wrong).await.err().unwrap();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn what_is_too_long_for_a_message_is_sent_in_several() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..900));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..900).map(|_| "x".repeat(20_000))));
    let rows = RecordBatch::try_from_iter([("n", numbers), ("sensor", names)]).unwrap();
    let receipt = producer.append(&rows).await.unwrap().await.unwrap();
    assert!(receipt.is_complete());
    let appends = cluster.state().appends.len();
    assert!(appends >= 5, "{appends}");
    assert_eq!(cluster.state().logs[&0].applied, (0..900).collect::<Vec<i64>>());
    let huge: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(5 << 20)]));
    let error =
        producer.append(&RecordBatch::try_from_iter([("sensor", huge)]).unwrap()).await.err().unwrap();
    assert!(error.to_string().contains("make it smaller"), "{error}");
}

#[tokio::test]
async fn streams_that_take_no_appends_say_so() {
    let cluster = Cluster::start(1, 1).await;
    let client = connect(&cluster).await;
    let refused = |stream: &str, options| client.producer(stream, options).err().unwrap();
    assert!(matches!(refused("nothing", ProducerOptions::default()), ClientError::UnknownStream { .. }));
    assert!(matches!(refused("alerts", ProducerOptions::default()), ClientError::Unsupported { .. }));
    let nobody = ProducerOptions { producer: Some(ProducerId(0)), ..ProducerOptions::default() };
    assert!(matches!(refused("readings", nobody), ClientError::Options { .. }));
}
