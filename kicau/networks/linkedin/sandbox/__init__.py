"""A local LinkedIn: sign-in, posts, uploads and comments, as the versioned API has them. `Server` is what `kicau sandbox` runs."""

from kicau.networks.linkedin.sandbox.server import Server

__all__ = ["Server"]
