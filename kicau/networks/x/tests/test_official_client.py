"""The libraries that others use, unchanged, against the sandbox: xdk in the new vocabulary, tweepy in the old."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
import tweepy
import xdk
from xdk.media.models import AppendUploadRequest, CreateMetadataRequest, InitializeUploadRequest, UploadRequest
from xdk.oauth2_auth import OAuth2PKCEAuth
from xdk.posts.models import CreateRequest

from kicau.connector.contract import CALLBACK_URL, ContractSession, consent_at_sandbox
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.cast import files
from kicau.networks.x.tests.conftest import KOPI

SCOPES = ["tweet.read", "tweet.write", "users.read", "media.write", "offline.access"]
LINK = "Menu: https://kopisenja.com/menu"


class Here(requests.adapters.HTTPAdapter):
    """Sends what a client means for X's own hosts to the sandbox."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, *rest: Any, **how: Any) -> requests.Response:
        asked = urlsplit(request.url)  # type: ignore[arg-type]
        request.url = self._base + asked._replace(scheme="", netloc="").geturl()  # type: ignore[attr-defined]
        return super().send(request, *rest, **how)


def here(session: requests.Session, base: str) -> None:
    for host in ("https://api.twitter.com", "https://upload.twitter.com"):
        session.mount(host, Here(base))


async def test_xdk_signs_in_and_refreshes(
    sandbox: Server, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    app, base = sandbox.default_app, sandbox.base_url
    auth = OAuth2PKCEAuth(
        base_url=base,
        authorization_base_url=f"{base}/i",
        client_id=app.client_id,
        client_secret=app.client_secret,
        redirect_uri=CALLBACK_URL,
        scope=SCOPES,
    )
    returned = await consent_at_sandbox(client, auth.get_authorization_url(), KOPI)
    first = await asyncio.to_thread(auth.exchange_code, returned["code"])
    second = await asyncio.to_thread(auth.refresh_token)
    assert second["refresh_token"] != first["refresh_token"]
    x = xdk.Client(base_url=base, access_token=second["access_token"])
    me = await asyncio.to_thread(lambda: x.users.get_me(user_fields=["public_metrics"]))
    assert (me.data.username, me.data.public_metrics.post_count) == ("kopisenja", 0)
    with pytest.raises(ValueError, match="invalid"):
        await asyncio.to_thread(auth.exchange_code, returned["code"])


async def test_xdk_publishes_with_media_reads_back_and_deletes(sandbox: Server, kopi: ContractSession) -> None:
    def use() -> None:
        x = xdk.Client(base_url=sandbox.base_url, access_token=kopi.credentials.access_token)
        content = files()["red"].path.read_bytes()
        whole = x.media.upload(UploadRequest(media=base64.b64encode(content).decode(), media_category="tweet_image"))
        begun = x.media.initialize_upload(
            InitializeUploadRequest(media_type="image/png", media_category="tweet_image", total_bytes=len(content))
        )
        x.media.append_upload(
            begun.data.id, AppendUploadRequest(media=base64.b64encode(content).decode(), segment_index=0)
        )
        x.media.finalize_upload(begun.data.id)
        x.media.create_metadata(
            CreateMetadataRequest.model_validate({"id": whole.data.id, "metadata": {"alt_text": {"text": "Cangkir"}}})
        )
        made = x.posts.create(
            CreateRequest.model_validate({"text": LINK, "media": {"media_ids": [whole.data.id, begun.data.id]}})
        )
        post_id = made.data.id
        read = x.posts.get_by_id(
            post_id,
            post_fields=["public_metrics", "created_at", "entities"],
            expansions=["attachments.media_keys", "author_id"],
            media_fields=["alt_text", "url"],
        )
        assert read.data.public_metrics.repost_count == 0
        assert read.data.edit_history_post_ids == [post_id]
        assert read.includes.users[0].username == "kopisenja"
        assert [one.alt_text for one in read.includes.media] == ["Cangkir", None]
        assert [post.text for post in sandbox.public_posts()] == [LINK]
        page = next(iter(x.users.get_posts(KOPI, max_results=5, post_fields=["created_at"])))
        assert [row["id"] if isinstance(row, dict) else row.id for row in page.data] == [post_id]
        assert x.posts.delete(post_id).data.deleted is True
        assert list(sandbox.public_posts()) == []

    await asyncio.to_thread(use)


async def test_xdk_waits_for_a_video(sandbox: Server, kopi: ContractSession) -> None:
    def use() -> None:
        x = xdk.Client(base_url=sandbox.base_url, access_token=kopi.credentials.access_token)
        content = files()["pour"].path.read_bytes()
        begun = x.media.initialize_upload(
            InitializeUploadRequest(media_type="video/mp4", media_category="tweet_video", total_bytes=len(content))
        )
        for n in range(0, len(content), 4 << 20):
            piece = base64.b64encode(content[n : n + (4 << 20)]).decode()
            x.media.append_upload(begun.data.id, AppendUploadRequest(media=piece, segment_index=n >> 22))
        sandbox.processing_seconds = 600
        assert x.media.finalize_upload(begun.data.id).data.processing_info.state in ("pending", "in_progress")
        sandbox.clock_offset = 601
        assert x.media.get_upload_status(begun.data.id, command="STATUS").data.processing_info.state == "succeeded"
        x.posts.create(CreateRequest.model_validate({"text": "Film", "media": {"media_ids": [begun.data.id]}}))

    await asyncio.to_thread(use)
    assert [post.media[0]["kind"] for post in sandbox.public_posts()] == ["video"]


async def test_tweepy_signs_in_and_refreshes(sandbox: Server, client: aiohttp.ClientSession) -> None:
    app, base = sandbox.default_app, sandbox.base_url
    handler = tweepy.OAuth2UserHandler(
        client_id=app.client_id, client_secret=app.client_secret, redirect_uri=CALLBACK_URL, scope=SCOPES
    )
    here(handler, base)
    address = handler.get_authorization_url().replace("https://twitter.com", base)
    returned = await consent_at_sandbox(client, address, KOPI)
    back = f"https://127.0.0.1:9/callback?code={returned['code']}&state={returned['state']}"
    first = await asyncio.to_thread(handler.fetch_token, back)
    second = await asyncio.to_thread(handler.refresh_token, "https://api.twitter.com/2/oauth2/token", auth=handler.auth)
    assert second["refresh_token"] != first["refresh_token"]
    x = tweepy.Client(second["access_token"])
    here(x.session, base)
    await asyncio.to_thread(x.create_tweet, text="Satu", user_auth=False)
    me = await asyncio.to_thread(x.get_me, user_fields=["public_metrics"], user_auth=False)
    assert (me.data.username, me.data.public_metrics["tweet_count"]) == ("kopisenja", 1)


async def test_tweepy_publishes_with_media_reads_back_and_deletes(sandbox: Server, kopi: ContractSession) -> None:
    token = kopi.credentials.access_token

    def use() -> None:
        x, first_api = tweepy.Client(token), tweepy.API(tweepy.OAuth2BearerHandler(token))
        here(x.session, sandbox.base_url)
        here(first_api.session, sandbox.base_url)
        media = first_api.simple_upload(str(files()["green"].path))
        first_api.create_media_metadata(media.media_id_string, "Hijau")
        chunked = first_api.chunked_upload(
            str(files()["steam"].path), file_type="image/gif", media_category="tweet_gif", wait_for_async_finalize=False
        )
        assert chunked.processing_info["state"] in ("pending", "in_progress")
        made = x.create_tweet(text=LINK, media_ids=[media.media_id], user_auth=False)
        post_id = made.data["id"]
        answer = x.create_tweet(text="Lanjut", in_reply_to_tweet_id=post_id, user_auth=False)
        read = x.get_tweet(
            answer.data["id"],
            tweet_fields=["public_metrics", "created_at", "referenced_tweets", "conversation_id"],
            expansions=["referenced_tweets.id", "author_id"],
        )
        assert read.data.public_metrics["retweet_count"] == 0
        assert read.data.edit_history_tweet_ids == [int(answer.data["id"])]
        assert [one.id for one in read.data.referenced_tweets] == [int(post_id)]
        assert [one.id for one in read.includes["tweets"]] == [int(post_id)]
        assert read.data.conversation_id == int(post_id)
        listed = x.get_users_tweets(KOPI, exclude=["replies"], max_results=5, tweet_fields=["created_at"])
        assert [one.id for one in listed.data] == [int(post_id)]
        assert [post.media[0]["alt"] for post in sandbox.public_posts() if post.media] == ["Hijau"]
        for one in (answer, made):
            assert x.delete_tweet(one.data["id"], user_auth=False).data["deleted"] is True

    await asyncio.to_thread(use)
    assert list(sandbox.public_posts()) == []


async def test_tweepy_reads_the_refusals(sandbox: Server, kopi: ContractSession) -> None:
    x = tweepy.Client(kopi.credentials.access_token)
    here(x.session, sandbox.base_url)
    await asyncio.to_thread(x.create_tweet, text="Sekali", user_auth=False)
    with pytest.raises(tweepy.Forbidden, match="duplicate content"):
        await asyncio.to_thread(x.create_tweet, text="Sekali", user_auth=False)
    sandbox.faults.append(OrderedFault(effect="rate-limit", seconds=60))
    with pytest.raises(tweepy.TooManyRequests) as told:
        await asyncio.to_thread(x.create_tweet, text="Lagi", user_auth=False)
    assert told.value.api_codes == [88]


async def test_tweepy_counts_replies_and_quotes_until_they_are_deleted(sandbox: Server, kopi: ContractSession) -> None:
    sandbox.tier = "enterprise"  # elsewhere nothing is quoted

    def use() -> None:
        x = tweepy.Client(kopi.credentials.access_token)
        here(x.session, sandbox.base_url)
        post = x.create_tweet(text="Satu", user_auth=False).data["id"]
        reply = x.create_tweet(text="Dua", in_reply_to_tweet_id=post, user_auth=False).data["id"]
        x.create_tweet(text="Tiga", quote_tweet_id=post, user_auth=False)
        wanted = ["public_metrics"]
        counted = x.get_tweet(post, tweet_fields=wanted).data.public_metrics
        assert (counted["reply_count"], counted["quote_count"]) == (1, 1)
        x.delete_tweet(reply, user_auth=False)
        counted = x.get_tweet(post, tweet_fields=wanted).data.public_metrics
        assert (counted["reply_count"], counted["quote_count"]) == (0, 1)
        assert x.get_me(user_fields=wanted, user_auth=False).data.public_metrics["tweet_count"] == 2

    await asyncio.to_thread(use)
