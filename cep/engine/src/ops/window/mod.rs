//! Batch windows.
pub mod layout;
