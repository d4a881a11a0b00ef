"""What others said waits until a post of ours answers it or somebody marks it as done; it is found newest first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound
from kicau.channels.models import Channel
from kicau.engine.dispatcher import Dispatcher
from kicau.inbox import comments
from kicau.publishing.content import compositions
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule
from kicau.rights.models import ActivityEntry
from kicau.sync import poller
from kicau.sync.models import Comment
from kicau.sync.tests.test_poller import rows, switch_on

pytestmark = pytest.mark.django_db(transaction=True)


async def heard(pair, actor, client, go, say, *words: str) -> list[Comment]:
    """The reader's words to Kopi Senja, as they were read."""
    await switch_on(actor)
    await poller.fetch_due(client)
    for one in words:
        await say("kabar", f"{one} @kopisenja")
    go(minutes=6)
    await poller.fetch_due(client)
    go(minutes=-6)  # the database's own clock says what is due
    return await rows(Comment, channel=pair["kopi"].id)


@sync_to_async
def listed(actor, *, after=None, limit=50, **wanted):
    return comments.newest_items(
        actor,
        Channel.objects.filter(workspace=actor.workspace),
        comments.InboxFilter(**wanted),
        after=after,
        limit=limit,
    )


async def test_a_mention_waits_until_ours_went_out_or_somebody_says_done(actor, member, pair, client, go, server, say):
    first, second = await heard(pair, actor, client, go, say, "Buka jam berapa?", "Terima kasih")
    assert {a.id for a in (await listed(actor, unanswered=True)).rows} == {first.id, second.id}
    assert first.url
    draft = await sync_to_async(comments.begin_reply)(actor, first.id)
    assert (await sync_to_async(comments.begin_reply)(actor, first.id)).id == draft.id  # not a second one
    given = compositions.Composition(
        parts=(compositions.PartContent(text="Jam tujuh."),), options={"x.reply_to": first.remote_id}
    )
    await sync_to_async(lambda: compositions.replace_content(actor, compositions.one_draft(actor, draft.id), given))()
    whole = await sync_to_async(compositions.one_draft)(actor, draft.id)
    await sync_to_async(schedule.schedule)(actor, whole, ["kopi"], clock.now())
    pump = Dispatcher(DeliverySource(client))
    running = asyncio.create_task(pump.run())
    try:
        async with asyncio.timeout(20):
            while not await rows(Delivery, state="published"):  # noqa: ASYNC110 (what is waited for is in the database)
                await asyncio.sleep(0.05)
    finally:
        pump.stop()
        await running
    [sent] = await rows(Delivery)
    [kept] = await rows(Comment, id=first.id)
    assert (kept.answered_by_id, kept.answered_at) == (sent.id, sent.published_at)
    assert [a.id for a in (await listed(actor, unanswered=True)).rows] == [second.id]
    viewer = await sync_to_async(member)("viewer")
    with pytest.raises(NotAllowed):
        await sync_to_async(comments.mark_done)(viewer, second.id, done=True)
    await sync_to_async(comments.mark_done)(actor, second.id, done=True)
    assert not (await listed(actor, unanswered=True)).rows
    assert [e.subject for e in await rows(ActivityEntry, act="answer.done")] == [str(second.id)]
    await sync_to_async(comments.mark_done)(actor, second.id, done=False)
    assert len((await listed(actor, unanswered=True)).rows) == 1
    assert len((await listed(actor)).rows) == 2


async def test_pages_of_a_list_overlap_nowhere_and_leave_nothing_out(actor, pair):
    now = clock.now()
    made = [
        Comment(
            channel=pair[("kopi", "kabar")[n % 2]], remote_id=str(n), text=str(n), at=now - timedelta(minutes=n // 3)
        )
        for n in range(25)
    ]
    await sync_to_async(Comment.objects.bulk_create)(made)
    seen, after = [], None
    while True:
        found = await listed(actor, after=after, limit=7)
        seen += [row.id for row in found.rows]
        after = found.following
        if after is None:
            break
    assert seen == [a.id for a in sorted(made, key=lambda a: (a.at, a.id), reverse=True)]
    assert {a.channel_id for a in (await listed(actor, channel="kabar")).rows} == {pair["kabar"].id}
    assert not (await listed(actor, network="elsewhere")).rows


async def test_nothing_of_another_workspace_and_no_reply_where_the_channel_may_not(actor, pair, workspace):
    answer = await Comment.objects.acreate(channel=pair["kopi"], remote_id="1", text="Halo", at=clock.now())
    await Channel.objects.filter(id=pair["kopi"].id).aupdate(state="expired")
    with pytest.raises(Conflict, match="Kicau cannot send replies on"):
        await sync_to_async(comments.begin_reply)(actor, answer.id)
    other = await sync_to_async(_stranger)()
    assert not (await listed(other)).rows
    for act in (
        lambda: comments.mark_done(other, answer.id, done=True),
        lambda: comments.begin_reply(other, answer.id),
        lambda: comments.get_item(other, answer.id),
    ):
        with pytest.raises(NotFound):
            await sync_to_async(act)()


def _stranger():
    from kicau.workspaces.actions import actor_for, add_person, create_workspace

    person = add_person("rani@lain.example", "Rani")
    return actor_for(person, create_workspace(person, "Toko Lain").id, "page")
