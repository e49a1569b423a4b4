"""Made by tools/generate.py from the FlatBuffers schemas."""
