//! Tables of a real node are asked by clients and over HTTP: by key, by index and whole, on several partitions and
//! after a crash.

use arrow_array::RecordBatch;
use net_client::{ClientError, ProducerOptions, Query};
use serde_json::{Value, json};

use crate::node::Node;
use crate::{KEYS, connect, rows};

const APP: &str = "
CREATE STREAM readings (key STRING NOT NULL, number BIGINT NOT NULL) WITH (\"partition.by\" = 'key');
CREATE TABLE latest (key STRING PRIMARY KEY, number BIGINT NOT NULL, half BIGINT, INDEX (half));
UPSERT INTO latest SELECT key, number, number % 2 FROM readings;
CREATE TABLE few (key STRING PRIMARY KEY, number BIGINT) WITH (\"table.rows.max\" = 3, \"table.full\" = 'reject');
UPSERT INTO few SELECT key, number FROM readings;
CREATE TABLE kinds (kind BIGINT PRIMARY KEY, name STRING);
INSERT INTO kinds VALUES (0, 'even'), (1, 'odd');
CREATE STREAM named AS SELECT r.key, k.name FROM readings AS r JOIN kinds AS k ON r.number % 2 = k.kind;";

fn numbers(rows: &[RecordBatch]) -> Vec<i64> {
    use arrow_array::cast::AsArray;
    let of =
        |rows: &RecordBatch| rows.column(0).as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
    rows.iter().flat_map(of).collect()
}

#[tokio::test]
async fn tables_are_asked_by_key_by_index_and_whole() {
    let mut node = Node::new(&["--partitions", "2", "--shards", "2"]);
    node.deploy("tables", APP);
    let client = connect(&node).await;
    let producer = client.producer("readings", ProducerOptions::default()).unwrap();
    // Twice all keys: what counts is the last row of each.
    let receipt = producer.append(&rows(0, 2 * KEYS)).await.unwrap().await.unwrap();
    assert!(receipt.is_complete(), "{:?}", receipt.rows());
    for round in 0..2 {
        let ask = async |sql: &str| numbers(&client.query(&Query::new(sql)).await.unwrap().batches);
        assert_eq!(ask("SELECT number FROM latest WHERE key = 'k5'").await, [KEYS + 5]);
        assert!(ask("SELECT number FROM tables.latest WHERE key = 'nobody'").await.is_empty());
        let wanted: Vec<i64> = (KEYS..2 * KEYS).collect();
        assert_eq!(ask("SELECT number FROM latest ORDER BY number").await, wanted);
        let odd: i64 = wanted.iter().filter(|number| *number % 2 == 1).count() as i64;
        assert_eq!(ask("SELECT count(*) AS n FROM latest WHERE half = 1").await, [odd]);
        let highest = ask("SELECT number FROM latest WHERE half = 0 ORDER BY number DESC LIMIT 2").await;
        assert_eq!(highest, [2 * KEYS - 2, 2 * KEYS - 4]);
        assert_eq!(ask("SELECT count(*) AS n FROM few").await, [6], "three rows in each partition");
        // A table that no stream writes is the same everywhere, and told once.
        assert_eq!(ask("SELECT kind FROM kinds ORDER BY kind").await, [0, 1]);
        let sql = json!({"sql": "SELECT key, number FROM latest WHERE key = $1", "parameters": ["k7"]});
        let (code, body) = node.ask("POST", "/v1/query", &sql.to_string()).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(code, 200, "{body}");
        assert_eq!(body["rows"], json!([{"key": "k7", "number": KEYS + 7}]));
        let wrong = client.query(&Query::new("SELECT nothing FROM latest")).await.err().unwrap();
        assert!(matches!(&wrong, ClientError::Server(_)) && wrong.to_string().contains("nothing"), "{wrong}");
        let (_, metrics) = node.ask("GET", "/metrics", "").unwrap();
        let over: f64 = metrics
            .lines()
            .filter(|line| line.starts_with("ceptra_definition_over_bound_total"))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum();
        assert!(over >= (KEYS - 6) as f64, "rows that had no room are counted: {over}");
        if round == 0 {
            node.kill();
            node.start();
        }
    }
    let read = json!({"name": "reads", "text": "CREATE TABLE t (k BIGINT PRIMARY KEY); SELECT * FROM t;"});
    let (code, body) = node.ask("POST", "/v1/definitions", &read.to_string()).unwrap();
    assert!(code >= 400 && body.contains("ask it as a query"), "{code} {body}");
    client.close().await.unwrap();
    node.stop();
}
