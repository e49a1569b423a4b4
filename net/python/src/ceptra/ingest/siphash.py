"""SipHash-2-4 with 64 bits. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF"."""

from __future__ import annotations

import struct

_M = 0xFFFF_FFFF_FFFF_FFFF


def siphash24(key: bytes, message: bytes) -> int:
    """The hash of `message` under a key of 16 bytes."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v0 = k0 ^ 0x736F6D6570736575
    v1 = k1 ^ 0x646F72616E646F6D
    v2 = k0 ^ 0x6C7967656E657261
    v3 = k1 ^ 0x7465646279746573
    whole = len(message) & ~7
    tail = message[whole:].ljust(7, b"\0") + bytes([len(message) & 0xFF])
    words: tuple[int, ...] = struct.unpack(f"<{whole // 8 + 1}Q", message[:whole] + tail)
    # The rounds stand in the loop: a call for each would take twice as long.
    for word, rounds in (*((word, 2) for word in words), (0, 4)):
        v3 ^= word
        if rounds == 4:
            v2 ^= 0xFF
        for _ in range(rounds):
            v0 = (v0 + v1) & _M
            v1 = ((v1 << 13 | v1 >> 51) & _M) ^ v0
            v2 = (v2 + v3) & _M
            v3 = ((v3 << 16 | v3 >> 48) & _M) ^ v2
            v0 = ((v0 << 32 | v0 >> 32) & _M) + v3 & _M
            v3 = ((v3 << 21 | v3 >> 43) & _M) ^ v0
            v2 = v2 + v1 & _M
            v1 = ((v1 << 17 | v1 >> 47) & _M) ^ v2
            v2 = (v2 << 32 | v2 >> 32) & _M
        v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3
