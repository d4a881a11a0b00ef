"""Real servers of open networks on loopback: a Bluesky account server with its directory, and two Mastodon-like ones.

They start by themselves where they can be installed; where not, the tests that want them are skipped and say why.
"""

from __future__ import annotations


class NotHere(RuntimeError):
    """A real server cannot run on this machine. The message says what is missing and how to get it."""
