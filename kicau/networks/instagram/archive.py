"""Instagram's download (JSON): posts, reels, stories, comments, and what was posted to Threads, which comes in it.

your_instagram_activity/media/posts_1.json (older: content/posts_1.json), reels.json, stories.json, comments/*.json,
threads/threads_and_replies.json. Looked up 2026-11-26. Nothing carries an id, so what is the same is told by its text and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kicau.connector.archives import streams
from kicau.connector.archives.files import Files, Unreadable, matching
from kicau.connector.archives.records import Found, Record, Skip, Whose, malformed
from kicau.networks._meta.archive import medium, mended, moment, refuse_pages

# Each holds one list, some under a name of their own, which has changed before. Pattern, network ("": this one).
FILES: tuple[tuple[str, str], ...] = (
    (r"(^|/)(media|content)/(posts(_\d+)?|reels|stories|archived_posts|igtv_videos)\.json$", ""),
    (r"(^|/)threads/threads_and_replies\.json$", "threads"),
)
PAGES = r"(^|/)(media|content)/(posts(_\d+)?|reels)\.html$|(^|/)threads/threads_and_replies\.html$"
COMMENTS = r"(^|/)comments/[\w-]*comments[\w-]*\.json$"
ACCOUNT = r"(^|/)personal_information/personal_information\.json$"


class Reader:
    """The archive reader of the connector for Instagram."""

    also = ("threads",)  #: whose posts come in the same download

    def sniff(self, files: Files, /) -> Whose | None:
        if not any(matching(files, pattern) for pattern, _network in FILES):
            refuse_pages(files, PAGES, "Instagram")
            return None
        account = _account(files)
        return Whose(format="instagram", handle=account.get("Username", ""), name=account.get("Name", ""))

    def read(self, files: Files, /) -> Iterator[Found]:
        for pattern, network in FILES:
            for name in matching(files, pattern):
                for number, one in enumerate(streams.elements(files, name), 1):
                    if isinstance(one, Skip):
                        yield one
                    elif (found := _post(one, network)) is not None:
                        yield found
                    else:
                        yield malformed(name, number)
        for name in matching(files, COMMENTS):
            for number, one in enumerate(streams.elements(files, name), 1):
                if isinstance(one, Skip):
                    yield one
                else:
                    yield _comment(one) or malformed(name, number)


reader = Reader()


def _post(told: object, network: str) -> Record | None:
    """A post with its files; one with a single file has its text and time there."""
    if not isinstance(told, dict):
        return None
    media = [one for one in told.get("media") or ([told] if told.get("uri") else []) if isinstance(one, dict)]
    first: dict[str, Any] = media[0] if media else {}
    text = mended(told.get("title") or first.get("title"))
    at = moment(told.get("creation_timestamp") or first.get("creation_timestamp"))
    if not text and not any(one.get("uri") for one in media):
        return None
    return Record(
        text=text,
        posted_at=at,
        posted_to="second" if at else "none",
        network=network,
        media=[medium(one) for one in media if one.get("uri")],
    )


def _comment(told: object) -> Record | None:
    cells = told.get("string_map_data") if isinstance(told, dict) else None
    if not isinstance(cells, dict) or not isinstance(cells.get("Comment"), dict):
        return None
    at = moment((cells.get("Time") or {}).get("timestamp"))
    return Record(
        text=mended(cells["Comment"].get("value")), posted_at=at, posted_to="second" if at else "none", kind="comment"
    )


def _account(files: Files) -> dict[str, str]:
    for name in matching(files, ACCOUNT):
        try:
            cells = (streams.document(files, name) or {})["profile_user"][0]["string_map_data"]
            return {key: mended(cells[key].get("value")) for key in ("Username", "Name") if key in cells}
        except (Unreadable, KeyError, IndexError, TypeError, AttributeError):
            continue
    return {}
