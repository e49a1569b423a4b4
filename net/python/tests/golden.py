"""Golden files of the repository, as bytes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FRAME = ROOT / "cep/types/src/frame/tests/golden/v1.hex"
MESSAGES = ROOT / "net/wire/tests/wire/golden/v1"


def undump(path: Path) -> bytes:
    """The bytes of a dump: an offset, two spaces, sixteen bytes a line."""
    lines = (line.split("  ", 1)[1] for line in path.read_text().splitlines() if "  " in line)
    return bytes.fromhex(" ".join(lines))


def message(name: str) -> bytes:
    """The bytes of a recorded message."""
    return undump(MESSAGES / f"{name}.hex")
