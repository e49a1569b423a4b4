"""Connections to the servers of a cluster. All of it runs on one asyncio loop.

Invariants:
- A connection is either open, draining or closed; once closed, everything that waited for an answer
  on it has been told so.
- A request id is used by one request at a time; what answers an unknown one is dropped.
- Rows under way never go beyond the credit window that the server gave last.
"""
