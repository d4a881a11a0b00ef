"""Cropping an image of a post."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kicau.channels import actions as channels
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector.content import MediaKind
from kicau.media.actions import one_medium
from kicau.web.core.views import MemberRequest, member_page


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
