"""Polls of the Mastodon sandbox: what is refused, what is kept, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.networks.mastodon.sandbox.errors import not_found_error
from kicau.networks.mastodon.sandbox.oauth import MastodonCaller
from kicau.networks.mastodon.sandbox.params import to_bool, to_int
from kicau.networks.mastodon.text import normalize_text, split_graphemes

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

type Doc = dict[str, Any]


def read_poll_options(poll: Doc) -> list[str]:
    given = poll.get("options")
    return [one for one in (normalize_text(str(option)) for option in given) if one] if isinstance(given, list) else []


def iso_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class MastodonPollsApi:
    def __init__(self, box: Server) -> None:
        self.box = box

    def faults(self, poll: Doc) -> Iterator[str]:
        box = self.box
        options, seconds = read_poll_options(poll), to_int(poll.get("expires_in"))
        if seconds is None:
            yield "Poll expires at can't be blank"
        if not options:
            yield "Poll options can't be blank"
        if len(options) < 2:
            yield "Poll options must have more than one item"
        if len(options) > box.poll_options:
            yield f"Poll options can't contain more than {box.poll_options} items"
        if any(split_graphemes(one) > box.poll_option_length for one in options):
            yield f"Poll options can't be longer than {box.poll_option_length} characters each"
        if len(set(options)) < len(options):
            yield "Poll options contain duplicate items"
        if seconds is not None and seconds > box.poll_longest:
            yield "Poll expires at is too far into the future"
        if seconds is not None and seconds < box.poll_shortest:
            yield "Poll expires at is too soon"

    def keep(self, poll: Doc, now: datetime) -> Doc:
        made: Doc = {
            "id": str(self.box.new_id()),
            "options": read_poll_options(poll),
            "multiple": to_bool(poll.get("multiple")),
            "hide_totals": to_bool(poll.get("hide_totals")),
            "expires_at": iso_time(now + timedelta(seconds=to_int(poll.get("expires_in")) or 0)),
        }
        return self.box.store.put("poll", made["id"], made)

    async def show(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        found = self.box.store.get("poll", request.match_info["id"])
        if found is None:
            raise not_found_error()
        return web.json_response(self.shape(found))

    def shape(self, poll: Doc) -> Doc:
        ends = datetime.fromisoformat(poll["expires_at"])
        count = None if poll["hide_totals"] and ends > self.box.now() else 0
        return {
            "id": poll["id"],
            "expires_at": poll["expires_at"],
            "expired": ends <= self.box.now(),
            "multiple": poll["multiple"],
            "votes_count": 0,
            "voters_count": 0,
            "voted": True,
            "own_votes": [],
            "options": [{"title": one, "votes_count": count} for one in poll["options"]],
            "emojis": [],
        }
