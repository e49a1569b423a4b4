"""The generated code fits its schema, and nobody changed it by hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

import generate  # noqa: E402


@pytest.mark.parametrize("schema", generate.SCHEMAS, ids=lambda path: path.stem)
def test_the_stamp_fits_schema_and_code(schema: Path) -> None:
    text = generate.SCHEMAS[schema].read_text()
    first, _, body = text.partition("\n")
    assert first + "\n" == generate.stamp(schema.read_text(), body), "run tools/generate.py"


@pytest.mark.skipif("FLATC" not in os.environ, reason="FLATC names no compiler")
def test_the_compiler_makes_the_same_code() -> None:
    flatc = generate.compiler()
    for schema, output in generate.SCHEMAS.items():
        assert generate.generated(flatc, schema) == output.read_text()
