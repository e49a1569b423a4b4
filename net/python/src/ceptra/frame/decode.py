"""Opening a frame: header, metadata, then every column."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ceptra.errors import FrameError
from ceptra.frame.columns import Body
from ceptra.frame.kinds import NESTING_MAX
from ceptra.frame.layout import FRAME_COLUMNS_MAX, FRAME_ROWS_MAX, HEADER_BYTES, unseal
from ceptra.generated import frame as g
from ceptra.wire.flat import Malformed, count_of


@dataclass(frozen=True)
class FrameColumn:
    """One column. The frame knows no names: the field's is empty, nested ones are positions."""

    id: int
    field: pa.Field
    array: pa.Array


@dataclass(frozen=True)
class Frame:
    """An opened frame: verified, columns in ascending order of id."""

    stream: int
    schema_version: int
    rows: int
    columns: tuple[FrameColumn, ...]


def open_frame(content: bytes) -> Frame:
    """Verifies the one frame that `content` holds and builds its columns.

    That JSON text is JSON is not checked. Raises `FrameError`.
    """
    metadata, start = unseal(content)
    try:
        return _open(metadata, content, start)
    except FrameError:
        raise
    except Malformed as error:
        raise FrameError(f"a frame is malformed: {error}") from None
    except (ValueError, struct.error, IndexError, TypeError, OverflowError) as error:
        raise FrameError(f"a frame's metadata is malformed: {error}") from error


def _open(metadata: bytes, content: bytes, start: int) -> Frame:
    if len(metadata) < HEADER_BYTES or metadata[4:8] != b"CEPM":
        raise Malformed("metadata lacks its identifier")
    root = g.Metadata.GetRootAs(metadata)
    if root.KeyId() or root.NonceLength() or root.TagLength() or root.Compression():
        raise Malformed("it uses what version 1 reserves: upgrade this side")
    rows = root.Rows()
    if root.ColumnsIsNone():
        raise Malformed("no column list")
    if rows > FRAME_ROWS_MAX or root.ColumnsLength() > FRAME_COLUMNS_MAX:
        raise Malformed(f"{rows} rows of {root.ColumnsLength()} columns are too many")
    body = Body(content, start)
    columns: list[FrameColumn] = []
    for at in count_of(root, root.ColumnsLength()):
        table = root.Columns(at)
        columns.append(_column(body, table, rows))
        if at and columns[at - 1].id >= columns[at].id:
            raise Malformed(f"the id of column {columns[at].id} is not above the one before")
    body.finish()
    return Frame(root.Stream(), root.SchemaVersion(), rows, tuple(columns))


def _column(body: Body, table: Any, rows: int) -> FrameColumn:
    number = table.Id()
    try:
        field, array = body.column(table, "", rows, NESTING_MAX)
    except (Malformed, pa.ArrowInvalid) as error:
        raise Malformed(f"column {number}: {error}") from None
    return FrameColumn(number, field, array)
