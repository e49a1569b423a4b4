"""The routing table, and one connection to each server that is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ceptra.errors import (
    CeptraError,
    ClosedError,
    ConnectionLost,
    PermanentError,
    ProtocolError,
    RetryError,
    UnknownStream,
    error_of,
)
from ceptra.link.address import Address
from ceptra.link.connection import Connection, Options, connect
from ceptra.wire.codec import Message
from ceptra.wire.codes import Status
from ceptra.wire.routing import GetRouting, Routing, Space, Stream, same_name
from ceptra.wire.session import Error, Goodbye
from ceptra.wire.values import Failure

ROUTING_SECONDS_MAX = 10.0
# Bounds of what a server may announce as its longest message.
MESSAGE_BYTES_MIN = 128 << 10
MESSAGE_BYTES_MAX = 64 << 20
# What large answers go over, so that acks do not wait behind them.
QUERIES = "queries"
ROWS = "rows"


class _OneAnswer:
    """A request with one answer."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def receive(self, message: Message) -> bool:
        if not self.future.done():
            self.future.set_result(message)
        return True

    def lost(self, error: CeptraError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Cluster:
    """Everything that a client knows about the servers."""

    def __init__(self, seeds: Sequence[Address], options: Options) -> None:
        self.routing = Routing()
        self.options = options
        self._seeds = list(seeds)
        self._connections: dict[tuple[Address, str], Connection] = {}
        self._connecting: dict[tuple[Address, str], asyncio.Task[Connection]] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._moved: dict[tuple[int, int], Address] = {}
        self._is_closed = False
        # The least that any server so far takes, and how long appends may be sent again.
        self.message_bytes_max = MESSAGE_BYTES_MAX
        self.retry_window_ms = 0

    async def connection(self, address: Address, purpose: str = ROWS) -> Connection:
        """The open connection to a server, made when there is none."""
        if self._is_closed:
            raise ClosedError("the client is closed")
        key = (address, purpose)
        known = self._connections.get(key)
        if known is not None and known.takes_requests:
            return known
        task = self._connecting.get(key)
        if task is None:
            task = asyncio.ensure_future(connect(address, self.options, self.adopt))
            self._connecting[key] = task
            task.add_done_callback(lambda done: self._connected(key, done))
        return await asyncio.shield(task)

    def _connected(self, key: tuple[Address, str], task: asyncio.Task[Connection]) -> None:
        self._connecting.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        if self._is_closed:
            task.result().close(ClosedError("the client is closed"), Goodbye())
        else:
            welcome = task.result().welcome
            self._connections[key] = task.result()
            self.retry_window_ms = welcome.retry_window_ms
            self.message_bytes_max = min(
                self.message_bytes_max, max(welcome.message_bytes_max, MESSAGE_BYTES_MIN)
            )

    async def any_connection(self, purpose: str = ROWS) -> Connection:
        """A connection to any server: one that is open, else to the first that can be reached."""
        for (_, kind), connection in self._connections.items():
            if kind == purpose and connection.takes_requests:
                return connection
        known = [Address.parse(endpoint.address) for endpoint in self.routing.endpoints]
        failures: list[CeptraError] = []
        for address in dict.fromkeys(self._seeds + known):
            try:
                return await self.connection(address, purpose)
            except CeptraError as error:
                failures.append(error)
        for failure in failures:
            if isinstance(failure, PermanentError | ClosedError | ProtocolError):
                raise failure
        raise ConnectionLost("; ".join(map(str, failures)))

    async def leader(self, space: int, partition: int, purpose: str = ROWS) -> Connection:
        """The connection to the server that leads a partition."""
        address = self._moved.get((space, partition)) or self._leader(space, partition)
        if address is None:
            await self.refresh()
            address = self._leader(space, partition)
        if address is None:
            text = f"partition {partition} has no leader now"
            raise RetryError(Failure(Status.TRANSIENT_RETRY, text))
        try:
            return await self.connection(address, purpose)
        except ConnectionLost:
            self._moved.pop((space, partition), None)
            raise

    def _leader(self, space: int, partition: int) -> Address | None:
        leaders = self.space(space).leaders
        at = leaders[partition] if partition < len(leaders) else None
        return None if at is None else Address.parse(self.routing.endpoints[at].address)

    def space(self, number: int) -> Space:
        """The space with that id."""
        for space in self.routing.spaces:
            if space.id == number:
                return space
        raise UnknownStream(f"there is no space {number} any more")

    def find(self, name: str) -> Stream | None:
        """The stream of that name; an exact match first, else without regard to ASCII case."""
        streams = self.routing.streams
        for stream in streams:
            if stream.name == name:
                return stream
        return next((one for one in streams if same_name(one.name, name)), None)

    async def stream(self, name: str) -> Stream:
        """The stream of that name, after another look at the table when it is not known."""
        found = self.find(name)
        if found is None:
            await self.refresh()
            found = self.find(name)
        if found is None:
            known = ", ".join(stream.name for stream in self.routing.streams) or "none"
            raise UnknownStream(f"no stream {name!r}; there is {known}")
        return found

    def adopt(self, routing: Routing) -> None:
        """Takes over a table that is newer, or the first one."""
        if routing.epoch > self.routing.epoch or not self.routing.spaces:
            self.routing = routing
            self._moved.clear()

    def moved(self, space: int, partition: int, redirect: str) -> None:
        """A server said where a partition is now; holds until the next table."""
        try:
            self._moved[space, partition] = Address.parse(redirect)
        except ValueError:
            self._moved.pop((space, partition), None)

    async def refresh(self) -> None:
        """Fetches the table from any server; who comes while this is under way shares it."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.ensure_future(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        connection = await self.any_connection()
        answer = _OneAnswer()
        request = connection.request(GetRouting(self.routing.epoch), answer)
        try:
            message = await asyncio.wait_for(answer.future, ROUTING_SECONDS_MAX)
        except asyncio.TimeoutError:
            connection.forget(request)
            error = ConnectionLost(f"{connection.address} gave no routing table within 10 s")
            connection.close(error)
            raise error from None
        if isinstance(message, Error):
            raise error_of(message.failure)
        if not isinstance(message, Routing):
            error = ProtocolError(f"{connection.address} answered GetRouting with something else")
            connection.close(error)
            raise error
        self.adopt(message)

    def close(self) -> None:
        """Says goodbye on all connections."""
        self._is_closed = True
        for connection in self._connections.values():
            connection.close(ClosedError("the client is closed"), Goodbye())
        self._connections.clear()
        for task in (*self._connecting.values(), self._refreshing):
            if task is not None:
                task.cancel()
