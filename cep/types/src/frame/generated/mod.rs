//! Code generated from `schema/frame.fbs` by `cargo xtask gen`. Only its checked entry points are
//! called: nothing outside this folder needs `unsafe`.

#[rustfmt::skip]
#[allow(
    warnings,
    clippy::all,
    clippy::unwrap_used,
    missing_docs,
    reason = "written by the FlatBuffers compiler"
)]
mod frame;

pub(super) use frame::ceptra::frame::{
    Column, ColumnArgs, Compression, Encoding, Metadata, MetadataArgs, Span, TypeTag, finish_metadata_buffer,
    metadata_buffer_has_identifier, root_as_metadata_with_opts,
};
