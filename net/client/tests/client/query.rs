//! Questions and their results.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field};
use cep_types::StreamId;
use cep_types::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};
use net_client::{Client, ClientError, LogIndex, PartitionId, Query, QueryResult, ReadAt, Status};
use net_wire::{Column, Failure, List, QueryEnd, QueryRows, RequestId};

use crate::fake::{Fake, Got, Peer, tables};
use crate::options;

fn frame(first: i64, count: i64) -> Vec<u8> {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + count));
    let batch = RecordBatch::try_from_iter([("x", numbers)]).unwrap();
    let head = FrameHead { stream: StreamId(u32::MAX), schema_version: SchemaVersion(0) };
    encode(head, &[ColumnId(1)], &batch).unwrap()
}

fn part(number: u32, rows: &[u8]) -> QueryRows<'_> {
    let column = Column { id: ColumnId(1), field: Field::new("total", DataType::Int64, true) };
    QueryRows { part: number, columns: if number == 0 { vec![column] } else { vec![] }, rows }
}

const READ_AT: ReadAt = ReadAt { partition: PartitionId(0), index: LogIndex(12) };

fn end(rows: u64, parts: u32) -> QueryEnd<'static> {
    QueryEnd { failure: None, rows, parts, is_truncated: true, read_at: (&[READ_AT]).into() }
}

fn failed(status: Status) -> QueryEnd<'static> {
    let failure = Some(Failure::new(status, "as the test says"));
    QueryEnd { failure, rows: 0, parts: 0, is_truncated: false, read_at: List::default() }
}

/// A client, and the connection on which it asks.
async fn connected() -> (Client, Fake, Peer) {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.result_bytes_max = 4_000;
    let routing = tables::routing(1, &[&fake.address]);
    let (client, peer) = tokio::join!(Client::connect(options), fake.accept_routed(&routing));
    (client.unwrap(), fake, peer)
}

async fn asked(peer: &mut Peer) -> (RequestId, Got) {
    let (request, got) = peer.next().await.unwrap();
    assert!(matches!(got, Got::Query { .. }), "{got:?}");
    (request, got)
}

fn ask(client: &Client, query: Query) -> tokio::task::JoinHandle<Result<QueryResult, ClientError>> {
    let client = client.clone();
    tokio::spawn(async move { client.query(&query).await })
}

#[tokio::test]
async fn a_result_comes_in_parts_on_a_connection_of_its_own() {
    let (client, fake, _data) = connected().await;
    let name: ArrayRef = Arc::new(StringArray::from(vec!["kitchen"]));
    let floor: ArrayRef = Arc::new(Int64Array::from(vec![4]));
    let parameters = RecordBatch::try_from_iter([("a", name), ("b", floor)]).unwrap();
    let query = Query {
        parameters: Some(parameters),
        partition: Some(PartitionId(0)),
        rows_max: 50,
        ..Query::new("SELECT total FROM t WHERE sensor = $1 AND n > $2")
    };
    let answer = ask(&client, query);
    let mut peer = fake.accept_with(&tables::welcome()).await;
    let (request, got) = asked(&mut peer).await;
    let Got::Query { sql, partition, rows_max, parameters } = got else { panic!() };
    assert!(sql.ends_with("n > $2") && partition == Some(PartitionId(0)) && rows_max == 50);
    let frame_of = Frame::open(&parameters.into()).unwrap();
    assert_eq!((frame_of.rows(), frame_of.head().stream.0), (1, u32::MAX));
    assert_eq!(frame_of.columns().iter().map(|column| column.id.0).collect::<Vec<_>>(), [1, 2]);
    peer.send(request, part(0, &frame(0, 3))).await;
    peer.send(request, part(1, &frame(3, 2))).await;
    peer.send(request, end(5, 2)).await;
    let result = answer.await.unwrap().unwrap();
    assert_eq!((result.row_count(), result.batches.len(), result.is_truncated), (5, 2, true));
    assert_eq!((result.schema.field(0).name().as_str(), result.read_at), ("total", vec![READ_AT]));
}

#[tokio::test]
async fn a_result_without_rows_has_columns() {
    let (client, fake, _data) = connected().await;
    let answer = ask(&client, Query::new("SELECT 1"));
    let mut peer = fake.accept_with(&tables::welcome()).await;
    let (request, _) = asked(&mut peer).await;
    peer.send(request, part(0, &[])).await;
    peer.send(request, end(0, 1)).await;
    let result = answer.await.unwrap().unwrap();
    assert_eq!((result.row_count(), result.schema.fields().len()), (0, 1));
}

#[tokio::test]
async fn what_passes_is_asked_again_and_what_is_wrong_is_not() {
    let (client, fake, mut data) = connected().await;
    tokio::spawn(async move {
        while let Some((request, _)) = data.next_ever().await {
            data.send(request, tables::routing(1, &["127.0.0.1:1"])).await;
        }
    });
    let answer = ask(&client, Query::new("SELECT 1"));
    let mut peer = fake.accept_with(&tables::welcome()).await;
    let (request, _) = asked(&mut peer).await;
    peer.send(request, part(0, &frame(0, 3))).await;
    peer.send(request, failed(Status::TransientWarmup)).await;
    let (request, _) = asked(&mut peer).await;
    peer.send(request, part(0, &frame(0, 1))).await;
    peer.send(request, end(1, 1)).await;
    assert_eq!(answer.await.unwrap().unwrap().row_count(), 1);

    let answer = ask(&client, Query::new("SELEC 1"));
    let (request, _) = asked(&mut peer).await;
    peer.send(request, failed(Status::PermanentQuery)).await;
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(error.refusal().map(|refusal| refusal.status), Some(Status::PermanentQuery));
}

#[tokio::test]
async fn a_result_that_is_too_large_or_abandoned_is_cancelled() {
    let (client, fake, _data) = connected().await;
    let answer = ask(&client, Query::new("SELECT everything"));
    let mut peer = fake.accept_with(&tables::welcome()).await;
    let (request, _) = asked(&mut peer).await;
    peer.send(request, part(0, &frame(0, 10))).await;
    peer.send(request, part(1, &frame(10, 2_000))).await;
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(error, ClientError::ResultTooLarge { bytes_max: 4_000 });
    assert_eq!(peer.next().await, Some((request, Got::Cancel)));
    // What was on its way is ignored.
    peer.send(request, end(2_010, 2)).await;

    let abandoned = ask(&client, Query::new("SELECT slowly"));
    let (request, _) = asked(&mut peer).await;
    abandoned.abort();
    assert_eq!(peer.next().await, Some((request, Got::Cancel)));

    let late = ask(&client, Query { timeout: Some(Duration::from_millis(200)), ..Query::new("SELECT 1") });
    let (request, _) = asked(&mut peer).await;
    assert!(matches!(late.await.unwrap(), Err(ClientError::Timeout { .. })));
    assert_eq!(peer.next().await, Some((request, Got::Cancel)));
}

#[tokio::test]
async fn results_that_do_not_add_up_are_malformed() {
    type Script = fn() -> Vec<net_wire::Message<'static>>;
    let scripts: [Script; 4] = [
        || vec![end(0, 0).into()],
        || vec![part(1, &[]).into()],
        || vec![part(0, &[]).into(), end(1, 1).into()],
        || vec![part(0, &[]).into(), end(0, 2).into()],
    ];
    for script in scripts {
        let (client, fake, mut data) = connected().await;
        tokio::spawn(async move { while data.next_ever().await.is_some() {} });
        let query = Query { timeout: Some(Duration::from_millis(300)), ..Query::new("SELECT 1") };
        let answer = ask(&client, query);
        let server = tokio::spawn(async move {
            loop {
                let mut peer = fake.accept_with(&tables::welcome()).await;
                let Some((request, _)) = peer.next().await else { continue };
                for message in script() {
                    peer.send(request, message).await;
                }
                while peer.next().await.is_some() {}
            }
        });
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
        server.abort();
    }
}
