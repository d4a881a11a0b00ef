"""What a network's own reader of downloaded archives stands on: files that are safe to open, streams, plain records.

Everything is read piece by piece: the memory that is needed does not grow with the archive.
"""
