"""A local Threads: sign-in, media containers, replies and metrics. `Server` is what `kicau sandbox` runs."""

from kicau.networks.threads.sandbox.server import Server

__all__ = ["Server"]
