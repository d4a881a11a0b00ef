"""A door that was shut is told from an expired permission, a limit and an outage; and a person decides."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed
from kicau.channels import actions as channel_acts
from kicau.channels.models import AppRefusal, Channel, NetworkApp
from kicau.connector import registry
from kicau.connector.transport.http import HttpResponse
from kicau.offboarding import actions, blocked_app_detection, instance_wide, restore_network
from kicau.offboarding.tests.conftest import everything, states
from kicau.publishing.models import Attempt, Delivery
from kicau.workspaces.actions import actor_for, add_person, create_workspace

HOUR = timedelta(hours=1)
FROZEN = ("held", "offboarded")


def heard(channel, ago: timedelta, count: int = 1):
    at = clock.now() - ago
    AppRefusal.objects.bulk_create(
        [
            AppRefusal(
                at=at,
                network="stranger",
                app=channel.app,
                channel=channel,
                code="not-enrolled",
                said="No longer served",
                over=HOUR,
            )
            for _ in range(count)
        ]
    )


@pytest.mark.django_db
def test_what_makes_a_shut_door_and_what_does_not(actor, channel, posts):
    ana, budi = channel("ana"), channel("budi")
    rows = posts("ana", 2) + posts("budi")
    first = everything(actor.workspace.id)
    heard(ana, 3 * HOUR, 5)
    assert blocked_app_detection.detect_blocked_apps() == 0  # one channel of two
    heard(budi, 2.5 * HOUR)
    assert blocked_app_detection.detect_blocked_apps() == 0  # not for an hour
    assert [c.key for c in blocked_app_detection._channels_to_probe()] == ["ana", "budi"]
    heard(ana, 2 * HOUR)
    Attempt.objects.create(delivery=rows[0], did="publish", outcome="published", at=clock.now() - 2.2 * HOUR)
    assert blocked_app_detection.detect_blocked_apps() == 0  # something went through meanwhile
    Attempt.objects.all().delete()
    Channel.objects.filter(id=budi.id).update(answered_at=clock.now() - 2.4 * HOUR)
    assert blocked_app_detection.detect_blocked_apps() == 0  # something was read meanwhile
    Channel.objects.filter(id=budi.id).update(answered_at=None)

    assert (blocked_app_detection.detect_blocked_apps(), blocked_app_detection.detect_blocked_apps()) == (1, 0)
    row = actions.offboardings(actor).get()
    assert (row.state, row.cause, row.evidence["refusals"], row.evidence["said"]) == (
        "proposed",
        "refused",
        7,
        "No longer served",
    )
    assert states(rows) == [FROZEN] * 3
    restore_network.resume(actor, row.id)  # "it is not so"
    assert {k: v for k, v in everything(actor.workspace.id).items() if "Refusal" not in k[0]} == first
    assert (
        blocked_app_detection.detect_blocked_apps() == 0
    )  # and what was heard before that is not held against it again
    with clock.freeze_clock(clock.now() + 4 * HOUR):
        heard(ana, 3 * HOUR, 2)
        heard(budi, HOUR)
        blocked_app_detection.detect_blocked_apps()
    again = actions.offboardings(actor).first()
    assert actions.offboard_now(actor, again.id).state == "offboarded"  # "it is so"
    assert "Kicau stopped publishing to" in Channel.objects.get(id=ana.id).reason
    assert "Kicau stopped publishing to" in Delivery.objects.get(id=rows[0].id).reason
    with clock.freeze_clock(clock.now() + timedelta(days=60)):
        assert blocked_app_detection.delete_old_evidence() == 10


@pytest.mark.django_db
def test_each_network_names_its_own_shut_doors_and_nothing_else():
    def door(slug: str, status: int, body: object) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        found = registry.get_connector(slug).shut_door(HttpResponse(status, {}, text.encode()))  # type: ignore[attr-defined]
        return found.code if found else ""

    enrolled = {
        "title": "Client Forbidden",
        "type": "https://api.twitter.com/2/problems/client-forbidden",
        "reason": "client-not-enrolled",
        "detail": "…",
    }
    graph = lambda code, said: {"error": {"code": code, "message": said, "type": "OAuthException"}}  # noqa: E731
    assert door("x", 403, enrolled) == "not-enrolled"
    assert door("x", 402, {"title": "CreditsDepleted", "detail": "…"}) == "plan-ended"
    assert door("x", 402, {"title": "SpendCapReached", "reset_date": "2026-12-01"}) == ""
    assert door("facebook", 400, graph(200, "API access blocked.")) == "access-blocked"
    assert (
        door("instagram", 400, graph(2635, "(#2635) You are calling a deprecated version of the Ads API."))
        == "version-gone"
    )
    assert door("linkedin", 426, {"code": "NONEXISTENT_VERSION", "status": 426}) == "version-gone"
    assert door("mastodon", 410, "<h1>410</h1>") == "server-closed"
    passing = [
        (401, {"title": "Unauthorized", "status": 401, "error": "invalid_token"}),
        (429, {"title": "Too Many Requests"}),
        (503, "busy"),
        (404, {"detail": "gone"}),
        (403, {"detail": "duplicate content"}),
        (400, graph(190, "Session has expired")),
        (403, graph(200, "(#200) Permissions error")),
    ]
    for slug in ("x", "facebook", "instagram", "linkedin", "mastodon"):
        assert [door(slug, *one) for one in passing] == [""] * len(passing), slug


@pytest.mark.django_db
def test_the_operator_leaves_for_all_workspaces(actor, owner, channel, posts, monkeypatch):
    rani = add_person("rani@lain.example", "Rani", "hujan-di-bandung-41")
    theirs = actor_for(rani, create_workspace(rani, "Toko Lain").id, "page")
    channel("ana")
    channel("rani", theirs)
    rows = posts("ana")
    assert [(s.app.network, s.workspaces, s.channels) for s in instance_wide.app_usages(owner)] == [("stranger", 2, 2)]
    with pytest.raises(NotAllowed):
        instance_wide.announce_everywhere(rani, "stranger")
    at = clock.now() + timedelta(days=6)
    made = instance_wide.announce_everywhere(
        owner, "stranger", app_name="default", effective_at=at, reason="$42,000 a month"
    )
    assert {w.workspace_id for w in made} == {actor.workspace.id, theirs.workspace.id}
    assert set(Channel.objects.values_list("leaves_at", flat=True)) == {at}
    with pytest.raises(Conflict, match=r"Ask the server administrator to resume publishing to this network\."):
        actions.cancel_offboarding(theirs, made[-1].id if made[-1].workspace_id == theirs.workspace.id else made[0].id)
    channel_acts.app_for("stranger")
    with clock.freeze_clock(at):
        assert sum(actions.start_if_due(row) for row in actions.due_offboardings()) == 2
        assert states(rows) == [FROZEN]
        with pytest.raises(Conflict, match="you cannot connect new channels of this social network"):
            channel_acts.app_for("stranger")
        assert [d.network for d in instance_wide.open_decisions(owner)] == ["stranger"]
        back = instance_wide.resume_everywhere(owner, made[0].decision_id)
        assert {w.state for w in back} == {"resumed"}
    assert set(Channel.objects.values_list("state", flat=True)) == {"active"}
    assert NetworkApp.objects.get().offboarded_at is None
    assert Delivery.objects.get(id=rows[0].id).hold == "offboarded"  # six days late: asked about
