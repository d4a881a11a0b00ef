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

from kicau.connector.graphemes import GRAPHEME_PATTERN
from kicau.networks.bluesky.sandbox.cid import is_cid

HANDLE_PATTERN = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
DID_PATTERN = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
NSID_PATTERN = re.compile(
    r"[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}"
)
RECORD_KEY_PATTERN = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,512}")
TID_PATTERN = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
LANGUAGE_PATTERN = re.compile(r"(?:i|[a-z]{2,3}|x(?=-))(?:-[a-zA-Z0-9]+)*")
URI_PATTERN = re.compile(r"\w+:(?://)?[^\s/]\S*", re.ASCII)
AT_URI_PATTERN = re.compile(r"at://(?P<who>[^/\s?#]+)(?:/(?P<what>[^/\s?#]+)(?:/(?P<key>[^/\s?#]+))?)?")
DATETIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


class SchemaFault(Exception):
    """What is wrong, and where."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{message} at {path}")


def _quote_value(value: Any) -> str:
    """A wrong value, as the server quotes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: ..." for key in value) + "}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    return json.dumps(value, ensure_ascii=False)


def _is_datetime(value: str) -> bool:
    if not DATETIME_PATTERN.fullmatch(value) or value.endswith("-00:00"):
        return False
    try:
        return datetime.fromisoformat(f"2000{value[4:]}" if value.startswith("0000") else value) is not None
    except ValueError:
        return False


def _is_at_uri(value: str) -> bool:
    found = AT_URI_PATTERN.fullmatch(value)
    if found is None or not (DID_PATTERN.fullmatch(found["who"]) or HANDLE_PATTERN.fullmatch(found["who"])):
        return False
    return found["what"] is None or (
        NSID_PATTERN.fullmatch(found["what"]) is not None
        and (found["key"] is None or RECORD_KEY_PATTERN.fullmatch(found["key"]) is not None)
    )


FORMAT_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "datetime": _is_datetime,
    "language": lambda value: LANGUAGE_PATTERN.fullmatch(value) is not None,
    "uri": lambda value: URI_PATTERN.fullmatch(value) is not None and len(value) <= 8192,
    "DID": lambda value: DID_PATTERN.fullmatch(value) is not None,
    "at-uri": _is_at_uri,
    "CID string": is_cid,
}


@dataclass(frozen=True, slots=True)
class TextSchema:
    format: str = ""
    bytes: int = 0
    graphemes: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise SchemaFault(f"Expected string value type (got {_quote_value(value)})", path)
        if self.bytes and len(value) * 4 > self.bytes and (size := len(value.encode())) > self.bytes:
            raise SchemaFault(f"string too big (maximum {self.bytes}, got {size})", path)
        if (
            self.graphemes
            and len(value) > self.graphemes
            and (count := sum(1 for _ in GRAPHEME_PATTERN.finditer(value))) > self.graphemes
        ):
            raise SchemaFault(f"grapheme too big (maximum {self.graphemes}, got {count})", path)
        if self.format and not FORMAT_CHECKS[self.format](value):
            raise SchemaFault(f"Invalid {self.format} (got {_quote_value(value)})", path)


@dataclass(frozen=True, slots=True)
class IntegerSchema:
    minimum: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise SchemaFault(f"Expected integer value type (got {_quote_value(value)})", path)
        if value < self.minimum:
            raise SchemaFault(f"integer too small (minimum {self.minimum}, got {value})", path)


@dataclass(frozen=True, slots=True)
class ListSchema:
    of: Any
    most: int = 0

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise SchemaFault(f"Expected array value type (got {_quote_value(value)})", path)
        if self.most and len(value) > self.most:
            raise SchemaFault(f"array too big (maximum {self.most}, got {len(value)})", path)
        for n, one in enumerate(value):
            self.of.check(one, f"{path}[{n}]")


@dataclass(frozen=True, slots=True)
class BlobSchema:
    accept: str
    most: int

    def check(self, value: Any, path: str) -> None:
        if not is_blob(value):
            raise SchemaFault(f"Expected blob value type (got {_quote_value(value)})", path)
        fits = value["mimeType"] == self.accept or (
            self.accept.endswith("/*") and value["mimeType"].startswith(self.accept[:-1])
        )
        if not fits:
            raise SchemaFault(f'Expected "{self.accept}" (got {_quote_value(value["mimeType"])})', f"{path}.mimeType")
        if value["size"] > self.most:
            raise SchemaFault(f"blob too big (maximum {self.most}, got {value['size']})", path)


def is_blob(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("$type") != "blob":
        return False
    ref = value.get("ref")
    named = isinstance(ref, dict) and isinstance(ref.get("$link"), str) and is_cid(ref["$link"])
    return named and isinstance(value.get("mimeType"), str) and isinstance(value.get("size"), int)


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    needed: tuple[str, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise SchemaFault(f"Expected object value type (got {_quote_value(value)})", path)
        for name in self.needed:
            if name not in value:
                raise SchemaFault(f'Missing required key "{name}"', path)
        for name, schema in self.members.items():
            if name in value:
                schema.check(value[name], f"{path}.{name}")


@dataclass(frozen=True, slots=True)
class UnionSchema:
    """One of several types, told by `$type`; one that the server does not know is let through."""

    types: Mapping[str, ObjectSchema]

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("$type"), str):
            raise SchemaFault(
                f'Expected an object which includes the "$type" property value type (got {_quote_value(value)})', path
            )
        if known := self.types.get(value["$type"]):
            known.check(value, path)


DATE_SCHEMA, AT_URI_SCHEMA, ANY_OBJECT_SCHEMA = TextSchema("datetime"), TextSchema("at-uri"), ObjectSchema()
STRONG_REF_SCHEMA = ObjectSchema(("uri", "cid"), {"uri": AT_URI_SCHEMA, "cid": TextSchema("CID string")})
ASPECT_RATIO_SCHEMA = ObjectSchema(("width", "height"), {"width": IntegerSchema(1), "height": IntegerSchema(1)})
TAG_SCHEMA = TextSchema(bytes=640, graphemes=64)
FACET_SCHEMA = ObjectSchema(
    ("index", "features"),
    {
        "index": ObjectSchema(("byteStart", "byteEnd"), {"byteStart": IntegerSchema(), "byteEnd": IntegerSchema()}),
        "features": ListSchema(
            UnionSchema(
                {
                    "app.bsky.richtext.facet#mention": ObjectSchema(("did",), {"did": TextSchema("DID")}),
                    "app.bsky.richtext.facet#link": ObjectSchema(("uri",), {"uri": TextSchema("uri")}),
                    "app.bsky.richtext.facet#tag": ObjectSchema(("tag",), {"tag": TAG_SCHEMA}),
                }
            )
        ),
    },
)
_IMAGE_FIELDS = {"image": BlobSchema("image/*", 2_000_000), "alt": TextSchema(), "aspectRatio": ASPECT_RATIO_SCHEMA}
IMAGES_SCHEMA = ObjectSchema(("images",), {"images": ListSchema(ObjectSchema(("image", "alt"), _IMAGE_FIELDS), 4)})
_GALLERY_ITEM_SCHEMA = UnionSchema(
    {"app.bsky.embed.gallery#image": ObjectSchema(("image", "alt", "aspectRatio"), _IMAGE_FIELDS)}
)
GALLERY_SCHEMA = ObjectSchema(("items",), {"items": ListSchema(_GALLERY_ITEM_SCHEMA, 20)})
CAPTION_SCHEMA = ObjectSchema(
    ("lang", "file"), {"lang": TextSchema("language"), "file": BlobSchema("text/vtt", 20_000)}
)
VIDEO_SCHEMA = ObjectSchema(
    ("video",),
    {
        "video": BlobSchema("video/mp4", 300_000_000),
        "captions": ListSchema(CAPTION_SCHEMA, 20),
        "alt": TextSchema(),
        "aspectRatio": ASPECT_RATIO_SCHEMA,
        "presentation": TextSchema(),
    },
)
_EXTERNAL_FIELDS = {
    "uri": TextSchema("uri"),
    "title": TextSchema(),
    "description": TextSchema(),
    "thumb": BlobSchema("image/*", 1_000_000),
    "associatedRefs": ListSchema(STRONG_REF_SCHEMA),
}
EXTERNAL_SCHEMA = ObjectSchema(
    ("external",), {"external": ObjectSchema(("uri", "title", "description"), _EXTERNAL_FIELDS)}
)
RECORD_EMBED_SCHEMA = ObjectSchema(("record",), {"record": STRONG_REF_SCHEMA})
_MEDIA_SCHEMAS = {
    "app.bsky.embed.images": IMAGES_SCHEMA,
    "app.bsky.embed.video": VIDEO_SCHEMA,
    "app.bsky.embed.gallery": GALLERY_SCHEMA,
    "app.bsky.embed.external": EXTERNAL_SCHEMA,
}
RECORD_WITH_MEDIA_SCHEMA = ObjectSchema(
    ("record", "media"), {"record": RECORD_EMBED_SCHEMA, "media": UnionSchema(_MEDIA_SCHEMAS)}
)
LABELS_SCHEMA = UnionSchema(
    {
        "com.atproto.label.defs#selfLabels": ObjectSchema(
            ("values",), {"values": ListSchema(ObjectSchema(("val",), {"val": TextSchema(bytes=128)}), 10)}
        )
    }
)

POST_SCHEMA = ObjectSchema(
    ("text", "createdAt"),
    {
        "text": TextSchema(bytes=3000, graphemes=300),
        "facets": ListSchema(FACET_SCHEMA),
        "reply": ObjectSchema(("root", "parent"), {"root": STRONG_REF_SCHEMA, "parent": STRONG_REF_SCHEMA}),
        "embed": UnionSchema(
            {
                **_MEDIA_SCHEMAS,
                "app.bsky.embed.record": RECORD_EMBED_SCHEMA,
                "app.bsky.embed.recordWithMedia": RECORD_WITH_MEDIA_SCHEMA,
            }
        ),
        "langs": ListSchema(TextSchema("language"), 3),
        "labels": LABELS_SCHEMA,
        "tags": ListSchema(TAG_SCHEMA, 8),
        "createdAt": DATE_SCHEMA,
    },
)
_LIST_FIELDS = ObjectSchema(("list",), {"list": AT_URI_SCHEMA})
THREADGATE_SCHEMA = ObjectSchema(
    ("post", "createdAt"),
    {
        "post": AT_URI_SCHEMA,
        "allow": ListSchema(
            UnionSchema(
                {
                    "app.bsky.feed.threadgate#mentionRule": ANY_OBJECT_SCHEMA,
                    "app.bsky.feed.threadgate#followerRule": ANY_OBJECT_SCHEMA,
                    "app.bsky.feed.threadgate#followingRule": ANY_OBJECT_SCHEMA,
                    "app.bsky.feed.threadgate#listRule": _LIST_FIELDS,
                }
            ),
            5,
        ),
        "createdAt": DATE_SCHEMA,
        "hiddenReplies": ListSchema(AT_URI_SCHEMA, 300),
    },
)
POSTGATE_SCHEMA = ObjectSchema(
    ("post", "createdAt"),
    {
        "post": AT_URI_SCHEMA,
        "detachedEmbeddingUris": ListSchema(AT_URI_SCHEMA, 50),
        "embeddingRules": ListSchema(UnionSchema({"app.bsky.feed.postgate#disableRule": ANY_OBJECT_SCHEMA}), 5),
        "createdAt": DATE_SCHEMA,
    },
)
_SUBJECT_SCHEMA = ObjectSchema(("subject", "createdAt"), {"subject": STRONG_REF_SCHEMA, "createdAt": DATE_SCHEMA})

SCHEMAS_BY_COLLECTION: Mapping[str, ObjectSchema] = {
    "app.bsky.feed.post": POST_SCHEMA,
    "app.bsky.feed.threadgate": THREADGATE_SCHEMA,
    "app.bsky.feed.postgate": POSTGATE_SCHEMA,
    "app.bsky.feed.like": _SUBJECT_SCHEMA,
    "app.bsky.feed.repost": _SUBJECT_SCHEMA,
}
