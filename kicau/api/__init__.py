"""The same verbs over JSON: /api/v1, described in OpenAPI 3.1; every endpoint calls a domain act.

`gate` lets requests in, `problems` says why not, `root` mounts the subjects.
"""
