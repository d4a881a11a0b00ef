"""Searching others' data sets for one's own posts: fingerprints, shards, copies with their places, and how sure that is."""
