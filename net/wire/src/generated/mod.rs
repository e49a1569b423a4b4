//! Code generated from `schema/wire.fbs` by `cargo xtask gen`. Only its checked entry points are
//! called: nothing outside this folder needs `unsafe`.

#[rustfmt::skip]
#[allow(
    warnings,
    clippy::all,
    clippy::unwrap_used,
    missing_docs,
    reason = "written by the FlatBuffers compiler"
)]
mod wire;

pub(crate) use wire::ceptra::wire::*;
