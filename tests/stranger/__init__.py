"""A network that is not ours: what a stranger's package looks like, and what the engine is tested with.

A post is one call; a thread is one call for each part; there are app passwords in place of OAuth.
"""
