"""Signing in: state, PKCE, codes that live half a minute, and refresh tokens that die when used."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from kicau.connector import clock
from kicau.connector.contract import ContractSession, consent_at_sandbox, open_test_session
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.protocol import SignInRedirect
from kicau.connector.sandbox.server import OrderedFault
from kicau.connector.session import Credentials
from kicau.networks.x.connector import connector
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.conftest import KABAR


async def begun(lent: ContractSession) -> SignInRedirect:
    return await connector.auth.begin(lent, {})


async def test_asks_for_what_publishing_needs_and_for_a_refresh_token(
    sandbox: Server, client: aiohttp.ClientSession
) -> None:
    lent = open_test_session(connector, sandbox, client)
    redirect = await begun(lent)
    query = {name: values[0] for name, values in parse_qs(urlsplit(redirect.url).query).items()}
    assert set(query["scope"].split()) == {"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"}
    assert (query["response_type"], query["code_challenge_method"], query["state"]) == ("code", "S256", redirect.state)
    assert str(redirect.memory["verifier"]) not in redirect.url


async def test_the_account_that_consented_is_the_channel(sandbox: Server, client: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, sandbox, client)
    redirect = await begun(lent)
    returned = await consent_at_sandbox(client, redirect.url, KABAR)
    assert returned.pop("state") == redirect.state
    with clock.freeze_clock(clock.now()):
        (account,) = await connector.auth.finish(lent, redirect.memory, returned)
        lasts = account.credentials.expires_at and account.credentials.expires_at - clock.now()
    assert (account.id, account.handle, account.name) == (KABAR, "kabarpagi", "Kabar Pagi")
    assert account.url == f"{sandbox.base_url}/kabarpagi"
    held = account.credentials
    assert lasts == timedelta(seconds=7200)
    assert held.scopes == set(connector.auth.scopes)


@pytest.mark.parametrize("wrong", ["late", "twice", "verifier", "callback", "secret"])
async def test_a_code_that_does_not_hold_is_told_in_a_sentence(
    wrong: str, sandbox: Server, client: aiohttp.ClientSession
) -> None:
    lent = open_test_session(connector, sandbox, client)
    redirect = await begun(lent)
    returned = await consent_at_sandbox(client, redirect.url)
    memory = dict(redirect.memory)
    if wrong == "late":
        sandbox.clock_offset = 31
    if wrong == "twice":
        await connector.auth.finish(lent, memory, returned)
    if wrong == "verifier":
        memory["verifier"] = "somebody else's"
    if wrong == "callback":
        lent.app = replace(lent.app, callback="http://127.0.0.1:9/elsewhere")
    if wrong == "secret":
        lent.app = replace(lent.app, client_secret="guessed")
    with pytest.raises(Rejected) as told:
        await connector.auth.finish(lent, memory, returned)
    assert told.value.problems[0].sentence.startswith("X did not give Kicau access: ")


async def test_a_refresh_changes_both_tokens_and_kills_the_old_one(kopi: ContractSession, sandbox: Server) -> None:
    before = kopi.credentials
    after = await connector.auth.refresh(kopi)
    assert after.access_token != before.access_token
    assert after.refresh_token not in ("", before.refresh_token)
    assert after.scopes == before.scopes
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(kopi)  # with the old one
    kopi.credentials = after
    assert (await connector.auth.refresh(kopi)).refresh_token != after.refresh_token


async def test_an_access_token_dies_after_two_hours(kopi: ContractSession, sandbox: Server) -> None:
    sandbox.clock_offset = 7201
    with pytest.raises(AuthExpired):
        await connector.capabilities(kopi)
    kopi.credentials = await connector.auth.refresh(kopi)
    assert (await connector.capabilities(kopi)).max_length == 280


async def test_without_a_refresh_token_only_a_person_can_help(kopi: ContractSession) -> None:
    kopi.credentials = Credentials(access_token="t")
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(kopi)


@pytest.mark.parametrize("effect", ["drop", "status", "malformed"])
async def test_a_passing_fault_is_not_a_dead_token(kopi: ContractSession, sandbox: Server, effect: str) -> None:
    sandbox.faults.append(OrderedFault(effect=effect, path="oauth2/token", status=503))
    with pytest.raises(Unavailable):
        await connector.auth.refresh(kopi)


async def test_a_public_app_names_itself_in_the_form(sandbox: Server, client: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, sandbox, client)
    lent.app = replace(lent.app, client_id=sandbox.public_app.client_id, client_secret="")
    redirect = await begun(lent)
    (account,) = await connector.auth.finish(lent, redirect.memory, await consent_at_sandbox(client, redirect.url))
    lent.credentials = account.credentials
    assert (await connector.auth.refresh(lent)).access_token


async def test_an_app_with_a_secret_must_prove_it(sandbox: Server, client: aiohttp.ClientSession) -> None:
    url = f"{sandbox.base_url}/2/oauth2/token"
    form = {"grant_type": "refresh_token", "refresh_token": "r", "client_id": sandbox.default_app.client_id}
    async with client.post(url, data=form) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "unauthorized_client")
    nonsense = base64.b64encode(b"no colon").decode()
    async with client.post(url, data=form, headers={"Authorization": f"Basic {nonsense}"}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_id": "unknown"}, "not known here"),
        ({"scope": "tweet.read everything"}, "Unknown scope: everything"),
        ({"code_challenge": ""}, "code_challenge"),
        ({"state": "s" * 501}, "500 characters"),
        ({"response_type": "token"}, "response_type"),
        ({"redirect_uri": ""}, "redirect_uri"),
    ],
)
async def test_the_authorise_page_refuses_what_x_refuses(
    change: dict[str, str], said: str, sandbox: Server, client: aiohttp.ClientSession
) -> None:
    redirect = await begun(open_test_session(connector, sandbox, client))
    query = {name: values[0] for name, values in parse_qs(urlsplit(redirect.url).query).items()}
    async with client.get(sandbox.endpoints()["authorize"], params={**query, **change}) as page:
        assert (page.status, said in await page.text()) == (400, True)
