"""Whose post an answer answers, as far as Kicau knows, and what is booked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.connector.content import Charge
from kicau.connector.transport.http import CallRecord
from kicau.costs.ledger import ChargeContext, ledger_entries
from kicau.costs.models import Purpose
from kicau.publishing.content import compositions
from kicau.publishing.content.channel_variants import channel_draft
from kicau.publishing.delivery.own_posts import is_reply_to_own_post
from kicau.publishing.models import DeliveryState
from kicau.publishing.scheduling import schedule

pytestmark = pytest.mark.django_db
OLD, OTHERS = "1790000000000000001", "1790000000000000777"


@pytest.fixture
def ana(actor, channel) -> Channel:
    """A channel with a published post."""
    made = channel("ana")
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="lama"),)))
    with clock.freeze_clock(datetime(2026, 11, 16, tzinfo=UTC)):
        (row,) = schedule.schedule(
            actor, compositions.one_draft(actor, draft.id), [made.key], clock.now() + timedelta(hours=1)
        ).deliveries
    row.state, row.remote_ids, row.published_at = DeliveryState.PUBLISHED, [OLD], row.due_at
    row.save()
    return made


@pytest.mark.parametrize(
    ("reply_to", "own"),
    [
        (OLD, True),
        (f"https://x.example/i/status/{OLD}", True),
        (f"https://x.example/ana/status/{OLD}?s=20", True),
        (f"https://x.example/@ANA/{OTHERS}", True),  # the account's own, from before Kicau
        (f"https://x.example/budi/status/{OTHERS}", False),
        (f"https://x.example/i/status/{OTHERS}", None),
        (OTHERS, None),
        (OLD[:-1], None),
        ("", None),
        (None, None),
    ],
)
def test_whose_post_is_answered(ana, reply_to, own):
    assert is_reply_to_own_post([ana], reply_to) is own


def test_a_post_of_another_channel_is_not_ones_own(ana, channel):
    assert is_reply_to_own_post([channel("budi")], OLD) is None


def test_what_a_channel_is_given_says_whose_post_it_answers(actor, ana):
    options = {f"{ana.network}.reply_to": OLD}
    draft = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="jawab"),), options=options)
    )
    given = channel_draft(compositions.one_draft(actor, draft.id), ana)
    assert (given.reply_to, given.answers_own) == (OLD, True)


@pytest.mark.parametrize(
    ("is_estimated", "lost", "certain"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_a_charge_that_another_meter_may_apply_to_is_not_certain(workspace, is_estimated, lost, certain):
    at = datetime(2026, 11, 16, tzinfo=UTC)
    used = Charge("post", estimated=is_estimated, proven=False)
    call = CallRecord("POST", "api.example", "/", None if lost else 201, 100, used, at, lost)
    work = ChargeContext(workspace_id=workspace.id, purpose=Purpose.PUBLISH, network="stranger", delivery_id=uuid4())
    assert [one.is_certain for one in ledger_entries(work, [call])] == [certain]
    if not lost:
        assert [one.is_certain for one in ledger_entries(work, [], spent=[used], spent_at=at)] == [certain]
