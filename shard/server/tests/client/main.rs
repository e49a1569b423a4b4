//! The Rust client against a real `ceptra serve` process.
//!
//! `node` the process, over its lives · `tls` the same with certificates · `tables` questions to tables · `bundles` metrics and rules · here what users do: append, subscribe, send again, lose the node.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "tests have clocks")]

mod bundles;
mod node;
mod tables;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use net_client::{
    Client, ClientError, ClientOptions, ProducerId, ProducerOptions, Query, RowOutcome, Status,
    SubscribeOptions, SubscribeStart, Subscription,
};
use node::Node;

const PATIENCE: Duration = Duration::from_secs(60);
/// Keys spread over the partitions.
const KEYS: i64 = 97;

/// Rows numbered from `first` on.
fn rows(first: i64, count: i64) -> RecordBatch {
    let numbers = first..first + count;
    let keys: ArrayRef =
        Arc::new(StringArray::from_iter_values(numbers.clone().map(|number| format!("k{}", number % KEYS))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    RecordBatch::try_from_iter([("key", keys), ("number", numbers)]).unwrap()
}

async fn connect(node: &Node) -> Client {
    Client::connect(ClientOptions::new([node.client.to_string()])).await.unwrap()
}

/// Takes derived rows until there are `count`; the numbers by key, in the order in which they came.
async fn take(subscription: &mut Subscription, count: usize) -> BTreeMap<String, Vec<i64>> {
    let mut taken: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut left = count;
    while left > 0 {
        let item = tokio::time::timeout(PATIENCE, subscription.next()).await;
        let item = item.unwrap_or_else(|_| panic!("{left} of {count} rows do not come"));
        let delivered = item.expect("the subscription goes on").unwrap();
        let keys = delivered.rows.column_by_name("key").unwrap().as_string::<i32>().clone();
        let numbers = delivered.rows.column_by_name("number").unwrap().as_primitive::<Int64Type>().clone();
        for (key, number) in keys.iter().zip(numbers.values()) {
            taken.entry(key.unwrap().to_owned()).or_default().push(*number);
        }
        left = left.checked_sub(delivered.rows.num_rows()).expect("no row comes twice");
    }
    taken
}

/// Each number once, and those of a key in the order in which they were appended.
fn demand_all(taken: &BTreeMap<String, Vec<i64>>, count: i64) {
    let mut all: Vec<i64> = taken.values().flatten().copied().collect();
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>());
    for (key, numbers) in taken {
        assert!(numbers.is_sorted(), "key {key} is out of order");
    }
}

#[tokio::test]
async fn what_is_appended_comes_out_once_and_in_order() {
    let node = Node::new(&["--partitions", "4", "--shards", "2"]);
    let client = connect(&node).await;
    assert_eq!(client.routing().stream("rows").unwrap().key.len(), 1);
    let mut subscription = client.subscribe("passed", &SubscribeOptions::default()).unwrap();
    let producer = ProducerOptions { producer: Some(ProducerId(7)), ..ProducerOptions::default() };
    let first = client.producer("rows", producer.clone()).unwrap();
    let pending: Vec<_> = {
        let mut pending = Vec::new();
        for at in 0..40 {
            pending.push(first.append(&rows(at * 250, 250)).await.unwrap());
        }
        pending
    };
    let mut partitions = BTreeMap::new();
    for pending in pending {
        for row in pending.await.unwrap().rows() {
            let RowOutcome::Applied { partition, .. } = row else { panic!("{row:?}") };
            *partitions.entry(*partition).or_insert(0) += 1;
        }
    }
    assert_eq!(partitions.len(), 4, "all partitions have rows: {partitions:?}");
    demand_all(&take(&mut subscription, 10_000).await, 10_000);
    // The same under the same numbers adds nothing.
    let again = client.producer("rows", producer).unwrap();
    let receipt = again.append(&rows(0, 250)).await.unwrap().await.unwrap();
    assert!(receipt.rows().iter().all(|row| *row == RowOutcome::Duplicate), "{:?}", receipt.rows()[0]);
    // One row more is the next to come, and the newest rows begin with what comes from now on.
    let last = client.producer("rows", ProducerOptions::default()).unwrap();
    assert!(last.append(&rows(10_000, 1)).await.unwrap().await.unwrap().is_complete());
    assert_eq!(take(&mut subscription, 1).await.into_values().flatten().collect::<Vec<_>>(), [10_000]);
    client.close().await.unwrap();
    node.stop();
}

#[tokio::test]
async fn a_node_that_is_killed_costs_time_and_nothing_else() {
    let mut node = Node::new(&["--partitions", "2", "--checkpoint-interval-ms", "200"]);
    let client = connect(&node).await;
    let mut subscription = client.subscribe("passed", &SubscribeOptions::default()).unwrap();
    let producer = client.producer("rows", ProducerOptions::default()).unwrap();
    let total = 200;
    let appending = async {
        let mut receipts = Vec::new();
        for at in 0..total {
            receipts.push(producer.append(&rows(at * 50, 50)).await.unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut duplicates = 0;
        for receipt in receipts {
            let receipt = receipt.await.unwrap();
            assert!(receipt.is_complete(), "{:?}", receipt.rows());
            duplicates += receipt.rows().iter().filter(|row| **row == RowOutcome::Duplicate).count();
        }
        duplicates
    };
    let killing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            node.kill();
            node.start();
        }
    };
    let count = usize::try_from(total * 50).unwrap();
    let (duplicates, (), taken) = tokio::join!(appending, killing, take(&mut subscription, count));
    eprintln!("{count} rows over 3 kills, {duplicates} sent again");
    demand_all(&taken, total * 50);
    client.close().await.unwrap();
    node.stop();
}

#[tokio::test]
async fn what_the_server_refuses_is_told() {
    let node = Node::new(&[]);
    let client = connect(&node).await;
    let unknown = client.producer("nothing", ProducerOptions::default()).err().unwrap();
    assert!(matches!(unknown, ClientError::UnknownStream { .. }), "{unknown}");
    let derived = client.producer("passed", ProducerOptions::default()).err().unwrap();
    assert!(matches!(derived, ClientError::Unsupported { .. }), "{derived}");
    let query = client.query(&Query::new("SELECT x FROM nothing")).await.err().unwrap();
    assert!(matches!(query, ClientError::Server(_) | ClientError::Unsupported { .. }), "{query}");
    // Rows that do not fit the stream, and one that has no value where one must be.
    let producer = client.producer("rows", ProducerOptions::default()).unwrap();
    let other: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let wrong = RecordBatch::try_from_iter([("key", other.clone()), ("number", other.clone())]).unwrap();
    let wrong = producer.append(&wrong).await.err().unwrap();
    assert!(matches!(wrong, ClientError::Rows { .. }), "{wrong}");
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let holes = RecordBatch::try_from_iter_with_nullable([("key", keys, true), ("number", numbers, true)]);
    let refused = producer.append(&holes.unwrap()).await.unwrap().await.err().unwrap();
    assert!(
        refused.error.refusal().is_some_and(|refusal| refusal.status == Status::PermanentSchema),
        "{refused}"
    );
    assert_eq!(refused.receipt.applied(), 0);
    assert!(
        !refused
            .receipt
            .rows()
            .iter()
            .any(|row| matches!(row, RowOutcome::Failed { maybe_applied: true, .. }))
    );
    // Rows behind it are not held up by the numbers that were refused.
    assert!(producer.append(&rows(0, 10)).await.unwrap().await.unwrap().is_complete());
    // The newest rows are none of those.
    let mut latest = client
        .subscribe(
            "passed",
            &SubscribeOptions { start: SubscribeStart::Latest, ..SubscribeOptions::default() },
        )
        .unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(200), latest.next()).await;
    assert!(quiet.is_err(), "no row comes that was there before: {quiet:?}");
    client.close().await.unwrap();
    node.stop();
}
