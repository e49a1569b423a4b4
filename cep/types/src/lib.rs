//! What every room of the engine shares: types and their names.

pub mod sql_type;
