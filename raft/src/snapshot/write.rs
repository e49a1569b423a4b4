//! Writing a snapshot: pages that the chain does not have, and the order of all.
//!
//! A chunk is a byte that says what it is, then pages (u32 length, bytes) or runs of pages (link, first page,
//! count).

use bytes::{BufMut, Bytes, BytesMut};
use wal::{Lane, Record};

use super::pages::{Catalogue, Cutter, PageRef};
use crate::error::{RaftError, Result};
use crate::pace::Pace;
use crate::store::Store;

/// A chunk of pages.
pub(super) const PAGES: u8 = 1;
/// A chunk of runs.
pub(super) const RUNS: u8 = 2;
/// Bytes of a run.
pub(super) const RUN_BYTES: usize = 12;
/// What a chunk has besides a page.
const OVERHEAD: usize = 16;

/// Pages that follow each other in a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: PageRef,
    pub(super) count: u32,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) chunks: u64,
    pub(super) bytes: u64,
    pub(super) state_bytes: u64,
}

/// A link on its way into the log.
pub(super) struct LinkWriter<'a> {
    store: &'a Store,
    pace: Option<&'a Pace>,
    catalogue: &'a mut Catalogue,
    lane: Lane,
    /// Index of its first chunk.
    first_chunk: u64,
    /// Its place in the chain.
    link: u32,
    chunk_bytes_max: usize,
    cutter: Cutter,
    /// The page under way.
    page: Vec<u8>,
    /// The chunk under way.
    chunk: BytesMut,
    pages: u32,
    runs: Vec<Run>,
    written: Written,
}

impl<'a> LinkWriter<'a> {
    /// Of the link in this place of the chain that the catalogue is of; chunks go into `lane` from
    /// `first_chunk` on.
    pub(super) fn new(
        (store, pace, catalogue): (&'a Store, Option<&'a Pace>, &'a mut Catalogue),
        (lane, first_chunk, link): (Lane, u64, u32),
        chunk_bytes_max: usize,
    ) -> Self {
        LinkWriter {
            store,
            pace,
            catalogue,
            lane,
            first_chunk,
            link,
            chunk_bytes_max,
            cutter: Cutter::new(chunk_bytes_max.saturating_sub(OVERHEAD)),
            page: Vec::new(),
            chunk: BytesMut::new(),
            pages: 0,
            runs: Vec::new(),
            written: Written::default(),
        }
    }

    /// Takes more of the state.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.written.state_bytes += bytes.len() as u64;
        self.page.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(len) = self.cutter.cut(&self.page[from..]) {
            self.end_page(from, from + len).await?;
            from += len;
        }
        self.page.drain(..from);
        Ok(())
    }

    async fn end_page(&mut self, from: usize, to: usize) -> Result<()> {
        let mark = self.catalogue.mark(&self.page[from..to]);
        let at = match self.catalogue.find(mark) {
            Some(at) => at,
            None => {
                if self.chunk.len() + (to - from) + 5 > self.chunk_bytes_max && !self.chunk.is_empty() {
                    self.end_chunk().await?;
                }
                if self.chunk.is_empty() {
                    self.chunk.put_u8(PAGES);
                }
                self.chunk.put_u32_le((to - from) as u32);
                self.chunk.put_slice(&self.page[from..to]);
                let at = PageRef { link: self.link, page: self.pages };
                self.pages = self.pages.checked_add(1).ok_or_else(too_large)?;
                self.catalogue.insert(mark, at);
                at
            }
        };
        match self.runs.last_mut() {
            Some(run) if run.first.link == at.link && run.first.page + run.count == at.page => run.count += 1,
            _ => self.runs.push(Run { first: at, count: 1 }),
        }
        Ok(())
    }

    async fn end_chunk(&mut self) -> Result<()> {
        let payload = self.chunk.split().freeze();
        self.put(payload).await
    }

    async fn put(&mut self, payload: Bytes) -> Result<()> {
        if let Some(pace) = self.pace {
            pace.take(payload.len() as u64).await;
        }
        let index = self.first_chunk + self.written.chunks;
        self.written.bytes += payload.len() as u64;
        self.written.chunks += 1;
        self.store.write(vec![Record::Entry { lane: self.lane, term: 0, index, payload }]).await
    }

    /// Writes what is left. All of it is durable then.
    pub(super) async fn finish(mut self) -> Result<Written> {
        if !self.page.is_empty() {
            self.end_page(0, self.page.len()).await?;
        }
        if !self.chunk.is_empty() {
            self.end_chunk().await?;
        }
        let runs = std::mem::take(&mut self.runs);
        let per_chunk = (self.chunk_bytes_max.saturating_sub(1) / RUN_BYTES).max(1);
        for some in runs.chunks(per_chunk) {
            let mut chunk = BytesMut::with_capacity(1 + some.len() * RUN_BYTES);
            chunk.put_u8(RUNS);
            for run in some {
                chunk.put_u32_le(run.first.link);
                chunk.put_u32_le(run.first.page);
                chunk.put_u32_le(run.count);
            }
            self.put(chunk.freeze()).await?;
        }
        Ok(self.written)
    }
}

fn too_large() -> RaftError {
    RaftError::Format { what: "snapshot", reason: "it has more than 2^32 pages".into() }
}
