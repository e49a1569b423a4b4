//! What servers of tests say: one space, its streams, and rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field};
use cep_types::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};
use cep_types::hash::{KeyForm, SpaceSeed};
use cep_types::{Epoch, SpaceId, StreamId};
use net_wire::*;

pub const SEED: SpaceSeed = SpaceSeed(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
pub const SPACE: SpaceId = SpaceId(5);
pub const READINGS: StreamId = StreamId(3);
pub const LOOSE: StreamId = StreamId(4);
pub const NUMBER: ColumnId = ColumnId(1);
pub const SENSOR: ColumnId = ColumnId(2);
/// A window that no test fills by accident.
pub const WIDE: Window = Window { events: 1 << 30, bytes: 1 << 40 };

/// A Welcome whose heartbeats are short, and long enough for a busy host.
pub fn welcome() -> Welcome<'static> {
    Welcome {
        version: 1,
        features: Features::ALL,
        server: "fake 1",
        cluster: "tests",
        node: 1,
        shard: 0,
        role: Role::Operator,
        event_bytes_max: EVENT_BYTES_DEFAULT,
        message_bytes_max: MESSAGE_BYTES_DEFAULT,
        heartbeat_ms: 1_500,
        retry_window_ms: RETRY_WINDOW_MS_DEFAULT,
        credits: WIDE,
        routing_epoch: Epoch(1),
        time_ns: 0,
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column { id: NUMBER, field: Field::new("n", DataType::Int64, true) },
        Column { id: SENSOR, field: Field::new("sensor", DataType::Utf8, false) },
    ]
}

fn stream(id: StreamId, name: &str, key: Vec<ColumnId>) -> Stream {
    Stream {
        id,
        name: name.to_owned(),
        space: SPACE,
        schema_version: SchemaVersion(7),
        columns: columns(),
        key,
        event_time: None,
        changelog: Changelog::Append,
        can_append: true,
        can_subscribe: true,
    }
}

/// A table where partition i is led by the address `leaders[i]`.
pub fn routing(epoch: u64, leaders: &[&str]) -> Routing {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut places = Vec::new();
    for address in leaders {
        let at = endpoints.iter().position(|endpoint| endpoint.address == *address).unwrap_or_else(|| {
            endpoints.push(Endpoint { address: (*address).to_owned(), node: 1, shard: 0 });
            endpoints.len() - 1
        });
        places.push(Some(at as u32));
    }
    let derived = Stream { can_append: false, ..stream(StreamId(9), "alerts", vec![]) };
    let hidden = Stream { can_subscribe: false, ..stream(StreamId(8), "hidden", vec![]) };
    Routing {
        epoch: Epoch(epoch),
        endpoints,
        spaces: vec![Space { id: SPACE, name: "main".to_owned(), seed: SEED, leaders: places }],
        streams: vec![
            stream(READINGS, "readings", vec![SENSOR]),
            stream(LOOSE, "loose", vec![]),
            derived,
            hidden,
        ],
    }
}

/// Rows with these sensors, and n counting from `first`.
pub fn rows_of(first: i64, sensors: &[String]) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((first..).take(sensors.len())));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(sensors));
    RecordBatch::try_from_iter([("sensor", names), ("N", numbers)]).unwrap()
}

/// Rows of one sensor.
pub fn rows(first: i64, count: usize) -> RecordBatch {
    rows_of(first, &vec!["kitchen".to_owned(); count])
}

/// The partition of a sensor, found without the client's code.
pub fn owner(sensor: &str, partitions: u64) -> u64 {
    let mut key = KeyForm::default();
    key.push_text(sensor);
    SEED.hash(key.bytes()) % partitions
}

/// Numbers and sensors of a frame.
pub fn opened(frame: &[u8]) -> Vec<(i64, String)> {
    let frame = Frame::open(&Buffer::from(frame)).unwrap();
    let head = frame.head();
    assert!([READINGS, LOOSE].contains(&head.stream) && head.schema_version == SchemaVersion(7));
    let numbers = frame.columns()[0].array.as_primitive::<Int64Type>().clone();
    let sensors = arrow_cast::cast(&frame.columns()[1].array, &DataType::Utf8).unwrap();
    let sensors = sensors.as_string::<i32>();
    (0..frame.rows()).map(|row| (numbers.value(row), sensors.value(row).to_owned())).collect()
}

/// A frame of rows as a server delivers them.
pub fn frame(stream: StreamId, first: i64, count: usize) -> Vec<u8> {
    let head = FrameHead { stream, schema_version: SchemaVersion(7) };
    encode(head, &[SENSOR, NUMBER], &rows(first, count)).unwrap()
}

/// The column n of a batch.
pub fn numbers(rows: &RecordBatch) -> Vec<i64> {
    rows.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

/// The answer to a Subscribe.
pub fn subscribed(after: Position) -> Subscribed {
    Subscribed { schema_version: SchemaVersion(7), changelog: Changelog::Append, columns: columns(), after }
}
