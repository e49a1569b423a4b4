//! What is done with each message that comes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use net_wire::{Credits, Goodbye, Heartbeat, Message, RequestId, WireError};

use super::{Connection, Outgoing, Purpose, Stage, locked};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// Most replies to heartbeats and unknown messages that may wait to be sent: a peer that asks and does
/// not read is cut off.
const REPLIES_MAX: usize = 1_024;

/// How the reading goes on.
pub(super) enum Next {
    /// As before.
    Read,
    /// Until that much time has passed, and no longer.
    DrainFor(Duration),
}

impl Connection {
    /// Takes one message.
    ///
    /// # Errors
    /// Why the connection must end.
    pub(super) fn take(&self, request: RequestId, message: &Message<'_>) -> Result<Next, ClientError> {
        match message {
            Message::Heartbeat(Heartbeat { reply: true, .. }) => Ok(Next::Read),
            Message::Heartbeat(Heartbeat { reply: false, sent_ns }) => {
                self.reply(request, &Heartbeat { reply: true, sent_ns: *sent_ns }.into())?;
                Ok(Next::Read)
            }
            Message::Goodbye(goodbye) => self.take_goodbye(goodbye),
            Message::Error(failure) if request == RequestId::NONE => {
                let refusal = Box::new(Refusal::of(failure));
                Err(ClientError::Refused { address: self.address().to_owned(), refusal })
            }
            Message::Credits(Credits { space, partition, credits }) => {
                self.window((*space, *partition)).send_replace(*credits);
                Ok(Next::Read)
            }
            Message::Routing(routing) if request == RequestId::NONE => {
                self.routing.offer(routing);
                Ok(Next::Read)
            }
            Message::Welcome(_) => Err(self.malformed("a second Welcome")),
            answer => {
                locked(&self.routes).take(request, answer).map_err(|reason| self.malformed(reason))?;
                Ok(Next::Read)
            }
        }
    }

    fn take_goodbye(&self, goodbye: &Goodbye<'_>) -> Result<Next, ClientError> {
        self.advance_stage(Stage::Draining);
        if !goodbye.failure.status.is_ok() && locked(&self.routes).is_idle() {
            let refusal = Box::new(Refusal::of(&goodbye.failure));
            return Err(ClientError::Refused { address: self.address().to_owned(), refusal });
        }
        Ok(Next::DrainFor(Duration::from_millis(goodbye.drain_ms.into())))
    }

    /// What is done about a message that cannot be read.
    ///
    /// # Errors
    /// Why the connection must end. A kind that this version does not know is answered and skipped.
    pub(super) fn take_wrong(&self, error: &WireError) -> Result<(), ClientError> {
        match error {
            WireError::Kind { request, .. } => {
                let text = error.to_string();
                self.reply(*request, &error.failure(&text).into())
            }
            _ => Err(self.malformed(error.to_string())),
        }
    }

    fn reply(&self, request: RequestId, message: &Message<'_>) -> Result<(), ClientError> {
        if self.replies.load(Ordering::Relaxed) >= REPLIES_MAX {
            return Err(self.lost("it asks and does not read the answers"));
        }
        let mut head = Vec::new();
        let encoded = self.encoder().encode(request, message, &mut head);
        encoded.map_err(|error| self.malformed(error.to_string()))?;
        self.push(Outgoing { head, rows: None, purpose: Purpose::Reply });
        Ok(())
    }
}
