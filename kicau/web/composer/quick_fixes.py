"""What can be done at once about a problem: one press, and the sheet is fixed for the network that asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kicau.connector.content import Problem
from kicau.publishing.scheduling.schedule import PostPreview
from kicau.web.composer.form import PartForm, PostForm
from kicau.web.core import network_logos


@dataclass(frozen=True, slots=True)
class QuickFix:
    """A button; `act` is a verb of `shaping.shape`, or "crop:…", which opens the frame."""

    act: str
    label: str
    icon: str


def quick_fixes(sheet: PostForm, preview: PostPreview, problem: Problem, *, others: bool) -> list[QuickFix]:
    """In the order in which they are worth trying. `others`: other channels are chosen too."""
    network = preview.channel.network
    leaves = sheet.leaves.get(network) or sheet.leaves[""]
    leaf, medium = _problem_location(leaves, problem)
    found = list(_fixes_for(sheet, preview, problem, network, leaf, medium))
    if others:
        found.append(
            QuickFix(
                f"leave:{preview.channel.key}",
                _("Do not publish this post on %(channel)s") % {"channel": preview.channel.name},
                "cross",
            )
        )
    return found


def _fixes_for(
    sheet: PostForm, preview: PostPreview, problem: Problem, network: str, leaf: PartForm | None, medium: str
) -> list[QuickFix]:
    label = {"network": network_logos.network_label(network)}
    if leaf is not None and problem.fix == "split":
        return [
            QuickFix(f"split:{leaf.key}", _("Split the text into a thread"), "split"),
            QuickFix(f"shorten:{leaf.key}:{preview.channel.key}", _("Shorten the text on %(network)s") % label, "cut"),
        ]
    if leaf is not None and problem.fix == "shorten" and problem.field.endswith(".text"):
        return [
            QuickFix(f"shorten:{leaf.key}:{preview.channel.key}", _("Shorten the text on %(network)s") % label, "cut")
        ]
    if problem.code == "link-needs-title" and sheet.link and sheet.link.url:
        return [QuickFix("link:read", _("Use the linked page's title for the link preview"), "retry")]
    if problem.code == "too-many-parts":
        return [QuickFix(f"join:{network}", _("Merge the thread into one post on %(network)s") % label, "merge")]
    if problem.code == "too-many-media" and leaf is not None and problem.limit:
        limit = int(problem.limit)
        text = _("Publish only the first %(n)s files on %(network)s") % {"n": limit, **label}
        return [QuickFix(f"fewer:{leaf.key}:{network}:{limit}", text, "library")]
    if problem.fix == "convert" and medium and leaf is not None:
        crop = (
            [QuickFix(f"crop:{leaf.key}:{medium}", _("Crop the image"), "crop")]
            if problem.code == "wrong-aspect"
            else []
        )
        return (
            []
            if sheet.convert
            else [
                QuickFix(
                    "convert:on", _("Let Kicau convert a copy of the file so that the network accepts it"), "retry"
                )
            ]
        ) + crop
    return []


def _problem_location(leaves: Sequence[PartForm], problem: Problem) -> tuple[PartForm | None, str]:
    """The part and the medium that a problem is about: "parts.0.media.2"."""
    where: list[Any] = problem.field.split(".")
    if len(where) < 2 or where[0] != "parts" or not where[1].isdigit() or int(where[1]) >= len(leaves):
        return None, ""
    leaf = leaves[int(where[1])]
    if len(where) > 3 and where[2] == "media" and where[3].isdigit() and int(where[3]) < len(leaf.media):
        return leaf, leaf.media[int(where[3])].id
    return leaf, ""
