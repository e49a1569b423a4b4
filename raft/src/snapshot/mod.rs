//! Snapshots in the shard's log: chains of a full one and links, and a head that makes them count.
//!
//! Here what counts and how it changes · `chain` full ones and links · `pages` where states are cut and what a
//! chain has · `write` and `read` chunks · `stats` numbers of it · `offline` for those who read logs.
//!
//! Invariants: the head is written after all that it names, and what it does not name any more is purged
//! behind it, so that a crash at any time leaves what was or what is to be; one snapshot is written at a time;
//! a snapshot that cannot be read is never used in part: a start takes the longest beginning of the newest chain
//! that can be, else the full snapshot before it, and the log is kept for that.

mod chain;
mod offline;
mod pages;
mod read;
mod stats;
mod write;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use shard_rt::Rt;
use shard_rt::sync::{Mutex, Notify};
use wal::{Lane, Record, Slot};

use crate::codec;
use crate::error::{RaftError, Result};
use crate::options::Options;
use crate::pace::Pace;
use crate::store::Store;
use crate::types::{LogId, StoredMembership, position};
use chain::LINKS_MAX;
pub(crate) use chain::{Chain, Form, Head, Link};
pub use offline::{CheckpointHead, CheckpointPart};
use pages::Catalogue;
pub use stats::{CheckpointStats, Linked, SLICE_BOUNDS_NS, Slices};
use write::{LinkWriter, Written};

/// The lane of chunks of full snapshots.
pub(crate) const FULLS: Lane = Lane(1);
/// The lane of chunks of links.
pub(crate) const LINKS: Lane = Lane(2);
/// The slot of the head.
const HEAD: Slot = Slot(2);

/// What kind of snapshot is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// All of the state; the full one before it is kept, too.
    #[default]
    Full,
    /// What changed since the last one. Without one of this life it is full.
    Incremental,
    /// All of the state, and nothing else is kept: it makes most room in the log.
    Only,
}

/// The snapshots of one group. Clones are the same.
#[derive(Clone)]
pub(crate) struct Snapshots {
    shared: Rc<Shared>,
}

struct Shared {
    store: Store,
    pace: Option<Pace>,
    chunk_bytes_max: usize,
    fulls_kept: usize,
    writing: Mutex<()>,
    /// What counts; read from the log once.
    head: RefCell<Option<Head>>,
    is_read: Cell<bool>,
    /// What the start found to be good, until it is installed.
    loaded: RefCell<Option<(u64, Vec<Bytes>)>>,
    /// Which pages the newest chain has, if it was written by this life.
    catalogue: RefCell<Option<Catalogue>>,
    kind: Cell<Kind>,
    stats: RefCell<CheckpointStats>,
    /// A snapshot was written.
    written: Notify,
}

/// A snapshot in a log.
#[derive(Clone)]
pub(crate) struct Image {
    store: Store,
    chain: Rc<Chain>,
}

/// Where the bytes of a state come from.
pub(crate) trait Source {
    /// Appends some of them to `out`; false at the end, with nothing appended.
    async fn next(&mut self, out: &mut Vec<u8>) -> Result<bool>;
}

impl Snapshots {
    pub(crate) fn new(store: Store, options: &Options) -> Self {
        let shared = Shared {
            store,
            pace: options.pace.clone(),
            chunk_bytes_max: options.chunk_bytes_max,
            fulls_kept: options.fulls_kept,
            writing: Mutex::default(),
            head: RefCell::default(),
            is_read: Cell::default(),
            loaded: RefCell::default(),
            catalogue: RefCell::default(),
            kind: Cell::default(),
            stats: RefCell::default(),
            written: Notify::new(),
        };
        Self { shared: Rc::new(shared) }
    }

    /// The snapshot that counts: of what the head names, the newest that can be read and that the log goes on
    /// from.
    ///
    /// # Errors
    /// If there is a head and nothing of it can be used.
    pub(crate) async fn current(&self) -> Result<Option<(Link, Image)>> {
        if !self.shared.is_read.replace(true) {
            let head = self.shared.store.slot(HEAD).map(|bytes| codec::decode_head(&bytes)).transpose()?;
            if let Some(head) = head {
                let good = self.choose(head).await?;
                *self.shared.head.borrow_mut() = Some(good);
            }
            self.note_chain();
        }
        let head = self.shared.head.borrow();
        Ok(head.as_ref().map(|head| (head.newest.newest().clone(), self.image(&head.newest))))
    }

    fn image(&self, chain: &Chain) -> Image {
        Image { store: self.shared.store.clone(), chain: Rc::new(chain.clone()) }
    }

    /// The part of what a head names that can be used.
    async fn choose(&self, head: Head) -> Result<Head> {
        let purged = self.shared.store.wal().bounds(self.shared.store.partition(), Lane::RAFT).purged;
        let goes_on = |link: &Link| {
            let end = link.last.map_or(0, |last| last.index + 1);
            purged.is_none_or(|(_, purged)| purged < end)
        };
        let mut chain = head.newest.clone();
        let mut first = None;
        loop {
            if goes_on(chain.newest()) {
                match read::load(&self.shared.store, &chain).await {
                    Ok(pieces) => {
                        self.shared.loaded.replace(Some((chain.full.first_chunk, pieces)));
                        if let Some(error) = first {
                            let kept = position_text(chain.newest());
                            self.degrade(format!("{error}; the snapshot of {kept} is used"));
                        }
                        return Ok(Head { newest: chain, older: head.older });
                    }
                    Err(error) => _ = first.get_or_insert(error),
                }
            }
            if chain.links.pop().is_none() {
                break;
            }
        }
        let first = first.unwrap_or_else(|| RaftError::Format {
            what: "snapshot head",
            reason: "the log does not go on from any snapshot that it names".into(),
        });
        let Some(older) = head.older.filter(goes_on) else { return Err(first) };
        let chain = Chain::of(older);
        // What is wrong with the newer one says more.
        let pieces = read::load(&self.shared.store, &chain).await.map_err(|_| first.clone())?;
        self.shared.loaded.replace(Some((chain.full.first_chunk, pieces)));
        let kept = position_text(&chain.full);
        self.degrade(format!("{first}; the full snapshot before it, of {kept}, is used"));
        Ok(Head { newest: chain, older: None })
    }

    fn degrade(&self, reason: String) {
        self.shared.stats.borrow_mut().degraded = Some(reason);
    }

    fn note_chain(&self) {
        let head = self.shared.head.borrow();
        let mut stats = self.shared.stats.borrow_mut();
        let linked = |link: &Link| Linked {
            last: link.last.as_ref().map(position),
            chunks: link.chunks,
            bytes: link.bytes,
            state_bytes: link.state_bytes,
        };
        stats.chain = head.iter().flat_map(|head| head.newest.all().map(|(_, link)| linked(link))).collect();
        stats.older = head.as_ref().and_then(|head| head.older.as_ref().map(linked));
    }

    /// The pieces of a snapshot's state.
    pub(crate) async fn load(&self, image: &Image) -> Result<Vec<Bytes>> {
        let loaded = self.shared.loaded.borrow_mut().take();
        match loaded {
            Some((first, pieces)) if self.has(image) && first == image.chain.full.first_chunk => Ok(pieces),
            _ => read::load(&image.store, &image.chain).await,
        }
    }

    /// Whether this is what counts here.
    pub(crate) fn has(&self, image: &Image) -> bool {
        let (mine, its) = (&self.shared.store, &image.store);
        let here = mine.wal().same(its.wal()) && mine.partition() == its.partition();
        here && self.shared.head.borrow().as_ref().is_some_and(|head| head.newest == *image.chain)
    }

    /// Of which kind the next one is to be.
    pub(crate) fn plan(&self, kind: Kind) {
        self.shared.kind.set(kind);
    }

    /// Numbers of snapshots.
    pub(crate) fn stats(&self) -> CheckpointStats {
        self.shared.stats.borrow().clone()
    }

    /// The machine was held for so long by a snapshot.
    pub(crate) fn held(&self, ns: u64) {
        self.shared.stats.borrow_mut().slices.add(ns);
    }

    /// The entry up to which the log is not needed any more.
    pub(crate) fn needless(&self) -> Option<LogId> {
        self.shared.head.borrow().as_ref().and_then(Head::needless)
    }

    /// Waits until a snapshot was written.
    pub(crate) async fn written(&self) {
        self.shared.written.notified().await;
    }

    /// Writes a snapshot of the kind that was planned and makes it count.
    pub(crate) async fn write(
        &self,
        last: Option<LogId>,
        membership: StoredMembership,
        source: &mut impl Source,
    ) -> Result<Image> {
        let shared = &self.shared;
        let _alone = shared.writing.lock().await;
        let kind = shared.kind.take();
        let before = shared.head.borrow().clone();
        let catalogue = shared.catalogue.borrow_mut().take();
        let (kept, mut catalogue) = match (kind, before.as_ref(), catalogue) {
            (Kind::Incremental, Some(head), Some(catalogue)) => (Some(head), catalogue),
            _ => {
                let mut rng = Rt::current().rng();
                (None, Catalogue::new((rng.draw(), rng.draw())))
            }
        };
        let mut links = kept.map_or_else(Vec::new, |head| head.newest.links.clone());
        let is_merge = links.len() == LINKS_MAX;
        if is_merge {
            links.clear();
            catalogue.forget_links();
        }
        let lane = if kept.is_some() { LINKS } else { FULLS };
        let place = if kept.is_some() { links.len() as u32 + 1 } else { 0 };
        let bounds = shared.store.wal().bounds(shared.store.partition(), lane);
        let first_chunk = bounds.last.map_or(1, |(_, index)| index + 1);
        let to = (&shared.store, shared.pace.as_ref(), &mut catalogue);
        let mut writer = LinkWriter::new(to, (lane, first_chunk, place), shared.chunk_bytes_max);
        let mut bytes = Vec::new();
        while source.next(&mut bytes).await? {
            writer.push(&bytes).await?;
            bytes.clear();
        }
        let Written { chunks, bytes, state_bytes } = writer.finish().await?;
        let link = Link { last, membership, form: Form::Pages, first_chunk, chunks, bytes, state_bytes };
        let head = match kept {
            Some(head) => {
                links.push(link);
                let newest = Chain { full: head.newest.full.clone(), links };
                Head { newest, older: head.older.clone() }
            }
            None => {
                let keeps = kind != Kind::Only && shared.fulls_kept > 1;
                let older = before.map(|head| head.newest.full).filter(|_| keeps);
                Head { newest: Chain::of(link), older }
            }
        };
        let records = self.records(&head);
        shared.store.write(records).await?;
        let image = self.image(&head.newest);
        shared.head.replace(Some(head));
        shared.catalogue.replace(Some(catalogue));
        {
            let mut stats = shared.stats.borrow_mut();
            let count = match (place, is_merge) {
                (0, _) => &mut stats.fulls,
                (_, true) => &mut stats.merges,
                (_, false) => &mut stats.links,
            };
            *count += 1;
            stats.bytes_written += bytes;
            stats.state_bytes = state_bytes;
            if place == 0 {
                stats.degraded = None;
            }
        }
        self.note_chain();
        shared.written.all();
        Ok(image)
    }

    /// The head, and what is not named by it any more.
    fn records(&self, head: &Head) -> Vec<Record> {
        let (store, first) = (&self.shared.store, head.older.as_ref().unwrap_or(&head.newest.full));
        let last_link = || store.wal().bounds(store.partition(), LINKS).last.map_or(0, |(_, index)| index);
        let links =
            head.newest.links.first().map_or_else(last_link, |link| link.first_chunk.saturating_sub(1));
        let purge = |lane, index| Record::Purge { lane, term: 0, index };
        let mut records = vec![
            Record::Register { slot: HEAD, value: codec::encode_head(head) },
            purge(FULLS, first.first_chunk.saturating_sub(1)),
        ];
        if links > 0 {
            records.push(purge(LINKS, links));
        }
        records
    }
}

fn position_text(link: &Link) -> String {
    link.last.as_ref().map_or_else(|| "the empty log".to_owned(), |last| position(last).to_string())
}

/// Pieces that are there already.
pub(crate) struct Pieces(pub(crate) std::vec::IntoIter<Bytes>);

impl Source for Pieces {
    async fn next(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        let Some(piece) = self.0.next() else { return Ok(false) };
        out.extend_from_slice(&piece);
        Ok(true)
    }
}
