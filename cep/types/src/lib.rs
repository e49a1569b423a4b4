//! Types shared by every room: identifiers, operations, stream options.

pub mod op;
pub mod options;
