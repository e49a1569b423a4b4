//! A failure as the server told it, in memory of its own.

use std::fmt;
use std::time::Duration;

use cep_types::Epoch;
use net_wire::{Failure, Position, Status, Versions};

/// Why a server did not do something, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it was: programs go by this.
    pub status: Status,
    /// What happened, to what, and what to do: for people.
    pub text: String,
    /// Wait at least that long before the next try.
    pub retry_after: Duration,
    /// The oldest row that is kept, with [`Status::PermanentPositionExpired`].
    pub earliest: Option<Position>,
    /// Where to go instead, with [`Status::TransientRedirect`].
    pub redirect: Option<String>,
    /// The epoch of the server's routing table, when it matters.
    pub routing_epoch: Option<Epoch>,
    /// What the server speaks, with [`Status::PermanentVersion`].
    pub versions: Option<Versions>,
}

impl Refusal {
    pub(crate) fn of(failure: &Failure<'_>) -> Self {
        Refusal {
            status: failure.status,
            text: failure.text.to_owned(),
            retry_after: Duration::from_millis(failure.retry_after_ms.into()),
            earliest: failure.earliest,
            redirect: failure.redirect.map(str::to_owned),
            routing_epoch: failure.routing_epoch,
            versions: failure.versions,
        }
    }

    /// Whether the request may succeed elsewhere or later as it is: transient statuses, and one that
    /// was made for another routing table, which is fetched anew.
    pub(crate) fn is_retried(&self) -> bool {
        self.status.is_transient() || self.status == Status::PermanentEpoch
    }

    /// Whether the routing table may be old.
    pub(crate) fn is_about_routing(&self) -> bool {
        matches!(self.status, Status::TransientRedirect | Status::PermanentEpoch)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { status, text, versions, .. } = self;
        match status {
            Status::Other(code) => write!(f, "status {code}")?,
            named => write!(f, "{named:?}")?,
        }
        if !text.is_empty() {
            write!(f, ": {text}")?;
        }
        if let Some(Versions { min, max }) = versions {
            write!(f, " (the server speaks versions {min} to {max})")?;
        }
        Ok(())
    }
}
