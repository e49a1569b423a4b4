//! The obvious log: maps of what every partition has, and the list of all that was appended.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use wal::{Lane, PartitionId, Record, Wal};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneState {
    pub entries: BTreeMap<u64, (u64, Bytes)>,
    pub purged: Option<(u64, u64)>,
}

impl LaneState {
    pub fn last(&self) -> Option<u64> {
        let purged = self.purged.map(|(_, index)| index);
        self.entries.keys().next_back().copied().or(purged)
    }
}

/// What a partition has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    pub lanes: BTreeMap<Lane, LaneState>,
    pub registers: BTreeMap<u16, Bytes>,
}

impl PartitionState {
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Entry { lane, term, index, payload } => {
                self.lanes.entry(*lane).or_default().entries.insert(*index, (*term, payload.clone()));
            }
            Record::Register { slot, value } => {
                self.registers.insert(slot.0, value.clone());
            }
            Record::Truncate { from } => {
                self.lanes.entry(Lane::RAFT).or_default().entries.retain(|index, _| index < from);
            }
            Record::Purge { lane, term, index } => {
                let lane = self.lanes.entry(*lane).or_default();
                lane.entries.retain(|at, _| at > index);
                if lane.purged.is_none_or(|(_, purged)| purged < *index) {
                    lane.purged = Some((*term, *index));
                }
            }
            Record::Remove => *self = Self::default(),
        }
        self.lanes.retain(|_, lane| *lane != LaneState::default());
    }
}

pub type Whole = BTreeMap<PartitionId, PartitionState>;

/// What was appended since the last start, over what was there then.
#[derive(Debug, Default)]
pub struct History {
    pub base: Whole,
    pub records: Vec<(PartitionId, Record)>,
    /// So many are acknowledged.
    pub acked: usize,
    /// So many are durable.
    pub synced: usize,
    /// With all of them applied.
    pub current: Whole,
    pub poisoned: bool,
}

impl History {
    pub fn append(&mut self, partition: PartitionId, records: &[Record]) {
        for record in records {
            self.records.push((partition, record.clone()));
            self.current.entry(partition).or_default().apply(record);
        }
    }

    /// Finds how many of the records are there: as many for every partition but the refused ones, at
    /// least `least`. Makes that the new base.
    pub fn settle(
        &mut self,
        found: &Whole,
        refused: &BTreeSet<PartitionId>,
        least: usize,
    ) -> Result<(), String> {
        let same = |state: &Whole| {
            let all: BTreeSet<PartitionId> = state.keys().chain(found.keys()).copied().collect();
            let empty = PartitionState::default();
            all.into_iter()
                .filter(|id| !refused.contains(id))
                .find(|id| state.get(id).unwrap_or(&empty) != found.get(id).unwrap_or(&empty))
        };
        let mut state = self.base.clone();
        let mut differs = None;
        for count in 0..=self.records.len() {
            if count >= least {
                match same(&state) {
                    None => {
                        refused.iter().for_each(|id| {
                            state.remove(id);
                        });
                        *self = Self { current: state.clone(), base: state, ..Self::default() };
                        return Ok(());
                    }
                    Some(id) => {
                        differs.get_or_insert_with(|| difference(id, state.get(&id), found.get(&id)));
                    }
                }
            }
            if let Some((partition, record)) = self.records.get(count) {
                state.entry(*partition).or_default().apply(record);
            }
        }
        Err(format!(
            "no prefix of at least {least} of {} records is what is there; {}",
            self.records.len(),
            differs.unwrap_or_default()
        ))
    }
}

fn difference(id: PartitionId, want: Option<&PartitionState>, got: Option<&PartitionState>) -> String {
    let (want, got) = (want.cloned().unwrap_or_default(), got.cloned().unwrap_or_default());
    let lanes: BTreeSet<Lane> = want.lanes.keys().chain(got.lanes.keys()).copied().collect();
    let mut text = format!("{id}:");
    for lane in lanes {
        let of = |state: &PartitionState| state.lanes.get(&lane).cloned().unwrap_or_default();
        let (want, got) = (of(&want), of(&got));
        let show = |lane: &LaneState| {
            format!("purged {:?} first {:?} last {:?}", lane.purged, lane.entries.keys().next(), lane.last())
        };
        let differ: Vec<&u64> =
            want.entries.keys().filter(|index| want.entries.get(index) != got.entries.get(index)).collect();
        if want != got {
            text += &format!(" {lane} want {}, got {}, differ at {differ:?}", show(&want), show(&got));
        }
    }
    if want.registers != got.registers {
        let numbers = |state: &PartitionState| -> Vec<(u16, u64)> {
            let number = |value: &Bytes| u64::from_le_bytes(value[..8].try_into().expect("8 bytes"));
            state.registers.iter().map(|(slot, value)| (*slot, number(value))).collect()
        };
        text += &format!(" registers want {:?}, got {:?}", numbers(&want), numbers(&got));
    }
    text
}

/// Everything the log has, read through its public surface. Damaged partitions are left out.
pub async fn read_all(wal: &Wal) -> Result<(Whole, BTreeSet<PartitionId>), String> {
    let (mut whole, mut refused) = (Whole::new(), BTreeSet::new());
    for partition in wal.partitions() {
        match read_partition(wal, partition).await {
            Ok(state) => {
                whole.insert(partition, state);
            }
            Err(wal::WalError::Damaged { .. }) => {
                refused.insert(partition);
            }
            Err(error) => return Err(format!("{partition}: {error}")),
        }
    }
    Ok((whole, refused))
}

async fn read_partition(wal: &Wal, partition: PartitionId) -> Result<PartitionState, wal::WalError> {
    wal.check(partition)?;
    let mut state = PartitionState::default();
    for (lane, bounds) in wal.lanes(partition) {
        let mut of_lane = LaneState { purged: bounds.purged, ..LaneState::default() };
        let mut from = bounds.purged.map_or(0, |(_, index)| index + 1);
        loop {
            let read = wal.read(partition, lane, from, u64::MAX, 5_000).await?;
            let Some(last) = read.last() else {
                break;
            };
            from = last.index + 1;
            of_lane.entries.extend(read.into_iter().map(|entry| (entry.index, (entry.term, entry.payload))));
        }
        if of_lane != LaneState::default() {
            state.lanes.insert(lane, of_lane);
        }
    }
    for slot in 0..4 {
        if let Some(value) = wal.register(partition, wal::Slot(slot)) {
            state.registers.insert(slot, value);
        }
    }
    Ok(state)
}
