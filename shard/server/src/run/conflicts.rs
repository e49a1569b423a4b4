//! What cannot be open at the same time.

use std::fs;
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
    let mut files: Vec<(PathBuf, &Stream)> = Vec::new();
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
                files.extend(regular_file(settings.base_dir, path).map(|path| (path, stream)));
            }
            Role::Source(SourceConnector::Timer { .. } | SourceConnector::Generator(_))
            | Role::Sink(_)
            | Role::Internal => {}
        }
    }
    for stream in program.streams.iter().filter(|s| settings.plan.sinks.contains(&s.id)) {
        let Role::Sink(SinkConnector::File { path, .. }) = &stream.options.role else { continue };
        let Some(path) = regular_file(settings.base_dir, path) else { continue };
        if let Some((_, other)) = files.iter().find(|(used, _)| *used == path) {
            return Err(Failure::usage(
                format!("stream '{}' writes the file of stream '{}'", stream.name, other.name),
                "give it a file of its own",
            ));
        }
        files.push((path, stream));
    }
    Ok(())
}

/// The one path of a file that exists or can be made; `None` for pipes and devices.
fn regular_file(base_dir: &Path, path: &str) -> Option<PathBuf> {
    let path = base_dir.join(path);
    match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => None,
        Ok(_) => fs::canonicalize(&path).ok(),
        Err(_) => Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?)),
    }
}
