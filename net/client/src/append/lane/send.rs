//! What a lane sends, and when.

use std::time::Duration;

use cep_types::{ProducerId, StampNs};
use net_wire::{Append, EventIds, Features, RequestId};
use tokio::time::Instant;

use super::Driver;
use super::sink::AppendSink;
use crate::append::part::PartIds;
use crate::clock;
use crate::connection::Stage;
use crate::error::ClientError;

impl Driver {
    /// Sends as much as may be sent now.
    pub(super) fn pump(&mut self, now: Instant) {
        self.leave_link();
        if self.queue.is_empty() || self.not_before.is_some_and(|not_before| not_before > now) {
            return;
        }
        self.not_before = None;
        if self.link.is_none() {
            self.connect();
            return;
        }
        while self.may_send(now) && self.send_next(now) {}
    }

    /// Lets the connection go when it takes no requests, or another one leads the partition.
    fn leave_link(&mut self) {
        let is_over =
            self.link.as_ref().is_some_and(|link| self.is_stale || link.connection.stage() != Stage::Open);
        if is_over && !self.queue.has_under_way() {
            self.link = None;
            self.is_stale = true;
            self.probe_at = None;
        }
    }

    fn connect(&mut self) {
        if self.connecting.is_some() {
            return;
        }
        let (shared, (space, partition)) = (self.shared.clone(), self.key);
        let (detour, is_stale) = (self.detour.take(), self.is_stale);
        self.connecting =
            Some(Box::pin(async move { shared.leader(space, partition, detour, is_stale).await }));
    }

    /// Whether the next entry may go out: its connection is open, and the credits allow it.
    fn may_send(&mut self, now: Instant) -> bool {
        let under_way = self.queue.size_under_way();
        let Some(link) = self.link.as_ref().filter(|link| link.connection.stage() == Stage::Open) else {
            return false;
        };
        if self.is_stale {
            return false;
        }
        let window = *link.window.borrow();
        let Some(next) = self.queue.next() else {
            return false;
        };
        if window.admits(under_way, next.part.size()) {
            self.probe_at = None;
            return true;
        }
        let is_shut = window.events == 0 || window.bytes == 0;
        if !is_shut || self.queue.has_under_way() {
            self.probe_at = None;
            return false;
        }
        match self.probe_at {
            Some(probe_at) if probe_at <= now => {
                self.probe_at = None;
                true
            }
            Some(_) => false,
            None => {
                self.probe_at = Some(now + self.probe_patience);
                self.queue.held_up("the partition's credit window is shut");
                false
            }
        }
    }

    /// Sends the next entry. Whether the connection takes more.
    fn send_next(&mut self, now: Instant) -> bool {
        match self.try_send(now) {
            Ok(Some(number)) => self.queue.sent(number, now),
            Ok(None) => return false,
            Err(error) => self.queue.unsendable(error),
        }
        true
    }

    /// Sends the next entry, and gives the number of the try; `None` when the connection just ended.
    fn try_send(&mut self, now: Instant) -> Result<Option<RequestId>, ClientError> {
        let (Some(link), Some(entry)) = (&mut self.link, self.queue.next()) else {
            return Ok(None);
        };
        let part = &entry.part;
        let offered = link.connection.session().features;
        let needed = match part.ids {
            PartIds::Sequence(_) => Features::APPEND,
            PartIds::Opaque(_) => Features(Features::APPEND.0 | Features::OPAQUE_IDS.0),
        };
        if !offered.contains(needed) {
            let what = "the partition's leader does not offer such appends; upgrade it".to_owned();
            return Err(ClientError::Unsupported { what });
        }
        let first_sent: StampNs = entry.first_sent.unwrap_or_else(clock::now);
        let mut numbered = entry.numbered;
        let ids = match &part.ids {
            PartIds::Sequence(numbers) => {
                let numbering = numbers.now(part.partition);
                let (producer, first): (ProducerId, u64) =
                    *numbered.get_or_insert((numbering.producer, numbering.next));
                EventIds::Sequence { producer, first }
            }
            PartIds::Opaque(ids) => EventIds::Opaque(ids.as_slice().into()),
        };
        let append = Append {
            stream: part.stream,
            schema_version: part.schema_version,
            partition: part.partition,
            routing_epoch: self.shared.routing.now().epoch,
            ids,
            first_sent,
            replay: part.replay,
            timeout_ms: timeout_ms(entry.deadline - now, self.shared.options.timeouts.ack),
            rows: &part.frame,
        };
        self.last_try += 1;
        let number = RequestId(self.last_try);
        let sink = AppendSink {
            number,
            partition: part.partition,
            rows: part.rows,
            window: link.window.clone(),
            lane: self.answers.clone(),
        };
        let Ok(request) = link.connection.begin(Box::new(sink)) else {
            return Ok(None);
        };
        let rows = part.frame.clone();
        if let Err(error) = link.connection.send(&mut link.encoder, request, &append.into(), Some(rows)) {
            link.connection.forget(request);
            return Err(error);
        }
        if let (None, Some(numbers)) = (entry.numbered, part.numbers()) {
            numbers.advance(part.partition, part.rows);
        }
        entry.numbered = numbered;
        entry.first_sent = Some(first_sent);
        Ok(Some(number))
    }
}

/// What the server is told: the time that is left, and not more than an ack may take.
fn timeout_ms(left: Duration, ack_max: Duration) -> u32 {
    u32::try_from(left.min(ack_max).as_millis()).unwrap_or(u32::MAX).max(1)
}
