"""Meta's own Python client, facebook-business 26, against the sandbox: publish, read back, delete, refresh."""

from __future__ import annotations

import asyncio

import pytest
from facebook_business.adobjects.advideo import AdVideo
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.photo import Photo
from facebook_business.adobjects.user import User
from facebook_business.exceptions import FacebookRequestError

from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import official, world
from kicau.networks.facebook.connector import connector
from kicau.networks.facebook.sandbox.server import Server

FILES = {"one.jpg": made.picture("one.jpg"), "wide.mp4": made.video("wide.mp4", 320, 180, 2.0)}


async def using(work, *, person: bool = False):
    """Run `work(page id, file host, sandbox)` in a thread, as a client of the sandbox would."""
    sandbox = Server()
    async with world(connector, sandbox, FILES) as session:
        secret = sandbox.default_app.client_secret
        token = session.credentials.refresh_token if person else session.credentials.access_token

        def in_thread():
            with official(sandbox.base_url, token, app=sandbox.default_app.client_id, secret=secret) as api:
                return work(session.account_id, session.media_base, api)

        await asyncio.to_thread(in_thread)
    return sandbox


async def test_publishes_with_pictures_reads_back_comments_and_deletes():
    def work(page_id, host, api):
        page = Page(page_id, api=api)
        photos = [
            page.create_photo(params={"url": f"{host}/one.jpg", "published": False, "alt_text_custom": "Kopi"})["id"]
            for _ in range(2)
        ]
        attached = [{"media_fbid": photo} for photo in photos]
        post_id = page.create_feed(params={"message": "Dua foto", "attached_media": attached})["id"]
        post = PagePost(post_id, api=api).api_get(fields=["message", "permalink_url", "created_time", "from"])
        assert post["message"] == "Dua foto"
        assert post["from"]["id"] == page_id
        assert Photo(photos[0], api=api).api_get(fields=["alt_text_custom"])["alt_text_custom"] == "Kopi"
        assert [one["id"] for one in page.get_feed(fields=["message"])] == [post_id]
        comment = PagePost(post_id, api=api).create_comment(params={"message": "Halo"})
        assert [one["message"] for one in PagePost(post_id, api=api).get_comments(fields=["message"])] == ["Halo"]
        assert comment["id"]
        assert api._session.requests.get(post["permalink_url"], timeout=60).text.count("Dua foto") == 1
        PagePost(post_id, api=api).api_delete()
        with pytest.raises(FacebookRequestError) as told:
            PagePost(post_id, api=api).api_get(fields=["message"])
        assert (told.value.api_error_code(), told.value.api_error_subcode()) == (100, 33)

    sandbox = await using(work)
    assert list(sandbox.public_posts()) == []


async def test_publishes_a_video_by_its_address_and_waits_for_it():
    def work(page_id, host, api):
        video = Page(page_id, api=api).create_video(params={"file_url": f"{host}/wide.mp4", "description": "Sehari"})
        for _ in range(50):
            found = AdVideo(video["id"], api=api).api_get(fields=["status", "permalink_url", "description", "length"])
            if found["status"]["video_status"] == "ready":
                break
        assert found["status"]["publishing_phase"]["status"] == "complete"
        assert found["description"] == "Sehari"
        assert found["length"] == pytest.approx(2.0, abs=0.1)

    sandbox = await using(work)
    assert [post.text for post in sandbox.public_posts()] == ["Sehari"]


async def test_pages_through_a_feed():
    def work(page_id, host, api):
        page = Page(page_id, api=api)
        made_ids = [page.create_feed(params={"message": f"Kabar {n}"})["id"] for n in range(5)]
        assert [one["id"] for one in page.get_feed(params={"limit": 2}, fields=["message"])] == made_ids[::-1]

    await using(work)


async def test_an_edge_counts_all_that_it_has_whatever_a_page_shows():
    def work(page_id, host, api):
        post = PagePost(Page(page_id, api=api).create_feed(params={"message": "Kabar"})["id"], api=api)
        for n in range(3):
            post.create_comment(params={"message": f"Halo {n}"})
        for limit, shown in ((0, 0), (2, 2), (25, 3)):
            told = api.call("GET", (post["id"], "comments"), params={"summary": True, "limit": limit}).json()
            assert (len(told["data"]), told["summary"]["total_count"]) == (shown, 3)
            assert ("next" in told.get("paging", {})) == (limit == 2)

    await using(work)


async def test_a_refusal_comes_in_the_form_that_the_client_reads():
    def work(page_id, host, api):
        page = Page(page_id, api=api)
        page.create_feed(params={"message": "Sama"})
        with pytest.raises(FacebookRequestError) as told:
            page.create_feed(params={"message": "Sama"})
        assert told.value.api_error_code() == 506
        with pytest.raises(FacebookRequestError) as told:
            page.create_feed(params={})
        assert told.value.api_error_code() == 100
        with pytest.raises(FacebookRequestError) as told:
            page.create_photo(params={"url": f"{host}/nothing.jpg", "published": False})
        assert told.value.api_error_code() == 9004

    await using(work)


async def test_refreshes_a_token_and_lists_pages():
    def work(page_id, host, api):
        secret, old = api._session.app_secret, api._session.access_token
        asked = {
            "grant_type": "fb_exchange_token",
            "client_id": api._session.app_id,
            "client_secret": secret,
            "fb_exchange_token": old,
        }
        answer = api.call("GET", ("oauth", "access_token"), params=asked).json()
        assert answer["token_type"] == "bearer"
        assert answer["expires_in"] == 60 * 86400
        assert answer["access_token"] != old
        pages = User("me", api=api).get_accounts(fields=["name", "access_token"])
        assert [one["name"] for one in pages] == ["Kopi Senja", "Kabar Pagi"]

    await using(work, person=True)
