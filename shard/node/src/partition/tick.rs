//! Ticks: that time has passed is logged when it has an effect, and only then.
//!
//! The engine says at which stamp time alone makes a definition emit (`Replica::next_due`). When the wall
//! clock passes it a tick is logged; where nothing is due the task sleeps until an entry is applied, so that an
//! idle partition costs nothing.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use super::Partition;
use super::queue::TellItem;
use crate::lanes::Tell;

/// Ticks of a partition, and looks at what is due, are at least this far apart: what is due comes at most
/// that late.
const PACE: Duration = Duration::from_millis(2);
/// The wall clock is looked at this often at least: it may be set.
const LOOK_MAX: Duration = Duration::from_secs(1);

impl Partition {
    /// Logs ticks, for ever.
    pub(super) async fn tick(self: &Rc<Self>) {
        loop {
            let due = self.group.machine(|machine| machine.next_due());
            let now = i64::try_from(self.rt.wall_ns()).unwrap_or(i64::MAX);
            match due.filter(|_| self.failed().is_none()) {
                None => {
                    let applied = self.applied.notified();
                    let looked = self.rt.sleep(LOOK_MAX * 60);
                    select(std::pin::pin!(applied), std::pin::pin!(looked)).await;
                }
                Some(due) if due.0 > now => {
                    let wait = Duration::from_nanos(due.0.abs_diff(now)).min(LOOK_MAX);
                    let applied = self.applied.notified();
                    let waited = self.rt.sleep(wait);
                    select(std::pin::pin!(applied), std::pin::pin!(waited)).await;
                }
                Some(_) => {
                    let (sender, receiver) = shard_rt::sync::oneshot::channel();
                    let done = Box::new(move |_| {
                        let _ = sender.send(());
                    });
                    self.tell(TellItem { tell: Tell::Tick, done });
                    let _ = receiver.await;
                }
            }
            self.rt.sleep(PACE).await;
        }
    }
}
