"""The door of every call: who is calling, how often, and whether the request is whole."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.bluesky.sandbox import windows
from kicau.networks.bluesky.sandbox.errors import BlueskyApiError, invalid_request_error
from kicau.networks.bluesky.sandbox.tokens import BlueskyCaller
from kicau.networks.bluesky.sandbox.windows import PointLimit

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

type Doc = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class XrpcMethod:
    """One call: `work` takes its query or body, `raw` the request itself."""

    verb: str
    work: Callable[[Doc, Any], Awaitable[Doc | None]] | None = None
    raw: Callable[[web.Request, BlueskyCaller], Awaitable[Doc]] | None = None
    auth: str = "access"  # "access" | "refresh" | "none"
    needs: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()  # of the query, which repeats their names
    points: Callable[[Doc], int] = field(default=lambda body: 0)  # of the account's writes
    limits: tuple[PointLimit, ...] = ()
    per: str = ""  # the body's member that `limits` count by; "": the account


class XrpcRouter:
    def __init__(self, box: Server, methods: Mapping[str, XrpcMethod]) -> None:
        self.box, self.methods = box, methods
        self.windows = windows.BlueskyRateLimits(box.stamp)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        head: dict[str, str] = {}
        try:
            made = await self._carry_out(request, head)
        except BlueskyApiError as refused:
            answer = refused.response()
        else:
            answer = web.Response(status=200) if made is None else web.json_response(made)
        answer.headers.update({name: value for name, value in head.items() if name not in answer.headers})
        return answer

    async def _carry_out(self, request: web.Request, head: dict[str, str]) -> Doc | None:
        nsid = request.match_info["nsid"]
        method = self.methods.get(nsid)
        if method is None:
            head.update(
                {} if self.box.limits_off else self.windows.use([(windows.GLOBAL_LIMIT, request.remote or "", 1)])
            )
            raise invalid_request_error(f"No service configured for {nsid}")
        if request.method != method.verb:
            raise invalid_request_error(f"Incorrect HTTP method ({request.method}) expected {method.verb}")
        caller = None if method.auth == "none" else self.box.tokens.caller(request, renewing=method.auth == "refresh")
        given: Doc = dict(request.query) if method.verb == "GET" else {}
        given |= {name: request.query.getall(name) for name in method.lists if name in given}
        whole = method.verb == "POST" and method.raw is None
        if whole:
            given = await _read_body(request, needed=bool(method.needs))
        head.update(self._limited(request, method, given, caller))
        for name in method.needs:
            if name not in given:
                raise invalid_request_error(
                    f'Missing required key "{name}" at $'
                    if whole
                    else f'Invalid {nsid} params: Missing required key "{name}"'
                )
        if method.raw is not None:
            assert caller is not None
            return await method.raw(request, caller)
        assert method.work is not None
        return await method.work(given, caller)

    def _limited(
        self, request: web.Request, method: XrpcMethod, given: Doc, caller: BlueskyCaller | None
    ) -> dict[str, str]:
        if self.box.limits_off:
            return {}
        who = str(given.get(method.per, "")) if method.per else caller.did if caller else ""
        wanted = [(windows.GLOBAL_LIMIT, request.remote or "", 1)]
        wanted += [(limit, who, 1) for limit in method.limits]
        if points := method.points(given):
            wanted += [(limit, who, points) for limit in windows.WRITE_LIMITS]
        return self.windows.use(wanted)


async def _read_body(request: web.Request, *, needed: bool) -> Doc:
    content = await request.read()
    if not needed and not content:
        return {}
    if request.content_type != "application/json":
        raise invalid_request_error(f"Wrong request encoding (Content-Type): {request.content_type}")
    try:
        found = json.loads(content)
    except ValueError:
        shown = content[:20].decode("utf-8", "replace")
        raise invalid_request_error(
            f"Unexpected token '{shown[:1]}', \"{shown}\" is not valid JSON", "SyntaxError"
        ) from None
    if not isinstance(found, dict):
        raise invalid_request_error("Expected object value type at $")
    return found
