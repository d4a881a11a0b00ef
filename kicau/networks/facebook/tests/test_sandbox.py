"""The sandbox keeps the network's own rules: tokens, windows, versions, states, and a page for readers."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from kicau.connector import errors
from kicau.connector.content import Draft, Part, PendingStep
from kicau.connector.contract import open_test_session, run_to_end, sign_in_at_sandbox
from kicau.connector.sandbox.server import OrderedFault, start_sandbox
from kicau.networks._meta.graph import appsecret_proof, page_graph
from kicau.networks._meta.tests import made
from kicau.networks._meta.tests.world import delivery, world
from kicau.networks.facebook import wire
from kicau.networks.facebook.connector import connector
from kicau.networks.facebook.sandbox.server import Server
from kicau.networks.facebook.tests.spec import validate

ONE, UPRIGHT, WIDE = made.picture("one.jpg"), made.video("upright.mp4"), made.video("wide.mp4", 320, 180, 2.0)
FILES = {file.name: file for file in (ONE, UPRIGHT, WIDE)}
WORDS = Draft(parts=(Part(text="Selamat pagi"),))
VIDEO = Draft(parts=(Part(text="Sehari", media=(made.video_media(WIDE, 320, 180, 2.0),)),))
REEL = Draft(parts=(Part(text="Reel", media=(made.video_media(UPRIGHT),)),))


def facebook(sandbox=None, **how):
    return world(connector, sandbox or Server(validators=[validate]), FILES, **how)


async def test_one_sign_in_gives_each_page():
    sandbox = Server()
    async with facebook(sandbox) as session:
        pages = await sign_in_at_sandbox(connector, open_test_session(connector, sandbox, session.http.client))
        assert [(page.handle, page.name, page.kind) for page in pages] == [
            ("kopisenja", "Kopi Senja", "page"),
            ("kabarpagi", "Kabar Pagi", "page"),
        ]
        assert len({page.credentials.access_token for page in pages}) == 2
        assert "pages_manage_posts" in pages[0].credentials.scopes


async def test_a_scope_left_out_is_told():
    class Stingy(Server):
        def _given(self, grant, seconds):
            return super()._given({**grant, "scopes": ["pages_show_list", "pages_read_engagement"]}, seconds)

    with pytest.raises(errors.Rejected) as told:
        async with facebook(Stingy()):
            pass
    assert "pages_manage_posts" in told.value.problems[0].sentence


async def test_without_its_permission_there_is_no_first_comment():
    class Quiet(Server):
        def _given(self, grant, seconds):
            return super()._given(
                {**grant, "scopes": [s for s in grant["scopes"] if s != "pages_manage_engagement"]}, seconds
            )

    sandbox = Quiet()
    async with facebook(sandbox) as session:
        draft = Draft(parts=(Part(text="Satu"),), first_comment="Halo")
        told = connector.render(draft, await connector.capabilities(session))
        assert [problem.code for problem in told.problems] == ["no-first-comment"]
        done = await run_to_end(connector, session, delivery(connector, draft))  # as if it was taken away later
        assert "pages_manage_engagement" in done.warnings[0].sentence
        assert [post.extra["comments"] for post in sandbox.public_posts()] == [[]]


async def test_a_code_is_good_once_and_only_for_a_while():
    sandbox = Server()
    async with facebook(sandbox) as session:
        lent = open_test_session(connector, sandbox, session.http.client)
        sandbox.code_seconds = -1
        with pytest.raises(errors.Rejected, match="expired"):
            await sign_in_at_sandbox(connector, lent)


async def test_a_page_token_outlives_the_persons_and_a_dead_person_is_told():
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.clock_offset = 61 * 86400
        await run_to_end(connector, session, delivery(connector, WORDS))
        with pytest.raises(errors.AuthExpired):
            await connector.auth.refresh(session)


async def test_a_proof_is_wanted_where_the_app_says_so():
    sandbox = Server()
    sandbox.require_proof = True
    async with facebook(sandbox) as session:
        await run_to_end(connector, session, delivery(connector, WORDS))
        wrong = replace(page_graph(session), secret="another")
        with pytest.raises(errors.Rejected, match="appsecret_proof"):
            await wrong.get("me")
        assert appsecret_proof("a", "b") != appsecret_proof("b", "a")


async def test_a_full_window_says_in_minutes_when_it_opens():
    sandbox = Server()
    async with facebook(sandbox) as session:
        await page_graph(session).get("me")
        sandbox.calls_per_day = 1
        with pytest.raises(errors.RateLimited) as told:
            await connector.publish(session, delivery(connector, WORDS, begun_at=session.now()))
        assert timedelta(hours=22) < told.value.until - session.now() < timedelta(hours=25)
        assert not told.value.whole_app
        sandbox.limits_off = True
        await run_to_end(connector, session, delivery(connector, WORDS))


async def test_usage_headers_are_percentages():
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.calls_per_day, sandbox.app_calls_per_hour = 4, 10
        await page_graph(session).get("me")
        reply = await session.http.call("GET", page_graph(session).url("me"), params=page_graph(session).signed())
        used = sandbox.app_window.total() * 10  # those of the sign-in, too
        assert f'"call_count":{used}' in reply.headers["x-app-usage"]
        assert '"type":"pages","call_count":50' in reply.headers["x-business-use-case-usage"]


async def test_an_expired_version_is_told_in_a_sentence():
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.oldest, sandbox.newest = (28, 0), (30, 0)
        with pytest.raises(errors.Rejected) as told:
            await connector.publish(session, delivery(connector, WORDS, begun_at=session.now()))
        assert told.value.problems[0].code == "expired-version"
        assert "v30.0" in told.value.detail


async def test_the_same_words_twice_are_refused_as_a_duplicate():
    async with facebook() as session:
        await run_to_end(connector, session, delivery(connector, WORDS))
        with pytest.raises(errors.Rejected) as told:
            await connector.publish(session, delivery(connector, WORDS, begun_at=session.now()))
        assert told.value.problems[0].code == "duplicate"


async def test_find_is_not_fooled_by_an_older_post_with_the_same_words():
    async with facebook() as session:
        await run_to_end(connector, session, delivery(connector, WORDS))
        later = session.now() + timedelta(minutes=5)
        assert await connector.find(session, delivery(connector, WORDS, begun_at=later)) is None


async def test_a_busy_page_is_looked_through_to_the_moment_of_the_step():
    sandbox = Server()
    async with facebook(sandbox) as session:
        begun = session.now()
        answer = await connector.publish(session, delivery(connector, WORDS, begun_at=begun))
        for n in range(500):
            sandbox.add_post(session.account_id, message=f"Kabar {n}")
        found = await connector.find(session, delivery(connector, WORDS, begun_at=begun))
        assert found.ids == answer.ids
        other = replace(WORDS, parts=(replace(WORDS.parts[0], text="Tidak pernah dikirim"),))
        assert await connector.find(session, delivery(connector, other, begun_at=begun)) is None


async def test_find_reads_the_networks_clock_not_ours():
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.clock_offset = -300.0
        begun = session.now()
        answer = await connector.publish(session, delivery(connector, WORDS, begun_at=begun))
        found = await connector.find(session, delivery(connector, WORDS, begun_at=begun))
        assert found is not None
        assert found.ids == answer.ids


async def test_a_slow_look_up_overlooks_nothing(monkeypatch):
    """The question waits on its way, so that the answer's date is far from the moment when it was asked."""
    monkeypatch.setattr(
        wire, "CLOCK_MARGIN", timedelta(seconds=1.2)
    )  # above the whole seconds of dates, below the wait
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.clock_offset = 0.001
        begun = session.now()
        answer = await connector.publish(session, delivery(connector, WORDS, begun_at=begun))
        sandbox.faults.append(OrderedFault(effect="slow", seconds=3.1, path="/feed$"))
        found = await connector.find(session, delivery(connector, WORDS, begun_at=begun))
        assert found is not None
        assert found.ids == answer.ids


async def test_a_piece_whose_answer_was_lost_is_not_sent_twice():
    sandbox = Server(validators=[validate])
    sandbox.chunk = WIDE.size // 3
    async with facebook(sandbox) as session:
        sandbox.faults.append(OrderedFault(effect="drop-after", path="/videos$", skip=1))
        await run_to_end(connector, session, delivery(connector, VIDEO))
        post = next(iter(sandbox.public_posts()))
        assert post.media[0]["sha256"] == hashlib.sha256(WIDE.path.read_bytes()).hexdigest()


async def test_a_reel_that_broke_off_goes_on_from_where_it_stopped():
    sandbox = Server(validators=[validate])
    async with facebook(sandbox) as session:
        one = delivery(connector, REEL, begun_at=session.now())
        begun = await connector.publish(session, one)
        video = sandbox.store.get("video", begun.progress["video"])
        sandbox._append(video["id"], UPRIGHT.path.read_bytes()[:1000])
        sandbox.store.put("video", video["id"], {**video, "received": 1000})
        found = await connector.find(session, replace(one, progress=begun.progress))
        assert isinstance(found, PendingStep)
        assert found.progress["offset"] == 1000
        await run_to_end(connector, session, replace(one, progress=found.progress))
        post = next(iter(sandbox.public_posts()))
        assert post.media[0]["sha256"] == hashlib.sha256(UPRIGHT.path.read_bytes()).hexdigest()
        assert post.extra["kind"] == "reel"


async def test_a_spoilt_video_is_told_and_shows_nothing():
    sandbox = Server()
    async with facebook(sandbox) as session:
        broken = made.folder() / "broken.mp4"
        broken.write_bytes(b"not a video at all")
        session.files = {**FILES, "wide.mp4": replace(WIDE, path=broken, size=18)}
        with pytest.raises(errors.Rejected) as told:
            await run_to_end(connector, session, delivery(connector, VIDEO))
        assert told.value.problems[0].code == "video-failed"
        assert list(sandbox.public_posts()) == []


async def test_a_reel_waits_for_its_thirty_a_day():
    sandbox = Server()
    async with facebook(sandbox) as session:
        for n in range(30):
            sandbox.store.put(
                "video",
                f"old{n}",
                {"id": f"old{n}", "reel": True, "page": session.account_id, "finished": session.now().timestamp()},
            )
        with pytest.raises(errors.RateLimited):
            await run_to_end(connector, session, delivery(connector, REEL))


async def test_a_rejected_cover_is_reported_as_rejected():
    sandbox = Server()
    sandbox.processing_seconds = 0.01
    covered = replace(made.video_media(WIDE, 320, 180, 2.0), cover=made.image_media(ONE))
    async with facebook(sandbox) as session:
        text = '{"error": {"message": "(#100) Invalid image", "type": "OAuthException", "code": 100}}'
        sandbox.faults.append(OrderedFault(effect="status", path="/thumbnails$", status=400, text=text))
        item = delivery(connector, Draft(parts=(Part(text="Sehari", media=(covered,)),)))
        notes: list[str] = []
        while isinstance(step := await connector.publish(session, item), PendingStep):
            notes.append(step.note)
            item = replace(item, progress=step.progress)
            await asyncio.sleep(0.02)  # the sandbox prepares the video meanwhile
        assert [note for note in notes if "cover" in note] == ["Facebook rejected the cover image of the video."]
        assert [warning.sentence for warning in step.warnings] == [
            "The video was published on Facebook, but Facebook rejected the cover image of the video: (#100) Invalid image"
        ]


async def test_a_refused_comment_leaves_the_post_published():
    sandbox = Server()
    async with facebook(sandbox) as session:
        text = '{"error": {"message": "(#100) Comments are off", "type": "OAuthException", "code": 100, "fbtrace_id": "A"}}'
        sandbox.faults.append(OrderedFault(effect="status", path="/comments$", status=400, text=text))
        draft = Draft(parts=(Part(text="Tanpa komentar"),), first_comment="Halo")
        done = await run_to_end(connector, session, delivery(connector, draft))
        assert [warning.code for warning in done.warnings] == ["comment-refused"]
        assert "Comments are off" in done.warnings[0].sentence
        assert [post.text for post in sandbox.public_posts()] == ["Tanpa komentar"]


@pytest.mark.parametrize("effect", ["drop", "drop-after", "status-after"])
async def test_a_comment_whose_answer_was_lost_is_not_written_twice(effect):
    sandbox = Server()
    async with facebook(sandbox) as session:
        sandbox.faults.append(OrderedFault(effect=effect, path="/comments$", method="POST", status=502))
        await run_to_end(
            connector, session, delivery(connector, Draft(parts=(Part(text="Satu"),), first_comment="Halo"))
        )
        assert [post.extra["comments"] for post in sandbox.public_posts()] == [["Halo"]]


async def test_nothing_goes_out_before_its_time():
    sandbox = Server()
    async with facebook(sandbox) as session:
        draft = Draft(parts=(Part(text="Nanti", media=(made.image_media(ONE),)),))
        one = delivery(connector, draft, due_at=session.now() + timedelta(minutes=3), begun_at=session.now())
        held = await connector.publish(session, one)
        waits = await connector.publish(session, replace(one, progress=held.progress))
        assert timedelta(minutes=2) < waits.after <= timedelta(minutes=3)
        assert waits.progress == held.progress
        assert list(sandbox.public_posts()) == []
        assert one.post.lead > 0


async def test_alt_text_and_picture_arrive_and_readers_see_them():
    sandbox = Server()
    async with facebook(sandbox) as session:
        draft = Draft(parts=(Part(text="Kopi & <senja>", media=(made.image_media(ONE, alt="Secangkir kopi"),)),))
        done = await run_to_end(connector, session, delivery(connector, draft))
        post = next(iter(sandbox.public_posts()))
        assert post.media[0]["alt"] == "Secangkir kopi"
        assert post.media[0]["sha256"] == hashlib.sha256(ONE.path.read_bytes()).hexdigest()
        async with session.http.client.get(done.url) as page:
            shown = await page.text()
        assert "Kopi &amp; &lt;senja&gt;" in shown
        assert "Secangkir kopi" in shown
        async with session.http.client.get(post.media[0]["url"]) as file:
            assert await file.read() == ONE.path.read_bytes()


async def test_state_survives_a_restart(tmp_path):
    first = Server(folder=tmp_path)
    async with facebook(first) as session:
        draft = Draft(parts=(Part(text="Tetap ada", media=(made.image_media(ONE),)),), first_comment="Ya")
        done = await run_to_end(connector, session, delivery(connector, draft))
    second = Server(folder=tmp_path)
    runner = await start_sandbox(second)
    try:
        assert [(post.id, post.text, post.extra["comments"]) for post in second.public_posts()] == [
            (done.ids[0], "Tetap ada", ["Ya"])
        ]
        assert second.kept(next(second.store.all("photo"))["sha256"]) == ONE.path.read_bytes()
        assert second.windows.keys() == first.windows.keys()
    finally:
        await runner.cleanup()


async def test_a_page_has_its_own_token_only():
    async with facebook() as session:
        with pytest.raises(errors.AuthExpired, match="210"):
            await page_graph(session).post("102200000000102/feed", {"message": "Bukan punyaku"})


async def test_the_meter_counts_posts_and_calls():
    sandbox = Server()
    async with facebook(sandbox) as session:
        before = len(session.spent)
        await run_to_end(connector, session, delivery(connector, WORDS))
        rows = {row["meter"]: row["units"] for row in sandbox.usage()}
        assert rows["posts"] == 1
        assert rows["calls"] >= len(session.spent) - before
