"""Bodies of POST /2/tweets: what X accepts, and the refusal that names what does not fit."""

from __future__ import annotations

import json
import re
from typing import Any

from kicau.networks.x.sandbox.errors import invalid_request_error, plain_error

ID_PATTERN = re.compile(r"[0-9]{1,19}")

REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")

BODY_FIELDS = {  # CreatePostsRequest of 2.167: nothing else is taken
    "card_uri": str,
    "community_id": "id",
    "direct_message_deep_link": str,
    "edit_options": dict,
    "for_super_followers_only": bool,
    "geo": dict,
    "made_with_ai": bool,
    "media": dict,
    "nullcast": bool,
    "paid_partnership": bool,
    "poll": dict,
    "quote_tweet_id": "id",
    "reply": dict,
    "reply_settings": str,
    "share_with_followers": bool,
    "text": str,
}
MEDIA_FIELDS = {
    "media_ids": list,
    "tagged_user_ids": list,
    "call_to_actions": dict,
    "description": str,
    "embeddable": bool,
    "preview_media_id": "id",
    "title": str,
}
POLL_FIELDS = {"options": list, "duration_minutes": int, "reply_settings": str}
REPLY_FIELDS = {"in_reply_to_tweet_id": "id", "exclude_reply_user_ids": list, "auto_populate_reply_metadata": bool}


def read_body(content: bytes) -> dict[str, Any]:
    """A CreatePostsRequest. Raises the 400 that names what does not fit."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise plain_error(400, "The request body is no JSON object.")
    _check_types("", body, BODY_FIELDS)
    if "media" in body:
        _check_types("media.", body["media"], MEDIA_FIELDS)
        _check_ids("media.media_ids", body["media"].get("media_ids"), 1, 4)
        _check_ids("media.tagged_user_ids", body["media"].get("tagged_user_ids", []), 0, 10)
    if "poll" in body:
        _check_types("poll.", body["poll"], POLL_FIELDS)
        _check_poll(body["poll"])
    if "reply" in body:
        _check_types("reply.", body["reply"], REPLY_FIELDS)
        if "in_reply_to_tweet_id" not in body["reply"]:
            raise invalid_request_error("The required body parameter [reply.in_reply_to_tweet_id] is missing", reply="")
    if body.get("reply_settings", REPLY_SETTINGS[0]) not in REPLY_SETTINGS:
        raise invalid_request_error(
            f"The body parameter [reply_settings] is not one of [{','.join(REPLY_SETTINGS)}]",
            reply_settings=body["reply_settings"],
        )
    return body


def _check_types(where: str, found: dict[str, Any], known: dict[str, Any]) -> None:
    for name, value in found.items():
        if name not in known:
            raise invalid_request_error(
                f"The body parameter [{where}{name}] is not one of [{','.join(known)}]",
                **{where + name: str(value)[:50]},
            )
        kind = known[name]
        if kind == "id":
            good = isinstance(value, str) and ID_PATTERN.fullmatch(value) is not None
        else:
            good = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not good:
            raise invalid_request_error(
                f"The body parameter [{where}{name}] has the wrong type", **{where + name: str(value)[:50]}
            )


def _check_ids(name: str, value: Any, least: int, most: int) -> None:
    fits = isinstance(value, list) and least <= len(value) <= most
    if not fits or not all(isinstance(one, str) and ID_PATTERN.fullmatch(one) for one in value):
        raise invalid_request_error(
            f"The body parameter [{name}] must hold {least} to {most} ids", **{name: str(value)[:50]}
        )


def _check_poll(poll: dict[str, Any]) -> None:
    options, minutes = poll.get("options"), poll.get("duration_minutes")
    if not isinstance(options, list) or not 2 <= len(options) <= 4:
        raise invalid_request_error(
            "The body parameter [poll.options] must hold 2 to 4 options", **{"poll.options": str(options)[:50]}
        )
    if not all(isinstance(one, str) and 1 <= len(one) <= 25 for one in options):
        raise invalid_request_error(
            "Each of [poll.options] must have 1 to 25 characters", **{"poll.options": str(options)[:50]}
        )
    if not isinstance(minutes, int) or not 5 <= minutes <= 10080:
        raise invalid_request_error(
            "The body parameter [poll.duration_minutes] must be 5 to 10080", **{"poll.duration_minutes": str(minutes)}
        )
