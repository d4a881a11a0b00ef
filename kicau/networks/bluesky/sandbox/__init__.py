"""A Bluesky of one's own on loopback: a server of accounts, its sign-in, the directory of identities, public pages."""

from kicau.networks.bluesky.sandbox.server import Server

__all__ = ["Server"]
