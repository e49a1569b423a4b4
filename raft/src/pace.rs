//! How fast snapshots are written: one allowance for all groups that share it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::Rt;

/// What may be written at once after a silence, as a part of a second.
const BURST: u64 = 8;

/// An allowance of bytes a second. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Pace {
    bytes_per_s: u64,
    /// When all that was taken so far is paid for, monotone ns.
    paid_ns: Rc<Cell<u64>>,
}

impl Pace {
    /// So many bytes a second, at least 1.
    pub fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s: bytes_per_s.max(1), paid_ns: Rc::default() }
    }

    /// Bytes a second.
    pub fn bytes_per_s(&self) -> u64 {
        self.bytes_per_s
    }

    /// Waits until so many bytes may be written.
    pub async fn take(&self, bytes: u64) {
        let rt = Rt::current();
        let now = rt.now();
        let cost = bytes.saturating_mul(1_000_000_000) / self.bytes_per_s;
        let burst = 1_000_000_000 / BURST;
        let begin = self.paid_ns.get().max(now.saturating_sub(burst));
        self.paid_ns.set(begin.saturating_add(cost));
        if begin > now {
            rt.sleep(Duration::from_nanos(begin - now)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use shard_rt::ShardId;
    use shard_rt::sim::Sim;

    use super::*;

    #[test]
    fn groups_that_share_a_pace_stay_below_it_together() {
        let sim = Sim::with_seed(1);
        let node = sim.add_node(1);
        let took = sim.block_on(node, ShardId(0), async {
            let (rt, pace) = (Rt::current(), Pace::new(1_000_000));
            let begun = rt.now();
            let tasks = (0..4).map(|_| {
                let pace = pace.clone();
                shard_rt::spawn("writer", async move {
                    for _ in 0..100 {
                        pace.take(10_000).await;
                    }
                })
            });
            let tasks: Vec<_> = tasks.collect();
            for task in tasks {
                task.await.expect("it ends");
            }
            rt.now() - begun
        });
        assert!((3_800_000_000..4_200_000_000).contains(&took), "4 MB took {took} ns");
    }
}
