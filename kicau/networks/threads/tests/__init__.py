"""Threads, tried against its sandbox and Meta's published collection."""
