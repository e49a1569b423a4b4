//! Keys of groups: rows to dense group numbers.
//!
//! Invariants:
//! - Two keys share a group if and only if their canonical bytes are equal; a hash decides nothing
//!   (R-PART-1). NULL equals NULL, every NaN equals every NaN, −0 equals 0.
//! - Group numbers count up from 0 in order of first arrival.
//! - The slot of a key is given by the top bits of its hash, so that the top 10 bits (its key
//!   group, DESIGN §7) are a contiguous range of slots.

mod encode;
mod hash;
mod table;

pub use encode::{KeyEncoder, KeyRows, encode_value};
pub use hash::hash_bytes;
pub use table::KeyTable;
