"""The app view of the Bluesky sandbox: what others did with an account's posts, and how often.

As of bluesky-social/atproto, packages/bsky, 2026-08: one notification for each account of each post (a mention before a
quote before a reply), one for each like and repost, newest first; `seenAt` is refused; posts that are gone are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kicau.networks.bluesky.sandbox.errors import BlueskyApiError, invalid_request_error
from kicau.networks.bluesky.sandbox.tokens import BlueskyCaller

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

type Doc = dict[str, Any]

POST_COLLECTION, LIKE_COLLECTION, REPOST_COLLECTION = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.feed.repost"
LIST_NOTIFICATIONS_NSID, GET_POSTS_NSID = "app.bsky.notification.listNotifications", "app.bsky.feed.getPosts"
GET_THREAD_NSID = "app.bsky.feed.getPostThread"
MAX_THREAD_LEVELS = 1000  # of replies or of what a post answers
MAX_URIS = 25
READ_SCOPES = frozenset(
    {"com.atproto.access", "com.atproto.appPass", "com.atproto.appPassPrivileged", "transition:generic"}
)


@dataclass(slots=True)
class InteractionCounts:
    """What was done with each post, by its address."""

    replies: Counter[str] = field(default_factory=Counter)
    quotes: Counter[str] = field(default_factory=Counter)
    by: dict[str, dict[str, dict[str, str]]] = field(  # LIKE or REPOST -> post -> account -> record
        default_factory=lambda: {LIKE_COLLECTION: defaultdict(dict), REPOST_COLLECTION: defaultdict(dict)}
    )
    viewer: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))  # the caller's own records


class AppView:
    def __init__(self, box: Server) -> None:
        self.box = box

    def _let_in(self, nsid: str, caller: BlueskyCaller) -> None:
        if not self.box.shows_profiles:
            raise invalid_request_error(f"No service configured for {nsid}")
        if not caller.scopes & READ_SCOPES:
            aud = "did:web:api.bsky.app#bsky_appview"
            raise BlueskyApiError(403, "ScopeMissingError", f'Missing required scope "rpc:{nsid}?aud={aud}"')

    async def notifications(self, query: Doc, caller: BlueskyCaller) -> Doc:
        self._let_in(LIST_NOTIFICATIONS_NSID, caller)
        limit = str(query.get("limit", 50))
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            raise invalid_request_error(f"Invalid {LIST_NOTIFICATIONS_NSID} params: limit is 1 to 100, not {limit}")
        if "seenAt" in query:
            raise invalid_request_error("The seenAt parameter is unsupported")
        wanted, before = query.get("reasons"), query.get("cursor")
        rows = sorted(self._of(caller.did), key=lambda row: (row["indexedAt"], row["uri"]), reverse=True)
        rows = [
            row for row in rows if (not wanted or row["reason"] in wanted) and (not before or row["indexedAt"] < before)
        ]
        page = rows[: int(limit)]
        return {"notifications": page, "priority": False, **({"cursor": page[-1]["indexedAt"]} if page else {})}

    def _of(self, did: str) -> Iterator[Doc]:
        for doc in self.box.store.all("record"):
            if doc["did"] != did and (why := _notification_reason(doc, did)):
                reason, subject = why
                about = {"reasonSubject": subject} if subject else {}
                yield {
                    "uri": _record_uri(doc),
                    "cid": doc["cid"],
                    "author": self._author(doc["did"]),
                    "reason": reason,
                    **about,
                    "record": doc["value"],
                    "isRead": False,
                    "indexedAt": doc["at"],
                    "labels": [],
                }

    async def posts(self, query: Doc, caller: BlueskyCaller) -> Doc:
        self._let_in(GET_POSTS_NSID, caller)
        uris = query["uris"]
        if len(uris) > MAX_URIS:
            raise invalid_request_error(
                f"Invalid {GET_POSTS_NSID} params: array too big (maximum {MAX_URIS}, got {len(uris)}) at $.uris"
            )
        counts = self._counts(caller.did)
        found = [one for uri in uris if (one := self.box.store.get("record", uri.removeprefix("at://")))]
        return {"posts": [self._shown(doc, counts) for doc in found]}

    async def thread(self, query: Doc, caller: BlueskyCaller) -> Doc:
        """A post, what it answers, and what answers it, to the depth that was asked for."""
        self._let_in(GET_THREAD_NSID, caller)
        depth, height = (_read_level(query, name, usual) for name, usual in (("depth", 6), ("parentHeight", 80)))
        post = self._record(str(query["uri"]))
        if post is None:
            raise invalid_request_error(f"Post not found: {query['uri']}", "NotFound")
        counts, below = self._counts(caller.did), defaultdict[str, list[Doc]](list)
        for doc in self._posts():
            below[_parent_uri(doc["value"])].append(doc)
        answer = self._node(post, counts)
        lowest = answer
        for _ in range(height):
            if not (above := _parent_uri(post["value"])):
                break
            post = self._record(above)
            lowest["parent"] = self._node(post, counts) if post else _not_found_post(above)
            if post is None:
                break
            lowest = lowest["parent"]
        self._add_replies(answer, below, counts, depth)
        return {"thread": answer}

    def _add_replies(self, node: Doc, below: Mapping[str, list[Doc]], counts: InteractionCounts, depth: int) -> None:
        """Level by level, so that a long thread does not use up the stack. At the last level there are none."""
        level = [node]
        for _ in range(depth):
            for one in level:
                one["replies"] = [self._node(doc, counts) for doc in below[one["post"]["uri"]]]
            level = [reply for one in level for reply in one["replies"]]

    def _node(self, doc: Doc, counts: InteractionCounts) -> Doc:
        return {"$type": "app.bsky.feed.defs#threadViewPost", "post": self._shown(doc, counts)}

    def _record(self, uri: str) -> Doc | None:
        found = self.box.store.get("record", uri.removeprefix("at://"))
        return found if found and found["collection"] == POST_COLLECTION else None

    def _counts(self, viewer: str) -> InteractionCounts:
        """Of every post; an account likes or reposts one once, however many records it writes."""
        counts = InteractionCounts()
        for doc in self.box.store.all("record"):
            value = doc["value"]
            match doc["collection"]:
                case "app.bsky.feed.post":
                    counts.replies[_parent_uri(value)] += 1
                    counts.quotes[_quoted_uri(value)] += 1
                case "app.bsky.feed.like" | "app.bsky.feed.repost" as kind:
                    subject, by = str(value["subject"]["uri"]), counts.by[kind]
                    by[subject].setdefault(doc["did"], _record_uri(doc))
                    if doc["did"] == viewer:
                        counts.viewer[subject].setdefault(kind.rpartition(".")[2], _record_uri(doc))
        return counts

    def _shown(self, doc: Doc, counts: InteractionCounts) -> Doc:
        uri = _record_uri(doc)
        return {
            "uri": uri,
            "cid": doc["cid"],
            "author": self._author(doc["did"]),
            "record": doc["value"],
            "bookmarkCount": 0,
            "replyCount": counts.replies[uri],
            "repostCount": len(counts.by[REPOST_COLLECTION][uri]),
            "likeCount": len(counts.by[LIKE_COLLECTION][uri]),
            "quoteCount": counts.quotes[uri],
            "indexedAt": doc["at"],
            "viewer": dict(counts.viewer[uri]),
            "labels": [],
        }

    def _posts(self) -> Iterator[Doc]:
        return (doc for doc in self.box.store.all("record") if doc["collection"] == POST_COLLECTION)

    def _author(self, did: str) -> Doc:
        account = self.box.store.get("account", did) or {}
        return {
            "did": did,
            "handle": account.get("handle", "handle.invalid"),
            "displayName": account.get("name", ""),
            "labels": [],
        }


def _record_uri(doc: Doc) -> str:
    return f"at://{doc['did']}/{doc['collection']}/{doc['key']}"


def _not_found_post(uri: str) -> Doc:
    return {"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": True}


def _read_level(query: Doc, name: str, usual: int) -> int:
    given = str(query.get(name, usual))
    if not given.isdecimal() or int(given) > MAX_THREAD_LEVELS:
        raise invalid_request_error(
            f"Invalid {GET_THREAD_NSID} params: {name} is 0 to {MAX_THREAD_LEVELS}, not {given}"
        )
    return int(given)


def _parent_uri(record: Doc) -> str:
    return str(record.get("reply", {}).get("parent", {}).get("uri", ""))


def _quoted_uri(record: Doc) -> str:
    embed = record.get("embed", {}).get("record", {})
    return str((embed.get("record") or embed).get("uri", ""))


def _notification_reason(doc: Doc, did: str) -> tuple[str, str] | None:
    """Why an account is notified of a record, and which of its own posts the record is about."""
    record = doc["value"]
    if doc["collection"] in (LIKE_COLLECTION, REPOST_COLLECTION):
        subject = str(record["subject"]["uri"])
        return (doc["collection"].rpartition(".")[2], subject) if subject.startswith(f"at://{did}/") else None
    if doc["collection"] != POST_COLLECTION:
        return None
    features = [feature for facet in record.get("facets", ()) for feature in facet["features"]]
    if any(feature.get("did") == did for feature in features):
        return "mention", ""
    if _quoted_uri(record).startswith(f"at://{did}/"):
        return "quote", _quoted_uri(record)
    above = (_parent_uri(record), str(record.get("reply", {}).get("root", {}).get("uri", "")))
    subject = next((uri for uri in above if uri.startswith(f"at://{did}/")), "")
    return ("reply", subject) if subject else None
