"""Meta's own Python client, facebook-business 26, against the sandbox: publish, read back, delete, refresh."""

from __future__ import annotations

import asyncio

import pytest
from facebook_business.adobjects.igmedia import IGMedia
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.iguserforigonlyapi import IGUserForIGOnlyAPI
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder
from facebook_business.exceptions import FacebookRequestError

from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import official, world
from kicau.networks.instagram.connector import connector
from kicau.networks.instagram.sandbox.server import Server

FILES = {
    "one.jpg": made.picture("one.jpg"),
    "three.png": made.picture("three.png", mime="image/png"),
    "upright.mp4": made.video("upright.mp4"),
}


async def using(work, login: str = "facebook"):
    """Run `work(account id, file host, api)` in a thread, as a client of the sandbox would."""
    sandbox = Server()
    async with world(connector, sandbox, FILES, {"login": login}) as session:
        base = session.app.endpoints["facebook" if login == "facebook" else "graph"]
        secret = sandbox.default_app.client_secret if login == "facebook" else ""

        def in_thread():
            with official(
                base, session.credentials.access_token, app=sandbox.default_app.client_id, secret=secret
            ) as api:
                return work(session.account_id, session.media_base, api)

        await asyncio.to_thread(in_thread)
    return sandbox


def ready(container, api):
    for _ in range(200):
        found = ShadowIGMediaBuilder(container, api=api).api_get(fields=["status_code", "status"])
        if found["status_code"] != "IN_PROGRESS":
            return found
    raise AssertionError(found)


async def test_publishes_a_picture_reads_back_comments_and_deletes():
    def work(account, host, api):
        user = IGUser(account, api=api)
        container = user.create_media(
            params={"image_url": f"{host}/one.jpg", "caption": "Kopi", "alt_text": "Cangkir"}
        )["id"]
        assert ready(container, api)["status_code"] == "FINISHED"
        media = user.create_media_publish(params={"creation_id": int(container)})["id"]
        assert ready(container, api)["status_code"] == "PUBLISHED"
        fields = [
            "caption",
            "alt_text",
            "media_type",
            "media_product_type",
            "permalink",
            "username",
            "timestamp",
            "shortcode",
        ]
        found = IGMedia(media, api=api).api_get(fields=fields)
        assert (found["caption"], found["alt_text"], found["media_type"], found["username"]) == (
            "Kopi",
            "Cangkir",
            "IMAGE",
            "kopisenja",
        )
        assert api._session.requests.get(found["permalink"], timeout=60).text.count("Kopi</p>") == 1
        assert [one["id"] for one in user.get_media(fields=["caption"])] == [media]
        IGMedia(media, api=api).create_comment(params={"message": "Halo"})
        assert [one["text"] for one in IGMedia(media, api=api).get_comments(fields=["text"])] == ["Halo"]
        limit = api.call("GET", (account, "content_publishing_limit"), params={"fields": "config,quota_usage"}).json()
        assert limit == {"data": [{"config": {"quota_total": 50, "quota_duration": 86400}, "quota_usage": 1}]}
        IGMedia(media, api=api).api_delete()
        assert list(user.get_media()) == []

    sandbox = await using(work)
    assert list(sandbox.public_posts()) == []


async def test_publishes_a_carousel_of_both_kinds():
    def work(account, host, api):
        user = IGUser(account, api=api)
        children = [
            user.create_media(params={"image_url": f"{host}/one.jpg", "is_carousel_item": True})["id"],
            user.create_media(
                params={"video_url": f"{host}/upright.mp4", "media_type": "VIDEO", "is_carousel_item": True}
            )["id"],
        ]
        assert [ready(child, api)["status_code"] for child in children] == ["FINISHED", "FINISHED"]
        container = user.create_media(params={"media_type": "CAROUSEL", "children": children, "caption": "Dua"})["id"]
        ready(container, api)
        media = user.create_media_publish(params={"creation_id": int(container)})["id"]
        found = IGMedia(media, api=api).api_get(fields=["media_type"])
        assert found["media_type"] == "CAROUSEL_ALBUM"
        assert len(IGMedia(media, api=api).get_children()) == 2

    sandbox = await using(work)
    assert [[one["kind"] for one in post.media] for post in sandbox.public_posts()] == [["image", "video"]]


async def test_refusals_come_in_the_form_that_the_client_reads():
    def work(account, host, api):
        user = IGUser(account, api=api)

        def codes(**params):
            with pytest.raises(FacebookRequestError) as told:
                user.create_media(params=params)
            return told.value.api_error_code(), told.value.api_error_subcode()

        assert codes(image_url=f"{host}/three.png") == (36001, 2207005)
        assert codes(image_url=f"{host}/nothing.jpg") == (9004, 2207052)
        assert codes(image_url=f"{host}/one.jpg", caption="a" * 2201) == (36004, 2207010)
        assert codes(media_type="CAROUSEL", children=["1"]) == (100, 2207028)
        reel = user.create_media(params={"media_type": "REELS", "video_url": f"{host}/upright.mp4"})["id"]
        with pytest.raises(FacebookRequestError) as told:
            user.create_media_publish(params={"creation_id": int(reel)})
        assert (told.value.api_error_code(), told.value.api_error_subcode()) == (9007, 2207027)

    await using(work)


async def test_the_instagram_sign_in_reads_itself_and_refreshes_when_a_day_old():
    sandbox = Server()
    async with world(connector, sandbox, FILES) as session:

        def work():
            with official(sandbox.base_url, session.credentials.access_token) as api:
                me = IGUserForIGOnlyAPI("me", api=api).api_get(fields=["user_id", "username", "account_type"])
                assert (me["user_id"], me["username"]) == (session.account_id, "kopisenja")
                made_id = IGUserForIGOnlyAPI(session.account_id, api=api).create_media(
                    params={"image_url": f"{session.media_base}/one.jpg"}
                )["id"]
                assert made_id
                ask = {"grant_type": "ig_refresh_token"}
                with pytest.raises(FacebookRequestError, match="24 hours"):
                    api.call("GET", ("refresh_access_token",), params=ask)
                sandbox.clock_offset = 90_000
                answer = api.call("GET", ("refresh_access_token",), params=ask).json()
                assert (answer["token_type"], answer["expires_in"]) == ("bearer", 5_184_000)

        await asyncio.to_thread(work)
