//! Servers that keep logs, count credits, and fail as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use net_wire::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::log::Log;
use super::{Fake, Got, GotAppend, Peer, tables};

/// What becomes of an append.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    Apply,
    /// The connection breaks before it is looked at.
    CutBefore,
    /// It is applied, and the connection breaks before the ack.
    CutAfter,
    /// None of it is taken.
    Refuse(Status),
}

type Decide = Box<dyn FnMut(&GotAppend) -> Fate + Send>;

/// What the servers have in common.
pub struct State {
    pub routing: Routing,
    pub window: Window,
    pub logs: BTreeMap<u32, Log>,
    /// Every append that came, in order, with the number of its server.
    pub appends: Vec<(usize, GotAppend)>,
    pub ack_delay: Duration,
    pub most_under_way: usize,
    pub connections: usize,
    decide: Decide,
}

/// Servers on ports of their own.
pub struct Cluster {
    pub addresses: Vec<String>,
    state: Arc<Mutex<State>>,
    servers: JoinSet<()>,
}

impl Cluster {
    /// `servers` ports; partition i of `partitions` is led by port i modulo their number.
    pub async fn start(servers: usize, partitions: usize) -> Cluster {
        let mut fakes = Vec::new();
        for _ in 0..servers {
            fakes.push(Fake::bind().await);
        }
        let addresses: Vec<String> = fakes.iter().map(|fake| fake.address.clone()).collect();
        let leaders: Vec<&str> = (0..partitions).map(|at| addresses[at % servers].as_str()).collect();
        let state = Arc::new(Mutex::new(State {
            routing: tables::routing(1, &leaders),
            window: tables::WIDE,
            logs: BTreeMap::new(),
            appends: Vec::new(),
            ack_delay: Duration::from_millis(1),
            most_under_way: 0,
            connections: 0,
            decide: Box::new(|_| Fate::Apply),
        }));
        let mut cluster = Cluster { addresses, state, servers: JoinSet::new() };
        for (number, fake) in fakes.into_iter().enumerate() {
            cluster.servers.spawn(listen(number, fake, cluster.state.clone()));
        }
        cluster
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Fails appends as `decide` says.
    pub fn fail(&self, decide: impl FnMut(&GotAppend) -> Fate + Send + 'static) {
        self.state().decide = Box::new(decide);
    }

    /// Stops all servers; a server that found the client at fault fails the test here.
    pub async fn stop(mut self) -> Arc<Mutex<State>> {
        while let Some(ended) = self.servers.try_join_next() {
            ended.unwrap();
        }
        self.servers.shutdown().await;
        self.state
    }
}

async fn listen(number: usize, fake: Fake, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = async { fake.listener.accept().await.unwrap() } => {
                stream.set_nodelay(true).unwrap();
                state.lock().unwrap().connections += 1;
                connections.spawn(serve(number, Peer::new(stream), state.clone()));
            }
            Some(ended) = connections.join_next() => ended.unwrap(),
        }
    }
}

/// An append that is not acked yet.
struct Unacked {
    request: RequestId,
    partition: u32,
    size: Window,
    at: Instant,
    answer: Result<Vec<Run>, Status>,
}

async fn serve(number: usize, mut peer: Peer, state: Arc<Mutex<State>>) {
    let window = state.lock().unwrap().window;
    peer.welcome(&Welcome { credits: window, ..tables::welcome() }).await;
    let mut unacked: VecDeque<Unacked> = VecDeque::new();
    loop {
        let due = unacked.front().map(|next| next.at);
        let got = tokio::select! {
            got = peer.next_ever() => got,
            () = async { sleep_until(due.unwrap()).await }, if due.is_some() => {
                let next = unacked.pop_front().unwrap();
                ack(&mut peer, next, window).await;
                continue;
            }
        };
        match got {
            None | Some((_, Got::Goodbye)) => return,
            Some((request, Got::GetRouting(known))) => {
                let routing = state.lock().unwrap().routing.clone();
                let is_new = known != Some(routing.epoch);
                let answer =
                    if is_new { routing } else { Routing { epoch: routing.epoch, ..Routing::default() } };
                peer.send(request, answer).await;
            }
            Some((request, Got::Append(append))) => {
                match take(number, request, append, &mut unacked, &state) {
                    Some(next) => unacked.push_back(next),
                    None => return,
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Takes an append; `None` when the connection breaks.
fn take(
    number: usize,
    request: RequestId,
    append: GotAppend,
    unacked: &mut VecDeque<Unacked>,
    state: &Mutex<State>,
) -> Option<Unacked> {
    let mut state = state.lock().unwrap();
    let rows = tables::opened(&append.frame);
    let size = Window { events: rows.len() as u64, bytes: append.frame.len() as u64 };
    let partition = append.partition.0;
    let partitions = state.routing.spaces[0].leaders.len() as u64;
    for (_, sensor) in &rows {
        assert!(tables::owner(sensor, partitions) == u64::from(partition), "{sensor} is in {partition}");
    }
    let mine = unacked.iter().filter(|other| other.partition == partition);
    let under_way = mine.fold(Window::default(), |sum, other| Window {
        events: sum.events + other.size.events,
        bytes: sum.bytes + other.size.bytes,
    });
    assert!(state.window.admits(under_way, size), "{size:?} beyond {under_way:?} of {:?}", state.window);
    state.most_under_way = state.most_under_way.max(unacked.len() + 1);
    let fate = (state.decide)(&append);
    state.appends.push((number, append.clone()));
    let answer = match fate {
        Fate::CutBefore => return None,
        Fate::Refuse(status) => Err(status),
        Fate::Apply | Fate::CutAfter => Ok(state.logs.entry(partition).or_default().apply(&append)),
    };
    if fate == Fate::CutAfter {
        return None;
    }
    Some(Unacked { request, partition, size, at: Instant::now() + state.ack_delay, answer })
}

async fn ack(peer: &mut Peer, next: Unacked, credits: Window) {
    let details = Texts::default();
    let ack = match &next.answer {
        Ok(runs) => Ack { runs: runs.as_slice().into(), details, credits, failure: None },
        Err(status) => {
            let failure = Some(Failure::new(*status, "as the test says"));
            Ack { runs: List::default(), details, credits, failure }
        }
    };
    peer.send(next.request, ack).await;
}
