"""Approval on a post's page: comments on its text, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base import clock
from kicau.base.errors import validation_failed
from kicau.channels.actions import channels
from kicau.channels.channel_session import capabilities_of
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.models import Draft, Review
from kicau.web.core.times import parse_moment
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.workspaces.actors import Actor, Permission


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A stretch of a part's text; `about` is the open comment on it, if any."""

    text: str
    about: Review | None


@dataclass(frozen=True, slots=True)
class ReviewedPart:
    """One part's text as it is read for approval."""

    number: int
    pieces: tuple[MarkedText, ...]


def reviewed_parts(draft: Draft, comments: Iterable[Review]) -> list[ReviewedPart]:
    """The post's texts with the words marked that open comments are about. `draft` comes from `compose.whole`."""
    parts = [p for p in draft.parts.all() if p.variant_id is None]
    about = [c for c in comments if c.kind == Review.Kind.COMMENT and c.quote and c.resolved_at is None]
    return [
        ReviewedPart(n + 1, tuple(_marked_pieces(p.text, [c for c in about if c.part == n])))
        for n, p in enumerate(parts)
    ]


def _marked_pieces(text: str, comments: Iterable[Review]) -> Iterable[MarkedText]:
    found: list[tuple[int, int, Review]] = []
    for comment in comments:
        pattern = r"\s+".join(re.escape(word) for word in comment.quote.split())
        match = re.search(pattern, text)
        if match and all(match.end() <= start or match.start() >= end for start, end, _c in found):
            found.append((match.start(), match.end(), comment))
    at = 0
    for start, end, comment in sorted(found, key=lambda one: one[0]):
        yield MarkedText(text[at:start], None)
        yield MarkedText(text[start:end], comment)
        at = end
    yield MarkedText(text[at:], None)


def approval_context(actor: Actor, draft: Draft) -> dict[str, Any]:
    """What the approval part of a post's page needs."""
    said = reviews.reviews(actor, draft)
    undecided = draft.state in reviews.REVIEWABLE_STATES
    found: dict[str, Any] = {
        "reviews": said,
        "read": reviewed_parts(draft, said) if undecided or said else [],
        "undecided": undecided,
        "open_comments": sum(r.kind == Review.Kind.COMMENT and r.resolved_at is None for r in said),
    }
    if (undecided or said) and actor.may(Permission.PUBLISH):
        found["links"] = list(review_links.active_links(actor, draft.id))
    if undecided:
        every = list(channels(actor))
        plan = reviews.plan_of(actor, draft, every)
        found |= {
            "previews": reviews.preview_renderings(draft, every),
            "plan": plan,
            "planned": plan.due_at.astimezone(clock.find_zone(plan.timezone)) if plan.due_at else None,
            "to_confirm": [c for c in plan.channels if capabilities_of(c).needs_confirmation],
        }
    return found


@member_page
@require_POST
def comment(request: MemberRequest, draft_id: str) -> HttpResponse:
    return run_and_return(
        request,
        draft_id,
        lambda: reviews.comment(
            request.actor, draft_id, request.POST.get("text", ""), quote=request.POST.get("quote", "")
        ),
        "",
    )


@member_page
@require_POST
def resolve_comment(request: MemberRequest, draft_id: str, comment_id: str) -> HttpResponse:
    done = request.POST.get("done") != "no"
    return run_and_return(request, draft_id, lambda: reviews.resolve_comment(request.actor, comment_id, done), "")


@member_page
@require_POST
def submit_verdict(request: MemberRequest, draft_id: str) -> HttpResponse:
    """Approve, approve and schedule, or send back."""
    text, version = request.POST.get("text", ""), request.POST.get("version", "")
    read = int(version) if version.isdigit() else None
    match request.POST.get("verdict", ""):
        case "approve":
            return run_and_return(
                request,
                draft_id,
                lambda: reviews.approve(request.actor, draft_id, text, version=read),
                _("The post is approved."),
            )
        case "schedule":
            return run_and_return(
                request,
                draft_id,
                lambda: _schedule(request, draft_id, text, read),
                _("The post is approved and scheduled."),
            )
        case _:
            return run_and_return(
                request,
                draft_id,
                lambda: reviews.send_back(request.actor, draft_id, text),
                _("The post was returned to its author for changes."),
            )


def _schedule(request: MemberRequest, draft_id: str, text: str, version: int | None) -> None:
    zone = request.POST.get("timezone", "")
    reviews.approve_and_schedule(
        request.actor,
        draft_id,
        _requested_time(request, zone),
        timezone=zone,
        text=text,
        version=version,
        confirm="confirm" in request.POST,
    )


def _requested_time(request: MemberRequest, zone: str) -> datetime | None:
    match request.POST.get("when", "at"):
        case "slot":
            return None
        case "now":
            return clock.now()
        case "at":
            return parse_moment(request.POST.get("date", ""), request.POST.get("time", ""), zone)
        case _:
            raise validation_failed(
                "at", "Choose when to publish the post: now, at a specific time, or in the next free time slot."
            )


def run_and_return(request: MemberRequest, draft_id: str, act: Callable[[], object], done: str) -> HttpResponse:
    run_action(request, act, done)
    return HttpResponseRedirect(f"{reverse('post', args=[draft_id])}#approval")
