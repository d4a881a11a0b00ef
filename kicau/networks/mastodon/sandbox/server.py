"""The server: routes, seeded accounts, public pages, and the knobs that tests turn."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import (
    PublicPost,
    RequestHandler,
    RequestValidator,
    Sandbox,
    SeededAccount,
    SeededApp,
)
from kicau.networks.mastodon.sandbox.errors import MastodonApiError, no_route_error, rate_limit_error
from kicau.networks.mastodon.sandbox.media import MastodonMediaApi
from kicau.networks.mastodon.sandbox.notifications import MastodonNotificationsApi
from kicau.networks.mastodon.sandbox.oauth import KNOWN_SCOPES, MastodonCaller, MastodonOAuth
from kicau.networks.mastodon.sandbox.people import MastodonAccountsApi
from kicau.networks.mastodon.sandbox.polls import Doc
from kicau.networks.mastodon.sandbox.statuses import MastodonStatusesApi
from kicau.networks.mastodon.sandbox.windows import MastodonRateLimits

type AuthenticatedHandler = Callable[[web.Request, MastodonCaller], Awaitable[web.Response]]
type OpenHandler = Callable[[web.Request], Awaitable[web.Response]]

SEEDED_ACCOUNTS = (
    {
        "id": "109300000000000001",
        "username": "kopisenja",
        "name": "Kopi Senja",
        "note": "Coffee, roasted in Bandung",
        "created_at": "2022-11-04T00:00:00.000Z",
    },
    {
        "id": "109300000000000002",
        "username": "kabarpagi",
        "name": "Kabar Pagi",
        "note": "News at six",
        "created_at": "2022-11-05T00:00:00.000Z",
    },
)

# What snac 2.75 was seen to lack (2026-11-24): with these in `lacks`, and its `version`, the sandbox answers as it does.
SNAC_DIFFERENCES = frozenset(
    {
        "instance-v2",
        "metadata",
        "keys",
        "delete",
        "media-get",
        "polls",
        "visibilities",
        "private-list",
        "limits",
        "alt-lines",
        "high-planes",
        "edit-rest",
        "many-statuses",
    }
)


class Server(Sandbox):
    """Mastodon as its documentation and code describe it; the network's README tells what was never seen live."""

    slug: ClassVar[str] = "mastodon"
    label: ClassVar[str] = "Mastodon"
    accent: ClassVar[str] = "#563acc"
    default_app: ClassVar[SeededApp] = SeededApp(client_id="kicau-mastodon-app", client_secret="kicau-mastodon-sandbox")  # noqa: S106 (opens nothing)
    settings = (
        *Sandbox.settings,
        "limits_off",
        "processing_seconds",
        "key_seconds",
        "lacks",
        "version",
        "api_version",
        "max_characters",
        "max_media",
        "description_limit",
        "image_limit",
        "image_pixels",
        "video_limit",
        "poll_options",
        "poll_option_length",
        "poll_shortest",
        "poll_longest",
    )

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.limits_off = False
        self.processing_seconds = 2.0  # of a video
        self.key_seconds = 3600.0  # how long an Idempotency-Key is kept
        self.lacks: frozenset[str] = frozenset()
        self.version, self.api_version = "4.5.0", 7
        self.max_characters, self.max_media, self.description_limit = 500, 4, 1500
        self.image_limit, self.image_pixels, self.video_limit = 16_777_216, 33_177_600, 103_809_024
        self.poll_options, self.poll_option_length, self.poll_shortest, self.poll_longest = 4, 50, 300, 2_629_746
        self._last_id = 0
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        self.windows = MastodonRateLimits(self.stamp)
        self.oauth = MastodonOAuth(self)
        self.people = MastodonAccountsApi(self)
        self.media = MastodonMediaApi(self, folder)
        self.statuses = MastodonStatusesApi(self)
        self.notifications = MastodonNotificationsApi(self)
        parts = (self.oauth, self.people, self.media, self.statuses, self.notifications)
        made = [*(route for part in parts for route in part.routes()), *self._pages()]
        # Rails does not mind a slash at the end, and Mastodon.py sends some.
        self._made = [*made, *(web.route(one.method, f"{one.path}/", one.handler) for one in made)]

    def _pages(self) -> list[web.RouteDef]:
        return [web.get("/@{name}", self.profile), web.get("/@{name}/{id}", self.permalink)]

    def routes(self) -> Iterable[web.RouteDef]:
        return self._made

    def seed(self) -> None:
        for one in SEEDED_ACCOUNTS:
            if self.store.get("account", one["id"]) is None:
                self.store.put("account", one["id"], dict(one))
        app = self.default_app
        if self.store.get("app", app.client_id) is None:
            self.store.put(
                "app",
                app.client_id,
                {
                    "id": "1",
                    "name": "Kicau",
                    "website": None,
                    "client_id": app.client_id,
                    "client_secret": app.client_secret,
                    "redirects": [],
                    "scopes": list(KNOWN_SCOPES),
                },
            )

    def endpoints(self) -> Mapping[str, str]:
        return {"server": self.base_url}

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SeededAccount(id=a["id"], handle=a["username"], name=a["name"]) for a in self.store.all("account"))

    def app_for(self, client_id: str) -> SeededApp | None:
        found = self.store.get("app", client_id)
        return SeededApp(client_id=found["client_id"], client_secret=found["client_secret"]) if found else None

    @property
    def domain(self) -> str:
        return self.base_url.split("://", 1)[-1]

    def stamp(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        return self.now().timestamp()

    def new_id(self) -> int:
        """Ids grow with time: milliseconds, then 16 bits."""
        self._last_id = max(self._last_id + 1, int(self.stamp() * 1000) << 16)
        return self._last_id

    def username(self, account: str) -> str:
        return str((self.store.get("account", account) or {"username": ""})["username"])

    # The door of every call

    def guarded(
        self,
        work: AuthenticatedHandler,
        scopes: Iterable[str] = (),
        *,
        anonymous: bool = False,
        person: bool = True,
        part: str = "",
    ) -> RequestHandler:
        """The handler of a call: token, scopes and limits are seen to before `work`. `part`: may be in `lacks`."""
        needed = tuple(scopes)

        async def answer(request: web.Request) -> web.StreamResponse:
            if part and part in self.lacks:
                return no_route_error()
            headers: dict[str, str] = {}
            try:
                caller = self.oauth.caller(request)
                headers = self._count(request, caller)
                self._permit(caller, needed, anonymous=anonymous, person=person)
                response = await work(request, caller)
            except MastodonApiError as refusal:
                response = refusal.response()
            for name, value in headers.items():
                response.headers.setdefault(name, value)
            response.headers["Date"] = format_datetime(self.now(), usegmt=True)
            return response

        return answer

    def open(self, work: OpenHandler, *, part: str = "", limited: bool = True) -> RequestHandler:
        """The handler of a call that everybody may make."""

        async def anyone(request: web.Request, caller: MastodonCaller) -> web.Response:
            return await work(request)

        if limited:
            return self.guarded(anyone, anonymous=True, person=False, part=part)

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await work(request)
            except MastodonApiError as refusal:
                return refusal.response()

        return answer

    def _count(self, request: web.Request, caller: MastodonCaller) -> dict[str, str]:
        if caller.app:
            self.meter(caller.app, "calls")
        if self.limits_off or "limits" in self.lacks:
            return {}
        return self.windows.count(request, caller.account, caller.token)

    @staticmethod
    def _permit(caller: MastodonCaller, needed: tuple[str, ...], *, anonymous: bool, person: bool) -> None:
        if not caller.token:
            if anonymous:
                return
            raise MastodonApiError(401, "The access token is invalid")
        if needed and not caller.may(needed):
            raise MastodonApiError(403, "This action is outside the authorized scopes")
        if person and not anonymous and not caller.account:
            raise MastodonApiError(422, "This method requires an authenticated user")

    # What the base asks for

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        headers = MastodonRateLimits._headers(300, 0, self.stamp() + seconds) if seconds else {}
        return rate_limit_error(headers).response()

    def revoke(self, request: web.Request) -> None:
        self.oauth.spoil(request)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """No server sells a plan: it is a limit like any other."""
        return self.rate_limited(request, 300)

    def public_posts(self) -> Iterable[PublicPost]:
        return (self.public_post(one) for one in self.store.all("status"))

    def public_post(self, status: Doc) -> PublicPost:
        media = [doc for one in status["media"] if (doc := self.store.get("media", one))]
        poll = status["poll"]
        extra: dict[str, Any] = {
            "visibility": status["visibility"],
            "warning": status["warning"],
            "sensitive": "yes" if status["sensitive"] else "",
            "language": status["language"],
            "quote": status["quote"],
            "quotes": status["quotes"],
            "poll": {
                "options": poll["options"],
                "multiple": poll["multiple"],
                "hide_totals": poll["hide_totals"],
                "expires_at": poll["expires_at"],
            }
            if poll
            else None,
            "focus": [one["focus"] for one in media] if any(one["focus"] for one in media) else None,
        }
        return PublicPost(
            id=status["id"],
            account=status["account"],
            text=status["text"],
            at=status["at"],
            url=self.statuses.url(status),
            in_reply_to=status["reply_to"],
            media=tuple(
                {
                    "kind": one["kind"],
                    "alt": one["description"] or "",
                    "sha256": one["sha256"],
                    "mime": one["mime"],
                    "url": self.media.url(one),
                    "cover": self.media.cover_url(one) if one.get("cover") else "",
                }
                for one in media
            ),
            extra=extra,
        )

    # Pages that a person sees

    def _who(self, account: str) -> SeededAccount | None:
        return next((one for one in self.accounts() if one.id == account), None)

    async def permalink(self, request: web.Request) -> web.Response:
        status = self.store.get("status", request.match_info["id"])
        if status is None or self.username(status["account"]) != request.match_info["name"]:
            return self.page("Not found", "<p>The page you are looking for isn’t here.</p>", status=404)
        return self.page("Post", self.card(self.public_post(status), self._who(status["account"])))

    async def profile(self, request: web.Request) -> web.Response:
        """Somebody's posts, newest first."""
        found = self.people.named(request.match_info["name"])
        if found is None:
            return self.page("Not found", "<p>The page you are looking for isn’t here.</p>", status=404)
        ids = list(self.statuses.of.get(found["id"], ()))[:-201:-1]
        who = self._who(found["id"])
        cards = "".join(
            self.card(self.public_post(one), who) for each in ids if (one := self.store.get("status", each))
        )
        return self.page(found["name"], f"<h1>{html.escape(found['name'])}</h1>{cards}")
