"""The door of the LinkedIn sandbox: what is seen to before any call is carried out, and who may do what."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from kicau.connector.sandbox.server import RequestHandler, RequestValidator, Sandbox
from kicau.networks.linkedin.sandbox import errors as refusals
from kicau.networks.linkedin.sandbox.errors import LinkedInApiError

log = logging.getLogger(__name__)

type Doc = dict[str, Any]
type CallHandler = Callable[[web.Request, Doc], Awaitable[web.Response]]
type ElementReader = Callable[
    [web.Request, Doc, str], Doc | None
]  # of a batch, by its key; None where there is nothing to show

# Served in November 2026: each lives for about a year. A fixed list, so that the sandbox answers alike in every year.
API_VERSIONS = frozenset(
    f"{year}{month:02}" for year, months in ((2025, (11, 12)), (2026, range(1, 12))) for month in months
)
POSTING_ROLES = frozenset({"ADMINISTRATOR", "DIRECT_SPONSORED_CONTENT_POSTER", "CONTENT_ADMIN"})
WRITE_SCOPES = {
    "person": {"w_member_social", "w_member_social_feed"},
    "organization": {"w_organization_social", "w_organization_social_feed"},
}
READ_SCOPES = {
    "person": {"r_member_social", "r_member_social_feed"},
    "organization": {"r_organization_social", "r_organization_social_feed"},
}
# What the sandbox's app may ask for; the closed ones only where `allowed_scopes` is widened.
KNOWN_SCOPES = frozenset(
    {
        "openid",
        "profile",
        "email",
        "r_basicprofile",
        "rw_organization_admin",
        "r_organization_admin",
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "w_member_social_feed",
        "w_organization_social_feed",
        "r_organization_social_feed",
    }
)


API_PREFIXES = ("/rest/", "/v2/", "/oauth/", "/dms-uploads/")  # where errors have LinkedIn's form


class LinkedInSandboxBase(Sandbox):
    """A sandbox with its settings, tokens, limits and permissions; `server.Server` adds seeds, calls and pages."""

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.limits_off = False
        # Calls a UTC day. LinkedIn publishes no number: these stay out of the way until they are lowered.
        self.app_calls_a_day = 100_000
        self.member_calls_a_day = 25_000
        self.comment_seconds = 60.0  # between two comments of a member; 0: any number
        self.processing_seconds = 2.0  # of a file, after its last byte
        self.refresh_tokens = True  # only approved apps get them
        self.duplicates_outlive_deletion = False  # told of the live network (Composio issue 2710, 2026-02-22)
        self.versions = API_VERSIONS
        self.allowed_scopes = KNOWN_SCOPES
        self.names: dict[str, str] = {}  # of members and organisations, by URN
        super().__init__(base_url=base_url, folder=folder, validators=validators)

    def stamp(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        return self.now().timestamp()

    # At the door of every call

    def guarded(
        self,
        work: CallHandler,
        *,
        query: str = "",
        versioned: bool = True,
        batch: Mapping[str, ElementReader] | None = None,
    ) -> RequestHandler:
        """The handler of a call: version, token, query parameters and limits are seen to before `work`.

        `batch`: by BATCH_GET and BATCH_DELETE, what is done for one key of `ids`.
        """
        known = frozenset(query.split())

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                if versioned:
                    self._check_version(request)
                token = self.bearer(request)
                if one := await self._batched(request, batch or {}):
                    self._count(token)
                    return await self._batch(request, token, one)
                if unknown := [name for name in request.query if name not in known]:
                    raise refusals.unknown_parameter_error(unknown)
                self._count(token)
                return await work(request, token)
            except LinkedInApiError as refusal:
                return refusal.response()

        return answer

    async def _batched(self, request: web.Request, batch: Mapping[str, ElementReader]) -> ElementReader | None:
        """What a call with `ids` does for each; None where it is no batch call. The header X-RestLi-Method names the
        method; without it, `ids` says so (https://linkedin.github.io/rest.li/spec/protocol#resource-methods)."""
        sent = request.headers.get("X-HTTP-Method-Override", request.method).upper()
        named = request.headers.get("X-RestLi-Method", "").upper()
        if not named and "ids" in request.query:
            named = f"BATCH_{sent}"
        if not named.startswith("BATCH_"):
            return None
        if (one := batch.get(named)) is None or not named.endswith(sent):
            raise refusals.no_method_error(named, request.path)
        return one

    async def _batch(self, request: web.Request, token: Doc, one: ElementReader) -> web.Response:
        """Each key by itself: what it brought, or why not (https://linkedin.github.io/rest.li/spec/protocol)."""
        results, statuses, errors = dict[str, Doc](), dict[str, int](), dict[str, Doc]()
        for key in await _read_ids(request):
            try:
                found = one(request, token, key)
                statuses[key] = 204 if found is None else 200
                results[key] = {"status": 204} if found is None else found
            except LinkedInApiError as refusal:
                statuses[key], errors[key] = refusal.status, refusal.body
        answer = {"results": results, "statuses": statuses, "errors": errors}
        return web.json_response(answer, headers=refusals.with_response_headers())

    def application(self) -> web.Application:
        app = super().application()
        app.middlewares.insert(0, self._errors_in_json)
        return app

    @web.middleware
    async def _errors_in_json(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        """What the web server refuses by itself, an unknown address or method, has LinkedIn's form, too."""
        try:
            return await handler(request)
        except web.HTTPException as refused:
            if refused.status < 400 or not request.path.startswith(API_PREFIXES):
                raise
            return refusals.status_error(refused.status, request.method, request.path).response()
        except ConnectionError:
            return web.Response(status=400)  # for nobody: the client has reset the connection
        except Exception:
            log.exception("the sandbox could not answer %s %s", request.method, request.path)
            return refusals.status_error(500, request.method, request.path).response()

    def _check_version(self, request: web.Request) -> None:
        version = request.headers.get("LinkedIn-Version", "")
        if not version:
            raise refusals.missing_version_error()
        if version.split(".")[0] not in self.versions:
            raise refusals.inactive_version_error(version)
        if request.headers.get("X-Restli-Protocol-Version") != "2.0.0":
            raise refusals.illegal_argument_error(
                "Rest.li protocol version 2.0.0 is required: send the header X-Restli-Protocol-Version"
            )

    def _count(self, token: Doc) -> None:
        """Calls of the app and of the member with it, by UTC day."""
        self.meter(token["app"], "calls")
        if self.limits_off:
            return
        day = self.now().date().isoformat()
        for key, limit, who in (
            (f"{day}|{token['app']}", self.app_calls_a_day, "APPLICATION"),
            (f"{day}|{token['app']}|{token['member']}", self.member_calls_a_day, "APPLICATION_AND_MEMBER"),
        ):
            used = (self.store.get("calls", key) or {"n": 0})["n"]
            if used >= limit:
                raise refusals.rate_limit_error(who, "DAY")
            self.store.put("calls", key, {"n": used + 1})

    async def body(self, request: web.Request) -> Doc:
        try:
            found = json.loads(await request.read())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise refusals.illegal_argument_error("Request body could not be converted to data map")
        return found

    def paged(self, request: web.Request, rows: list[Doc], shape: Callable[[Doc], Doc] = dict) -> Doc:
        try:
            start, count = int(request.query.get("start", 0)), min(int(request.query.get("count", 10)), 100)
        except ValueError:
            raise refusals.illegal_argument_error("start and count are integers") from None
        elements = [shape(row) for row in rows[start : start + count]]
        return {"paging": {"start": start, "count": count, "links": [], "total": len(rows)}, "elements": elements}

    # Who may do what

    def may_post(self, member: str, organisation: str) -> bool:
        role = self.store.get("role", f"{member}|{organisation}")
        return role is not None and role["state"] == "APPROVED" and role["role"] in POSTING_ROLES

    def must_own(self, token: Doc, owner: str, field: str) -> None:
        """Raises LinkedInApiError where the token's member is neither the owner nor in a posting role of it."""
        if owner != token["member"] and not self.may_post(token["member"], owner):
            raise refusals.wrong_owner_error(field)

    def must_write(self, token: Doc, owner: str, field: str, resource: str, request: web.Request) -> None:
        granted = set(token["scopes"])
        if not granted & (WRITE_SCOPES["person"] | WRITE_SCOPES["organization"]):
            raise refusals.access_denied_error(resource, request.headers["LinkedIn-Version"])
        kind = owner.split(":")[2] if owner.count(":") == 3 else ""
        if kind not in WRITE_SCOPES:
            raise refusals.bad_input_error(
                f"{owner} is not the URN of a person or an organization", "INVALID_URN", f"/{field}"
            )
        if kind == "organization" and not granted & WRITE_SCOPES[kind]:
            raise LinkedInApiError(
                400,
                {"message": "Organization permissions must be used when using organization as author", "status": 400},
            )
        if not granted & WRITE_SCOPES[kind]:
            raise refusals.access_denied_error(resource, request.headers["LinkedIn-Version"])
        self.must_own(token, owner, field)

    def must_read(self, token: Doc, owner: str, resource: str, request: web.Request) -> None:
        kind = owner.split(":")[2] if owner.count(":") == 3 else ""
        if not READ_SCOPES.get(kind, set()) & set(token["scopes"]):
            raise refusals.access_denied_error(resource, request.headers["LinkedIn-Version"])
        self.must_own(token, owner, "author")

    # Tokens

    def bearer(self, request: web.Request) -> dict[str, Any]:
        """The request's token. Raises LinkedInApiError where it is missing, unknown, revoked or past its 60 days."""
        given = request.headers.get("Authorization", "")
        if not given.startswith("Bearer ") or not given[7:].strip():
            raise refusals.unauthorised_error("EMPTY_ACCESS_TOKEN", 65604, "Empty oauth2 access token")
        found = self.store.get("token", given[7:].strip())
        if found is None:
            raise refusals.unauthorised_error("INVALID_ACCESS_TOKEN", 65600, "Invalid access token")
        if found["revoked"] or not self.stands(found):
            raise refusals.unauthorised_error(
                "REVOKED_ACCESS_TOKEN", 65601, "The token used in the request has been revoked by the user"
            )
        if found["until"] <= self.stamp():
            raise refusals.unauthorised_error(
                "EXPIRED_ACCESS_TOKEN", 65602, "The token used in the request has expired"
            )
        return found

    def revoke(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "")[7:].strip()
        if found := self.store.get("token", token):
            self.store.put("token", token, {**found, "revoked": True})

    def stands(self, grant: dict[str, Any]) -> bool:
        now = self.store.get("grant", f"{grant['app']}|{grant['member']}")
        return now is not None and bool(now["epoch"] == grant["epoch"])


async def _read_ids(request: web.Request) -> list[str]:
    """The keys of `ids=List(…)`, in the query or, where that was too long for an address, in the body of a POST
    (query tunneling: https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/query-tunneling)."""
    sent = request.raw_path.partition("?")[2]
    if "X-HTTP-Method-Override" in request.headers:
        sent = (await request.read()).decode("utf-8", "replace")
    found = re.search(r"(?:^|&)ids=(?:List|list)\(([^()]*)\)", sent.replace("%28", "(", 1).replace("%29", ")", 1))
    if found is None:
        raise refusals.illegal_argument_error("ids must be a list: ids=List(key,key)")
    return list(dict.fromkeys(unquote(one) for one in found[1].split(",") if one))
