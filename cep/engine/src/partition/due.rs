//! When a tick has an effect.

use super::Partition;

impl Partition {
    /// The least stamp, above the one reached, at which a tick may emit something; `None`: no tick ever
    /// does, until another row comes. Earlier than that ticks change nothing that can be seen. Call only
    /// after [`Progress::Done`](super::Progress::Done).
    pub fn next_due_ns(&self) -> Option<i64> {
        let by_stamp = self.graph.operators().filter_map(|(_, operator)| operator.due_stamp()).min();
        let until = by_stamp.unwrap_or(i64::MAX);
        let by_watermark = self.graph.next_close(&self.program, self.stamp, until);
        let due = by_stamp.into_iter().chain(by_watermark).min();
        due.map(|due| due.max(self.stamp.saturating_add(1)))
    }
}
