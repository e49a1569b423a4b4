//! What cannot be open at the same time.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cep_lang::plan::{Program, Stream};
use cep_types::options::{Role, SinkConnector, SourceConnector};

use super::driver::RunSettings;
use crate::failure::{Failure, Result};

/// Refuses two readers of standard input, and a file that is written while it is read or written
/// by another stream: rows would be lost or mixed.
///
/// # Errors
/// The two streams and what they share.
pub fn check(program: &Program, settings: &RunSettings<'_>) -> Result<()> {
    let mut stdin: Option<&Stream> = None;
    let mut files: Vec<(FileId, &Stream)> = Vec::new();
    for stream in program.streams.iter().filter(|s| settings.streams[s.id.index()]) {
        match &stream.options.role {
            Role::Source(SourceConnector::Stdin { .. }) => {
                if let Some(other) = stdin.replace(stream) {
                    return Err(Failure::usage(
                        format!("streams '{}' and '{}' both read standard input", other.name, stream.name),
                        "read it in one stream, and SELECT from that in several queries",
                    ));
                }
            }
            Role::Source(SourceConnector::File { path, .. }) => {
                files.extend(regular_file(settings.base_dir, path).map(|file| (file, stream)));
            }
            Role::Source(SourceConnector::Timer { .. } | SourceConnector::Generator(_))
            | Role::Sink(_)
            | Role::Internal => {}
        }
    }
    for stream in program.streams.iter().filter(|s| settings.plan.sinks.contains(&s.id)) {
        let Role::Sink(SinkConnector::File { path, .. }) = &stream.options.role else { continue };
        let Some(file) = regular_file(settings.base_dir, path) else { continue };
        if let Some((_, other)) = files.iter().find(|(used, _)| *used == file) {
            return Err(Failure::usage(
                format!("stream '{}' writes the file of stream '{}'", stream.name, other.name),
                "give it a file of its own",
            ));
        }
        files.push((file, stream));
    }
    Ok(())
}

/// What tells two files apart.
#[derive(Debug, PartialEq, Eq)]
enum FileId {
    /// Device and number: a file may have several names.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The path without links, of a file that is not there yet.
    Path(PathBuf),
}

/// Links to a file that is not there yet are followed as far as the system follows any.
const LINKS_MAX: usize = 40;

/// The file that exists or can be made; `None` for pipes and devices.
fn regular_file(base_dir: &Path, path: &str) -> Option<FileId> {
    let mut path = base_dir.join(path);
    for _ in 0..LINKS_MAX {
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => return None,
            #[cfg(unix)]
            Ok(metadata) => return Some(FileId::Inode(metadata.dev(), metadata.ino())),
            #[cfg(not(unix))]
            Ok(_) => return fs::canonicalize(&path).ok().map(FileId::Path),
            Err(_) => match fs::read_link(&path) {
                Ok(target) => path = path.parent()?.join(target),
                Err(_) => {
                    let folder = fs::canonicalize(path.parent()?).ok()?;
                    return Some(FileId::Path(folder.join(path.file_name()?)));
                }
            },
        }
    }
    None
}
