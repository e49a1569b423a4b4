//! The commands.

pub mod append;
pub mod config;
pub mod definitions;
pub mod help;
pub mod query;
pub mod state;
pub mod tail;
pub mod top;
pub mod wal;
