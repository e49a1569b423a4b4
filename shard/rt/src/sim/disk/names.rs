//! The names of a disk: a journal of changes over what is durable.
//!
//! Invariant: changes become durable in the order they were made. `sync_dir` makes durable what the
//! directory has, and all that came before; a power loss keeps some prefix of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::rng::Rng;

pub(crate) type FileId = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Dir,
    File(FileId),
}

#[derive(Clone, Debug)]
enum Change {
    Put(PathBuf, Entry),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl Change {
    fn touches(&self, dir: &Path) -> bool {
        match self {
            Self::Put(path, _) | Self::Remove(path) => path.parent() == Some(dir),
            Self::Rename(from, to) => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Put(path, entry) => {
                names.insert(path.clone(), *entry);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(entry) = names.remove(from) {
                    names.insert(to.clone(), entry);
                }
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct Names {
    current: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    journal: Vec<Change>,
}

impl Names {
    pub(crate) fn get(&self, path: &Path) -> Option<Entry> {
        self.current.get(path).copied()
    }

    pub(crate) fn has_dir(&self, dir: &Path) -> bool {
        dir.parent().is_none() || dir.as_os_str().is_empty() || self.get(dir) == Some(Entry::Dir)
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.journal.push(change);
    }

    pub(crate) fn put(&mut self, path: &Path, entry: Entry) {
        self.change(Change::Put(path.to_owned(), entry));
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.change(Change::Remove(path.to_owned()));
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    pub(crate) fn sync_dir(&mut self, dir: &Path) {
        let Some(last) = self.journal.iter().rposition(|change| change.touches(dir)) else {
            return;
        };
        for change in self.journal.drain(..=last) {
            change.apply(&mut self.durable);
        }
    }

    pub(crate) fn power_loss(&mut self, keep_all: bool, keep_none: bool, rng: &mut Rng) {
        let drawn = rng.index(self.journal.len() + 1);
        let kept = match (keep_all, keep_none) {
            (true, _) => self.journal.len(),
            (_, true) => 0,
            _ => drawn,
        };
        for change in self.journal.drain(..).take(kept) {
            change.apply(&mut self.durable);
        }
        self.current = self.durable.clone();
    }

    pub(crate) fn children<'a>(&'a self, dir: &'a Path) -> impl Iterator<Item = (&'a Path, Entry)> {
        let inside = self.current.iter().filter(move |(path, _)| path.parent() == Some(dir));
        inside.map(|(path, entry)| (path.as_path(), *entry))
    }

    /// Files that have a name, or may have one after a power loss.
    pub(crate) fn files(&self) -> BTreeSet<FileId> {
        let named = self.current.values().chain(self.durable.values()).copied();
        let coming = self.journal.iter().filter_map(|change| match change {
            Change::Put(_, entry) => Some(*entry),
            Change::Remove(_) | Change::Rename(..) => None,
        });
        let files = named.chain(coming).filter_map(|entry| match entry {
            Entry::File(id) => Some(id),
            Entry::Dir => None,
        });
        files.collect()
    }
}
