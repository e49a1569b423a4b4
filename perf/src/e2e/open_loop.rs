//! Events at a fixed rate, whatever the node does: from the moment an event should be sent to its derived
//! event at a subscriber. What waits because of a stall counts with all of its wait (no coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arrow_buffer::Buffer;
use cep_types::PartitionId;
use cep_types::frame::{Frame, ReadColumn, ReadSchema};
use hdrhistogram::Histogram;
use net_wire::{Message, Start, Stream, Subscribe, Window};
use serde_json::json;

use super::append::{applied, client};
use super::bench::Bench;
use super::error::{E2eError, Result};
use super::link::{Inlet, Link, Outlet};
use super::process;
use super::report::{Report, histogram, percentiles_us, round};
use super::rows::{EVENTS_APP, PAYLOAD_BYTES, Writer, events, sequence};

/// The subscription's request.
const SUBSCRIPTION: u64 = 7;
/// Request of event 0; those behind it follow.
const FIRST: u64 = 10;

/// Events under way at most: below the credits of a node's default settings, for these frames. An event that is
/// held back by it is late like any other.
const IN_FLIGHT_MAX: u64 = 16_384;

/// What the threads tell each other.
#[derive(Default)]
struct Progress {
    acked: AtomicU64,
    /// One of them has failed: the others end too.
    failed: AtomicBool,
}

impl Progress {
    /// Runs a thread's part; a failure ends the others.
    fn part<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        part().inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }

    fn go_on(&self) -> Result<()> {
        match self.failed.load(Ordering::SeqCst) {
            true => Err(E2eError::Wrong(ENDED.into())),
            false => Ok(()),
        }
    }
}

/// What a thread says that ends because of another one.
const ENDED: &str = "another thread failed";

/// When each event should be sent.
#[derive(Clone, Copy)]
struct Plan {
    start: Instant,
    rate: u64,
    /// Events in front that are not measured.
    warm: u64,
    /// All events.
    total: u64,
}

impl Plan {
    fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_nanos(number * 1_000_000_000 / self.rate)
    }

    /// Events that should have been sent by now.
    fn due_now(&self) -> u64 {
        let since = Instant::now().saturating_duration_since(self.start);
        let due = since.as_nanos() * u128::from(self.rate) / 1_000_000_000 + 1;
        u64::try_from(due).unwrap_or(self.total).min(self.total)
    }

    /// Records how long after its due time an event is now.
    fn record(&self, number: u64, now: Instant, into: &mut Histogram<u64>) {
        if number >= self.warm {
            into.saturating_record(now.saturating_duration_since(self.due(number)).as_nanos() as u64);
        }
    }
}

/// Measures the way of events through the node at a fixed rate.
///
/// # Errors
/// When an event is lost, repeated or out of order, or something fails.
pub fn measure(bench: &Bench, durability: &'static str, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let node = bench.node(durability, &folder, EVENTS_APP)?;
    let appending = Link::open(node.client)?;
    let mut subscribing = Link::open(node.client)?;
    let derived = subscribing.stream("passed")?;
    subscribe(&mut subscribing, &derived)?;
    let writer = Writer::new(&appending.stream("events")?, appending.routing.epoch);
    let warm = bench.rate * bench.warm_up.as_secs();
    let total = warm + bench.rate * bench.length.as_secs();
    let plan = Plan { start: Instant::now() + Duration::from_millis(200), rate: bench.rate, warm, total };
    let entries = node.entries()?;
    let (node_cpu, own_cpu) = (process::cpu_time(node.pid())?, process::cpu_time(std::process::id())?);
    let (sent, acked, delivered) = run(plan, appending, writer, subscribing, &derived)?;
    let seconds = plan.start.elapsed().as_secs_f64();
    let node_cpu = (process::cpu_time(node.pid())? - node_cpu).as_secs_f64() / seconds;
    let own_cpu = (process::cpu_time(std::process::id())? - own_cpu).as_secs_f64() / seconds;
    report.figures(
        "open_loop",
        Some(durability),
        json!({
            "derived_us": percentiles_us(&delivered),
            "ack_us": percentiles_us(&acked),
            "in_flight_max": IN_FLIGHT_MAX,
            "send_lag_us": percentiles_us(&sent),
            "events_per_second": bench.rate,
            "events": total - warm,
            "warm_up_events": warm,
            "seconds": round(bench.length.as_secs_f64()),
            "payload_bytes": PAYLOAD_BYTES,
            "events_per_append": 1,
            "rows_per_log_entry": round(total as f64 / (node.entries()? - entries).max(1) as f64),
            "node_cpu_cores": round(node_cpu),
            "client_cpu_cores": round(own_cpu),
            "measured_from": "the intended time of sending",
            "client": client(),
        }),
    );
    if durability == "strict" {
        let p99_ms = delivered.value_at_quantile(0.99) as f64 / 1e6;
        report.at_most("open loop strict, append to derived event, p99 ms", p99_ms, 5.0);
    }
    node.stop()
}

type Took = Histogram<u64>;

/// Sends, takes acks and takes derived events, each in a thread of its own.
fn run(
    plan: Plan,
    appending: Link,
    writer: Writer,
    subscribing: Link,
    derived: &Stream,
) -> Result<(Took, Took, Took)> {
    let progress = Progress::default();
    let progress = &progress;
    let Link { outlet, inlet, .. } = appending;
    let (sent, acked, delivered) = thread::scope(|scope| {
        let sender = scope.spawn(move || progress.part(|| send(plan, progress, outlet, writer)));
        let acks = scope.spawn(move || progress.part(|| take_acks(plan, progress, inlet)));
        let rows = scope.spawn(move || progress.part(|| take_rows(plan, progress, subscribing, derived)));
        (sender.join(), acks.join(), rows.join())
    });
    let panicked = |_| E2eError::Wrong("a thread panicked".into());
    match (sent.map_err(panicked)?, acked.map_err(panicked)?, delivered.map_err(panicked)?) {
        (Ok(sent), Ok(acked), Ok(delivered)) => Ok((sent, acked, delivered)),
        // The first cause, not what followed from it.
        (sent, acked, delivered) => {
            let errors = [sent.err(), acked.err(), delivered.err()].into_iter().flatten();
            let followed = |error: &E2eError| matches!(error, E2eError::Wrong(text) if text == ENDED);
            let (followed, causes): (Vec<_>, Vec<_>) = errors.partition(followed);
            Err(causes.into_iter().chain(followed).next().expect("one of them is an error"))
        }
    }
}

/// Subscribes to all rows to come, and waits until that holds.
fn subscribe(link: &mut Link, stream: &Stream) -> Result<()> {
    let wanted = Subscribe {
        stream: stream.id,
        partition: PartitionId(0),
        routing_epoch: link.routing.epoch,
        start: Start::Earliest,
        allowed: Window { events: u64::MAX, bytes: u64::MAX },
    };
    link.outlet.put(SUBSCRIPTION, wanted)?;
    link.outlet.flush()?;
    let mut begun = false;
    while !begun {
        link.inlet.messages(|_, message| {
            begun |= matches!(message, Message::Subscribed(_));
            Ok(())
        })?;
    }
    Ok(())
}

/// Sends each event as an append of its own when it is due, late ones at once; how late each was sent.
fn send(plan: Plan, progress: &Progress, mut outlet: Outlet, mut writer: Writer) -> Result<Histogram<u64>> {
    let mut lag = histogram();
    // The kernel may wake a thread 50 us late unless it is told otherwise; best effort.
    let _ = rustix::thread::set_current_timer_slack(Some(TIMER_SLACK));
    while writer.next < plan.total {
        let now = Instant::now();
        let due = plan.due(writer.next);
        if due > now {
            thread::sleep(due - now);
        }
        progress.go_on()?;
        let room_until = progress.acked.load(Ordering::SeqCst) + IN_FLIGHT_MAX;
        if writer.next >= room_until {
            thread::sleep(Duration::from_micros(50));
            continue;
        }
        for number in writer.next..plan.due_now().min(room_until) {
            let frame = writer.frame(events(number, 1))?;
            outlet.put(FIRST + number, writer.append(&frame, 1))?;
            plan.record(number, Instant::now(), &mut lag);
        }
        outlet.flush()?;
    }
    Ok(lag)
}

/// One nanosecond: wake as exactly as can be.
const TIMER_SLACK: std::num::NonZeroU64 = std::num::NonZeroU64::MIN;

/// Takes the acks of all events.
fn take_acks(plan: Plan, progress: &Progress, mut inlet: Inlet) -> Result<Histogram<u64>> {
    let mut took = histogram();
    let mut answered = 0;
    while answered < plan.total {
        inlet.messages(|request, message| {
            let Message::Ack(ack) = message else { return Ok(()) };
            if request != FIRST + answered || applied(ack)? != 1 {
                return Err(E2eError::Wrong(format!(
                    "request {request} is answered instead of event {answered}"
                )));
            }
            plan.record(answered, Instant::now(), &mut took);
            answered += 1;
            Ok(())
        })?;
        progress.acked.store(answered, Ordering::SeqCst);
        progress.go_on()?;
    }
    Ok(took)
}

/// Takes the derived events: each once, in order.
fn take_rows(plan: Plan, progress: &Progress, mut link: Link, stream: &Stream) -> Result<Histogram<u64>> {
    let columns = stream.columns.iter().map(|column| ReadColumn {
        id: column.id,
        field: Arc::new(column.field.clone()),
        default: None,
    });
    let schema = ReadSchema::new(columns.collect()).map_err(|error| E2eError::Wrong(error.to_string()))?;
    let mut took = histogram();
    let mut next = 0;
    while next < plan.total {
        link.inlet.messages(|_, message| match message {
            Message::Delivery(delivery) => {
                let wrong = |error: &dyn std::fmt::Display| E2eError::Wrong(error.to_string());
                let frame = Frame::open(&Buffer::from(delivery.rows)).map_err(|error| wrong(&error))?;
                let rows = frame.read(&schema).map_err(|error| wrong(&error))?;
                let now = Instant::now();
                for number in sequence(&rows)?.values() {
                    if *number != next as i64 {
                        return Err(E2eError::Wrong(format!(
                            "derived event {number} came instead of {next}"
                        )));
                    }
                    plan.record(next, now, &mut took);
                    next += 1;
                }
                Ok(())
            }
            Message::SubscriptionEnd(end) => {
                Err(E2eError::Wrong(format!("the subscription ended: {:?}", end.failure)))
            }
            _ => Ok(()),
        })?;
        link.outlet.keep_alive()?;
        progress.go_on()?;
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_event_counts_from_when_it_was_due() {
        let start = Instant::now().checked_sub(Duration::from_millis(10)).unwrap();
        let plan = Plan { start, rate: 1000, warm: 1, total: 8 };
        assert_eq!(plan.due_now(), 8, "11 are due, 8 are planned");
        let mut took = histogram();
        plan.record(0, Instant::now(), &mut took);
        assert_eq!(took.len(), 0, "warm-up stays apart");
        plan.record(1, start + Duration::from_millis(10), &mut took);
        assert_eq!(took.len(), 1);
        assert!((8_900_000..9_100_000).contains(&took.max()), "due 1 ms behind the start: {}", took.max());
    }
}
