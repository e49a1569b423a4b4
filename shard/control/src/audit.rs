//! The record of attempts (R-CP-1, R-SEC-1): who asked for what, when, why, and what became of it.
//!
//! The newest records are kept in the state for `/v1/audit`; each is also handed to the host, which keeps
//! them for as long as it should. Records are a chain: each has the SHA-256 of its canonical document,
//! which contains the hash of the one before. So a record that is changed, taken out or put in is found by
//! whoever has one later hash; [`verify_chain`] does that.

use std::collections::VecDeque;

use cep_types::{Epoch, LogIndex, StampNs};
use serde::{Deserialize, Serialize};

use crate::codec::{canonical, hex, sha256, written};
use crate::command::Role;
use crate::id::CommandId;
use crate::limits::AUDIT_RECORDS_MAX;
use crate::outcome::Reason;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuditVerdict {
    /// The state changed.
    Accepted,
    /// There was nothing to change.
    Noted,
    /// Refused.
    Refused(Reason),
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// Its number, from 1, dense.
    #[serde(with = "written")]
    pub number: u64,
    /// The epoch after it.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// The control group's log entry.
    #[serde(with = "written")]
    pub index: LogIndex,
    /// Its time.
    #[serde(with = "written")]
    pub stamp: StampNs,
    /// Who; `clock` for what time did.
    pub actor: String,
    /// In which role.
    pub role: Role,
    /// What: `definition.activate`.
    pub action: String,
    /// To what: `definition/app`.
    pub object: String,
    /// What became of it.
    pub verdict: AuditVerdict,
    /// Why, as the actor said.
    pub why: String,
    /// The command, if it was one.
    pub command: Option<CommandId>,
    /// [`hash`](Self::hash) of the record before; 64 zeros for the first.
    pub previous: String,
    /// SHA-256 of the canonical document of this record with an empty hash, hexadecimal.
    pub hash: String,
}

impl AuditRecord {
    fn hash_of_content(&self) -> String {
        let content = AuditRecord { hash: String::new(), ..self.clone() };
        hex(&sha256(&canonical(&content)))
    }
}

/// Checks that `records` follow one another without gap and that none was changed.
///
/// # Errors
/// The number of the first record that does not follow from those before it.
pub fn verify_chain<'a>(records: impl IntoIterator<Item = &'a AuditRecord>) -> Result<(), u64> {
    let mut before: Option<&AuditRecord> = None;
    for record in records {
        let follows = match before {
            Some(last) => last.number.checked_add(1) == Some(record.number) && last.hash == record.previous,
            None => record.number != 1 || record.previous == beginning(),
        };
        if !follows || record.hash != record.hash_of_content() {
            return Err(record.number);
        }
        before = Some(record);
    }
    Ok(())
}

fn beginning() -> String {
    "0".repeat(64)
}

/// The newest records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    records: VecDeque<AuditRecord>,
}

impl Audit {
    /// The newest records, oldest first.
    pub(crate) fn records(&self) -> impl DoubleEndedIterator<Item = &AuditRecord> {
        self.records.iter()
    }

    /// Completes `record` (number, previous, hash) and keeps it.
    pub(crate) fn append(&mut self, mut record: AuditRecord) -> AuditRecord {
        let last = self.records.back();
        record.number = last.map_or(1, |last| last.number + 1);
        record.previous = last.map_or_else(beginning, |last| last.hash.clone());
        record.hash = record.hash_of_content();
        self.records.push_back(record.clone());
        if self.records.len() > AUDIT_RECORDS_MAX {
            self.records.pop_front();
        }
        record
    }

    /// What is wrong with records that were read.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.records.len() > AUDIT_RECORDS_MAX {
            return Some(format!("it has {} audit records", self.records.len()));
        }
        let last = self.records.back().is_some_and(|last| last.number > u64::MAX / 2);
        let broken = verify_chain(&self.records).err();
        broken.or(last.then_some(u64::MAX)).map(|number| format!("the audit chain breaks at record {number}"))
    }
}
