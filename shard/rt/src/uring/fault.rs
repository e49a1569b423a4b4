//! glommio's errors in the seam's words.

use std::io;
use std::path::Path;

use glommio::{GlommioError, ReactorErrorKind};
use rustix::io::Errno;

use crate::error::{Feature, RtError};

/// glommio starts with no less locked memory than this.
pub(super) const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// Why an executor did not start.
pub(super) fn of_start(shard: &str, error: GlommioError<()>) -> RtError {
    let missing =
        |feature, reason: String| RtError::Missing { op: "start", object: shard.to_owned(), feature, reason };
    if let GlommioError::ReactorError(ReactorErrorKind::MemLockLimit(have, need)) = &error {
        return missing(Feature::Memlock, format!("{have} bytes, {need} needed"));
    }
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    let reason = error.to_string();
    match code {
        Some(Errno::NOSYS | Errno::PERM | Errno::ACCESS) => missing(Feature::IoUring, reason),
        Some(Errno::NOMEM) => missing(Feature::Memlock, reason),
        _ => RtError::Io { op: "start", object: shard.to_owned(), reason },
    }
}

/// What happened to an operation on a file or directory.
pub(super) fn of_file(op: &'static str, path: &Path, error: GlommioError<()>) -> RtError {
    let object = path.display().to_string();
    match error.raw_os_error() {
        Some(code) => RtError::from_io(op, object, &io::Error::from_raw_os_error(code)),
        None => RtError::from_io(op, object, &error.into()),
    }
}

/// Like [`of_file`], where the system says "invalid argument" if there is no direct I/O.
pub(super) fn of_open(path: &Path, error: GlommioError<()>) -> RtError {
    if error.raw_os_error().map(Errno::from_raw_os_error) != Some(Errno::INVAL) {
        return of_file("open", path, error);
    }
    let object = path.display().to_string();
    RtError::Missing { op: "open", object, feature: Feature::DirectIo, reason: error.to_string() }
}

/// What happened to a connection.
pub(super) fn of_socket(op: &'static str, address: impl ToString, error: GlommioError<()>) -> RtError {
    match error.raw_os_error() {
        Some(code) => RtError::from_io(op, address.to_string(), &io::Error::from_raw_os_error(code)),
        None => RtError::from_io(op, address.to_string(), &error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let off = of_start("shard n0/s0", io::Error::from_raw_os_error(1).into());
        assert!(matches!(off, RtError::Missing { feature: Feature::IoUring, .. }), "{off:?}");
        assert!(off.to_string().contains("kernel.io_uring_disabled"), "{off}");
        let limit = GlommioError::ReactorError(ReactorErrorKind::MemLockLimit(65_536, 524_288));
        let limit = of_start("shard n0/s0", limit);
        assert!(limit.to_string().contains("LimitMEMLOCK"), "{limit}");
        let direct = of_open(Path::new("/x"), io::Error::from_raw_os_error(22).into());
        assert!(direct.to_string().contains("ext4 or XFS"), "{direct}");
        let full = of_file("write", Path::new("/x"), io::Error::from_raw_os_error(28).into());
        assert!(matches!(full, RtError::NoSpace { .. }), "{full:?}");
        let failed = of_file("sync", Path::new("/x"), io::Error::from_raw_os_error(5).into());
        assert!(failed.is_storage_failure() && failed.to_string().starts_with("sync /x: "), "{failed}");
    }
}
