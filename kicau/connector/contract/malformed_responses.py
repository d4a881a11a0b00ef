"""Responses in no network's form, and look-ups' responses that settle nothing."""

from __future__ import annotations

from kicau.connector.content import JSON

# Bodies of errors in no network's form, or in one's form with a value of the wrong type.
MALFORMED_ERROR_BODIES: tuple[JSON, ...] = (
    [],
    "text",
    None,
    7,
    {},
    {"error": None},
    {"error": []},
    {"error": {}},
    {"error": "x", "error_description": None},
    {"error": {"code": "x", "error_subcode": []}},
    {"error": {"code": None, "error_data": 5}},
    {"error": {"message": {"a": 1}}},
    {"error": {"message": "Too many requests", "code": "rate"}},
    {"errors": None},
    {"errors": {}},
    {"errors": [None, "x", {"code": []}]},
    {"message": None},
    {"detail": [], "title": None, "type": 5},
    {"code": {}, "status": "x", "serviceErrorCode": None},
    {"errorDetails": 5},
    {"errorDetails": {"inputErrors": 5}},
    {"errorDetails": {"inputErrors": [{"input": 1, "code": []}]}},
)

# What comes from a proxy or a firewall in front of a network.
PROXY_ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Attention required</title></head><body><h1>Access denied</h1></body></html>"
)
# Answers to a look-up that do not say whether the post is out: refusals, pages, and a 200 that lists nothing.
REJECTED_LOOKUP_RESPONSES: tuple[tuple[int, str], ...] = (
    (400, '{"error": "Bad request", "message": "Bad request", "detail": "Bad request"}'),
    (403, '{"error": "Forbidden", "message": "Forbidden", "detail": "Forbidden"}'),
    (404, '{"error": "Not found", "message": "Not found", "detail": "Not found"}'),
    (400, PROXY_ERROR_PAGE),
    (403, PROXY_ERROR_PAGE),
    (404, PROXY_ERROR_PAGE),
    (403, ""),
    (200, PROXY_ERROR_PAGE),
    (200, "{}"),
    (200, "null"),
    (200, '{"data": null, "elements": null, "posts": null}'),
)
