//! Rules: CEL over a row and its metrics, and the events they emit.
//!
//! `names` what an expression may name · `types` types of columns in CEL and back · `rewrite` names to slots of the
//! plan, with what is checked of them · `place` where a part of an expression stands · `guard` values that may have lost samples · `channel` where events go ·
//! `build` the plan's node.
//!
//! Invariants:
//! - An expression is checked by the types of its columns, then each name of it becomes a slot.
//! - Which events go where is known before the bundle runs: channels are constants.

mod build;
mod channel;
mod guard;
mod names;
mod place;
mod rewrite;
mod types;

pub(crate) use build::{RulesInput, judge};
pub(crate) use channel::{Channel, Target, channel_of, with_option};
pub(crate) use names::{BoundQuery, Names, RESERVED};
pub(crate) use types::{cel_type, column_type, payload_type};
