"""The app view of the Bluesky sandbox: what others did with an account's posts, and how often.

As of bluesky-social/atproto, packages/bsky, 2026-08: one notification for each account of each post (a mention before a
quote before a reply), newest first; `seenAt` is refused; posts that are gone are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kicau.networks.bluesky.sandbox.refusal import Refusal, invalid
from kicau.networks.bluesky.sandbox.tokens import Caller

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

type Doc = dict[str, Any]

POST = "app.bsky.feed.post"
LIST, POSTS = "app.bsky.notification.listNotifications", "app.bsky.feed.getPosts"
MOST_URIS = 25
MAY_READ = frozenset(
    {"com.atproto.access", "com.atproto.appPass", "com.atproto.appPassPrivileged", "transition:generic"}
)


class View:
    def __init__(self, box: Server) -> None:
        self.box = box

    def _let_in(self, nsid: str, caller: Caller) -> None:
        if not self.box.shows_profiles:
            raise invalid(f"No service configured for {nsid}")
        if not caller.scopes & MAY_READ:
            aud = "did:web:api.bsky.app#bsky_appview"
            raise Refusal(403, "ScopeMissingError", f'Missing required scope "rpc:{nsid}?aud={aud}"')

    async def notifications(self, query: Doc, caller: Caller) -> Doc:
        self._let_in(LIST, caller)
        limit = str(query.get("limit", 50))
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            raise invalid(f"Invalid {LIST} params: limit is 1 to 100, not {limit}")
        if "seenAt" in query:
            raise invalid("The seenAt parameter is unsupported")
        wanted, before = query.get("reasons"), query.get("cursor")
        rows = sorted(self._of(caller.did), key=lambda row: (row["indexedAt"], row["uri"]), reverse=True)
        rows = [
            row for row in rows if (not wanted or row["reason"] in wanted) and (not before or row["indexedAt"] < before)
        ]
        page = rows[: int(limit)]
        return {"notifications": page, "priority": False, **({"cursor": page[-1]["indexedAt"]} if page else {})}

    def _of(self, did: str) -> Iterator[Doc]:
        for doc in self._posts():
            if doc["did"] != did and (why := _why(doc["value"], did)):
                reason, subject = why
                about = {"reasonSubject": subject} if subject else {}
                yield {
                    "uri": _uri(doc),
                    "cid": doc["cid"],
                    "author": self._author(doc["did"]),
                    "reason": reason,
                    **about,
                    "record": doc["value"],
                    "isRead": False,
                    "indexedAt": doc["at"],
                    "labels": [],
                }

    async def posts(self, query: Doc, caller: Caller) -> Doc:
        self._let_in(POSTS, caller)
        uris = query["uris"]
        if len(uris) > MOST_URIS:
            raise invalid(f"Invalid {POSTS} params: array too big (maximum {MOST_URIS}, got {len(uris)}) at $.uris")
        replies, quotes = Counter[str](), Counter[str]()
        for doc in self._posts():
            replies[_parent(doc["value"])] += 1
            quotes[_quoted(doc["value"])] += 1
        found = [one for uri in uris if (one := self.box.store.get("record", uri.removeprefix("at://")))]
        return {
            "posts": [
                {
                    "uri": _uri(doc),
                    "cid": doc["cid"],
                    "author": self._author(doc["did"]),
                    "record": doc["value"],
                    "bookmarkCount": 0,
                    "replyCount": replies[_uri(doc)],
                    "repostCount": 0,
                    "likeCount": 0,
                    "quoteCount": quotes[_uri(doc)],
                    "indexedAt": doc["at"],
                    "labels": [],
                }
                for doc in found
            ]
        }

    def _posts(self) -> Iterator[Doc]:
        return (doc for doc in self.box.store.all("record") if doc["collection"] == POST)

    def _author(self, did: str) -> Doc:
        account = self.box.store.get("account", did) or {}
        return {
            "did": did,
            "handle": account.get("handle", "handle.invalid"),
            "displayName": account.get("name", ""),
            "labels": [],
        }


def _uri(doc: Doc) -> str:
    return f"at://{doc['did']}/{doc['collection']}/{doc['key']}"


def _parent(record: Doc) -> str:
    return str(record.get("reply", {}).get("parent", {}).get("uri", ""))


def _quoted(record: Doc) -> str:
    embed = record.get("embed", {}).get("record", {})
    return str((embed.get("record") or embed).get("uri", ""))


def _why(record: Doc, did: str) -> tuple[str, str] | None:
    """Why an account is told of a post, and of which of its own the post speaks."""
    features = [feature for facet in record.get("facets", ()) for feature in facet["features"]]
    if any(feature.get("did") == did for feature in features):
        return "mention", ""
    if _quoted(record).startswith(f"at://{did}/"):
        return "quote", _quoted(record)
    above = (_parent(record), str(record.get("reply", {}).get("root", {}).get("uri", "")))
    subject = next((uri for uri in above if uri.startswith(f"at://{did}/")), "")
    return ("reply", subject) if subject else None
