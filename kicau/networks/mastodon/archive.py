"""Mastodon's export: outbox.json and actor.json, in a tar.gz or zip (https://docs.joinmastodon.org/user/moving/#export,
looked up 2026-11-26). Boosts (Announce) hold no text of their own and are left out; so is what was addressed to followers,
to single people or to nobody, which the export holds beside what was said in public.

Forms, by app/services/backup_service.rb of each version (looked up 2026-12-02): a tar.gz with one JSON document until 4.1,
a zip whose outbox.json is written in batches since 4.2, and around 4.3 `"orderedItems":[],"orderedItems":[…]`
(https://github.com/mastodon/mastodon/issues/31091). `totalItems` is the server's count of the account's posts, boosts
among them and direct posts not, so a file may hold more than that, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from kicau.connector.archives import licences, streams
from kicau.connector.archives.files import ArchiveFiles, UnreadableFile, matching_names
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    SkippedEntry,
    boosted_entry,
    incomplete_file,
    limited_audience_entry,
    malformed_entry,
)

OUTBOX_PATTERN = r"(^|/)outbox\.json$"
ACTOR_PATTERN = r"(^|/)actor\.json$"
TOTAL_PATTERN = re.compile(r'"totalItems"\s*:\s*(\d{1,12})')
HEAD_BYTES = 65_536  # of outbox.json, by which it is recognised
MEDIA_KINDS = {"image": "image", "video": "video", "audio": "audio"}


class MastodonArchiveReader:
    """The archive reader of the connector for Mastodon."""

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        names = matching_names(files, OUTBOX_PATTERN)
        if not names:
            return None
        try:
            with files.open(names[0]) as file:
                head = file.read(HEAD_BYTES)
        except UnreadableFile:
            return None
        if b"orderedItems" not in head and b"OrderedCollection" not in head:
            return None
        actor = _read_actor(files)
        address = str(actor.get("id") or "")
        return ArchiveOwner(
            format="mastodon",
            account_id=address,
            handle=str(actor.get("preferredUsername") or ""),
            name=str(actor.get("name") or ""),
            host=urlsplit(address).hostname or "",
        )

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        for name in matching_names(files, OUTBOX_PATTERN):
            number = 0
            around: list[str] = []
            for activity in streams.read_elements(files, name, "orderedItems", around.append):
                if isinstance(activity, SkippedEntry):
                    number += activity.code == "malformed"
                    yield activity
                    continue
                number += 1
                if isinstance(activity, dict) and activity.get("type") == "Announce":
                    yield boosted_entry(name, number)
                elif _is_limited_audience(activity):
                    yield limited_audience_entry(name, number)
                else:
                    yield _build_record(activity) or malformed_entry(name, number)
            total = TOTAL_PATTERN.search("".join(around))
            if total and int(total[1]) > number:
                yield incomplete_file(name, int(total[1]), number)


reader = MastodonArchiveReader()


# The three ways in which "everybody" is written (https://www.w3.org/TR/activitypub/#public-addressing, 2026-11-27).
PUBLIC_AUDIENCES = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})


def _is_limited_audience(activity: Any) -> bool:
    """Whether everybody is not among those who may read it: a post that names nobody is its author's alone, and one
    whose object is a "bear:" address is for a circle."""
    if not isinstance(activity, dict) or activity.get("type") != "Create":
        return False
    note = activity.get("object")
    if not isinstance(note, dict):
        return str(note).startswith("bear:")
    of = note if "to" in note or "cc" in note else activity
    addressed = [of.get(field) or [] for field in ("to", "cc")]
    named = {str(one) for some in addressed for one in (some if isinstance(some, list) else [some])}
    return named.isdisjoint(PUBLIC_AUDIENCES)


def _build_record(activity: Any) -> ArchiveRecord | None:
    """A post that was written; None for what is none."""
    if (
        not isinstance(activity, dict)
        or activity.get("type") != "Create"
        or not isinstance(activity.get("object"), dict)
    ):
        return None
    note = activity["object"]
    address = str(note.get("id") or "")
    parts = urlsplit(address)
    key = parts.path.rstrip("/").rsplit("/", 1)[-1]
    at = parse_time(note.get("published") or activity.get("published"))
    languages = note.get("contentMap")
    warning = str(note.get("summary") or "")
    text = plain_text(str(note.get("content") or ""))
    answers = str(note.get("inReplyTo") or "")
    above = urlsplit(answers)
    return ArchiveRecord(
        remote_id=f"{parts.hostname}/{key}" if parts.hostname and key else "",
        text=f"{warning}\n\n{text}" if warning else text,
        posted_at=at,
        posted_to="second" if at else "none",
        kind="reply" if answers else "post",
        url=str(note.get("url") or address),
        licence=licences.licence_of_entry(note),
        language=next(iter(languages), "")[:2] if isinstance(languages, dict) else "",
        reply_to=f"{above.hostname}/{above.path.rstrip('/').rsplit('/', 1)[-1]}" if above.hostname else "",
        media=[
            {
                "kind": MEDIA_KINDS.get(str(one.get("mediaType", "")).split("/")[0], "image"),
                "name": str(one.get("url") or "").rsplit("/", 1)[-1],
                "url": "",
                "alt": str(one.get("name") or ""),
                "file": str(one.get("url") or "").lstrip("/"),
            }
            for one in note.get("attachment") or []
            if isinstance(one, dict)
        ],
    )


def parse_time(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.pieces.append("\n")
        elif tag == "p" and self.pieces:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def plain_text(content: str) -> str:
    """The text of a post's HTML, as its readers see it."""
    parser = _TextExtractor()
    parser.feed(content)
    parser.close()
    return "".join(parser.pieces).strip()


def _read_actor(files: ArchiveFiles) -> dict[str, Any]:
    for name in matching_names(files, ACTOR_PATTERN):
        try:
            found = streams.read_document(files, name)
        except UnreadableFile:
            continue
        if isinstance(found, dict):
            return found
    return {}
