"""The event frame: rows of one stream, columnar, as they travel. docs/formats.md has every byte.

Invariants:
- Everything is verified once, in `open_frame`: Arrow gets no buffer that was not checked.
- The layout is canonical: buffers follow each other in one order, padded with zeros to 64.
- Columns are known by id, never by position; ids ascend.
"""

from ceptra.frame.decode import Frame, open_frame
from ceptra.frame.encode import encode_frame

__all__ = ["Frame", "encode_frame", "open_frame"]
