//! Reading a chain: pages of all its links, in the order that the last of them says.

use bytes::{Buf, Bytes};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use wal::Lane;

use super::chain::{Chain, Form, Link};
use super::pages::PageRef;
use super::write::{PAGES, RUN_BYTES, RUNS, Run};
use crate::error::{RaftError, Result};
use crate::store::Store;

/// Chunks of one read.
const CHUNKS_AT_ONCE: u64 = 4;
/// Reads under way at the same time.
const READS: usize = 8;

fn wrong(reason: impl Into<String>) -> RaftError {
    RaftError::Format { what: "snapshot", reason: reason.into() }
}

/// The state that a chain is of, in pieces.
///
/// # Errors
/// When a chunk of it cannot be read as what was written.
pub(super) async fn load(store: &Store, chain: &Chain) -> Result<Vec<Bytes>> {
    let mut pages: Vec<Vec<Bytes>> = Vec::new();
    let mut runs = Vec::new();
    for (lane, link) in chain.all() {
        let chunks = chunks(store, lane, link).await?;
        if link.form == Form::Plain {
            // Nothing is linked to it.
            return Ok(chunks);
        }
        let mut of_link = Vec::new();
        runs.clear();
        for chunk in chunks {
            take_chunk(chunk, &mut of_link, &mut runs)?;
        }
        pages.push(of_link);
    }
    let mut pieces = Vec::new();
    for Run { first: PageRef { link, page }, count } in runs {
        let of_link = pages.get(link as usize).ok_or_else(|| wrong(format!("there is no link {link}")))?;
        let some =
            (page as usize).checked_add(count as usize).and_then(|end| of_link.get(page as usize..end));
        pieces.extend_from_slice(
            some.ok_or_else(|| wrong(format!("link {link} has no page {page} and {count}")))?,
        );
    }
    Ok(pieces)
}

async fn chunks(store: &Store, lane: Lane, link: &Link) -> Result<Vec<Bytes>> {
    let end = link.first_chunk.saturating_add(link.chunks);
    let starts = (link.first_chunk..end).step_by(CHUNKS_AT_ONCE as usize);
    let read = |from: u64| async move {
        let to = end.min(from + CHUNKS_AT_ONCE);
        let found = store.wal().read(store.partition(), lane, from, to, u64::MAX).await?;
        let is_whole = found.iter().map(|entry| entry.index).eq(from..to);
        if !is_whole {
            return Err(wrong(format!("chunks {from} to {to} of {lane} are not all there")));
        }
        Ok(found.into_iter().map(|entry| entry.payload).collect::<Vec<Bytes>>())
    };
    stream::iter(starts.map(read)).buffered(READS).try_concat().await
}

/// Adds what a chunk has.
fn take_chunk(mut chunk: Bytes, pages: &mut Vec<Bytes>, runs: &mut Vec<Run>) -> Result<()> {
    match chunk.try_get_u8() {
        Ok(PAGES) => {
            while chunk.has_remaining() {
                let len = chunk.try_get_u32_le().map_err(|_| wrong("a page ends early"))? as usize;
                if len > chunk.len() {
                    return Err(wrong("a page ends early"));
                }
                pages.push(chunk.split_to(len));
            }
            Ok(())
        }
        Ok(RUNS) if chunk.len().is_multiple_of(RUN_BYTES) => {
            while chunk.has_remaining() {
                let first = PageRef { link: chunk.get_u32_le(), page: chunk.get_u32_le() };
                runs.push(Run { first, count: chunk.get_u32_le() });
            }
            Ok(())
        }
        Ok(RUNS) => Err(wrong("runs end early")),
        Ok(other) => Err(wrong(format!("a chunk of kind {other}"))),
        Err(_) => Err(wrong("an empty chunk")),
    }
}
