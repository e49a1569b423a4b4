//! Reading a text to its end.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use cep_types::options::{OptionValue, StreamOptions};
use net_connect::{ConnectError, Printing, Reject, Source, reader_source, writer_sink};

/// What a source gave, put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub batch: RecordBatch,
    pub event_time_ns: Option<Vec<i64>>,
    pub positions: Vec<u64>,
    /// With `rows_before` counted from the first row of all.
    pub rejects: Vec<Reject>,
    pub skipped: u64,
}

impl Read {
    /// Rows as JSON lines.
    pub fn json(&self) -> String {
        json_of(&self.batch)
    }

    /// Rejects in one line each.
    pub fn reject_lines(&self) -> String {
        let schema = self.batch.schema();
        let line = |reject: &Reject| {
            let original = String::from_utf8_lossy(&reject.original);
            format!("{} <- {:.60?}\n", reject.message(&schema), original)
        };
        self.rejects.iter().map(line).collect()
    }
}

/// A batch as JSON lines.
pub fn json_of(batch: &RecordBatch) -> String {
    let shared = Shared::default();
    let mut sink = writer_sink("test", Box::new(shared.clone()), None, Printing::default());
    sink.write(batch, None, "s").unwrap();
    sink.close().unwrap();
    shared.text()
}

/// Bytes that several owners can look at.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A schema from `name TYPE` pairs, `NOT NULL` behind the type allowed.
pub fn schema(columns: &str) -> SchemaRef {
    let fields: Vec<Field> = columns
        .split(';')
        .map(|column| {
            let (name, sql_type) = column.trim().split_once(' ').unwrap();
            field(name, sql_type)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn field(name: &str, sql_type: &str) -> Field {
    let (base, nullable) = match sql_type.strip_suffix(" NOT NULL") {
        Some(base) => (base, false),
        None => (sql_type, true),
    };
    let data_type = match base {
        "BOOL" => DataType::Boolean,
        "INT" => DataType::Int32,
        "BIGINT" => DataType::Int64,
        "FLOAT" => DataType::Float32,
        "DOUBLE" => DataType::Float64,
        "DECIMAL(12,3)" => DataType::Decimal128(12, 3),
        "STRING" | "JSON" => DataType::Utf8,
        "BYTES" => DataType::Binary,
        "TIMESTAMP" => DataType::Timestamp(TimeUnit::Nanosecond, None),
        "DATE" => DataType::Date32,
        "TIME" => DataType::Time64(TimeUnit::Nanosecond),
        "INTERVAL" => DataType::Interval(IntervalUnit::MonthDayNano),
        "ARRAY<BIGINT>" => DataType::new_list(DataType::Int64, true),
        "MAP<STRING, DOUBLE>" => {
            let entries =
                vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Float64, true)];
            let entries = Field::new("entries", DataType::Struct(entries.into()), false);
            DataType::Map(Arc::new(entries), false)
        }
        "STRUCT<a INT, b ARRAY<BIGINT>>" => DataType::Struct(
            vec![
                Field::new("a", DataType::Int32, true),
                Field::new("b", DataType::new_list(DataType::Int64, true), true),
            ]
            .into(),
        ),
        other => panic!("no such type in these tests: {other}"),
    };
    let field = Field::new(name, data_type, nullable);
    if base == "JSON" {
        return field.with_metadata([("ceptra.type".into(), "json".into())].into());
    }
    field
}

/// Checked options of standard input.
pub fn options(pairs: &[(&str, &str)], schema: &SchemaRef) -> StreamOptions {
    let mut all = vec![("extension".to_owned(), OptionValue::Str("stdin".into()))];
    all.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), OptionValue::Str((*value).to_owned()))));
    StreamOptions::from_pairs(&all, schema.fields()).unwrap()
}

/// Reads a text with these options to its end.
pub fn read_with(
    text: &[u8],
    options: &StreamOptions,
    schema: &SchemaRef,
    block_bytes: usize,
    rows_max: usize,
) -> Result<Read, ConnectError> {
    let reader = Box::new(Cursor::new(text.to_vec()));
    let source = reader_source(options, schema, "input", reader, block_bytes)?;
    drain(source, rows_max)
}

/// Everything a source has to give.
pub fn drain(mut source: Box<dyn Source>, rows_max: usize) -> Result<Read, ConnectError> {
    let mut read = Read {
        batch: RecordBatch::new_empty(source.schema().clone()),
        event_time_ns: None,
        positions: Vec::new(),
        rejects: Vec::new(),
        skipped: 0,
    };
    let mut batches = Vec::new();
    let mut span_end = None;
    loop {
        let chunk = source.next(rows_max, 0)?;
        assert!(chunk.batch.num_rows() <= rows_max);
        assert!(chunk.rejects.len() <= rows_max);
        assert_eq!(chunk.batch.num_rows(), chunk.row_positions.len());
        assert!(span_end.is_none_or(|end| end == chunk.span.byte_start));
        span_end = Some(chunk.span.byte_end);
        let rows_before = read.positions.len();
        for mut reject in chunk.rejects {
            assert!(reject.rows_before <= chunk.batch.num_rows());
            reject.rows_before += rows_before;
            read.rejects.push(reject);
        }
        if let Some(times) = chunk.event_time_ns {
            assert_eq!(times.len(), chunk.batch.num_rows());
            read.event_time_ns.get_or_insert_default().extend(times);
        }
        read.positions.extend(chunk.row_positions);
        read.skipped += chunk.skipped;
        batches.push(chunk.batch);
        if chunk.end {
            break;
        }
    }
    assert!(read.positions.is_sorted_by(|a, b| a < b));
    read.batch = concat_batches(source.schema(), &batches).unwrap();
    Ok(read)
}

/// Reads a text in one block.
pub fn read(text: &str, pairs: &[(&str, &str)], schema: &SchemaRef) -> Read {
    read_with(text.as_bytes(), &options(pairs, schema), schema, 1 << 16, 1024).unwrap()
}
