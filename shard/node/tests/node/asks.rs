//! Questions to a node that takes rows meanwhile, rows that come too late, and windows that close by time alone.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_buffer::Buffer;
use cep_types::frame::{Frame, FrameHead, encode};
use cep_types::hash::{KeyForm, SpaceSeed};
use cep_types::log::Connectors;
use cep_types::{PartitionId, ProducerId, SpaceId, StampNs};
use net_wire::{
    Append, Cancel, EventIds, Message, Outcome, Query, ReadAt, Routing, Start, Status, Stream, Subscribe,
    Window,
};
use shard_control::{Change, DefinitionKind, DefinitionText, DefinitionVersion};
use shard_node::compile_definition;
use shard_rt::ShardId;
use shard_rt::sim::Sim;

use crate::client::{Broken, Client};
use crate::server::{self, Kept};

const APP: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'ingest', \"event.time\" = 'ts', \"watermark.lateness\" = '1 second', \"partition.by\" = 'symbol');
CREATE STREAM counts AS SELECT symbol, count(*) AS n, window_end
    FROM trades WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY symbol;";
const TOTALS: &str = "CREATE AGGREGATION totals AS SELECT symbol, count(*) AS n, sum(qty) AS qty FROM trades
    GROUP BY symbol AGGREGATE BY ts EVERY SECONDS … HOURS;";
const SHARDS: u32 = 2;
const PARTITIONS: u32 = 3;
const SECOND: i64 = 1_000_000_000;

fn partition_of(symbol: &str) -> u32 {
    let mut form = KeyForm::default();
    form.push_text(symbol);
    SpaceSeed(5).partition(form.bytes(), NonZeroU32::new(PARTITIONS).expect("some"))
}

/// Runs a test in a client beside a node that runs `text`.
fn with_node<F: Future<Output = ()> + 'static>(
    seed: u64,
    text: String,
    test: impl FnOnce(Rc<Kept>, Vec<std::net::SocketAddr>, Routing) -> F + 'static,
) {
    let sim = Sim::with_seed(seed);
    let (node, tester) = (sim.add_node(SHARDS as u16), sim.add_node(1));
    let mut settings = server::settings(&sim, node, SHARDS, PARTITIONS);
    // Its clients say nothing for long.
    settings.heartbeat = Duration::from_secs(100);
    let kept = Rc::new(Kept::default());
    server::start(&sim, node, &settings, &kept);
    let addresses: Vec<_> = (0..SHARDS as u16).map(|shard| sim.addr(node, server::PORT + shard)).collect();
    let held = Rc::clone(&kept);
    let finished = sim.spawn(tester, ShardId(0), "test", async move {
        let routing = deployed(&held, &addresses, &text).await;
        test(held, addresses, routing).await;
    });
    let ended = sim.run_until(Duration::from_secs(600), || finished.is_finished());
    assert!(ended, "seed {seed}: not done; log {:#?}", kept.log.borrow());
}

async fn deployed(kept: &Kept, addresses: &[std::net::SocketAddr], text: &str) -> Routing {
    server::until(kept, |control| control.spaces().next().is_some()).await;
    let deploy = Change::Deploy {
        name: "app".into(),
        kind: DefinitionKind::Sql,
        space: SpaceId(0),
        text: DefinitionText(text.into()),
        compiled: compile_definition("app", text, PARTITIONS, Connectors::Off).expect("it is right"),
    };
    assert!(server::propose(kept, 1, deploy).await.refusal().is_none());
    let version = DefinitionVersion(1);
    let activate = Change::Activate { definition: "app".into(), version, despite_quarantine: false };
    assert!(server::propose(kept, 2, activate).await.refusal().is_none());
    server::until(kept, |control| {
        control.definition("app").is_some_and(|d| matches!(d.status(), shard_control::Status::Active(_)))
    })
    .await;
    loop {
        if let Ok(mut client) = Client::connect(addresses[0]).await
            && let Ok(routing) = client.routing().await
            && routing.stream("counts").is_some()
        {
            return routing;
        }
        shard_rt::sleep(Duration::from_millis(3)).await;
    }
}

/// Appends rows of one symbol with these times; what became of each.
async fn append(
    client: &mut Client,
    stream: &Stream,
    symbol: &str,
    first: u64,
    times: &[i64],
) -> Result<Vec<Outcome>, Broken> {
    let count = times.len();
    let rows = RecordBatch::try_from_iter([
        ("ts", Arc::new(TimestampNanosecondArray::from(times.to_vec())) as _),
        ("symbol", Arc::new(StringArray::from(vec![symbol; count])) as _),
        ("qty", Arc::new(Int64Array::from(vec![1; count])) as _),
    ]);
    let head = FrameHead { stream: stream.id, schema_version: stream.schema_version };
    let ids: Vec<_> = stream.columns.iter().map(|column| column.id).collect();
    let frame = encode(head, &ids, &rows.expect("equal lengths")).expect("plain types");
    let request = client.next;
    client.next += 1;
    let append = Append {
        stream: stream.id,
        schema_version: stream.schema_version,
        partition: PartitionId(partition_of(symbol)),
        routing_epoch: cep_types::Epoch(1),
        ids: EventIds::Sequence { producer: ProducerId(9), first },
        first_sent: StampNs(now()),
        replay: false,
        timeout_ms: 0,
        rows: &frame,
    };
    client.send(request, append).await?;
    client
        .receive(|id, message| match message {
            Message::Ack(ack) if id == request => {
                assert!(ack.failure.is_none(), "{:?}", ack.failure);
                let runs = ack.runs.iter();
                Some(runs.flat_map(|run| std::iter::repeat_n(run.outcome, run.count as usize)).collect())
            }
            _ => None,
        })
        .await
}

fn now() -> i64 {
    shard_rt::Rt::current().wall_ns() as i64
}

/// Rows of an answer, whether they were cut, and where they are true; or why there is none.
type Answered = Result<(Vec<RecordBatch>, bool, Vec<ReadAt>), (Status, String, Option<String>)>;

async fn ask(client: &mut Client, query: Query<'_>) -> Result<Answered, Broken> {
    let request = client.next;
    client.next += 1;
    client.send(request, query).await?;
    let mut batches = Vec::new();
    client
        .receive(|id, message| match message {
            Message::QueryRows(rows) if id == request => {
                assert_eq!((rows.part as usize, rows.columns.is_empty()), (batches.len(), rows.part > 0));
                let frame = Frame::open(&Buffer::from(rows.rows)).expect("the server's frame");
                let arrays = frame.columns().iter().map(|c| (c.id.0.to_string(), Arc::clone(&c.array)));
                batches.push(RecordBatch::try_from_iter(arrays).expect("equal lengths"));
                None
            }
            Message::QueryEnd(end) if id == request => Some(match end.failure {
                Some(failure) => {
                    Err((failure.status, failure.text.to_owned(), failure.redirect.map(str::to_owned)))
                }
                None => {
                    assert_eq!(end.parts as usize, batches.len());
                    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                    assert_eq!(end.rows as usize, rows);
                    Ok((std::mem::take(&mut batches), end.is_truncated, end.read_at.iter().collect()))
                }
            }),
            _ => None,
        })
        .await
}

fn query(sql: &str) -> Query<'_> {
    Query { sql, space: "", partition: None, rows_max: 0, timeout_ms: 0, parameters: &[] }
}

/// The only number of an answer.
fn number(answered: Answered) -> i64 {
    let (batches, _, _) = answered.expect("an answer");
    let numbers = batches[0].column(0).as_primitive::<Int64Type>();
    // An aggregate of no rows is no row.
    if numbers.is_empty() { 0 } else { numbers.value(0) }
}

const COUNT: &str = "SELECT coalesce(sum(n), 0) AS n FROM app.totals WITHIN '2020-01-01' PER 'hours'";

#[test]
fn an_answer_has_what_was_acked_and_nothing_that_was_not_sent() {
    with_node(7, format!("{APP}{TOTALS}"), |_, addresses, routing| async move {
        let stream = routing.stream("trades").expect("declared").clone();
        let mut symbols: BTreeMap<u32, String> = BTreeMap::new();
        for symbol in (0..).map(|n| format!("s{n}")) {
            symbols.entry(partition_of(&symbol)).or_insert(symbol);
            if symbols.len() as u32 == PARTITIONS {
                break;
            }
        }
        // Of each partition: rows sent, and rows acked.
        let counts = Rc::new(std::cell::RefCell::new([[0_i64; PARTITIONS as usize]; 2]));
        let mut appenders = Vec::new();
        for (partition, symbol) in symbols {
            let id = shard_node::lanes::partition_of(0, partition);
            let address = addresses[shard_node::shard_of(id, SHARDS) as usize];
            let (stream, counts) = (stream.clone(), Rc::clone(&counts));
            appenders.push(shard_rt::spawn("appender", async move {
                let mut client = Client::connect(address).await.expect("it is up");
                for batch in 0..60_u64 {
                    counts.borrow_mut()[0][partition as usize] += 5;
                    let told = append(&mut client, &stream, &symbol, batch * 5, &[now(); 5]).await;
                    assert_eq!(told.expect("it is up"), [Outcome::Applied; 5]);
                    counts.borrow_mut()[1][partition as usize] += 5;
                }
            }));
        }
        let mut seen = 0;
        for turn in 0..40 {
            let mut client = Client::connect(addresses[turn % SHARDS as usize]).await.expect("it is up");
            let acked: i64 = counts.borrow()[1].iter().sum();
            let found = number(ask(&mut client, query(COUNT)).await.expect("it is up"));
            let sent: i64 = counts.borrow()[0].iter().sum();
            assert!(acked <= found && found <= sent, "{acked} <= {found} <= {sent}");
            seen += i64::from(found > 0 && found < 300 * i64::from(PARTITIONS));
        }
        assert!(seen > 5, "{seen}");
        for appender in appenders {
            appender.await.expect("it ends");
        }
        let mut client = Client::connect(addresses[0]).await.expect("it is up");
        let (_, _, read_at) = ask(&mut client, query(COUNT)).await.expect("it is up").expect("an answer");
        assert_eq!(read_at.iter().map(|at| at.partition.0).collect::<Vec<_>>(), [0, 1, 2]);
        let every = "SELECT symbol, n FROM totals WITHIN '2020-01-01' PER 'hours' ORDER BY symbol";
        let (batches, is_truncated, _) =
            ask(&mut client, query(every)).await.expect("it is up").expect("an answer");
        assert!(!is_truncated && batches[0].num_rows() >= PARTITIONS as usize);
        let symbols: Vec<_> = batches[0].column(0).as_string::<i32>().iter().collect();
        assert!(symbols.is_sorted(), "{symbols:?}");
        let cut = Query { rows_max: 1, ..query(every) };
        let (batches, is_truncated, _) = ask(&mut client, cut).await.expect("it is up").expect("an answer");
        assert_eq!((batches[0].num_rows(), is_truncated), (1, true));
    });
}

#[test]
fn what_cannot_be_asked_is_refused_and_what_is_elsewhere_redirected() {
    with_node(8, format!("{APP}{TOTALS}"), |_, addresses, _| async move {
        let mut client = Client::connect(addresses[0]).await.expect("it is up");
        for (sql, words) in [
            ("SELECT * FROM trades", "subscribe"),
            ("SELECT * FROM total WITHIN '2020-01-01' PER 'days'", "did you mean 'totals'"),
            ("SELECT * FROM other.totals WITHIN '2020-01-01' PER 'days'", "no definition 'other'"),
            ("SELECT n FRM totals", "FRM"),
            ("SELECT $1 AS x", "$1"),
        ] {
            let (status, text, _) = ask(&mut client, query(sql)).await.expect("it is up").unwrap_err();
            assert_eq!(status, Status::PermanentQuery, "{text}");
            assert!(text.contains(words), "{sql}: {text}");
        }
        let nowhere = Query { space: "nowhere", ..query(COUNT) };
        assert!(ask(&mut client, nowhere).await.expect("it is up").is_err());
        let (mut here, mut redirected) = (0, 0);
        for partition in 0..PARTITIONS {
            let one = Query { partition: Some(PartitionId(partition)), ..query(COUNT) };
            match ask(&mut client, one).await.expect("it is up") {
                Ok((_, _, read_at)) => {
                    assert_eq!(read_at.len(), 1);
                    here += 1;
                }
                Err((status, _, redirect)) => {
                    assert_eq!(status, Status::TransientRedirect);
                    assert!(redirect.is_some());
                    redirected += 1;
                }
            }
        }
        assert!(here > 0 && redirected > 0, "{here} {redirected}");
        let beyond = Query { partition: Some(PartitionId(PARTITIONS)), ..query(COUNT) };
        let (status, _, _) = ask(&mut client, beyond).await.expect("it is up").unwrap_err();
        assert_eq!(status, Status::PermanentEpoch);
        // A query that is cancelled ends once; what comes behind it is answered.
        client.send(900, query(COUNT)).await.expect("it is up");
        client.send(900, Cancel).await.expect("it is up");
        let mut ends = 0;
        assert_eq!(number(ask(&mut client, query(COUNT)).await.expect("it is up")), 0);
        client.send(901, query("SELECT 1 AS one")).await.expect("it is up");
        let last = client.receive(|id, message| match message {
            Message::QueryEnd(_) if id == 900 => {
                ends += 1;
                None
            }
            Message::QueryEnd(_) if id == 901 => Some(()),
            _ => None,
        });
        last.await.expect("it is up");
        assert!(ends <= 1);
    });
}

#[test]
fn a_window_closes_by_time_alone_and_late_rows_are_told() {
    with_node(9, APP.to_owned(), |_, addresses, routing| async move {
        let input = routing.stream("trades").expect("declared").clone();
        let output = routing.stream("counts").expect("declared").clone();
        let partition = partition_of("a");
        let id = shard_node::lanes::partition_of(0, partition);
        let address = addresses[shard_node::shard_of(id, SHARDS) as usize];
        let mut client = Client::connect(address).await.expect("it is up");
        let subscribe = Subscribe {
            stream: output.id,
            partition: PartitionId(partition),
            routing_epoch: cep_types::Epoch(1),
            start: Start::Earliest,
            allowed: Window { events: u64::MAX, bytes: u64::MAX },
        };
        let mut follower = Client::connect(address).await.expect("it is up");
        follower.send(1, subscribe).await.expect("it is up");
        let first = now();
        let told = append(&mut client, &input, "a", 0, &[first]).await.expect("it is up");
        assert_eq!(told, [Outcome::Applied]);
        // Silence: after 30 s the stream is idle, and its watermark goes on with the clock.
        let end = first - first.rem_euclid(10 * SECOND) + 10 * SECOND;
        let watermark = first - SECOND;
        let due = first + 30 * SECOND + (end - watermark);
        let closed = loop {
            let delivered = follower.receive(|id, message| match message {
                Message::Delivery(_) if id == 1 => Some(now()),
                _ => None,
            });
            match delivered.await {
                Ok(at) => break at,
                Err(Broken) => {
                    assert!(now() < due + SECOND, "it does not close");
                    // Nothing came for a while: the connection is still the same.
                }
            }
        };
        let late_ns = closed - due;
        assert!((0..20_000_000).contains(&late_ns), "{late_ns} ns late");
        let told = append(&mut client, &input, "a", 1, &[first, now(), first]).await;
        let told = match told {
            Ok(told) => told,
            Err(Broken) => {
                let mut client = Client::connect(address).await.expect("it is up");
                append(&mut client, &input, "a", 1, &[first, now(), first]).await.expect("it is up")
            }
        };
        assert_eq!(told, [Outcome::LateDropped, Outcome::Applied, Outcome::LateDropped]);
    });
}
