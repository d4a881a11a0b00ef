"""Endpoints: what came back of a post, and whether it is read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.paging import cursor_of, page, place_of
from kicau.api.core.routes import READS, SETTINGS, WRITES, Id
from kicau.api.schemas import inbox as s
from kicau.api.schemas.base import PageQuery
from kicau.channels import actions as channels
from kicau.inbox import comments, engagement
from kicau.publishing.content import compositions
from kicau.sync import sync_settings, webhook_subscriptions
from kicau.sync.models import Answer, Post

routes = Router(tags=["Reading"])
NEWEST = ("-at", "-id")


@routes.get("/posts/{post_id}/numbers", response=s.NumbersPage, summary="Read a post's numbers", openapi_extra=READS)
def list_numbers(request: HttpRequest, post_id: Id, asked: Query[PageQuery]) -> dict[str, Any]:
    """Of each delivery and part that was read, as they were last."""
    actor = acting(request)
    return page(engagement.numbers(actor, compositions.one_draft(actor, post_id).id), ("id",), asked, _numbers)


@routes.get("/posts/{post_id}/answers", response=s.AnswerPage, summary="Read a post's answers", openapi_extra=READS)
def list_answers(request: HttpRequest, post_id: Id, asked: Query[PageQuery]) -> dict[str, Any]:
    """Of all its deliveries, oldest first."""
    actor = acting(request)
    return page(engagement.answers(actor, compositions.one_draft(actor, post_id).id), ("at", "id"), asked, _answer)


@routes.get("/answers", response=s.InboxPage, summary="List answers", openapi_extra=READS)
def list_inbox(request: HttpRequest, asked: Query[s.InboxQuery]) -> dict[str, Any]:
    """All that others said to the workspace's channels, newest first; what answers no post of ours too."""
    actor = acting(request)
    wanted = comments.Wanted(channel=asked.channel, network=asked.network, waits=asked.waits)
    place = place_of(Answer, NEWEST, asked.cursor) if asked.cursor else None
    after = (place[0], place[1]) if place else None
    found = comments.newest(actor, channels.channels(actor), wanted, after=after, limit=asked.limit)
    return {
        "items": [_said(row) for row in found.rows],
        "next": cursor_of(found.rows[-1], NEWEST) if found.following else None,
    }


@routes.put("/answers/{answer_id}", response=s.InboxAnswer, summary="Mark an answer as done", openapi_extra=WRITES)
def mark_answer(request: HttpRequest, answer_id: Id, given: s.AnswerMark) -> s.InboxAnswer:
    """Or let it wait again."""
    return _said(comments.mark(acting(request), answer_id, done=given.done))


@routes.post("/answers/{answer_id}/reply", response=s.Replying, summary="Begin a reply", openapi_extra=WRITES)
def begin_reply(request: HttpRequest, answer_id: Id) -> s.Replying:
    """A draft that answers it; the same one again while it is not out. 409 where the network lets the channel answer nobody."""
    return s.Replying(post=str(comments.begin_reply(acting(request), answer_id).id))


@routes.get("/reading", response=s.ReadingStates, summary="See what is read", openapi_extra=READS)
def list_reading(request: HttpRequest) -> s.ReadingStates:
    """Each network that can be read and has channels here, with what 30 days of it would cost."""
    return s.ReadingStates(items=[_state(one) for one in sync_settings.choosable(acting(request))])


@routes.put("/reading", response=s.ReadingState, summary="Read a network, or no more", openapi_extra=SETTINGS)
def switch_reading(request: HttpRequest, given: s.ReadingSwitch) -> s.ReadingState:
    """Where it costs, 409 names the figure until it is accepted. What was read is kept."""
    return _state(sync_settings.switch(acting(request), given.network, given.reads, accepts=given.accepts))


@routes.get("/reading/webhooks", response=s.TellingStates, summary="See which networks tell", openapi_extra=READS)
def list_telling(request: HttpRequest) -> s.TellingStates:
    """Each network that tells of answers by webhook and has channels here."""
    return s.TellingStates(items=[_telling(one) for one in webhook_subscriptions.offers(acting(request))])


@routes.put(
    "/reading/webhooks", response=s.TellingState, summary="Be told by a network, or no more", openapi_extra=SETTINGS
)
def switch_telling(request: HttpRequest, given: s.TellingSwitch) -> s.TellingState:
    """The network is asked for it within seconds; `channels` tells how that went. 409 where it cannot reach this Kicau."""
    return _telling(webhook_subscriptions.switch(acting(request), given.network, given.on))


def _telling(one: webhook_subscriptions.Offer) -> s.TellingState:
    return s.TellingState(
        network=one.network,
        on=one.is_on,
        obstacle=str(one.obstacle),
        setup=str(one.setup),
        usual=one.usual,
        sparse=one.sparse,
        channels=[
            s.TellingChannel(
                channel=str(r.channel_id), since=r.made_at, told_at=r.told_at, told=r.told, reason=r.reason
            )
            for r in one.subscriptions
        ],
    )


def _numbers(row: Post) -> s.Numbers:
    assert row.read_at is not None  # only what was read is listed
    return s.Numbers(
        id=row.pk,
        delivery=str(row.delivery_id),
        channel=str(row.channel_id),
        part=row.position + 1,
        remote_id=row.remote_id,
        values=row.values,
        read_at=row.read_at,
        next_at=row.next_at,
        gone_at=row.gone_at,
    )


def _answer(row: Answer) -> s.Answer:
    return s.Answer(
        id=str(row.id),
        delivery=str(row.delivery_id),
        channel=str(row.channel_id),
        remote_id=row.remote_id,
        author=row.author,
        handle=row.handle,
        name=row.name,
        text=row.text,
        at=row.at,
        fetched_at=row.fetched_at,
    )


def _said(row: Answer) -> s.InboxAnswer:
    return s.InboxAnswer(
        id=str(row.id),
        channel=row.channel.key,
        network=row.channel.network,
        delivery=str(row.delivery_id or ""),
        remote_id=row.remote_id,
        author=row.author,
        handle=row.handle,
        name=row.name,
        text=row.text,
        url=row.url,
        at=row.at,
        answered_at=row.answered_at,
        done_at=row.done_at,
    )


def _state(one: sync_settings.Choosable) -> s.ReadingState:
    return s.ReadingState(
        network=one.network,
        channels=one.channels,
        reads=one.reads,
        chosen=one.is_chosen,
        costs=one.costs,
        posts=one.estimate.posts,
        answers=one.estimate.answers,
        micro=one.estimate.micro,
        each=one.estimate.each,
        currency=one.estimate.currency,
    )
