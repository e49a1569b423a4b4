//! The one error of the seam. Each variant names the operation, the object and what to do.

use std::io;

/// What the seam reports. A value of this type is never logged by the seam itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtError {
    /// The device or quota is full. Nothing, or a part, of the write may have reached the file.
    #[error("{op} {object}: no space left; free space on that device or move the data directory")]
    NoSpace {
        /// The operation.
        op: &'static str,
        /// File or directory.
        object: String,
    },
    /// The device or the file system failed. After a failed write or sync the file's unsynced
    /// content is unknown and a later sync proves nothing about it (R-DUR-2).
    #[error("{op} {object}: {reason}; the storage is no longer to be trusted: see the kernel log")]
    Io {
        /// The operation.
        op: &'static str,
        /// File or directory.
        object: String,
        /// What the system said.
        reason: String,
    },
    /// The name does not exist.
    #[error("{op} {object}: not found; check the path of the data directory")]
    NotFound {
        /// The operation.
        op: &'static str,
        /// File or directory.
        object: String,
    },
    /// The name exists where a new one was asked for.
    #[error("{op} {object}: exists already; it belongs to another writer, or is left from an earlier one")]
    AlreadyExists {
        /// The operation.
        op: &'static str,
        /// File or directory.
        object: String,
    },
    /// Another holder has the directory's lock.
    #[error("{op} {object}: locked by another process; stop it or choose another data directory")]
    Locked {
        /// The operation.
        op: &'static str,
        /// The directory.
        object: String,
    },
    /// The host lacks something the production backend needs.
    #[error("{op} {object}: {feature} is missing ({reason}): {}", feature.remedy())]
    Missing {
        /// The operation.
        op: &'static str,
        /// What was being opened or started.
        object: String,
        /// What is missing.
        feature: Feature,
        /// What the system said.
        reason: String,
    },
    /// The caller asked for something that cannot be: a defect of the caller.
    #[error("{op} {object}: {reason}; this is a defect of the program")]
    Misuse {
        /// The operation.
        op: &'static str,
        /// On what.
        object: String,
        /// The broken rule.
        reason: String,
    },
    /// The peer or the network ended the connection, or it was closed here.
    #[error("{op} {object}: connection reset; dial again")]
    Reset {
        /// The operation.
        op: &'static str,
        /// The peer's address.
        object: String,
    },
    /// Nobody listens there.
    #[error("{op} {object}: refused; check the address and that the peer is up")]
    Refused {
        /// The operation.
        op: &'static str,
        /// The peer's address.
        object: String,
    },
    /// No answer in time.
    #[error("{op} {object}: timed out; check the network between the hosts")]
    TimedOut {
        /// The operation.
        op: &'static str,
        /// The peer's address, or what was waited for.
        object: String,
    },
    /// The address is taken.
    #[error("{op} {object}: address in use; stop the other process or choose another port")]
    AddressInUse {
        /// The operation.
        op: &'static str,
        /// The local address.
        object: String,
    },
}

/// Something of the host that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The io_uring system calls.
    IoUring,
    /// Locked memory for the rings.
    Memlock,
    /// Direct I/O of the file system.
    DirectIo,
}

impl Feature {
    /// What to change on the host.
    pub fn remedy(self) -> &'static str {
        match self {
            Feature::IoUring => {
                "set sysctl kernel.io_uring_disabled=0, allow io_uring in the container's seccomp profile, \
                 or run `ceptra run` without --data-dir, which needs none"
            }
            Feature::Memlock => {
                "raise LimitMEMLOCK (systemd) or `ulimit -l` to infinity, at least 512 KiB a shard"
            }
            Feature::DirectIo => "put the data directory on ext4 or XFS: this file system has no O_DIRECT",
        }
    }
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Feature::IoUring => "io_uring",
            Feature::Memlock => "locked memory",
            Feature::DirectIo => "O_DIRECT",
        })
    }
}

/// The result of the seam.
pub type Result<T> = std::result::Result<T, RtError>;

impl RtError {
    /// Puts an error of the system into its kind. `op` is a verb, `object` a path or address.
    pub fn from_io(op: &'static str, object: impl Into<String>, error: &io::Error) -> Self {
        let object = object.into();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { op, object },
            io::ErrorKind::NotFound => Self::NotFound { op, object },
            io::ErrorKind::AlreadyExists => Self::AlreadyExists { op, object },
            io::ErrorKind::ConnectionRefused => Self::Refused { op, object },
            io::ErrorKind::TimedOut => Self::TimedOut { op, object },
            io::ErrorKind::AddrInUse => Self::AddressInUse { op, object },
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => Self::Reset { op, object },
            _ => Self::Io { op, object, reason: error.to_string() },
        }
    }

    /// A failure of the storage that must fence its user: no later success heals it.
    pub fn is_storage_failure(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NoSpace { .. })
    }
}
