"""From a draft to exactly what Threads gets and shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.media import check_media
from kicau.connector.checks.polls import check_poll
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    Charge,
    Draft,
    Link,
    MediaKind,
    Part,
    Problem,
    Rendered,
    RenderedPart,
)
from kicau.networks._meta.text import displayed_text, unsendable_problem
from kicau.networks.threads import text
from kicau.networks.threads.limits import NETWORK_LABEL, PICTURE_RECIPE, fact_number

POST_ID_PATTERN = re.compile(r"\d{5,25}")
POLL_OPTION_KEYS = ("a", "b", "c", "d")  # option_a to option_d


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Pure and total."""
    options = {name: value.strip() for name, value in resolve_options(draft, can).items()}
    options["topic"] = options.get("topic", "").removeprefix("#")
    written, link, notices = _with_link(draft)
    parts, problems = [], list(check_shape(NETWORK_LABEL, draft, can))
    for n, part in enumerate(written):
        made = displayed_text(part.text)
        checked = check_media(NETWORK_LABEL, n, part.media, can, convert=draft.convert, recipe=PICTURE_RECIPE)
        tags = n > 0 or not options["topic"]
        parts.append(
            RenderedPart(
                text=made,
                spans=text.find_spans(made, tags=tags),
                media=checked.media,
                used=text.count_characters(made),
                limit=can.max_length,
            )
        )
        problems += [
            *checked.problems,
            *unsendable_problem(NETWORK_LABEL, made, f"parts.{n}.text"),
            *_empty_part_problems(n, made, part, options),
        ]
        problems += _too_many_links_problems(n, made, link if n == 0 else None)
        notices += checked.notices
    problems += check_length(NETWORK_LABEL, parts, can_thread=True)
    problems += _poll_problems(draft, can)
    problems += _option_problems(options, draft, parts)
    return Rendered(
        parts=tuple(parts),
        link=link,
        poll=draft.poll,
        reply_to=(draft.reply_to or "").strip() or None,
        options=options,
        problems=tuple(problems),
        notices=(*notices, *_notices(draft, options, parts), *_quota_notices(can, parts, bool(draft.reply_to))),
        charges=_charges(parts, bool(draft.reply_to)),
        lead=_lead_seconds(written[0]),
    )


def _problem(code: str, field: str, message: str, limit: float = 0, actual: float = 0, **params: str | int) -> Problem:
    filled: dict[str, str | int | float] = {"network": NETWORK_LABEL, "limit": limit, "actual": actual, **params}
    return Problem(code=code, message=message, params=filled, field=field, limit=limit or None, actual=actual or None)


def _with_link(draft: Draft) -> tuple[tuple[Part, ...], Link | None, list[Problem]]:
    """Threads attaches a link to a post of text alone; beside files or a poll it goes into the text."""
    parts = draft.parts or (Part(),)
    link, notices = draft.link, list[Problem]()
    if link is None or not link.url.strip():
        return parts, None, notices
    if link.title or link.description or link.thumbnail:
        notices.append(
            _problem(
                "no-own-card",
                "link",
                "{network} creates the link preview itself from the linked page. Kicau does not send the title, description and image that you entered.",
            )
        )
    if not parts[0].media and not draft.poll:
        return parts, Link(url=link.url.strip()), notices
    first = parts[0]
    if link.url not in first.text:
        joined = f"{first.text.rstrip()}\n\n{link.url}" if first.text.strip() else link.url
        parts = (replace(first, text=joined), *parts[1:])
        notices.append(
            _problem(
                "link-in-text",
                "link",
                "If a post has files or a poll, {network} shows no link preview. Kicau adds the link at the end of the text.",
            )
        )
    return parts, None, notices


def _empty_part_problems(n: int, made: str, part: Part, options: Mapping[str, str]) -> list[Problem]:
    if made or part.media or (n == 0 and options.get("quote")):
        return []
    where = f"part {n + 1} of the thread" if n else "the post"
    return [
        _problem(
            "empty",
            f"parts.{n}.text",
            "For {network}, {text_or_part} is empty. Write text or add a file.",
            text_or_part=where,
        )
    ]


def _too_many_links_problems(n: int, made: str, link: Link | None) -> list[Problem]:
    found = {*text.find_urls(made), *([link.url] if link else [])}
    limit = fact_number("max_links")
    if len(found) <= limit:
        return []
    message = (
        "This post has {actual} different links, but {network} allows at most {limit} in one post. Remove some links."
    )
    return [_problem("too-many-links", f"parts.{n}.text", message, limit, len(found))]


def _poll_problems(draft: Draft, can: Capabilities) -> list[Problem]:
    if draft.poll is None:
        return []
    found = list(
        check_poll(
            NETWORK_LABEL, draft.poll, can, [text.count_characters(displayed_text(one)) for one in draft.poll.options]
        )
    )
    if draft.parts and draft.parts[0].media:
        found.append(
            _problem(
                "poll-with-media",
                "parts.0.media",
                "{network} does not allow files in a post with a poll. Remove the files or the poll.",
            )
        )
    if not (draft.parts and draft.parts[0].text.strip()):
        found.append(
            _problem(
                "empty",
                "parts.0.text",
                "A poll on {network} needs a question. Write the question into the text of the post.",
            )
        )
    for n, option in enumerate(draft.poll.options):
        found += unsendable_problem(NETWORK_LABEL, option, f"poll.options.{n}")
    return found


def _option_problems(options: Mapping[str, str], draft: Draft, parts: list[RenderedPart]) -> list[Problem]:
    found = []
    topic = options.get("topic", "")
    if re.search(r"[.&\s]", topic.replace(" ", "")) or len(topic) > fact_number("topic.max_length"):
        message = "{given!r} cannot be a topic on {network}, because a topic can have at most {limit} characters and no period or “&”. Change the topic."
        found.append(_problem("bad-topic", "options.topic", message, fact_number("topic.max_length"), given=topic[:80]))
    found += unsendable_problem(NETWORK_LABEL, topic, "options.topic")
    for field, given in (("options.quote", options.get("quote", "")), ("reply_to", (draft.reply_to or "").strip())):
        if given and not POST_ID_PATTERN.fullmatch(given):
            message = "{given!r} is not the ID of a {network} post. Enter the post's ID from the {network} API (a long number), not the web address."
            found.append(_problem("bad-reference", field, message, given=given[:80]))
    if options.get("reply_control") == "parent_post_author_only" and not draft.reply_to:
        message = "On {network}, the option “Only the author of the post you reply to” works only if your post is a reply. Choose another option for “Who can reply to this post”."
        found.append(_problem("bad-option", "options.reply_control", message))
    return found


def _notices(draft: Draft, options: Mapping[str, str], parts: list[RenderedPart]) -> list[Problem]:
    found = []
    if draft.poll and draft.poll.question:
        found.append(
            _problem(
                "no-poll-question",
                "poll.question",
                "A poll on {network} has no separate field for the question. Readers see the post's text as the question.",
            )
        )
    if options.get("spoiler") == "true" and not any(part.media for part in parts):
        found.append(
            _problem(
                "no-spoiler",
                "options.spoiler",
                "{network} can hide images and videos until readers tap them, but this post has no files. Add a file, or turn off this option.",
            )
        )
    return found


def _quota_notices(can: Capabilities, parts: list[RenderedPart], reply: bool) -> list[Problem]:
    """A full quota holds a post back, it does not spoil it."""
    found = []
    for name, message, wanted in (
        (
            "posts-24h",
            "{network} allows {limit} posts in 24 hours, and this account has already published {actual}. Posts scheduled before {next_time} wait until that time.",
            0 if reply else 1,
        ),
        (
            "replies-24h",
            "{network} allows {limit} replies in 24 hours, and this account has already published {actual}. The later parts of a thread count as replies. Replies and threads scheduled before {next_time} wait until that time.",
            len(parts) - 1 + reply,
        ),
    ):
        limit, used = can.quota.get(name, 0), can.quota.get(f"{name}-used", 0)
        if not limit or not wanted or used + wanted <= limit:
            continue
        next_time = datetime.fromtimestamp(can.quota.get(f"{name}-resets", 0), UTC)
        found.append(_problem("quota-full", "", message, limit, used, next_time=f"{next_time:%Y-%m-%d %H:%M} UTC"))
    return found


def _charges(parts: list[RenderedPart], reply: bool) -> tuple[Charge, ...]:
    replies = len(parts) - 1 + reply
    # A container each (and one for a carousel), one look, publishing; then reading the address.
    calls = sum((len(part.media) if len(part.media) > 1 else 0) + 3 for part in parts) + 1
    posts = () if reply else (Charge("posts-24h"),)
    return (*posts, *((Charge("replies-24h", replies),) if replies else ()), Charge("calls", calls))


def _lead_seconds(part: Part) -> int:
    """Seconds that fetching and preparing the files may take; nobody sees them before the last step."""
    if not part.media:
        return 30  # the guide asks for half a minute between a container and publishing it
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (180 if video else 45) + 5 * len(part.media) + sum(one.size for one in part.media) // 1_000_000
