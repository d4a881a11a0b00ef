from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from kicau.connector.contract import (
    ContractSession,
    consent_at_sandbox,
    open_test_session,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.protocol import SignInRedirect
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server

BIMA = "urn:li:person:bM2pRat4ma"


def tiered(box: Server, http: aiohttp.ClientSession, tier: str) -> ContractSession:
    lent = open_test_session(connector, box, http)
    lent.app = replace(lent.app, tier=tier)
    return lent


async def test_a_sign_in_gives_the_member_and_what_they_administer(box: Server, http: aiohttp.ClientSession) -> None:
    member, firm = await sign_in_at_sandbox(connector, open_test_session(connector, box, http))
    assert (member.kind, member.id, member.handle, member.name) == (
        "person",
        "urn:li:person:sK7wUlan3d",
        "sari-wulandari",
        "Sari Wulandari",
    )
    assert (firm.kind, firm.id, firm.handle, firm.name) == (
        "organisation",
        "urn:li:organization:5012346",
        "kopi-senja",
        "Kopi Senja",
    )
    assert firm.url == f"{box.base_url}/company/kopi-senja/"
    for account in (member, firm):
        async with http.get(account.url) as page:
            assert account.name in await page.text()


async def test_an_analyst_may_not_post_and_is_not_offered_the_organisation(
    box: Server, http: aiohttp.ClientSession
) -> None:
    accounts = await sign_in_at_sandbox(connector, open_test_session(connector, box, http), account=BIMA)
    assert [a.name for a in accounts] == ["Bima Pratama"]


async def test_a_self_serve_app_signs_members_in(box: Server, http: aiohttp.ClientSession) -> None:
    (member,) = await sign_in_at_sandbox(connector, tiered(box, http, "self-serve"))
    assert (member.id, member.name) == ("urn:li:person:sK7wUlan3d", "Sari Wulandari")
    assert member.credentials.scopes == {"openid", "profile", "w_member_social"}


async def test_lives_are_those_documented(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    member, _ = await sign_in_at_sandbox(connector, lent)
    made = member.credentials
    assert made.expires_at is not None
    assert made.refresh_expires_at is not None
    assert round((made.expires_at - lent.now()) / timedelta(days=1)) == 60
    assert round((made.refresh_expires_at - lent.now()) / timedelta(days=1)) == 365


async def test_refreshing_never_extends_the_year(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    select_identity(lent, (await sign_in_at_sandbox(connector, lent))[0])
    box.clock_offset = 100 * 86400
    after = await connector.auth.refresh(lent)
    assert after.refresh_token == lent.credentials.refresh_token
    assert after.refresh_expires_at is not None
    assert round((after.refresh_expires_at - lent.now()) / timedelta(days=1)) == 265
    box.clock_offset = 366 * 86400
    with pytest.raises(AuthExpired, match="refresh token is invalid"):
        await connector.auth.refresh(lent)


async def test_without_a_refresh_token_a_person_reconnects(box: Server, http: aiohttp.ClientSession) -> None:
    box.refresh_tokens = False
    lent = open_test_session(connector, box, http)
    select_identity(lent, (await sign_in_at_sandbox(connector, lent))[0])
    with pytest.raises(AuthExpired, match="every 60 days"):
        await connector.auth.refresh(lent)


async def test_an_unapproved_scope_is_a_sentence(box: Server, http: aiohttp.ClientSession) -> None:
    lent = tiered(box, http, "openid r_member_social")
    begun = await connector.auth.begin(lent, {})
    assert isinstance(begun, SignInRedirect)
    async with http.get(begun.url, allow_redirects=False) as sent_back:
        returned = dict(aiohttp.client.URL(sent_back.headers["Location"]).query)
    assert returned["state"] == begun.state
    with pytest.raises(Rejected) as told:
        await connector.auth.finish(lent, begun.memory, returned)
    assert 'Scope "r_member_social" is not authorized' in told.value.problems[0].sentence


@pytest.mark.parametrize("spoil", ["used", "late", "secret"])
async def test_a_code_that_is_not_taken_is_a_sentence(box: Server, http: aiohttp.ClientSession, spoil: str) -> None:
    lent = open_test_session(connector, box, http)
    begun = await connector.auth.begin(lent, {})
    assert isinstance(begun, SignInRedirect)
    returned = await consent_at_sandbox(http, begun.url)
    if spoil == "used":
        await connector.auth.finish(lent, begun.memory, returned)
    elif spoil == "late":
        box.clock_offset = 1801
    else:
        lent.app = replace(lent.app, client_secret="wrong")
    with pytest.raises(Rejected) as told:
        await connector.auth.finish(lent, begun.memory, returned)
    assert told.value.problems[0].code == "sign-in-failed"


async def test_asking_for_other_scopes_ends_earlier_tokens(box: Server, http: aiohttp.ClientSession) -> None:
    before = open_test_session(connector, box, http)
    select_identity(before, (await sign_in_at_sandbox(connector, before))[0])
    await sign_in_at_sandbox(
        connector, open_test_session(connector, box, http)
    )  # the same set: the earlier token lives on
    await connector.auth.refresh(before)
    await sign_in_at_sandbox(connector, tiered(box, http, "self-serve"))
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(before)


async def test_a_passing_fault_is_not_a_dead_token(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    select_identity(lent, (await sign_in_at_sandbox(connector, lent))[0])
    for effect in ("status", "malformed", "drop"):
        box.faults.append(OrderedFault(effect=effect, path="accessToken", status=503))
        with pytest.raises(Unavailable):
            await connector.auth.refresh(lent)
    assert (await connector.auth.refresh(lent)).access_token
