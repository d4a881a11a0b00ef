"""Posts: creating with every rule that X states, deleting, and reading in either vocabulary."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.x.sandbox import counting, shapes
from kicau.networks.x.sandbox.errors import XApiError, invalid_request_error, not_found_problem, plain_error
from kicau.networks.x.sandbox.media import media_key
from kicau.networks.x.sandbox.oauth import XCaller
from kicau.networks.x.sandbox.post_requests import ID_PATTERN, read_body
from kicau.networks.x.sandbox.timelines import TimelineWindow
from kicau.networks.x.text import find_entities

if TYPE_CHECKING:
    from kicau.networks.x.sandbox.server import Server

MAX_LENGTH, MAX_PREMIUM_LENGTH = 280, 25_000
PAGING_PARAMETERS = ("max_results", "pagination_token", "since_id", "until_id", "start_time", "end_time")


class XPostsApi:
    """Kept in the store, with indexes in memory so that nothing on the way of a post looks through all of them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_author: dict[str, dict[str, None]] = {}
        self._mentions: dict[str, dict[str, None]] = {}  # username, lower case -> posts that mention it
        self._answers = {kind: Counter[str]() for kind in ("reply_to", "quote")}  # how many each post has of them
        self._same: dict[str, tuple[str, float]] = {}  # what a duplicate is known by -> (post, epoch seconds)
        for post in server.store.all("post"):
            self._index(post)

    def count_of(self, account: str) -> int:
        return len(self._by_author.get(account, ()))

    # Creating and deleting

    async def create(self, request: web.Request, who: XCaller) -> web.Response:
        body = read_body(await request.read())
        post, links = self._checked(who, body)
        self._server.billing.check()
        self._server.store.put("post", post["id"], post)
        self._index(post)
        summoned = post["reply_to"] and self._by(post["reply_to"]) != who.account
        meter = "post-with-link" if links else "post-summoned-reply" if summoned else "post"
        self._server.billing.charge(who.app, meter)
        text, _ = self._written(post)
        data = {"id": post["id"], "text": text, **self._history(post, self._words())}
        return web.json_response({"data": data}, status=201)

    def _checked(self, who: XCaller, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """A post that breaks no rule, and whether it has a link. Raises what X answers otherwise."""
        text, media_ids = body.get("text", ""), (body.get("media") or {}).get("media_ids", [])
        if not text.strip() and not media_ids:
            raise invalid_request_error("Tweet text or media is required.", text="")
        limit = MAX_PREMIUM_LENGTH if self._server.premium(who.account) else MAX_LENGTH
        if counting.text_weight(text) > limit:
            raise plain_error(
                400,
                "Your Tweet text is too long. For more information on how Twitter determines text length see https://github.com/twitter/twitter-text.",
            )
        if media_ids and body.get("poll"):
            raise invalid_request_error("A poll takes no media.", poll="", media="")
        found = list(find_entities(text))
        if sum(one.kind == "cashtag" for one in found) > 1:
            raise plain_error(403, "Posts created with this app may hold at most one cashtag.")
        if body.get("edit_options"):
            raise plain_error(403, "You are not permitted to edit this Tweet.")
        media = self._server.uploads.ready(who, media_ids) if media_ids else []
        reply_to, quote = (body.get("reply") or {}).get("in_reply_to_tweet_id", ""), body.get("quote_tweet_id", "")
        parent = self._answerable(who, reply_to) if reply_to else None
        self._quotable(quote)
        same = self._same_key(who, body, media)
        self._refuse_duplicate(same)
        post_id = self._server.next_id()
        links = [[e.start, e.end, _with_protocol(text[e.start : e.end])] for e in found if e.kind == "link"]
        mentions = [text[e.start + 1 : e.end].lower().split("/")[0] for e in found if e.kind == "mention"]
        return {
            "id": post_id,
            "account": who.account,
            "app": who.app,
            "text": text,
            "at": self._server.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "links": links,
            "mentions": mentions,
            "tags": [
                [e.start, e.end, text[e.start + 1 : e.end], e.kind] for e in found if e.kind in ("tag", "cashtag")
            ],
            "reply_to": reply_to,
            "conversation": parent["conversation"] if parent else post_id,
            "quote": quote,
            "media": [media_key(doc) for doc in media],
            "media_ids": [doc["id"] for doc in media],
            "kind": "photo" if media and media[0]["kind"] == "image" else "video",
            "poll": body.get("poll"),
            "reply_settings": body.get("reply_settings", ""),
            "labels": [name for name in ("made_with_ai", "paid_partnership") if body.get(name)],
            "same": same,
        }, bool(links)

    def _answerable(self, who: XCaller, post_id: str) -> dict[str, Any]:
        parent = self._server.store.get("post", post_id)
        if parent is None:
            raise plain_error(403, "You attempted to reply to a Tweet that is deleted or not visible to you.")
        if parent["account"] == who.account or self._server.tier == "enterprise":
            return parent
        name = self._server.username(who.account).lower()
        quoted = self._by(parent["quote"]) if parent["quote"] else ""
        if name not in parent["mentions"] and quoted != who.account:
            raise plain_error(
                403,
                "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.",
            )
        return parent

    def _quotable(self, post_id: str) -> None:
        if not post_id:
            return
        if self._server.tier != "enterprise":
            raise plain_error(403, "Quote posts are not permitted for this app.")
        if self._server.store.get("post", post_id) is None:
            raise invalid_request_error("The quoted Tweet does not exist.", quote_tweet_id=post_id)

    def _same_key(self, who: XCaller, body: dict[str, Any], media: list[dict[str, Any]]) -> str:
        text = " ".join(unicodedata.normalize("NFC", body.get("text", "")).split())
        reply = (body.get("reply") or {}).get("in_reply_to_tweet_id", "")
        told = [who.account, text, reply, body.get("quote_tweet_id", ""), *(doc["sha256"] for doc in media)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def _refuse_duplicate(self, same: str) -> None:
        before = self._same.get(same)
        if before and self._server.now().timestamp() - before[1] < self._server.duplicate_seconds:
            raise plain_error(403, "You are not allowed to create a Tweet with duplicate content.")

    async def delete(self, request: web.Request, who: XCaller) -> web.Response:
        post_id = _read_path_id(request)
        post = self._server.store.get("post", post_id)
        if post is None:
            raise XApiError(404, not_found_problem("tweet", post_id))
        if post["account"] != who.account:
            raise plain_error(403, "You are not authorized to delete this Tweet.")
        self._server.billing.check()
        self._server.store.remove("post", post_id)
        self._by_author[post["account"]].pop(post_id, None)
        for kind, counted in self._answers.items():
            counted[post[kind]] -= 1
        for name in post["mentions"]:
            self._mentions.get(name, {}).pop(post_id, None)
        if self._same.get(post["same"], ("", 0))[0] == post_id:
            del self._same[post["same"]]
        self._server.billing.charge(who.app, "post-delete")
        return web.json_response({"data": {"deleted": True}})

    # Reading

    async def one(self, request: web.Request, who: XCaller) -> web.Response:
        asked = shapes.read_requested_fields(request.query, self._server.vocabularies, ())
        post_id = _read_path_id(request)
        post = self._server.store.get("post", post_id)
        if post is None:
            return web.json_response({"errors": [not_found_problem("tweet", post_id)]})
        return web.json_response(self._answer(who, [post], asked, single=True))

    async def many(self, request: web.Request, who: XCaller) -> web.Response:
        asked = shapes.read_requested_fields(request.query, self._server.vocabularies, ("ids",))
        ids = [one for one in request.query.get("ids", "").split(",") if one]
        if not 1 <= len(ids) <= 100 or not all(ID_PATTERN.fullmatch(one) for one in ids):
            raise invalid_request_error(
                "The `ids` query parameter must hold 1 to 100 ids", ids=request.query.get("ids", "")
            )
        found = [post for one in ids if (post := self._server.store.get("post", one))]
        answer = self._answer(who, found, asked)
        if len(found) < len(ids):
            known = {post["id"] for post in found}
            answer["errors"] = [not_found_problem("tweet", one, "ids") for one in ids if one not in known]
        return web.json_response(answer)

    async def timeline(self, request: web.Request, who: XCaller) -> web.Response:
        asked = shapes.read_requested_fields(request.query, self._server.vocabularies, (*PAGING_PARAMETERS, "exclude"))
        self._someone(request)
        index = self._by_author.get(_read_path_id(request), {})
        return web.json_response(self._page(request, who, index, asked))

    async def mentions(self, request: web.Request, who: XCaller) -> web.Response:
        asked = shapes.read_requested_fields(request.query, self._server.vocabularies, PAGING_PARAMETERS)
        name = self._someone(request)["username"].lower()
        return web.json_response(self._page(request, who, self._mentions.get(name, {}), asked))

    def public(self) -> Iterator[dict[str, Any]]:
        yield from self._server.store.all("post")

    def of(self, account: str) -> Iterator[dict[str, Any]]:
        """An account's posts, newest first."""
        found = (self._server.store.get("post", one) for one in reversed(self._by_author.get(account, {})))
        yield from (post for post in found if post)

    def _someone(self, request: web.Request) -> dict[str, Any]:
        user = self._server.store.get("account", _read_path_id(request))
        if user is None:
            raise XApiError(404, not_found_problem("user", _read_path_id(request)))
        return user

    def _page(
        self, request: web.Request, who: XCaller, index: dict[str, None], asked: shapes.RequestedFields
    ) -> dict[str, Any]:
        window = TimelineWindow(request)
        found: list[dict[str, Any]] = []
        more = False
        for post_id in reversed(index):
            post = self._server.store.get("post", post_id)
            place = window.place(post) if post else "skip"
            if place == "past":
                break
            if post is None or place == "skip":
                continue
            if len(found) == window.most:
                more = True
                break
            found.append(post)
        meta: dict[str, Any] = {"result_count": len(found)}
        if found:
            meta |= {"newest_id": found[0]["id"], "oldest_id": found[-1]["id"]}
        if more:
            meta["next_token"] = shapes.encode_cursor(found[-1]["id"])
        answer = self._answer(who, found, asked)
        if not found:
            answer.pop("data")
        return {**answer, "meta": meta}

    def _answer(
        self, who: XCaller, posts: list[dict[str, Any]], asked: shapes.RequestedFields, *, single: bool = False
    ) -> dict[str, Any]:
        for post in posts:
            self._server.billing.read(who.app, "post-read", post["id"])
        rows = [self._row(post, asked) for post in posts]
        answer: dict[str, Any] = {"data": rows[0] if single else rows}
        if includes := self._includes(posts, asked):
            answer["includes"] = includes
        return answer

    def _row(self, post: dict[str, Any], asked: shapes.RequestedFields) -> dict[str, Any]:
        words = asked.words
        text, urls = self._written(post)
        references = [
            {"type": kind, "id": post[of]} for kind, of in (("replied_to", "reply_to"), ("quoted", "quote")) if post[of]
        ]
        parent = self._server.store.get("post", post["reply_to"]) if post["reply_to"] else None
        whole: dict[str, Any] = {
            "author_id": post["account"],
            "conversation_id": post["conversation"],
            "created_at": post["at"],
            "entities": self._entities(post, text, urls),
            "lang": "und",
            "public_metrics": {
                words.reposts: 0,
                "reply_count": self._answers["reply_to"][post["id"]],
                "like_count": 0,
                "quote_count": self._answers["quote"][post["id"]],
                "bookmark_count": 0,
                "impression_count": 0,
            },
            "reply_settings": post["reply_settings"] or "everyone",
            "possibly_sensitive": False,
            "paid_partnership": "paid_partnership" in post["labels"],
            words.referenced: references or None,
            "in_reply_to_user_id": parent["account"] if parent else None,
            "attachments": ({"media_keys": post["media"]} if post["media"] else {})
            | ({"poll_ids": [post["id"]]} if post["poll"] else {})
            or None,
        }
        row = {"id": post["id"], "text": text, **self._history(post, words if asked.named else None)}
        wanted = set(asked.post)
        if words is shapes.NEW_VOCABULARY:  # 2.167 gives these with the expansion of their name
            wanted |= {"referenced_posts"} & asked.expansions
        wanted |= {name for name in ("author_id", "in_reply_to_user_id") if name in asked.expansions}
        wanted |= {"attachments"} if any(one.startswith("attachments.") for one in asked.expansions) else set()
        wanted |= {words.referenced} if any(one.startswith("referenced") for one in asked.expansions) else set()
        row |= {name: value for name, value in whole.items() if name in wanted and value is not None}
        if words.long_text in asked.post and counting.text_weight(post["text"]) > MAX_LENGTH:
            row[words.long_text] = {"text": row["text"], "entities": whole["entities"]}
        return row

    def _includes(self, posts: list[dict[str, Any]], asked: shapes.RequestedFields) -> dict[str, Any]:
        includes: dict[str, Any] = {}
        if "author_id" in asked.expansions:
            users = (self._server.store.get("account", one) for one in dict.fromkeys(post["account"] for post in posts))
            includes["users"] = [self._server.user(user, asked) for user in users if user]
        if "attachments.media_keys" in asked.expansions:
            docs = [self._server.store.get("media", one) for post in posts for one in post["media_ids"]]
            includes["media"] = [self._media(doc, asked.media) for doc in docs if doc]
        if "attachments.poll_ids" in asked.expansions:
            includes["polls"] = [_poll_json(post) for post in posts if post["poll"]]
        if any(one.startswith("referenced") for one in asked.expansions):
            ids = dict.fromkeys(one for post in posts for one in (post["reply_to"], post["quote"]) if one)
            found = [post for one in ids if (post := self._server.store.get("post", one))]
            includes[asked.words.posts] = [self._row(post, asked) for post in found]
        return {name: rows for name, rows in includes.items() if rows}

    def _media(self, doc: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
        kind = {"image": "photo", "gif": "animated_gif"}.get(doc["kind"], "video")
        whole = {
            "alt_text": doc["alt"] or None,
            "url": self._server.media_url(doc),
            "width": doc.get("width"),
            "height": doc.get("height"),
        }
        row = {"media_key": media_key(doc), "type": kind}
        return row | {name: value for name, value in whole.items() if name in fields and value is not None}

    def _entities(self, post: dict[str, Any], text: str, urls: list[dict[str, Any]]) -> dict[str, Any] | None:
        tags = [{"start": start, "end": end, "tag": tag} for start, end, tag, kind in post["tags"] if kind == "tag"]
        cash = [{"start": start, "end": end, "tag": tag} for start, end, tag, kind in post["tags"] if kind == "cashtag"]
        found = {"urls": urls, "hashtags": tags, "cashtags": cash}
        return {name: rows for name, rows in found.items() if rows} or None

    # Inside

    def _index(self, post: dict[str, Any]) -> None:
        for kind, counted in self._answers.items():
            counted[post[kind]] += 1
        self._by_author.setdefault(post["account"], {})[post["id"]] = None
        for name in post["mentions"]:
            self._mentions.setdefault(name, {})[post["id"]] = None
        self._same[post["same"]] = (post["id"], datetime.fromisoformat(post["at"]).timestamp())

    def _by(self, post_id: str) -> str:
        post = self._server.store.get("post", post_id)
        return post["account"] if post else ""

    def _written(self, post: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        return shapes.text_as_returned(post, self._server.base_url, self._server.username(post["account"]))

    def _words(self) -> shapes.FieldVocabulary | None:
        """The one vocabulary that is known here; None: a request that names neither gets both names."""
        known = [
            words for words in (shapes.NEW_VOCABULARY, shapes.OLD_VOCABULARY) if words.name in self._server.vocabularies
        ]
        return known[0] if len(known) == 1 else None

    def _history(self, post: dict[str, Any], words: shapes.FieldVocabulary | None) -> dict[str, Any]:
        words = words or self._words()
        names = [words.history] if words else [shapes.NEW_VOCABULARY.history, shapes.OLD_VOCABULARY.history]
        return {name: [post["id"]] for name in names}


def _read_path_id(request: web.Request) -> str:
    found = request.match_info["id"]
    if not ID_PATTERN.fullmatch(found):
        raise invalid_request_error(f"The `id` path parameter value [{found}] does not match ^[0-9]{{1,19}}$", id=found)
    return found


def _with_protocol(written: str) -> str:
    return written if re.match(r"https?://", written, re.I) else f"http://{written}"


def _poll_json(post: dict[str, Any]) -> dict[str, Any]:
    minutes = post["poll"]["duration_minutes"]
    ends = datetime.fromisoformat(post["at"]) + timedelta(minutes=minutes)
    return {
        "id": post["id"],
        "options": [
            {"position": n, "label": label, "votes": 0} for n, label in enumerate(post["poll"]["options"], start=1)
        ],
        "duration_minutes": minutes,
        "end_datetime": ends.isoformat().replace("+00:00", "Z"),
        "voting_status": "open",
    }
