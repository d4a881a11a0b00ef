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
from kicau.base.errors import DomainError, ServerBusy
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel, ChannelState
from kicau.costs.pricing import PricedCharge
from kicau.publishing.content import contacts as book
from kicau.publishing.content import mentions
from kicau.publishing.models import Contact, KnownAccount
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page

MIN_QUERY_LENGTH = 2  # letters before a network is asked
LOOKUP_TIMEOUT_SECONDS = 3  # seconds; who types goes on meanwhile
MAX_CONTACTS_OFFERED = 5


@dataclass(frozen=True, slots=True)
class LookupOffer:
    """A network that is asked by a press only: by a whole handle, or for money."""

    channel: Channel
    priced: tuple[PricedCharge, ...]
    what: str


@member_page
@require_safe
def mention_suggestions(request: MemberRequest) -> HttpResponse:
    """Accounts and contacts (or, after #, hashtags) for the words before the cursor."""
    words = request.GET.get("words", "")[:100]
    if request.GET.get("sign") == "#":
        return render(
            request, "composer/mention_suggestions.html", {"tags": mentions.suggest_tags(request.actor, words)}
        )
    picked = _mention_channels(request)
    if len(words) >= MIN_QUERY_LENGTH:
        _look_up_free(request, picked, words)
    return _render_suggestions(request, picked, words)


@member_page
@require_POST
def look_up_handle(request: MemberRequest) -> HttpResponse:
    """Ask one channel's network for a whole handle, and offer again what is known then."""
    words, picked = request.POST.get("words", "")[:100], _mention_channels(request)
    sentence = ""
    try:
        channel = channels.one_channel(request.actor, request.POST.get("ask", ""))
        found = outbound.run_request(request.actor.person_id, mentions.look_up_accounts, request.actor, channel, words)
    except DomainError as exc:
        found, sentence = [], error_sentence(exc)
    return _render_suggestions(request, picked, words, asked=True, sentence=sentence, found=found)


def _mention_channels(request: MemberRequest) -> list[Channel]:
    """The channels that the text is for: of the chosen ones, those of its own network where it has one."""
    form = request.POST if request.method == "POST" else request.GET
    wanted, network = set(form.getlist("channel")), form.get("network", "")
    return [c for c in channels.channels(request.actor) if c.key in wanted and network in ("", c.network)]


def _look_up_free(request: MemberRequest, picked: Iterable[Channel], words: str) -> None:
    """What costs nothing is asked at once, of all networks together; who cannot be asked now is left out."""
    free = [
        c
        for c in _one_channel_per_network(picked)
        if (f := mentions.people_search_of(c.network)) and f.as_typed and c.state == ChannelState.ACTIVE
    ]

    async def all_of_them() -> None:
        async with new_client() as client:
            asked = [
                asyncio.wait_for(
                    mentions.look_up_accounts(request.actor, c, words, client=client), LOOKUP_TIMEOUT_SECONDS
                )
                for c in free
            ]
            await asyncio.gather(*asked, return_exceptions=True)

    if free:
        with suppress(ServerBusy):  # offered is what is known already
            outbound.run_request(request.actor.person_id, all_of_them)


def _one_channel_per_network(picked: Iterable[Channel]) -> list[Channel]:
    return list({channel.network: channel for channel in reversed(list(picked))}.values())[::-1]


def _render_suggestions(
    request: MemberRequest,
    picked: Sequence[Channel],
    words: str,
    *,
    asked: bool = False,
    sentence: str = "",
    found: Sequence[KnownAccount] = (),
) -> HttpResponse:
    one_each = _one_channel_per_network(picked)
    networks = [c.network for c in one_each]
    rows = mentions.suggest_handles(request.actor, networks, words)
    known = {(row.network, row.target) for row in rows}
    rows = [row for row in found if (row.network, row.target) not in known] + rows
    asking = [
        LookupOffer(channel, mentions.lookup_price(channel), finding.what)
        for channel in one_each
        if words and not asked and (finding := mentions.people_search_of(channel.network)) and not finding.as_typed
    ]
    shown = {
        "words": words,
        "contacts": list(_matching_contacts(request, words)),
        "handles": rows,
        "asking": asking,
        "unasked": [n for n in networks if mentions.people_search_of(n) is None],
        "sentence": sentence,
        "nobody": asked and not rows and not sentence,
        "some": any((f := mentions.people_search_of(n)) and not f.every for n in networks),
    }
    return render(request, "composer/mention_suggestions.html", shown)


def _matching_contacts(request: MemberRequest, words: str) -> Iterable[Contact]:
    return book.contacts(request.actor).filter(name__istartswith=words)[:MAX_CONTACTS_OFFERED]


# Contacts


@member_page
@require_safe
def contacts(request: MemberRequest) -> HttpResponse:
    return _render_contacts(request, request.GET.getlist("channel"))


@member_page
@require_POST
def save_contact(request: MemberRequest) -> HttpResponse:
    given = {
        name.removeprefix("mention-"): str(value) for name, value in request.POST.items() if name.startswith("mention-")
    }
    name = request.POST.get("contact-name", "")
    try:
        book.save_contact(request.actor, name, given)
    except DomainError as exc:
        return _render_contacts(request, [], sentence=error_sentence(exc), given={"name": name, **given})
    return _render_contacts(request, [], changed=True)


@member_page
@require_POST
def delete_contact(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    book.delete_contact(request.actor, contact_id)
    return _render_contacts(request, [], changed=True)


def _render_contacts(
    request: MemberRequest,
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
    answer = render(request, "composer/contacts.html", shown)
    if changed:
        answer["HX-Trigger-After-Settle"] = "shaped"  # previews know them now
    return answer
