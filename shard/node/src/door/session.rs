//! One connection: handshake, requests, heartbeats, end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::BytesMut;
use futures_util::future::{Either, select};
use net_wire::{
    AuthMethod, Cancel, Decoder, Envelope, Failure, Features, Goodbye, Heartbeat, Hello,
    MESSAGE_BYTES_DEFAULT, Message, PROTOCOL, RequestId, Role, Routing, SILENCE_HEARTBEATS, Side, Status,
    Welcome, Window,
};
use shard_control::PartitionRef;

use super::append;
use super::line::Line;
use super::outbox::Outbox;
use super::query::{self, Wanted};
use super::subscribe::{self, Subscription};
use crate::shard::Shard;

/// What this server offers.
const FEATURES: Features = Features(
    Features::APPEND.0
        | Features::OPAQUE_IDS.0
        | Features::REPLAY.0
        | Features::SUBSCRIBE.0
        | Features::QUERY.0
        | Features::ROUTING_PUSH.0,
);
/// Subscriptions of a connection at most.
const SUBSCRIPTIONS_MAX: usize = 4096;
/// Room for a read of a quiet connection, and of a busy one.
const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// Time in a row that one connection may take of its shard, ns.
const BUDGET_NS: u64 = 500_000;

/// An open connection.
pub(crate) struct Session {
    pub(crate) shard: Rc<Shard>,
    pub(crate) out: Outbox,
    /// Rows and bytes under way to each partition.
    pub(crate) under_way: RefCell<BTreeMap<PartitionRef, Window>>,
    pub(crate) subscriptions: RefCell<BTreeMap<u64, Rc<Subscription>>>,
    /// Questions that are not answered yet.
    pub(crate) queries: RefCell<BTreeMap<u64, Wanted>>,
    /// What both sides know; nothing before the handshake.
    pub(crate) features: Cell<Features>,
    established: Cell<bool>,
    /// The client has shown a certificate.
    certified: Cell<bool>,
    heard_ns: Cell<u64>,
    told_epoch: Cell<u64>,
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    End,
}

/// Serves a connection until its end.
pub(super) async fn serve(session: Rc<Session>, line: Line) {
    let rt = session.shard.rt.clone();
    let writer = (Rc::clone(&session), line.clone());
    let mut writer = rt.spawn("session writer", async move { writer.0.out.write(&writer.1).await });
    let beat = Rc::clone(&session);
    let beat = rt.spawn("heartbeats", async move { beat.beat().await }).abort_on_drop();
    let reading = std::pin::pin!(session.read(&line));
    // The writer ends first when the connection breaks, or silence has closed it.
    if let Either::Left(((), _)) = select(reading, &mut writer).await {
        let wait = session.shard.settings.handshake;
        let _ = rt.timeout(wait, session.settled()).await;
        session.end();
        // What is on its way goes out, but not for ever.
        let _ = rt.timeout(wait, &mut writer).await;
    }
    session.end();
    drop(beat);
    writer.abort();
}

impl Session {
    /// A connection that begins.
    pub(super) fn new(shard: Rc<Shard>) -> Self {
        Session {
            out: Outbox::new(),
            under_way: RefCell::default(),
            subscriptions: RefCell::default(),
            queries: RefCell::default(),
            features: Cell::new(Features(0)),
            established: Cell::new(false),
            certified: Cell::new(false),
            heard_ns: Cell::new(shard.rt.now()),
            told_epoch: Cell::new(0),
            shard,
        }
    }

    /// Ends it; what is on its way out goes out.
    pub(super) fn end(&self) {
        for subscription in self.subscriptions.borrow().values() {
            subscription.cancel();
        }
        self.queries.borrow().values().for_each(|wanted| wanted.set(false));
        self.out.close();
    }

    /// Waits until everything that was appended is answered.
    async fn settled(&self) {
        while !self.under_way.borrow().is_empty() {
            self.shard.rt.sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    async fn read(self: &Rc<Self>, line: &Line) {
        let rt = self.shard.rt.clone();
        let mut decoder = Decoder::new(Side::Server);
        let mut buf = BytesMut::with_capacity(READ_BYTES_MIN);
        loop {
            let room = buf.capacity();
            let (count, read) = line.read(buf).await;
            buf = read;
            if count == 0 {
                return;
            }
            self.certified.set(line.is_certified());
            let mut begun = rt.now();
            self.heard_ns.set(begun);
            let mut unread = &buf[..];
            while !unread.is_empty() {
                unread = &unread[decoder.feed(unread)..];
                loop {
                    let was_established = self.established.get();
                    let next = match decoder.next() {
                        Ok(None) => break,
                        Ok(Some(envelope)) => self.handle(envelope),
                        Err(error) => {
                            let text = error.to_string();
                            let failure = error.failure(&text);
                            let _ = self.out.send(error.request(), failure);
                            if error.is_fatal() { Next::End } else { Next::Go }
                        }
                    };
                    if next == Next::End {
                        return;
                    }
                    if !was_established && self.established.get() {
                        decoder.establish(MESSAGE_BYTES_DEFAULT);
                    }
                    // A short question may have a long answer.
                    self.out.room().await;
                    if rt.now().saturating_sub(begun) > BUDGET_NS {
                        shard_rt::yield_now().await;
                        begun = rt.now();
                    }
                }
            }
            // Who fills the room gets more of it; who is quiet gives it back, as most connections are quiet.
            let room_next = match count {
                count if count == room => (room * 4).min(READ_BYTES_MAX),
                count if count < room / 8 => READ_BYTES_MIN,
                _ => room,
            };
            buf.clear();
            if room_next != room {
                buf = BytesMut::with_capacity(room_next);
            }
            if room_next == READ_BYTES_MIN || decoder.capacity_bytes() > READ_BYTES_MAX {
                decoder.trim();
            }
        }
    }

    /// Does what a message asks.
    fn handle(self: &Rc<Self>, envelope: Envelope<'_>) -> Next {
        let Envelope { request, message } = envelope;
        if !self.established.get() {
            return match message {
                Message::Hello(hello) => self.hello(request, &hello),
                _ => self.fail(RequestId::NONE, Status::PermanentAuth, "begin with Hello"),
            };
        }
        match message {
            Message::Heartbeat(beat) if !beat.reply => {
                let _ = self.out.send(request, Heartbeat { reply: true, ..beat });
            }
            Message::Heartbeat(_) => {}
            Message::Append(rows) => append::append(self, request, &rows),
            Message::GetRouting(asked) => {
                let view = self.shard.view.borrow();
                let is_known = asked.known == Some(view.epoch());
                let routing = if is_known {
                    Routing { epoch: view.epoch(), ..Routing::default() }
                } else {
                    (*view.routing).clone()
                };
                if let Err(error) = self.out.send(request, routing) {
                    return self.fail(request, Status::PermanentPayload, &error.to_string());
                }
            }
            Message::Subscribe(wanted) => {
                if self.subscriptions.borrow().len() >= SUBSCRIPTIONS_MAX {
                    let text = format!("a connection has at most {SUBSCRIPTIONS_MAX} subscriptions; end one");
                    subscribe::refuse(self, request, Failure::new(Status::TransientBackpressure, &text));
                } else {
                    subscribe::subscribe(self, request, &wanted);
                }
            }
            Message::Allow(allow) => {
                if let Some(subscription) = self.subscriptions.borrow().get(&request.0) {
                    subscription.allow(allow.allowed);
                }
            }
            Message::Cancel(Cancel) => {
                if let Some(subscription) = self.subscriptions.borrow().get(&request.0) {
                    subscription.cancel();
                }
                if let Some(wanted) = self.queries.borrow().get(&request.0) {
                    wanted.set(false);
                }
            }
            Message::Query(wanted) => query::query(self, request, &wanted),
            Message::Goodbye(_) => return Next::End,
            Message::Error(_) => {}
            Message::Hello(_) => {
                let text = "the connection is open already; Hello comes once";
                let _ = self.out.send(request, Failure::new(Status::PermanentUnsupported, text));
            }
            other => {
                let text = format!("{:?} is what a server sends", other.kind());
                let _ = self.out.send(request, Failure::new(Status::PermanentUnsupported, &text));
            }
        }
        Next::Go
    }

    /// Ends the connection with an error.
    fn fail(&self, request: RequestId, status: Status, text: &str) -> Next {
        let _ = self.out.send(request, Failure::new(status, text));
        Next::End
    }

    fn hello(&self, request: RequestId, hello: &Hello<'_>) -> Next {
        let settings = &self.shard.settings;
        let version = match PROTOCOL.common(hello.versions) {
            Ok(version) => version,
            Err(error) => {
                let text = error.to_string();
                let _ = self.out.send(request, error.failure(&text));
                return Next::End;
            }
        };
        if !hello.cluster.is_empty() && hello.cluster != settings.cluster {
            let text = format!("this is cluster '{}', not '{}'", settings.cluster, hello.cluster);
            return self.fail(request, Status::PermanentAuth, &text);
        }
        // Who comes through TLS has shown a certificate: the door takes nobody without one.
        let method = if self.certified.get() { AuthMethod::Certificate } else { AuthMethod::None };
        if hello.credentials.method != method {
            let text = match method {
                AuthMethod::Certificate => {
                    "clients of this server are known by their certificate; say so in Hello"
                }
                _ => "this server knows no way to prove that; connect without credentials",
            };
            return self.fail(request, Status::PermanentAuth, text);
        }
        if self.shard.stopping.get() {
            let goodbye = Goodbye { failure: Failure::none(), drain_ms: 0 };
            let _ = self.out.send(request, goodbye);
            return Next::End;
        }
        self.out.set_message_bytes_max(hello.message_bytes_max);
        self.features.set(FEATURES.common(hello.features));
        let live = self.shard.live.get();
        let view = self.shard.view.borrow();
        self.told_epoch.set(view.epoch().0);
        let welcome = Welcome {
            version,
            features: self.features.get(),
            server: concat!("ceptra ", env!("CARGO_PKG_VERSION")),
            cluster: &settings.cluster,
            node: self.shard.rt.node().0,
            shard: self.shard.number,
            role: Role::Admin,
            event_bytes_max: live.event_bytes_max as u32,
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
            heartbeat_ms: settings.heartbeat.as_millis() as u32,
            retry_window_ms: live.retry_window.as_millis() as u32,
            credits: Window { events: live.credits.events, bytes: live.credits.bytes },
            routing_epoch: view.epoch(),
            time_ns: self.shard.rt.wall_ns() as i64,
        };
        if self.out.send(request, welcome).is_err() {
            return self.fail(
                request,
                Status::PermanentPayload,
                "the client takes messages that are too short",
            );
        }
        self.established.set(true);
        Next::Go
    }

    /// Says now and then that the connection is alive, tells of new routing tables, and closes it after
    /// silence.
    async fn beat(&self) {
        let settings = &self.shard.settings;
        self.shard.rt.sleep(settings.handshake).await;
        if !self.established.get() {
            self.fail(RequestId::NONE, Status::PermanentAuth, "no Hello came");
            return self.out.close();
        }
        let mut sent = self.out.sent.get();
        loop {
            self.shard.rt.sleep(settings.heartbeat).await;
            let now = self.shard.rt.now();
            let silence = settings.heartbeat.as_nanos() as u64 * u64::from(SILENCE_HEARTBEATS);
            if now.saturating_sub(self.heard_ns.get()) > silence {
                return self.out.close();
            }
            if self.out.sent.get() == sent {
                let _ = self.out.send(RequestId::NONE, Heartbeat { reply: false, sent_ns: now as i64 });
            }
            sent = self.out.sent.get();
        }
    }

    /// Tells the client of the routing table, if it wants that and does not know it.
    pub(crate) fn tell_routing(&self) {
        let view = self.shard.view.borrow();
        let wants = self.established.get() && self.features.get().contains(Features::ROUTING_PUSH);
        if wants && self.told_epoch.replace(view.epoch().0) != view.epoch().0 {
            let _ = self.out.send(RequestId::NONE, (*view.routing).clone());
        }
    }

    /// Says that the server ends.
    pub(crate) fn goodbye(&self, drain_ms: u32) {
        let _ = self.out.send(RequestId::NONE, Goodbye { failure: Failure::none(), drain_ms });
    }
}
