"""What a writer reaches for: the library, the frame of a picture, saved texts, groups of channels, and who else is here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.base.ids import NO_ID, as_uuid
from kicau.channels import actions as channels
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector.content import MediaKind
from kicau.media.actions import all_media, one_medium
from kicau.publishing.calendar import post_queries
from kicau.publishing.content import snippets
from kicau.publishing.models import SavedText
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.workspaces.actors import Permission

MAX_LIBRARY_ITEMS = 60


@member_page
@require_safe
def pick_medium(request: MemberRequest) -> HttpResponse:
    """The library as a choice for one part."""
    found = all_media(request.actor)
    if words := request.GET.get("words", "").strip():
        found = found.filter(name__icontains=words) | found.filter(alt__icontains=words)
    shown = {"key": request.GET.get("key", ""), "media": list(found[:MAX_LIBRARY_ITEMS])}
    return render(request, "composer/pick_medium.html", shown)


@member_page
@require_safe
def campaigns(request: MemberRequest) -> HttpResponse:
    """Names to choose from."""
    names = ((name,) for name in post_queries.campaigns(request.actor))
    return HttpResponse(format_html_join("", '<option value="{}"></option>', names))


# The frame


@dataclass(frozen=True, slots=True)
class CropShape:
    """An aspect to crop to; `networks` are those of the chosen ones that take it as it then is."""

    name: str
    aspect: float  # width / height; 0 keeps the picture's own
    networks: tuple[str, ...] = ()


CROP_ASPECTS = (
    ("1:1", 1.0),
    ("4:5", 0.8),
    ("3:4", 0.75),
    ("9:16", 0.5625),
    ("4:3", 4 / 3),
    ("16:9", 16 / 9),
    ("1.91:1", 1.91),
)


@member_page
@require_safe
def crop(request: MemberRequest) -> HttpResponse:
    """A picture with a frame to move over it, in shapes that the chosen channels take."""
    medium = one_medium(request.actor, request.GET.get("medium", ""))
    wanted = set(request.GET.getlist("channel"))
    picked = [c for c in channels.channels(request.actor) if c.key in wanted]
    shapes = [
        CropShape(_("Original aspect ratio"), 0.0),
        *(CropShape(name, aspect, _networks_taking(picked, aspect)) for name, aspect in CROP_ASPECTS),
    ]
    shown = {"medium": medium, "key": request.GET.get("key", ""), "shapes": shapes}
    return render(request, "composer/crop.html", shown)


def _networks_taking(picked: Iterable[Channel], aspect: float) -> tuple[str, ...]:
    found = []
    for channel in picked:
        rule = capabilities_of(channel).media.get(MediaKind.IMAGE)
        if rule and aspect >= rule.min_aspect - 0.005 and (not rule.max_aspect or aspect <= rule.max_aspect + 0.005):
            found.append(channel.network)
    return tuple(dict.fromkeys(found))


# The cover


MAX_COVER_CHOICES = 12


@member_page
@require_safe
def choose_cover(request: MemberRequest) -> HttpResponse:
    """What a video shows before it plays: a frame by its time or a picture, and who takes which."""
    medium, wanted = one_medium(request.actor, request.GET.get("medium", "")), set(request.GET.getlist("channel"))
    rules = {c.network: _cover_rule(c) for c in channels.channels(request.actor) if c.key in wanted}
    at = request.GET.get("at", "")
    shown = {
        "medium": medium,
        "key": request.GET.get("key", ""),
        "at": int(at) if at.isdecimal() and len(at) < 9 else min(1000, medium.duration_ms // 2),
        "chosen": request.GET.get("picture", ""),
        "has_cover": bool(at or request.GET.get("picture")),
        "pictures": list(all_media(request.actor).filter(kind=MediaKind.IMAGE)[:MAX_COVER_CHOICES]),
        "takers": [network for network, rule in rules.items() if rule],
        "others": [network for network, rule in rules.items() if not rule],
    }
    return render(request, "composer/choose_cover.html", shown)


def _cover_rule(channel: Channel) -> bool:
    rule = capabilities_of(channel).media.get(MediaKind.VIDEO)
    return bool(rule and rule.cover)


# Saved texts


@member_page
@require_safe
def saved_texts(request: MemberRequest) -> HttpResponse:
    return _render_texts(request)


@member_page
@require_POST
def save_text(request: MemberRequest) -> HttpResponse:
    given = {name: request.POST.get(f"saved-{name}", "") for name in ("kind", "name", "text")}
    try:
        snippets.save_text(request.actor, given["kind"], given["name"], given["text"].replace("\r\n", "\n"))
    except DomainError as exc:
        return _render_texts(request, sentence=error_sentence(exc), given=given)
    return _render_texts(request)


@member_page
@require_POST
def delete_text(request: MemberRequest, text_id: UUID) -> HttpResponse:
    snippets.delete_text(request.actor, text_id)
    return _render_texts(request)


def _render_texts(request: MemberRequest, *, sentence: str = "", given: dict[str, str] | None = None) -> HttpResponse:
    rows = list(snippets.saved_texts(request.actor))
    names = {
        SavedText.Kind.TEMPLATE: _("Post templates"),
        SavedText.Kind.HASHTAGS: _("Hashtags"),
        SavedText.Kind.SIGNATURE: _("Post signatures"),
    }
    groups = [(kind, name, [row for row in rows if row.kind == kind]) for kind, name in names.items()]
    return render(request, "composer/saved_texts.html", {"groups": groups, "sentence": sentence, "given": given or {}})


# Groups of channels


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


# Who else is here


@member_page
@require_POST
def presence(request: MemberRequest) -> HttpResponse:
    """This editor is open; the names of others who have the same post open."""
    request.actor.require(Permission.WRITE)
    draft_id = as_uuid(request.POST.get("draft", ""))
    others = (
        snippets.announce_presence(request.actor, draft_id, request.POST.get("hand", "")) if draft_id != NO_ID else []
    )
    me = person_of(request).name
    shown = {"others": [name for name in others if name != me], "elsewhere": me in others}
    return render(request, "composer/presence.html", shown)


@member_page
@require_POST
def end_presence(request: MemberRequest) -> HttpResponse:
    snippets.end_presence(request.actor, as_uuid(request.POST.get("draft", "")), request.POST.get("hand", ""))
    return HttpResponse(status=204)
