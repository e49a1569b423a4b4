//! The memory of commands: the same id gives the same outcome, once.
//!
//! Bounded by count; a command that is sent again after so many others is applied anew. Its `base` then
//! makes it stale, where it has one.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::id::CommandId;
use crate::limits::COMMANDS_REMEMBERED_MAX;
use crate::outcome::Outcome;

/// What became of one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remembered {
    pub(crate) id: CommandId,
    /// SHA-256 of the command's canonical document.
    pub(crate) digest: String,
    pub(crate) outcome: Outcome,
}

/// The newest commands, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "VecDeque<Remembered>", into = "VecDeque<Remembered>")]
pub(crate) struct Memory {
    newest: VecDeque<Remembered>,
    /// Position of each id, counted from the first command ever kept.
    places: BTreeMap<CommandId, u64>,
    forgotten: u64,
}

impl Memory {
    /// The command with that id.
    pub(crate) fn find(&self, id: CommandId) -> Option<&Remembered> {
        let place = self.places.get(&id)?.checked_sub(self.forgotten)?;
        self.newest.get(usize::try_from(place).ok()?)
    }

    /// Keeps what became of a command. Of a refusal the texts are left out: they are made for people, and
    /// two releases that word them differently must still have one state.
    pub(crate) fn keep(&mut self, mut remembered: Remembered) {
        if let Outcome::Refused(refusal) = &mut remembered.outcome {
            refusal.problems.clear();
            refusal.text.clear();
        }
        self.places.insert(remembered.id, self.forgotten + self.newest.len() as u64);
        self.newest.push_back(remembered);
        if self.newest.len() > COMMANDS_REMEMBERED_MAX
            && let Some(oldest) = self.newest.pop_front()
        {
            self.places.remove(&oldest.id);
            self.forgotten += 1;
        }
    }

    /// What is wrong with a memory that was read.
    pub(crate) fn fault(&self) -> Option<String> {
        let bad = self.newest.len() > COMMANDS_REMEMBERED_MAX || self.places.len() != self.newest.len();
        bad.then(|| "the memory of commands is too long or has an id twice".to_owned())
    }
}

impl From<VecDeque<Remembered>> for Memory {
    fn from(newest: VecDeque<Remembered>) -> Self {
        let places = newest.iter().zip(0..).map(|(remembered, place)| (remembered.id, place)).collect();
        Memory { newest, places, forgotten: 0 }
    }
}

impl From<Memory> for VecDeque<Remembered> {
    fn from(memory: Memory) -> Self {
        memory.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_commands_are_known_and_the_oldest_forgotten() {
        let mut memory = Memory::default();
        let count = COMMANDS_REMEMBERED_MAX as u128 + 10;
        for id in 0..count {
            memory.keep(Remembered { id: CommandId(id), digest: id.to_string(), outcome: Outcome::Noted });
        }
        assert!(memory.find(CommandId(9)).is_none());
        for id in [10, 11, count - 1] {
            assert_eq!(memory.find(CommandId(id)).map(|found| found.digest.clone()), Some(id.to_string()));
        }
        let read: Memory = VecDeque::from(memory.clone()).into();
        assert_eq!(read.find(CommandId(10)), memory.find(CommandId(10)));
        assert_eq!(read.find(CommandId(9)), None);
        assert_eq!(memory.fault(), None);
    }
}
