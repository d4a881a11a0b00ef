"""Instagram's download (JSON): posts, reels, stories, comments, and what was posted to Threads, which comes in it.

your_instagram_activity/media/posts_1.json (older: content/posts_1.json), reels.json, stories.json, comments/*.json,
threads/threads_and_replies.json. Looked up 2026-11-26. Nothing carries an id, so what is the same is told by its text and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kicau.connector.archives import streams
from kicau.connector.archives.files import ArchiveFiles, UnreadableFile, matching_names
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    SkippedEntry,
    malformed_entry,
)
from kicau.networks._meta.archive import media_entry, parse_epoch, reject_html_export, repair_encoding

# Each holds one list, some under a name of their own, which has changed before. Pattern, network ("": this one).
FILE_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(^|/)(media|content)/(posts(_\d+)?|reels|stories|archived_posts|igtv_videos)\.json$", ""),
    (r"(^|/)threads/threads_and_replies\.json$", "threads"),
)
HTML_POSTS_PATTERN = r"(^|/)(media|content)/(posts(_\d+)?|reels)\.html$|(^|/)threads/threads_and_replies\.html$"
COMMENTS_PATTERN = r"(^|/)comments/[\w-]*comments[\w-]*\.json$"
ACCOUNT_PATTERN = r"(^|/)personal_information/personal_information\.json$"


class InstagramArchiveReader:
    """The archive reader of the connector for Instagram."""

    also = ("threads",)  #: whose posts come in the same download

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        if not any(matching_names(files, pattern) for pattern, _network in FILE_PATTERNS):
            reject_html_export(files, HTML_POSTS_PATTERN, "Instagram")
            return None
        account = _read_account(files)
        return ArchiveOwner(format="instagram", handle=account.get("Username", ""), name=account.get("Name", ""))

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        for pattern, network in FILE_PATTERNS:
            for name in matching_names(files, pattern):
                for number, one in enumerate(streams.read_elements(files, name), 1):
                    if isinstance(one, SkippedEntry):
                        yield one
                    elif (found := _build_post(one, network)) is not None:
                        yield found
                    else:
                        yield malformed_entry(name, number)
        for name in matching_names(files, COMMENTS_PATTERN):
            for number, one in enumerate(streams.read_elements(files, name), 1):
                if isinstance(one, SkippedEntry):
                    yield one
                else:
                    yield _build_comment(one) or malformed_entry(name, number)


reader = InstagramArchiveReader()


def _build_post(told: object, network: str) -> ArchiveRecord | None:
    """A post with its files; one with a single file has its text and time there."""
    if not isinstance(told, dict):
        return None
    media = [one for one in told.get("media") or ([told] if told.get("uri") else []) if isinstance(one, dict)]
    first: dict[str, Any] = media[0] if media else {}
    text = repair_encoding(told.get("title") or first.get("title"))
    at = parse_epoch(told.get("creation_timestamp") or first.get("creation_timestamp"))
    if not text and not any(one.get("uri") for one in media):
        return None
    return ArchiveRecord(
        text=text,
        posted_at=at,
        posted_to="second" if at else "none",
        network=network,
        media=[media_entry(one) for one in media if one.get("uri")],
    )


def _build_comment(told: object) -> ArchiveRecord | None:
    cells = told.get("string_map_data") if isinstance(told, dict) else None
    if not isinstance(cells, dict) or not isinstance(cells.get("Comment"), dict):
        return None
    at = parse_epoch((cells.get("Time") or {}).get("timestamp"))
    return ArchiveRecord(
        text=repair_encoding(cells["Comment"].get("value")),
        posted_at=at,
        posted_to="second" if at else "none",
        kind="comment",
    )


def _read_account(files: ArchiveFiles) -> dict[str, str]:
    for name in matching_names(files, ACCOUNT_PATTERN):
        try:
            cells = (streams.read_document(files, name) or {})["profile_user"][0]["string_map_data"]
            return {key: repair_encoding(cells[key].get("value")) for key in ("Username", "Name") if key in cells}
        except (UnreadableFile, KeyError, IndexError, TypeError, AttributeError):
            continue
    return {}
