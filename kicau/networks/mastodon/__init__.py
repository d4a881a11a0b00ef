"""Mastodon, and servers that speak its API.

Any number of servers: each sign-in names its own, and each channel keeps to it.
"""
