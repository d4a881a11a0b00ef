"""Scheduling: previews, times as people write them, and what people do with scheduled posts."""
