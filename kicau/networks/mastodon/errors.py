"""A server's refusals, read into the six errors, in the words that `render` uses for the same problem.

Mastodon answers {"error": sentence}, in English unless asked otherwise: config/locales/en.yml and
app/controllers/concerns/api/error_handling.rb, read 2026-11-24. Others write sentences of their own, which are shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from kicau.connector import clock
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.checks.shape import check_length
from kicau.connector.content import Problem, Rendered
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected
from kicau.connector.transport.http import DEFAULT_RETRY_DELAY, HttpResponse, is_from_proxy, retry_after
from kicau.networks.mastodon.limits import NETWORK_LABEL
from kicau.networks.mastodon.wire import parse_time

NOT_FOUND_CODE = "not-found"
NOT_READY_CODE = "media-not-ready"
MEDIA_GONE_CODE = "media-gone"
TOO_LONG_CODE = "too-long"
# snac answers in pages where it has nothing (2.75, tried 2026-11-24), Mastodon where it is being closed for good.
HTML_ERROR_STATUSES = frozenset({404, 410})

# What Mastodon says with 403 and 422 of an account that may not act (app/controllers/api/base_controller.rb).
_LOCKED_OUT_PATTERN = re.compile(
    r"your login is (?:currently|missing)|requires an authenticated user|access token", re.IGNORECASE
)
_SCOPES_PATTERN = re.compile(r"outside the authorized scopes|insufficient[ _](?:scope|permissions)", re.IGNORECASE)
_OAUTH_ERRORS = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "invalid_token",
        "unauthorized_client",
        "invalid_scope",
        "unsupported_grant_type",
        "access_denied",
    }
)
_MAX_RATE_WAIT = timedelta(days=1)  # a clock that is wrong by years holds nothing up for longer

# A pattern of the server's sentence -> code, field, sentence. `{limit}`, `{size}`, `{fps}` and `{tag}` come from the pattern.
_KNOWN_REJECTIONS: tuple[tuple[re.Pattern[str], str, str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code, field, message)
    for pattern, code, field, message in (
        (
            r"text can't be blank|status can't be blank|cannot post an empty",
            "empty",
            "parts.0.text",
            "The post for {network} is empty. Write text or add a file.",
        ),
        (
            r"(?:files?|media) that have not finished processing|not finished processing",
            NOT_READY_CODE,
            "parts.0.media",
            "{network} is still processing one of the files in this post. Message from the network: {said}",
        ),
        (
            r"media .*not found or already attached",
            MEDIA_GONE_CODE,
            "parts.0.media",
            "{network} no longer has one of the files in this post, or already uses it in another post. Message from the network: {said}",
        ),
        (
            r"video to a post that already contains",
            "mixed-media",
            "parts.0.media",
            "{network} does not allow a video together with other files in one post. Remove the video, or remove the other files.",
        ),
        (
            r"cannot attach more than (?P<limit>\d+) files",
            "too-many-media",
            "parts.0.media",
            "{network} allows at most {limit} files in one post. Remove some files.",
        ),
        (
            r"description is too long \(maximum is (?P<limit>\d+)",
            "alt-too-long",
            "parts.0.media",
            "On {network}, alt text can have at most {limit} characters. Shorten the alt text.",
        ),
        (
            r"must be less than (?P<size>[\d.,]+ ?\w+)",
            "too-large",
            "parts.0.media",
            "{network} accepts only files smaller than {size}. Reduce the size of this file.",
        ),
        (
            r"(?P<size>\d+x\d+) (?:images|videos) are not supported",
            "too-many-pixels",
            "parts.0.media",
            "{network} does not accept a file with {size} pixels. Reduce the width and height of the file.",
        ),
        (
            r"(?P<fps>\d+)fps videos are not supported",
            "wrong-fps",
            "parts.0.media",
            "{network} does not accept a video with {fps} frames per second. Export the video with fewer frames per second.",
        ),
        (
            r"content type is invalid|could not be verified|has no video stream|processing thumbnail",
            "media-refused",
            "parts.0.media",
            "{network} could not use one of the files in this post ({said}). Replace the file.",
        ),
        (
            r"options must have more than one",
            "poll-too-few",
            "poll.options",
            "A poll on {network} needs at least 2 options. Add an option.",
        ),
        (
            r"options can't contain more than (?P<limit>\d+) items",
            "poll-too-many",
            "poll.options",
            "A poll on {network} can have at most {limit} options. Remove some options.",
        ),
        (
            r"options can't be longer than (?P<limit>\d+) characters",
            "poll-option-too-long",
            "poll.options",
            "A poll option for {network} has more than {limit} characters. Shorten the option.",
        ),
        (
            r"options contain duplicate",
            "poll-duplicate",
            "poll.options",
            "A poll on {network} cannot have the same option twice. Change one of the two options.",
        ),
        (
            r"is too (?:soon|far into the future)",
            "poll-duration",
            "poll.minutes",
            "{network} rejected the duration of the poll. Choose another duration. Message from the network: {said}",
        ),
        (
            r"contained (?:a|the) disallowed hashtags?: (?P<tag>.+)",
            "banned-hashtag",
            "parts.0.text",
            "This {network} server does not accept posts with the hashtag #{tag}. Remove the hashtag.",
        ),
        (
            r"trying to reply to does not",
            "no-such-reply",
            "reply_to",
            "{network} cannot find the post that you are replying to, or this account may not see it. Check the link to that post.",
        ),
        (
            r"trying to quote does not|quoted (?:post|status).*(?:not found|does not)",
            "no-such-quote",
            "options.quote",
            "{network} cannot find the post that you are quoting, or its author does not allow quotes. Check the link to that post, or remove the quote.",
        ),
        (
            r"quote.*private mention|quoted user.*mention",
            "quote-unmentioned",
            "options.quote",
            "Your post is visible only to mentioned people, so {network} lets you quote only their posts. Mention the author of the quoted post, or let more people see your post.",
        ),
    )
)
_LENGTH_PATTERN = re.compile(
    r"character limit of (\d+) exceeded|too long.*?limit is (\d+)|over the character limit", re.IGNORECASE
)


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """What an answer that is not 2xx means; None leaves it to the shared reading."""
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    if between := is_from_proxy(reply, HTML_ERROR_STATUSES):
        return between
    body = reply.peek()
    error = str(body.get("error") or "")
    said = str(body.get("error_description") or error or _plain_error_text(reply))
    if reply.status == 429:
        return RateLimited(_rate_limit_reset(reply), detail=said)
    if error in _OAUTH_ERRORS or reply.status == 401:
        return AuthExpired(said)
    if reply.status in (403, 422) and (_SCOPES_PATTERN.search(said) or _LOCKED_OUT_PATTERN.search(said)):
        return AuthExpired(said)
    return _content_rejection(reply.status, said)


def read_app_block(reply: HttpResponse) -> AppBlocked | None:
    """A server that is being closed for good answers everything with 410 (SELF_DESTRUCT; check_self_destruct! in
    app/controllers/application_controller.rb, read 2026-11-26). A post that is gone does so too, hence a whole day."""
    return (
        AppBlocked(code="server-closed", said=_plain_error_text(reply), over=timedelta(days=1))
        if reply.status == 410
        else None
    )


def _plain_error_text(reply: HttpResponse) -> str:
    """An answer that is no JSON, without its markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", reply.text[:600]).split())[:200] or f"HTTP {reply.status}"


def _rate_limit_reset(reply: HttpResponse) -> datetime:
    """X-RateLimit-Reset is a time in ISO 8601 (https://docs.joinmastodon.org/api/rate-limits/), not a number of seconds."""
    now = clock.now()
    reset = parse_time(reply.headers.get("x-ratelimit-reset")) or retry_after(reply)
    if reset is None or reset > now + _MAX_RATE_WAIT:
        return now + DEFAULT_RETRY_DELAY
    return max(reset, now + timedelta(seconds=1))


def _content_rejection(status: int, said: str) -> Rejected:
    if found := _LENGTH_PATTERN.search(said):
        return _too_long_rejection(int(found[1] or found[2] or 0), said)
    for pattern, code, field, message in _KNOWN_REJECTIONS:
        if found := pattern.search(said):
            given = {name: value for name, value in found.groupdict().items() if value}
            return _rejection(
                code, message, said, field, **{k: int(v) if k == "limit" else v for k, v in given.items()}
            )
    match status:
        case 404 | 410:
            return _rejection(
                NOT_FOUND_CODE,
                "{network} could not find a post, account or file that Kicau needs. Message from the network: {said}",
                said,
            )
        case 403:
            return _rejection(
                "not-allowed",
                "{network} does not allow this account to do what Kicau tried. Message from the network: {said}",
                said,
            )
        case 413:
            return _rejection(
                "too-large",
                "One of the files in this post is too large for this {network} server. Make the file smaller.",
                said,
                "parts.0.media",
            )
    return _rejection("refused", "{network} rejected the post. Message from the network: {said}", said)


def _too_long_rejection(limit: int, said: str) -> Rejected:
    if not limit:
        return _rejection(
            TOO_LONG_CODE,
            "The text is longer than this {network} server allows. Shorten the text.",
            said,
            "parts.0.text",
        )
    message = "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text."
    params: dict[str, str | int | float] = {
        "network": NETWORK_LABEL,
        "text_or_part": "the text",
        "actual": "too many",
        "unit": "characters",
        "limit": limit,
    }
    return Rejected(
        Problem(code=TOO_LONG_CODE, message=message, params=params, field="parts.0.text", limit=limit, fix="shorten"),
        detail=said,
    )


def _rejection(code: str, message: str, said: str, field: str = "", **params: str | int) -> Rejected:
    short = said.removeprefix("Validation failed: ").strip()[:300]
    limit = params.get("limit")
    problem = Problem(
        code=code,
        message=message,
        params={"network": NETWORK_LABEL, "said": short, **params},
        field=field,
        limit=limit if isinstance(limit, int) else None,
    )
    return Rejected(problem, detail=said)


def rejection_code(refused: Rejected) -> str:
    return refused.problems[0].code if refused.problems else ""


def rejection_at_part(refused: Rejected, post: Rendered, part: int) -> Rejected:
    """The same refusal, told of the part that it is about, with our count of a text that the server found too long."""
    problems: list[Problem] = []
    for problem in refused.problems:
        if problem.code == TOO_LONG_CODE and problem.limit and (used := post.parts[part].used) > 0:
            limit = min(int(problem.limit), used - 1)
            counted = check_length(
                NETWORK_LABEL,
                [replace(one, limit=limit if n == part else one.used) for n, one in enumerate(post.parts)],
                can_thread=True,
            )
            problems += counted
        else:
            problems.append(replace(problem, field=problem.field.replace("parts.0.", f"parts.{part}.", 1)))
    return Rejected(*problems, detail=refused.detail)
