"""One server: a thread a connection, answers by the model unless the script says otherwise."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ceptra.frame import open_frame
from ceptra.wire.append import Ack, Append, Credits
from ceptra.wire.codec import Decoder, Envelope, Message, encode
from ceptra.wire.codes import CLIENT_SENDS, FEATURES, Kind, Status
from ceptra.wire.query import Query, QueryEnd
from ceptra.wire.routing import GetRouting
from ceptra.wire.session import Cancel, Heartbeat, Hello, Welcome
from ceptra.wire.subscribe import Allow, Subscribe
from ceptra.wire.values import Failure, Window
from fake.feeder import Feeder
from fake.model import Model

# What is done with a message instead of the default.
Action: TypeAlias = "Callable[[Peer, int, Message], None]"


class Peer:
    """One accepted connection."""

    def __init__(self, server: FakeServer, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.feeders: dict[int, Feeder] = {}
        self.under_way: dict[int, tuple[int, Window]] = {}
        self.windows: dict[int, Window] = {}
        self._lock = threading.RLock()

    def send(self, request: int, message: Message) -> None:
        """Sends a message."""
        self.raw(encode(request, message))

    def raw(self, content: bytes) -> None:
        """Sends bytes."""
        with self._lock, contextlib.suppress(OSError):
            self.sock.sendall(content)

    def drop(self) -> None:
        """Closes the connection at once."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def ack(self, request: int, append: Append, ack: Ack) -> None:
        """Answers an append."""
        self.under_way.pop(request, None)
        self.windows[append.partition] = ack.credits
        self.send(request, ack)

    def serve(self) -> None:
        """Until the client goes."""
        decoder = Decoder(CLIENT_SENDS)
        try:
            while True:
                got = decoder.next()
                if got is None:
                    received = self.sock.recv(1 << 16)
                    if not received:
                        return
                    decoder.feed(received)
                elif isinstance(got, Envelope):
                    if isinstance(got.message, Hello):
                        decoder.establish(64 << 20)
                    self.server.handle(self, got.request, got.message)
        except OSError:
            return
        finally:
            for feeder in self.feeders.values():
                feeder.close()
            self.sock.close()


class FakeServer:
    """Listens on a port of its own; use as a context manager."""

    def __init__(
        self,
        model: Model | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        heartbeat_ms: int = 1_000,
        features: int = FEATURES,
        message_bytes_max: int = 4 << 20,
    ) -> None:
        self.model = model or Model()
        self.heartbeat_ms, self.features = heartbeat_ms, features
        self.message_bytes_max = message_bytes_max
        self.hellos: list[Hello] = []
        self.seen: list[tuple[int, Message]] = []
        self.appends: list[Append] = []
        self.violations: list[str] = []
        self.peers: list[Peer] = []
        self.answer_query: Callable[[Peer, int, Query], None] = _no_table
        self._script: dict[Kind, deque[Action]] = {}
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        with self.model.lock:
            self.model.endpoints += (self.address,)
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, kind: Kind, *actions: Action) -> None:
        """The next messages of a kind are handled by these, one each."""
        with self.model.lock:
            self._script.setdefault(kind, deque()).extend(actions)

    def seen_of(self, kind: Kind) -> list[Message]:
        """Messages of a kind that came, in order."""
        with self.model.lock:
            return [message for _, message in self.seen if kind == message.KIND]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(self, sock)
        self.peers.append(peer)
        peer.serve()

    def handle(self, peer: Peer, request: int, message: Message) -> None:
        """One message, by the script or by the model."""
        with self.model.lock:
            self.seen.append((request, message))
            script = self._script.get(message.KIND)
            action = script.popleft() if script else None
            if isinstance(message, Append):
                self.appends.append(message)
                self._check_window(peer, request, message)
        if action is not None:
            action(peer, request, message)
        else:
            self.default(peer, request, message)

    def default(self, peer: Peer, request: int, message: Message) -> None:
        """As a server should."""
        if isinstance(message, Hello):
            self.hellos.append(message)
            peer.send(request, self.welcome())
        elif isinstance(message, Heartbeat):
            if not message.reply:
                peer.send(request, Heartbeat(True, message.sent_ns))
        elif isinstance(message, GetRouting):
            peer.send(request, self.model.routing())
        elif isinstance(message, Append):
            peer.ack(request, message, self.model.apply(message))
        elif isinstance(message, Subscribe):
            peer.feeders[request] = Feeder(self.model, peer, request, message)
        elif isinstance(message, Allow):
            if request in peer.feeders:
                peer.feeders[request].allow(message.allowed)
        elif isinstance(message, Cancel):
            if request in peer.feeders:
                peer.feeders[request].close()
        elif isinstance(message, Query):
            self.answer_query(peer, request, message)

    def welcome(self) -> Welcome:
        """The answer to Hello."""
        return Welcome(
            version=1,
            features=self.features,
            server="fake",
            cluster="plant",
            event_bytes_max=1 << 20,
            message_bytes_max=self.message_bytes_max,
            heartbeat_ms=self.heartbeat_ms,
            retry_window_ms=1_800_000,
            credits=self.model.credits,
            routing_epoch=self.model.epoch,
        )

    def _check_window(self, peer: Peer, request: int, append: Append) -> None:
        """Notes an append that was sent beyond the credits of its partition."""
        same = [size for place, size in peer.under_way.values() if place == append.partition]
        under_way = Window(sum(one.events for one in same), sum(one.bytes for one in same))
        size = Window(open_frame(append.rows).rows, len(append.rows))
        window = peer.windows.get(append.partition, self.model.credits)
        if not window.admits(under_way, size):
            self.violations.append(f"{size} beyond {window} with {under_way}")
        peer.under_way[request] = (append.partition, size)

    def credit(self, partition: int, window: Window) -> None:
        """Gives all connections a window without an ack."""
        for peer in self.peers:
            peer.windows[partition] = window
            peer.send(0, Credits(5, partition, window))

    def drop_all(self) -> None:
        """Closes all connections."""
        for peer in self.peers:
            peer.drop()
        self.peers.clear()

    def close(self) -> None:
        """Stops listening and closes all connections."""
        # Without this the thread that accepts would take one more connection.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_table(peer: Peer, request: int, query: Query) -> None:
    failure = Failure(Status.PERMANENT_QUERY, f"no table for {query.sql!r}")
    peer.send(request, QueryEnd(failure))
