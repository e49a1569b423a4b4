//! Whether a device may be polled for completions. glommio asks that with a read of the first file
//! opened on it, and takes the success of a read that needs no device (an empty file, an unwritten
//! extent) for a yes; real reads then fail. So the first file it sees on a device is ours, with a block
//! that was written.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use glommio::io::OpenOptions;

use crate::buffer::BLOCK;

static PROBED: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// Lets glommio look at the device of `dir`, once a process and device. Where nothing can be written
/// there is nothing to be asked with, and what glommio finds stands.
pub(super) async fn probe(dir: &Path) {
    let Ok(device) = fs::metadata(dir).map(|about| about.dev()) else {
        return;
    };
    if PROBED.lock().unwrap_or_else(PoisonError::into_inner).contains(&device) {
        return;
    }
    let path = dir.join(format!(".probe-{}-{:?}", std::process::id(), std::thread::current().id()));
    if write_block(&path).is_ok()
        && let Ok(file) = OpenOptions::new().read(true).dma_open(&path).await
    {
        let _ = file.close().await;
        PROBED.lock().unwrap_or_else(PoisonError::into_inner).insert(device);
    }
    let _ = fs::remove_file(&path);
}

fn write_block(path: &Path) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(&[1; BLOCK])?;
    file.sync_all()
}
