"""A Mastodon of one's own, on loopback: sign-in, API and public pages."""

from kicau.networks.mastodon.sandbox.server import LIKE_SNAC, Server

__all__ = ["LIKE_SNAC", "Server"]
