//! A bundle on a real node: its metrics go on after a crash, and its events come once, with the ids they had.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use net_client::{ProducerOptions, SubscribeOptions, SubscribeStart};

use crate::node::Node;
use crate::{KEYS, PATIENCE, connect, rows};

const BUNDLE: &str = "
bundle: {name: often, def_version: 4, lane_domains: {key: {max_per_partition: 60}}}
workflow:
  phases:
    - name: readings
      type: source.stream
      options: {partition.by: key, columns: {key: STRING NOT NULL, number: BIGINT NOT NULL}}
    - name: hour
      type: aggregate.promql
      options: {queries: {count: {expression: 'sum by (key)(count_over_time(number[1h]))'}}}
    - name: judge
      type: classify.cel
      options:
        bindings: {hour: phase.hour.metrics}
        rules:
          - name: twice
            when: hour.count.value >= 2.0
            emit: {channel: 'stream://alerts', payload: {key: payload.key, number: payload.number, count: hour.count.value}}
";

/// Events since the beginning: id, number, count; until there are `wanted`.
async fn events(node: &Node, wanted: usize) -> Vec<(String, i64, f64)> {
    let client = connect(node).await;
    let options = SubscribeOptions { start: SubscribeStart::Earliest, ..SubscribeOptions::default() };
    let mut subscription = client.subscribe("alerts", &options).unwrap();
    let mut found = Vec::new();
    while found.len() < wanted {
        let item = tokio::time::timeout(PATIENCE, subscription.next()).await;
        let rows = item.expect("the events come").expect("the subscription goes on").unwrap().rows;
        let column = |name: &str| rows.column_by_name(name).unwrap().clone();
        let (ids, numbers, counts) = (column("_event_id"), column("number"), column("count"));
        for row in 0..rows.num_rows() {
            let id = ids.as_string::<i32>().value(row).to_owned();
            let number = numbers.as_primitive::<Int64Type>().value(row);
            found.push((id, number, counts.as_primitive::<Float64Type>().value(row)));
        }
    }
    let more = tokio::time::timeout(Duration::from_millis(300), subscription.next()).await;
    assert!(more.is_err(), "an event too many");
    client.close().await.unwrap();
    found.sort_by_key(|event| event.1);
    found
}

#[tokio::test]
async fn a_bundle_goes_on_after_a_crash_and_its_events_keep_their_ids() {
    let mut node = Node::new(&["--partitions", "2", "--shards", "2"]);
    node.deploy("often", BUNDLE);
    let append = async |node: &Node, first: i64| {
        let client = connect(node).await;
        let producer = client.producer("readings", ProducerOptions::default()).unwrap();
        let receipt = producer.append(&rows(first, KEYS)).await.unwrap().await.unwrap();
        assert!(receipt.is_complete(), "{:?}", receipt.rows());
        client.close().await.unwrap();
    };
    append(&node, 0).await;
    node.kill();
    node.start();
    // What was counted before the crash counts on: the second row of each key is an event.
    append(&node, KEYS).await;
    let count = usize::try_from(KEYS).unwrap();
    let before = events(&node, count).await;
    assert_eq!(before.iter().map(|e| e.1).collect::<Vec<_>>(), (KEYS..2 * KEYS).collect::<Vec<_>>());
    assert!(before.iter().all(|e| e.2 == 2.0), "{before:?}");
    let ids: BTreeSet<&str> = before.iter().map(|e| e.0.as_str()).collect();
    assert_eq!(ids.len(), count, "ids are not given twice");
    node.kill();
    node.start();
    assert_eq!(events(&node, count).await, before, "the log is applied again, to the same ids");
    node.stop();
}
