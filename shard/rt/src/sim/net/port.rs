//! A node's network: listening, dialling, reading and writing.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::future::select;

use super::link::{Connection, End, Links};
use super::{Backlog, Shared};
use crate::error::{Result, RtError};
use crate::id::NodeId;
use crate::machine::{BufResult, LocalBoxFuture, RawListener, RawNet, RawStream};
use crate::sim::{Crash, ip_of, node_of};
use crate::sync::Notify;

/// A segment has at most so many bytes.
const SEGMENT_BYTES_MAX: u64 = 64 * 1024;
/// A dial that got no answer is tried again after this.
const DIAL_AGAIN_NS: u64 = 1_000_000_000;
/// Ports given to those who ask for any begin here.
const PORT_FIRST: u16 = 40_000;

pub(crate) struct NetPort {
    shared: Rc<Shared>,
    node: NodeId,
}

impl NetPort {
    pub(super) fn new(shared: Rc<Shared>, node: NodeId) -> Self {
        Self { shared, node }
    }

    /// The node's own address for one that means this host; a port if none is given.
    fn resolve(&self, address: SocketAddr) -> SocketAddr {
        let here = address.ip().is_unspecified() || address.ip().is_loopback();
        SocketAddr::new(if here { ip_of(self.node) } else { address.ip() }, address.port())
    }

    fn free_port(&self) -> u16 {
        let mut state = self.shared.state.borrow_mut();
        state.ports_given = (state.ports_given + 1) % 20_000;
        PORT_FIRST + state.ports_given
    }

    /// Whether a dial reaches the node, or why not. `None`: no answer.
    fn knock(&self, address: SocketAddr) -> Option<Result<Rc<RefCell<Backlog>>>> {
        let refused = || RtError::Refused { op: "dial", object: address.to_string() };
        let to = node_of(address.ip())?;
        let open = self.shared.is_open(self.node, to) && self.shared.is_open(to, self.node);
        let state = self.shared.state.borrow();
        if !open || state.down.get(&to) == Some(&Crash::PowerLoss) {
            return None;
        }
        Some(state.listening.get(&address).cloned().ok_or_else(refused))
    }

    fn connect(&self, address: SocketAddr, backlog: &RefCell<Backlog>) -> SimStream {
        let local = SocketAddr::new(ip_of(self.node), self.free_port());
        let to = node_of(address.ip()).expect("invariant: a listener's address is a node's");
        let connection = Rc::new(Connection {
            nodes: [self.node, to],
            addresses: [local, address],
            state: RefCell::default(),
            changed: Notify::new(),
        });
        {
            let mut state = self.shared.state.borrow_mut();
            let number = state.connections_made;
            state.connections_made += 1;
            state.connections.insert(number, Rc::downgrade(&connection));
        }
        let accepted =
            SimStream { shared: Rc::clone(&self.shared), connection: Rc::clone(&connection), end: 1 };
        let waker = {
            let mut backlog = backlog.borrow_mut();
            backlog.waiting.push_back(accepted);
            backlog.waker.take()
        };
        waker.into_iter().for_each(std::task::Waker::wake);
        SimStream { shared: Rc::clone(&self.shared), connection, end: 0 }
    }
}

impl RawNet for NetPort {
    fn listen(&self, address: SocketAddr) -> Result<Box<dyn RawListener>> {
        let mut address = self.resolve(address);
        let taken = |address: &SocketAddr| self.shared.state.borrow().listening.contains_key(address);
        if address.port() != 0 && taken(&address) {
            return Err(RtError::AddressInUse { op: "listen", object: address.to_string() });
        }
        while address.port() == 0 || taken(&address) {
            address.set_port(self.free_port());
        }
        let backlog: Rc<RefCell<Backlog>> = Rc::default();
        self.shared.state.borrow_mut().listening.insert(address, Rc::clone(&backlog));
        Ok(Box::new(SimListener { shared: Rc::clone(&self.shared), address, backlog }))
    }

    fn dial(&self, address: SocketAddr) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>> {
        Box::pin(async move {
            let address = self.resolve(address);
            let world = self.shared.world();
            let patience = self.shared.state.borrow().config.silence_ns_max;
            let give_up = world.now().saturating_add(patience);
            loop {
                world.delay(self.shared.delay_ns() + self.shared.delay_ns()).await;
                let lost = self.shared.chance(|config| config.dial_failure_probability);
                match if lost { None } else { self.knock(address) } {
                    Some(Ok(backlog)) => {
                        world.mark("dial", u64::from(address.port()));
                        return Ok(Box::new(self.connect(address, &backlog)) as Box<dyn RawStream>);
                    }
                    Some(Err(error)) => return Err(error),
                    None if lost || world.now() >= give_up => {
                        return Err(RtError::TimedOut { op: "dial", object: address.to_string() });
                    }
                    None => world.delay(DIAL_AGAIN_NS).await,
                }
            }
        })
    }
}

struct SimListener {
    shared: Rc<Shared>,
    address: SocketAddr,
    backlog: Rc<RefCell<Backlog>>,
}

impl RawListener for SimListener {
    fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn accept(&self) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>> {
        Box::pin(poll_fn(|cx| {
            let mut backlog = self.backlog.borrow_mut();
            match backlog.waiting.pop_front() {
                Some(stream) => Poll::Ready(Ok(Box::new(stream) as Box<dyn RawStream>)),
                None => {
                    backlog.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut state = self.shared.state.borrow_mut();
        let own = state.listening.get(&self.address).is_some_and(|there| Rc::ptr_eq(there, &self.backlog));
        if own {
            state.listening.remove(&self.address);
        }
        drop(state);
        let waiting = std::mem::take(&mut self.backlog.borrow_mut().waiting);
        waiting.iter().for_each(|stream| self.shared.reset(&stream.connection));
    }
}

/// One end of a connection.
pub(super) struct SimStream {
    shared: Rc<Shared>,
    connection: Rc<Connection>,
    end: End,
}

impl SimStream {
    fn reset_error(&self, op: &'static str) -> RtError {
        RtError::Reset { op, object: self.peer_addr().to_string() }
    }

    /// Lets time have its effect, then fails if the connection is reset for this end.
    fn check(&self, op: &'static str) -> Result<()> {
        self.shared.settle(&self.connection);
        let now = self.shared.world().now();
        let silence = self.shared.state.borrow().config.silence_ns_max;
        let [here, there] = [self.connection.nodes[self.end], self.connection.nodes[1 - self.end]];
        let heard = self.shared.is_open(there, here);
        let mut links = self.connection.state.borrow_mut();
        // An answer to bytes that met a machine that knows nothing of the connection.
        let unanswered = links.pipes[self.end].next_at_ns();
        let answered = links.dead[1 - self.end] && heard && self.shared.is_open(here, there);
        if unanswered.is_some_and(|at| at.saturating_add(if answered { 0 } else { silence }) <= now) {
            links.reset_at_ns[self.end].get_or_insert(now);
        }
        match links.reset_at_ns[self.end] {
            Some(at) if at <= now && (heard || unanswered.is_some() || links.dead[self.end]) => {
                Err(self.reset_error(op))
            }
            _ => Ok(()),
        }
    }

    /// When something may change by itself.
    fn next_ns(&self, links: &Links) -> Option<u64> {
        let now = self.shared.world().now();
        let silence = self.shared.state.borrow().config.silence_ns_max;
        let arrives = links.pipes[1 - self.end].next_at_ns();
        let unanswered = links.pipes[self.end].next_at_ns();
        let times = [
            arrives,
            unanswered,
            unanswered.map(|at| at.saturating_add(silence)),
            links.reset_at_ns[self.end],
            links.peer_closed_at_ns[self.end],
        ];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Waits for a change of the connection.
    async fn wait(&self) {
        let world = self.shared.world();
        let next = self.next_ns(&self.connection.state.borrow());
        let changed = pin!(self.connection.changed.notified());
        match next {
            Some(at) => {
                select(changed, pin!(world.delay_until(at))).await;
            }
            None => changed.await,
        }
    }

    async fn until<T>(&self, op: &'static str, ready: impl Fn(&mut Links, u64) -> Option<T>) -> Result<T> {
        loop {
            self.check(op)?;
            let now = self.shared.world().now();
            if let Some(value) = ready(&mut self.connection.state.borrow_mut(), now) {
                return Ok(value);
            }
            self.wait().await;
        }
    }

    /// Sends one segment as soon as the window has room.
    fn send(&self, bytes: Bytes) -> impl Future<Output = Result<()>> + '_ {
        let window = self.shared.state.borrow().config.window_bytes;
        let at = self.shared.world().now() + self.shared.delay_ns();
        async move {
            let sent = self.until("write", |links, now| {
                if links.peer_closed_at_ns[self.end].is_some_and(|at| at <= now)
                    || links.pipes[self.end].is_finished()
                {
                    return Some(false);
                }
                let pipe = &mut links.pipes[self.end];
                (pipe.queued_bytes() < window).then(|| pipe.push(at.max(now), bytes.clone())).map(|()| true)
            });
            if !sent.await? {
                return Err(self.reset_error("write"));
            }
            self.connection.changed.all();
            Ok(())
        }
    }
}

impl RawStream for SimStream {
    fn peer_addr(&self) -> SocketAddr {
        self.connection.addresses[1 - self.end]
    }

    fn read(&self, mut buf: BytesMut) -> LocalBoxFuture<'_, BufResult<usize, BytesMut>> {
        Box::pin(async move {
            let max = buf.capacity() - buf.len();
            let bytes = self.until("read", |links, _| links.pipes[1 - self.end].take(max)).await;
            let result = bytes.map(|bytes| {
                buf.extend_from_slice(&bytes);
                self.connection.changed.all();
                bytes.len()
            });
            (result, buf)
        })
    }

    fn write_all(&self, mut bytes: Bytes) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            while !bytes.is_empty() {
                if self.shared.chance(|config| config.reset_probability) {
                    self.shared.world().mark("reset", u64::from(self.peer_addr().port()));
                    self.shared.reset(&self.connection);
                }
                let most = self.shared.state.borrow_mut().rng.between(1, SEGMENT_BYTES_MAX);
                let segment = bytes.split_to(bytes.len().min(most as usize));
                self.send(segment).await?;
            }
            Ok(())
        })
    }

    fn finish(&self) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.check("finish")?;
            let at = self.shared.world().now() + self.shared.delay_ns();
            self.connection.state.borrow_mut().pipes[self.end].finish(at);
            self.connection.changed.all();
            Ok(())
        })
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let Some(world) = self.shared.world.borrow().upgrade() else {
            return;
        };
        let at = world.now() + self.shared.delay_ns();
        let mut links = self.connection.state.borrow_mut();
        if !links.dead[self.end] {
            links.pipes[self.end].finish(at);
            links.peer_closed_at_ns[1 - self.end].get_or_insert(at);
            links.pipes[1 - self.end].discard();
        }
        drop(links);
        self.connection.changed.all();
    }
}
