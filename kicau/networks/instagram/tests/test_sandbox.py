"""The sandbox keeps the network's own rules, and the connector keeps to them: states, quota, fetching, tokens."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest

from kicau.connector import errors
from kicau.connector.content import Draft, Part, PendingStep, PublishedPost
from kicau.connector.contract import ContractSession, open_test_session, run_to_end, sign_in_at_sandbox
from kicau.connector.sandbox.server import OrderedFault, start_sandbox
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta.errors import MediaNotReady
from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import delivery, world
from kicau.networks.instagram import wire
from kicau.networks.instagram.auth import _response_row
from kicau.networks.instagram.connector import connector
from kicau.networks.instagram.sandbox.server import Server
from kicau.networks.instagram.tests.spec import validate
from kicau.networks.instagram.wire import CONTAINER_FLOW, read_error

ONE, TWO, UPRIGHT = made.picture("one.jpg"), made.picture("two.jpg"), made.video("upright.mp4")
FILES = {file.name: file for file in (ONE, TWO, UPRIGHT)}
PICTURE = Draft(parts=(Part(text="Selamat pagi", media=(made.image_media(ONE, alt="Kopi"),)),))
REEL = Draft(parts=(Part(text="Reel", media=(made.video_media(UPRIGHT),)),))


def instagram(sandbox=None, **how):
    return world(connector, sandbox or Server(validators=[validate]), FILES, **how)


async def until(session: ContractSession, one, key: str):
    """Step on until the progress has `key`."""
    while not one.progress.get(key):
        result = await connector.publish(session, replace(one, begun_at=session.now()))
        assert isinstance(result, PendingStep)
        one = replace(one, progress=result.progress)
    return replace(one, begun_at=session.now())


async def test_a_reel_kept_out_of_the_feed_and_a_story_are_read_back_as_such():
    async with instagram() as session:
        reel = await run_to_end(
            connector, session, delivery(connector, replace(REEL, options={"share_to_feed": "false"}))
        )
        fields = "media_product_type,is_shared_to_feed"
        assert await wire.graph_client(session).get(reel.ids[0], fields=fields) == {
            "id": reel.ids[0],
            "media_product_type": "REELS",
            "is_shared_to_feed": False,
        }
        story = await run_to_end(connector, session, delivery(connector, replace(PICTURE, options={"format": "story"})))
        assert (await wire.graph_client(session).get(story.ids[0], fields=fields))["media_product_type"] == "STORY"


async def test_professional_accounts_are_found_by_their_whole_name_with_the_facebook_sign_in():
    async with instagram(answers={"login": "facebook"}) as session:
        (found,) = await connector.people(session, "kabarpagi")
        assert (found.mention, found.name) == ("@kabarpagi", "Kabar Pagi")
        assert await connector.people(session, "nobodythere") == ()
        assert await connector.people(session, "not a name") == ()
        granted = session.credentials.scopes
        session.credentials = replace(session.credentials, scopes=granted - {"instagram_manage_insights"})
        with pytest.raises(errors.Rejected, match="instagram_manage_insights"):
            await connector.people(session, "kabarpagi")
    async with instagram() as session:
        with pytest.raises(errors.Rejected, match="only if you connected the channel with Facebook"):
            await connector.people(session, "kabarpagi")


async def test_both_sign_ins_name_the_same_accounts():
    sandbox = Server()
    async with instagram(sandbox) as session:
        (own,) = await sign_in_at_sandbox(connector, open_test_session(connector, sandbox, session.http.client))
        by_facebook = await sign_in_at_sandbox(
            connector, open_test_session(connector, sandbox, session.http.client), {"login": "facebook"}
        )
        assert (own.id, own.handle, own.name, own.kind) == (
            by_facebook[0].id,
            "kopisenja",
            "Kopi Senja",
            "professional",
        )
        assert [account.handle for account in by_facebook] == ["kopisenja", "kabarpagi"]
        assert own.credentials.expires_at - session.now() > timedelta(days=59)


async def test_another_account_can_be_chosen_at_the_consent_page():
    sandbox = Server()
    async with instagram(sandbox) as session:
        lent = open_test_session(connector, sandbox, session.http.client)
        (account,) = await sign_in_at_sandbox(connector, lent, account="17841400000000102")
        assert account.handle == "kabarpagi"


def test_the_token_answer_is_read_in_both_forms():
    assert (
        _response_row({"data": [{"access_token": "a"}]})
        == _response_row({"access_token": "a"})
        == {"access_token": "a"}
    )


async def test_a_used_code_is_told_in_a_sentence():
    sandbox = Server()
    async with instagram(sandbox) as session:
        with pytest.raises(errors.Rejected) as told:
            await connector.auth.finish(session, {"login": "instagram"}, {"code": "old", "state": "s"})
        assert "already used" in told.value.problems[0].sentence


async def test_a_token_is_refreshed_once_it_is_a_day_old():
    sandbox = Server()
    async with instagram(sandbox) as session:
        young = await connector.auth.refresh(session)
        assert young == session.credentials
        sandbox.clock_offset = 90_000
        old = {**session.credentials.extra, "issued": (session.now() - timedelta(days=2)).isoformat()}
        session.credentials = replace(session.credentials, extra=old)
        fresh = await connector.auth.refresh(session)
        assert fresh.access_token != young.access_token
        assert fresh.extra["login"] == "instagram"
        session.credentials = fresh
        await run_to_end(connector, session, delivery(connector, PICTURE))


async def test_a_token_of_one_sign_in_is_no_token_of_the_other():
    async with instagram(answers={"login": "facebook"}) as session:
        session.credentials = replace(session.credentials, extra={"login": "instagram"})
        with pytest.raises(errors.AuthExpired):
            await connector.capabilities(session)


async def test_the_quota_is_read_from_the_network():
    sandbox = Server()
    sandbox.posts_per_day = 1
    async with instagram(sandbox) as session:
        assert (await connector.capabilities(session)).quota == {"posts-24h": 1, "posts-24h-used": 0}
        await run_to_end(connector, session, delivery(connector, PICTURE))
        can = await connector.capabilities(session)
        assert (can.quota["posts-24h"], can.quota["posts-24h-used"]) == (1, 1)
        assert (
            timedelta(hours=23)
            < timedelta(seconds=can.quota["posts-24h-resets"] - session.now().timestamp())
            <= timedelta(hours=24)
        )
        assert [notice.code for notice in connector.render(PICTURE, can).notices] == ["quota-full"]


async def test_a_full_quota_waits_and_goes_on_with_the_same_container():
    sandbox = Server()
    sandbox.posts_per_day = 0
    async with instagram(sandbox) as session:
        one = await until(session, delivery(connector, PICTURE), "finished")
        with pytest.raises(errors.RateLimited) as told:
            await connector.publish(session, one)
        assert not told.value.whole_app
        assert told.value.until > session.now()
        sandbox.posts_per_day = 50
        await run_to_end(connector, session, one)
        assert len(list(sandbox.store.all("container"))) == 1


async def test_deleted_posts_still_count_in_the_quota():
    sandbox = Server()
    async with instagram(sandbox, answers={"login": "facebook"}) as session:
        done = await run_to_end(connector, session, delivery(connector, PICTURE))
        await connector.delete(session, done.ids[0])
        assert (await connector.capabilities(session)).quota["posts-24h-used"] == 1


async def test_four_hundred_containers_a_day():
    sandbox = Server()
    async with instagram(sandbox) as session:
        sandbox.created[session.account_id] = deque([session.now().timestamp() - 60] * 400)
        with pytest.raises(errors.RateLimited):
            await connector.publish(session, delivery(connector, PICTURE, begun_at=session.now()))


async def test_a_container_lapses_after_a_day_and_is_made_anew():
    sandbox = Server()
    async with instagram(sandbox) as session:
        one = await until(session, delivery(connector, PICTURE), "finished")
        sandbox.clock_offset = 86_500
        await run_to_end(connector, session, one)
        assert len(list(sandbox.store.all("container"))) == 2
        assert len(list(sandbox.public_posts())) == 1


async def test_publishing_too_soon_is_told_and_waited_out():
    sandbox = Server(validators=[validate])
    async with instagram(sandbox) as session:
        sandbox.processing_seconds = 0.3
        one = await until(session, delivery(connector, REEL), "container")
        eager = replace(one, progress={**one.progress, "finished": True})
        result = await connector.publish(session, eager)
        assert isinstance(result, PendingStep)
        assert not result.progress["finished"]
        await run_to_end(connector, session, replace(eager, progress=result.progress))
        assert len(list(sandbox.public_posts())) == 1


async def test_a_published_container_is_never_published_again():
    sandbox = Server()
    async with instagram(sandbox) as session:
        one = await until(session, delivery(connector, PICTURE), "finished")
        first = await connector.publish(session, one)
        again = await run_to_end(connector, session, one)
        assert again.ids == (first.progress["media"],)
        assert len(list(sandbox.public_posts())) == 1


async def test_a_refusal_after_publishing_is_looked_into_before_it_is_believed():
    sandbox = Server()
    async with instagram(sandbox) as session:
        text = json.dumps({"error": {"message": "(#100) Something", "type": "OAuthException", "code": 100}})
        sandbox.faults.append(OrderedFault(effect="status-after", path="/media_publish$", status=400, text=text))
        done = await run_to_end(connector, session, delivery(connector, PICTURE))
        assert [post.id for post in sandbox.public_posts()] == list(done.ids)
        assert done.warnings == ()


async def test_find_takes_the_media_of_its_own_caption():
    sandbox = Server()
    async with instagram(sandbox) as session:
        other = replace(PICTURE, parts=(replace(PICTURE.parts[0], text="Lain"),))
        one = await until(session, delivery(connector, PICTURE), "finished")
        two = await until(session, delivery(connector, other), "finished")
        ours = await connector.publish(session, one)
        await connector.publish(session, two)
        found = await connector.find(session, one)
        assert isinstance(found, PublishedPost)
        assert found.ids == (ours.progress["media"],)


async def test_a_busy_account_is_looked_through_page_by_page():
    sandbox = Server()
    async with instagram(sandbox) as session:
        one = await until(session, delivery(connector, PICTURE), "finished")
        ours = await connector.publish(session, one)
        media = sandbox.store.get("media", ours.progress["media"])
        for n in range(120):
            other = {**media, "id": sandbox.new_id(), "caption": f"Lain {n}"}
            sandbox.store.put("media", other["id"], other)
            sandbox.account_media[session.account_id].append(other["id"])
        found = await connector.find(session, one)
        assert isinstance(found, PublishedPost)
        assert found.ids == (ours.progress["media"],)


async def test_nothing_goes_out_before_its_time():
    sandbox = Server()
    async with instagram(sandbox) as session:
        due = session.now() + timedelta(minutes=3)
        one = await until(session, delivery(connector, PICTURE, due_at=due), "finished")
        result = await connector.publish(session, one)
        assert isinstance(result, PendingStep)
        assert timedelta(minutes=2) < result.after <= timedelta(minutes=3)
        assert list(sandbox.public_posts()) == []
        assert one.post.lead > 0


async def test_the_file_is_really_fetched_and_looked_into():
    sandbox = Server()
    async with instagram(sandbox) as session:
        await run_to_end(connector, session, delivery(connector, PICTURE))
        post = next(iter(sandbox.public_posts()))
        assert post.media[0]["sha256"] == hashlib.sha256(ONE.path.read_bytes()).hexdigest()
        assert post.media[0]["alt"] == "Kopi"
        session.files = {"one.jpg": made.picture("wide.jpg", 900, 300)}
        with pytest.raises(errors.Rejected) as told:
            await connector.publish(session, delivery(connector, PICTURE, begun_at=session.now()))
        assert told.value.problems[0].code == "wrong-aspect"
        session.files = {"one.jpg": made.picture("false.jpg", mime="image/png")}
        with pytest.raises(errors.Rejected) as told:
            await connector.publish(session, delivery(connector, PICTURE, begun_at=session.now()))
        assert told.value.problems[0].code == "wrong-type"


async def test_a_file_that_cannot_be_fetched_is_asked_for_again_then_told():
    async with instagram() as session:
        session.media_base = "http://127.0.0.1:9"
        one = delivery(connector, PICTURE, begun_at=session.now())
        for tries in range(CONTAINER_FLOW.tries):
            result = await connector.publish(session, one)
            assert result.progress["lost"] == tries + 1
            assert result.after > timedelta(0)
            one = replace(one, progress=result.progress)
        with pytest.raises(errors.Rejected) as told:
            await connector.publish(session, one)
        assert told.value.problems[0].code == "unfetchable"
        assert "make the server reachable from the internet" in told.value.problems[0].sentence


async def test_a_spoilt_video_is_told_in_the_words_of_its_code():
    async with instagram() as session:
        session.files = {"upright.mp4": ONE}
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, delivery(connector, REEL))
        assert told.value.problems[0].code == "wrong-codec"


async def test_the_instagram_sign_in_deletes_nothing():
    async with instagram() as session:
        assert "delete" not in (await connector.capabilities(session)).abilities
        with pytest.raises(errors.Rejected) as told:
            await connector.delete(session, "1")
        assert "Facebook" in told.value.problems[0].sentence


async def test_a_refused_comment_leaves_the_post_published():
    sandbox = Server()
    async with instagram(sandbox) as session:
        text = json.dumps({"error": {"message": "(#100) Comments are off", "type": "OAuthException", "code": 100}})
        sandbox.faults.append(OrderedFault(effect="status", path="/comments$", status=400, text=text))
        done = await run_to_end(connector, session, delivery(connector, replace(PICTURE, first_comment="Halo")))
        assert [warning.code for warning in done.warnings] == ["comment-refused"]
        assert len(list(sandbox.public_posts())) == 1


@pytest.mark.parametrize("effect", ["drop", "drop-after", "status-after"])
async def test_a_comment_whose_answer_was_lost_is_not_written_twice(effect):
    sandbox = Server()
    async with instagram(sandbox) as session:
        sandbox.faults.append(OrderedFault(effect=effect, path="/comments$", method="POST", status=502))
        await run_to_end(connector, session, delivery(connector, replace(PICTURE, first_comment="Halo")))
        assert [post.extra["comments"] for post in sandbox.public_posts()] == [["Halo"]]


async def test_an_exhausted_plan_is_the_quota():
    sandbox = Server()
    async with instagram(sandbox) as session:
        sandbox.faults.append(OrderedFault(effect="exhaust-plan", path="/media_publish$"))
        one = await until(session, delivery(connector, PICTURE), "finished")
        with pytest.raises(errors.RateLimited):
            await connector.publish(session, one)


def test_not_ready_is_a_wait():
    body = json.dumps(
        {"error": {"message": "Media ID is not available", "code": 9007, "error_subcode": 2207027}}
    ).encode()
    assert isinstance(read_error(HttpResponse(400, {}, body)), MediaNotReady)


async def test_a_story_is_gone_after_a_day():
    sandbox = Server()
    async with instagram(sandbox) as session:
        story = Draft(parts=(Part(media=(made.image_media(TWO),)),), options={"format": "story"})
        done = await run_to_end(connector, session, delivery(connector, story))
        assert "/stories/kopisenja/" in done.url
        sandbox.clock_offset = 90_000
        assert list(sandbox.public_posts()) == []


async def test_state_survives_a_restart(tmp_path):
    first = Server(folder=tmp_path)
    async with instagram(first) as session:
        done = await run_to_end(connector, session, delivery(connector, replace(PICTURE, first_comment="Ya")))
        one = await until(session, delivery(connector, REEL), "container")
        account = session.account_id
    second = Server(folder=tmp_path)
    runner = await start_sandbox(second)
    try:
        assert [(post.id, post.text, post.extra["comments"]) for post in second.public_posts()] == [
            (done.ids[0], "Selamat pagi", ["Ya"])
        ]
        assert len(second.published[account]) == 1
        assert len(second.created[account]) == 2
        assert second.store.get("container", one.progress["container"])
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("login", ["instagram", "facebook"])
async def test_batches_are_served_where_meta_documents_them_and_nowhere_else(login):
    """On graph.facebook.com. Of graph.instagram.com no page says so."""
    async with instagram(Server(), answers={"login": login}) as session:
        graph = wire.graph_client(session)
        form = {"batch": json.dumps([{"method": "GET", "relative_url": "me?fields=id"}]), **graph.signed()}
        async with session.http.client.post(graph.url(""), data=form) as answer:
            body = await answer.json()
        if login == "facebook":
            assert [(one["code"], "id" in json.loads(one["body"])) for one in body] == [(200, True)]
        else:
            assert (answer.status, body["error"]["code"]) == (400, 2500)
