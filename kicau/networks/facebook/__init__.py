"""Facebook Pages: text, links, photos, videos and reels, published through the Graph API.

`connector` is the seam's object; `sandbox.Server` a local Facebook to try it against.
"""
