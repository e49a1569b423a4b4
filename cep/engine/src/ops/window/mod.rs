//! Batch windows: they collect rows and emit when they close.
//!
//! Rooms: `layout` where aligned windows lie · `content` groups or rows of a window · `frozen` one that is being written · `lasting` what
//! no close clears · `aligned` tumbling, hop, cumulate · `panes` their pieces and merges · `result`
//! from content to output rows · `bounded` relational steps on a result · `session` gaps · `batch` by
//! stamp, count, column, cron, condition · `correct` retractions after late rows.

mod aligned;
mod batch;
pub(crate) mod bounded;
pub(crate) mod content;
mod correct;
mod frozen;
mod join;
mod lasting;
mod layout;
mod panes;
mod pool;
mod result;
mod session;

pub use aligned::AlignedWindow;
pub use batch::BatchWindowOp;
pub(crate) use batch::{cron, cron_bounds};
pub(crate) use lasting::is_lasting;
pub(crate) use layout::{Layout, Pane};
pub(crate) use result::ResultPlan;
pub use session::SessionWindow;
