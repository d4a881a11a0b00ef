"""Plain pages that anybody can open: no script, no address outside of the archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kicau.archive import published_policy
from kicau.base import clock
from kicau.connector.addresses import web_address
from kicau.inbox.engagement import group_by_delivery
from kicau.media.models import Medium
from kicau.offboarding.announcements import network_label
from kicau.offboarding.export.media import archive_path
from kicau.offboarding.export.tables import ExportScope
from kicau.offboarding.models import OffboardingCause
from kicau.publishing.content import compositions
from kicau.publishing.models import Attempt, Delivery, DeliveryState, Draft
from kicau.sync.models import Comment, PostMetrics

if TYPE_CHECKING:
    from kicau.offboarding.export.write import ExportArchive

POSTS_PER_PAGE = 100
STATE_LABELS: dict[str, Any] = {
    DeliveryState.SCHEDULED: pgettext_lazy("delivery", "Scheduled"),
    DeliveryState.PUBLISHING: pgettext_lazy("delivery", "Being published"),
    DeliveryState.PUBLISHED: pgettext_lazy("delivery", "Published"),
    DeliveryState.HELD: pgettext_lazy("delivery", "On hold"),
    DeliveryState.FAILED: pgettext_lazy("delivery", "Failed"),
    DeliveryState.UNKNOWN: pgettext_lazy("delivery", "Unknown if published"),
    DeliveryState.PARKED: pgettext_lazy("delivery", "Post stopped by an internal error"),
    DeliveryState.CANCELED: pgettext_lazy("delivery", "Canceled"),
    DeliveryState.DELETED: pgettext_lazy("delivery", "Deleted from the network"),
}


@dataclass(frozen=True, slots=True)
class PostIndex:
    """Posts of one kind, on pages of their own."""

    slug: str
    title: Any
    count: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // POSTS_PER_PAGE))

    def name(self, page: int) -> str:
        return f"pages/{self.slug}-{page}.html"

    @property
    def first(self) -> str:
        return self.name(1)


@dataclass(frozen=True, slots=True)
class ExportedPost:
    """One post, or one delivery of it, as its page shows it."""

    id: UUID
    channel: str
    state: Any
    due_at: Any
    published_at: Any
    url: str
    remote_ids: str
    reason: str
    campaign: str
    texts: list[
        tuple[str, list[tuple[str, str, str]]]
    ]  # text, and its files: (place in the archive, kind, description)
    story: list[Attempt]
    numbers: list[PostMetrics] = field(default_factory=list)
    answers: list[Comment] = field(default_factory=list)


def write_site(
    archive: ExportArchive, scope: ExportScope, counts: dict[str, int], language: str, step: Callable[[], None]
) -> None:
    """index.html and pages/. Texts are in `language`, times in the workspace's zone."""
    rows = Delivery.objects.filter(id__in=scope.deliveries).select_related("channel", "draft__campaign")
    done = rows.filter(state__in=[DeliveryState.PUBLISHED, DeliveryState.DELETED])
    coming = rows.filter(state__in=[DeliveryState.SCHEDULED, DeliveryState.PUBLISHING, DeliveryState.HELD])
    other = rows.exclude(id__in=done.values("id")).exclude(id__in=coming.values("id"))
    loose = Draft.objects.filter(id__in=scope.drafts, deliveries=None)
    with translation.override(language), timezone.override(clock.find_zone(scope.row.workspace.timezone)):
        shelves = [
            (
                PostIndex("published", pgettext_lazy("delivery", "Published"), done.count()),
                _exported_deliveries(done.order_by("-published_at", "-id")),
            ),
            (
                PostIndex("waiting", _("Posts that are still scheduled"), coming.count()),
                _exported_deliveries(coming.order_by("due_at", "id")),
            ),
            (PostIndex("drafts", _("Drafts"), loose.count()), _exported_drafts(loose.order_by("-id"))),
            (
                PostIndex("other", _("Failed or canceled posts"), other.count()),
                _exported_deliveries(other.order_by("-due_at", "-id")),
            ),
        ]
        all_shelves = [shelf for shelf, entries in shelves]
        frame = {
            "row": scope.row,
            "network": network_label(scope.row.network),
            "shelves": all_shelves,
            "counts": counts,
            "cause": OffboardingCause(scope.row.cause),
            "language": language,
            "now": clock.now(),
            "declared": published_policy.meta_elements(scope.row.workspace),
        }
        for name, text in published_policy.rule_files(scope.row.workspace).items():
            archive.text(name, text)
        archive.text("index.html", render_to_string("offboarding/site/index.html", {**frame, "up": ""}))
        for shelf, entries in shelves:
            for page in range(1, shelf.pages + 1):
                shown = []
                for entry in entries:
                    shown.append(entry)
                    step()
                    if len(shown) == POSTS_PER_PAGE:
                        break
                around = {
                    "shelf": shelf,
                    "page": page,
                    "before": shelf.name(page - 1) if page > 1 else "",
                    "after": shelf.name(page + 1) if page < shelf.pages else "",
                }
                archive.text(
                    shelf.name(page),
                    render_to_string("offboarding/site/posts.html", {**frame, **around, "entries": shown, "up": "../"}),
                )


def _exported_deliveries(rows: Any) -> Iterator[ExportedPost]:
    for chunk in _chunks(list(rows.values_list("id", flat=True))):
        found = {d.id: d for d in rows.filter(id__in=chunk)}
        names = _author_names(found.values())
        stories: dict[UUID, list[Attempt]] = defaultdict(list)
        for attempt in Attempt.objects.filter(delivery__in=chunk).exclude(sentence="").order_by("id"):
            stories[attempt.delivery_id].append(attempt)
        numbers = group_by_delivery(
            PostMetrics.objects.filter(delivery__in=chunk, read_at__isnull=False).order_by("position")
        )
        answers = group_by_delivery(Comment.objects.filter(delivery__in=chunk).order_by("at", "id"))
        for id_ in chunk:
            d = found[id_]
            texts = [
                (
                    part.get("text", ""),
                    [
                        names[m["media"]["ref"]] + (m["media"].get("alt", ""),)
                        for m in part.get("media", ())
                        if m["media"]["ref"] in names
                    ],
                )
                for part in d.rendered["parts"]
            ]
            yield ExportedPost(
                id=d.id,
                channel=f"{d.channel.name} (@{d.channel.handle})",
                state=STATE_LABELS[d.state],
                due_at=d.due_at,
                published_at=d.published_at,
                url=web_address(d.url),  # rows of before such addresses were refused
                remote_ids=", ".join(d.remote_ids),
                reason=d.reason,
                campaign=d.draft.campaign.name if d.draft.campaign else "",
                texts=texts,
                story=stories[d.id],
                numbers=numbers.get(id_, []),
                answers=answers.get(id_, []),
            )


def _exported_drafts(rows: Any) -> Iterator[ExportedPost]:
    for chunk in _chunks(list(rows.values_list("id", flat=True))):
        found = {d.id: d for d in compositions.with_content(Draft.objects.filter(id__in=chunk))}
        for id_ in chunk:
            d = found[id_]
            texts = [
                (
                    p.text,
                    [
                        (archive_path(u.medium), u.medium.kind, u.medium.alt if u.alt is None else u.alt)
                        for u in p.uses.all()
                    ],
                )
                for p in d.parts.all()
                if p.variant_id is None
            ]
            yield ExportedPost(
                id=d.id,
                channel="",
                state=pgettext_lazy("draft", "Draft"),
                due_at=None,
                published_at=None,
                url="",
                remote_ids="",
                reason="",
                campaign=d.campaign.name if d.campaign else "",
                texts=texts,
                story=[],
            )


def _author_names(rows: Any) -> dict[str, tuple[str, str]]:
    refs = {m["media"]["ref"] for d in rows for part in d.rendered["parts"] for m in part.get("media", ())}
    digests = [ref.partition("/")[2] for ref in refs]
    workspaces = {d.workspace_id for d in rows}
    found = Medium.objects.filter(workspace__in=workspaces, sha256__in=digests)
    return {medium.ref: (archive_path(medium), medium.kind) for medium in found}


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), POSTS_PER_PAGE):
        yield ids[start : start + POSTS_PER_PAGE]
