"""Meta's Graph API as Facebook Pages and Instagram both speak it; not a network of its own.

Version, calls, error codes, usage headers, Facebook Login, and what their two sandboxes share.
"""
