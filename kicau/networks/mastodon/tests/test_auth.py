from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from kicau.connector.contract import (
    ContractSession,
    consent_at_sandbox,
    open_test_session,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.errors import AuthExpired, RateLimited, Rejected
from kicau.connector.protocol import SignInRedirect
from kicau.connector.sandbox.server import OrderedFault
from kicau.connector.session import Credentials
from kicau.connector.transport import ssrf
from kicau.networks.mastodon.auth import OAUTH_SCOPES, parse_server_name
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.sandbox import SNAC_DIFFERENCES, Server
from kicau.networks.mastodon.tests.cast import KABAR, SERVER


@pytest.mark.parametrize(
    "given",
    [
        "kopi.social",
        " Kopi.Social. ",
        "https://kopi.social",
        "http://kopi.social/@amy",
        "kopi.social/about",
        "@amy@kopi.social",
        "amy@kopi.social",
        "https://kopi.social/@amy/1?x=1",
    ],
)
def test_a_server_is_understood_however_it_is_written(given: str) -> None:
    assert parse_server_name(given) == "kopi.social"


def test_other_names() -> None:
    assert parse_server_name("") == ""
    assert parse_server_name("127.0.0.1:3000") == "127.0.0.1:3000"
    assert parse_server_name("köpi.social") == "xn--kpi-sna.social"
    for wrong in ("kopi social", "-kopi.social", "kopi..social", "kopi.social:x", "a" * 300, "{host}"):
        with pytest.raises(Rejected) as told:
            parse_server_name(wrong)
        assert told.value.problems[0].field == "server"


async def test_an_app_registers_itself_and_signs_in_with_pkce(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    lent.app = replace(lent.app, client_id="", client_secret="")
    begun = await connector.auth.begin(lent, SERVER)
    assert isinstance(begun, SignInRedirect)
    asked = parse_qs(urlsplit(begun.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == [" ".join(OAUTH_SCOPES)]
    assert asked["client_id"] == [begun.memory["client_id"]] != [box.default_app.client_id]
    returned = await consent_at_sandbox(http, begun.url, KABAR)
    (account,) = await connector.auth.finish(lent, begun.memory, returned)
    assert (account.id, account.handle, account.name, account.host) == (KABAR, "kabarpagi", "Kabar Pagi", "kopi.social")
    assert account.url == f"{box.base_url}/@kabarpagi"
    assert account.credentials.scopes == set(OAUTH_SCOPES)
    assert set(account.credentials.extra) == {"client_id", "client_secret"}
    assert account.credentials.expires_at is None


async def test_a_code_without_its_verifier_is_refused(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    begun = await connector.auth.begin(lent, SERVER)
    assert isinstance(begun, SignInRedirect)
    returned = await consent_at_sandbox(http, begun.url)
    with pytest.raises(Rejected) as told:
        await connector.auth.finish(lent, {**begun.memory, "verifier": "another"}, returned)
    assert told.value.problems[0].sentence.startswith("Kicau could not sign in to Mastodon (The provided authorization")


async def test_a_server_without_metadata_gets_no_pkce(box: Server, http: aiohttp.ClientSession) -> None:
    box.lacks = SNAC_DIFFERENCES
    lent = open_test_session(connector, box, http)
    begun = await connector.auth.begin(lent, SERVER)
    assert isinstance(begun, SignInRedirect)
    assert "code_challenge" not in begun.url
    (account,) = await connector.auth.finish(lent, begun.memory, await consent_at_sandbox(http, begun.url))
    assert account.credentials.scopes == set(OAUTH_SCOPES)


async def test_the_server_must_be_named_where_there_are_many(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    (account,) = await sign_in_at_sandbox(connector, lent, {})
    assert account.host == box.domain  # the one that the setting names
    lent.app = replace(lent.app, endpoints=dict(connector.endpoints))
    with pytest.raises(Rejected) as told:
        await connector.auth.begin(lent, {})
    assert told.value.problems[0].code == "needs-server"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "127.0.0.1:8080"])
async def test_no_name_leads_into_the_operators_own_network(
    box: Server, http: aiohttp.ClientSession, name: str
) -> None:
    lent = open_test_session(connector, box, http)
    lent.app = replace(lent.app, endpoints={"server": "http://{host}"})
    with pytest.raises(Rejected) as told:
        await connector.auth.begin(lent, {"server": name})
    assert told.value.problems[0].code == "no-such-server"
    assert not box.requests


async def test_the_operator_may_allow_one(
    box: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {box.domain})
    lent = open_test_session(connector, box, http)
    lent.app = replace(lent.app, endpoints={"server": "http://{host}"})
    (account,) = await sign_in_at_sandbox(connector, lent, {"server": f"@amy@{box.domain}"})
    assert account.host == box.domain
    assert (
        await connector.auth.refresh(select_identity(lent, account))
    ).access_token == account.credentials.access_token


async def test_what_is_no_such_server_is_told(box: Server, http: aiohttp.ClientSession) -> None:
    lent = open_test_session(connector, box, http)
    box.faults.append(OrderedFault(effect="status", path="/api/v1/apps", status=404, text="<h1>Not here</h1>"))
    with pytest.raises(Rejected) as told:
        await connector.auth.begin(lent, SERVER)
    assert (
        told.value.problems[0].sentence
        == "Kicau could not register its app with kopi.social, which may not be a Mastodon server. Check the name of your server."
    )
    lent.app = replace(lent.app, endpoints={"server": "http://127.0.0.1:9"})
    with pytest.raises(Rejected) as told:
        await connector.auth.begin(lent, SERVER)
    assert told.value.problems[0].code == "no-such-server"


async def test_a_busy_server_is_waited_for(box: Server, http: aiohttp.ClientSession) -> None:
    box.faults.append(OrderedFault(effect="rate-limit", path="/api/v1/apps", seconds=60))
    with pytest.raises(RateLimited):
        await connector.auth.begin(open_test_session(connector, box, http), SERVER)


async def test_a_token_that_was_revoked_asks_for_a_reconnect(box: Server, kopi: ContractSession) -> None:
    box.faults.append(OrderedFault(effect="revoke-token"))
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(kopi)


async def test_servers_that_give_refresh_tokens_are_asked_for_new_ones(box: Server, kopi: ContractSession) -> None:
    """The sandbox gives none, as Mastodon does; its refusal shows that it was asked with the server's own keys."""
    keys = kopi.credentials.extra
    kopi.credentials = Credentials(access_token="a", refresh_token="r", extra=keys)
    with pytest.raises(AuthExpired, match="grant type is not supported"):
        await connector.auth.refresh(kopi)
    assert box.requests[-1]["path"] == "/oauth/token"
