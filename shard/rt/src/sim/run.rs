//! The loop: which task next, and when time goes on.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use super::{Sim, World};
use crate::context::Rt;
use crate::exec::TaskKey;
use crate::id::{NodeId, ShardId};
use crate::timer::{self, nanos};

/// What a step did.
enum Step {
    Polled,
    TimeWentOn,
    /// Nothing is ready and nothing will be.
    Idle,
}

impl Sim {
    /// Runs `future` as a task of the shard until it ends, and everything else meanwhile.
    ///
    /// # Panics
    /// If nothing can go on before its end, if it polls on without an end, or if its node crashes; the
    /// message names the seed.
    pub fn block_on<T: 'static>(
        &self,
        node: NodeId,
        shard: ShardId,
        future: impl Future<Output = T> + 'static,
    ) -> T {
        let result = Rc::new(RefCell::new(None));
        let place = Rc::clone(&result);
        let handle = self.spawn(node, shard, "block_on", async move {
            let value = future.await;
            *place.borrow_mut() = Some(value);
        });
        let ended = self.run_while(u64::MAX, || !handle.is_finished());
        let (seed, now) = (self.world.config.seed, self.now());
        assert!(ended, "seed {seed}: at {now} ns nothing can go on, and the future has not ended");
        let value = result.borrow_mut().take();
        value.unwrap_or_else(|| panic!("seed {seed}: the future's node crashed at or before {now} ns"))
    }

    /// Runs everything for a span of virtual time.
    pub fn run_for(&self, duration: Duration) {
        let until = self.now().saturating_add(nanos(duration));
        self.run_while(until, || true);
        self.world.now_ns.set(self.now().max(until));
    }

    /// Runs until `done` holds, at most `limit` of virtual time. Says whether it holds.
    pub fn run_until(&self, limit: Duration, done: impl Fn() -> bool) -> bool {
        let until = self.now().saturating_add(nanos(limit));
        self.run_while(until, || !done()) || done()
    }

    /// Runs while `go_on` holds; false if it still does when time is up or nothing is left to do.
    fn run_while(&self, until_ns: u64, go_on: impl Fn() -> bool) -> bool {
        let mut polls = 0;
        while go_on() {
            match self.world.step(until_ns) {
                Step::Polled => polls += 1,
                Step::TimeWentOn => {}
                Step::Idle => return false,
            }
            let (seed, now) = (self.world.config.seed, self.now());
            assert!(polls < self.world.config.polls_max, "seed {seed}: livelock at {now} ns");
        }
        true
    }
}

impl World {
    fn step(&self, until_ns: u64) -> Step {
        self.fire_due();
        if self.now() >= until_ns {
            return Step::Idle;
        }
        if let Some((rt, key, tag)) = self.pick() {
            self.poll(&rt, key, tag);
            return Step::Polled;
        }
        match self.next_ns() {
            Some(next) if next <= until_ns => {
                self.now_ns.set(next.max(self.now()));
                Step::TimeWentOn
            }
            _ => Step::Idle,
        }
    }

    fn poll(&self, rt: &Rt, key: TaskKey, tag: u64) {
        let entered = rt.enter();
        let name = rt.inner().exec.poll_task(key);
        drop(entered);
        if let Some(name) = name {
            self.trace.borrow_mut().poll(self.now(), tag, key.slot, name);
        }
        let cost = self.schedule.borrow_mut().between(0, self.config.poll_cost_ns_max);
        self.now_ns.set(self.now() + cost);
    }

    /// Takes one woken task of all shards that are not stalled, each with the same chance.
    fn pick(&self) -> Option<(Rt, TaskKey, u64)> {
        let now = self.now();
        let mut nodes = self.nodes.borrow_mut();
        let mut total = 0;
        for shard in nodes.iter_mut().flat_map(|node| &mut node.shards) {
            shard.rt.inner().exec.ready().take_all(&mut shard.ready);
            total += if shard.stalled_until_ns > now { 0 } else { shard.ready.len() };
        }
        if total == 0 {
            return None;
        }
        let mut at = self.schedule.borrow_mut().index(total);
        for shard in nodes.iter_mut().flat_map(|node| &mut node.shards) {
            if shard.stalled_until_ns > now {
                continue;
            }
            if at < shard.ready.len() {
                let key = shard.ready.swap_remove_back(at).expect("invariant: within the length");
                let tag = u64::from(shard.rt.node().0) << 16 | u64::from(shard.rt.shard().0);
                return Some((shard.rt.clone(), key, tag));
            }
            at -= shard.ready.len();
        }
        None
    }

    /// When something happens next.
    fn next_ns(&self) -> Option<u64> {
        let nodes = self.nodes.borrow();
        let shards = nodes.iter().flat_map(|node| &node.shards);
        let of_shards = shards.filter_map(|shard| {
            if !shard.ready.is_empty() {
                return Some(shard.stalled_until_ns);
            }
            let timer = shard.rt.inner().timers.borrow().next_ns()?;
            Some(timer.max(shard.stalled_until_ns))
        });
        let first = of_shards.min();
        let delay = self.delays.borrow().next_ns();
        first.into_iter().chain(delay).min()
    }

    fn fire_due(&self) {
        let now = self.now();
        timer::fire(&self.delays, now);
        let due: Vec<Rt> = {
            let nodes = self.nodes.borrow();
            let shards = nodes.iter().flat_map(|node| &node.shards);
            let due = shards.filter(|shard| {
                let next = shard.rt.inner().timers.borrow().next_ns();
                shard.stalled_until_ns <= now && next.is_some_and(|next| next <= now)
            });
            due.map(|shard| shard.rt.clone()).collect()
        };
        for rt in due {
            timer::fire(&rt.inner().timers, now);
        }
    }
}
