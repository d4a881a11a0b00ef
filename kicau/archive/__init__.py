"""The whole public voice: every post from every network and archive as one item, with all its origins.

`imports` takes archives in, `search` finds, `deciding` says what an item may be used for, `exports` gives all of it.
"""
