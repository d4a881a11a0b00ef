"""The operator's keys: tested with the network before they are saved, and only by the operator."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from kicau.base.errors import NotAllowed, ValidationFailed
from kicau.channels import actions, app_keys
from kicau.channels.channel_session import new_client
from kicau.channels.models import NetworkApp
from kicau.connector import registry
from kicau.connector.protocol import AppKeysRole
from kicau.connector.sandbox.server import start_sandbox
from kicau.costs.models import Charge
from kicau.rights.models import ActivityEntry
from kicau.sandbox.all_networks import server_class

pytestmark = pytest.mark.django_db(transaction=True)

KEYED = [slug for slug, one in registry.installed_connectors().items() if one.auth.needs_keys]


@pytest.fixture
async def client():
    async with new_client() as session:
        yield session


@pytest.fixture
async def sandbox(request):
    """The sandbox of a network; Kicau knows its addresses from an app with wrong keys."""
    made = server_class(request.param)()
    runner = await start_sandbox(made)
    await sync_to_async(actions.register_app)(request.param, "old-id", "old-secret", endpoints=made.endpoints())
    yield made
    await runner.cleanup()
    made.store.close()


def test_every_network_that_needs_keys_guides_to_them():
    assert KEYED
    for slug in KEYED:
        auth = registry.get_connector(slug).auth
        assert isinstance(auth, AppKeysRole), slug
        assert any("allback" in step for step in auth.guide.steps), f"{slug}: where the callback address goes"


@pytest.mark.parametrize("sandbox", KEYED, indirect=True)
async def test_keys_that_the_network_knows_are_saved(sandbox, actor, client):
    given, network = sandbox.default_app, sandbox.slug
    saved = await app_keys.save_keys(actor, network, f" {given.client_id}\n", given.client_secret, client=client)
    row = await NetworkApp.objects.aget(network=network)
    assert (saved.untested, saved.app.id) == ("", row.id)
    assert (row.client_id, row.client_secret, row.endpoints) == (
        given.client_id,
        given.client_secret,
        dict(sandbox.endpoints()),
    )
    again = await app_keys.save_keys(actor, network, given.client_id, "", client=client)
    assert again.untested == "", "an empty secret is the saved one"
    assert await ActivityEntry.objects.filter(act="app_keys.saved").acount() == 2
    spent = [(one.purpose, one.person_id, one.micro) async for one in Charge.objects.filter(network=network)]
    assert set(spent) <= {("connect", actor.person_id, 0)}, "what counts is in the ledger, as a call of a sign-in"


@pytest.mark.parametrize("sandbox", KEYED, indirect=True)
@pytest.mark.parametrize("wrong", ["id", "secret"])
async def test_keys_that_the_network_does_not_know_are_not_saved(sandbox, actor, client, wrong):
    given = sandbox.default_app
    keys = ("no-such-app", given.client_secret) if wrong == "id" else (given.client_id, "no-such-secret")
    with pytest.raises(ValidationFailed, match="does not accept these keys") as refused:
        await app_keys.save_keys(actor, sandbox.slug, *keys, client=client)
    assert "no-such-secret" not in str(refused.value)
    assert (await NetworkApp.objects.aget(network=sandbox.slug)).client_id == "old-id"


@pytest.mark.parametrize("slug", KEYED)
async def test_a_network_that_cannot_be_asked_leaves_them_untested(slug, actor, client):
    nowhere = dict.fromkeys(registry.get_connector(slug).endpoints, "http://127.0.0.1:9")
    await sync_to_async(actions.register_app)(slug, "old-id", "old-secret", endpoints=nowhere)
    saved = await app_keys.save_keys(actor, slug, "new-id", "new-secret", client=client)
    assert saved.untested
    assert (await NetworkApp.objects.aget(network=slug)).client_id == "new-id"


@pytest.mark.parametrize(
    ("client_id", "client_secret", "field"),
    [
        ("", "s", "client_id"),
        ("a", "", "client_secret"),
        ("a b", "s", "client_id"),
        ("a", "ş", "client_secret"),
        ("a" * 301, "s", "client_id"),
    ],
)
async def test_what_is_no_key_is_told_before_anybody_is_asked(actor, client_id, client_secret, field):
    with pytest.raises(ValidationFailed) as refused:
        await app_keys.save_keys(actor, KEYED[0], client_id, client_secret)
    assert [one.field for one in refused.value.problems] == [field]
    assert not await NetworkApp.objects.aexists()


async def test_only_the_operator_enters_keys(actor, member):
    admin = await sync_to_async(member)("admin")
    with pytest.raises(NotAllowed):
        await app_keys.save_keys(admin, KEYED[0], "id", "secret")
    keyless = next(slug for slug in registry.installed_slugs() if slug not in KEYED)
    with pytest.raises(ValidationFailed, match="needs no app keys"):
        await app_keys.save_keys(actor, keyless, "id", "secret")


def test_a_sandbox_keeps_its_app_beside_the_real_one(actor, monkeypatch):
    tried = actions.register_app(KEYED[0], "box", "box", endpoints={}, is_sandbox=True)
    real = actions.register_app(KEYED[0], "real", "real", name=app_keys.SECOND_APP_NAME)
    assert actions.find_app(KEYED[0]) == real
    assert app_keys.network_keys(actor, KEYED[0]).app == real
    tried.refresh_from_db()
    assert tried.client_id == "box"


def test_the_plans_name_what_they_cost():
    for slug in KEYED:
        for plan in app_keys.plan_prices(slug):
            assert plan.name
            assert (plan.monthly, plan.post) == (0, 0) or plan.currency
