"""The same verbs over JSON: /api/v1, described in OpenAPI 3.1; every endpoint calls a domain act.

`root` mounts the subjects; `core` holds what they share: authentication, problems, schemas of errors, paging.
"""
