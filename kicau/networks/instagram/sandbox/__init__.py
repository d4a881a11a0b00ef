"""A local Instagram: both sign-ins, media containers, comments and mentions. `Server` is what `kicau sandbox` runs."""

from kicau.networks.instagram.sandbox.server import Server

__all__ = ["Server"]
