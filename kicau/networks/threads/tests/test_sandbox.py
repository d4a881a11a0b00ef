"""The sandbox keeps the network's own rules, and the connector keeps to them: states, quotas, tokens, look-ups."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kicau.connector import errors
from kicau.connector.content import Draft, Link, Part, PendingStep, Poll, PublishedPost
from kicau.connector.contract import open_test_session, run_to_end, sign_in_at_sandbox
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import delivery, world
from kicau.networks.threads import wire
from kicau.networks.threads.connector import connector
from kicau.networks.threads.sandbox.server import Server
from kicau.networks.threads.tests.spec import described, validate

ONE, CLIP = made.picture("one.jpg"), made.video("upright.mp4")
FILES = {file.name: file for file in (ONE, CLIP)}
TEXT = Draft(parts=(Part(text="Selamat pagi"),))
PICTURE = Draft(parts=(Part(text="Kopi", media=(made.image_media(ONE, alt="Secangkir kopi"),)),))
VIDEO = Draft(parts=(Part(media=(made.video_media(CLIP),)),))


def threads(sandbox=None, **how):
    return world(connector, sandbox or Server(validators=[validate]), FILES, **how)


async def until(session, one, key):
    """Step on until the progress has `key`."""
    while not one.progress.get(key):
        result = await connector.publish(session, replace(one, begun_at=session.now()))
        assert isinstance(result, PendingStep)
        one = replace(one, progress=result.progress)
    return replace(one, begun_at=session.now())


async def test_signing_in_refreshing_and_a_used_code():
    sandbox = Server(validators=[validate])
    async with threads(sandbox) as session:
        (other,) = await sign_in_at_sandbox(
            connector, open_test_session(connector, sandbox, session.http.client), account="35550000000000102"
        )
        assert (other.handle, other.name, other.kind) == ("kabarpagi", "Kabar Pagi", "person")
        assert other.credentials.expires_at - session.now() > timedelta(days=59)
        with pytest.raises(errors.Rejected) as told:
            await connector.auth.finish(session, {}, {"code": "old"})
        assert "already used" in told.value.problems[0].sentence
        young = await connector.auth.refresh(session)
        assert young == session.credentials
        sandbox.clock_offset = 90_000
        session.credentials = replace(young, extra={"issued": (session.now() - timedelta(days=2)).isoformat()})
        session.credentials = await connector.auth.refresh(session)
        assert session.credentials.access_token != young.access_token
        await run_to_end(connector, session, delivery(connector, TEXT))


async def test_a_permission_that_was_not_given_is_told_by_name():
    async with threads() as session:
        sandbox_token = session.credentials.access_token
        assert "threads_delete" in session.credentials.scopes
        session.credentials = replace(session.credentials, scopes=frozenset({"threads_basic"}))
        assert "delete" not in (await connector.capabilities(session)).abilities
        assert sandbox_token


async def test_the_quotas_are_read_and_a_full_one_waits_with_the_same_container():
    sandbox = Server(validators=[validate])
    sandbox.per_day = {"posts": 1, "replies": 1, "deletes": 100}
    async with threads(sandbox) as session:
        assert (await connector.capabilities(session)).quota == {
            "posts-24h": 1,
            "posts-24h-used": 0,
            "replies-24h": 1,
            "replies-24h-used": 0,
        }
        done = await run_to_end(connector, session, delivery(connector, TEXT))
        can = await connector.capabilities(session)
        assert (
            timedelta(hours=23)
            < timedelta(seconds=can.quota["posts-24h-resets"] - session.now().timestamp())
            <= timedelta(hours=24)
        )
        answer = replace(TEXT, reply_to=done.ids[0])
        await run_to_end(connector, session, delivery(connector, answer))
        one = await until(session, delivery(connector, PICTURE), "finished")
        with pytest.raises(errors.RateLimited) as told:
            await connector.publish(session, one)
        assert not told.value.whole_app
        sandbox.per_day["posts"] = 2
        await run_to_end(connector, session, one)
        assert len(list(sandbox.store.all("container"))) == 3


@pytest.mark.parametrize("draft", [TEXT, VIDEO], ids=["text", "no words"])
async def test_a_lost_answer_is_found_by_its_container_and_not_taken_for_an_older_post(draft):
    sandbox = Server(validators=[validate])
    async with threads(sandbox) as session:
        first = await run_to_end(connector, session, delivery(connector, draft))
        for post in sandbox.store.all("post"):
            sandbox.store.put("post", post["id"], {**post, "at": post["at"] - 60})
        one = await until(session, delivery(connector, draft), "finished")
        sandbox.faults.append(OrderedFault(effect="drop-after", path="threads_publish"))
        with pytest.raises(errors.Uncertain):
            await connector.publish(session, one)
        found = await connector.find(session, one)
        assert isinstance(found, PendingStep)
        assert found.progress["posts"] != list(first.ids)
        assert len(list(sandbox.public_posts())) == 2


async def test_a_third_part_that_fails_never_repeats_the_first():
    sandbox = Server(validators=[validate])
    async with threads(sandbox) as session:
        three = Draft(parts=(Part(text="satu"), Part(text="dua"), Part(text="tiga")))
        sandbox.faults.append(OrderedFault(effect="drop-after", path="threads_publish", skip=2))
        done = await run_to_end(connector, session, delivery(connector, three))
        posts = list(sandbox.public_posts())
        assert [post.text for post in posts] == ["satu", "dua", "tiga"]
        assert [post.in_reply_to for post in posts] == ["", posts[0].id, posts[1].id]
        assert done.ids == tuple(post.id for post in posts)
        assert done.url == posts[0].url


async def test_a_lapsed_container_is_made_again_and_a_spoilt_one_comes_back_in_a_sentence():
    sandbox = Server(validators=[validate])
    async with threads(sandbox) as session:
        one = await until(session, delivery(connector, PICTURE), "finished")
        sandbox.clock_offset = 90_000
        sandbox.store.put(
            "token",
            session.credentials.access_token,
            {**sandbox.store.get("token", session.credentials.access_token), "expires": None},
        )
        await run_to_end(connector, session, one)
        (post,) = sandbox.public_posts()
        assert post.media[0]["alt"] == "Secangkir kopi"
        wrong = delivery(connector, VIDEO)
        session.files = {**FILES, CLIP.name: made.picture("no-film.jpg")}
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, wrong)
        assert told.value.problems[0].code == "wrong-codec"
        assert "MP4" in told.value.problems[0].sentence


async def test_a_file_that_cannot_be_fetched_is_asked_for_again_and_then_told():
    async with threads() as session:
        session.files = {}
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, delivery(connector, VIDEO), patience=0)
        assert told.value.problems[0].code == "unfetchable"


async def test_everything_that_was_chosen_is_there_to_be_read():
    sandbox = Server(validators=[validate])
    async with threads(sandbox) as session:
        quoted = (await run_to_end(connector, session, delivery(connector, TEXT))).ids[0]
        two = (made.image_media(ONE, alt="Secangkir kopi"), made.video_media(CLIP))
        chosen = {"reply_control": "followers_only", "topic": "Kopi susu", "quote": quoted, "spoiler": "true"}
        first = await run_to_end(
            connector, session, delivery(connector, Draft(parts=(Part(text="Dua", media=two),), options=chosen))
        )
        fields = "topic_tag,quoted_post,is_quote_post,children,media_type"
        told = await wire.graph_client(session).get(first.ids[0], fields=fields)
        assert (told["topic_tag"], told["quoted_post"]["id"]) == ("Kopi susu", quoted)
        assert (told["media_type"], len(told["children"]["data"])) == ("CAROUSEL_ALBUM", 2)
        shown = next(post for post in sandbox.public_posts() if post.id == first.ids[0])
        assert (shown.extra["spoiler"], shown.extra["replies"]) == ("yes", "followers_only")
        assert [one["alt"] for one in shown.media] == ["Secangkir kopi", ""]
        answer = await run_to_end(
            connector,
            session,
            delivery(connector, replace(TEXT, reply_to=first.ids[0], link=Link(url="https://kopisenja.example/menu"))),
        )
        told = await wire.graph_client(session).get(answer.ids[0], fields="link_attachment_url")
        assert told["link_attachment_url"] == "https://kopisenja.example/menu"
        assert next(post for post in sandbox.public_posts() if post.id == answer.ids[0]).in_reply_to == first.ids[0]
        asked = await run_to_end(
            connector, session, delivery(connector, replace(TEXT, poll=Poll(options=("Panas", "Dingin"))))
        )
        told = await wire.graph_client(session).get(asked.ids[0], fields="poll_attachment")
        assert (told["poll_attachment"]["option_a"], told["poll_attachment"]["option_b"]) == ("Panas", "Dingin")


async def test_refusals_in_the_networks_words_become_ours():
    async with threads() as session:
        crowded = delivery(connector, TEXT)
        post = replace(
            crowded.post,
            parts=(replace(crowded.post.parts[0], text=" ".join(f"https://a.example/{n}" for n in range(6))),),
        )
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, replace(crowded, post=post))
        assert told.value.problems[0].code == "too-many-links"
        long = replace(crowded.post, parts=(replace(crowded.post.parts[0], text="☕" * 167),))
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, replace(crowded, post=long))
        assert "500 characters" in told.value.problems[0].sentence


async def test_meta_s_own_collection_is_answered_as_it_says():
    """Each request as it stands there, with the sandbox's own ids: the answer has the sample's keys."""
    sandbox = Server()
    async with threads(sandbox) as session:
        done = await run_to_end(connector, session, delivery(connector, TEXT))
        assert isinstance(done, PublishedPost)
        token, variables = session.credentials.access_token, described()["variables"]
        known = {
            **variables,
            "thread_id": done.ids[0],
            "quote_post_id": done.ids[0],
            "reply_thread_id": done.ids[0],
            "image_url": f"{session.media_base}/{ONE.name}",
            "video_url": f"{session.media_base}/{CLIP.name}",
            "app_id": session.app.client_id,
            "app_secret": session.app.client_secret,
            "reply_control": "followers_only",
        }
        tried = 0
        for one in sorted(described()["requests"], key=lambda row: row["method"] == "DELETE"):
            values = {name: filled(value, known) for name, value in one["params"].items() if name not in one["off"]}
            path = filled(one["path"], known)
            if "{{" in path + str(values) or not served(one):
                continue
            url, ask = sandbox.base_url + path, {**values, "access_token": token}
            async with session.http.client.request(one["method"], url, params=ask) as answer:
                body = await answer.json()
                assert answer.status == 200, (one["name"], body)
            assert set(one.get("answer", {})) - set(body) <= {
                "paging",
                "threads_profile_picture_url",
                "poll_attachment",
                "text",
            }, (one["name"], body)
            if path == "/me/threads" and one["method"] == "POST" and values.get("is_carousel_item") != "true":
                known["container_id"] = body["id"]
            tried += 1
        assert tried >= 19


def filled(value, known):
    for name, own in known.items():
        value = value.replace("{{" + name + "}}", own)
    return value.replace("Default", "")


def served(one):
    return not one["path"].endswith(
        (
            "repost",
            "manage_reply",
            "threads_insights",
            "location_search",
            "profile_lookup",
            "profile_posts",
            "keyword_search",
            "oembed",
            "debug_token",
            "threads_publish",
            "refresh_access_token",
        )
    )


@pytest.mark.parametrize("path", ["/v1.0/", "/v1.0/me"])
async def test_threads_has_no_batches_and_no_multi_id_requests(path):
    """Neither is documented for graph.threads.net."""
    async with threads(Server()) as session:
        url, token = session.app.endpoints["graph"] + path, session.credentials.access_token
        batch = {"batch": '[{"method":"GET","relative_url":"me"}]', "access_token": token}
        async with session.http.client.post(url, data=batch) as answer:
            assert answer.status == 400
        async with session.http.client.get(url, params={"ids": session.account_id, "access_token": token}) as answer:
            assert answer.status == 400
