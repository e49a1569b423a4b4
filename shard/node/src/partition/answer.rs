//! What the machine answers to an entry of rows: the outcomes of its parts, as bytes.
//!
//! Count of parts; of each the count of its runs; of each run rows (u32) and outcome (u8). They never
//! leave the process.

use bytes::{BufMut, Bytes, BytesMut};
use cep_engine::replica::{Outcome, OutcomeRun, RejectReason};

const OUTCOMES: [Outcome; 8] = [
    Outcome::Applied,
    Outcome::Duplicate,
    Outcome::Rejected(RejectReason::Value),
    Outcome::Rejected(RejectReason::FutureTime),
    Outcome::Rejected(RejectReason::RetryExpired),
    Outcome::Rejected(RejectReason::SequenceGap),
    Outcome::Rejected(RejectReason::Full),
    Outcome::Rejected(RejectReason::NoReader),
];

/// The bytes.
pub(crate) fn encode(parts: &[Vec<OutcomeRun>]) -> Bytes {
    let mut out = BytesMut::with_capacity(4 + parts.len() * 9);
    out.put_u32_le(parts.len() as u32);
    for runs in parts {
        out.put_u32_le(runs.len() as u32);
        for run in runs {
            let code = OUTCOMES.iter().position(|outcome| *outcome == run.outcome);
            out.put_u32_le(run.rows);
            out.put_u8(code.expect("all outcomes are listed") as u8);
        }
    }
    out.freeze()
}

/// What [`encode`] wrote; empty for anything else.
pub(crate) fn decode(bytes: &[u8]) -> Vec<Vec<OutcomeRun>> {
    let mut at = bytes;
    read(&mut at).unwrap_or_default()
}

fn read(at: &mut &[u8]) -> Option<Vec<Vec<OutcomeRun>>> {
    let parts = number(at)?;
    let mut out = Vec::new();
    for _ in 0..parts {
        let mut runs = Vec::new();
        for _ in 0..number(at)? {
            let rows = number(at)?;
            let (&code, rest) = at.split_first()?;
            *at = rest;
            runs.push(OutcomeRun { rows, outcome: *OUTCOMES.get(usize::from(code))? });
        }
        out.push(runs);
    }
    Some(out)
}

fn number(at: &mut &[u8]) -> Option<u32> {
    let (head, rest) = at.split_first_chunk::<4>()?;
    *at = rest;
    Some(u32::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_out_as_they_went_in() {
        let parts: Vec<Vec<OutcomeRun>> =
            vec![OUTCOMES.iter().map(|&outcome| OutcomeRun { rows: 7, outcome }).collect(), vec![]];
        assert_eq!(decode(&encode(&parts)), parts);
        assert!(decode(b"abc").is_empty());
    }
}
