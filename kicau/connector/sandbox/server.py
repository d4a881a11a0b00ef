"""What every network's sandbox is built on: a real HTTP server with state, faults on order and a public page.

A network's `sandbox.py` holds `class NetworkSandbox(Sandbox)` named `Server`; `kicau.sandbox` runs them all.
Control (never part of the network's own API): `/_sandbox/{posts,usage,faults,requests,violations,settings}`.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import secrets
import sqlite3
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from aiohttp import web

from kicau.connector.sandbox.settings import change_settings, read_settings
from kicau.connector.transport.http import USER_AGENT_PREFIX

type RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type RequestValidator = Callable[[str, str, Mapping[str, str], Mapping[str, str], bytes], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPost:
    """One post as readers see it; what chaos and previews are compared with."""

    id: str
    account: str  # the account's id
    text: str
    at: str  # ISO 8601, UTC
    url: str
    in_reply_to: str = ""
    media: tuple[Mapping[str, str], ...] = ()  # {"kind", "alt", "sha256", "mime"}
    extra: Mapping[str, Any] = field(default_factory=dict)  # poll, link card, comments, labels …


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededApp:
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededAccount:
    """Somebody who can sign in at the consent page; `id` is what its form's `account` field takes."""

    id: str
    handle: str
    name: str
    kind: str = "person"


FAULT_EFFECTS = frozenset(
    {
        "slow",
        "status",
        "drop",
        "drop-after",
        "status-after",
        "rate-limit",
        "revoke-token",
        "exhaust-plan",
        "malformed",
        "truncate",
    }
)


@dataclass(slots=True, kw_only=True)
class OrderedFault:
    """One misbehaviour on order.

    effect: slow (seconds) · status (status, headers, text) · drop (the request is not carried out, no answer)
    · drop-after (carried out, no answer) · status-after (carried out, then status) · rate-limit (seconds; 0: no header)
    · revoke-token · exhaust-plan · malformed (carried out, answer is no JSON) · truncate (carried out, answer cut)
    """

    effect: str
    method: str = ""  # "" any
    path: str = ""  # regular expression searched in the path; "" any
    times: int = 1  # how many requests it hits; -1: until removed
    skip: int = 0  # how many matching requests pass first
    chance: float = 1.0
    seconds: float = 0.0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def __post_init__(self) -> None:
        if self.effect not in FAULT_EFFECTS:
            raise ValueError(f"there is no effect {self.effect!r}; there are: {', '.join(sorted(FAULT_EFFECTS))}")
        try:
            re.compile(self.path)
        except re.error as exc:
            raise ValueError(f"path is no regular expression: {exc}") from exc

    def hits(self, request: web.Request) -> bool:
        if self.times == 0 or (self.method and self.method != request.method):
            return False
        if self.path and not re.search(self.path, request.path):
            return False
        if self.chance < 1.0 and secrets.randbelow(1_000_000) >= self.chance * 1_000_000:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        return True


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form; none where it cannot be read, as from a multipart body that was cut off."""
    try:
        posted = await request.post()
    except ValueError:
        return {}
    return {name: str(value) for name, value in posted.items()}


class DocumentStore:
    """JSON documents by kind and id, in memory and, where a folder is given, in SQLite so that a restart keeps them."""

    def __init__(self, path: Path | None) -> None:
        self._docs: dict[str, dict[str, dict[str, Any]]] = {}
        # Closed when the store goes, in whatever thread that is noticed.
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # a sandbox survives its process, not a power cut
        self._db.execute("CREATE TABLE IF NOT EXISTS doc (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))")
        for kind, key, body in self._db.execute("SELECT kind, id, body FROM doc ORDER BY rowid"):
            self._docs.setdefault(kind, {})[key] = json.loads(body)

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return self._docs.get(kind, {}).get(key)

    def put(self, kind: str, key: str, doc: dict[str, Any]) -> dict[str, Any]:
        self._docs.setdefault(kind, {})[key] = doc
        self._db.execute(
            "INSERT INTO doc VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(doc)),
        )
        return doc

    def remove(self, kind: str, key: str) -> dict[str, Any] | None:
        self._db.execute("DELETE FROM doc WHERE kind = ? AND id = ?", (kind, key))
        return self._docs.get(kind, {}).pop(key, None)

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """In the order in which they were first put."""
        yield from list(self._docs.get(kind, {}).values())

    def clear(self) -> None:
        self._docs.clear()
        self._db.execute("DELETE FROM doc")

    def close(self) -> None:
        self._db.close()


class Sandbox:
    """Base of a network's sandbox. Subclass it, set the class variables, and give routes, posts and seeds."""

    slug: ClassVar[str]
    label: ClassVar[str]
    accent: ClassVar[str] = "#345"  # colour of its consent and public pages
    default_app: ClassVar[SeededApp]
    settings: ClassVar[tuple[str, ...]] = ("latency", "clock_offset")  # names of what /_sandbox/settings changes
    nullable_settings: ClassVar[frozenset[str]] = frozenset()  # those that may be null

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.base_url = base_url  # "http://127.0.0.1:8101", set when the port is known
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.store = DocumentStore(folder / f"{self.slug}.sqlite3" if folder else None)
        self.faults: list[OrderedFault] = []
        self.violations: list[str] = [doc["told"] for doc in self.store.all("violation")]
        self.validators = tuple(validators)
        self.latency = 0.0  # seconds before each answer
        self.clock_offset = 0.0  # seconds; lets a test make tokens and windows expire
        self.requests: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.seed()

    # What a network gives

    def routes(self) -> Iterable[web.RouteDef]:
        raise NotImplementedError

    def seed(self) -> None:
        """Put the accounts in, once; called at every start, must not overwrite."""
        raise NotImplementedError

    def endpoints(self) -> Mapping[str, str]:
        """The connector's endpoint names, pointing here."""
        raise NotImplementedError

    def accounts(self) -> tuple[SeededAccount, ...]:
        raise NotImplementedError

    def public_posts(self) -> Iterable[PublicPost]:
        """Everything that readers can see now, oldest first."""
        raise NotImplementedError

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        """A 429 in the network's own form; `seconds` 0: without saying until when."""
        headers = {"Retry-After": str(int(seconds))} if seconds else {}
        return web.json_response({"error": "rate limited"}, status=429, headers=headers)

    def revoke(self, request: web.Request) -> None:
        """Make the request's token worthless from now on."""
        raise NotImplementedError

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """The answer when the app's plan is spent, in the network's own form."""
        raise NotImplementedError

    # What every network has

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.clock_offset, UTC)

    def meter(self, app: str, meter: str, units: int = 1) -> None:
        """Count what the network would bill, independently of what the client believes."""
        day = self.now().date().isoformat()
        key = f"{app}|{day}|{meter}"
        row = self.store.get("usage", key) or {"app": app, "day": day, "meter": meter, "units": 0}
        self.store.put("usage", key, {**row, "units": row["units"] + units})

    def usage(self) -> list[dict[str, Any]]:
        return list(self.store.all("usage"))

    def app_for(self, client_id: str) -> SeededApp | None:
        return self.default_app if client_id == self.default_app.client_id else None

    def application(self) -> web.Application:
        """The aiohttp application: the network's routes, the control endpoint and the public page."""
        app = web.Application(middlewares=[self._middleware], client_max_size=600 << 20)
        app.add_routes(
            [
                web.get("/_sandbox/posts", self._posts),
                web.get("/_sandbox/usage", self._usage),
                web.get("/_sandbox/requests", self._requests),
                web.get("/_sandbox/violations", self._violations),
                web.route("*", "/_sandbox/faults", self._faults),
                web.route("*", "/_sandbox/settings", self._settings),
                web.get("/_sandbox/info", self._info),
            ]
        )
        app.add_routes(self.routes())
        if not any(getattr(r, "path", "") == "/" and getattr(r, "method", "") in ("*", "GET") for r in self.routes()):
            app.add_routes([web.get("/", self._front_page)])
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        await self._note(request)
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = next((f for f in self.faults if f.hits(request)), None)
        if fault is None:
            return await handler(request)
        return await self._misbehave(request, handler, fault)

    async def _note(self, request: web.Request) -> None:
        agent = request.headers.get("User-Agent", "")
        self.requests.append(
            {"method": request.method, "path": request.path_qs, "agent": agent, "at": self.now().isoformat()}
        )
        if self.validators and agent.startswith(USER_AGENT_PREFIX):
            body = await request.read()
            for validate in self.validators:
                for told in validate(request.method, request.path, dict(request.query), dict(request.headers), body):
                    self.store.put("violation", str(len(self.violations)), {"told": told})
                    self.violations.append(told)

    async def _misbehave(
        self, request: web.Request, handler: RequestHandler, fault: OrderedFault
    ) -> web.StreamResponse:
        match fault.effect:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return await handler(request)
            case "status":
                return web.Response(status=fault.status, text=fault.text, headers=fault.headers)
            case "status-after":
                await request.read()
                await handler(request)
                return web.Response(status=fault.status, text=fault.text, headers=fault.headers)
            case "drop":
                await request.read()
                return _close_connection(request)
            case "drop-after":
                await handler(request)
                if fault.seconds:
                    await asyncio.sleep(fault.seconds)
                return _close_connection(request)
            case "rate-limit":
                await request.read()
                return self.rate_limited(request, fault.seconds)
            case "revoke-token":
                self.revoke(request)
                return await handler(request)
            case "exhaust-plan":
                await request.read()
                return self.plan_exhausted(request)
            case "malformed":
                answer = await handler(request)
                return web.Response(status=answer.status, text="<html>Bad gateway", content_type="text/html")
            case "truncate":
                answer = await handler(request)
                body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
                return web.Response(status=answer.status, body=body[: len(body) // 2], content_type="application/json")
        raise AssertionError(f"the effect {fault.effect!r} is in EFFECTS, and nothing carries it out")

    async def _posts(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(post) for post in self.public_posts()])

    async def _usage(self, request: web.Request) -> web.Response:
        return web.json_response(self.usage())

    async def _requests(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.requests))

    async def _violations(self, request: web.Request) -> web.Response:
        return web.json_response(self.violations)

    async def _info(self, request: web.Request) -> web.Response:
        return web.json_response(self.describe())

    async def _faults(self, request: web.Request) -> web.Response:
        """GET lists, POST orders one (fields of `OrderedFault`), DELETE removes all."""
        if request.method == "POST":
            try:
                self.faults.append(OrderedFault(**await request.json()))
            except (TypeError, ValueError) as exc:
                return web.json_response({"error": f"not a fault: {exc}"}, status=400)
        elif request.method == "DELETE":
            self.faults.clear()
        return web.json_response([asdict(f) for f in self.faults])

    async def _settings(self, request: web.Request) -> web.Response:
        """GET shows all settings; POST changes those of its JSON object, or none of them where one is wrong."""
        if request.method == "POST":
            try:
                change_settings(self, self.settings, await request.json(), nullable=self.nullable_settings)
            except ValueError as refused:  # no JSON, or a wrong setting
                return web.json_response({"error": str(refused)}, status=400)
        return web.json_response(read_settings(self, self.settings))

    def describe(self) -> dict[str, Any]:
        """What another client needs to be pointed here; printed by `kicau sandbox --json`."""
        return {
            "network": self.slug,
            "base_url": self.base_url,
            "endpoints": dict(self.endpoints()),
            "client_id": self.default_app.client_id,
            "client_secret": self.default_app.client_secret,
            "accounts": [asdict(a) for a in self.accounts()],
        }

    # Pages that a person sees

    def page(self, title: str, body: str, status: int = 200) -> web.Response:
        """A small page in the network's colour, plainly marked as a sandbox."""
        return web.Response(
            text=_PAGE_TEMPLATE.format(
                title=html.escape(title), label=html.escape(self.label), accent=self.accent, body=body
            ),
            content_type="text/html",
            status=status,
        )

    def consent_page(
        self, *, app_name: str, scopes: Iterable[str], accounts: Iterable[SeededAccount], hidden: Mapping[str, str]
    ) -> web.Response:
        """A form that posts `account` (one of the ids), `decision` (allow | deny) and `hidden` to the same address."""
        e = html.escape
        fields = "".join(f'<input type="hidden" name="{e(k)}" value="{e(v)}">' for k, v in hidden.items())
        choices = "".join(
            f'<label class="who"><input type="radio" name="account" value="{e(a.id)}"{" checked" if n == 0 else ""}>'
            f"<b>{e(a.name)}</b> <span>@{e(a.handle)}</span></label>"
            for n, a in enumerate(accounts)
        )
        wants = "".join(f"<li>{e(s)}</li>" for s in scopes)
        return self.page(
            f"{app_name} wants access",
            f'<form method="post"><h1>{e(app_name)} wants access to your {e(self.label)} account</h1>{fields}{choices}'
            f'<p>It asks for:</p><ul>{wants}</ul><button name="decision" value="allow">Allow</button> '
            f'<button name="decision" value="deny" class="quiet">Decline</button></form>',
        )

    @staticmethod
    def send_back(redirect_uri: str, **query: str) -> web.Response:
        """302 to the app's callback with `query`."""
        joint = "&" if "?" in redirect_uri else "?"
        return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})

    async def _front_page(self, request: web.Request) -> web.Response:
        posts = list(self.public_posts())[::-1][:200]
        names = {a.id: a for a in self.accounts()}
        cards = "".join(self.card(post, names.get(post.account)) for post in posts)
        return self.page(
            f"{self.label} sandbox", f"<h1>Published here</h1><p>{len(posts)} posts, newest first.</p>{cards}"
        )

    def card(self, post: PublicPost, who: SeededAccount | None) -> str:
        """One post for the public page."""
        e = html.escape
        name = e(who.name) if who else e(post.account)
        handle = f"@{e(who.handle)}" if who else ""
        media = "".join(
            f"<figure>{_media_html(m)}<figcaption>{e(m.get('alt', '')) or 'no alt text'}</figcaption></figure>"
            for m in post.media
        )
        extra = "".join(
            f"<dt>{e(str(k))}</dt><dd>{e(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False))}</dd>"
            for k, v in post.extra.items()
            if v
        )
        answer = f"<p class=quiet>in reply to {e(post.in_reply_to)}</p>" if post.in_reply_to else ""
        return (
            f'<article id="p{e(post.id)}"><header><b>{name}</b> <span>{handle}</span> '
            f'<a href="{e(post.url)}"><time>{e(post.at)}</time></a></header>{answer}<p class="text">{e(post.text)}</p>'
            f"{media}<dl>{extra}</dl></article>"
        )


def _media_html(media: Mapping[str, str]) -> str:
    url, kind = html.escape(media.get("url", "")), media.get("kind", "")
    if not url:
        return f"<span class=quiet>{html.escape(kind)}</span>"
    if kind == "video":
        poster = f' poster="{html.escape(media["cover"])}"' if media.get("cover") else ""
        return f'<video src="{url}"{poster} controls preload="none"></video>'
    if kind == "document":
        return f'<a href="{url}">document</a>'
    return f'<img src="{url}" alt="{html.escape(media.get("alt", ""))}" loading="lazy">'


def _close_connection(request: web.Request) -> web.Response:
    """Close the connection without an answer, as a broken line does."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


_PAGE_TEMPLATE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; --accent: {accent}; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 40rem; padding: 0 1rem 4rem; }}
.bar {{ background: var(--accent); color: #fff; margin: 0 -1rem 1.5rem; padding: .6rem 1rem; }}
h1 {{ font-size: 1.25rem; }} article {{ border: 1px solid #8885; border-radius: 12px; margin: 1rem 0; padding: 1rem; }}
article header span, time, .quiet, figcaption, dt {{ color: light-dark(#555, #aaa); }} .text {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
figure {{ margin: .5rem 0; }} img, video {{ max-width: 100%; border-radius: 8px; }} dl {{ font-size: .875rem; }} dd {{ margin: 0 0 .3rem; overflow-wrap: anywhere; }}
.who {{ display: block; padding: .6rem; border: 1px solid #8885; border-radius: 8px; margin: .4rem 0; }}
button {{ font: inherit; background: var(--accent); color: #fff; border: 0; border-radius: 8px; padding: .6rem 1.2rem; }}
button.quiet {{ background: none; color: inherit; border: 1px solid #8888; }}
</style><div class="bar">{label} <b>sandbox</b>: nothing here is the real network</div>{body}</html>"""


async def start_sandbox(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> web.AppRunner:
    """Serve it on loopback; port 0 takes a free one. `base_url` is set; stop it with `await runner.cleanup()`."""
    runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, reuse_address=os.name == "posix")
    await site.start()
    real = runner.addresses[0][1]
    sandbox.base_url = f"http://{host}:{real}"
    return runner
