//! Where everything is: GetRouting, Routing.

use std::num::NonZeroU32;

use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::hash::{KeyForm, SpaceSeed};
use cep_types::{Epoch, PartitionId, SpaceId, StreamId};
use flatbuffers::WIPOffset;

use super::append::id128;
use super::{Body, Changelog, Column, columns};
use crate::encoder::Builder;
use crate::generated as wire;
use crate::limits::TABLES_MANY_MAX;

/// In numbers that name something, nothing.
const NOTHING: u32 = u32::MAX;

/// Asks for the routing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetRouting {
    /// The table that the client has; when it is the newest, the answer says no more than that.
    pub known: Option<Epoch>,
}

impl<'a> Body<'a> for GetRouting {
    type Table = wire::GetRouting<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(GetRouting { known: Some(Epoch(table.known_epoch())).filter(|epoch| epoch.0 != 0) })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let known_epoch = self.known.unwrap_or_default().0;
        let root = wire::GetRouting::create(builder, &wire::GetRoutingArgs { known_epoch });
        builder.finish_minimal(root);
    }
}

/// A server, by the port of one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// host:port; an IPv6 host is in brackets. The host is the name in its certificate.
    pub address: String,
    /// Number of the node.
    pub node: u32,
    /// Number of the shard on it.
    pub shard: u32,
}

/// A partition space (R-PART-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its number.
    pub id: SpaceId,
    /// Its name.
    pub name: String,
    /// Key of the hash that assigns keys to partitions.
    pub seed: SpaceSeed,
    /// For each partition, the endpoint that leads it, as an index of [`Routing::endpoints`].
    pub leaders: Vec<Option<u32>>,
}

impl Space {
    /// The partition that owns a key.
    ///
    /// # Panics
    /// When the space has no partitions, which no space that was sent has.
    pub fn partition_of(&self, key: &KeyForm) -> PartitionId {
        let count = u32::try_from(self.leaders.len()).ok().and_then(NonZeroU32::new);
        PartitionId(self.seed.partition(key.bytes(), count.expect("a space has partitions")))
    }
}

/// A stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its number, as in frames.
    pub id: StreamId,
    /// Its name.
    pub name: String,
    /// Its space.
    pub space: SpaceId,
    /// Version of its schema.
    pub schema_version: SchemaVersion,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The columns of `partition.by`, in their order; empty for a stream that is not keyed.
    pub key: Vec<ColumnId>,
    /// The column with the event time.
    pub event_time: Option<ColumnId>,
    /// How its rows relate.
    pub changelog: Changelog,
    /// Whether clients may append to it.
    pub can_append: bool,
    /// Whether clients may subscribe to it.
    pub can_subscribe: bool,
}

/// What a client must know to reach every partition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Routing {
    /// Its version.
    pub epoch: Epoch,
    /// All servers.
    pub endpoints: Vec<Endpoint>,
    /// All spaces.
    pub spaces: Vec<Space>,
    /// All streams.
    pub streams: Vec<Stream>,
}

impl Routing {
    /// The stream of that name; names match as SQL identifiers do, whatever their case.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        let exact = self.streams.iter().find(|stream| stream.name == name);
        exact.or_else(|| self.streams.iter().find(|stream| stream.name.eq_ignore_ascii_case(name)))
    }

    /// The space with that number.
    pub fn space(&self, id: SpaceId) -> Option<&Space> {
        self.spaces.iter().find(|space| space.id == id)
    }

    /// Who leads a partition now; `None` for an unknown one and while nobody does.
    pub fn leader(&self, space: SpaceId, partition: PartitionId) -> Option<&Endpoint> {
        let leader = self.space(space)?.leaders.get(partition.0 as usize)?;
        self.endpoints.get((*leader)? as usize)
    }
}

impl<'a> Body<'a> for Routing {
    type Table = wire::Routing<'a>;
    const TABLES: usize = TABLES_MANY_MAX;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        let endpoints = table.endpoints().unwrap_or_default().iter().map(|endpoint| Endpoint {
            address: endpoint.address().unwrap_or_default().to_owned(),
            node: endpoint.node(),
            shard: endpoint.shard(),
        });
        Ok(Routing {
            epoch: Epoch(table.epoch()),
            endpoints: endpoints.collect(),
            spaces: table.spaces().unwrap_or_default().iter().map(read_space).collect(),
            streams: table.streams().unwrap_or_default().iter().map(read_stream).collect::<Result<_, _>>()?,
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let endpoints: Vec<_> = self
            .endpoints
            .iter()
            .map(|endpoint| {
                let address = Some(builder.create_string(&endpoint.address));
                let args = wire::EndpointArgs { address, node: endpoint.node, shard: endpoint.shard };
                wire::Endpoint::create(builder, &args)
            })
            .collect();
        let endpoints = Some(builder.create_vector(&endpoints));
        let spaces: Vec<_> = self.spaces.iter().map(|space| write_space(space, builder)).collect();
        let spaces = Some(builder.create_vector(&spaces));
        let streams: Vec<_> = self.streams.iter().map(|stream| write_stream(stream, builder)).collect();
        let streams = Some(builder.create_vector(&streams));
        let args = wire::RoutingArgs { epoch: self.epoch.0, endpoints, spaces, streams };
        let root = wire::Routing::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn check(&self) -> Result<(), String> {
        for Space { name, leaders, .. } in &self.spaces {
            if leaders.is_empty() {
                return Err(format!("space {name} has no partitions"));
            }
            let known = |leader: &Option<u32>| leader.is_none_or(|at| (at as usize) < self.endpoints.len());
            if !leaders.iter().all(known) {
                return Err(format!("space {name} names an endpoint that is not there"));
            }
        }
        for stream in &self.streams {
            let Stream { name, columns, key, event_time, .. } = stream;
            if self.space(stream.space).is_none() {
                return Err(format!("stream {name} is in no space"));
            }
            let known = |id: &ColumnId| columns.iter().any(|column| column.id == *id);
            if !key.iter().chain(event_time).all(known) {
                return Err(format!("stream {name} names a column that it does not have"));
            }
            columns::check(columns)?;
        }
        Ok(())
    }
}

fn read_space(space: wire::Space<'_>) -> Space {
    let leaders = space.leaders().unwrap_or_default();
    let seed = space.seed().map_or(0, |seed| u128::from(seed.low()) | u128::from(seed.high()) << 64);
    Space {
        id: SpaceId(space.id()),
        name: space.name().unwrap_or_default().to_owned(),
        seed: SpaceSeed(seed),
        leaders: leaders.iter().map(|leader| (leader != NOTHING).then_some(leader)).collect(),
    }
}

fn write_space<'b>(space: &Space, builder: &mut Builder<'b>) -> WIPOffset<wire::Space<'b>> {
    let name = builder.create_string(&space.name);
    let leaders = space.leaders.iter().map(|leader| leader.unwrap_or(NOTHING));
    let leaders = builder.create_vector_from_iter(leaders);
    let args = wire::SpaceArgs {
        id: space.id.0,
        name: Some(name),
        seed: Some(&id128(space.seed.0)),
        leaders: Some(leaders),
    };
    wire::Space::create(builder, &args)
}

fn read_stream(stream: wire::Stream<'_>) -> Result<Stream, String> {
    Ok(Stream {
        id: StreamId(stream.id()),
        name: stream.name().unwrap_or_default().to_owned(),
        space: SpaceId(stream.space()),
        schema_version: SchemaVersion(stream.schema_version()),
        columns: columns::read(stream.columns())?,
        key: stream.key().unwrap_or_default().iter().map(ColumnId).collect(),
        event_time: Some(ColumnId(stream.event_time())).filter(|id| id.0 != NOTHING),
        changelog: Changelog::from_wire(stream.changelog())?,
        can_append: stream.can_append(),
        can_subscribe: stream.can_subscribe(),
    })
}

fn write_stream<'b>(stream: &Stream, builder: &mut Builder<'b>) -> WIPOffset<wire::Stream<'b>> {
    let name = Some(builder.create_string(&stream.name));
    let columns = columns::write(&stream.columns, builder);
    let key = (!stream.key.is_empty())
        .then(|| builder.create_vector_from_iter(stream.key.iter().map(|column| column.0)));
    let args = wire::StreamArgs {
        id: stream.id.0,
        name,
        space: stream.space.0,
        schema_version: stream.schema_version.0,
        columns,
        key,
        event_time: stream.event_time.map_or(NOTHING, |column| column.0),
        changelog: stream.changelog.wire(),
        can_append: stream.can_append,
        can_subscribe: stream.can_subscribe,
    };
    wire::Stream::create(builder, &args)
}
