"""What the sandboxes of Meta's networks share: a Graph API over HTTP, with tokens, windows and error objects.

Follows https://developers.facebook.com/docs/graph-api (overview, error-handling, rate-limiting), read 2026-11-24.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
from aiohttp import web
from yarl import URL

from kicau.connector.sandbox.server import RequestHandler, RequestValidator, Sandbox, SeededAccount
from kicau.networks._meta.fields import parse_fields
from kicau.networks._meta.forms import UploadedPart, read_form
from kicau.networks._meta.sandbox.batch import (
    BATCH_METHODS,
    BatchCall,
    batch_answer,
    read_batch,
    reject_legacy_features,
)
from kicau.networks._meta.sandbox.calls import (
    FILES_KEY,
    HOUR_SECONDS,
    PARAMS_KEY,
    Doc,
    GraphError,
    GraphRequest,
    pick_fields,
)
from kicau.networks._meta.sandbox.files import GraphFiles
from kicau.networks._meta.sandbox.tokens import GraphTokens
from kicau.networks._meta.sandbox.usage_windows import CallWindow, GraphUsageWindows

MAX_IDS = 50  # in one multi-ID request, by Graph's own refusal as developers quote it


class GraphSandbox(GraphTokens, GraphUsageWindows, GraphFiles):
    """Subclass it with `answer`, which carries a call out and returns its body."""

    graph_prefixes: ClassVar[tuple[str, ...]] = ("",)  # paths that stand for a host of the API
    facebook_prefixes: ClassVar[tuple[str, ...]] = ()  # those of graph.facebook.com: no other host documents batches
    settings = (
        *Sandbox.settings,
        "limits_off",
        "processing_seconds",
        "calls_per_day",
        "app_calls_per_hour",
        "code_seconds",
        "short_seconds",
        "require_proof",
        "oldest",
        "newest",
        "app_created",
    )

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.oldest, self.newest = (21, 0), (27, 0)  # versions that it answers
        self.app_created = date(
            2026, 11, 24
        )  # the day on which the app was made; one of before 4 November may use more
        self.batch_timeouts = 0  # how many calls of coming batches are left unanswered, the last of a batch first
        self.limits_off = False
        self.require_proof = False  # the app setting "Require App Secret"
        self.processing_seconds = 3.0  # that a video takes
        self.calls_per_day = 48_000  # of one account: 4800 × 10 engaged people
        self.app_calls_per_hour = 200_000  # of the app: 200 × 1000 people who use it
        self.code_seconds, self.short_seconds = 600, HOUR_SECONDS  # life of a code and of a short-lived token
        self.media_folder = folder / f"{self.slug}-media" if folder else None
        if self.media_folder:
            self.media_folder.mkdir(parents=True, exist_ok=True)
        self.media_bytes: dict[str, bytes] = {}
        self.windows: dict[str, CallWindow] = {}
        self.app_window = CallWindow()
        self._last_id = 0
        self._client: aiohttp.ClientSession | None = None
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        for doc in self.store.all("calls"):
            self.windows.setdefault(doc["subject"], CallWindow()).hours[doc["hour"]] = doc["count"]
            self.app_window.hours[doc["hour"]] = self.app_window.hours.get(doc["hour"], 0) + doc["count"]

    # What a network gives

    async def answer(self, ask: GraphRequest) -> Any:
        raise NotImplementedError

    def page_name(self, account: str) -> SeededAccount | None:
        """Who stands over a post on the public page."""
        raise NotImplementedError

    # The HTTP surface

    def routes(self) -> Iterable[web.RouteDef]:
        for prefix in self.graph_prefixes:
            yield web.route("*", prefix + r"/{version:v\d+\.\d+}{tail:(?:/.*)?}", self._graph)
        for prefix in self.facebook_prefixes:
            yield web.post(prefix or "/", self._batch_without_version)
        yield web.get("/scontent/{key}", self._media)

    def application(self) -> web.Application:
        app = super().application()
        app.middlewares.insert(0, self._read)
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, app: web.Application) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    @web.middleware
    async def _read(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        """Parameters may be anywhere in a Graph call; they are read once, before anything else looks."""
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        fields: dict[str, str] = {}
        files: dict[str, UploadedPart] = {}
        if request.body_exists and not request.path.startswith("/video-upload/"):
            fields, files = read_form(request.headers.get("Content-Type", ""), await request.read())
        request[PARAMS_KEY], request[FILES_KEY] = {**request.query, **fields}, files
        answer = await handler(request)
        if self.clock_offset and not answer.prepared:
            answer.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return answer

    async def _batch_without_version(self, request: web.Request) -> web.Response:
        request.match_info["version"], request.match_info["tail"] = "v{}.{}".format(*self.newest), ""
        return await self._graph(request)

    async def _graph(self, request: web.Request) -> web.Response:
        subject, version, tail = "", request.match_info["version"], request.match_info["tail"].strip("/")
        body: Any
        try:
            self.check_version(version, tail)
            token = self.authenticate(request)
            subject = str(token["subject"])
            if request.method == "POST" and "batch" in request[PARAMS_KEY] and self._is_facebook_host(request):
                status, extra, body = 200, dict[str, str](), await self._batch(request, token)
            else:
                status, extra, body = await self._carry_out(self._ask(request, token, version, tail))
        except GraphError as refused:
            body, status, extra = refused.body, refused.status, refused.headers
        headers = {**self._answer_headers(version, subject), **extra}
        return web.json_response(body, status=status, headers=headers)

    def _answer_headers(self, version: str, subject: str) -> dict[str, str]:
        return {
            "facebook-api-version": version,
            "x-fb-trace-id": secrets.token_hex(6),
            **self.usage_headers(subject),
        }

    async def _carry_out(self, ask: GraphRequest) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of one call, which counts as one whether it is refused or not."""
        try:
            self.count_call(ask)
            return 200, {}, await (self.answer(ask) if ask.node else self._several(ask))
        except GraphError as refused:
            return refused.status, refused.headers, refused.body

    def _is_facebook_host(self, request: web.Request) -> bool:
        return any(
            request.path == (prefix or "/") or request.path.startswith(f"{prefix}/v")
            for prefix in self.facebook_prefixes
        )

    async def _batch(self, request: web.Request, token: Doc) -> list[Doc | None]:
        """Each call with a status of its own, in the order in which they were sent; null where time ran out."""
        calls = read_batch(request[PARAMS_KEY]["batch"])
        with_headers = request[PARAMS_KEY].get("include_headers", "true").lower() not in ("false", "0")
        lost = min(self.batch_timeouts, len(calls))
        self.batch_timeouts -= lost
        answers = list[Doc | None]()
        for n, call in enumerate(calls):
            subject, version = "", call.version or request.match_info["version"]
            try:
                if call.method not in BATCH_METHODS:
                    raise GraphError(100, f"(#100) Unknown method: {call.method}")
                self.check_version(version, call.path)
                own = self._token_of_batch_call(call, request, token)
                subject = str(own["subject"])
                ask = self._ask_of(request, call.method, version, call.path, call.params, own)
                ask.files = {name: request[FILES_KEY][name] for name in call.files if name in request[FILES_KEY]}
                if n >= len(calls) - lost:
                    self.count_call(ask)
                    answers.append(None)
                    continue
                status, extra, body = await self._carry_out(ask)
            except GraphError as refused:
                status, extra, body = refused.status, refused.headers, refused.body
            headers = {**self._answer_headers(version, subject), **extra}
            answers.append(batch_answer(status, headers, body, with_headers=with_headers))
        return answers

    def _token_of_batch_call(self, call: BatchCall, request: web.Request, token: Doc) -> Doc:
        """Its own where it names one; else the one of the whole batch."""
        if not call.params.get("access_token"):
            return token
        return self._check_proof(self.check_token(call.params["access_token"]), call.params)

    def _ask(self, request: web.Request, token: Doc, version: str, tail: str) -> GraphRequest:
        ask = self._ask_of(request, request.method, version, tail, request[PARAMS_KEY], token)
        ask.files = request[FILES_KEY]
        return ask

    def _ask_of(
        self, request: web.Request, method: str, version: str, tail: str, params: dict[str, str], token: Doc
    ) -> GraphRequest:
        node, _, edge = tail.partition("/")
        several = method == "GET" and not tail and bool(params.get("ids")) and self._is_facebook_host(request)
        if "/" in edge or not (node or several):
            raise GraphError(2500, f"Unknown path components: /{edge or tail}")
        reject_legacy_features(params, version, self.app_created)
        ask = GraphRequest(
            request=request,
            method=method,
            version=version,
            node=node,
            edge=edge,
            params=params,
            files={},
            token=token,
            url=request.url if tail == request.match_info["tail"].strip("/") else self._address(version, tail, params),
        )
        if node == "me":
            ask.node = token["subject"]
        return ask

    def _address(self, version: str, tail: str, params: Mapping[str, str]) -> URL:
        """Of one call of a batch, as if it had been sent alone."""
        return URL(f"{self.base_url}{self.facebook_prefixes[0]}/{version}/{tail}").with_query(params)

    async def _several(self, ask: GraphRequest) -> Doc:
        """`?ids=`, for apps made before 4 November 2026: many objects in one call, each counted as one; where one is
        not there, all of them are refused."""
        ids = [one for one in ask.params["ids"].split(",") if one]
        if len(ids) > MAX_IDS:
            raise GraphError(100, f"(#100) Too many IDs. Maximum: {MAX_IDS}. Provided: {len(ids)}.")
        found, gone = dict[str, Any](), list[str]()
        for n, one in enumerate(ids):
            if n:
                self.count_call(ask)
            try:
                found[one] = await self.answer(replace(ask, node=one))
            except GraphError as refused:
                if refused.body["error"].get("error_subcode") != 33:
                    raise
                gone.append(one)
        if gone:
            raise GraphError(
                803, f"(#803) Some of the aliases you requested do not exist: {','.join(gone)}", status=404
            )
        return found

    def check_version(self, version: str, tail: str) -> None:
        """Refuses a version that is past its two years (2635) or does not exist yet."""
        major, _, minor = version.removeprefix("v").partition(".")
        asked = (int(major), int(minor))
        if asked < self.oldest:
            newest = f"v{self.newest[0]}.{self.newest[1]}"
            raise GraphError(
                2635,
                f"(#2635) You are calling a deprecated version of the API. Please update to the latest version: {newest}.",
            )
        if asked > self.newest:
            raise GraphError(2500, f"Unknown path components: /{version}/{tail}")

    # Objects

    def project(
        self, ask: GraphRequest, view: Mapping[str, Callable[[], Any]], kind: str, default: Iterable[str]
    ) -> Doc:
        """The fields that the call asks for (`default` where it names none), worked out one by one."""
        try:
            wanted = parse_fields(ask.params.get("fields", "")) or {name: {} for name in default}
        except ValueError as exc:
            raise GraphError(2500, f"Syntax error: {exc}") from None
        return pick_fields(view, {"id": {}, **wanted}, kind)

    def listing(
        self,
        ask: GraphRequest,
        docs: Iterable[Doc],
        view: Callable[[Doc], Mapping[str, Callable[[], Any]]],
        kind: str,
        default: Iterable[str],
    ) -> Doc:
        """One page of an edge, with cursors; `docs` in the order in which the edge gives them."""
        try:
            limit = max(0, min(100, int(ask.params.get("limit", "25"))))
        except ValueError:
            raise GraphError(100, "(#100) Param limit must be an integer") from None
        after, rows, more = ask.params.get("after", ""), list[Doc](), False
        reached, total, counts = not after, 0, ask.flag("summary")
        for doc in docs:
            total += 1
            if not reached:
                reached = str(doc["id"]) == after
            elif len(rows) < limit:
                rows.append(doc)
            else:
                more = bool(rows)
                if not counts:
                    break
        answer: Doc = {"data": [self.project(ask, view(doc), kind, default) for doc in rows]}
        if rows:
            answer["paging"] = {"cursors": {"before": str(rows[0]["id"]), "after": str(rows[-1]["id"])}}
        if more:
            answer["paging"]["next"] = str(ask.url.update_query(after=str(rows[-1]["id"])))
        if counts:
            answer["summary"] = {"total_count": total}
        return answer

    # Public page

    def card(self, post: Any, who: SeededAccount | None) -> str:
        return super().card(post, who or self.page_name(post.account))
