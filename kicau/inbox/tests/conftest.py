"""The channels and the clock of the tests of sync."""

from kicau.sync.tests.conftest import client, pair, say, server

__all__ = ["client", "pair", "say", "server"]
