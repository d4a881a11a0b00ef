"""What the server checks of a record before it takes it, in its own words, and the records that it knows.

Follows the lexicons app.bsky.feed.*, app.bsky.embed.* and app.bsky.richtext.facet (2026-08-20). A type that a record may
extend with unknown members stays open, as on the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kicau.connector.graphemes import GRAPHEME
from kicau.networks.bluesky.sandbox.cid import is_cid

HANDLE = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
NSID = re.compile(
    r"[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}"
)
RECORD_KEY = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,512}")
TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
LANGUAGE = re.compile(r"(?:i|[a-z]{2,3}|x(?=-))(?:-[a-zA-Z0-9]+)*")
URI = re.compile(r"\w+:(?://)?[^\s/]\S*", re.ASCII)
AT_URI = re.compile(r"at://(?P<who>[^/\s?#]+)(?:/(?P<what>[^/\s?#]+)(?:/(?P<key>[^/\s?#]+))?)?")
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


class Fault(Exception):
    """What is wrong, and where."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{message} at {path}")


def _shown(value: Any) -> str:
    """A wrong value, as the server quotes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: ..." for key in value) + "}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    return json.dumps(value, ensure_ascii=False)


def _is_datetime(value: str) -> bool:
    if not DATETIME.fullmatch(value) or value.endswith("-00:00"):
        return False
    try:
        return datetime.fromisoformat(f"2000{value[4:]}" if value.startswith("0000") else value) is not None
    except ValueError:
        return False


def _is_at_uri(value: str) -> bool:
    found = AT_URI.fullmatch(value)
    if found is None or not (DID.fullmatch(found["who"]) or HANDLE.fullmatch(found["who"])):
        return False
    return found["what"] is None or (
        NSID.fullmatch(found["what"]) is not None
        and (found["key"] is None or RECORD_KEY.fullmatch(found["key"]) is not None)
    )


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "datetime": _is_datetime,
    "language": lambda value: LANGUAGE.fullmatch(value) is not None,
    "uri": lambda value: URI.fullmatch(value) is not None and len(value) <= 8192,
    "DID": lambda value: DID.fullmatch(value) is not None,
    "at-uri": _is_at_uri,
    "CID string": is_cid,
}


@dataclass(frozen=True, slots=True)
class Text:
    format: str = ""
    bytes: int = 0
    graphemes: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise Fault(f"Expected string value type (got {_shown(value)})", path)
        if self.bytes and len(value) * 4 > self.bytes and (size := len(value.encode())) > self.bytes:
            raise Fault(f"string too big (maximum {self.bytes}, got {size})", path)
        if (
            self.graphemes
            and len(value) > self.graphemes
            and (count := sum(1 for _ in GRAPHEME.finditer(value))) > self.graphemes
        ):
            raise Fault(f"grapheme too big (maximum {self.graphemes}, got {count})", path)
        if self.format and not FORMATS[self.format](value):
            raise Fault(f"Invalid {self.format} (got {_shown(value)})", path)


@dataclass(frozen=True, slots=True)
class Whole:
    minimum: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Fault(f"Expected integer value type (got {_shown(value)})", path)
        if value < self.minimum:
            raise Fault(f"integer too small (minimum {self.minimum}, got {value})", path)


@dataclass(frozen=True, slots=True)
class Many:
    of: Any
    most: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise Fault(f"Expected array value type (got {_shown(value)})", path)
        if self.most and len(value) > self.most:
            raise Fault(f"array too big (maximum {self.most}, got {len(value)})", path)
        for n, one in enumerate(value):
            self.of.check(one, f"{path}[{n}]")


@dataclass(frozen=True, slots=True)
class Blob:
    accept: str
    most: int

    def check(self, value: Any, path: str) -> None:
        if not is_blob(value):
            raise Fault(f"Expected blob value type (got {_shown(value)})", path)
        fits = value["mimeType"] == self.accept or (
            self.accept.endswith("/*") and value["mimeType"].startswith(self.accept[:-1])
        )
        if not fits:
            raise Fault(f'Expected "{self.accept}" (got {_shown(value["mimeType"])})', f"{path}.mimeType")
        if value["size"] > self.most:
            raise Fault(f"blob too big (maximum {self.most}, got {value['size']})", path)


def is_blob(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("$type") != "blob":
        return False
    ref = value.get("ref")
    named = isinstance(ref, dict) and isinstance(ref.get("$link"), str) and is_cid(ref["$link"])
    return named and isinstance(value.get("mimeType"), str) and isinstance(value.get("size"), int)


@dataclass(frozen=True, slots=True)
class Object:
    needed: tuple[str, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise Fault(f"Expected object value type (got {_shown(value)})", path)
        for name in self.needed:
            if name not in value:
                raise Fault(f'Missing required key "{name}"', path)
        for name, schema in self.members.items():
            if name in value:
                schema.check(value[name], f"{path}.{name}")


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types, told by `$type`; one that the server does not know is let through."""

    types: Mapping[str, Object]

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("$type"), str):
            raise Fault(
                f'Expected an object which includes the "$type" property value type (got {_shown(value)})', path
            )
        if known := self.types.get(value["$type"]):
            known.check(value, path)


DATE, AT, ANY = Text("datetime"), Text("at-uri"), Object()
STRONG = Object(("uri", "cid"), {"uri": AT, "cid": Text("CID string")})
RATIO = Object(("width", "height"), {"width": Whole(1), "height": Whole(1)})
TAG = Text(bytes=640, graphemes=64)
FACET = Object(
    ("index", "features"),
    {
        "index": Object(("byteStart", "byteEnd"), {"byteStart": Whole(), "byteEnd": Whole()}),
        "features": Many(
            Union(
                {
                    "app.bsky.richtext.facet#mention": Object(("did",), {"did": Text("DID")}),
                    "app.bsky.richtext.facet#link": Object(("uri",), {"uri": Text("uri")}),
                    "app.bsky.richtext.facet#tag": Object(("tag",), {"tag": TAG}),
                }
            )
        ),
    },
)
_IMAGE = {"image": Blob("image/*", 2_000_000), "alt": Text(), "aspectRatio": RATIO}
IMAGES = Object(("images",), {"images": Many(Object(("image", "alt"), _IMAGE), 4)})
_ITEM = Union({"app.bsky.embed.gallery#image": Object(("image", "alt", "aspectRatio"), _IMAGE)})
GALLERY = Object(("items",), {"items": Many(_ITEM, 20)})
CAPTION = Object(("lang", "file"), {"lang": Text("language"), "file": Blob("text/vtt", 20_000)})
VIDEO = Object(
    ("video",),
    {
        "video": Blob("video/mp4", 300_000_000),
        "captions": Many(CAPTION, 20),
        "alt": Text(),
        "aspectRatio": RATIO,
        "presentation": Text(),
    },
)
_EXTERNAL = {
    "uri": Text("uri"),
    "title": Text(),
    "description": Text(),
    "thumb": Blob("image/*", 1_000_000),
    "associatedRefs": Many(STRONG),
}
EXTERNAL = Object(("external",), {"external": Object(("uri", "title", "description"), _EXTERNAL)})
RECORD = Object(("record",), {"record": STRONG})
_MEDIA = {
    "app.bsky.embed.images": IMAGES,
    "app.bsky.embed.video": VIDEO,
    "app.bsky.embed.gallery": GALLERY,
    "app.bsky.embed.external": EXTERNAL,
}
WITH_MEDIA = Object(("record", "media"), {"record": RECORD, "media": Union(_MEDIA)})
LABELS = Union(
    {
        "com.atproto.label.defs#selfLabels": Object(
            ("values",), {"values": Many(Object(("val",), {"val": Text(bytes=128)}), 10)}
        )
    }
)

POST = Object(
    ("text", "createdAt"),
    {
        "text": Text(bytes=3000, graphemes=300),
        "facets": Many(FACET),
        "reply": Object(("root", "parent"), {"root": STRONG, "parent": STRONG}),
        "embed": Union({**_MEDIA, "app.bsky.embed.record": RECORD, "app.bsky.embed.recordWithMedia": WITH_MEDIA}),
        "langs": Many(Text("language"), 3),
        "labels": LABELS,
        "tags": Many(TAG, 8),
        "createdAt": DATE,
    },
)
_LIST = Object(("list",), {"list": AT})
THREADGATE = Object(
    ("post", "createdAt"),
    {
        "post": AT,
        "allow": Many(
            Union(
                {
                    "app.bsky.feed.threadgate#mentionRule": ANY,
                    "app.bsky.feed.threadgate#followerRule": ANY,
                    "app.bsky.feed.threadgate#followingRule": ANY,
                    "app.bsky.feed.threadgate#listRule": _LIST,
                }
            ),
            5,
        ),
        "createdAt": DATE,
        "hiddenReplies": Many(AT, 300),
    },
)
POSTGATE = Object(
    ("post", "createdAt"),
    {
        "post": AT,
        "detachedEmbeddingUris": Many(AT, 50),
        "embeddingRules": Many(Union({"app.bsky.feed.postgate#disableRule": ANY}), 5),
        "createdAt": DATE,
    },
)
_SUBJECT = Object(("subject", "createdAt"), {"subject": STRONG, "createdAt": DATE})

KNOWN: Mapping[str, Object] = {
    "app.bsky.feed.post": POST,
    "app.bsky.feed.threadgate": THREADGATE,
    "app.bsky.feed.postgate": POSTGATE,
    "app.bsky.feed.like": _SUBJECT,
    "app.bsky.feed.repost": _SUBJECT,
}
