"""Key forms and partitions: published vectors, the specified bytes, equal keys."""

from __future__ import annotations

import math
from decimal import Decimal

import pyarrow as pa
import pytest
from fake.model import SEED

from ceptra import RowError
from ceptra.frame.encode import json_field
from ceptra.ingest.keys import Partitioner, forms
from ceptra.ingest.siphash import siphash24
from ceptra.wire.routing import Space

# The first sixteen of the vectors published with the reference implementation (vectors_sip64).
VECTORS = """
310e0edd47db6f72 fd67dc93c539f874 5a4fa9d909806c0d 2d7efbd796666785
b7877127e09427cf 8da699cd64557618 cee3fe586e46c9cb 37d1018bf50002ab
6224939a79f5f593 b0e4a90bdf82009e f3b9dd94c5bb5d7a a7ad6b22462fb3f4
fbe50e86bc8f1e75 903d84c02756ea14 eef27a8e90ca23f7 e545be4961ca29a1
""".split()  # noqa: SIM905


def test_hashes_are_those_of_the_published_vectors() -> None:
    message = bytes(range(16))
    for length, expected in enumerate(VECTORS):
        assert siphash24(message, message[:length]).to_bytes(8, "little").hex() == expected


def form(cell: object, data_type: pa.DataType) -> bytes:
    (found,) = forms(pa.field("k", data_type), pa.array([cell], data_type))
    return found


def test_the_form_is_the_specified_one() -> None:
    key = b"".join(
        [
            form("ab", pa.string()),
            form(-2, pa.int64()),
            form(None, pa.int64()),
            form(Decimal("1.250"), pa.decimal128(10, 3)),
            form(True, pa.bool_()),
        ]
    )
    assert key == (
        b"\x05\x02\0\0\0\0\0\0\0ab"
        b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff"
        b"\0"
        b"\x03\x02\0" + (125).to_bytes(16, "little") + b"\x01\x01"
    )
    assert siphash24(bytes(16), key) == 11557358941760432281


def test_the_example_of_the_protocol() -> None:
    key = form("kitchen", pa.string())
    assert key.hex(" ") == "05 07 00 00 00 00 00 00 00 6b 69 74 63 68 65 6e"
    assert siphash24(SEED.to_bytes(16, "little"), key) == 0xEDCD85F2B8E2DF39
    assert Partitioner(Space(5, "main", SEED, (0, 0, 0, 0))).partition(key) == 1


def test_equal_values_of_different_types_are_one_key() -> None:
    seven = form(7, pa.int64())
    assert form(7, pa.int32()) == seven == form(Decimal("7.00"), pa.decimal128(10, 2))
    assert form(0.5, pa.float32()) == form(0.5, pa.float64())
    assert form(0.0, pa.float64()) == form(-0.0, pa.float64())
    assert form(math.nan, pa.float64()) == form(-math.nan, pa.float64())
    assert form(math.nan, pa.float64()) == b"\x04" + (0x7FF8 << 48).to_bytes(8, "little")
    assert form(None, pa.string()) == form(None, pa.date32()) == b"\0"
    (coded, null) = forms(pa.field("k", pa.string()), pa.array(["y", None]).dictionary_encode())
    assert (coded, null) == (form("y", pa.string()), b"\0")
    (json,) = forms(json_field("k"), pa.array(["y"]))
    assert json == coded


def test_different_types_are_different_keys_even_when_their_bytes_agree() -> None:
    cells = [
        (1, pa.int64()),
        (1, pa.timestamp("ns")),
        (1, pa.date32()),
        (1, pa.time64("ns")),
        (True, pa.bool_()),
        (1.0, pa.float64()),
        ("1", pa.string()),
        (b"1", pa.binary()),
        (pa.MonthDayNano([1, 0, 0]), pa.month_day_nano_interval()),
        (None, pa.int64()),
        (2**62, pa.int64()),
        (Decimal(10**30), pa.decimal128(38, 0)),
        (Decimal("0.1"), pa.decimal128(38, 1)),
        (Decimal("-0.1"), pa.decimal128(38, 1)),
    ]
    found = [form(*cell) for cell in cells]
    assert len(set(found)) == len(found)
    tags = [one[0] for one in found]
    assert tags == [2, 7, 8, 9, 1, 4, 5, 6, 10, 0, 2, 3, 3, 3]


def test_forms_of_slices_with_nulls() -> None:
    for cells, data_type in [
        ([1, None, 3, None], pa.timestamp("ns")),
        ([Decimal(1), None, Decimal(3), None], pa.decimal128(5, 0)),
        (["a", None, "c", None], pa.string()),
        ([True, None, False, None], pa.bool_()),
    ]:
        field = pa.field("k", data_type)
        whole = list(forms(field, pa.array(cells, data_type)))
        assert list(forms(field, pa.array(cells, data_type).slice(1, 2))) == whole[1:3]
        assert whole[1] == whole[3] == b"\0"


def test_nested_values_are_no_keys() -> None:
    with pytest.raises(RowError, match="cannot be part of a key"):
        form([1], pa.list_(pa.int64()))


def test_partitions_share_keys_evenly() -> None:
    partitioner = Partitioner(Space(1, "s", 0, (0, 0, 0)))
    numbers = pa.array(range(3_000), pa.int64())
    found = partitioner.partitions([pa.field("k", pa.int64())], [numbers])
    counts = [found.count(partition) for partition in range(3)]
    assert all(900 < count < 1_100 for count in counts), counts
