"""The page of one post: what each channel gets or got, its attempts, costs and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import DomainError
from kicau.base.ids import as_uuid
from kicau.connector.content import Problem, Rendered
from kicau.connector.serialization import from_json
from kicau.costs.models import Charge
from kicau.inbox import engagement as what_was_read
from kicau.publishing import transitions
from kicau.publishing.calendar import post_queries
from kicau.publishing.content import compositions
from kicau.publishing.models import FINAL_STATES, Attempt, Delivery, DeliveryState, Draft, DraftState
from kicau.publishing.scheduling import actions, outcome_lookup
from kicau.sync.models import Comment, PostMetrics
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, is_partial, member_page
from kicau.web.posts import approval as approving
from kicau.web.rights import post_rights
from kicau.web.rights.post_rights import PostRights
from kicau.workspaces.actors import Actor

SOON_WINDOW = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCard:
    """A delivery with all that its card shows."""

    row: Delivery
    rendered: Rendered
    problems: tuple[Problem, ...]
    story: Sequence[Attempt]
    costs: tuple[tuple[int, str], ...]  # (micro-units, currency)
    calls: int
    can: Sequence[str]  # what is possible in its state; whether the reader's role allows it is asked beside
    numbers: Sequence[PostMetrics] = ()  # by part, as they were last read
    answers: Sequence[Comment] = ()  # the oldest first
    rights: PostRights | None = None


@member_page
@require_safe
def post_detail(request: MemberRequest, draft_id: str) -> HttpResponse:
    draft = _undecided_draft(request.actor, draft_id)
    rows = post_queries.deliveries_of(request.actor, draft)
    stamp = _change_stamp(rows)
    if is_partial(request) and request.GET.get("seen") == stamp:
        return HttpResponse(status=204)
    shown = {
        "draft": draft,
        "told": delivery_cards(request.actor, rows) if rows else [],
        "stamp": stamp,
        "watch": _poll_interval_seconds(rows),
        "here": reverse("post", args=[draft.id]),
    }
    if is_partial(request) and "seen" in request.GET:
        return render(request, "posts/post_detail.html#deliveries", shown)
    return _render_post(request, draft, rows, shown)


def _undecided_draft(actor: Actor, draft_id: str) -> Draft:
    """Whole where it is still to be decided on; what is scheduled is told by its deliveries."""
    rows = compositions.drafts(actor).filter(id=as_uuid(draft_id), state=DraftState.SCHEDULED)
    return rows.select_related("campaign", "author", "workspace").first() or compositions.one_draft(actor, draft_id)


def _render_post(request: MemberRequest, draft: Draft, rows: Sequence[Delivery], shown: dict[str, Any]) -> HttpResponse:
    shown["rights"] = None if rows else post_rights.rights_of_draft(draft)
    shown["open"] = any(r.state not in FINAL_STATES for r in rows)
    shown |= approving.approval_context(request.actor, draft)
    return render(request, "posts/post_detail.html", shown)


@member_page
@require_POST
def show_outcome(request: MemberRequest, delivery_id: str) -> HttpResponse:
    """What the network has of a delivery whose outcome is unknown, on its post's page beside the question."""
    row = actions.one_delivery(request.actor, delivery_id)
    try:
        seen = outbound.run_request(request.actor.person_id, outcome_lookup.look_up_outcome, request.actor, row.id)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("post", draft_id=row.draft_id)
    draft = compositions.one_draft(request.actor, row.draft_id)
    rows = post_queries.deliveries_of(request.actor, draft)
    shown = {
        "draft": draft,
        "told": delivery_cards(request.actor, rows),
        "looked": {row.id: seen},
        "here": reverse("post", args=[draft.id]),
    }
    return _render_post(request, draft, rows, shown)


def delivery_cards(actor: Actor, rows: Sequence[Delivery]) -> list[DeliveryCard]:
    stories, spent = post_queries.attempt_logs(actor, rows), post_queries.charges_by_delivery(actor, rows)
    numbers, answers = _metrics_and_replies(actor, rows)
    rights = post_rights.rights_of_posts(actor, rows)
    return [
        replace(
            delivery_card(actor, row, stories[row.id], spent[row.id]),
            numbers=numbers.get(row.id, ()),
            answers=answers.get(row.id, ()),
            rights=rights.get(row.id) or post_rights.rights_of_draft(row.draft),
        )
        for row in rows
    ]


def _metrics_and_replies(
    actor: Actor, rows: Sequence[Delivery]
) -> tuple[dict[UUID, list[PostMetrics]], dict[UUID, list[Comment]]]:
    """Numbers and answers of what is out; nothing is asked where nothing is."""
    if not any(row.remote_ids for row in rows):
        return {}, {}
    numbers = what_was_read.post_metrics(actor, rows[0].draft_id).order_by("position")
    answers = what_was_read.inbox_items(actor, rows[0].draft_id).order_by("-at")[: what_was_read.MAX_ITEMS_SHOWN]
    return what_was_read.group_by_delivery(numbers), what_was_read.group_by_delivery(reversed(answers))


def delivery_card(actor: Actor, row: Delivery, story: Sequence[Attempt], charges: Sequence[Charge]) -> DeliveryCard:
    costs: dict[str, int] = {}
    for charge in charges:
        if charge.micro:
            costs[charge.currency] = costs.get(charge.currency, 0) + charge.micro
    rendered = from_json(Rendered, row.rendered)
    problems = tuple(from_json(Problem, p) for p in row.problems)
    return DeliveryCard(
        row=row,
        rendered=rendered,
        problems=problems,
        story=story,
        costs=tuple((m, c) for c, m in costs.items()),
        calls=len(charges),
        can=transitions.allowed(row),
    )


def _change_stamp(rows: Sequence[Delivery]) -> str:
    return str(
        round(max((r.changed_at.timestamp() for r in rows), default=0) * 1000)
        + sum(len(r.state) + r.steps for r in rows)
    )


def _poll_interval_seconds(rows: Sequence[Delivery]) -> int:
    """How often to look again, in seconds; 0: nothing moves any more."""
    now = clock.now()
    if any(
        r.standing == DeliveryState.PUBLISHING or (r.state == DeliveryState.SCHEDULED and r.due_at - now < SOON_WINDOW)
        for r in rows
    ):
        return 2
    return 30 if any(r.state == DeliveryState.SCHEDULED for r in rows) else 0
