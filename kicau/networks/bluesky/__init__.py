"""Bluesky: posts as records in an account's own repository on any server of the AT Protocol.

Record keys are chosen beforehand, so sending twice does no harm and looking up is exact.
"""
