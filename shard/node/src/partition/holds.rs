//! How far the sinks of definitions have come: what their rows wait for.
//!
//! Invariants: a function of the log's entries; a hold begins with the activation that makes the rows, and
//! goes on at its markers; what is behind a hold is not forgotten by the outputs.

use std::collections::BTreeMap;

use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::log::{Marker, OutputPosition};
use cep_types::{Epoch, LogIndex, StreamId};

/// The sinks of one definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The activation.
    pub(crate) epoch: Epoch,
    /// The streams that are handed over, ascending.
    pub(crate) streams: Vec<StreamId>,
    /// The last position before the activation's rows.
    pub(crate) since: OutputPosition,
    /// Up to here rows have been handed over.
    pub(crate) upto: OutputPosition,
    /// The same of all partitions, where it was said; empty before.
    pub(crate) all: Vec<OutputPosition>,
    /// How long the files of sinks were then.
    pub(crate) lengths: Vec<(StreamId, u64)>,
    /// The definition has stopped with this entry.
    pub(crate) stopped: Option<LogIndex>,
}

/// All holds of a partition, by definition.
#[derive(Debug, Default)]
pub(crate) struct Holds(BTreeMap<String, Hold>);

/// Behind all positions: a definition that stopped has handed over everything.
pub(crate) const OVER: OutputPosition = OutputPosition { index: LogIndex(u64::MAX), ordinal: u32::MAX };

/// The last position of all entries before `index`.
pub(crate) fn before(index: LogIndex) -> OutputPosition {
    OutputPosition { index: LogIndex(index.0.saturating_sub(1)), ordinal: u32::MAX }
}

impl Holds {
    /// The hold of a definition.
    pub(crate) fn get(&self, name: &str) -> Option<&Hold> {
        self.0.get(name)
    }

    /// An activation with sinks has come with this entry.
    pub(crate) fn begin(&mut self, name: &str, epoch: Epoch, streams: Vec<StreamId>, index: LogIndex) {
        if self.0.get(name).is_some_and(|hold| hold.epoch == epoch) {
            return;
        }
        let since = before(index);
        let (all, lengths) = (Vec::new(), Vec::new());
        let hold = Hold { epoch, streams, since, upto: since, all, lengths, stopped: None };
        self.0.insert(name.to_owned(), hold);
    }

    /// The definition has stopped, or runs without sinks, from this entry on.
    pub(crate) fn stop(&mut self, name: &str, index: LogIndex) {
        if let Some(hold) = self.0.get_mut(name) {
            hold.stopped.get_or_insert(index);
        }
    }

    /// Sinks have come further.
    pub(crate) fn mark(&mut self, marker: &Marker) {
        let is_over =
            |hold: &Hold| hold.epoch == marker.epoch && hold.stopped.is_some() && marker.upto == OVER;
        if self.0.get(&marker.name).is_some_and(is_over) {
            self.0.remove(&marker.name);
            return;
        }
        let Some(hold) = self.0.get_mut(&marker.name).filter(|hold| hold.epoch == marker.epoch) else {
            return;
        };
        hold.upto = hold.upto.max(marker.upto);
        if !marker.all.is_empty() {
            hold.all.clone_from(&marker.all);
            hold.lengths.clone_from(&marker.lengths);
        }
    }

    /// The first position of a stream that must be kept is behind this one; `None`: none must.
    pub(crate) fn needed(&self, stream: StreamId) -> Option<OutputPosition> {
        let holds = self.0.values().filter(|hold| hold.stopped.is_none());
        holds.filter(|hold| hold.streams.binary_search(&stream).is_ok()).map(|hold| hold.upto).min()
    }

    /// Whether a definition that has stopped may still hand over rows of a stream.
    pub(crate) fn drains(&self, stream: StreamId) -> bool {
        let mut stopped = self.0.values().filter(|hold| hold.stopped.is_some());
        stopped.any(|hold| hold.streams.binary_search(&stream).is_ok())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.u64(self.0.len() as u64);
        for (name, hold) in &self.0 {
            out.str(name);
            out.u64(hold.epoch.0);
            out.u64(hold.streams.len() as u64);
            hold.streams.iter().for_each(|stream| out.u32(stream.0));
            encode_position(hold.since, out);
            encode_position(hold.upto, out);
            out.u64(hold.all.len() as u64);
            hold.all.iter().for_each(|position| encode_position(*position, out));
            out.u64(hold.lengths.len() as u64);
            for (stream, length) in &hold.lengths {
                out.u32(stream.0);
                out.u64(*length);
            }
            out.bool(hold.stopped.is_some());
            out.u64(hold.stopped.map_or(0, |index| index.0));
        }
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self> {
        let mut holds = BTreeMap::new();
        for _ in 0..input.len(73)? {
            let name = input.str()?;
            let hold = Hold {
                epoch: Epoch(input.u64()?),
                streams: (0..input.len(4)?).map(|_| input.u32().map(StreamId)).collect::<Result<_>>()?,
                since: decode_position(input)?,
                upto: decode_position(input)?,
                all: (0..input.len(12)?).map(|_| decode_position(input)).collect::<Result<_>>()?,
                lengths: (0..input.len(12)?)
                    .map(|_| Ok((StreamId(input.u32()?), input.u64()?)))
                    .collect::<Result<_>>()?,
                stopped: match (input.bool()?, input.u64()?) {
                    (true, index) => Some(LogIndex(index)),
                    (false, _) => None,
                },
            };
            if !hold.streams.is_sorted() || holds.insert(name, hold).is_some() {
                return Err(DecodeError("the sinks of a definition are not in order".into()));
            }
        }
        Ok(Holds(holds))
    }
}

fn encode_position(position: OutputPosition, out: &mut Writer) {
    out.u64(position.index.0);
    out.u32(position.ordinal);
}

fn decode_position(input: &mut Reader<'_>) -> Result<OutputPosition> {
    Ok(OutputPosition { index: LogIndex(input.u64()?), ordinal: input.u32()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sinks_wait_for_is_kept_until_they_have_it() {
        let mut holds = Holds::default();
        let (a, b) = (StreamId(3), StreamId(4));
        holds.begin("app", Epoch(7), vec![a], LogIndex(10));
        assert_eq!((holds.needed(a), holds.needed(b)), (Some(before(LogIndex(10))), None));
        let upto = OutputPosition { index: LogIndex(12), ordinal: 5 };
        let mut marker =
            Marker { name: "app".into(), epoch: Epoch(6), upto, all: vec![upto], lengths: vec![(a, 77)] };
        holds.mark(&marker);
        assert_eq!(
            holds.needed(a),
            Some(before(LogIndex(10))),
            "a marker of another activation says nothing"
        );
        marker.epoch = Epoch(7);
        holds.mark(&marker);
        assert_eq!(holds.needed(a), Some(upto));
        let mut out = Writer::default();
        holds.encode(&mut out);
        let again = Holds::decode(&mut Reader::new(&out.bytes)).unwrap();
        assert_eq!((again.get("app"), again.0.len()), (holds.get("app"), 1));
        holds.stop("app", LogIndex(20));
        assert_eq!(holds.needed(a), None);
        holds.begin("app", Epoch(8), vec![b], LogIndex(21));
        assert_eq!((holds.needed(a), holds.needed(b)), (None, Some(before(LogIndex(21)))));
    }
}
