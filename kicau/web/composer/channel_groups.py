"""Channels in the composer: by brand, and in saved groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError
from kicau.channels.models import Channel
from kicau.publishing.content import snippets
from kicau.publishing.models import ChannelGroup
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page


@dataclass(frozen=True, slots=True)
class Brand:
    """Channels that belong together; `name` is "" for those that stand alone."""

    name: str
    channels: tuple[Channel, ...]


def brands(channels: Iterable[Channel], groups: Sequence[ChannelGroup]) -> list[Brand]:
    """The channels by brand, in their order. A brand is the smallest saved group that has the channel; without one,
    the channels with the same name. Channels that are alone in their brand come last, together."""
    by_size = sorted(groups, key=lambda group: len(group.keys))
    found: dict[str, list[Channel]] = {}
    for channel in channels:
        name = next((group.name for group in by_size if channel.key in group.keys), channel.name)
        found.setdefault(" ".join(name.casefold().split()), []).append(channel)
    names = {" ".join(group.name.casefold().split()): group.name for group in groups}
    made = [Brand(names.get(key, rows[0].name), tuple(rows)) for key, rows in found.items() if len(rows) > 1]
    alone = tuple(rows[0] for rows in found.values() if len(rows) == 1)
    return [*made, Brand("", alone)] if alone else made


@member_page
@require_POST
def save_channel_group(request: MemberRequest) -> HttpResponse:
    try:
        snippets.save_group(request.actor, request.POST.get("group-name", ""), request.POST.getlist("channel"))
    except DomainError as exc:
        return _render_groups(request, error_sentence(exc))
    return _render_groups(request)


@member_page
@require_POST
def delete_channel_group(request: MemberRequest, group_id: UUID) -> HttpResponse:
    snippets.delete_group(request.actor, group_id)
    return _render_groups(request)


def _render_groups(request: MemberRequest, sentence: str = "") -> HttpResponse:
    shown = {"chosen_groups": list(snippets.channel_groups(request.actor)), "sentence": sentence}
    return render(request, "composer/channel_groups.html", shown)
