//! Streams and partitions as a door sees them: the routing table, made ready for use.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_types::frame::{ReadColumn, ReadSchema};
use cep_types::hash::KeyForm;
use cep_types::{Epoch, PartitionId, SpaceId, StreamId};
use net_wire::{Routing, Space, Stream};
use shard_control::PartitionRef;

/// A stream, with what its rows are read by.
#[derive(Debug)]
pub(crate) struct StreamView {
    pub(crate) stream: Stream,
    pub(crate) schema: ReadSchema,
    /// Places of the key's columns.
    key: Vec<usize>,
}

/// The routing table.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) routing: Arc<Routing>,
    streams: BTreeMap<StreamId, StreamView>,
}

impl View {
    pub(crate) fn new(routing: Arc<Routing>) -> Self {
        let streams = routing.streams.iter().filter_map(|stream| {
            let columns = stream.columns.iter().map(|column| ReadColumn {
                id: column.id,
                field: Arc::new(column.field.clone()),
                default: None,
            });
            let schema = ReadSchema::new(columns.collect()).ok()?;
            let place = |id| stream.columns.iter().position(|column| column.id == id);
            let key = stream.key.iter().map(|&id| place(id)).collect::<Option<_>>()?;
            Some((stream.id, StreamView { stream: stream.clone(), schema, key }))
        });
        View { streams: streams.collect(), routing: Arc::clone(&routing) }
    }

    /// Whether no table has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.routing.spaces.is_empty()
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.routing.epoch
    }

    pub(crate) fn stream(&self, id: StreamId) -> Option<&StreamView> {
        self.streams.get(&id)
    }

    pub(crate) fn space(&self, id: SpaceId) -> Option<&Space> {
        self.routing.space(id)
    }

    /// Where a partition is; `None` if it is nowhere.
    pub(crate) fn address(&self, partition: PartitionRef) -> Option<&str> {
        let leader = self.routing.leader(partition.space, partition.partition);
        leader.map(|endpoint| endpoint.address.as_str())
    }

    /// The first row whose key belongs to another partition than `partition`, and to which.
    pub(crate) fn misplaced(
        &self,
        stream: &StreamView,
        rows: &RecordBatch,
        partition: PartitionId,
    ) -> Option<(usize, PartitionId)> {
        let space = self.space(stream.stream.space)?;
        let count = u32::try_from(space.leaders.len()).ok().and_then(NonZeroU32::new)?;
        if stream.key.is_empty() || count.get() == 1 {
            return None;
        }
        let columns: Vec<_> = stream.key.iter().map(|&at| rows.column(at).as_ref()).collect();
        let mut form = KeyForm::default();
        (0..rows.num_rows()).find_map(|row| {
            form.clear();
            columns.iter().try_for_each(|column| form.push_cell(*column, row)).ok()?;
            let owner = PartitionId(space.seed.partition(form.bytes(), count));
            (owner != partition).then_some((row, owner))
        })
    }
}
