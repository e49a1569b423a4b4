//! The clients' door of a shard: connections, and what they ask.
//!
//! Here listening · `view` streams and partitions as a door sees them · `session` one connection ·
//! `line` its bytes, plain or inside TLS · `outbox` what goes out · `append` rows in · `subscribe` rows out ·
//! `query` questions.
//!
//! Invariants: everything is verified once, here; what a client does wrong is told to it and to nobody
//! else (R-FLOW-3); memory of a connection is bounded by its longest message, its outbox and its credits;
//! nothing a client sends is executed before its Hello was answered.

mod append;
mod line;
mod outbox;
mod query;
mod session;
mod subscribe;
pub(crate) mod view;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use shard_rt::Listener;

use crate::settings::Level;
use crate::shard::Shard;
use line::Line;
use session::Session;

/// Connections of a shard.
#[derive(Default)]
pub(crate) struct Connections {
    sessions: RefCell<BTreeMap<u64, Weak<Session>>>,
    made: Cell<u64>,
    pub(crate) refused: Cell<u64>,
}

impl Connections {
    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.sessions.borrow().len()
    }

    /// Keeps a session until the value is dropped.
    fn hold(shard: &Rc<Shard>, session: &Rc<Session>) -> Held {
        let connections = &shard.connections;
        let number = connections.made.get();
        connections.made.set(number + 1);
        connections.sessions.borrow_mut().insert(number, Rc::downgrade(session));
        Held { shard: Rc::clone(shard), number }
    }

    fn each(&self, tell: impl FnMut(&Rc<Session>)) {
        let sessions: Vec<_> = self.sessions.borrow().values().filter_map(Weak::upgrade).collect();
        sessions.iter().for_each(tell);
    }

    /// Tells clients of a new routing table.
    pub(crate) fn tell_routing(&self) {
        self.each(|session| session.tell_routing());
    }

    /// Tells clients that the server ends.
    pub(crate) fn goodbye(&self, drain: Duration) {
        self.each(|session| session.goodbye(drain.as_millis() as u32));
    }

    /// Ends all of them.
    pub(crate) fn end(&self) {
        self.each(|session| session.end());
    }
}

/// Counts a connection as long as it lives.
struct Held {
    shard: Rc<Shard>,
    number: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shard.connections.sessions.borrow_mut().remove(&self.number);
    }
}

/// Takes connections for ever.
pub(crate) async fn listen(shard: Rc<Shard>, listener: Listener) {
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                (shard.hooks.log)(Level::Warn, &format!("a connection could not be taken: {error}"));
                shard.rt.sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let connections = &shard.connections;
        if connections.open() >= shard.settings.connections_max || shard.stopping.get() {
            connections.refused.set(connections.refused.get() + 1);
            continue;
        }
        let session = Rc::new(Session::new(Rc::clone(&shard)));
        let held = Connections::hold(&shard, &session);
        let line = match Line::new(stream, shard.settings.tls.as_ref()) {
            Ok(line) => line,
            Err(error) => {
                (shard.hooks.log)(Level::Warn, &format!("TLS cannot begin: {error}"));
                continue;
            }
        };
        let log = Rc::clone(&shard.hooks.log);
        shard.rt.spawn("session", async move {
            session::serve(session, line.clone()).await;
            if let Some(failure) = line.failure() {
                log(Level::Debug, &format!("a client was not let in: {failure}"));
            }
            drop(held);
        });
    }
}
