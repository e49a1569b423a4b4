//! Checkpoints with other bytes: an error or a state that can be written again, never a panic,
//! never a vast allocation. (A state with other numbers in it is a state: telling it from the true
//! one is the business of the checksums of those who keep checkpoints.)

use std::sync::Arc;

use crate::corpus::CORPUS;
use crate::feed::{Run, inputs};
use crate::harness::{Random, each};
use crate::rows::{Tells, lowered};

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.bits() as u8,
            2 => bytes.truncate(at),
            3 => bytes.extend_from_slice(&random.bits().to_le_bytes()),
            4 => drop(bytes.drain(at..(at + 8).min(bytes.len()))),
            _ => {
                let value = *random.pick(&[0, 1, 255, 1 << 20, 1 << 31, 1 << 40, i64::MAX as u64, u64::MAX]);
                let to = (at + 8).min(bytes.len());
                bytes[at..to].copy_from_slice(&value.to_le_bytes()[..to - at]);
            }
        }
    }
}

#[test]
fn damaged_checkpoints_are_refused_or_restored() {
    each(300, |random| {
        let text = CORPUS.statement(random);
        let Some(program) = lowered(text, random) else { return };
        let _tells = Tells(text);
        let program = Arc::new(program);
        let inputs = inputs(&program, random);
        let Ok(mut run) = Run::new(&program) else { return };
        run.feed(&inputs, usize::MAX, false);
        if run.is_too_long() {
            return;
        }
        let good = run.partition.checkpoint();
        for _ in 0..8 {
            let mut bytes = good.clone();
            damage(&mut bytes, random);
            let mut other = Run::new(&program).expect("built before");
            if other.partition.restore(&bytes).is_ok() {
                let again = other.partition.checkpoint();
                let mut third = Run::new(&program).expect("built before");
                third.partition.restore(&again).expect("its own checkpoint");
                assert_eq!(third.partition.checkpoint(), again, "a checkpoint of a restored state");
            }
        }
    });
}
