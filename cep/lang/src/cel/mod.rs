//! CEL, the Common Expression Language, from text to a checked tree.
//!
//! Here the types (`ty`), the functions (`signatures`), the tree (`tree`), and the checker (`check`). The
//! parser is that of the crate `cel`; macros are expanded here, so that messages speak of what was written.
//!
//! Invariants:
//! - A checked tree has no name left to look up but fields of values whose type is known later.
//! - What the specification calls an error of the check is one here; nothing is guessed.

mod check;
mod fields;
mod signatures;
mod text;
mod tree;
mod ty;

pub use check::{CelError, Declared, Scope, Unknowns, check, check_leniently, learn};
pub use fields::fields_read;
pub use signatures::{Signature, names, signatures};
pub use text::text;
pub use tree::{Kind, Literal, Node, Place, Through, ThroughKind};
pub use ty::{Record, Type};
