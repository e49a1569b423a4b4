"""The life of a connection: Hello, Welcome, Heartbeat, Goodbye, Error, Cancel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ceptra.generated import wire as g
from ceptra.wire.codes import AuthMethod, Kind
from ceptra.wire.flat import Builder, Malformed, list_bytes, text_of
from ceptra.wire.values import NO_FAILURE, Failure, Versions, Window


@dataclass(frozen=True)
class Hello:
    """Opens a connection."""

    KIND: ClassVar[Kind] = Kind.HELLO
    versions: Versions
    features: int
    client: str = ""
    cluster: str = ""
    auth: int = AuthMethod.NONE
    credentials: bytes = field(default=b"", repr=False)
    message_bytes_max: int = 0

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Hello:
        """Of the FlatBuffers part."""
        table = g.Hello.GetRootAs(meta)
        versions = table.Versions()
        if versions is None:
            raise Malformed("no versions")
        return Hello(
            versions=Versions(versions.Min(), versions.Max()),
            features=table.Features(),
            client=text_of(table.Client()),
            cluster=text_of(table.Cluster()),
            auth=table.Auth(),
            credentials=list_bytes(table, 5, 1),
            message_bytes_max=table.MessageBytesMax(),
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        client, cluster = builder.CreateString(self.client), builder.CreateString(self.cluster)
        credentials = builder.CreateByteVector(self.credentials) if self.credentials else 0
        g.HelloStart(builder)
        g.HelloAddFeatures(builder, self.features)
        g.HelloAddMessageBytesMax(builder, self.message_bytes_max)
        g.HelloAddCredentials(builder, credentials)
        g.HelloAddCluster(builder, cluster)
        g.HelloAddClient(builder, client)
        g.HelloAddVersions(builder, self.versions.write(builder))
        g.HelloAddAuth(builder, self.auth)
        offset: int = g.HelloEnd(builder)
        return offset


@dataclass(frozen=True)
class Welcome:
    """Answers Hello."""

    KIND: ClassVar[Kind] = Kind.WELCOME
    version: int
    features: int
    server: str = ""
    cluster: str = ""
    node: int = 0
    shard: int = 0
    role: int = 0
    event_bytes_max: int = 0
    message_bytes_max: int = 0
    heartbeat_ms: int = 0
    retry_window_ms: int = 0
    credits: Window = field(default_factory=Window)
    routing_epoch: int = 0
    time_ns: int = 0

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Welcome:
        """Of the FlatBuffers part."""
        table = g.Welcome.GetRootAs(meta)
        return Welcome(
            version=table.Version(),
            features=table.Features(),
            server=text_of(table.Server()),
            cluster=text_of(table.Cluster()),
            node=table.Node(),
            shard=table.Shard(),
            role=table.Role(),
            event_bytes_max=table.EventBytesMax(),
            message_bytes_max=table.MessageBytesMax(),
            heartbeat_ms=table.HeartbeatMs(),
            retry_window_ms=table.RetryWindowMs(),
            credits=Window.read(table.Credits()),
            routing_epoch=table.RoutingEpoch(),
            time_ns=table.TimeNs(),
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        server, cluster = builder.CreateString(self.server), builder.CreateString(self.cluster)
        g.WelcomeStart(builder)
        g.WelcomeAddTimeNs(builder, self.time_ns)
        g.WelcomeAddRoutingEpoch(builder, self.routing_epoch)
        g.WelcomeAddFeatures(builder, self.features)
        g.WelcomeAddCredits(builder, self.credits.write(builder))
        g.WelcomeAddRetryWindowMs(builder, self.retry_window_ms)
        g.WelcomeAddHeartbeatMs(builder, self.heartbeat_ms)
        g.WelcomeAddMessageBytesMax(builder, self.message_bytes_max)
        g.WelcomeAddEventBytesMax(builder, self.event_bytes_max)
        g.WelcomeAddShard(builder, self.shard)
        g.WelcomeAddNode(builder, self.node)
        g.WelcomeAddCluster(builder, cluster)
        g.WelcomeAddServer(builder, server)
        g.WelcomeAddVersion(builder, self.version)
        g.WelcomeAddRole(builder, self.role)
        offset: int = g.WelcomeEnd(builder)
        return offset


@dataclass(frozen=True)
class Heartbeat:
    """Says that the connection is alive."""

    KIND: ClassVar[Kind] = Kind.HEARTBEAT
    reply: bool
    sent_ns: int

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Heartbeat:
        """Of the FlatBuffers part."""
        table = g.Heartbeat.GetRootAs(meta)
        return Heartbeat(reply=table.Reply(), sent_ns=table.SentNs())

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.HeartbeatStart(builder)
        g.HeartbeatAddSentNs(builder, self.sent_ns)
        g.HeartbeatAddReply(builder, self.reply)
        offset: int = g.HeartbeatEnd(builder)
        return offset


@dataclass(frozen=True)
class Goodbye:
    """Announces the end of the connection."""

    KIND: ClassVar[Kind] = Kind.GOODBYE
    failure: Failure = NO_FAILURE
    drain_ms: int = 0

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Goodbye:
        """Of the FlatBuffers part."""
        table = g.Goodbye.GetRootAs(meta)
        return Goodbye(Failure.maybe(table.Failure()) or NO_FAILURE, table.DrainMs())

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        failure = self.failure.write(builder)
        g.GoodbyeStart(builder)
        g.GoodbyeAddDrainMs(builder, self.drain_ms)
        g.GoodbyeAddFailure(builder, failure)
        offset: int = g.GoodbyeEnd(builder)
        return offset


@dataclass(frozen=True)
class Error:
    """Says that a request failed, or with request 0 the connection."""

    KIND: ClassVar[Kind] = Kind.ERROR
    failure: Failure

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Error:
        """Of the FlatBuffers part."""
        failure = Failure.maybe(g.Error.GetRootAs(meta).Failure())
        if failure is None:
            raise Malformed("no failure")
        if failure.is_ok:
            raise Malformed("an error without a status")
        return Error(failure)

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        failure = self.failure.write(builder)
        g.ErrorStart(builder)
        g.ErrorAddFailure(builder, failure)
        offset: int = g.ErrorEnd(builder)
        return offset


@dataclass(frozen=True)
class Cancel:
    """Ends the subscription or query with the request id of this message."""

    KIND: ClassVar[Kind] = Kind.CANCEL

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Cancel:
        """Of the FlatBuffers part."""
        table: Any = g.Cancel.GetRootAs(meta)
        table._tab.Offset(4)
        return Cancel()

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.CancelStart(builder)
        offset: int = g.CancelEnd(builder)
        return offset
