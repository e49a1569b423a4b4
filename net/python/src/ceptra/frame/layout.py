"""The fixed header of a frame, its limits and its checksum.

| offset | bytes | field |
|---|---|---|
| 0 | 4 | magic `CEPF` |
| 4 | 2 | version |
| 6 | 2 | flags, all reserved: 0 |
| 8 | 8 | length of the whole frame |
| 16 | 4 | length of the metadata |
| 20 | 4 | crc32c of the frame without this field |
| 24 | 8 | reserved: 0 |
"""

from __future__ import annotations

import struct

from google_crc32c import extend, value

from ceptra.errors import FrameError

HEADER_BYTES = 32
ALIGNMENT = 64
VERSION = 1
MAGIC = b"CEPF"
FRAME_BYTES_MAX = 256 << 20
FRAME_ROWS_MAX = 1 << 20
FRAME_COLUMNS_MAX = 4096

_FIELDS = struct.Struct("<4sHHQII8s")


def aligned(count: int) -> int:
    """`count`, rounded up to a multiple of 64."""
    return -(-count // ALIGNMENT) * ALIGNMENT


def _checksum(frame: bytes) -> int:
    sum_: int = extend(value(frame[:20]), frame[24:])
    return sum_


def seal(metadata: bytes, body: bytes) -> bytes:
    """A whole frame."""
    start = aligned(HEADER_BYTES + len(metadata))
    total = start + len(body)
    if total > FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {total} bytes is too large: split it")
    rest = metadata.ljust(start - HEADER_BYTES, b"\0") + body
    fields = _FIELDS.pack(MAGIC, VERSION, 0, total, len(metadata), 0, bytes(8))
    sum_ = extend(extend(value(fields[:20]), fields[24:]), rest)
    return b"".join((fields[:20], sum_.to_bytes(4, "little"), fields[24:], rest))


def unseal(frame: bytes) -> tuple[bytes, int]:
    """Checks the header and the checksum; the metadata, and where the column bytes begin."""
    if len(frame) < HEADER_BYTES or frame[:4] != MAGIC:
        raise FrameError("not an event frame")
    _, version, flags, total, meta_bytes, sum_, reserved = _FIELDS.unpack(frame[:HEADER_BYTES])
    if version != VERSION:
        raise FrameError(f"frame version {version}: upgrade the older side")
    if total != len(frame) or total % ALIGNMENT or total > FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {len(frame)} bytes says that it has {total}")
    if _checksum(frame) != sum_:
        raise FrameError("an event frame is damaged")
    if flags or any(reserved):
        raise FrameError("a frame uses what version 1 reserves: upgrade this side")
    start = aligned(HEADER_BYTES + meta_bytes)
    if start > total:
        raise FrameError("metadata longer than the frame")
    if any(frame[HEADER_BYTES + meta_bytes : start]):
        raise FrameError("padding after the metadata is not zero")
    return frame[HEADER_BYTES : HEADER_BYTES + meta_bytes], start
