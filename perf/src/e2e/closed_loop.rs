//! As much as the node takes, with a fixed number of appends in flight on one connection.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use net_wire::Message;

use super::append::applied;
use super::error::{E2eError, Result};
use super::link::{Inlet, Link, Outlet};
use super::node::Node;
use super::process;
use super::report::histogram;
use super::rows::Writer;

/// What is sent, and how much of it at a time.
pub struct Load<'a> {
    /// Frames that are sent in turn; written before the measurement.
    pub frames: &'a [Vec<u8>],
    /// Rows of each.
    pub rows: u64,
    /// Appends that may be under way.
    pub in_flight: usize,
}

/// What came of it, within the time that is measured.
pub struct Yield {
    /// Rows acknowledged.
    pub rows: u64,
    /// In how long.
    pub seconds: f64,
    /// From sending an append to its ack; measured by the client in its own loop.
    pub took: Histogram<u64>,
    /// CPU of the node, in cores.
    pub node_cores: f64,
    /// CPU of this process, in cores.
    pub client_cores: f64,
    /// Bytes that the node made the disk write.
    pub written_bytes: u64,
    /// Entries of the log that they went into.
    pub entries: u64,
}

impl Yield {
    /// Rows of an entry of the log on average: what waits while one is written goes into the next.
    pub fn rows_per_entry(&self) -> f64 {
        self.rows as f64 / self.entries.max(1) as f64
    }

    /// Rows acknowledged a second.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }
}

/// Appends under way, by the time they were sent.
#[derive(Default)]
struct Flight {
    sent: Mutex<VecDeque<Instant>>,
    changed: Condvar,
    rows: AtomicU64,
    measuring: AtomicBool,
    ending: AtomicBool,
}

impl Flight {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        // A thread that panicked is told apart when it is joined.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

/// Runs a load against a node.
///
/// # Errors
/// When a row is not applied, or something fails.
pub fn run(
    link: Link,
    writer: Writer,
    load: &Load<'_>,
    node: &Node,
    warm_up: Duration,
    length: Duration,
) -> Result<Yield> {
    let flight = Flight::default();
    let Link { outlet, inlet, .. } = link;
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let sent = send(&flight, load, outlet, writer);
            flight.end();
            sent
        });
        let taker = scope.spawn(|| {
            let taken = take(&flight, load, inlet);
            flight.end();
            taken
        });
        let watched = watch(&flight, node, warm_up, length);
        flight.end();
        let panicked = |_| E2eError::Wrong("a thread panicked".into());
        // The taker knows more of why a connection was lost.
        let (sent, took) = (sender.join().map_err(panicked)?, taker.join().map_err(panicked)?);
        let took = took?;
        sent?;
        Ok(Yield { took, ..watched? })
    })
}

/// Counts over the time that is measured.
fn watch(flight: &Flight, node: &Node, warm_up: Duration, length: Duration) -> Result<Yield> {
    let (own, pid) = (std::process::id(), node.pid());
    thread::sleep(warm_up);
    let entries = node.entries()?;
    flight.measuring.store(true, Ordering::SeqCst);
    let (node_cpu, client_cpu) = (process::cpu_time(pid)?, process::cpu_time(own)?);
    let (written, rows) = (process::written_bytes(pid)?, flight.rows.load(Ordering::SeqCst));
    let begun = Instant::now();
    thread::sleep(length);
    let seconds = begun.elapsed().as_secs_f64();
    let rows = flight.rows.load(Ordering::SeqCst) - rows;
    flight.measuring.store(false, Ordering::SeqCst);
    Ok(Yield {
        rows,
        seconds,
        took: histogram(),
        node_cores: (process::cpu_time(pid)? - node_cpu).as_secs_f64() / seconds,
        client_cores: (process::cpu_time(own)? - client_cpu).as_secs_f64() / seconds,
        written_bytes: process::written_bytes(pid)? - written,
        entries: node.entries()? - entries,
    })
}

/// Fills up what may be under way, again and again.
fn send(flight: &Flight, load: &Load<'_>, mut outlet: Outlet, mut writer: Writer) -> Result<()> {
    let mut number = 0;
    loop {
        let mut sent = flight.lock();
        while sent.len() >= load.in_flight && !flight.ending.load(Ordering::SeqCst) {
            sent = flight.changed.wait(sent).unwrap_or_else(PoisonError::into_inner);
        }
        if flight.ending.load(Ordering::SeqCst) {
            return Ok(());
        }
        let room = load.in_flight - sent.len();
        let now = Instant::now();
        sent.extend(std::iter::repeat_n(now, room));
        drop(sent);
        for _ in 0..room {
            let frame = &load.frames[number as usize % load.frames.len()];
            outlet.put(FIRST + number, writer.append(frame, load.rows))?;
            number += 1;
        }
        outlet.flush()?;
    }
}

/// Request of the first append.
const FIRST: u64 = 10;

/// Takes acks until the end, and those that are still under way then.
fn take(flight: &Flight, load: &Load<'_>, mut inlet: Inlet) -> Result<Histogram<u64>> {
    let mut took = histogram();
    let mut answered = 0;
    loop {
        if flight.ending.load(Ordering::SeqCst) && flight.lock().is_empty() {
            return Ok(took);
        }
        let before = answered;
        inlet.messages(|request, message| {
            let Message::Ack(ack) = message else { return Ok(()) };
            if request != FIRST + answered || applied(ack)? != load.rows {
                return Err(E2eError::Wrong(format!("request {request} is answered, not append {answered}")));
            }
            answered += 1;
            Ok(())
        })?;
        let now = Instant::now();
        let measuring = flight.measuring.load(Ordering::SeqCst);
        let mut sent = flight.lock();
        for _ in before..answered {
            if let Some(sent) = sent.pop_front().filter(|_| measuring) {
                took.saturating_record((now - sent).as_nanos() as u64);
            }
        }
        drop(sent);
        flight.rows.fetch_add((answered - before) * load.rows, Ordering::SeqCst);
        flight.changed.notify_all();
    }
}
