from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kicau.connector import clock
from kicau.connector.content import Delivery, Draft, Part, PendingStep, PublishedPost, PublishResult
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.errors import RateLimited, Rejected, Uncertain
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.bluesky import records, wire
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import CAPTIONS, DRAFTS, FILES, KABAR, KOPI, TRICKY, media


def delivery(session: ContractSession, draft: Draft) -> Delivery:
    post = connector.render(draft, connector.baseline)
    assert post.problems == (), [p.sentence for p in post.problems]
    return Delivery(key=uuid4(), post=post, due_at=session.now())


async def steps(session: ContractSession, one: Delivery) -> tuple[PublishedPost, int]:
    for count in range(1, 40):
        result: PublishResult = await connector.publish(session, one)
        if isinstance(result, PublishedPost):
            return result, count
        one = replace(one, progress=result.progress)
    raise AssertionError("never published")


async def kept(session: ContractSession, uri: str) -> dict[str, Any]:
    found = await wire.fetch_record(session, *records.split_uri(uri))
    assert found is not None
    return found["value"]


async def test_links_people_and_tags_stand_where_they_are_read(kopi: ContractSession) -> None:
    done, count = await steps(kopi, delivery(kopi, DRAFTS["picture-and-mention"]))
    value = await kept(kopi, done.ids[0])
    raw = TRICKY.encode()
    found = [(raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), f["features"]) for f in value["facets"]]
    kind = "app.bsky.richtext.facet#"
    assert found == [
        ("@kabarpagi.test", [{"$type": f"{kind}mention", "did": KABAR}]),
        (
            "https://kopisenja.example/menu?x=1_(a)",
            [{"$type": f"{kind}link", "uri": "https://kopisenja.example/menu?x=1_(a)"}],
        ),
        ("#KopiNusantara", [{"$type": f"{kind}tag", "tag": "KopiNusantara"}]),
        ("kopi.id", [{"$type": f"{kind}link", "uri": "https://kopi.id"}]),
    ]
    assert value["langs"] == ["id"]
    assert value["embed"]["images"][0]["aspectRatio"] == {"width": 320, "height": 240}
    assert count == 3, "the file, the people, the post"
    assert done.warnings == ()


async def test_a_name_that_nobody_has_stays_plain_text(kopi: ContractSession) -> None:
    done, _ = await steps(kopi, delivery(kopi, Draft(parts=(Part(text="Halo @nobody.test dan @kabarpagi.test"),))))
    assert [w.sentence for w in done.warnings] == [
        "The post was published on Bluesky, but the network has no account named @nobody.test. Therefore this name appears as plain text without a link."
    ]
    assert len((await kept(kopi, done.ids[0]))["facets"]) == 1


async def test_a_thread_answers_itself_part_by_part(kopi: ContractSession, box: Server) -> None:
    done, _ = await steps(kopi, delivery(kopi, DRAFTS["thread"]))
    first, second, third = [await kept(kopi, uri) for uri in done.ids]
    assert "reply" not in first
    assert (second["reply"]["root"]["uri"], second["reply"]["parent"]["uri"]) == (done.ids[0], done.ids[0])
    assert (third["reply"]["root"]["uri"], third["reply"]["parent"]["uri"]) == (done.ids[0], done.ids[1])
    assert first["createdAt"] < second["createdAt"] < third["createdAt"]
    assert done.url == f"{box.base_url}/profile/kopisenja.test/post/{done.ids[0].rsplit('/', 1)[1]}"
    async with kopi.http.client.get(done.url) as page:
        assert "Satu" in await page.text()


async def test_an_answer_keeps_the_root_of_what_it_answers(kopi: ContractSession) -> None:
    thread, _ = await steps(kopi, delivery(kopi, DRAFTS["thread"]))
    page = f"{kopi.app.endpoints['web']}/profile/kopisenja.test/post/{thread.ids[1].rsplit('/', 1)[1]}"
    draft = Draft(parts=(Part(text="Jawaban"), Part(text="dan lagi")), reply_to=page, options={"quote": thread.ids[2]})
    done, _ = await steps(kopi, delivery(kopi, draft))
    first, second = [await kept(kopi, uri) for uri in done.ids]
    assert (first["reply"]["root"]["uri"], first["reply"]["parent"]["uri"]) == (thread.ids[0], thread.ids[1])
    assert (second["reply"]["root"]["uri"], second["reply"]["parent"]["uri"]) == (thread.ids[0], done.ids[0])
    assert first["embed"]["record"]["uri"] == thread.ids[2]
    assert "embed" not in second


@pytest.mark.parametrize("field", ["reply_to", "options.quote"])
async def test_a_post_that_is_gone_is_told(kopi: ContractSession, field: str) -> None:
    uri = f"at://{KABAR}/app.bsky.feed.post/3n32ye4jrkk27"
    more: dict[str, Any] = {"reply_to": uri} if field == "reply_to" else {"options": {"quote": uri}}
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, delivery(kopi, Draft(parts=(Part(text="x"),), **more)))
    assert (told.value.problems[0].code, told.value.problems[0].field) == ("no-such-post", field)


async def test_a_quote_with_a_picture(kopi: ContractSession) -> None:
    quoted, _ = await steps(kopi, delivery(kopi, DRAFTS["text"]))
    draft = Draft(parts=(Part(text="Lihat ini", media=(media("cup"),)),), options={"quote": quoted.ids[0]})
    done, _ = await steps(kopi, delivery(kopi, draft))
    embed = (await kept(kopi, done.ids[0]))["embed"]
    assert embed["$type"] == "app.bsky.embed.recordWithMedia"
    assert embed["record"]["record"]["uri"] == quoted.ids[0]
    assert embed["media"]["$type"] == "app.bsky.embed.images"


async def test_who_may_answer_is_said_in_the_same_moment(kopi: ContractSession, box: Server) -> None:
    done, _ = await steps(kopi, delivery(kopi, DRAFTS["gated-thread"]))
    writes = [r["path"] for r in box.requests if "/xrpc/com.atproto.repo." in r["path"]]
    assert writes == ["/xrpc/com.atproto.repo.applyWrites", "/xrpc/com.atproto.repo.putRecord"]
    key = done.ids[0].rsplit("/", 1)[1]
    gate, quotes = (
        box.repo.record(KOPI, name, key) for name in (records.THREADGATE_COLLECTION, records.POSTGATE_COLLECTION)
    )
    assert gate is not None
    assert quotes is not None
    assert [rule["$type"].split("#")[1] for rule in gate["value"]["allow"]] == ["followingRule", "mentionRule"]
    assert gate["value"]["post"] == done.ids[0]
    nobody, _ = await steps(kopi, delivery(kopi, Draft(parts=(Part(text="x"),), options={"replies": "nobody"})))
    closed = box.repo.record(KOPI, records.THREADGATE_COLLECTION, nobody.ids[0].rsplit("/", 1)[1])
    assert closed is not None
    assert closed["value"]["allow"] == []
    await connector.delete(kopi, done.ids[0])
    assert box.repo.record(KOPI, records.THREADGATE_COLLECTION, key) is None


async def test_ten_pictures_are_a_gallery_each_with_its_words_and_shape(kopi: ContractSession) -> None:
    done, _ = await steps(kopi, delivery(kopi, DRAFTS["gallery"]))
    embed = (await kept(kopi, done.ids[0]))["embed"]
    assert embed["$type"] == "app.bsky.embed.gallery"
    assert [item["alt"] for item in embed["items"]] == [f"View {n}" for n in range(10)]
    assert {tuple(item["aspectRatio"].values()) for item in embed["items"]} == {(320, 240)}


async def test_captions_and_warnings_go_with_the_post(kopi: ContractSession, box: Server) -> None:
    done, _ = await steps(kopi, delivery(kopi, DRAFTS["video"]))
    embed = (await kept(kopi, done.ids[0]))["embed"]
    assert (embed["alt"], embed["captions"][0]["lang"]) == ("Water is poured", "id")
    assert box.repo.files.read(embed["captions"][0]["file"]["ref"]["$link"]).decode() == CAPTIONS
    assert box.repo.files.read(embed["video"]["ref"]["$link"]) == FILES["pour"].path.read_bytes()
    warned, _ = await steps(kopi, delivery(kopi, DRAFTS["pictures"]))
    assert (await kept(kopi, warned.ids[0]))["labels"]["values"] == [{"val": "graphic-media"}]


async def test_files_go_ahead_and_the_post_waits_for_its_second(kopi: ContractSession, box: Server) -> None:
    due = kopi.now() + timedelta(seconds=40)
    one = replace(delivery(kopi, DRAFTS["picture-and-mention"]), due_at=due)
    for _ in range(2):
        step = await connector.publish(kopi, one)
        assert isinstance(step, PendingStep)
        one = replace(one, progress=step.progress)
    with clock.freeze_clock(due - timedelta(seconds=35)):
        wait = await connector.publish(kopi, one)
    assert isinstance(wait, PendingStep)
    assert wait.after == timedelta(seconds=35)
    assert list(box.public_posts()) == []
    done, _ = await steps(kopi, replace(one, due_at=kopi.now()))
    assert len(done.ids) == 1


async def test_a_repeat_changes_nothing(kopi: ContractSession, box: Server) -> None:
    one = delivery(kopi, DRAFTS["text"])
    first, _ = await steps(kopi, one)
    again, _ = await steps(kopi, one)
    assert again.ids == first.ids
    assert [p["cid"] for p in again.raw["posts"]] == [p["cid"] for p in first.raw["posts"]]  # type: ignore[union-attr, call-overload, index]
    assert len(list(box.public_posts())) == 1


async def test_a_repeat_of_a_gated_post_is_looked_up(kopi: ContractSession, box: Server) -> None:
    one = delivery(kopi, DRAFTS["gated-thread"])
    await connector.publish(kopi, one)
    with pytest.raises(Uncertain):
        await connector.publish(kopi, one)
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    done = await run_to_end(connector, kopi, replace(one, progress=found.progress))
    assert len(done.ids) == len(list(box.public_posts())) == 2


async def test_a_found_part_goes_on_from_there(kopi: ContractSession, box: Server) -> None:
    one = delivery(kopi, DRAFTS["thread"])
    step: PublishResult | None = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)  # the file
    one = replace(one, progress=step.progress)
    assert await connector.find(kopi, one) is None, "people are not looked up yet"
    step = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)
    one = replace(one, progress=step.progress)
    assert await connector.find(kopi, one) is None
    await connector.publish(kopi, one)  # part 1, whose answer is lost
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    assert [post["uri"] for post in found.progress["posts"]] == [
        f"at://{KOPI}/app.bsky.feed.post/{records.record_key(one.key, 0)}"
    ]  # type: ignore[union-attr, call-overload, index]
    done = await run_to_end(connector, kopi, replace(one, progress=found.progress))
    assert [post.text for post in box.public_posts()] == ["Satu", "Dua", "Tiga @kabarpagi.test"]
    assert len(done.ids) == 3


async def test_files_that_the_server_forgot_are_uploaded_again_once(kopi: ContractSession, box: Server) -> None:
    one = delivery(kopi, DRAFTS["pictures"])
    for _ in range(2):
        step = await connector.publish(kopi, one)
        assert isinstance(step, PendingStep)
        one = replace(one, progress=step.progress)
    forget(box)
    step = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)
    assert step.progress["blobs"] == {}
    done, _ = await steps(kopi, replace(one, progress=step.progress))
    assert len(done.ids) == 1
    forget(box)
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, replace(one, key=uuid4(), progress={**one.progress, "again": True}))
    assert told.value.problems[0].code == "media-gone"


def forget(box: Server) -> None:
    for key in list(box.store._docs["blob"]):
        box.store.remove("blob", key)


async def test_a_file_that_the_server_does_not_take_is_named(kopi: ContractSession, box: Server) -> None:
    box.blob_limit = 100_000
    can = await connector.capabilities(kopi)
    told = connector.render(DRAFTS["video"], can).problems
    assert [p.code for p in told] == ["too-large"]
    with pytest.raises(Rejected) as refused:
        await connector.publish(kopi, delivery(kopi, DRAFTS["video"]))
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == ("too-large", "parts.0.media.0")
    assert "pour.mp4" in problem.sentence


async def test_a_refused_part_is_named_and_the_earlier_ones_stay(kopi: ContractSession, box: Server) -> None:
    """A server with stricter rules than ours, as an older one has."""
    one = delivery(kopi, Draft(parts=(Part(text="Satu"), Part(text="b" * 300))))
    step = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)
    answer = '{"error":"InvalidRequest","message":"Invalid app.bsky.feed.post record: grapheme too big (maximum 200, got 300) at $.record.text"}'
    box.faults.append(OrderedFault(effect="status", status=400, text=answer))
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, replace(one, progress=step.progress))
    (problem,) = told.value.problems
    assert problem.field == "parts.1.text"
    assert problem.sentence.startswith("On Bluesky, part 2 of the text has 300 graphemes, but the limit is 200")
    assert len(list(box.public_posts())) == 1


async def test_points_spent_are_points_foretold(kopi: ContractSession, bound: ContractSession, box: Server) -> None:
    for session in (kopi, bound):
        for name in ("thread", "gated-thread", "card"):
            session.spent.clear()
            one = delivery(session, DRAFTS[name])
            await steps(session, one)
            spent = sum(charge.units for charge in session.spent if charge.meter == "points")
            assert spent == sum(charge.units for charge in one.post.charges)
    assert sum(row["units"] for row in box.usage()) == 2 * (6 + 11 + 2)


async def test_an_hours_points_are_a_limit(kopi: ContractSession, box: Server) -> None:
    begun, ends = box.stamp(), box.stamp() + 600
    box.door.windows._open["repo-write-hour", KOPI] = (ends, 4999)
    with pytest.raises(RateLimited) as told:
        await connector.publish(kopi, delivery(kopi, DRAFTS["text"]))
    # The hour's end in whole seconds, or as long from now as was left of it when it answered.
    assert ends - 1 <= told.value.until.timestamp() <= ends + 1 + (box.stamp() - begun)


async def test_deleting_a_post_that_never_existed_succeeds(kopi: ContractSession) -> None:
    await connector.delete(kopi, f"at://{KOPI}/app.bsky.feed.post/3n32ye4jrkk27")
    with pytest.raises(Rejected):
        await connector.delete(kopi, "12345")
