//! A lane: all appends of a client to one partition, in one order, on one connection at a time.
//!
//! Invariants:
//! - What is under way fits the credit window of the connection, the newest that came, or is a single
//!   append (`docs/protocol.md`, Credits of appends).
//! - A lane changes its connection only when nothing is under way on the old one.
//! - Every try of an entry ends: by its ack, by the end of its connection, or by the lane, which kills a
//!   connection that leaves an append unanswered for too long.

mod entry;
mod queue;
mod send;
mod sink;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cep_types::{PartitionId, SpaceId};
use net_wire::{Encoder, Status, Window};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub(crate) use entry::Entry;
use queue::{Effect, Queue};
use sink::Answered;

use crate::backoff::Backoff;
use crate::client::Shared;
use crate::connection::{Connection, Stage};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// How long a window of 0 is respected before a single append is tried nevertheless.
const SHUT_WINDOW_PATIENCE: Duration = Duration::from_secs(1);

/// The way into a lane.
#[derive(Clone)]
pub(crate) struct Lane {
    entries: mpsc::UnboundedSender<Entry>,
}

impl Lane {
    /// A lane, and the future that drives it.
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: (SpaceId, PartitionId),
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (entries, taken) = mpsc::unbounded_channel();
        let backoff = Backoff::new(shared.options.retry);
        let (answers, answered) = mpsc::unbounded_channel();
        let driver = Driver {
            shared,
            key,
            queue: Queue::default(),
            link: None,
            connecting: None,
            answers,
            last_try: 0,
            backoff,
            not_before: None,
            probe_at: None,
            probe_patience: SHUT_WINDOW_PATIENCE,
            detour: None,
            is_stale: false,
        };
        (Lane { entries }, driver.run(taken, answered))
    }

    /// Takes an entry; how much may be taken is the producer's business.
    ///
    /// # Errors
    /// When the client is closed.
    pub(crate) fn push(&self, entry: Entry) -> Result<(), ClientError> {
        self.entries.send(entry).map_err(|_| ClientError::Closed)
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<Arc<Connection>, ClientError>> + Send>>;

/// The connection of a lane.
struct Link {
    connection: Arc<Connection>,
    encoder: Encoder,
    window: watch::Sender<Window>,
    window_news: watch::Receiver<Window>,
    stage: watch::Receiver<Stage>,
}

struct Driver {
    shared: Arc<Shared>,
    key: (SpaceId, PartitionId),
    queue: Queue,
    link: Option<Link>,
    connecting: Option<Connecting>,
    answers: mpsc::UnboundedSender<Answered>,
    /// Number of the last try.
    last_try: u64,
    backoff: Backoff,
    /// Nothing is sent before.
    not_before: Option<Instant>,
    /// When to try a single append against a shut window.
    probe_at: Option<Instant>,
    probe_patience: Duration,
    /// Where a server said to go.
    detour: Option<String>,
    /// Whether the routing table may be old.
    is_stale: bool,
}

impl Driver {
    async fn run(
        mut self,
        mut entries: mpsc::UnboundedReceiver<Entry>,
        mut answered: mpsc::UnboundedReceiver<Answered>,
    ) {
        loop {
            let now = Instant::now();
            self.queue.expire(now);
            self.kill_stuck(now);
            self.pump(now);
            let wake = self.wake_at(now);
            let (window, stage) = match &mut self.link {
                Some(link) => (Some(&mut link.window_news), Some(&mut link.stage)),
                None => (None, None),
            };
            tokio::select! {
                entry = entries.recv() => match entry {
                    Some(entry) => self.queue.push(entry),
                    None => return,
                },
                Some((number, answer)) = answered.recv() => {
                    let effect = self.queue.answer(number, answer);
                    self.take_effect(effect);
                }
                connected = connected(&mut self.connecting) => {
                    self.connecting = None;
                    self.take_connection(connected);
                }
                () = changed(window) => {}
                () = changed(stage) => {}
                () = sleep(wake) => {}
            }
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Progress => {
                self.backoff.reset();
                self.probe_patience = SHUT_WINDOW_PATIENCE;
            }
            Effect::Retry(refusal) => self.take_refusal(&refusal),
            Effect::Lost => {
                self.is_stale = true;
                self.wait(Duration::ZERO);
            }
            Effect::Settled => {}
        }
    }

    fn take_refusal(&mut self, refusal: &Refusal) {
        if refusal.is_about_routing() || self.shared.is_behind(refusal.routing_epoch) {
            self.is_stale = true;
        }
        if refusal.status == Status::TransientBackpressure && !refusal.retry_after.is_zero() {
            self.probe_patience = refusal.retry_after;
        }
        if refusal.is_about_routing() {
            self.detour.clone_from(&refusal.redirect);
            if self.backoff.is_fresh() {
                // Somebody else has it now: that is no reason to wait, the first time.
                let _ = self.backoff.next(Duration::ZERO);
                return;
            }
        }
        self.wait(refusal.retry_after);
    }

    /// Waits before the next try. Failures that come together are one.
    fn wait(&mut self, asked: Duration) {
        let now = Instant::now();
        if self.not_before.is_none_or(|not_before| not_before <= now) {
            self.not_before = Some(now + self.backoff.next(asked));
        } else if let Some(not_before) = &mut self.not_before {
            *not_before = (*not_before).max(now + asked);
        }
    }

    fn take_connection(&mut self, connected: Result<Arc<Connection>, ClientError>) {
        match connected {
            Ok(connection) => {
                let window = connection.window(self.key);
                self.probe_at = None;
                self.is_stale = false;
                self.link = Some(Link {
                    encoder: connection.encoder(),
                    window_news: window.subscribe(),
                    window,
                    stage: connection.watch_stage(),
                    connection,
                });
            }
            Err(error) if error.is_transient() => {
                self.is_stale = true;
                self.queue.held_up(&error.to_string());
                let asked = error.refusal().map(|refusal| refusal.retry_after).unwrap_or_default();
                self.wait(asked);
            }
            Err(error) => {
                self.queue.fail_waiting(&error);
                self.wait(Duration::ZERO);
            }
        }
    }

    /// A server that neither answers nor refuses within the time it was given is given up.
    fn kill_stuck(&mut self, now: Instant) {
        let limit = self.stuck_after();
        if self.queue.oldest_sent().is_some_and(|sent| sent + limit <= now)
            && let Some(link) = &self.link
        {
            link.connection.kill(&format!("an append was not answered for {limit:?}"));
        }
    }

    /// The server is told `timeouts.ack`; its answer may be half as long on the way.
    fn stuck_after(&self) -> Duration {
        self.shared.options.timeouts.ack.saturating_mul(3) / 2
    }

    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let deadline = self.queue.deadline();
        // A connection that was killed tells its end itself.
        let stuck = self.queue.oldest_sent().map(|sent| sent + self.stuck_after());
        let stuck = stuck.filter(|stuck| *stuck > now);
        let paused = self.not_before.filter(|not_before| *not_before > now && !self.queue.is_empty());
        let probe = self.probe_at.filter(|probe_at| *probe_at > now);
        [deadline, stuck, paused, probe].into_iter().flatten().min()
    }
}

async fn connected(connecting: &mut Option<Connecting>) -> Result<Arc<Connection>, ClientError> {
    match connecting {
        Some(connecting) => connecting.await,
        None => pending().await,
    }
}

async fn changed<T>(news: Option<&mut watch::Receiver<T>>) {
    // An error means that the connection is gone; its sinks say so.
    if let Some(news) = news
        && news.changed().await.is_ok()
    {
        return;
    }
    pending().await
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
