"""Messages of the client protocol and their bytes; no I/O.

Invariants:
- A message that was read holds together: lists about the same rows have the same length, numbers
  that must be known are known, and what must be there is there.
- No input makes the reader keep more than the message's own length, or loop longer than that.
"""
