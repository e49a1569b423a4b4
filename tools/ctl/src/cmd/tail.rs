//! Rows of a stream as they come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use net_client::{
    Client, ClientError, Delivered, LogIndex, PartitionId, Position, SubscribeOptions, SubscribeStart,
};
use net_connect::{OutputFormat, Printing, Sink, stdout_sink};

use crate::args::{After, From, Output, RowFormat, Tail};
use crate::client;
use crate::failure::{Failure, Result};

/// Prints rows until there are enough, none comes any more, or Ctrl-C.
///
/// # Errors
/// When there is no such stream, its rows are no longer kept, or the connection is lost for good.
pub fn run(address: &str, output: Output, tail: &Tail) -> Result<()> {
    let format = tail.format.unwrap_or(match output {
        Output::Table => RowFormat::Table,
        Output::Json => RowFormat::Json,
    });
    let format = match format {
        RowFormat::Table => OutputFormat::Table,
        RowFormat::Json => OutputFormat::Json,
        RowFormat::Csv => OutputFormat::Csv,
    };
    let mut sink = stdout_sink(None, Printing { format, tag_streams: false });
    let places = client::with(address, async |client| follow(client, tail, sink.as_mut()).await)?;
    sink.close()?;
    if !tail.follow {
        let places = places.values().map(|after| format!(" --after {after}")).collect::<String>();
        eprintln!(
            "{} rows{}",
            sink.rows(),
            if places.is_empty() { places } else { format!("; go on with{places}") }
        );
    }
    Ok(())
}

/// Where to begin.
fn start(tail: &Tail) -> SubscribeStart {
    if !tail.after.is_empty() {
        let place = |after: &After| {
            let position = Position { index: LogIndex(after.index), ordinal: after.ordinal };
            (PartitionId(after.partition), position)
        };
        return SubscribeStart::After(tail.after.iter().map(place).collect());
    }
    match tail.from {
        From::Earliest => SubscribeStart::Earliest,
        From::Latest => SubscribeStart::Latest,
    }
}

/// Hands rows to the sink; the last row of each partition.
async fn follow(client: &Client, tail: &Tail, sink: &mut dyn Sink) -> Result<BTreeMap<PartitionId, After>> {
    let partitions = (!tail.partition.is_empty())
        .then(|| tail.partition.iter().copied().map(PartitionId).collect::<Vec<_>>());
    let options = SubscribeOptions { partitions, start: start(tail), ..SubscribeOptions::default() };
    let mut subscription = client.subscribe(&tail.stream, &options)?;
    let routing = client.routing();
    let has_ops =
        routing.stream(&tail.stream).is_some_and(|stream| stream.changelog != net_client::Changelog::Append);
    let mut places = BTreeMap::new();
    let mut left = tail.count.unwrap_or(u64::MAX);
    let mut quiet_since = tokio::time::Instant::now();
    while left > 0 {
        let next = subscription.next();
        let item = if tail.follow {
            next.await
        } else {
            let end = quiet_since + Duration::from_millis(tail.quiet_ms);
            let Ok(item) = tokio::time::timeout_at(end, next).await else { break };
            item
        };
        // The end of the subscription is one of all partitions; each has said why.
        let Some(item) = item else { break };
        let delivered = item.map_err(|error| gone(error, tail))?;
        let count = delivered.rows.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(last) = count.checked_sub(1).and_then(|last| delivered.positions.get(last)) else {
            continue;
        };
        let partition = delivered.partition;
        places
            .insert(partition, After { partition: partition.0, index: last.index.0, ordinal: last.ordinal });
        left -= count as u64;
        let ops = has_ops.then(|| &delivered.ops[..count]);
        sink.write(&columns(&delivered, count, tail.positions)?, ops, &tail.stream)?;
        sink.flush()?;
        quiet_since = tokio::time::Instant::now();
    }
    Ok(places)
}

/// What an error of a partition means here.
fn gone(error: ClientError, tail: &Tail) -> Failure {
    match error {
        ClientError::PositionExpired { partition, earliest, .. } => {
            let earliest = earliest.map_or_else(
                || "none is kept now".to_owned(),
                |at| format!("the oldest that is kept is {}:{}.{}", partition.0, at.index.0, at.ordinal),
            );
            Failure::Found(format!(
                "rows of {} behind that position are no longer kept, {earliest}; begin with --from earliest",
                tail.stream
            ))
        }
        error => error.into(),
    }
}

/// The first rows as they are written: with their places, if that is wanted.
fn columns(delivered: &Delivered, count: usize, positions: bool) -> Result<RecordBatch> {
    let rows = delivered.rows.slice(0, count);
    if !positions {
        return Ok(rows);
    }
    let at = &delivered.positions[..count];
    let places: [(&str, DataType, ArrayRef); 3] = [
        ("_partition", DataType::UInt32, Arc::new(UInt32Array::from(vec![delivered.partition.0; count]))),
        ("_index", DataType::UInt64, Arc::new(UInt64Array::from_iter_values(at.iter().map(|at| at.index.0)))),
        (
            "_ordinal",
            DataType::UInt32,
            Arc::new(UInt32Array::from_iter_values(at.iter().map(|at| at.ordinal))),
        ),
    ];
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (name, data_type, array) in places {
        fields.push(Arc::new(Field::new(name, data_type, false)));
        arrays.push(array);
    }
    fields.extend(rows.schema_ref().fields().iter().cloned());
    arrays.extend(rows.columns().iter().cloned());
    let made = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    made.map_err(|error| Failure::Found(format!("the rows cannot be written: {error}")))
}
