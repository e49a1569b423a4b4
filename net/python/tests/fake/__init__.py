"""A scripted server over loopback."""

from fake.model import Model, readings
from fake.server import FakeServer, Peer

__all__ = ["FakeServer", "Model", "Peer", "readings"]
