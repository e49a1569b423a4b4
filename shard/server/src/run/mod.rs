//! Running a program: sources in, entries through the engine, rows out.
//!
//! `inputs` one source · `feed` its chunks, read in place or by a thread · `order` which rows come
//! next · `pace` playback · `gate` rate limits · `engine` entries and stamps · `outputs` and
//! `drain` sinks and standard output · `errors` bad records · `progress`, `summary` what is said ·
//! `conflicts` what cannot be open together · `signals` SIGINT and SIGTERM · `projection` columns nobody reads ·
//! `reach` which sources a query needs · `unread` streams whose rows go nowhere · `strict` which
//! errors stop the run · `driver` the loop.
//!
//! Invariants:
//! - one thread owns the engine and does everything but reading sources that block;
//! - the order of entries of bounded inputs is a function of the inputs (R-DET-2);
//! - every record read is a row applied, a counted reject, a counted skip or a dead letter.

mod conflicts;
mod drain;
mod driver;
mod engine;
mod errors;
mod feed;
mod gate;
mod inputs;
mod order;
mod outputs;
mod pace;
mod progress;
mod projection;
mod reach;
mod signals;
mod sources;
mod strict;
mod summary;
mod unread;

pub use conflicts::check as check_conflicts;
pub use driver::{Run, RunSettings};
pub use engine::Engine;
pub use errors::{EntryRows, ErrorDesk};
pub use inputs::{Input, base_dir};
pub use order::{Inputs, Step};
pub use outputs::{OutputPlan, Outputs, Show};
pub use pace::Playback;
pub use reach::{has_source, reaching};
pub use signals::Signals;
pub use sources::{external_streams, open_inputs};
pub use summary::{Ending, InputLine, OutputLine, Summary};
pub use unread::{read_streams, unread_warnings};
