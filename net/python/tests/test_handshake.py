"""The handshake, heartbeats, the end of a connection, addresses, TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake import FakeServer, Model, Peer

import ceptra
from ceptra.link.address import Address
from ceptra.link.backoff import Backoff
from ceptra.link.credits import Gate
from ceptra.wire.codec import Message, encode
from ceptra.wire.codes import FEATURES, AuthMethod, Kind, Status
from ceptra.wire.session import Error, Goodbye, Heartbeat, Welcome
from ceptra.wire.values import Failure, Versions, Window

Connect = Callable[..., ceptra.Client]


def refusing(status: Status, text: str) -> Callable[[Peer, int, Message], None]:
    def action(peer: Peer, request: int, _message: Message) -> None:
        peer.send(request, Error(Failure(status, text, versions=Versions(2, 4))))
        peer.drop()

    return action


def test_hello_says_who_asks(server: FakeServer, connect: Connect) -> None:
    connect(server, cluster="plant", client="me 1", token="secret")
    (hello,) = server.hellos
    assert hello.versions == Versions(1, 1)
    assert (hello.client, hello.cluster) == ("me 1", "plant")
    assert (hello.auth, hello.credentials) == (AuthMethod.TOKEN, b"secret")
    assert hello.features == FEATURES
    assert hello.message_bytes_max == 16 << 20
    assert "secret" not in repr(hello)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.PERMANENT_AUTH, ceptra.AuthError),
        (Status.PERMANENT_VERSION, ceptra.VersionError),
        (Status.TRANSIENT_RETRY, ceptra.ConnectionLost),
        (999, ceptra.PermanentError),
    ],
)
def test_a_refusal_is_raised_with_its_text(
    server: FakeServer, connect: Connect, status: Status, error: type[Exception]
) -> None:
    server.on(Kind.HELLO, refusing(status, "no, because"))
    with pytest.raises(error, match="no, because"):
        connect(server)


def test_another_cluster_is_not_this_one(server: FakeServer, connect: Connect) -> None:
    with pytest.raises(ceptra.AuthError, match="is of cluster 'plant', not 'home'"):
        connect(server, cluster="home")


def test_another_version_and_another_protocol_are_told(
    server: FakeServer, connect: Connect
) -> None:
    server.on(Kind.HELLO, lambda peer, request, _: peer.send(request, Welcome(2, 0)))
    with pytest.raises(ceptra.VersionError, match="upgrade the older side"):
        connect(server)
    server.on(Kind.HELLO, lambda peer, request, _: peer.raw(b"HTTP/1.1 400 Bad Request\r\n" * 3))
    with pytest.raises(ceptra.ProtocolError, match="is the port right"):
        connect(server)
    server.on(Kind.HELLO, lambda peer, request, _: peer.send(0, Goodbye(Failure(3, "draining"))))
    with pytest.raises(ceptra.ConnectionLost, match="draining"):
        connect(server)


def test_nobody_there_and_nobody_answering(server: FakeServer, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ceptra.ConnectionLost, match=str(port)):
        ceptra.connect(f"127.0.0.1:{port}")
    server.on(Kind.HELLO, lambda *_: None)
    with pytest.raises(ceptra.DeadlineExceeded):
        connect(server, timeout=0.2)


def test_the_second_address_is_tried(server: FakeServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with ceptra.connect([f"127.0.0.1:{port}", server.address], timeout=5) as client:
        assert [stream.name for stream in client.streams()] == ["readings"]


def test_heartbeats_are_answered_and_sent(connect: Connect) -> None:
    with FakeServer(Model(), heartbeat_ms=100) as server:
        connect(server)
        server.peers[0].send(41, Heartbeat(False, 777))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            beats = [one for one in server.seen if one[1].KIND == Kind.HEARTBEAT]
            if (41, Heartbeat(True, 777)) in beats and len(beats) > 3:
                break
            time.sleep(0.02)
        assert (41, Heartbeat(True, 777)) in beats
        own = [message for _, message in beats if isinstance(message, Heartbeat)]
        assert sum(not message.reply for message in own) >= 2


def test_a_silent_server_is_left_and_found_again(connect: Connect) -> None:
    with FakeServer(Model(), heartbeat_ms=50) as server:
        client = connect(server)
        server.on(Kind.HEARTBEAT, *[lambda *_: None] * 50)
        time.sleep(0.6)
        assert client.append("readings", [{"sensor": "a"}]).applied == 1
        assert len(server.hellos) > 1


def test_goodbye_of_the_server_moves_the_client(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    server.peers[0].send(0, Goodbye(drain_ms=1000))
    time.sleep(0.1)
    assert client.append("readings", [{"sensor": "a"}]).applied == 1
    assert len(server.hellos) == 2


def test_the_client_says_goodbye_and_refuses_what_comes_after(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)
    client.close()
    client.close()
    time.sleep(0.05)
    assert len(server.seen_of(Kind.GOODBYE)) == 1
    for call in (client.streams, lambda: client.append("readings", [{"sensor": "a"}])):
        with pytest.raises(ceptra.ClosedError):
            call()
    assert not [thread for thread in threading.enumerate() if thread.name == "ceptra"]


def test_unknown_messages_are_answered_and_skipped(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    content = bytearray(encode(9, Heartbeat(False, 1)))
    content[6:8] = (99).to_bytes(2, "little")
    from google_crc32c import value

    content[28:32] = value(bytes(content[:28])).to_bytes(4, "little")
    server.peers[0].raw(bytes(content))
    time.sleep(0.1)
    (error,) = server.seen_of(Kind.ERROR)
    assert isinstance(error, Error)
    assert error.failure.status == Status.PERMANENT_UNSUPPORTED
    assert client.streams()
    assert len(server.hellos) == 1


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a.b:7", "a.b", 7), ("127.0.0.1:7400", "127.0.0.1", 7400), ("[::1]:9", "::1", 9)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", ["", "a", "a:", ":7", "::1:7", "a:70000", "a:x", "a:-1", "a:²"])
def test_wrong_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|brackets"):
        ceptra.connect(text)


def test_a_token_is_not_sent_in_the_open() -> None:
    assert Address("localhost", 1).is_loopback
    assert Address("::1", 1).is_loopback
    assert not Address("10.0.0.1", 1).is_loopback
    with pytest.raises(ValueError, match="without TLS"):
        ceptra.connect("192.0.2.1:7400", token="secret", timeout=1)


def test_waits_grow_and_have_an_end() -> None:
    backoff = Backoff()
    waits = [backoff.seconds() for _ in range(12)]
    assert 0.05 <= waits[0] <= 0.07
    assert 0.4 <= waits[3] <= 0.51
    assert 5 <= waits[-1] <= 6.3
    assert backoff.seconds(20_000) >= 20
    backoff.reset()
    assert backoff.seconds() < 0.07


def test_a_gate_is_a_level_and_a_shut_one_is_tried_alone() -> None:
    gate = Gate(Window(10, 1000), now=0.0)
    assert gate.admits(Window(11, 5000), 0.0)
    gate.sent(Window(4, 400))
    assert gate.admits(Window(6, 600), 0.0)
    assert not gate.admits(Window(7, 600), 0.0)
    assert not gate.admits(Window(6, 601), 0.0)
    gate.update(Window(0, 1000), 10.0, 300)
    gate.answered(Window(4, 400))
    assert not gate.admits(Window(1, 1), 10.2)
    assert gate.admits(Window(1, 1), 10.31)
    gate.sent(Window(1, 1))
    assert not gate.admits(Window(1, 1), 99.0)


def certificates(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of localhost that signs itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    try:
        subprocess.run(
            [*command, "-keyout", key, "-out", cert, *names], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl cannot make a certificate here")
    return key, cert


def test_tls_with_client_certificates(tmp_path: Path, connect: Connect) -> None:
    key, cert = certificates(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.minimum_version = ssl.TLSVersion.TLSv1_3
    theirs.load_cert_chain(cert, key)
    theirs.load_verify_locations(cert)
    theirs.verify_mode = ssl.CERT_REQUIRED
    ours = ssl.create_default_context(cafile=str(cert))
    ours.load_cert_chain(cert, key)
    with FakeServer(Model(), tls=theirs) as server:
        client = connect(server, tls=ours)
        assert server.hellos[0].auth == AuthMethod.CERTIFICATE
        assert client.append("readings", [{"sensor": "a"}]).applied == 1
        with pytest.raises(ceptra.ConnectionLost):
            connect(server, tls=ssl.create_default_context(cafile=str(cert)), timeout=5)
        with pytest.raises(ceptra.ConnectionLost):
            connect(server, timeout=5)


def test_a_clock_that_is_far_off_is_told(
    server: FakeServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def late(peer: Peer, request: int, _message: Message) -> None:
        time_ns = time.time_ns() - 10_000_000_000
        peer.send(request, replace(server.welcome(), time_ns=time_ns))

    server.on(Kind.HELLO, late)
    connect(server)
    assert "10.0 s ahead" in caplog.text
