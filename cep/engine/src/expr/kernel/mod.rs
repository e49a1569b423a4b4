//! Kernels: loops over slices, one per operation.
//!
//! Invariants:
//! - A kernel writes every one of the `rows` rows of its output register.
//! - Fallible kernels look at a row only where all operands are valid: values under NULL are
//!   unspecified.
//! - A row in error is NULL afterwards.

pub(super) mod arith;
pub(super) mod bits;
pub(super) mod boolean;
pub(super) mod cast;
pub(super) mod choose;
pub(super) mod compare;
pub(super) mod decimal;
pub(super) mod map;
pub(super) mod pattern;
pub(super) mod set;
pub(super) mod temporal;
pub(super) mod text;
