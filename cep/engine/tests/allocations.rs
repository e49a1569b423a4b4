//! Filter and tumbling windows allocate nothing once they are warm.
//!
//! One test alone in its program: the counter is the program's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const DECLARE: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) \
     WITH (\"event.time\" = 'ts', clock = 'event');\n";
const ROWS: i64 = 1024;
const START_NS: i64 = 1_700_000_000_000_000_000;
/// A window of a second closes about once an entry.
const STEP_NS: i64 = 1_000_000;

/// An entry of rows of 100 keys, with NULLs here and there; the same in every call but for the time.
fn entry(nth: i64) -> Entry {
    let times = (0..ROWS).map(|r| START_NS + (nth * ROWS + r) * STEP_NS);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values(times)),
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|r| format!("key {:03}", r * 37 % 100)))),
        Arc::new(Float64Array::from_iter((0..ROWS).map(|r| (r % 50 != 0).then_some(r as f64 / 7.0)))),
        Arc::new(Int64Array::from_iter((0..ROWS).map(|r| (r % 30 != 0).then_some(r * 31 % 1000)))),
    ];
    let names = ["ts", "k", "v", "n"];
    let rows =
        RecordBatch::try_from_iter_with_nullable(names.into_iter().zip(columns).map(|(n, c)| (n, c, true)))
            .expect("columns of one length");
    let events = Events { stream: StreamId(0), rows, times: None };
    Entry { index: LogIndex(nth as u64 + 1), stamp: StampNs(0), kind: EntryKind::Events(events) }
}

/// Allocations of `query` while it applies `entries`, of which the first `warm` do not count; and
/// the rows that came out while counting.
fn allocations(query: &str, entries: &[Entry], warm: usize) -> (u64, usize) {
    let program = compile(&format!("{DECLARE}{query};"), &CompileOptions::default()).expect("it compiles");
    let mut partition = Partition::new(Arc::new(program), &[]).expect("it can be built");
    let mut actions = Actions::new();
    let (mut before, mut rows) = (0, 0);
    for (nth, entry) in entries.iter().enumerate() {
        if nth == warm {
            before = ALLOCATIONS.load(Ordering::Relaxed);
        }
        actions.clear();
        let done = partition.apply(entry, &mut { Budget::UNLIMITED }, &mut actions);
        assert_eq!(done, Progress::Done, "the budget is unlimited");
        black_box(&actions);
        if nth >= warm {
            rows += actions.rows();
        }
    }
    (ALLOCATIONS.load(Ordering::Relaxed) - before, rows)
}

#[test]
fn warm_filters_and_tumbling_windows_allocate_nothing() {
    let entries: Vec<Entry> = (0..400).map(entry).collect();
    for query in [
        "SELECT k, v FROM s WHERE v > 70",
        "SELECT k, v * 2 + n AS x, n FROM s WHERE k <> 'key 007' AND (n > 100 OR v < 20)",
        "SELECT k, avg(v) AS a, sum(v) AS s, count(*) AS c FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY k",
        "SELECT window_start, k, sum(n) AS s, min(v) AS low, max(n) AS high FROM s WHERE v > 10 \
         WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY window_start, k",
    ] {
        let (count, rows) = allocations(query, &entries, 200);
        assert!(rows > 1_000, "{query}: {rows} rows");
        assert_eq!(count, 0, "{query}");
    }
}
