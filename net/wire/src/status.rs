//! What became of a request, and why.

use cep_types::Epoch;
use cep_types::frame::FrameError;
use flatbuffers::WIPOffset;

use crate::code::open_codes;
use crate::encoder::Builder;
use crate::generated as wire;
use crate::message::{Position, Versions};

open_codes! {
    /// What became of a request (R-FLOW-1). `docs/protocol.md` tells what a client does about each.
    pub enum Status: u16 {
        /// Done.
        Ok = 0,
        /// Queues are full.
        TransientBackpressure = 1,
        /// The partition is still loading its state.
        TransientWarmup = 2,
        /// It did not work this time.
        TransientRetry = 3,
        /// Another server has this partition now.
        TransientRedirect = 4,
        /// Stream, column or schema version unknown, or rows that do not fit.
        PermanentSchema = 256,
        /// A message, frame or event that is malformed or too large.
        PermanentPayload = 257,
        /// Made for another routing epoch or partition.
        PermanentEpoch = 258,
        /// The partition's storage failed (R-DUR-2).
        PermanentDurability = 259,
        /// First sent too long ago (R-IDEM-1).
        PermanentRetryExpired = 260,
        /// The position is no longer kept.
        PermanentPositionExpired = 261,
        /// Not authenticated, or not allowed.
        PermanentAuth = 262,
        /// No protocol version in common.
        PermanentVersion = 263,
        /// Message, flag or feature unknown or not offered.
        PermanentUnsupported = 264,
        /// The query is wrong or asks for too much.
        PermanentQuery = 265,
    }
}

impl Status {
    /// Whether the request was done.
    pub const fn is_ok(self) -> bool {
        self.code() == 0
    }

    /// Whether the same request may succeed later. Unknown numbers are judged by their range.
    pub const fn is_transient(self) -> bool {
        matches!(self.code(), 1..=255)
    }

    /// The status for an event frame that was refused at the door: one that was damaged on the way
    /// may be sent again, any other is wrong for good.
    pub fn of_frame(error: &FrameError) -> Status {
        match error {
            FrameError::Checksum { .. } => Status::TransientRetry,
            FrameError::Narrowing { .. } | FrameError::Missing { .. } => Status::PermanentSchema,
            _ => Status::PermanentPayload,
        }
    }
}

/// Why something failed, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure<'a> {
    /// What it was.
    pub status: Status,
    /// For people: what happened, to what, and what to do.
    pub text: &'a str,
    /// Transient only: wait that long before the next try.
    pub retry_after_ms: u32,
    /// [`Status::PermanentPositionExpired`] only: the oldest row that is kept.
    pub earliest: Option<Position>,
    /// [`Status::TransientRedirect`] only: host:port of the server to go to.
    pub redirect: Option<&'a str>,
    /// The epoch of the server's routing table, when it matters.
    pub routing_epoch: Option<Epoch>,
    /// [`Status::PermanentVersion`] only: what the server speaks.
    pub versions: Option<Versions>,
}

impl<'a> Failure<'a> {
    /// A failure with these two alone.
    pub fn new(status: Status, text: &'a str) -> Self {
        Failure {
            status,
            text,
            retry_after_ms: 0,
            earliest: None,
            redirect: None,
            routing_epoch: None,
            versions: None,
        }
    }

    /// A planned end, as in Goodbye and after Cancel.
    pub fn none() -> Self {
        Failure::new(Status::Ok, "")
    }

    pub(crate) fn read(table: wire::Failure<'a>) -> Self {
        Failure {
            status: Status::from_code(table.status().0),
            text: table.text().unwrap_or_default(),
            retry_after_ms: table.retry_after_ms(),
            earliest: table.earliest().map(Position::read_wire),
            redirect: table.redirect(),
            routing_epoch: Some(Epoch(table.routing_epoch())).filter(|epoch| epoch.0 != 0),
            versions: table.versions().map(Versions::read_wire),
        }
    }

    pub(crate) fn write<'b>(&self, builder: &mut Builder<'b>) -> WIPOffset<wire::Failure<'b>> {
        let text = (!self.text.is_empty()).then(|| builder.create_string(self.text));
        let redirect = self.redirect.map(|address| builder.create_string(address));
        wire::Failure::create(
            builder,
            &wire::FailureArgs {
                status: wire::Status(self.status.code()),
                text,
                retry_after_ms: self.retry_after_ms,
                earliest: self.earliest.map(Position::wire).as_ref(),
                redirect,
                routing_epoch: self.routing_epoch.unwrap_or_default().0,
                versions: self.versions.map(Versions::wire).as_ref(),
            },
        )
    }
}
