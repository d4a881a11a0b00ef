"""Mastodon.py 2.3.3, unchanged, against the sandbox: the same calls as against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import mastodon
import pytest
from mastodon import Mastodon

from kicau.connector.contract import CALLBACK_URL, consent_at_sandbox
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.mastodon.sandbox import Server
from kicau.networks.mastodon.tests.cast import FILES, KOPI

SCOPES = ["read", "write"]


async def signed_in(box: Server, http: aiohttp.ClientSession) -> Mastodon:
    """Registers, signs in with PKCE, as a program with this library does."""

    def begin() -> tuple[Mastodon, str]:
        client_id, secret = Mastodon.create_app(
            "Other", scopes=SCOPES, redirect_uris=CALLBACK_URL, api_base_url=box.base_url
        )
        client = Mastodon(client_id, secret, api_base_url=box.base_url, ratelimit_method="throw")
        url = client.auth_request_url(redirect_uris=CALLBACK_URL, scopes=SCOPES, state="a-state", allow_http=True)
        return client, url

    client, url = await asyncio.to_thread(begin)
    returned = await consent_at_sandbox(http, url, KOPI)
    assert returned["state"] == "a-state"
    token = await asyncio.to_thread(
        client.log_in, code=returned["code"], redirect_uri=CALLBACK_URL, scopes=SCOPES, allow_http=True
    )
    assert token
    return client


async def test_it_signs_in_and_knows_the_server(box: Server, http: aiohttp.ClientSession) -> None:
    client = await signed_in(box, http)

    def use() -> None:
        me = client.account_verify_credentials()
        assert (str(me.id), me.username, me.source.privacy) == (KOPI, "kopisenja", "public")
        assert client.app_verify_credentials().name == "Other"
        told = client.instance_v2()
        assert (told.configuration.statuses.max_characters, told.api_versions.mastodon) == (500, 7)
        assert client.instance_v1().version == "4.5.0"
        token = client.access_token
        client.revoke_access_token(allow_http=True)
        with pytest.raises(mastodon.MastodonUnauthorizedError):
            Mastodon(access_token=token, api_base_url=box.base_url).account_verify_credentials()

    await asyncio.to_thread(use)


async def test_it_publishes_with_media_reads_back_and_deletes(box: Server, http: aiohttp.ClientSession) -> None:
    client = await signed_in(box, http)

    def use() -> None:
        cup = client.media_post(
            FILES["cup"].path.read_bytes(), mime_type="image/jpeg", description="Secangkir", focus=(0.2, -0.5)
        )
        assert (cup.type, cup.meta.focus.x, cup.meta.focus.y) == ("image", 0.2, -0.5)
        client.media_update(cup, description="Secangkir kopi")
        made = client.status_post(
            "Halo @kabarpagi #kopi https://kopi.id",
            media_ids=[cup],
            visibility="unlisted",
            spoiler_text="awas",
            sensitive=True,
            language="id",
            idempotency_key="k1",
        )
        again = client.status_post("Halo lagi", idempotency_key="k1")
        assert again.id == made.id
        read = client.status(made.id)
        assert (read.visibility, read.spoiler_text, read.language, read.sensitive) == ("unlisted", "awas", "id", True)
        assert [one.description for one in read.media_attachments] == ["Secangkir kopi"]
        assert [one.name for one in read.tags] == ["kopi"]
        assert [one.acct for one in read.mentions] == ["kabarpagi"]
        assert client.status_source(made.id).text.startswith("Halo @kabarpagi")
        answer = client.status_reply(made, "Lanjut", untag=True)
        assert answer.in_reply_to_id == made.id
        quote = client.status_post("Lihat", quoted_status_id=made.id, quote_approval_policy="nobody")
        assert quote.quote.quoted_status.id == made.id
        assert [one.id for one in client.status_context(made.id).descendants] == [answer.id]
        assert [one.id for one in client.account_statuses(KOPI, limit=2)] == [quote.id, answer.id]
        assert [one.id for one in client.search_v2(made.url, resolve=True, result_type="statuses").statuses] == [
            made.id
        ]
        for one in (quote, answer, made):
            client.status_delete(one.id)
        with pytest.raises(mastodon.MastodonNotFoundError):
            client.status(made.id)

    await asyncio.to_thread(use)
    assert list(box.public_posts()) == []


async def test_it_asks_and_waits_for_a_video(box: Server, http: aiohttp.ClientSession) -> None:
    client = await signed_in(box, http)
    box.processing_seconds = 600  # as long as the sandbox's time stands, however long a busy machine takes

    def use() -> None:
        film = client.media_post(FILES["pour"].path.read_bytes(), mime_type="video/mp4")
        assert film.url is None
        box.clock_offset = 600
        assert client.media(film).url
        client.status_post("Film", media_ids=[film])
        poll = client.make_poll(["Gayo", "Toraja"], expires_in=3600, multiple=True)
        asked = client.status_post("Yang mana?", poll=poll)
        assert [one.title for one in client.poll(asked.poll.id).options] == ["Gayo", "Toraja"]

    await asyncio.to_thread(use)
    assert [post.media[0]["kind"] for post in box.public_posts() if post.media] == ["video"]


async def test_it_reads_the_refusals(box: Server, http: aiohttp.ClientSession) -> None:
    client = await signed_in(box, http)
    with pytest.raises(mastodon.MastodonAPIError, match="character limit of 500 exceeded"):
        await asyncio.to_thread(client.status_post, "a" * 501)
    with pytest.raises(mastodon.MastodonNotFoundError):
        await asyncio.to_thread(client.status_delete, 5)
    box.faults.append(OrderedFault(effect="rate-limit", seconds=60))
    with pytest.raises(mastodon.MastodonRatelimitError):
        await asyncio.to_thread(client.status_post, "x")
    wrong: Any = Mastodon(access_token="nope", api_base_url=box.base_url)
    with pytest.raises(mastodon.MastodonUnauthorizedError):
        await asyncio.to_thread(wrong.status_post, "x")
