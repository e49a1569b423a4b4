//! What several rooms' tests share.

use std::path::PathBuf;

/// The folder of this crate, asked when the test runs: with a target folder shared by several
/// clones, the one it was built in may be another.
pub(crate) fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests").into()
}
