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
from kicau.connector.archives.files import Files, Unreadable, matching
from kicau.connector.archives.records import Found, Record, Skip, Whose, malformed
from kicau.networks._meta.archive import medium, mended, moment, refuse_pages

POSTS = r"(^|/)posts/[\w-]*posts[\w-]*\.json$"
GROUPS = r"(^|/)groups/(your_posts_in_groups|group_posts_and_comments)\.json$"
COMMENTS = r"(^|/)comments(_and_reactions)?/comments\.json$|(^|/)groups/your_comments_in_groups\.json$"
PAGES = r"(^|/)posts/[\w-]*posts[\w-]*\.html$"
PROFILE = r"(^|/)profile_information/profile_information\.json$"
# What stands beside the posts and is none of them: what others wrote on the profile (so named until 2020, its apostrophe
# replaced by some unpackers) and earlier wordings, which name no post.
NOT = re.compile(r"(^|/)(threads|media)/|your_instagram_activity|/(other_people|edits_you_made_to_)", re.IGNORECASE)


class Reader:
    """The archive reader of the connector for Facebook."""

    def sniff(self, files: Files, /) -> Whose | None:
        if not _named(files, POSTS) and not matching(files, GROUPS) and not matching(files, COMMENTS):
            refuse_pages(files, PAGES, "Facebook")
            return None
        profile = _profile(files)
        name = mended((profile.get("name") or {}).get("full_name"))
        address = urlsplit(str(profile.get("profile_uri") or ""))
        return Whose(format="facebook", handle=address.path.strip("/"), name=name)

    def read(self, files: Files, /) -> Iterator[Found]:
        for name in [*_named(files, POSTS), *matching(files, GROUPS)]:
            for number, one in enumerate(streams.elements(files, name), 1):
                if isinstance(one, Skip):
                    yield one
                elif not isinstance(one, dict) or not moment(one.get("timestamp")):
                    yield malformed(name, number)
                elif (found := _post(one)) is not None:
                    yield found
        for name in matching(files, COMMENTS):
            for number, one in enumerate(streams.elements(files, name), 1):
                if isinstance(one, Skip):
                    yield one
                elif (found := _comment(one)) is not None:
                    yield found
                else:
                    yield malformed(name, number)


reader = Reader()


def _post(told: dict[str, Any]) -> Record | None:
    """None for what has neither text nor file, such as a changed profile picture's notice."""
    data = [one for one in told.get("data") or [] if isinstance(one, dict)]
    text = "\n".join(mended(one["post"]) for one in data if one.get("post"))
    record = Record(posted_at=moment(told.get("timestamp")))
    titles: list[str] = []
    for attached in told.get("attachments") or []:
        for one in (attached.get("data") or []) if isinstance(attached, dict) else []:
            if not isinstance(one, dict):
                continue
            if isinstance(one.get("media"), dict):
                record.media.append(medium(one["media"]))
                titles.append(mended(one["media"].get("description")))
            elif isinstance(one.get("external_context"), dict):
                record.extra["link"] = str(one["external_context"].get("url") or "")
    record.text = text or next((t for t in titles if t), "")
    return record if record.text or record.media else None


def _comment(told: object) -> Record | None:
    if not isinstance(told, dict):
        return None
    for one in told.get("data") or []:
        if isinstance(one, dict) and isinstance(comment := one.get("comment"), dict):
            at = moment(comment.get("timestamp") or told.get("timestamp"))
            return Record(
                text=mended(comment.get("comment")), posted_at=at, posted_to="second" if at else "none", kind="comment"
            )
    return None


def _named(files: Files, pattern: str) -> list[str]:
    return [name for name in matching(files, pattern) if not NOT.search(name)]


def _profile(files: Files) -> dict[str, Any]:
    for name in matching(files, PROFILE):
        try:
            found = streams.document(files, name)
        except Unreadable:
            continue
        if isinstance(found, dict) and isinstance(inner := found.get("profile_v2") or found.get("profile"), dict):
            return inner
    return {}
