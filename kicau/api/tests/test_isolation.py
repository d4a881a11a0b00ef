"""No endpoint gives one workspace's things to another, and none does more than a role or a scope allows.

The matrices are made from the OpenAPI description: a new endpoint is in them by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from kicau.api.schemas.base import EXAMPLE_MONTH
from kicau.api.tests.conftest import MARK, Caller, World, add_channel, caller_for, write
from kicau.api.tests.requests import Endpoint, endpoints
from kicau.workspaces.actions import actor_for, add_person, set_member_role
from kicau.workspaces.actors import ROLE_PERMISSIONS, Actor, Permission
from kicau.workspaces.models import Role, Workspace

ALL = list(endpoints())
OPERATORS = ("add_price_list", "remove_price_list", "set_rate", "remove_rate")  # they hold for the whole instance
WANT_MORE = (  # a personal token, or every scope: kicau/api/tests/test_accounts.py
    "export_person",
    "close_person",
    "erase_person",
    "delete_workspace",
)
FINDS_BY_BODY = ("create_post", "create_import")  # what they name is another's, so nothing may come of them


@pytest.fixture
def world(populated: World, db: None) -> World:
    return deepcopy(populated)


@pytest.fixture
def ids(world) -> dict[str, str]:
    add_person("budi@kopisenja.example", "Budi", "hujan-di-bandung-41", proved=True)
    return {**world.ids, "email": "budi@kopisenja.example"}


def with_role(owner: Actor, role: str) -> Actor:
    if role == Role.OWNER:
        return owner
    person = add_person(f"{role}@lain.example", role, "hujan-di-bandung-41", proved=True)
    set_member_role(owner, person, role)
    return actor_for(person, owner.workspace.id, "page")


LABELS = {m._meta.label: m._meta.db_table for m in apps.get_models()}
OURS = [m for m in apps.get_models() if m.__module__.startswith("kicau.") and m._meta.app_label != "api"]


def writes() -> dict[str, int]:
    """How many rows of each table this transaction has written so far, what was undone since included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def rows_of(workspace_id: Any, tables: Collection[str]) -> dict[tuple[str, Any], dict[str, Any]]:
    """Everything in these tables but what belongs to another workspace, and the API's own counters."""
    found = {}
    for model in OURS:
        if model._meta.db_table in tables:
            for row in model._default_manager.values():
                row.pop("last_used_at", None)
                if row.get("id" if model is Workspace else "workspace_id", workspace_id) == workspace_id:
                    found[model._meta.label, row[model._meta.pk.attname]] = row
    return found


def test_the_matrix_covers_every_endpoint():
    assert len(ALL) > 55
    assert {e.method for e in ALL} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    named = {name for e in ALL for name in e.path.replace("}", "{").split("{")[1::2]}
    assert named == {
        "person_id",
        "token_id",
        "invitation_id",
        "comment_id",
        "link_id",
        "post_id",
        "delivery_id",
        "state",
        "channel",
        "medium_id",
        "webhook_id",
        "item_id",
        "import_id",
        "statement_id",
        "network",
        "budget_id",
        "list_id",
        "rate_id",
        "offboarding_id",
        "job_id",
        "set_id",
        "number",
        "name",
        "recipient_id",
        "audit_id",
        "index",
        "text_id",
        "group_id",
        "contact_id",
        "canary_id",
        "message_id",
    }


@pytest.mark.parametrize("role", Role.values)
def test_another_workspace_reaches_nothing(world, ids, stranger, role):
    theirs = with_role(stranger, role)
    asking = caller_for(theirs)
    before = rows_of(world.actor.workspace.id, {m._meta.db_table for m in OURS})
    for endpoint in ALL:
        written = writes()
        with transaction.atomic():
            status, body = endpoint.send(asking, ids)
            assert MARK.encode() not in body.replace(world.ids["state"].encode(), b""), endpoint.id
            if endpoint.names_things and endpoint.id != "get_network":
                allowed = (
                    {403, 404, 409} if "{state}" in endpoint.path else {403, 404}
                )  # 409: the sign-in is over or another's
                assert status in allowed, (endpoint.id, status, body)
            if endpoint.id in FINDS_BY_BODY:
                assert status in (403, 404, 422), (endpoint.id, body)
            touched = {table for table, count in writes().items() if count != written.get(table, 0)}
            changed = rows_of(world.actor.workspace.id, touched)
            for key, row in before.items():
                assert LABELS[key[0]] not in touched or changed.get(key) == row, (endpoint.id, key)
            assert not [
                k for k in set(changed) - set(before) if changed[k].get("workspace_id") == world.actor.workspace.id
            ], endpoint.id
            transaction.set_rollback(True)


def test_what_another_workspace_names_in_a_body_or_a_filter(world, ids, stranger):
    asking = caller_for(stranger)
    own = str(write(stranger, "milik sendiri").id)
    channel = add_channel(stranger, "facebook", "sendiri")
    simple = {"parts": [{"text": "x"}]}
    plan = {"channels": [ids["channel"]], "at": "now"}
    for path, body in [
        ("/posts", {"parts": [{"media": [{"medium": ids["medium_id"]}]}]}),
        ("/posts", simple | {"link": {"url": "https://lain.example", "thumbnail": ids["medium_id"]}}),
        ("/posts", simple | {"variants": [{"channel": ids["channel"]}]}),
        ("/posts", simple | {"schedule": plan}),
        (f"/posts/{own}/schedule", plan),
        (f"/posts/{own}/preview", {"channels": [ids["channel"]]}),
        ("/deliveries/reschedule", {"moves": [{"delivery": ids["delivery_id"], "at": f"{EXAMPLE_MONTH}-02T10:30Z"}]}),
        ("/accounts/look-up", {"channel": ids["channel"], "words": "kopi"}),
        ("/channel-groups", {"name": "x", "channels": [ids["channel"]]}),
        ("/check", simple | {"channel": ids["channel"]}),
        ("/check", {"channel": channel.key, "parts": [{"media": [{"medium": ids["medium_id"]}]}]}),
        (
            "/check",
            simple | {"channel": channel.key, "link": {"url": "https://lain.example", "thumbnail": ids["medium_id"]}},
        ),
    ]:
        answer = asking.post(path, body)
        assert (answer.status_code, MARK.encode() in answer.content) == (404, False), (path, body)
    for verb in ("retry", "cancel"):
        told = asking.post(f"/deliveries/{verb}", {"deliveries": [ids["delivery_id"]]}).json()
        assert (told["done"], len(told["refused"])) == ([], 1), verb
    for query in (f"/deliveries?channel={ids['channel']}", f"/charges?channel={ids['channel']}"):
        assert asking.get(query).status_code == 404
    for query in (
        f"/deliveries?post={ids['post_id']}",
        f"/charges?delivery={ids['delivery_id']}",
        f"/posts?tag={MARK}",
        f"/posts?campaign={MARK}",
        f"/posts?ref={MARK}",
        f"/deliveries?campaign={MARK}",
        f"/media?tag={MARK}",
    ):
        assert asking.get(query).json()["items"] == [], query


def test_a_cursor_of_another_workspace_shows_nothing_of_it(world, stranger):
    cursor = caller_for(world.actor).get("/deliveries?limit=1").json()["next"]
    assert caller_for(stranger).get(f"/deliveries?cursor={cursor}").json() == {"items": [], "next": None}


def sent_safely(endpoint: Endpoint, asking: Caller, ids: dict[str, str]) -> int:
    """The status, and nothing kept of what was done."""
    with transaction.atomic():
        status, _ = endpoint.send(asking, ids)
        transaction.set_rollback(True)
    return status


@pytest.mark.parametrize("role", Role.values)
def test_a_role_does_what_its_scope_says_and_no_more(world, ids, role):
    person = add_person(f"{role}@kopisenja.example", role, "hujan-di-bandung-41", proved=True)
    set_member_role(world.actor, person, role)
    asking = caller_for(actor_for(person, world.actor.workspace.id, "page"))
    for endpoint in ALL:
        status = sent_safely(endpoint, asking, ids)
        if endpoint.id == "hand_over":  # of all that may manage members, an owner only
            assert (status == 200) == (role == Role.OWNER), (role, status)
            continue
        if endpoint.id in WANT_MORE and role != Role.OWNER:
            assert status == 403, (role, endpoint.id, status)
            continue
        if endpoint.id in WANT_MORE and endpoint.id != "delete_workspace":
            assert status == 403, (role, endpoint.id, status)
            continue
        own_only = endpoint.id in ("create_token", "create_post") and role in (Role.VIEWER, Role.CONTRIBUTOR)
        if Permission(endpoint.scope) not in ROLE_PERMISSIONS[role] or endpoint.id in OPERATORS:
            assert status == 403, (role, endpoint.id, status)
        elif not own_only:  # their examples ask for what these may not: a wider token, scheduling
            assert status not in (401, 403, 405), (role, endpoint.id, status)


@pytest.mark.parametrize("scope", [p.value for p in Permission])
def test_a_scope_opens_its_endpoints_only(world, ids, scope):
    only, all_but = (
        caller_for(world.actor, "read", scope),
        caller_for(world.actor, *(set(Permission) - {Permission(scope)})),
    )
    for endpoint in ALL:
        if endpoint.scope == scope:
            assert sent_safely(endpoint, all_but, ids) == 403, endpoint.id
            if endpoint.id not in (
                "create_post",
                "create_token",
                "create_import",
                *WANT_MORE,
            ):  # their examples need a second scope
                assert sent_safely(endpoint, only, ids) not in (401, 403), endpoint.id
        elif endpoint.scope != "read":
            assert sent_safely(endpoint, only, ids) == 403, endpoint.id


def test_without_a_token_nothing(world, ids):
    for endpoint in ALL:
        status, body = endpoint.send(Caller(""), ids)
        assert status == 401, endpoint.id
        assert MARK.encode() not in body.replace(world.ids["state"].encode(), b"")
