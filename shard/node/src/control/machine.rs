//! The state machine of the control group, driven by its log.

use bytes::{BufMut, Bytes, BytesMut};
use cep_types::{LogIndex, StampNs};
use raft::{Entry, LogPosition, StateMachine, Step};
use shard_control::{Command, Control, Outcome};

/// The entry of a command at this time.
pub(crate) fn entry_of(stamp: StampNs, command: &Command) -> Bytes {
    let command = command.encode();
    let mut out = BytesMut::with_capacity(8 + command.len() + 16);
    out.put_i64_le(stamp.0);
    out.put_slice(&command);
    out.freeze()
}

/// The outcome in an answer.
pub(crate) fn outcome_of(answer: &[u8]) -> Result<Outcome, String> {
    serde_json::from_slice(answer).map_err(|error| error.to_string())
}

/// The state machine.
#[derive(Default)]
pub(crate) struct ControlMachine {
    pub(crate) control: Control,
    installing: Vec<u8>,
    /// A checkpoint that is being written.
    view: Bytes,
}

impl StateMachine for ControlMachine {
    fn apply(&mut self, entry: &Entry) -> Step {
        let index = LogIndex(entry.position.index.0);
        let read = entry
            .payload
            .split_first_chunk::<8>()
            .map(|(stamp, command)| (StampNs(i64::from_le_bytes(*stamp)), Command::decode(command)));
        let Some((stamp, Ok(command))) = read else {
            panic!("the control group's {} is no command", entry.position)
        };
        let applied = self.control.apply(index, stamp, &command);
        Step::Done(serde_json::to_vec(&applied.outcome).expect("outcomes are plain values").into())
    }

    /// What the control group decides on is small: it is written at once.
    fn checkpoint_begin(&mut self) {
        self.view = self.control.snapshot().into();
    }

    fn checkpoint_next(&mut self, bytes: usize, out: &mut Vec<u8>) -> Result<bool, String> {
        let some = self.view.split_to(bytes.min(self.view.len()));
        out.extend_from_slice(&some);
        Ok(!some.is_empty())
    }

    fn checkpoint_end(&mut self) {
        self.view = Bytes::new();
    }

    fn install_begin(&mut self, _: usize) {
        self.installing.clear();
    }

    fn install_chunk(&mut self, chunk: Bytes) -> Result<(), String> {
        self.installing.extend_from_slice(&chunk);
        Ok(())
    }

    fn install_end(&mut self, last: Option<LogPosition>) -> Result<(), String> {
        let bytes = std::mem::take(&mut self.installing);
        if bytes.is_empty() && last.is_none() {
            self.control = Control::new();
            return Ok(());
        }
        self.control = Control::restore(&bytes).map_err(|error| error.to_string())?;
        Ok(())
    }
}
