"""Where everything is: GetRouting, Routing."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ceptra.generated import wire as g
from ceptra.wire.codes import NOTHING, Changelog, Kind
from ceptra.wire.columns import Column, read_columns, write_columns
from ceptra.wire.flat import (
    Builder,
    Malformed,
    count_of,
    list_bytes,
    offset_list,
    struct_list,
    text_of,
)


@dataclass(frozen=True)
class GetRouting:
    """Asks for the routing table; `known_epoch` is that of the one the client has, or 0."""

    KIND: ClassVar[Kind] = Kind.GET_ROUTING
    known_epoch: int = 0

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> GetRouting:
        """Of the FlatBuffers part."""
        return GetRouting(g.GetRouting.GetRootAs(meta).KnownEpoch())

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.GetRoutingStart(builder)
        g.GetRoutingAddKnownEpoch(builder, self.known_epoch)
        offset: int = g.GetRoutingEnd(builder)
        return offset


@dataclass(frozen=True)
class Endpoint:
    """A server, by the port of one shard."""

    address: str
    node: int = 0
    shard: int = 0

    def write(self, builder: Builder) -> int:
        """Writes the table."""
        address = builder.CreateString(self.address)
        g.EndpointStart(builder)
        g.EndpointAddShard(builder, self.shard)
        g.EndpointAddNode(builder, self.node)
        g.EndpointAddAddress(builder, address)
        offset: int = g.EndpointEnd(builder)
        return offset


@dataclass(frozen=True)
class Space:
    """A partition space. `leaders` has one endpoint a partition, by its number; None for none."""

    id: int
    name: str
    seed: int
    leaders: tuple[int | None, ...]

    @staticmethod
    def read(table: Any) -> Space:
        """Of a table that is there."""
        seed = table.Seed()
        leaders = (number for (number,) in struct.iter_unpack("<I", list_bytes(table, 3, 4)))
        return Space(
            id=table.Id(),
            name=text_of(table.Name()),
            seed=0 if seed is None else seed.Low() | seed.High() << 64,
            leaders=tuple(None if number == NOTHING else number for number in leaders),
        )

    def write(self, builder: Builder) -> int:
        """Writes the table."""
        name = builder.CreateString(self.name)
        numbers = [NOTHING if leader is None else leader for leader in self.leaders]
        leaders = struct_list(builder, 4, 4, struct.pack(f"<{len(numbers)}I", *numbers))
        g.SpaceStart(builder)
        g.SpaceAddLeaders(builder, leaders)
        g.SpaceAddSeed(builder, g.CreateId128(builder, self.seed & (1 << 64) - 1, self.seed >> 64))
        g.SpaceAddName(builder, name)
        g.SpaceAddId(builder, self.id)
        offset: int = g.SpaceEnd(builder)
        return offset


@dataclass(frozen=True)
class Stream:
    """A stream, as the routing table has it."""

    id: int
    name: str
    space: int
    schema_version: int
    columns: tuple[Column, ...]
    key: tuple[int, ...] = ()
    event_time: int | None = None
    changelog: Changelog = Changelog.APPEND
    can_append: bool = False
    can_subscribe: bool = False

    @staticmethod
    def read(table: Any) -> Stream:
        """Of a table that is there."""
        key = tuple(number for (number,) in struct.iter_unpack("<I", list_bytes(table, 5, 4)))
        columns = read_columns(table, table.ColumnsLength())
        event_time = None if table.EventTime() == NOTHING else table.EventTime()
        name = text_of(table.Name())
        known = {column.id for column in columns}
        if not known.issuperset(key) or event_time not in known | {None}:
            raise Malformed(f"stream {name} names a column that it does not have")
        return Stream(
            id=table.Id(),
            name=name,
            space=table.Space(),
            schema_version=table.SchemaVersion(),
            columns=columns,
            key=key,
            event_time=event_time,
            changelog=changelog_of(table.Changelog()),
            can_append=table.CanAppend(),
            can_subscribe=table.CanSubscribe(),
        )

    def write(self, builder: Builder) -> int:
        """Writes the table."""
        name = builder.CreateString(self.name)
        columns = write_columns(builder, self.columns)
        key = struct_list(builder, 4, 4, struct.pack(f"<{len(self.key)}I", *self.key))
        g.StreamStart(builder)
        g.StreamAddEventTime(builder, NOTHING if self.event_time is None else self.event_time)
        g.StreamAddKey(builder, key)
        g.StreamAddColumns(builder, columns)
        g.StreamAddSchemaVersion(builder, self.schema_version)
        g.StreamAddSpace(builder, self.space)
        g.StreamAddName(builder, name)
        g.StreamAddId(builder, self.id)
        g.StreamAddCanSubscribe(builder, self.can_subscribe)
        g.StreamAddCanAppend(builder, self.can_append)
        g.StreamAddChangelog(builder, self.changelog)
        offset: int = g.StreamEnd(builder)
        return offset


def same_name(one: str, other: str) -> bool:
    """Whether two names differ at most in ASCII case."""
    return one.encode().lower() == other.encode().lower()


def changelog_of(number: int) -> Changelog:
    """The changelog with that number."""
    try:
        return Changelog(number)
    except ValueError:
        raise Malformed(f"unknown changelog {number}") from None


@dataclass(frozen=True)
class Routing:
    """What a client must know to reach every partition."""

    KIND: ClassVar[Kind] = Kind.ROUTING
    epoch: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    spaces: tuple[Space, ...] = ()
    streams: tuple[Stream, ...] = ()

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Routing:
        """Of the FlatBuffers part."""
        table = g.Routing.GetRootAs(meta)
        endpoints = tuple(
            Endpoint(text_of(one.Address()), one.Node(), one.Shard())
            for one in map(table.Endpoints, count_of(table, table.EndpointsLength()))
        )
        spaces = tuple(Space.read(table.Spaces(at)) for at in count_of(table, table.SpacesLength()))
        streams = tuple(
            Stream.read(table.Streams(at)) for at in count_of(table, table.StreamsLength())
        )
        for space in spaces:
            if not space.leaders:
                raise Malformed(f"space {space.name} has no partitions")
            if any(leader is not None and leader >= len(endpoints) for leader in space.leaders):
                raise Malformed(f"space {space.name} names an endpoint that is not there")
        known = {space.id for space in spaces}
        for stream in streams:
            if stream.space not in known:
                raise Malformed(f"stream {stream.name} is in no space")
        return Routing(table.Epoch(), endpoints, spaces, streams)

    def write(self, builder: Builder) -> int:
        """Writes the root table."""

        def listed(items: Sequence[Endpoint | Space | Stream]) -> int:
            return offset_list(builder, [one.write(builder) for one in items], keep_empty=True)

        endpoints = listed(self.endpoints)
        spaces = listed(self.spaces)
        streams = listed(self.streams)
        g.RoutingStart(builder)
        g.RoutingAddEpoch(builder, self.epoch)
        g.RoutingAddStreams(builder, streams)
        g.RoutingAddSpaces(builder, spaces)
        g.RoutingAddEndpoints(builder, endpoints)
        offset: int = g.RoutingEnd(builder)
        return offset
