"""Rows out: subscriptions and queries.

Invariants:
- What a subscription holds for its reader is bounded by what it allowed the server to send.
- A subscription goes on after the last row that came, whatever happened to the connection.
"""
