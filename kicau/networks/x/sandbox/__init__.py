"""A local X: API v2 in both vocabularies, sign-in, media processing, rate limits, billing and public pages.

`Server` is what `kicau sandbox` runs.
"""

from kicau.networks.x.sandbox.server import Server

__all__ = ["Server"]
