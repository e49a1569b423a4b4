//! The commands.

pub mod config;
pub mod definitions;
pub mod help;
pub mod query;
pub mod state;
pub mod top;
pub mod wal;
