"""A Mastodon of one's own, on loopback: sign-in, API and public pages."""

from kicau.networks.mastodon.sandbox.server import SNAC_DIFFERENCES, Server

__all__ = ["SNAC_DIFFERENCES", "Server"]
