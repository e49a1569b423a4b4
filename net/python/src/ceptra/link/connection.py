"""One connection: handshake, requests and their answers, heartbeats, the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ceptra.errors import (
    AuthError,
    CeptraError,
    ConnectionLost,
    ProtocolError,
    VersionError,
    error_of,
)
from ceptra.link.address import Address
from ceptra.link.credits import Gate
from ceptra.wire.append import Credits
from ceptra.wire.codec import Decoder, Envelope, Message, Unknown, encode
from ceptra.wire.codes import (
    FEATURES,
    HANDSHAKE_SECONDS_MAX,
    HEARTBEAT_MS_DEFAULT,
    MESSAGE_BYTES_MAX,
    PROTOCOL_VERSION,
    SILENCE_HEARTBEATS,
    AuthMethod,
    Feature,
    Status,
)
from ceptra.wire.routing import Routing
from ceptra.wire.session import Error, Goodbye, Heartbeat, Hello, Welcome
from ceptra.wire.values import Failure, Versions

READ_BYTES = 64 << 10
# Clocks that differ by more are told of; the server rejects rows from 5 s in the future on.
CLOCK_NS_MAX = 2_000_000_000

_LOG = logging.getLogger("ceptra")


@dataclass(frozen=True)
class Options:
    """What every connection of a client has in common."""

    client: str = ""
    cluster: str = ""
    tls: ssl.SSLContext | None = None
    token: bytes | None = field(default=None, repr=False)

    def hello(self) -> Hello:
        """The first message."""
        auth = AuthMethod.NONE if self.tls is None else AuthMethod.CERTIFICATE
        return Hello(
            versions=Versions(PROTOCOL_VERSION, PROTOCOL_VERSION),
            features=FEATURES,
            client=self.client,
            cluster=self.cluster,
            auth=auth if self.token is None else AuthMethod.TOKEN,
            credentials=self.token or b"",
            message_bytes_max=MESSAGE_BYTES_MAX,
        )


class Answers(Protocol):
    """Who asked."""

    def receive(self, message: Message) -> bool:
        """Takes an answer; returns whether it was the last. May raise ProtocolError."""
        ...

    def lost(self, error: CeptraError) -> None:
        """The connection ended before the last answer."""
        ...


class Connection:
    """Made by `connect`. `on_routing` hears of tables that were not asked for."""

    def __init__(
        self,
        address: Address,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_routing: Callable[[Routing], None],
    ) -> None:
        self.address = address
        self.welcome = Welcome(0, 0)
        self.error: CeptraError | None = None
        self.is_draining = False
        self._reader, self._writer = reader, writer
        self._on_routing = on_routing
        self._decoder = Decoder()
        self._answers: dict[int, Answers] = {}
        self._gates: dict[tuple[int, int], Gate] = {}
        self._last_request = 0
        self._loop = asyncio.get_running_loop()
        self._received_at = self._sent_at = self._loop.time()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def takes_requests(self) -> bool:
        """Whether new requests may be sent. A broken transport is told of only a moment later."""
        return self.error is None and not self.is_draining and not self._writer.is_closing()

    def has(self, feature: Feature) -> bool:
        """Whether the connection has these features."""
        return self.welcome.features & feature == feature

    def gate(self, space: int, partition: int) -> Gate:
        """The credit window of a partition."""
        gate = self._gates.get((space, partition))
        if gate is None:
            gate = Gate(self.welcome.credits, self._loop.time())
            self._gates[space, partition] = gate
        return gate

    def request(self, message: Message, answers: Answers) -> int:
        """Sends a request; its answers go to `answers`. Returns its id."""
        if self.error is not None:
            raise self.error
        self._last_request += 1
        self._answers[self._last_request] = answers
        self.send(self._last_request, message)
        return self._last_request

    def send(self, request: int, message: Message) -> None:
        """Sends a message of a request that is under way, or of none."""
        if self.error is None and not self._writer.is_closing():
            self._sent_at = self._loop.time()
            self._writer.write(encode(request, message))

    def forget(self, request: int) -> None:
        """Nobody waits for the answer any more."""
        self._answers.pop(request, None)

    def close(self, error: CeptraError, goodbye: Goodbye | None = None) -> None:
        """Ends the connection; who waits hears `error`."""
        if self.error is not None:
            return
        if goodbye is not None:
            self.send(0, goodbye)
        self.error = error
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        with contextlib.suppress(Exception):
            self._writer.close()
        waiting, self._answers = self._answers, {}
        for answers in waiting.values():
            answers.lost(error)
        for gate in self._gates.values():
            gate.tell()

    async def open(self, options: Options) -> None:
        """Shakes hands and starts the tasks of the connection."""
        self.send(1, options.hello())
        self._last_request = 1
        answer = await self._next()
        message = answer.message if isinstance(answer, Envelope) else None
        if isinstance(message, Error):
            raise error_of(message.failure)
        if isinstance(message, Goodbye):
            raise ConnectionLost(f"{self.address} is going away: {message.failure.text}")
        if not isinstance(message, Welcome):
            raise ProtocolError(f"{self.address} did not answer Hello with Welcome")
        if message.version != PROTOCOL_VERSION:
            text = f"{self.address} speaks version {message.version}: upgrade the older side"
            raise VersionError(Failure(Status.PERMANENT_VERSION, text))
        if options.cluster and message.cluster != options.cluster:
            text = f"{self.address} is of cluster {message.cluster!r}, not {options.cluster!r}"
            raise AuthError(Failure(Status.PERMANENT_AUTH, text))
        self.welcome = message
        self._compare_clocks(message.time_ns)
        self._decoder.establish(MESSAGE_BYTES_MAX)
        self._tasks = [
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._beat()),
        ]

    def _compare_clocks(self, theirs_ns: int) -> None:
        """Rows are judged by the server's clock: says so when this one is far off."""
        ahead_ns = time.time_ns() - theirs_ns
        if theirs_ns and abs(ahead_ns) > CLOCK_NS_MAX:
            text = "the clock of this host is %.1f s ahead of %s: set one of them"
            _LOG.warning(text, ahead_ns / 1e9, self.address)

    async def _next(self) -> Envelope | Unknown:
        while True:
            message = self._decoder.next()
            if message is not None:
                return message
            received = await self._reader.read(READ_BYTES)
            if not received:
                raise ConnectionLost(f"{self.address} closed the connection")
            self._received_at = self._loop.time()
            self._decoder.feed(received)

    async def _read(self) -> None:
        try:
            while self.error is None:
                message = await self._next()
                if isinstance(message, Unknown):
                    failure = Failure(Status.PERMANENT_UNSUPPORTED, f"no kind {message.kind} here")
                    self.send(message.request, Error(failure))
                else:
                    self._dispatch(message.request, message.message)
        except CeptraError as error:
            self.close(error)
        except OSError as error:
            self.close(ConnectionLost(f"{self.address}: {error}"))
        finally:
            self.close(ConnectionLost(f"{self.address}: nobody reads any more"))

    def _dispatch(self, request: int, message: Message) -> None:
        if isinstance(message, Heartbeat):
            if not message.reply:
                self.send(request, Heartbeat(True, message.sent_ns))
        elif isinstance(message, Credits):
            gate = self.gate(message.space, message.partition)
            gate.update(message.credits, self._loop.time())
        elif isinstance(message, Goodbye):
            self._drain(message)
        elif isinstance(message, Routing) and request == 0:
            self._on_routing(message)
        elif isinstance(message, Error) and request == 0:
            raise error_of(message.failure)
        elif request in self._answers and self._answers[request].receive(message):
            self._answers.pop(request, None)
            if self.is_draining and not self._answers:
                self.close(ConnectionLost(f"{self.address} went away"))

    def _drain(self, goodbye: Goodbye) -> None:
        self.is_draining = True
        error = ConnectionLost(f"{self.address} went away: {goodbye.failure.text or 'drained'}")
        if not self._answers:
            self.close(error)
        else:
            self._loop.call_later(goodbye.drain_ms / 1000, self.close, error)
        for gate in self._gates.values():
            gate.tell()

    async def _beat(self) -> None:
        every = (self.welcome.heartbeat_ms or HEARTBEAT_MS_DEFAULT) / 1000
        was_silent = False
        while self.error is None:
            await asyncio.sleep(every / 4)
            now = self._loop.time()
            is_silent = now - self._received_at > SILENCE_HEARTBEATS * every
            # Once may mean that this process was held up and has not read what is there.
            if is_silent and was_silent:
                self.close(ConnectionLost(f"{self.address} was silent for {3 * every:.1f} s"))
            was_silent = is_silent
            if now - self._sent_at >= every / 2:
                self._last_request += 1
                self.send(self._last_request, Heartbeat(False, time.time_ns()))


async def connect(
    address: Address, options: Options, on_routing: Callable[[Routing], None]
) -> Connection:
    """A connection that is open. Raises `ConnectionLost`, or what the server answered."""
    if options.token is not None and options.tls is None and not address.is_loopback:
        raise ValueError(f"a token is not sent to {address} without TLS: give `tls`")

    async def opened() -> Connection:
        reader, writer = await asyncio.open_connection(
            address.host,
            address.port,
            ssl=options.tls,
            server_hostname=None if options.tls is None else address.host,
        )
        connection = Connection(address, reader, writer, on_routing)
        try:
            await connection.open(options)
        except BaseException:
            writer.close()
            raise
        return connection

    try:
        return await asyncio.wait_for(opened(), HANDSHAKE_SECONDS_MAX)
    except asyncio.TimeoutError:
        raise ConnectionLost(f"{address} did not answer within 10 s") from None
    except CeptraError:
        raise
    except OSError as error:
        raise ConnectionLost(f"{address}: {error}") from error
