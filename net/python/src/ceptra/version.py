"""The version of this package; the server logs it."""

VERSION = "0.1.0"
