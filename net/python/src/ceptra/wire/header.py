"""The fixed header of every message.

| offset | bytes | field |
|---|---|---|
| 0 | 4 | magic `CEPW` |
| 4 | 1 | version of the framing: 1 |
| 5 | 1 | flags: bits 0 to 3 may be ignored, bits 4 to 7 must be understood |
| 6 | 2 | kind |
| 8 | 4 | length of the whole message, a multiple of 8 |
| 12 | 4 | length of the FlatBuffers part |
| 16 | 8 | request id |
| 24 | 4 | crc32c of the FlatBuffers part and its padding |
| 28 | 4 | crc32c of bytes 0 to 27 |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from google_crc32c import value as crc32c

from ceptra.errors import ProtocolError

HEADER_BYTES = 32
MAGIC = b"CEPW"
FRAMING_VERSION = 1
FLAGS_FREE = 0x0F

_ALIGNMENT = 8
_ATTACHMENT_ALIGNMENT = 64
_META_BYTES_MIN = 8
_FIELDS = struct.Struct("<4sBBHIIQI")
_SUM = struct.Struct("<I")


def rounded(count: int, alignment: int) -> int:
    """`count`, rounded up to a multiple."""
    return -(-count // alignment) * alignment


def message_bytes(meta_bytes: int, rows_bytes: int) -> int:
    """Length of a message."""
    if rows_bytes == 0:
        return rounded(HEADER_BYTES + meta_bytes, _ALIGNMENT)
    return rounded(attachment_start(meta_bytes) + rows_bytes, _ALIGNMENT)


def attachment_start(meta_bytes: int) -> int:
    """Where an event frame begins behind that much of FlatBuffers."""
    return rounded(HEADER_BYTES + meta_bytes, _ATTACHMENT_ALIGNMENT)


@dataclass(frozen=True)
class Header:
    """What a header says."""

    flags: int
    kind: int
    total_bytes: int
    meta_bytes: int
    request: int
    meta_crc: int

    @property
    def rows_start(self) -> int:
        """Where the event frame begins; the end of the message when there is none."""
        bare = rounded(HEADER_BYTES + self.meta_bytes, _ALIGNMENT)
        return bare if self.total_bytes == bare else attachment_start(self.meta_bytes)

    def write(self) -> bytes:
        """The header's bytes."""
        fields = _FIELDS.pack(
            MAGIC,
            FRAMING_VERSION,
            self.flags,
            self.kind,
            self.total_bytes,
            self.meta_bytes,
            self.request,
            self.meta_crc,
        )
        return fields + _SUM.pack(crc32c(fields))

    @staticmethod
    def read(content: bytes) -> Header:
        """Reads 32 bytes; what it returns fits together."""
        magic, framing, flags, kind, total, meta, request, meta_crc = _FIELDS.unpack(content[:28])
        if magic != MAGIC:
            raise ProtocolError(
                f"not a CEPtra server: it sent {magic.hex(' ')}; is the port right, and does the "
                "server use TLS exactly when this client does?"
            )
        if framing != FRAMING_VERSION:
            raise ProtocolError(f"framing version {framing}: upgrade the older side")
        if _SUM.unpack(content[28:]) != (crc32c(content[:28]),):
            raise ProtocolError("a header is damaged; connect anew")
        header = Header(flags, kind, total, meta, request, meta_crc)
        bare = rounded(HEADER_BYTES + meta, _ALIGNMENT)
        if (
            total % _ALIGNMENT
            or meta < _META_BYTES_MIN
            or (total != bare and attachment_start(meta) >= total)
        ):
            raise ProtocolError(f"a message of {total} bytes cannot have {meta} of metadata")
        return header
