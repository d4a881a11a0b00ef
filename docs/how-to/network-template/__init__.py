"""Newnet: what it is, in a sentence.

`connector` is the seam's object; `sandbox.Server` a local Newnet to try it against.
"""
