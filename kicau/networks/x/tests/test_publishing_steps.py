"""Publishing step by step, and what is found after each way of breaking."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import aiohttp
import pytest

from kicau.connector.content import Charge, Delivery, Draft, Part, PendingStep, PublishedPost, PublishResult
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.errors import AuthExpired, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.x import limits, publishing_steps, wire
from kicau.networks.x.connector import connector
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.cast import drafts, media
from kicau.networks.x.tests.conftest import LENSA, signed_in

PUBLISHES = r"^/2/tweets$"


def delivery(session: ContractSession, draft: Draft) -> Delivery:
    post = connector.render(draft, limits.baseline)
    assert post.problems == ()
    return Delivery(key=uuid4(), post=post, due_at=session.now(), begun_at=session.now())


def text(words: str, **more: object) -> Draft:
    return Draft(parts=(Part(text=words),), **more)  # type: ignore[arg-type]


def after(before: Delivery, result: PublishResult | None) -> Delivery:
    assert isinstance(result, PendingStep)
    return replace(before, progress=result.progress, steps=before.steps + 1)


async def until_post(session: ContractSession, one: Delivery) -> Delivery:
    while publishing_steps.next_step(one, session.now()).name != "post":
        one = after(one, await connector.publish(session, one))
    return one


def paths(sandbox: Server) -> list[str]:
    return [
        f"{r['method']} {r['path'].split('?')[0]}"
        for r in sandbox.requests
        if r["path"].startswith("/2/") and "oauth2" not in r["path"]
    ]


async def test_labels_and_who_may_reply_are_read_back(kopi: ContractSession, sandbox: Server) -> None:
    chosen = {"made_with_ai": "yes", "paid_partnership": "yes", "replies": "mentionedUsers"}
    done = await run_to_end(connector, kopi, delivery(kopi, text("Iklan", options=chosen)))
    told = await wire.send_request(
        kopi,
        "GET",
        "/2/tweets",
        params={"ids": done.ids[0], "post.fields": "paid_partnership,reply_settings"},
        charge=Charge(wire.POST_READ_METER),
    )
    (post,) = told.json()["data"]
    assert (post["paid_partnership"], post["reply_settings"]) == (True, "mentionedUsers")
    (shown,) = sandbox.public_posts()
    assert shown.extra["labels"] == ["made_with_ai", "paid_partnership"]


async def test_a_text_is_one_request(kopi: ContractSession, sandbox: Server) -> None:
    sandbox.requests.clear()
    done = await connector.publish(kopi, delivery(kopi, text("Selamat pagi")))
    assert isinstance(done, PublishedPost)
    assert paths(sandbox) == ["POST /2/tweets"]
    assert done.url == f"{sandbox.base_url}/kopisenja/status/{done.ids[0]}"
    assert done.raw["posts"][0]["text"] == "Selamat pagi"  # type: ignore[index, call-overload]


async def test_uploads_come_first_and_each_step_is_one_request(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, drafts()["thread"])
    sandbox.requests.clear()
    done = await run_to_end(connector, kopi, one)
    assert paths(sandbox) == [
        "POST /2/media/upload",
        "POST /2/media/metadata",
        "POST /2/media/upload",
        "POST /2/media/upload",
        "POST /2/tweets",
        "POST /2/tweets",
        "POST /2/tweets",
    ]
    first, second, third = sandbox.public_posts()
    assert (first.in_reply_to, second.in_reply_to, third.in_reply_to) == ("", *done.ids[:2])
    assert [m["alt"] for m in first.media] == ["Secangkir kopi", ""]


async def test_a_video_goes_in_segments_and_waits_as_long_as_x_says(kopi: ContractSession, sandbox: Server) -> None:
    sandbox.processing_seconds = 30
    one = delivery(kopi, drafts()["video"])
    sandbox.requests.clear()
    notes = []
    begun = kopi.now()
    for _ in range(5):
        result = await connector.publish(kopi, one)
        one = after(one, result)
        notes.append(result.note)  # type: ignore[union-attr]
    assert paths(sandbox) == [
        "POST /2/media/upload/initialize",
        *[f"POST /2/media/upload/{one.progress['media']['0.0']['id']}/append"] * 3,  # type: ignore[index, call-overload]
        f"POST /2/media/upload/{one.progress['media']['0.0']['id']}/finalize",  # type: ignore[index, call-overload]
    ]
    assert notes[1:] == [
        "Kicau has uploaded 44 % of the file to X.",
        "Kicau has uploaded 88 % of the file to X.",
        "Kicau has uploaded 100 % of the file to X.",
        "X is processing the video (0 %).",
    ]
    waiting = await connector.publish(kopi, one)
    assert isinstance(waiting, PendingStep)
    assert timedelta(seconds=29) - (kopi.now() - begun) <= waiting.after <= timedelta(seconds=30)  # what is left
    sandbox.clock_offset = 31
    done = await run_to_end(connector, kopi, one)
    (post,) = sandbox.public_posts()
    assert (post.id, post.media[0]["mime"]) == (done.ids[0], "video/mp4")


async def test_a_video_that_cannot_be_processed_is_told(kopi: ContractSession, sandbox: Server) -> None:
    kopi.files = {**kopi.files, "pour": kopi.files["red"]}  # a picture with a video's name
    with pytest.raises(Rejected) as told:
        await run_to_end(connector, kopi, delivery(kopi, drafts()["video"]))
    assert told.value.problems[0].code == "processing-failed"
    assert (
        told.value.problems[0].sentence
        == "X could not process the file pour.mp4 (no reason given). Export the file again, or use another copy of it."
    )
    assert list(sandbox.public_posts()) == []


async def test_a_forgotten_upload_is_made_again(kopi: ContractSession, sandbox: Server) -> None:
    one = await until_post(kopi, delivery(kopi, drafts()["labels"]))
    for doc in list(sandbox.store.all("media")):
        sandbox.store.remove("media", doc["id"])
    one = after(one, await connector.publish(kopi, one))
    assert one.progress["again"] is True
    await run_to_end(connector, kopi, one)
    assert len(list(sandbox.public_posts())) == 1


async def test_an_upload_forgotten_twice_is_told(kopi: ContractSession, sandbox: Server) -> None:
    one = await until_post(kopi, delivery(kopi, drafts()["labels"]))
    sandbox.faults.append(
        OrderedFault(
            effect="status", status=400, path=PUBLISHES, times=-1, text='{"detail": "Your media IDs are invalid."}'
        )
    )
    with pytest.raises(Rejected) as told:
        await run_to_end(connector, kopi, one)
    assert told.value.problems[0].code == "media-gone"


async def test_an_upload_that_x_is_about_to_forget_is_made_again_beforehand(
    kopi: ContractSession, sandbox: Server
) -> None:
    one = await until_post(kopi, delivery(kopi, drafts()["labels"]))
    later = kopi.now() + timedelta(days=2)
    assert publishing_steps.next_step(one, later).name == "upload"


async def test_a_lost_answer_is_found_by_text_and_costs_a_read(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, text("Kopi <b>&</b> kue → kopisenja.com/menu?a=1&b=2"))
    sandbox.faults.append(OrderedFault(effect="drop-after", path=PUBLISHES))
    with pytest.raises(Uncertain):
        await connector.publish(kopi, one)
    kopi.spent.clear()
    done = await connector.find(kopi, one)
    assert isinstance(done, PublishedPost)
    assert [post.id for post in sandbox.public_posts()] == list(done.ids)
    assert kopi.spent == [Charge("post-read", wire.PAGE_SIZE)]


async def test_a_lost_part_is_found_in_its_thread(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, Draft(parts=(Part(text="Satu"), Part(text="Dua"), Part(text="Tiga"))))
    sandbox.faults.append(OrderedFault(effect="drop-after", path=PUBLISHES, skip=1))
    one = after(one, await connector.publish(kopi, one))
    with pytest.raises(Uncertain):
        await connector.publish(kopi, one)
    one = after(one, await connector.find(kopi, one))
    done = await connector.publish(kopi, one)
    assert isinstance(done, PublishedPost)
    assert [post.id for post in sandbox.public_posts()] == list(done.ids)


@pytest.mark.parametrize(
    "other", ["Promo: https://kopisenja.com/b", "Promo https://kopisenja.com/a", "Promo: https://kopisenja.com/a!"]
)
async def test_another_post_is_never_taken_for_it(kopi: ContractSession, other: str) -> None:
    await connector.publish(kopi, delivery(kopi, text(other)))
    found = await connector.find(kopi, delivery(kopi, text("Promo: https://kopisenja.com/a")))
    assert isinstance(found, PendingStep)
    assert "doubt" in found.progress


@pytest.mark.parametrize("said", ["{}", '{"errors": [{"title": "Service Unavailable"}], "meta": {"result_count": 0}}'])
async def test_half_an_answer_proves_nothing(kopi: ContractSession, sandbox: Server, said: str) -> None:
    sandbox.faults.append(OrderedFault(effect="status", status=200, path="/tweets$", text=said))
    with pytest.raises(Unavailable):
        await connector.find(kopi, delivery(kopi, text("Ada atau tidak?")))


async def test_an_older_post_of_the_same_words_is_never_taken_for_it(kopi: ContractSession, sandbox: Server) -> None:
    sandbox.clock_offset = -300
    await connector.publish(kopi, delivery(kopi, text("Buka jam 8")))
    sandbox.clock_offset = 0
    assert isinstance(await connector.find(kopi, delivery(kopi, text("Buka jam 8"))), PendingStep)


async def test_a_long_post_is_found_by_its_whole_text(sandbox: Server, client: aiohttp.ClientSession) -> None:
    lensa = await signed_in(sandbox, client, LENSA)
    can = await connector.capabilities(lensa)
    assert can.max_length == 25_000
    words = "Catatan panjang. " * 60
    one = Delivery(key=uuid4(), post=connector.render(text(words), can), begun_at=lensa.now())
    await connector.publish(lensa, one)
    assert isinstance(await connector.find(lensa, one), PublishedPost)


async def test_many_posts_are_looked_through_page_by_page(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, text("Yang dicari"))
    await connector.publish(kopi, one)
    for n in range(30):
        await connector.publish(kopi, delivery(kopi, text(f"Kabar {n}")))
    kopi.spent.clear()
    assert isinstance(await connector.find(kopi, one), PublishedPost)
    assert [charge.units for charge in kopi.spent] == list(publishing_steps.LOOKUP_PAGE_SIZES[:3])


async def test_what_was_published_long_after_the_step_is_not_looked_through(
    kopi: ContractSession, sandbox: Server
) -> None:
    """The look-up comes ten minutes late, and the account has published far more since than anybody could page through."""
    one = replace(delivery(kopi, text("Yang dicari")), begun_at=kopi.now() - timedelta(minutes=10))
    sandbox.limits_off, sandbox.clock_offset = True, -600
    first = await connector.publish(kopi, one)
    sandbox.clock_offset = 0
    for n in range(sum(publishing_steps.LOOKUP_PAGE_SIZES)):
        post = {
            **sandbox.store.get("post", first.ids[0]),
            "id": sandbox.next_id(),
            "text": f"Kabar {n}",
            "at": sandbox.now().isoformat(),
        }
        sandbox.store.put("post", post["id"], post)
        sandbox.posts._index(post)
    kopi.spent.clear()
    found = await connector.find(kopi, one)
    assert found.ids == first.ids
    assert len(kopi.spent) == 1


async def test_a_duplicate_refusal_after_a_broken_step_is_evidence(kopi: ContractSession, sandbox: Server) -> None:
    """X listed the post too late for the look-up; sent again, it is refused, and found then."""
    one = delivery(kopi, text("Sekali saja"))
    sandbox.faults.append(OrderedFault(effect="drop-after", path=PUBLISHES))
    with pytest.raises(Uncertain):
        await connector.publish(kopi, one)
    timeline = sandbox.posts._by_author.pop(kopi.account_id)
    one = after(one, await connector.find(kopi, one))
    refused = await connector.publish(kopi, one)
    assert isinstance(refused, PendingStep)
    assert refused.after > timedelta(0)
    one = replace(after(one, refused), begun_at=kopi.now() + timedelta(minutes=3))
    with pytest.raises(Uncertain, match="duplicate"):
        await connector.publish(kopi, one)
    with pytest.raises(Uncertain, match="duplicate"):
        await connector.find(kopi, one)
    sandbox.posts._by_author[kopi.account_id] = timeline
    done = await connector.publish(kopi, one)
    assert isinstance(done, PublishedPost)
    assert [post.id for post in sandbox.public_posts()] == list(done.ids)


async def test_a_duplicate_refusal_without_doubt_goes_to_the_author(kopi: ContractSession) -> None:
    await connector.publish(kopi, delivery(kopi, text("Sekali saja")))
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, delivery(kopi, text("Sekali saja")))
    assert told.value.problems[0].code == "duplicate"


async def test_a_refusal_names_the_part(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, Draft(parts=(Part(text="Satu"), Part(text="Dua"))))
    one = after(one, await connector.publish(kopi, one))
    sandbox.faults.append(
        OrderedFault(effect="status", status=400, path=PUBLISHES, text='{"detail": "Your Tweet text is too long."}')
    )
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, one)
    assert told.value.problems[0].field == "parts.1.text"


async def test_a_video_too_long_for_the_account_is_told_in_the_previews_words(
    kopi: ContractSession, sandbox: Server
) -> None:
    one = await until_post(kopi, delivery(kopi, drafts()["video"]))
    said = '{"detail": "This user is not allowed to post a video longer than 2 minutes."}'
    sandbox.faults.append(OrderedFault(effect="status", status=403, path=PUBLISHES, text=said))
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, one)
    before = connector.render(
        Draft(parts=(Part(text="F", media=(replace(media("pour"), duration_ms=200_000),)),)), limits.baseline
    )
    (after_sending,) = told.value.problems
    assert (after_sending.code, after_sending.message) == (before.problems[0].code, before.problems[0].message)
    assert (after_sending.field, after_sending.limit) == ("parts.0.media.0", 120_000)


@pytest.mark.parametrize("effect", ["drop", "drop-after"])
async def test_a_broken_finalize_is_looked_up(kopi: ContractSession, sandbox: Server, effect: str) -> None:
    one = delivery(kopi, drafts()["video"])
    sandbox.faults.append(OrderedFault(effect=effect, path="/finalize$"))
    sandbox.requests.clear()
    await run_to_end(connector, kopi, one)
    assert len(list(sandbox.public_posts())) == 1
    begun = [path for path in paths(sandbox) if path.endswith("/initialize")]
    assert len(begun) == (1 if effect == "drop-after" else 2)  # carried out: what was uploaded is used


async def test_a_broken_upload_asks_the_network_nothing(kopi: ContractSession, sandbox: Server) -> None:
    one = delivery(kopi, drafts()["thread"])
    sandbox.requests.clear()
    assert await connector.find(kopi, one) is None
    assert paths(sandbox) == []


async def test_a_network_that_knows_the_old_words_alone_is_asked_in_them(
    kopi: ContractSession, sandbox: Server
) -> None:
    sandbox.vocabularies = ("old",)
    sandbox.validators = ()  # the new description has no tweet.fields
    one = delivery(kopi, text("Dua kosakata: https://kopisenja.com"))
    await connector.publish(kopi, one)
    assert isinstance(await connector.find(kopi, one), PublishedPost)


async def test_a_missing_permission_is_named_before_anything_is_sent(kopi: ContractSession, sandbox: Server) -> None:
    kopi.credentials = replace(kopi.credentials, scopes=frozenset({"tweet.read", "tweet.write", "users.read"}))
    sandbox.requests.clear()
    with pytest.raises(AuthExpired) as told:
        await connector.publish(kopi, delivery(kopi, drafts()["thread"]))
    assert told.value.missing == {"media.write"}
    assert paths(sandbox) == []
    assert isinstance(await connector.publish(kopi, delivery(kopi, text("Tanpa gambar"))), PublishedPost)


async def test_an_answer_to_a_summons_is_cheaper(
    kopi: ContractSession, kabar: ContractSession, sandbox: Server
) -> None:
    asked = await connector.publish(kabar, delivery(kabar, text("Halo @kopisenja, buka hari ini?")))
    assert isinstance(asked, PublishedPost)
    kopi.spent.clear()
    done = await connector.publish(kopi, delivery(kopi, text("Buka!", reply_to=asked.ids[0])))
    assert isinstance(done, PublishedPost)
    assert kopi.spent == [Charge("post-summoned-reply")]
    assert {row["meter"] for row in sandbox.usage()} >= {"post", "post-summoned-reply"}


async def test_an_answer_without_a_summons_is_refused_in_a_sentence(
    kopi: ContractSession, kabar: ContractSession
) -> None:
    other = await connector.publish(kabar, delivery(kabar, text("Berita hari ini")))
    assert isinstance(other, PublishedPost)
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, delivery(kopi, text("Setuju", reply_to=other.ids[0])))
    assert told.value.problems[0].field == "reply_to"


async def test_the_limit_of_x_is_waited_for(kopi: ContractSession, sandbox: Server) -> None:
    begun = kopi.now()
    for n in range(100):
        await connector.publish(kopi, delivery(kopi, text(f"Nomor {n}")))
    with pytest.raises(RateLimited) as told:
        await connector.publish(kopi, delivery(kopi, text("Satu lagi")))
    assert timedelta(minutes=15) <= told.value.until - begun <= kopi.now() - begun + timedelta(minutes=15, seconds=2)
    assert not told.value.whole_app
    sandbox.clock_offset = 901
    assert isinstance(await connector.publish(kopi, delivery(kopi, text("Satu lagi"))), PublishedPost)


async def test_the_meter_of_x_and_ours_agree(kopi: ContractSession, sandbox: Server) -> None:
    kopi.spent.clear()
    before = {row["meter"]: row["units"] for row in sandbox.usage()}
    for draft in drafts().values():
        done = await run_to_end(connector, kopi, delivery(kopi, draft))
    await connector.delete(kopi, done.ids[0])
    billed = {row["meter"]: row["units"] - before.get(row["meter"], 0) for row in sandbox.usage()}
    ours: dict[str, int] = {}
    for charge in kopi.spent:
        ours[charge.meter] = ours.get(charge.meter, 0) + charge.units
    ours.pop("free")
    assert ours == {meter: units for meter, units in billed.items() if units}
    money = {row["meter"]: row["micro"] for row in sandbox.usage() if row["meter"] in ours}
    prices = connector.price_lists[-1]
    assert money == {meter: prices.price(meter, units) for meter, units in ours.items()}


async def test_a_file_that_x_forgets_at_once_is_uploaded_a_few_times_with_pauses(
    kopi: ContractSession, sandbox: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kicau.networks.x.sandbox import media as uploads

    monkeypatch.setattr(uploads, "SESSION_LIFETIME_SECONDS", 30)
    monkeypatch.setattr(uploads, "READY_LIFETIME_SECONDS", 30)
    for name in ("video", "only a picture"):
        one, waits, before = delivery(kopi, drafts()[name]), list[float](), len(sandbox.requests)
        while (
            len(waits) < publishing_steps.MAX_EXPIRED_UPLOADS
            or publishing_steps.next_step(one, kopi.now()).key not in one.progress["media"]
        ):  # type: ignore[operator]
            result = await connector.publish(kopi, one)
            assert isinstance(result, PendingStep)
            assert len(waits) <= publishing_steps.MAX_EXPIRED_UPLOADS
            if "uploading it again" in result.note:
                waits.append(result.after.total_seconds())
            one = after(one, result)
        with pytest.raises(Rejected) as told:
            await connector.publish(kopi, one)
        assert told.value.problems[0].code == "upload-expires"
        assert waits == [0, 10, 20, 40, 80]
        assert len(sandbox.requests) - before == 6, "each upload was begun once for each try"
    # An hour later it is tried again.
    (kept,) = one.progress["expired"].items()  # type: ignore[union-attr]
    key, (times, since) = kept  # type: ignore[misc]
    earlier = (datetime.fromisoformat(since) - timedelta(hours=2)).isoformat()
    one = replace(one, progress={**one.progress, "expired": {key: [times, earlier]}})
    assert isinstance(await connector.publish(kopi, one), PendingStep)


async def test_a_lost_post_is_looked_up_even_when_its_files_have_expired_since(
    kopi: ContractSession, sandbox: Server
) -> None:
    one = await until_post(kopi, delivery(kopi, drafts()["thread"]))
    sandbox.faults.append(OrderedFault(effect="drop-after", method="POST", path=PUBLISHES))
    one = replace(one, begun_at=kopi.now())
    with pytest.raises(Uncertain):
        await connector.publish(kopi, one)
    files = {key: {**entry, "until": kopi.now().timestamp() + 30} for key, entry in one.progress["media"].items()}  # type: ignore[union-attr, dict-item]
    one = replace(one, progress={**one.progress, "media": files}, begun_at=kopi.now() - timedelta(minutes=1))
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    assert len(found.progress["posts"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("own", "meter", "is_estimated"),
    [(True, "post", False), (False, "post-summoned-reply", False), (None, "post-summoned-reply", True)],
)
async def test_an_answer_is_booked_by_whose_post_it_answers(
    kopi: ContractSession, kabar: ContractSession, sandbox: Server, own: bool | None, meter: str, is_estimated: bool
) -> None:
    before = await connector.publish(kopi if own else kabar, delivery(kopi, text("Halo @kopisenja, buka hari ini?")))
    assert isinstance(before, PublishedPost)
    kopi.spent.clear()
    billed = {row["meter"]: row["units"] for row in sandbox.usage()}
    answer = delivery(kopi, text("Buka!", reply_to=before.ids[0], answers_own=own))
    assert [(one.meter, one.estimated) for one in answer.post.charges] == [(meter, is_estimated)]
    done = await connector.publish(kopi, answer)
    assert isinstance(done, PublishedPost)
    assert [(one.meter, one.estimated) for one in kopi.spent] == [(meter, is_estimated)]
    assert [row["meter"] for row in sandbox.usage() if row["units"] > billed.get(row["meter"], 0)] == [meter]
