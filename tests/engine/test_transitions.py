"""What a face offers for a delivery is exactly what succeeds there; and nobody else changes a delivery's state."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from asgiref.sync import sync_to_async
from click.testing import CliRunner
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

import kicau
from kicau.api.schemas.deliveries import DeliveryAction
from kicau.api.tests.conftest import caller_for
from kicau.base import clock
from kicau.channels.models import Channel
from kicau.cli import main
from kicau.connector.serialization import to_json
from kicau.publishing import bulk_transitions, transitions
from kicau.publishing.models import Delivery, Revision
from kicau.publishing.scheduling import actions
from kicau.publishing.transitions import Verb
from tests.stranger.connector import connector

ACTIONS = get_args(DeliveryAction)
PUBLISHED = {"state": "published"}
HELD = {"state": "held", "steps": 0}
TEXT, EDITED = "dibaca banyak orang", "dibaca semua orang"


def situations() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], bool]]:
    """Name, the delivery's columns, its channel's, and whether an edit is in doubt. A column left out is as it was
    scheduled for tomorrow."""
    now, published = clock.now(), PUBLISHED | {"remote_ids": ["1"], "published_at": clock.now(), "steps": 1}
    past = {"due_at": now - timedelta(hours=1), "next_at": now - timedelta(hours=1)}
    unable = {"capabilities": to_json(connector.baseline) | {"abilities": []}}
    yield "scheduled", {}, {}, False
    yield "its first step is under way", past | {"begun_at": now}, {}, False
    yield "uploads are done", {"state": "publishing", "steps": 1}, {}, False
    yield "a part is out", past | {"state": "publishing", "steps": 1, "progress": {"ids": ["1"]}}, {}, False
    yield "its step is looked up", past | {"state": "publishing", "broken_at": now}, {}, False
    yield "waits for a person", HELD | {"hold": "confirmation"}, {}, False
    yield "waits for a budget", HELD | {"hold": "budget"}, {}, False
    yield "waits for a budget half way", HELD | {"hold": "budget", "steps": 1}, {}, False
    yield "its network is left", HELD | {"hold": "offboarded"}, {"state": "offboarded"}, False
    yield "its network is back", past | HELD | {"hold": "offboarded"}, {}, False
    yield "failed", past | {"state": "failed"}, {}, False
    yield "failed on a channel without access", past | {"state": "failed"}, {"state": "expired"}, False
    yield "unknown", past | {"state": "unknown", "broken_at": now}, {}, False
    yield "unknown on a removed channel", past | {"state": "unknown", "broken_at": now}, {"state": "removed"}, False
    yield "parked", past | {"state": "parked", "broken_at": now}, {}, False
    yield "canceled", {"state": "canceled"}, {}, False
    yield "deleted", published | {"state": "deleted"}, {}, False
    yield "published", published, {}, False
    yield "published without an id", published | {"remote_ids": []}, {}, False
    yield "an edit is in doubt", published, {}, True
    yield "published on a removed channel", published, {"state": "removed"}, False
    yield "published where nothing can be changed", published, unable, False


class World:
    """One delivery that is put into each situation, and the three faces."""

    def __init__(self, actor: Any, row: Delivery) -> None:
        self.actor, self.id = actor, row.id
        self.columns = Delivery.objects.values().get(id=row.id)
        self.channel = Channel.objects.values().get(id=row.channel_id)
        self.page = Client(headers={"accept-language": "en"})
        self.page.force_login(actor.person)
        self.api = caller_for(actor)
        self.later = clock.now() + timedelta(days=2)

    def put(self, row: Mapping[str, Any], channel: Mapping[str, Any], in_doubt: bool) -> None:
        Delivery.objects.filter(id=self.id).update(**self.columns | row)
        Channel.objects.filter(id=self.channel["id"]).update(**self.channel | channel)
        Revision.objects.all().delete()
        if in_doubt:
            wire = self.columns["rendered"]
            Revision.objects.create(delivery_id=self.id, before=wire, after=wire, state=Revision.State.UNKNOWN)

    # What each face offers

    def offered_by_page(self) -> set[str]:
        shown = self.page.get(reverse("post", args=[self.columns["draft_id"]])).content.decode()
        addresses = {reverse("delivery-action", args=[self.id, verb]): verb for verb in ACTIONS if "/" not in verb}
        addresses |= {
            reverse("delivery-edit", args=[self.id]): "edit",
            reverse("delivery-edit-resolve", args=[self.id]): "edit/resolve",
        }
        return {verb for address, verb in addresses.items() if f'"{address}"' in shown}

    def offered_by_api(self) -> set[str]:
        return set(self.api.get(f"/deliveries/{self.id}").json()["actions"])

    def offered_by_cli(self) -> set[str]:
        shown = CliRunner().invoke(main, ["show", str(self.id)], env={"COLUMNS": "200"}).stdout
        told = re.search(r"^you can +(.+)$", shown, re.M)
        names = {"edit --resolve": "edit/resolve"}
        return {names.get(one, one) for one in told[1].split(", ")} if told else set()

    # Doing it

    def by_page(self, verb: str) -> bool:
        fields: dict[str, dict[str, Any]] = {
            "reschedule": {"date": f"{self.later:%Y-%m-%d}", "time": f"{self.later:%H:%M}", "timezone": "UTC"},
            "resolve": {"published": "no"},
            "edit": {"text:0": EDITED, "do": "1"},
            "edit/resolve": {"reads": "after"},
        }
        route = {"edit": ("delivery-edit",), "edit/resolve": ("delivery-edit-resolve",)}.get(
            verb, ("delivery-action", verb)
        )
        answer = self.page.post(reverse(route[0], args=[self.id, *route[1:]]), fields.get(verb, {}), follow=True)
        return [one.level_tag for one in answer.context.get("messages", ())] == ["success"]

    def by_api(self, verb: str) -> bool:
        bodies: dict[str, dict[str, Any]] = {
            "reschedule": {"at": self.later.isoformat()},
            "resolve": {"published": False},
            "edit": {"texts": [{"text": EDITED}]},
            "edit/resolve": {"reads": "after"},
        }
        answer = self.api.post(f"/deliveries/{self.id}/{verb}", bodies.get(verb))
        assert answer.status_code in (200, 409), answer.content
        return answer.status_code == 200

    def by_cli(self, verb: str) -> bool:
        command = {
            "reschedule": ["reschedule", self.id, f"{self.later:%Y-%m-%dT%H:%M}Z"],
            "resolve": ["resolve", self.id, "--not-published"],
            "edit": ["edit", self.id, "--text", EDITED],
            "edit/resolve": ["edit", self.id, "--resolve", "--reads", "after"],
            "delete": ["delete", self.id, "--yes"],
        }.get(verb, [verb, self.id])
        said = CliRunner().invoke(main, [str(one) for one in command])
        assert said.exit_code in (0, 1), said.output
        return said.exit_code == 0


@pytest.fixture
def _static_folder() -> None:
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_static_folder")
@pytest.mark.parametrize("face", ["page", "api", "cli"])
async def test_what_is_offered_is_exactly_what_succeeds(post, shop, state, actor, face):
    out = await sync_to_async(post)(TEXT)
    await shop.work(lambda: state(out) == "published")  # the post that is edited and deleted
    ids = (await Delivery.objects.aget(id=out.id)).remote_ids
    world = await sync_to_async(lambda: World(actor, post(TEXT, after=86_400)))()
    offer: Callable[[], set[str]] = getattr(world, f"offered_by_{face}")
    act: Callable[[str], bool] = getattr(world, f"by_{face}")

    def walk() -> None:
        seen = set[str]()
        for name, row, channel, in_doubt in situations():
            row |= {"remote_ids": ids} if row.get("remote_ids") else {}
            world.put(row, channel, in_doubt)
            offered, done = offer(), set()
            for verb in sorted(ACTIONS, key="delete".__eq__):  # what is deleted cannot be edited any more
                world.put(row, channel, in_doubt)
                if act(verb):
                    done.add(verb)
            assert offered == done, f"{name}: {face} offers {sorted(offered)}, and these succeed: {sorted(done)}"
            seen |= done
        assert seen == set(ACTIONS)

    await sync_to_async(walk)()


# Nobody else writes states

ROOMS = ("publishing", "offboarding", "sync", "inbox", "archive", "erasure", "web", "api", "cli")
WRITERS = {"publishing/transitions.py", "publishing/bulk_transitions.py"}


def states_written(source: str) -> list[str]:
    """Lines that write a delivery's state: SQL, a row's `hold`, or an `update` of `state` with a delivery's."""
    found = [f"SQL: {one}" for one in re.findall(r"UPDATE publishing_delivery[^;]*?SET\s+state\b", source)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            names = [
                one for target in node.targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
            found += [
                ast.unparse(node)
                for one in names
                if isinstance(one, ast.Attribute) and one.attr == "hold" and ast.unparse(one.value) == "row"
            ]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            found += [
                ast.unparse(node) for k in node.keywords if "DeliveryState" in ast.unparse(k.value) and k.arg == "state"
            ]
    return found


def test_only_the_transitions_write_the_state_of_a_delivery():
    package = Path(kicau.__file__).parent
    written = {
        name: found
        for room in ROOMS
        for path in sorted((package / room).rglob("*.py"))
        if "tests" not in path.parts and (name := str(path.relative_to(package))) not in WRITERS
        if (found := states_written(path.read_text()))
    }
    assert written == {}
    assert all(states_written((package / name).read_text()) for name in WRITERS)


@pytest.mark.django_db
@pytest.mark.parametrize("lead", [0, 900])
@pytest.mark.parametrize("hours", [-2, 0.1, 30])
def test_many_are_shifted_to_the_same_first_step_as_one(actor, channel, lead, hours):
    now = clock.now()
    row = planned(actor, channel("ana"), lead)
    by = timedelta(hours=hours)
    with transaction.atomic():
        bulk_transitions.shift_overdue(actor, {row.id: row.due_at}, by, now)
    shifted = Delivery.objects.get(id=row.id)
    assert shifted.due_at == row.due_at + by
    assert shifted.next_at == transitions.first_step_at(shifted.due_at, lead, now)


@pytest.mark.django_db
def test_a_reason_that_stays_can_still_be_read_in_another_language(actor, channel):
    row = planned(actor, channel("ana"), 0)
    transitions.change(row, Verb.UNCONFIRM)
    transitions.save(row)
    told = Delivery.objects.get(id=row.id).said
    assert told
    assert actions.reschedule(actor, row.id, clock.now() + timedelta(days=3)).hold == "confirmation"
    assert Delivery.objects.get(id=row.id).said == told


def planned(actor: Any, channel: Channel, lead: int) -> Delivery:
    from kicau.publishing.content import compositions
    from kicau.publishing.scheduling import schedule

    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="Halo"),)))
    at = clock.now() + timedelta(hours=1)
    row = schedule.schedule(actor, compositions.one_draft(actor, draft.id), [channel.key], at).deliveries[0]
    Delivery.objects.filter(id=row.id).update(rendered=row.rendered | {"lead": lead})
    return Delivery.objects.get(id=row.id)


@pytest.mark.django_db(transaction=True)
async def test_a_post_that_was_deleted_meanwhile_stays_so(post, shop, state, network, actor, client, monkeypatch):
    row = await sync_to_async(post)("hapus dua kali")
    await shop.work(lambda: state(row) == "published")
    stale = await sync_to_async(actions.one_delivery)(actor, row.id)
    await actions.delete_from_network(actor, row.id, client=client)
    await sync_to_async(actions._mark_deleted)(actor, stale.id)
    assert [a.outcome async for a in row.attempts.all()].count("deleted") == 1
