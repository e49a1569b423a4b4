"""Rows in: from dicts and tables to appends that are sent until they are answered.

Invariants:
- A row that was given a number or an id keeps it while it may have been applied.
- For each producer and partition the numbers that were sent have no gap: what failed for good and
  was surely not applied gives its numbers to what follows.
"""
