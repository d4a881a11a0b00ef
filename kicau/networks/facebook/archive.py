"""Facebook's download (JSON): posts of a profile or Page, and comments, in the old and the newer folders.

your_facebook_activity/posts/*posts*.json (older: posts/your_posts_1.json; Pages: posts/profile_posts_1.json), what was
posted in groups, comments_and_reactions/comments.json, groups/your_comments_in_groups.json. Looked up 2026-11-26. Posts carry no ids, so what is the same is told by its text and time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

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

POSTS_PATTERN = r"(^|/)posts/[\w-]*posts[\w-]*\.json$"
GROUP_POSTS_PATTERN = r"(^|/)groups/(your_posts_in_groups|group_posts_and_comments)\.json$"
COMMENTS_PATTERN = r"(^|/)comments(_and_reactions)?/comments\.json$|(^|/)groups/your_comments_in_groups\.json$"
HTML_POSTS_PATTERN = r"(^|/)posts/[\w-]*posts[\w-]*\.html$"
PROFILE_PATTERN = r"(^|/)profile_information/profile_information\.json$"
# What stands beside the posts and is none of them: what others wrote on the profile (so named until 2020, its apostrophe
# replaced by some unpackers) and earlier wordings, which name no post.
EXCLUDED_PATTERN = re.compile(
    r"(^|/)(threads|media)/|your_instagram_activity|/(other_people|edits_you_made_to_)", re.IGNORECASE
)


class FacebookArchiveReader:
    """The archive reader of the connector for Facebook."""

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        if (
            not _matching_names(files, POSTS_PATTERN)
            and not matching_names(files, GROUP_POSTS_PATTERN)
            and not matching_names(files, COMMENTS_PATTERN)
        ):
            reject_html_export(files, HTML_POSTS_PATTERN, "Facebook")
            return None
        profile = _read_profile(files)
        name = repair_encoding((profile.get("name") or {}).get("full_name"))
        address = urlsplit(str(profile.get("profile_uri") or ""))
        return ArchiveOwner(format="facebook", handle=address.path.strip("/"), name=name)

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        for name in [*_matching_names(files, POSTS_PATTERN), *matching_names(files, GROUP_POSTS_PATTERN)]:
            for number, one in enumerate(streams.read_elements(files, name), 1):
                if isinstance(one, SkippedEntry):
                    yield one
                elif not isinstance(one, dict) or not parse_epoch(one.get("timestamp")):
                    yield malformed_entry(name, number)
                elif (found := _build_post(one)) is not None:
                    yield found
        for name in matching_names(files, COMMENTS_PATTERN):
            for number, one in enumerate(streams.read_elements(files, name), 1):
                if isinstance(one, SkippedEntry):
                    yield one
                elif (found := _build_comment(one)) is not None:
                    yield found
                else:
                    yield malformed_entry(name, number)


reader = FacebookArchiveReader()


def _build_post(told: dict[str, Any]) -> ArchiveRecord | None:
    """None for what has neither text nor file, such as a changed profile picture's notice."""
    data = [one for one in told.get("data") or [] if isinstance(one, dict)]
    text = "\n".join(repair_encoding(one["post"]) for one in data if one.get("post"))
    record = ArchiveRecord(posted_at=parse_epoch(told.get("timestamp")))
    titles: list[str] = []
    for attached in told.get("attachments") or []:
        for one in (attached.get("data") or []) if isinstance(attached, dict) else []:
            if not isinstance(one, dict):
                continue
            if isinstance(one.get("media"), dict):
                record.media.append(media_entry(one["media"]))
                titles.append(repair_encoding(one["media"].get("description")))
            elif isinstance(one.get("external_context"), dict):
                record.extra["link"] = str(one["external_context"].get("url") or "")
    record.text = text or next((t for t in titles if t), "")
    return record if record.text or record.media else None


def _build_comment(told: object) -> ArchiveRecord | None:
    if not isinstance(told, dict):
        return None
    for one in told.get("data") or []:
        if isinstance(one, dict) and isinstance(comment := one.get("comment"), dict):
            at = parse_epoch(comment.get("timestamp") or told.get("timestamp"))
            return ArchiveRecord(
                text=repair_encoding(comment.get("comment")),
                posted_at=at,
                posted_to="second" if at else "none",
                kind="comment",
            )
    return None


def _matching_names(files: ArchiveFiles, pattern: str) -> list[str]:
    return [name for name in matching_names(files, pattern) if not EXCLUDED_PATTERN.search(name)]


def _read_profile(files: ArchiveFiles) -> dict[str, Any]:
    for name in matching_names(files, PROFILE_PATTERN):
        try:
            found = streams.read_document(files, name)
        except UnreadableFile:
            continue
        if isinstance(found, dict) and isinstance(inner := found.get("profile_v2") or found.get("profile"), dict):
            return inner
    return {}
