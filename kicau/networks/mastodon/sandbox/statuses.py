"""Posts of the Mastodon sandbox: what is refused, what is kept, and how it is shown."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.connector.content import SpanKind
from kicau.networks.mastodon.sandbox.errors import MastodonApiError, not_found_error, validation_error
from kicau.networks.mastodon.sandbox.oauth import MastodonCaller
from kicau.networks.mastodon.sandbox.params import read_params, to_bool, to_int
from kicau.networks.mastodon.sandbox.polls import Doc, MastodonPollsApi, iso_time, read_poll_options
from kicau.networks.mastodon.text import count_characters, find_entities, normalize_text

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

VISIBILITIES = ("public", "unlisted", "private", "direct")
PUBLIC_VISIBILITIES = frozenset({"public", "unlisted"})
QUOTE_POLICIES = ("public", "followers", "nobody")


class MastodonStatusesApi:
    def __init__(self, box: Server) -> None:
        self.box = box
        self.polls = MastodonPollsApi(box)
        self.of: dict[str, dict[str, None]] = {}  # account -> ids, oldest first
        self.answers: dict[str, list[str]] = {}  # status -> ids of its answers
        for status in box.store.all("status"):
            self._index(status)

    def _index(self, status: Doc) -> None:
        self.of.setdefault(status["account"], {})[status["id"]] = None
        if status["reply_to"]:
            self.answers.setdefault(status["reply_to"], []).append(status["id"])

    def routes(self) -> list[web.RouteDef]:
        guarded, sees = self.box.guarded, ("read:statuses",)
        return [
            web.post("/api/v1/statuses", guarded(self.create, ("write:statuses",))),
            web.get("/api/v1/statuses", guarded(self.several, sees, anonymous=True, part="many-statuses")),
            web.get("/api/v1/statuses/{id}", guarded(self.show, sees, anonymous=True)),
            web.get("/api/v1/statuses/{id}/context", guarded(self.context, sees, anonymous=True)),
            web.get("/api/v1/statuses/{id}/source", guarded(self.source, sees)),
            web.put("/api/v1/statuses/{id}", guarded(self.edit, ("write:statuses",))),
            web.delete("/api/v1/statuses/{id}", guarded(self.delete, ("write:statuses",), part="delete")),
            web.get("/api/v1/accounts/{id}/statuses", guarded(self.list, sees, anonymous=True)),
            web.get("/api/v1/timelines/home", guarded(self.home, sees)),
            web.get("/api/v1/polls/{id}", guarded(self.polls.show, sees, anonymous=True)),
            web.get("/api/v2/search", guarded(self.search, ("read:search",))),
        ]

    # Publishing

    async def create(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        form = await read_params(request)
        thread = self._referred(
            form.get("in_reply_to_id"), caller, "The post you are trying to reply to does not appear to exist."
        )
        quoted = self._referred(
            form.get("quoted_status_id"), caller, "The post you are trying to quote does not appear to exist."
        )
        key = request.headers.get("Idempotency-Key", "")
        kept = self.box.store.get("key", f"{caller.account}|{key}") if key and "keys" not in self.box.lacks else None
        if kept and kept["until"] > self.box.stamp():
            known = self.box.store.get("status", kept["status"])
            if known is None:
                raise not_found_error()
            return web.json_response(self.shape(known, caller))
        status = self._checked(form, caller, thread, quoted)
        self.box.store.put("status", status["id"], status)
        self._index(status)
        self.box.notifications.tell(status)
        for one in status["media"]:
            media = self.box.store.get("media", one)
            if media:
                self.box.store.put("media", one, {**media, "status": status["id"]})
        if key:
            self.box.store.put(
                "key",
                f"{caller.account}|{key}",
                {"status": status["id"], "until": self.box.stamp() + self.box.key_seconds},
            )
        return web.json_response(self.shape(status, caller))

    def _referred(self, given: Any, caller: MastodonCaller, said: str) -> Doc | None:
        if given in (None, ""):
            return None
        found = self.box.store.get("status", str(given))
        if found is None or not _may_see(found, caller.account):
            raise MastodonApiError(404, said)
        return found

    def _checked(self, form: Doc, caller: MastodonCaller, thread: Doc | None, quoted: Doc | None) -> Doc:
        """The post to keep. Raises MastodonApiError with everything that is wrong with it."""
        box = self.box
        media = self._media(form, caller)
        text, warning = (
            normalize_text(str(form.get("status") or "")),
            normalize_text(str(form.get("spoiler_text") or "")),
        )
        sensitive = to_bool(form.get("sensitive")) or bool(warning)
        if "high-planes" in box.lacks:  # as snac puts two halves of a character together
            text = "".join(chr((ord(c) - 0x10000) | 0x10000) if ord(c) > 0xFFFF else c for c in text)
        if not text and warning and not quoted:
            text, warning = warning, ""
        visibility, policy = str(form.get("visibility") or "public"), str(form.get("quote_approval_policy") or "public")
        if visibility not in VISIBILITIES or policy not in QUOTE_POLICIES:
            raise MastodonApiError(422, "Record invalid")
        if form.get("scheduled_at"):
            raise MastodonApiError(422, "This sandbox publishes at once: it takes no scheduled_at")
        poll = None if "polls" in box.lacks else form.get("poll")
        faults = [] if text or media or quoted else ["Text can't be blank"]
        if count_characters(text, warning) > box.max_characters:
            faults.append(f"Text character limit of {box.max_characters} exceeded")
        faults += self.polls.faults(poll) if isinstance(poll, dict) and poll else []
        if faults:
            raise validation_error(*faults)
        if quoted and quoted["visibility"] == "private" and visibility in PUBLIC_VISIBILITIES:
            visibility = "private"
        if "visibilities" in box.lacks:
            visibility = {"unlisted": "public", "direct": "private"}.get(visibility, visibility)
        now = box.now()
        return {
            "id": str(box.new_id()),
            "account": caller.account,
            "app": caller.app,
            "text": text,
            "warning": warning,
            "sensitive": sensitive,
            "visibility": visibility,
            "language": _read_language(str(form.get("language") or "")),
            "reply_to": thread["id"] if thread else "",
            "reply_account": thread["account"] if thread else "",
            "quote": quoted["id"] if quoted else "",
            "quotes": policy if visibility in PUBLIC_VISIBILITIES else "nobody",
            "media": [one["id"] for one in media],
            "poll": self.polls.keep(poll, now) if isinstance(poll, dict) and poll else None,
            "at": iso_time(now),
        }

    def _media(self, form: Doc, caller: MastodonCaller) -> list[Doc]:
        ids = form.get("media_ids")
        if not isinstance(ids, list) or not ids:
            return []
        if len(ids) > self.box.max_media or form.get("poll"):
            raise MastodonApiError(422, f"Cannot attach more than {self.box.max_media} files")
        found, lost = [], []
        for one in map(str, ids):
            media = self.box.store.get("media", one)
            if media is None or media["account"] != caller.account or media["status"]:
                lost.append(one)
            else:
                found.append(media)
        if lost:
            raise MastodonApiError(422, f"Media {', '.join(lost)} not found or already attached to another post")
        if len(found) > 1 and any(one["kind"] == "video" for one in found):
            raise MastodonApiError(422, "Cannot attach a video to a post that already contains images")
        if any(self.box.media.is_waiting(one) or not one["good"] for one in found):
            raise MastodonApiError(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        return found

    # Reading and deleting

    def _visible(self, request: web.Request, caller: MastodonCaller) -> Doc:
        found = self.box.store.get("status", request.match_info["id"])
        if found is None or not _may_see(found, caller.account):
            raise not_found_error()
        return found

    async def show(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        return web.json_response(self.shape(self._visible(request, caller), caller))

    async def several(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        """Those of the ids that there are; more than a page is refused (check_statuses_limit, as of 4.5)."""
        ids = dict.fromkeys(request.query.getall("id[]", []))
        if len(ids) > 20:
            raise MastodonApiError(422, "Mastodon::ValidationError")
        found = [one for key in ids if (one := self.box.store.get("status", key)) and _may_see(one, caller.account)]
        return web.json_response([self.shape(one, caller) for one in found])

    async def source(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        found = self._visible(request, caller)
        if found["account"] != caller.account:
            raise MastodonApiError(403, "This action is not allowed")
        return web.json_response({"id": found["id"], "text": found["text"], "spoiler_text": found["warning"]})

    async def context(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        found = self._visible(request, caller)
        above: list[Doc] = []
        at = found
        while at["reply_to"] and (before := self.box.store.get("status", at["reply_to"])):
            above.insert(0, before)
            at = before
        below, waiting = [], [found["id"]]
        while waiting:
            for one in self.answers.get(waiting.pop(0), ()):
                if status := self.box.store.get("status", one):
                    below.append(status)
                    waiting.append(one)
        shown = [[self.shape(one, caller) for one in rows if _may_see(one, caller.account)] for rows in (above, below)]
        return web.json_response({"ancestors": shown[0], "descendants": shown[1]})

    async def delete(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        found = self.box.store.get("status", request.match_info["id"])
        if found is None or found["account"] != caller.account:
            raise not_found_error()
        shown = {**self.shape(found, caller), "text": found["text"]}
        self.box.store.remove("status", found["id"])
        self.of[found["account"]].pop(found["id"], None)
        if found["reply_to"]:
            self.answers[found["reply_to"]].remove(found["id"])
        self.box.notifications.forget(found)
        return web.json_response(shown)

    async def edit(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        """What is left out is taken from the post; its poll's votes stay while its options do."""
        found = self.box.store.get("status", request.match_info["id"])
        if found is None or found["account"] != caller.account:
            raise not_found_error()
        form = await read_params(request)
        if "edit-rest" in self.box.lacks:
            form = {
                "status": form.get("status"),
                "spoiler_text": found["warning"],
                "sensitive": found["sensitive"],
                "media_ids": found["media"],
            }
        attributes = form.get("media_attributes")
        if isinstance(attributes, list):
            self._describe(found, attributes)
        made = {**found, **self._revised(found, form), "edited": iso_time(self.box.now())}
        self.box.store.put("status", found["id"], made)
        return web.json_response(self.shape(made, caller))

    def _describe(self, status: Doc, attributes: Any) -> None:
        for one in attributes:
            media = self.box.store.get("media", self._held(status, str(one.get("id"))))
            if media is None or media["id"] not in status["media"]:
                raise MastodonApiError(404, "Record not found")
            self.box.media.describe(media, one)

    def _held(self, status: Doc, given: str) -> str:
        """A file by the id that the API shows, which may be one of the post (`media-get`)."""
        place = given.rpartition("_")[2]
        shown = given.startswith(self.uri(status)) and place.isdigit() and int(place) < len(status["media"])
        return str(status["media"][int(place)]) if shown else given

    def _revised(self, status: Doc, form: Doc) -> Doc:
        text, warning = (
            normalize_text(str(form.get("status") or "")),
            normalize_text(str(form.get("spoiler_text") or "")),
        )
        media = [self._held(status, str(one)) for one in form.get("media_ids") or ()]
        if lost := [one for one in media if one not in status["media"]]:
            raise MastodonApiError(422, f"Media {', '.join(lost)} not found or already attached to another post")
        faults = [] if text or media or status["quote"] else ["Text can't be blank"]
        if count_characters(text, warning) > self.box.max_characters:
            faults.append(f"Text character limit of {self.box.max_characters} exceeded")
        if faults:
            raise validation_error(*faults)
        if "high-planes" in self.box.lacks:
            text = "".join(chr((ord(c) - 0x10000) | 0x10000) if ord(c) > 0xFFFF else c for c in text)
        poll = form.get("poll")
        kept = (
            status["poll"]
            if isinstance(poll, dict) and status["poll"] and read_poll_options(poll) == status["poll"]["options"]
            else None
        )
        language = {"language": _read_language(str(form["language"]))} if form.get("language") else {}
        return {
            "text": text,
            "warning": warning,
            "sensitive": to_bool(form.get("sensitive")) or bool(warning),
            "media": media,
            "poll": kept,
            **language,
        }

    async def list(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        account = request.match_info["id"]
        if self.box.store.get("account", account) is None:
            raise not_found_error()
        only_open = "private-list" in self.box.lacks
        rows = (
            one
            for one in self._newest(account, request)
            if _may_see(one, caller.account) and (not only_open or one["visibility"] in PUBLIC_VISIBILITIES)
        )
        return self._page(request, caller, rows)

    async def home(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        rows = (one for one in self._newest(caller.account, request) if one["visibility"] != "direct")
        return self._page(request, caller, rows)

    def _newest(self, account: str, request: web.Request) -> Iterator[Doc]:
        query = request.query
        below, above = to_int(query.get("max_id")), to_int(query.get("since_id")) or to_int(query.get("min_id")) or 0
        if to_bool(query.get("pinned", "")):
            return
        for one in reversed(self.of.get(account, {})):
            if below is not None and int(one) >= below:
                continue
            status = self.box.store.get("status", one)
            if int(one) <= above:
                return
            if status is None or (to_bool(query.get("only_media", "")) and not status["media"]):
                continue
            if to_bool(query.get("exclude_replies", "")) and status["reply_account"] not in ("", account):
                continue
            tags = {e.target.lower() for e in find_entities(status["text"]) if e.kind is SpanKind.TAG}
            if not query.get("tagged") or query["tagged"].lower() in tags:
                yield status

    def _page(self, request: web.Request, caller: MastodonCaller, rows: Iterator[Doc]) -> web.Response:
        limit = min(to_int(request.query.get("limit")) or 20, 40)
        found = [row for row, _ in zip(rows, range(limit), strict=False)]
        headers = {}
        if found:
            base = f"{self.box.base_url}{request.path}?limit={limit}"
            headers["Link"] = (
                f'<{base}&max_id={found[-1]["id"]}>; rel="next", <{base}&min_id={found[0]["id"]}>; rel="prev"'
            )
        return web.json_response([self.shape(one, caller) for one in found], headers=headers)

    async def search(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        """Posts by their address; nothing else is looked for here."""
        asked = request.query.get("q", "").strip()
        found = self.box.store.get("status", asked.rstrip("/").rsplit("/", 1)[-1])
        fits = found is not None and asked in (self.url(found), self.uri(found)) and _may_see(found, caller.account)
        shown = [self.shape(found, caller)] if found and fits else []
        return web.json_response({"accounts": [], "statuses": shown, "hashtags": []})

    # Shapes

    def url(self, status: Doc) -> str:
        return f"{self.box.base_url}/@{self.box.username(status['account'])}/{status['id']}"

    def uri(self, status: Doc) -> str:
        return f"{self.box.base_url}/users/{self.box.username(status['account'])}/statuses/{status['id']}"

    def shape(self, status: Doc, caller: MastodonCaller) -> Doc:
        """A post as the API shows it."""
        found = find_entities(status["text"])
        app = self.box.store.get("app", status["app"])
        media = [doc for one in status["media"] if (doc := self.box.store.get("media", one))]
        shown: Doc = {
            "id": status["id"],
            "created_at": status["at"],
            "in_reply_to_id": status["reply_to"] or None,
            "in_reply_to_account_id": status["reply_account"] or None,
            "sensitive": status["sensitive"],
            "spoiler_text": status["warning"],
            "visibility": status["visibility"],
            "language": status["language"],
            "uri": self.uri(status),
            "url": self.url(status),
            "replies_count": len(self.answers.get(status["id"], ())),
            "reblogs_count": 0,
            "favourites_count": 0,
            "quotes_count": 0,
            "edited_at": status.get("edited"),
            "content": self._content(status["text"]),
            "reblog": None,
            "application": {"name": app["name"], "website": app["website"]} if app else None,
            "account": self.box.people.shape(status["account"]),
            "media_attachments": [self.box.media.shape(one) for one in media],
            "mentions": [
                self._mention(e.target) for e in found if e.kind is SpanKind.MENTION and self._is_known(e.target)
            ],
            "tags": [
                {"name": e.target.lower(), "url": f"{self.box.base_url}/tags/{e.target.lower()}"}
                for e in found
                if e.kind is SpanKind.TAG
            ],
            "emojis": [],
            "card": None,
            "poll": self.polls.shape(status["poll"]) if status["poll"] else None,
            "quote": {"state": "accepted", "quoted_status": self._quoted(status["quote"], caller)}
            if status["quote"]
            else None,
        }
        if caller.account:
            shown |= {
                "favourited": False,
                "reblogged": False,
                "muted": False,
                "bookmarked": False,
                "pinned": False,
                "filtered": [],
            }
        if "media-get" in self.box.lacks:  # as snac shows them: its own text, and other ids for the files
            shown["text"] = status["text"]
            for n, one in enumerate(shown["media_attachments"]):
                one["id"] = f"{shown['uri']}_{n}"
        return shown

    def _quoted(self, status_id: str, caller: MastodonCaller) -> Doc | None:
        found = self.box.store.get("status", status_id)
        return self.shape({**found, "quote": ""}, caller) if found and _may_see(found, caller.account) else None

    def _is_known(self, target: str) -> bool:
        """Somebody here, or on any other server: those are taken to be known."""
        name, _, domain = target.partition("@")
        return bool(domain and domain != self.box.domain) or self.box.people.named(name) is not None

    def _mention(self, target: str) -> Doc:
        name, _, domain = target.partition("@")
        here = None if domain and domain != self.box.domain else self.box.people.named(name)
        if here:
            return {"id": here["id"], "username": name, "acct": name, "url": f"{self.box.base_url}/@{name}"}
        return {"id": "0", "username": name, "acct": target, "url": f"https://{domain}/@{name}"}

    def _content(self, text: str) -> str:
        """The text as HTML: paragraphs, line ends, links, and mentions of others without their server."""
        out, done = [], 0
        for one in find_entities(text):
            out += [
                html.escape(text[done : one.start], quote=False),
                self._linked(one.kind, text[one.start : one.end], one.target),
            ]
            done = one.end
        whole = "".join([*out, html.escape(text[done:], quote=False)])
        paragraphs = [part.strip("\n").replace("\n", "<br>") for part in whole.split("\n\n")]
        return "".join(f"<p>{part}</p>" for part in paragraphs if part)

    def _linked(self, kind: SpanKind, written: str, target: str) -> str:
        e = html.escape
        if kind is SpanKind.LINK:
            return f'<a href="{e(target)}" target="_blank" rel="nofollow noopener" translate="no">{e(written, quote=False)}</a>'
        if kind is SpanKind.TAG:
            return f'<a href="{self.box.base_url}/tags/{e(target)}" class="mention hashtag" rel="tag">#<span>{e(target)}</span></a>'
        if not self._is_known(target):
            return e(written)
        shown = self._mention(target)
        return f'<span class="h-card" translate="no"><a href="{e(shown["url"])}" class="u-url mention">@<span>{e(shown["username"])}</span></a></span>'


def _may_see(status: Doc, account: str) -> bool:
    return status["visibility"] in PUBLIC_VISIBILITIES or status["account"] == account


def _read_language(given: str) -> str:
    """The language where it looks like one, else the server's own."""
    first = given.split("-")[0].lower()
    return given if len(first) in (2, 3) and first.isalpha() else "en"
