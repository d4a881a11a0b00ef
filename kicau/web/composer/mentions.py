"""Whom a writer may mention: offered as one types, looked up on request, and the book of contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from kicau.base import outbound
from kicau.base.errors import Busy, Refusal
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel, ChannelState
from kicau.costs.pricing import Priced
from kicau.publishing.content import contacts as book
from kicau.publishing.content import mentions
from kicau.publishing.models import Contact, Handle
from kicau.web.core.labels import said
from kicau.web.core.views import Asked, page

FEWEST = 2  # letters before a network is asked
PATIENCE = 3  # seconds; who types goes on meanwhile
MOST_CONTACTS = 5


@dataclass(frozen=True, slots=True)
class Asking:
    """A network that is asked by a press only: by a whole handle, or for money."""

    channel: Channel
    priced: tuple[Priced, ...]
    what: str


@page
@require_safe
def offer(request: Asked) -> HttpResponse:
    """Accounts and contacts (or, after #, hashtags) for the words before the cursor."""
    words = request.GET.get("words", "")[:100]
    if request.GET.get("sign") == "#":
        return render(request, "web/composer/offered.html", {"tags": mentions.tags(request.actor, words)})
    picked = _picked(request)
    if len(words) >= FEWEST:
        _ask_as_typed(request, picked, words)
    return _offered(request, picked, words)


@page
@require_POST
def ask(request: Asked) -> HttpResponse:
    """Ask one channel's network for a whole handle, and offer again what is known then."""
    words, picked = request.POST.get("words", "")[:100], _picked(request)
    sentence = ""
    try:
        channel = channels.one_channel(request.actor, request.POST.get("ask", ""))
        found = outbound.run(request.actor.person_id, mentions.look_up, request.actor, channel, words)
    except Refusal as exc:
        found, sentence = [], said(exc)
    return _offered(request, picked, words, asked=True, sentence=sentence, found=found)


def _picked(request: Asked) -> list[Channel]:
    """The channels that the text is for: of the chosen ones, those of its own network where it has one."""
    form = request.POST if request.method == "POST" else request.GET
    wanted, network = set(form.getlist("channel")), form.get("network", "")
    return [c for c in channels.channels(request.actor) if c.key in wanted and network in ("", c.network)]


def _ask_as_typed(request: Asked, picked: Iterable[Channel], words: str) -> None:
    """What costs nothing is asked at once, of all networks together; who cannot be asked now is left out."""
    free = [
        c
        for c in _one_each(picked)
        if (f := mentions.finding_of(c.network)) and f.as_typed and c.state == ChannelState.ACTIVE
    ]

    async def all_of_them() -> None:
        async with new_client() as client:
            asked = [asyncio.wait_for(mentions.look_up(request.actor, c, words, client=client), PATIENCE) for c in free]
            await asyncio.gather(*asked, return_exceptions=True)

    if free:
        with suppress(Busy):  # offered is what is known already
            outbound.run(request.actor.person_id, all_of_them)


def _one_each(picked: Iterable[Channel]) -> list[Channel]:
    return list({channel.network: channel for channel in reversed(list(picked))}.values())[::-1]


def _offered(
    request: Asked,
    picked: Sequence[Channel],
    words: str,
    *,
    asked: bool = False,
    sentence: str = "",
    found: Sequence[Handle] = (),
) -> HttpResponse:
    one_each = _one_each(picked)
    networks = [c.network for c in one_each]
    rows = mentions.candidates(request.actor, networks, words)
    known = {(row.network, row.target) for row in rows}
    rows = [row for row in found if (row.network, row.target) not in known] + rows
    asking = [
        Asking(channel, mentions.price_of(channel), finding.what)
        for channel in one_each
        if words and not asked and (finding := mentions.finding_of(channel.network)) and not finding.as_typed
    ]
    shown = {
        "words": words,
        "contacts": list(_called(request, words)),
        "handles": rows,
        "asking": asking,
        "unasked": [n for n in networks if mentions.finding_of(n) is None],
        "sentence": sentence,
        "nobody": asked and not rows and not sentence,
        "some": any((f := mentions.finding_of(n)) and not f.every for n in networks),
    }
    return render(request, "web/composer/offered.html", shown)


def _called(request: Asked, words: str) -> Iterable[Contact]:
    return book.contacts(request.actor).filter(name__istartswith=words)[:MOST_CONTACTS]


# Contacts


@page
@require_safe
def contacts(request: Asked) -> HttpResponse:
    return _contacts(request, request.GET.getlist("channel"))


@page
@require_POST
def save_contact(request: Asked) -> HttpResponse:
    given = {
        name.removeprefix("mention-"): str(value) for name, value in request.POST.items() if name.startswith("mention-")
    }
    name = request.POST.get("contact-name", "")
    try:
        book.save_contact(request.actor, name, given)
    except Refusal as exc:
        return _contacts(request, [], sentence=said(exc), given={"name": name, **given})
    return _contacts(request, [], changed=True)


@page
@require_POST
def forget_contact(request: Asked, contact_id: UUID) -> HttpResponse:
    book.forget_contact(request.actor, contact_id)
    return _contacts(request, [], changed=True)


def _contacts(
    request: Asked,
    keys: Sequence[str],
    *,
    sentence: str = "",
    given: dict[str, str] | None = None,
    changed: bool = False,
) -> HttpResponse:
    """Of the chosen channels' networks; of all that the workspace has where none is named."""
    every = [c for c in channels.channels(request.actor) if not keys or c.key in keys]
    networks = list(dict.fromkeys(c.network for c in every))
    shown = {
        "contacts": list(book.contacts(request.actor)),
        "fields": [(network, (given or {}).get(network, "")) for network in networks],
        "given": given or {},
        "sentence": sentence,
    }
    answer = render(request, "web/composer/contacts.html", shown)
    if changed:
        answer["HX-Trigger-After-Settle"] = "shaped"  # previews know them now
    return answer
