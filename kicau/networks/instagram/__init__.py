"""Instagram professional accounts: pictures, carousels, reels and stories, published through containers.

`connector` is the seam's object; `sandbox.Server` a local Instagram to try it against.
"""
