//! A client that does everything right, beside one that does not: one row at a time, answered and applied.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use net_wire::Outcome;

use super::node::Node;
use super::raw::{Raw, Said, append, frame, message, numbered};

/// Appends before anything bad happens, to know what is usual here.
const BEFORE: usize = 200;
/// Between two appends.
const PAUSE: Duration = Duration::from_millis(2);
/// Its own number.
const PRODUCER: u64 = 0x600d;

/// The running client.
pub struct Good {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<Duration>, Vec<Duration>)>,
}

/// How it fared.
pub struct Told {
    before: Vec<Duration>,
    beside: Vec<Duration>,
}

impl Good {
    /// Connects and appends; returns when it knows what is usual.
    pub fn start(address: SocketAddr) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let (told, ready) = std::sync::mpsc::channel();
        let flag = Arc::clone(&ending);
        let thread = std::thread::spawn(move || {
            let mut raw = Raw::open(address);
            let mut next = 0;
            let before: Vec<_> = (0..BEFORE).map(|_| one(&mut raw, &mut next)).collect();
            told.send(()).unwrap();
            let mut beside = Vec::new();
            while !flag.load(Ordering::SeqCst) || beside.len() < 20 {
                beside.push(one(&mut raw, &mut next));
                std::thread::sleep(PAUSE);
            }
            (before, beside)
        });
        ready.recv().unwrap();
        Good { ending, thread }
    }

    /// Ends it.
    pub fn stop(self) -> Told {
        self.ending.store(true, Ordering::SeqCst);
        let (before, beside) = self.thread.join().expect("the good client is answered");
        Told { before, beside }
    }
}

/// One append, until it is applied.
fn one(raw: &mut Raw, next: &mut u64) -> Duration {
    let stream = raw.stream("events");
    let rows = frame(&stream, *next as i64, 1, 20);
    let bytes = message(10 + *next, append(&stream, &raw.routing, numbered(PRODUCER, *next), &rows));
    let begun = Instant::now();
    raw.send(&bytes);
    assert_eq!(raw.answer(), Some(Said::Ack(10 + *next, vec![(1, Outcome::Applied)])));
    *next += 1;
    begun.elapsed()
}

impl Told {
    /// Demands that it was answered in time, and that all its rows are there.
    pub fn judge(&self, node: &Node) {
        let sorted = |all: &[Duration]| {
            let mut all = all.to_vec();
            all.sort();
            all
        };
        let (before, beside) = (sorted(&self.before), sorted(&self.beside));
        let at = |all: &[Duration], percent: usize| all[(all.len() - 1) * percent / 100];
        let (usual, half, most) = (at(&before, 50), at(&beside, 50), at(&beside, 95));
        eprintln!(
            "the good client: {} appends, p50 {half:?}, p95 {most:?}, longest {:?}; before p50 {usual:?}",
            beside.len(),
            at(&beside, 100)
        );
        // Machines of tests are busy: what is caught is a client that is held up, not one that shares the CPU.
        assert!(half <= usual * 5 + Duration::from_millis(100), "p50 {half:?}, before {usual:?}");
        assert!(most <= Duration::from_millis(500), "p95 {most:?}");
        let applied = node.partition()["rows_applied"].as_u64().unwrap();
        let own = (self.before.len() + self.beside.len()) as u64;
        assert!(applied >= own, "{applied} rows are applied, {own} were acknowledged to the good client");
    }
}
