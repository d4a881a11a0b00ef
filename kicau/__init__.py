"""Kicau: self-hosted social media management.

Each folder is a subject with a fixed floor; ARCHITECTURE.md draws them.
"""

__version__ = "0.2.0"
