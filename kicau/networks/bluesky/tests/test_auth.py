from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from kicau.connector.contract import (
    CALLBACK_URL,
    ContractSession,
    consent_at_sandbox,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.protocol import SignInRedirect
from kicau.connector.sandbox.server import OrderedFault
from kicau.connector.session import App
from kicau.networks.bluesky import client, dpop, identity, oauth, wire
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import BY_PASSWORD, KABAR, KOPI
from kicau.networks.bluesky.tests.conftest import lent


async def refused(session: ContractSession, answers: Mapping[str, str]) -> tuple[str, str, str]:
    with pytest.raises(Rejected) as told:
        await connector.auth.begin(session, answers)
    (problem,) = told.value.problems
    return problem.code, problem.field, problem.sentence


# By an app password


@pytest.mark.parametrize(
    "handle",
    ["kopisenja.test", "@KopiSenja.test", KOPI, "at://kopisenja.test", "https://bsky.app/profile/kopisenja.test"],
)
async def test_an_account_by_its_app_password(box: Server, http: aiohttp.ClientSession, handle: str) -> None:
    session = lent(box, http)
    begun = await connector.auth.begin(session, {**BY_PASSWORD, "handle": handle})
    assert isinstance(begun, tuple)
    (found,) = begun
    assert (found.id, found.handle, found.name, found.host) == (KOPI, "kopisenja.test", "Kopi Senja", "")
    assert found.url == f"{box.base_url}/profile/kopisenja.test"
    held = found.credentials
    assert held.scopes == {"com.atproto.appPass"}
    assert held.expires_at is not None
    assert held.refresh_expires_at is not None
    assert timedelta(hours=1) < held.expires_at - session.now() < timedelta(hours=3)
    assert held.extra == {"login": "app-password", "pds": ""}
    assert "password" not in repr(held)


async def test_a_server_on_its_own_shows_no_profiles(box: Server, http: aiohttp.ClientSession) -> None:
    box.shows_profiles = False
    begun = await connector.auth.begin(lent(box, http), {**BY_PASSWORD, "server": box.base_url})
    assert isinstance(begun, tuple)
    assert begun[0].name == "kopisenja.test"


async def test_what_a_person_gets_wrong_is_told_beside_the_question(box: Server, http: aiohttp.ClientSession) -> None:
    session = lent(box, http)
    assert (await refused(session, {**BY_PASSWORD, "handle": ""}))[:2] == ("needs-handle", "handle")
    assert (await refused(session, {**BY_PASSWORD, "password": ""}))[:2] == ("needs-password", "password")
    code, field, sentence = await refused(session, {**BY_PASSWORD, "password": "wrong"})
    assert (code, field) == ("sign-in-failed", "password")
    assert "Invalid identifier or password" in sentence
    assert (await refused(session, {**BY_PASSWORD, "handle": "nobody.test"}))[:2] == ("unknown-handle", "handle")
    assert (await refused(session, {**BY_PASSWORD, "handle": "nobody"}))[:2] == ("unknown-handle", "handle")
    assert (await refused(session, {"handle": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}))[:2] == ("no-server", "handle")
    for server in ("http://10.0.0.1", "https://localhost", "https://169.254.169.254", "ftp://x", "https://x.internal"):
        assert (await refused(session, {**BY_PASSWORD, "server": server}))[:2] == ("bad-server", "server")


async def test_a_handle_that_its_account_does_not_claim_is_refused(box: Server, http: aiohttp.ClientSession) -> None:
    box._dids["impostor.test"] = KOPI
    assert (await refused(lent(box, http), {**BY_PASSWORD, "handle": "impostor.test"}))[0] == "unknown-handle"


async def test_a_session_is_renewed_and_a_lost_answer_costs_nothing(kopi: ContractSession, box: Server) -> None:
    first = await connector.auth.refresh(kopi)
    again = await connector.auth.refresh(kopi)  # as after a lost answer
    assert wire.read_jwt_claims(first.refresh_token)["jti"] == wire.read_jwt_claims(again.refresh_token)["jti"]
    assert first.refresh_token != kopi.credentials.refresh_token
    box.clock_offset = 3 * 3600
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(kopi)
    kopi.credentials = first
    assert (await connector.auth.refresh(kopi)).access_token != first.access_token
    box.clock_offset = 100 * 86_400
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(kopi)


async def test_a_token_that_is_over_asks_for_a_renewal(kopi: ContractSession, box: Server) -> None:
    box.clock_offset = 2.5 * 3600
    with pytest.raises(AuthExpired, match="ExpiredToken"):
        await connector.delete(kopi, f"at://{KOPI}/app.bsky.feed.post/3n32ye4jrkk27")


# By OAuth


async def test_a_pushed_request_shows_nothing_but_its_number(box: Server, http: aiohttp.ClientSession) -> None:
    begun = await connector.auth.begin(lent(box, http), {"handle": "kopisenja.test"})
    assert isinstance(begun, SignInRedirect)
    query = parse_qs(urlsplit(begun.url).query)
    assert set(query) == {"client_id", "request_uri"}
    assert query["client_id"][0].startswith("http://localhost?redirect_uri=")
    page = await (await http.get(begun.url)).text()
    assert "Kopi Senja" in page
    assert "Kabar Pagi" not in page


async def test_without_a_handle_the_person_chooses_on_the_server(box: Server, http: aiohttp.ClientSession) -> None:
    session = lent(box, http)
    (found,) = await sign_in_at_sandbox(connector, session, {}, KABAR)
    assert (found.id, found.handle, found.name) == (KABAR, "kabarpagi.test", "Kabar Pagi")
    assert found.credentials.scopes == set(connector.auth.scopes)
    assert found.credentials.extra.keys() == {"login", "key", "issuer", "pds"}


async def back(
    box: Server, http: aiohttp.ClientSession, answers: Mapping[str, str], who: str = KOPI
) -> tuple[ContractSession, SignInRedirect, dict[str, str]]:
    session = lent(box, http)
    begun = await connector.auth.begin(session, answers)
    assert isinstance(begun, SignInRedirect)
    return session, begun, await consent_at_sandbox(http, begun.url, who)


async def test_what_comes_back_must_fit(box: Server, http: aiohttp.ClientSession) -> None:
    session, begun, returned = await back(box, http, {"handle": "kopisenja.test"})
    wrong: list[tuple[dict[str, object], dict[str, str]]] = [
        ({}, {**returned, "iss": "https://evil.example"}),
        ({}, {name: value for name, value in returned.items() if name != "iss"}),
        ({}, {**returned, "code": "cod-wrong"}),
    ]
    for memory, query in wrong:
        with pytest.raises(Rejected) as told:
            await connector.auth.finish(session, {**begun.memory, **memory}, query)  # type: ignore[dict-item]
        assert told.value.problems[0].code == "sign-in-failed"


@pytest.mark.parametrize("change", [{"verifier": "x" * 64}, {"key": dpop.new_key()}, {"did": KABAR}])
async def test_a_stolen_code_is_worthless(box: Server, http: aiohttp.ClientSession, change: dict[str, str]) -> None:
    """Without the verifier, without the key, or where another account signed in than was named."""
    session, begun, returned = await back(box, http, {})
    with pytest.raises(Rejected):
        await connector.auth.finish(session, {**begun.memory, **change}, returned)


async def test_refresh_tokens_rotate_and_a_second_use_ends_the_session(bound: ContractSession) -> None:
    first = bound.credentials
    second = await connector.auth.refresh(bound)
    assert second.refresh_token != first.refresh_token
    assert second.extra == first.extra
    with pytest.raises(AuthExpired, match="replayed"):
        await connector.auth.refresh(bound)
    bound.credentials = second
    with pytest.raises(AuthExpired):
        await connector.auth.refresh(bound)


async def test_a_public_client_signs_in_again_after_two_weeks(bound: ContractSession, box: Server) -> None:
    box.clock_offset = 13 * 86_400
    bound.credentials = await connector.auth.refresh(bound)
    box.clock_offset = 15 * 86_400
    with pytest.raises(AuthExpired, match="Session expired"):
        await connector.auth.refresh(bound)


async def test_the_servers_nonce_may_change_at_any_time(bound: ContractSession, box: Server) -> None:
    for hours in (0.1, 0.2, 0.3):
        box.clock_offset = hours * 3600
        await connector.delete(bound, f"at://{KOPI}/app.bsky.feed.post/3n32ye4jrkk27")
    nonces = [r for r in box.requests if r["path"].endswith("deleteRecord")]
    assert len(nonces) == 3 * 3 + 3, "one refusal for each change, not for each request"


async def test_a_server_that_never_likes_a_nonce_is_left_alone(bound: ContractSession, box: Server) -> None:
    box.faults.append(
        OrderedFault(
            effect="status", status=401, text='{"error":"use_dpop_nonce"}', headers={"DPoP-Nonce": "x"}, times=-1
        )
    )
    with pytest.raises(Unavailable):
        await connector.delete(bound, f"at://{KOPI}/app.bsky.feed.post/3n32ye4jrkk27")
    assert sum(r["path"].endswith("deleteRecord") for r in box.requests) == 3


async def test_a_bound_token_is_worthless_without_its_key(
    bound: ContractSession, box: Server, http: aiohttp.ClientSession
) -> None:
    url = f"{box.base_url}/xrpc/com.atproto.server.getSession"
    async with http.get(url, headers={"Authorization": f"Bearer {bound.credentials.access_token}"}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "InvalidToken")
    stolen = replace(bound.credentials, extra={**bound.credentials.extra, "key": dpop.new_key()})
    with pytest.raises(AuthExpired, match="invalid_token"):
        await wire.call_xrpc(bound, "GET", "com.atproto.server.getSession", at=box.base_url, held=stolen)


async def test_a_client_with_a_key_of_its_own(box: Server, http: aiohttp.ClientSession) -> None:
    secret = client.new_secret()
    name = "https://kicau.kopisenja.example/bluesky.json"
    document = client.client_document(name, CALLBACK_URL, secret)
    box.documents[name] = document
    session = lent(box, http)
    session.app = App(client_id=name, client_secret=secret, callback=CALLBACK_URL, endpoints=session.app.endpoints)
    (found,) = await sign_in_at_sandbox(connector, session, {"handle": "kopisenja.test"})
    select_identity(session, found)
    box.clock_offset = 100 * 86_400
    session.credentials = await connector.auth.refresh(session)
    assert json.loads(secret)["d"] not in json.dumps(document)
    session.app = replace(session.app, client_secret=client.new_secret())
    with pytest.raises(AuthExpired, match="invalid_client"):
        await connector.auth.refresh(session)
    session.app = replace(session.app, client_secret="{broken")
    assert (await refused(session, {}))[0] == "sign-in-failed"


async def test_a_client_that_nobody_registered_is_described_by_us(box: Server, http: aiohttp.ClientSession) -> None:
    app = App(
        client_id="",
        client_secret=connector.auth.new_secret(),
        callback="https://kicau.kopisenja.example/channels/callback",
        description="https://kicau.kopisenja.example/clients/bluesky.json",
    )
    document = connector.auth.description(app)
    assert document is not None
    assert json.loads(app.client_secret)["d"] not in json.dumps(document)
    box.documents[app.description] = document
    session = lent(box, http)
    session.app = replace(app, endpoints=session.app.endpoints)
    (found,) = await sign_in_at_sandbox(connector, session, {"handle": "kopisenja.test"})
    select_identity(session, found)
    box.clock_offset = 100 * 86_400
    assert (await connector.auth.refresh(session)).access_token


@pytest.mark.parametrize(
    ("client_id", "description"),
    [("", "http://127.0.0.1:8000/clients/bluesky.json"), ("https://a.example/own.json", "https://a.example/clients/x")],
    ids=["loopback", "described elsewhere"],
)
async def test_other_clients_have_no_description_of_ours(client_id: str, description: str) -> None:
    app = App(client_id=client_id, client_secret=client.new_secret(), callback=CALLBACK_URL, description=description)
    assert connector.auth.description(app) is None
    assert oauth.client_id(app) != description


async def test_an_unknown_client_is_told(box: Server, http: aiohttp.ClientSession) -> None:
    session = lent(box, http)
    session.app = replace(session.app, client_id="https://kicau.example/none.json")
    code, _, sentence = await refused(session, {})
    assert "client metadata" in sentence, code


# Identities


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://bsky.social", True),
        ("https://morel.us-east.host.bsky.network", True),
        ("https://8.8.8.8", True),
        ("http://bsky.social", False),
        ("https://127.0.0.1", False),
        ("https://[::1]", False),
        ("https://10.1.2.3", False),
        ("https://pds.local", False),
        ("https://intranet", False),
        ("https://x@pds.example", False),
        ("https://pds.example:8443", False),
        ("https://pds.example:x", False),
        ("http://127.0.0.1:8101", True),
        ("http://127.0.0.1:8102", False),
    ],
)
def test_only_public_servers_and_the_operators_own_are_asked(url: str, may: bool) -> None:
    app = App(client_id="", client_secret="", callback=CALLBACK_URL, endpoints={"pds": "http://127.0.0.1:8101"})
    assert identity.is_reachable_server(url, app) is may


def test_loopback_clients_describe_themselves() -> None:
    app = App(client_id="", client_secret="", callback="http://127.0.0.1:8000/channels/callback")
    query = parse_qs(urlsplit(oauth.client_id(app)).query)
    assert query == {"redirect_uri": [app.callback], "scope": ["atproto transition:generic"]}
    assert oauth.client_id(replace(app, client_id="https://kicau.example/c.json")) == "https://kicau.example/c.json"


def test_an_account_elsewhere_is_kept_with_its_server() -> None:
    app = App(client_id="", client_secret="", callback=CALLBACK_URL, endpoints=connector.endpoints)
    document = {
        "id": KOPI,
        "alsoKnownAs": ["at://Kopi.example"],
        "service": [{"id": "#atproto_pds", "serviceEndpoint": "https://pds.example/"}],
    }
    found = identity.identity_from_document(document, app)
    assert (found.handle, found.pds) == ("kopi.example", "https://pds.example")
    assert identity.relative_server(found.pds, app) == "https://pds.example"
    assert identity.relative_server("https://bsky.social", app) == ""
    for broken in (
        {},
        {**document, "service": []},
        {**document, "service": [{"id": "#atproto_pds", "serviceEndpoint": "http://10.0.0.1"}]},
    ):
        with pytest.raises(Rejected):
            identity.identity_from_document(broken, app)
