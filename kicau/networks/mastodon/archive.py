"""Mastodon's export: outbox.json and actor.json, in a tar.gz or zip (https://docs.joinmastodon.org/user/moving/#export,
looked up 2026-11-26). Boosts (Announce) hold no text of their own and are left out; so is what was addressed to followers
or to single people, which the export holds beside what was said in public."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from kicau.connector.archives import streams
from kicau.connector.archives.files import Files, Unreadable, matching
from kicau.connector.archives.records import Found, Record, Skip, Whose, for_few, malformed, unreadable

OUTBOX = r"(^|/)outbox\.json$"
ACTOR = r"(^|/)actor\.json$"
KINDS = {"image": "image", "video": "video", "audio": "audio"}


class Reader:
    """The archive reader of the connector for Mastodon."""

    def sniff(self, files: Files, /) -> Whose | None:
        names = matching(files, OUTBOX)
        if not names:
            return None
        try:
            with files.open(names[0]) as file:
                head = file.read(4096)
        except Unreadable:
            return None
        if b"orderedItems" not in head and b"OrderedCollection" not in head:
            return None
        actor = _actor(files)
        address = str(actor.get("id") or "")
        return Whose(
            format="mastodon",
            account_id=address,
            handle=str(actor.get("preferredUsername") or ""),
            name=str(actor.get("name") or ""),
            host=urlsplit(address).hostname or "",
        )

    def read(self, files: Files, /) -> Iterator[Found]:
        for name in matching(files, OUTBOX):
            try:
                for number, activity in enumerate(streams.elements(files, name, "orderedItems"), 1):
                    if isinstance(activity, Skip):
                        yield activity
                    elif _is_for_few(activity):
                        yield for_few(name, number)
                    elif found := _record(activity):
                        yield found
                    elif not isinstance(activity, dict) or activity.get("type") != "Announce":
                        yield malformed(name, number)
            except Unreadable as exc:
                yield unreadable(exc, name)


reader = Reader()


# The three ways in which "everybody" is written (https://www.w3.org/TR/activitypub/#public-addressing, 2026-11-27).
EVERYBODY = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})


def _is_for_few(activity: Any) -> bool:
    """Whether it names those who may read it, and everybody is not among them."""
    if (
        not isinstance(activity, dict)
        or activity.get("type") != "Create"
        or not isinstance(activity.get("object"), dict)
    ):
        return False
    note = activity["object"]
    told = [note.get(field) or activity.get(field) or [] for field in ("to", "cc")]
    named = {str(one) for some in told for one in (some if isinstance(some, list) else [some])}
    return bool(named) and named.isdisjoint(EVERYBODY)


def _record(activity: Any) -> Record | None:
    """A post that was written; None for a boost and for what is none."""
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
    at = moment(note.get("published") or activity.get("published"))
    languages = note.get("contentMap")
    warning = str(note.get("summary") or "")
    text = plain(str(note.get("content") or ""))
    answers = str(note.get("inReplyTo") or "")
    above = urlsplit(answers)
    return Record(
        remote_id=f"{parts.hostname}/{key}" if parts.hostname and key else "",
        text=f"{warning}\n\n{text}" if warning else text,
        posted_at=at,
        posted_to="second" if at else "none",
        kind="reply" if answers else "post",
        url=str(note.get("url") or address),
        language=next(iter(languages), "")[:2] if isinstance(languages, dict) else "",
        reply_to=f"{above.hostname}/{above.path.rstrip('/').rsplit('/', 1)[-1]}" if above.hostname else "",
        media=[
            {
                "kind": KINDS.get(str(one.get("mediaType", "")).split("/")[0], "image"),
                "name": str(one.get("url") or "").rsplit("/", 1)[-1],
                "url": "",
                "alt": str(one.get("name") or ""),
                "file": str(one.get("url") or "").lstrip("/"),
            }
            for one in note.get("attachment") or []
            if isinstance(one, dict)
        ],
    )


def moment(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


class _Text(HTMLParser):
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


def plain(content: str) -> str:
    """The text of a post's HTML, as its readers see it."""
    parser = _Text()
    parser.feed(content)
    parser.close()
    return "".join(parser.pieces).strip()


def _actor(files: Files) -> dict[str, Any]:
    for name in matching(files, ACTOR):
        try:
            found = streams.document(files, name)
        except Unreadable:
            continue
        if isinstance(found, dict):
            return found
    return {}
