"""Threads: text, pictures, videos, carousels, polls and threads of several posts, published through containers.

`connector` is the seam's object; `sandbox.Server` a local Threads to try it against.
"""
