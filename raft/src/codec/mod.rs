//! What the log holds of a group, in bytes: entries, vote, committed position, snapshot head
//! (docs/formats.md, "Group").
//!
//! Invariants: an entry's content comes first, at the record's aligned start, and its trailer last, so
//! that content is shared with the log and never moved; a version or kind that is not known is refused.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use openraft::impls::leader_id_std::LeaderId;

use crate::error::RaftError;
use crate::snapshot::{Chain, Form, Head, Link};
use crate::types::{LogId, Membership, Payload, Proposal, StoredMembership, Vote, log_id};

/// Bytes behind the content of an entry: kind and version.
pub(crate) const TRAILER_BYTES: usize = 2;
/// Version of entries, votes and committed positions.
const VERSION: u8 = 1;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EntryKind {
    Blank = 0,
    Normal = 1,
    Membership = 2,
}

pub(crate) fn trailer(kind: EntryKind) -> [u8; TRAILER_BYTES] {
    [kind as u8, VERSION]
}

type Result<T> = std::result::Result<T, RaftError>;

fn wrong(what: &'static str, reason: impl Into<String>) -> RaftError {
    RaftError::Format { what, reason: reason.into() }
}

/// The record of an entry's payload.
pub(crate) fn encode_payload(payload: &Payload) -> Bytes {
    match payload {
        Payload::Blank => Bytes::copy_from_slice(&trailer(EntryKind::Blank)),
        Payload::Normal(proposal) => proposal.record(),
        Payload::Membership(membership) => {
            let mut bytes = BytesMut::new();
            put_membership(&mut bytes, membership);
            bytes.put_slice(&trailer(EntryKind::Membership));
            bytes.freeze()
        }
    }
}

/// The payload of a record.
pub(crate) fn decode_payload(record: Bytes) -> Result<Payload> {
    let at = record.len().checked_sub(TRAILER_BYTES).ok_or_else(|| wrong("entry", "too short"))?;
    let (kind, version) = (record[at], record[at + 1]);
    check_version("entry", version)?;
    match kind {
        0 if at == 0 => Ok(Payload::Blank),
        1 => Ok(Payload::Normal(Proposal::of_record(record))),
        2 => {
            let mut content = &record[..at];
            let membership = get_membership(&mut content)?;
            end("membership", content)?;
            Ok(Payload::Membership(membership))
        }
        kind => Err(wrong("entry", format!("kind {kind} with {at} bytes"))),
    }
}

pub(crate) fn encode_vote(vote: &Vote) -> Bytes {
    let mut bytes = BytesMut::with_capacity(18);
    bytes.put_u8(VERSION);
    bytes.put_u64_le(vote.leader_id.term);
    bytes.put_u64_le(vote.leader_id.voted_for);
    bytes.put_u8(u8::from(vote.committed));
    bytes.freeze()
}

pub(crate) fn decode_vote(mut bytes: &[u8]) -> Result<Vote> {
    check_version("vote", u8_of(&mut bytes)?)?;
    let leader_id = LeaderId { term: u64_of(&mut bytes)?, voted_for: u64_of(&mut bytes)? };
    let committed = u8_of(&mut bytes)? != 0;
    end("vote", bytes)?;
    Ok(Vote { leader_id, committed })
}

pub(crate) fn encode_committed(id: &LogId) -> Bytes {
    let mut bytes = BytesMut::with_capacity(17);
    bytes.put_u8(VERSION);
    put_log_id(&mut bytes, id);
    bytes.freeze()
}

pub(crate) fn decode_committed(mut bytes: &[u8]) -> Result<LogId> {
    check_version("committed position", u8_of(&mut bytes)?)?;
    let id = get_log_id(&mut bytes)?;
    end("committed position", bytes)?;
    Ok(id)
}

/// Version of heads that name one full snapshot of plain chunks.
const HEAD_PLAIN: u8 = 1;
/// Version of heads that name chains.
const HEAD_VERSION: u8 = 2;

pub(crate) fn encode_head(head: &Head) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(HEAD_VERSION);
    bytes.put_u8(u8::from(head.older.is_some()));
    head.older.iter().for_each(|link| put_link(&mut bytes, link));
    put_link(&mut bytes, &head.newest.full);
    bytes.put_u32_le(head.newest.links.len() as u32);
    head.newest.links.iter().for_each(|link| put_link(&mut bytes, link));
    bytes.freeze()
}

pub(crate) fn decode_head(mut bytes: &[u8]) -> Result<Head> {
    let head = match u8_of(&mut bytes)? {
        HEAD_PLAIN => {
            let (last, membership) = get_last(&mut bytes)?;
            let (first_chunk, chunks) = (u64_of(&mut bytes)?, u64_of(&mut bytes)?);
            let form = Form::Plain;
            let full = Link { last, membership, form, first_chunk, chunks, bytes: 0, state_bytes: 0 };
            Head { newest: Chain::of(full), older: None }
        }
        HEAD_VERSION => {
            let older = if u8_of(&mut bytes)? == 0 { None } else { Some(get_link(&mut bytes)?) };
            let full = get_link(&mut bytes)?;
            let links = u32_of(&mut bytes)?;
            let links = (0..links).map(|_| get_link(&mut bytes)).collect::<Result<_>>()?;
            Head { newest: Chain { full, links }, older }
        }
        other => {
            let reason = format!("version {other}, not {HEAD_PLAIN} or {HEAD_VERSION}");
            return Err(wrong("snapshot head", reason));
        }
    };
    end("snapshot head", bytes)?;
    Ok(head)
}

fn put_link(bytes: &mut BytesMut, link: &Link) {
    put_optional(bytes, link.last.as_ref());
    put_optional(bytes, link.membership.log_id().as_ref());
    put_membership(bytes, link.membership.membership());
    bytes.put_u8(match link.form {
        Form::Plain => HEAD_PLAIN,
        Form::Pages => HEAD_VERSION,
    });
    [link.first_chunk, link.chunks, link.bytes, link.state_bytes]
        .into_iter()
        .for_each(|number| bytes.put_u64_le(number));
}

fn get_link(bytes: &mut &[u8]) -> Result<Link> {
    let (last, membership) = get_last(bytes)?;
    let form = match u8_of(bytes)? {
        HEAD_PLAIN => Form::Plain,
        HEAD_VERSION => Form::Pages,
        other => return Err(wrong("snapshot head", format!("chunks of version {other}"))),
    };
    let (first_chunk, chunks) = (u64_of(bytes)?, u64_of(bytes)?);
    Ok(Link {
        last,
        membership,
        form,
        first_chunk,
        chunks,
        bytes: u64_of(bytes)?,
        state_bytes: u64_of(bytes)?,
    })
}

/// The last entry of a snapshot, and the last membership in it.
fn get_last(bytes: &mut &[u8]) -> Result<(Option<LogId>, StoredMembership)> {
    let last = get_optional(bytes)?;
    let at = get_optional(bytes)?;
    Ok((last, StoredMembership::new(at, get_membership(bytes)?)))
}

fn put_log_id(bytes: &mut BytesMut, id: &LogId) {
    bytes.put_u64_le(id.leader_id.term);
    bytes.put_u64_le(id.index);
}

fn get_log_id(bytes: &mut &[u8]) -> Result<LogId> {
    Ok(log_id(u64_of(bytes)?, u64_of(bytes)?))
}

fn put_optional(bytes: &mut BytesMut, id: Option<&LogId>) {
    bytes.put_u8(u8::from(id.is_some()));
    if let Some(id) = id {
        put_log_id(bytes, id);
    }
}

fn get_optional(bytes: &mut &[u8]) -> Result<Option<LogId>> {
    if u8_of(bytes)? == 0 { Ok(None) } else { get_log_id(bytes).map(Some) }
}

fn put_ids(bytes: &mut BytesMut, ids: &BTreeSet<u64>) {
    bytes.put_u32_le(ids.len() as u32);
    ids.iter().for_each(|id| bytes.put_u64_le(*id));
}

fn get_ids(bytes: &mut &[u8]) -> Result<BTreeSet<u64>> {
    let count = u32_of(bytes)? as usize;
    if bytes.remaining() < count.saturating_mul(8) {
        return Err(wrong("membership", "too short"));
    }
    Ok((0..count).map(|_| bytes.get_u64_le()).collect())
}

/// Sets of voters, one or during a change two; then all nodes, learners included.
fn put_membership(bytes: &mut BytesMut, membership: &Membership) {
    let sets = membership.get_joint_config();
    bytes.put_u8(sets.len() as u8);
    sets.iter().for_each(|set| put_ids(bytes, set));
    put_ids(bytes, &membership.nodes().map(|(id, _)| *id).collect());
}

fn get_membership(bytes: &mut &[u8]) -> Result<Membership> {
    let sets = u8_of(bytes)?;
    let sets: Vec<BTreeSet<u64>> = (0..sets).map(|_| get_ids(bytes)).collect::<Result<_>>()?;
    let nodes = get_ids(bytes)?;
    let known = sets.iter().all(|set| set.is_subset(&nodes));
    if !known {
        return Err(wrong("membership", "a voter is no node"));
    }
    Ok(Membership::new_with_defaults(sets, nodes))
}

fn check_version(what: &'static str, version: u8) -> Result<()> {
    if version == VERSION { Ok(()) } else { Err(wrong(what, format!("version {version}, not {VERSION}"))) }
}

fn end(what: &'static str, rest: &[u8]) -> Result<()> {
    if rest.is_empty() { Ok(()) } else { Err(wrong(what, format!("{} bytes too many", rest.len()))) }
}

fn u8_of(bytes: &mut &[u8]) -> Result<u8> {
    bytes.try_get_u8().map_err(|_| wrong("record", "too short"))
}

fn u32_of(bytes: &mut &[u8]) -> Result<u32> {
    bytes.try_get_u32_le().map_err(|_| wrong("record", "too short"))
}

fn u64_of(bytes: &mut &[u8]) -> Result<u64> {
    bytes.try_get_u64_le().map_err(|_| wrong("record", "too short"))
}
