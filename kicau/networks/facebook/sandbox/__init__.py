"""A local Facebook: Login, Pages, posts, photos, videos, reels and comments. `Server` is what `kicau sandbox` runs."""

from kicau.networks.facebook.sandbox.server import Server

__all__ = ["Server"]
