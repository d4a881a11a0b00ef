"""App keys: what the operator enters for a network, tested with it before they are saved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.errors import NotAllowed, ValidationFailed, validation_failed
from kicau.base.ids import new_id
from kicau.channels import actions
from kicau.channels.channel_session import AppSession, new_client
from kicau.channels.models import NetworkApp
from kicau.connector import registry
from kicau.connector.content import Draft, Part
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import price_lists_in_force
from kicau.connector.protocol import AppGuide, AppKeysRole
from kicau.costs import call_budgets
from kicau.costs.ledger import ChargeContext
from kicau.costs.models import Purpose
from kicau.costs.pricing import network_price_lists, price_charges
from kicau.workspaces.actors import Actor, Permission

MAX_KEY_LENGTH = 300  # characters; networks' keys have at most about 100
SECOND_APP_NAME = "live"  # of the real app, where a sandbox has the default name


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKeys:
    """How a network stands with its keys. `app` is the one that new channels are connected with."""

    network: str
    label: str
    needs_keys: bool
    guide: AppGuide | None
    app: NetworkApp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrice:
    """One plan that a network sells today, in micro-units of `currency` ("" where it costs no money)."""

    name: str
    monthly: int
    post: int  # a post of text alone
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedKeys:
    """The app, and why the network could not be asked about its keys; "" where it accepted them."""

    app: NetworkApp
    untested: str


def require_operator(actor: Actor) -> None:
    """Keys are the whole server's. Raises NotAllowed."""
    actor.require(Permission.CHANNELS)
    if actor.person is None or not actor.person.is_operator:
        raise NotAllowed("Only the server administrator can enter app keys.")


def all_keys(actor: Actor) -> list[NetworkKeys]:
    """Every installed network, in the order of their names; without the secrets."""
    actor.require(Permission.READ)
    first: dict[str, NetworkApp] = {}
    for app in _apps():
        first.setdefault(app.network, app)
    return [_keys(slug, first.get(slug)) for slug in registry.installed_slugs()]


def network_keys(actor: Actor, network: str) -> NetworkKeys:
    """One of them. Raises UnknownNetwork."""
    actor.require(Permission.READ)
    return _keys(network, _apps().filter(network=network).first())


def plan_prices(network: str) -> list[PlanPrice]:
    """The plans in force today, the usual one first."""
    connector = registry.get_connector(network)
    charges = connector.render(Draft(parts=(Part(text="Kicau"),)), connector.baseline).charges
    lists = price_lists_in_force(network_price_lists(network), clock.now().date())
    usual = [listed.name for listed in lists if listed.is_default][-1:]
    return [
        PlanPrice(
            name=listed.name,
            monthly=listed.monthly,
            post=sum(one.micro for one in price_charges(network, charges, plan=listed.name)),
            currency=listed.currency,
        )
        for listed in sorted(lists, key=lambda listed: listed.name not in usual)
    ]


async def save_keys(
    actor: Actor,
    network: str,
    client_id: str,
    client_secret: str,
    *,
    tier: str = "",
    plan: str = "",
    client: aiohttp.ClientSession | None = None,
) -> SavedKeys:
    """Test the keys with the network, then save them; an empty secret keeps the saved one. A sandbox's app is left as it
    is, and so are its channels. Raises NotAllowed, UnknownNetwork, BudgetExceeded, or ValidationFailed, also where the
    network does not know the keys: then nothing is saved."""
    require_operator(actor)
    before = (await sync_to_async(network_keys)(actor, network)).app
    known = before if before is not None and not before.is_sandbox else None
    client_id, client_secret = client_id.strip(), client_secret.strip() or (known.client_secret if known else "")
    _check_form(network, client_id, client_secret)
    name = known.name if known else SECOND_APP_NAME if before else actions.DEFAULT_APP_NAME
    row = NetworkApp(
        network=network,
        name=name,
        client_id=client_id,
        client_secret=client_secret,
        endpoints=dict(known.endpoints) if known else {},
        tier=tier,
        plan=plan,
    )
    untested = await _test_keys(actor, row, known, client)
    saved = await sync_to_async(_save)(actor, row)
    return SavedKeys(app=saved, untested=untested)


async def _test_keys(
    actor: Actor, row: NetworkApp, known: NetworkApp | None, client: aiohttp.ClientSession | None
) -> str:
    """Why the network could not be asked, or "". Raises ValidationFailed where it does not know the keys."""
    auth = registry.get_connector(row.network).auth
    assert isinstance(auth, AppKeysRole)
    async with _metered_test(actor, row, known, client) as session:
        try:
            await auth.check_keys(session)
        except Rejected as exc:
            raise ValidationFailed(exc.problems) from exc
        except ConnectorError as exc:
            return str(exc)
    return ""


@asynccontextmanager
async def _metered_test(
    actor: Actor, row: NetworkApp, known: NetworkApp | None, client: aiohttp.ClientSession | None
) -> AsyncIterator[AppSession]:
    """What the test uses up is set aside before, and written down after, as any call's."""
    mine = ChargeContext(
        workspace_id=actor.workspace.id,
        network=row.network,
        purpose=Purpose.CONNECT,
        app_id=known.id if known else None,
        plan=row.plan,
        person_id=actor.person_id,
        holder=new_id(),
    )
    own = client or new_client()
    purse = await sync_to_async(call_budgets.new_call_budget)(mine)
    label = registry.get_connector(row.network).label
    session = AppSession(row, own, call_budgets.call_payer(mine, purse, label))
    try:
        yield session
    finally:
        await sync_to_async(call_budgets.record_calls)(mine, session.http.calls)
        if client is None:
            await own.close()


@transaction.atomic
def _save(actor: Actor, row: NetworkApp) -> NetworkApp:
    saved = actions.register_app(
        row.network,
        row.client_id,
        row.client_secret,
        name=row.name,
        endpoints=row.endpoints,
        tier=row.tier,
        plan=row.plan,
    )
    actor.record("app_keys.saved", saved.id, network=row.network)
    return saved


def _check_form(network: str, client_id: str, client_secret: str) -> None:
    connector = registry.get_connector(network)
    if not isinstance(connector.auth, AppKeysRole):
        raise validation_failed("network", "{network} needs no app keys.", network=connector.label)
    given = zip(("client_id", "client_secret"), (client_id, client_secret), connector.auth.guide.key_names, strict=True)
    for field, value, name in given:
        if not value:
            raise validation_failed(
                field, "Enter the {name} from your app's page at {network}.", name=name, network=connector.label
            )
        if len(value) > MAX_KEY_LENGTH or not value.isascii() or any(one.isspace() for one in value):
            raise validation_failed(
                field,
                "This is not the {name} of an app: keys have at most {limit} letters and digits, without spaces. Copy it again.",
                name=name,
                limit=MAX_KEY_LENGTH,
            )


def _keys(slug: str, app: NetworkApp | None) -> NetworkKeys:
    connector = registry.get_connector(slug)
    auth = connector.auth
    return NetworkKeys(
        network=slug,
        label=connector.label,
        needs_keys=auth.needs_keys,
        guide=auth.guide if isinstance(auth, AppKeysRole) else None,
        app=app,
    )


def _apps() -> QuerySet[NetworkApp]:
    return NetworkApp.objects.order_by("is_sandbox", "created_at")
