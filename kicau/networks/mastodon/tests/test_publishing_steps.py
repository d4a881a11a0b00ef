"""Publishing step by step, where the contract's suite does not look: addresses, files that take time, doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import aiohttp
import pytest

from kicau.connector.content import Delivery, Draft, Part, PendingStep
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.errors import Rejected, Uncertain
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.lookup import MAX_PAGES, PAGE_SIZE
from kicau.networks.mastodon.sandbox import SNAC_DIFFERENCES, Server
from kicau.networks.mastodon.tests.cast import CUP, KABAR, media, saying
from kicau.networks.mastodon.tests.conftest import signed_in


async def delivery(session: ContractSession, draft: Draft) -> Delivery:
    post = connector.render(draft, await connector.capabilities(session))
    assert post.problems == ()
    return Delivery(key=uuid4(), post=post, due_at=session.now())


async def published(session: ContractSession, draft: Draft) -> str:
    return (await run_to_end(connector, session, await delivery(session, draft))).ids[0]


def texts(box: Server) -> list[str]:
    return [post.text for post in box.public_posts()]


def posted(box: Server) -> int:
    return sum(one["method"] == "POST" and one["path"] == "/api/v1/statuses" for one in box.requests)


async def test_everything_that_was_chosen_arrives(box: Server, kopi: ContractSession) -> None:
    draft = saying(
        "Halo",
        CUP,
        media("shop", alt="Toko"),
        language="id-ID",
        options={
            "visibility": "unlisted",
            "warning": "awas",
            "sensitive": "yes",
            "focus": "0.2,-0.5",
            "quotes": "followers",
        },
    )
    done = await run_to_end(connector, kopi, await delivery(kopi, draft))
    (post,) = box.public_posts()
    assert done.url == post.url == f"{box.base_url}/@kopisenja/{post.id}"
    assert [one["alt"] for one in post.media] == [CUP.alt, "Toko"]
    assert {
        name: post.extra[name] for name in ("visibility", "warning", "sensitive", "language", "quotes", "focus")
    } == {
        "visibility": "unlisted",
        "warning": "awas",
        "sensitive": "yes",
        "language": "id",
        "quotes": "followers",
        "focus": [{"x": 0.2, "y": -0.5}, None],
    }
    assert done.raw["statuses"][0]["visibility"] == "unlisted"  # type: ignore[index,call-overload]


async def test_a_thread_answers_itself_part_by_part(box: Server, kopi: ContractSession) -> None:
    done = await run_to_end(
        connector, kopi, await delivery(kopi, Draft(parts=tuple(Part(text=f"bagian {n}") for n in range(3))))
    )
    assert [(post.id, post.in_reply_to) for post in box.public_posts()] == [
        (done.ids[0], ""),
        (done.ids[1], done.ids[0]),
        (done.ids[2], done.ids[1]),
    ]


async def test_an_answer_and_a_quote_by_address(
    box: Server, http: aiohttp.ClientSession, kopi: ContractSession
) -> None:
    theirs = await published(await signed_in(box, http, KABAR), saying("Berita pagi"))
    address = f"{box.base_url}/@kabarpagi/{theirs}"
    await published(kopi, saying("Setuju", reply_to=address, options={"quote": address}))
    *_, mine = box.public_posts()
    assert (mine.in_reply_to, mine.extra["quote"]) == (theirs, theirs)
    assert sum(one["path"].startswith("/api/v2/search") for one in box.requests) == 2


async def test_an_address_that_leads_nowhere_is_told(kopi: ContractSession) -> None:
    for draft, field in (
        (saying("x", reply_to="https://lain.social/@bob/5"), "reply_to"),
        (saying("x", options={"quote": "https://lain.social/@bob/5"}), "options.quote"),
        (saying("x", reply_to="5"), "reply_to"),
    ):
        with pytest.raises(Rejected) as told:
            await published(kopi, draft)
        assert told.value.problems[0].field == field


async def test_a_video_is_waited_for(box: Server, kopi: ContractSession) -> None:
    box.processing_seconds = 30
    one = await delivery(kopi, saying("x", media("pour")))
    for _ in range(3):
        step = await connector.publish(kopi, one)
        assert isinstance(step, PendingStep)
        assert step.note == "Mastodon is processing the file pour.mp4."
        assert timedelta(0) < step.after < timedelta(seconds=5)
        one = replace(one, progress=step.progress)
    box.clock_offset = 31
    await run_to_end(connector, kopi, one)
    assert [post.media[0]["kind"] for post in box.public_posts()] == ["video"]


async def test_a_video_that_cannot_be_processed_is_told(box: Server, kopi: ContractSession) -> None:
    with pytest.raises(Rejected) as told:
        await published(kopi, Draft(parts=(Part(text="a"), Part(text="b", media=(media("broken"),)))))
    assert (told.value.problems[0].code, told.value.problems[0].field) == ("media-refused", "parts.1.media.0")
    assert texts(box) == []


async def test_a_file_that_is_refused_is_named(box: Server, kopi: ContractSession) -> None:
    box.image_limit = 10
    one = Delivery(key=uuid4(), post=connector.render(saying("x", CUP), connector.baseline), due_at=kopi.now())
    with pytest.raises(Rejected) as told:
        await connector.publish(kopi, one)
    assert (told.value.problems[0].code, told.value.problems[0].field) == ("too-large", "parts.0.media.0")


async def test_a_server_that_is_not_ready_with_a_file_is_asked_again(box: Server, kopi: ContractSession) -> None:
    """As one that cannot say how far it is: the post is the first to hear of it."""
    box.lacks, box.processing_seconds = frozenset({"media-get"}), 30
    one = await delivery(kopi, saying("x", media("pour")))
    step: object = None
    for _ in range(3):
        step = await connector.publish(kopi, one)
        assert isinstance(step, PendingStep)
        one = replace(one, progress=step.progress)
    assert isinstance(step, PendingStep)
    assert "is still processing one of the files in this post" in step.note
    box.clock_offset = 31
    await run_to_end(connector, kopi, one)
    assert texts(box) == ["x"]


async def test_the_older_upload_serves_where_there_is_no_newer_one(box: Server, kopi: ContractSession) -> None:
    box.faults.append(
        OrderedFault(effect="status", path="/api/v2/media", status=404, text="<h1>404 Not Found</h1>", times=-1)
    )
    await published(kopi, saying("x", CUP))
    assert [post.media[0]["alt"] for post in box.public_posts()] == [CUP.alt]


async def test_a_file_that_the_server_forgot_is_uploaded_again(box: Server, kopi: ContractSession) -> None:
    one = await delivery(kopi, saying("x", CUP))
    step = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)
    for doc in list(box.store.all("media")):
        box.store.remove("media", doc["id"])
    await run_to_end(connector, kopi, replace(one, progress=step.progress))
    assert texts(box) == ["x"]


async def test_files_go_ahead_and_the_post_waits_for_its_time(box: Server, kopi: ContractSession) -> None:
    one = replace(await delivery(kopi, saying("x", CUP)), due_at=kopi.now() + timedelta(hours=1))
    first = await connector.publish(kopi, one)
    assert isinstance(first, PendingStep)
    second = await connector.publish(kopi, replace(one, progress=first.progress))
    assert isinstance(second, PendingStep)
    assert timedelta(minutes=59) < second.after <= timedelta(hours=1)
    assert texts(box) == []


async def test_a_text_that_this_server_finds_too_long_is_told_with_its_length(
    box: Server, kopi: ContractSession
) -> None:
    one = await delivery(kopi, Draft(parts=(Part(text="a"), Part(text="b" * 60))))
    box.max_characters = 50
    with pytest.raises(Rejected) as told:
        await run_to_end(connector, kopi, one)
    problem = told.value.problems[0]
    assert (problem.field, problem.limit, problem.actual) == ("parts.1.text", 50, 60)


# Doubt: an answer was lost after the server had taken the post


async def lost(box: Server, session: ContractSession, draft: Draft) -> Delivery:
    """A delivery whose post is out, and nobody was told."""
    one = await delivery(session, draft)
    one = replace(one, begun_at=session.now())
    while True:
        if not any(part.media for part in one.post.parts) or len(one.progress.get("files") or ()) == sum(
            len(p.media) for p in one.post.parts
        ):  # type: ignore[arg-type]
            break
        step = await connector.publish(session, one)
        assert isinstance(step, PendingStep)
        one = replace(one, progress=step.progress, begun_at=session.now())
    box.faults.append(OrderedFault(effect="drop-after", path="/api/v1/statuses"))
    with pytest.raises(Uncertain):
        await connector.publish(session, one)
    return one


async def test_within_the_hour_the_same_key_gives_the_same_post(box: Server, kopi: ContractSession) -> None:
    one = await lost(box, kopi, saying("Sekali"))
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    done = await run_to_end(connector, kopi, replace(one, progress=found.progress))
    assert texts(box) == ["Sekali"]
    assert done.ids == tuple(post.id for post in box.public_posts())
    assert posted(box) == 2
    assert not any("/statuses?" in seen["path"] for seen in box.requests)


class Later:
    """Lets the session's and the sandbox's clock go ahead together."""

    def __init__(self, box: Server, session: ContractSession, monkeypatch: pytest.MonkeyPatch) -> None:
        self.box, self.session, self.monkeypatch, self.now = box, session, monkeypatch, session.now

    def by(self, **how: float) -> None:
        ahead = timedelta(**how)

        def now() -> datetime:
            return self.now() + ahead

        self.monkeypatch.setattr(self.session, "now", now)
        self.box.clock_offset = ahead.total_seconds()


@pytest.fixture
def later(box: Server, kopi: ContractSession, monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(box, kopi, monkeypatch)


@pytest.mark.parametrize(
    "draft", [saying("Sekali @amy@kopi.id <b> https://kopi.id/a?b=c&d=1\n\n• satu"), saying("", CUP), saying("x", CUP)]
)
async def test_after_the_hour_the_accounts_posts_tell(
    box: Server, kopi: ContractSession, later: Later, draft: Draft
) -> None:
    one = await lost(box, kopi, draft)
    later.by(hours=3)
    done = await connector.find(kopi, one)
    assert not isinstance(done, PendingStep | None)
    assert done.ids == tuple(post.id for post in box.public_posts())
    assert posted(box) == 1


async def test_a_key_that_ran_out_between_is_not_relied_upon(box: Server, kopi: ContractSession, later: Later) -> None:
    """find says within the hour that it may be sent again; the worker comes to it hours later."""
    one = await lost(box, kopi, saying("Sekali"))
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    later.by(hours=3)
    await run_to_end(connector, kopi, replace(one, progress=found.progress))
    assert texts(box) == ["Sekali"]


async def test_the_hour_begins_with_the_first_try(box: Server, kopi: ContractSession, later: Later) -> None:
    """Two lost answers, fifty minutes apart: the key ends an hour after the first."""
    one = await lost(box, kopi, saying("Sekali"))
    later.by(minutes=45)
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    again = replace(one, progress=found.progress, begun_at=kopi.now())
    box.faults.append(OrderedFault(effect="drop-after", path="/api/v1/statuses"))
    with pytest.raises(Uncertain):
        await connector.publish(kopi, again)
    later.by(minutes=90)
    done = await connector.find(kopi, again)
    assert not isinstance(done, PendingStep | None)
    assert texts(box) == ["Sekali"]


async def test_what_never_arrived_goes_out_after_the_hour(box: Server, kopi: ContractSession, later: Later) -> None:
    one = replace(await delivery(kopi, saying("Sekali")), begun_at=kopi.now())
    later.by(hours=3)
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)
    await run_to_end(connector, kopi, replace(one, progress=found.progress))
    assert texts(box) == ["Sekali"]


@pytest.mark.parametrize("visibility", ["public", "private"])
async def test_a_server_that_keeps_no_keys_is_asked_for_its_posts(
    box: Server, kopi: ContractSession, visibility: str
) -> None:
    box.lacks, box.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    one = await lost(box, kopi, saying("Sekali", options={"visibility": visibility}))
    done = await connector.find(kopi, one)
    assert not isinstance(done, PendingStep | None)
    assert (posted(box), texts(box)) == (1, ["Sekali"])


async def test_a_text_that_the_server_garbles_is_known_again(box: Server, kopi: ContractSession) -> None:
    """snac gives the letters of Scotland's flag back as others; a look-up must not send the post a second time."""
    box.lacks, box.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    one = await lost(box, kopi, saying("Kopi 🏴󠁧󠁢󠁳󠁣󠁴󠁿 𠮷"))
    assert not isinstance(await connector.find(kopi, one), PendingStep | None)
    assert texts(box) != ["Kopi 🏴󠁧󠁢󠁳󠁣󠁴󠁿 𠮷"]
    assert len(texts(box)) == 1


async def test_an_earlier_post_of_the_same_words_is_not_taken_for_it(
    box: Server, kopi: ContractSession, later: Later
) -> None:
    box.lacks, box.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    await published(kopi, saying("Selamat pagi"))
    later.by(seconds=60)
    one = await lost(box, kopi, saying("Selamat pagi"))
    done = await connector.find(kopi, one)
    assert not isinstance(done, PendingStep | None)
    assert done.ids[0] == [post.id for post in box.public_posts()][-1]


async def test_a_post_with_other_files_or_in_another_place_is_not_taken_for_it(
    box: Server, kopi: ContractSession
) -> None:
    box.lacks, box.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    one = replace(await delivery(kopi, saying("Sama")), begun_at=kopi.now())
    with_picture = await published(kopi, saying("Sama", CUP))
    await published(kopi, saying("Sama", reply_to=with_picture))
    found = await connector.find(kopi, one)
    assert isinstance(found, PendingStep)


async def test_another_post_with_the_same_picture_is_not_taken_for_it(box: Server, kopi: ContractSession) -> None:
    """snac gives equal files one address, so an address alone tells nothing."""
    box.lacks, box.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    one = await delivery(kopi, saying("Pagi", CUP))
    step = await connector.publish(kopi, one)
    assert isinstance(step, PendingStep)
    one = replace(one, progress=step.progress, begun_at=kopi.now())
    await published(kopi, saying("Siang", CUP))
    assert isinstance(await connector.find(kopi, one), PendingStep)
    await run_to_end(connector, kopi, one)
    assert texts(box) == ["Siang", "Pagi"]


@pytest.mark.parametrize("source", ["kept", "not kept"])
async def test_html_that_reads_differently_is_held_against_the_source(
    box: Server, kopi: ContractSession, later: Later, source: str
) -> None:
    one = await lost(box, kopi, saying("Sekali", CUP))
    later.by(hours=3)
    box.statuses._content = lambda text: "<p><b>Se</b> [kali] — diubah</p>"  # type: ignore[method-assign]
    if source == "not kept":
        box.faults.append(OrderedFault(effect="status", path="/source", status=404, times=-1))
    assert not isinstance(await connector.find(kopi, one), PendingStep | None)


async def test_too_many_posts_to_tell_is_said(box: Server, kopi: ContractSession) -> None:
    box.lacks, box.version, box.limits_off = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)", True
    one = replace(await delivery(kopi, saying("Sekali")), begun_at=kopi.now())
    for _ in range(PAGE_SIZE * MAX_PAGES + 1):
        made = {**next(box.store.all("account")), "id": str(box.new_id())}
        status = {
            "id": made["id"],
            "account": kopi.account_id,
            "app": "",
            "text": "lain",
            "warning": "",
            "sensitive": False,
            "visibility": "public",
            "language": "id",
            "reply_to": "",
            "reply_account": "",
            "quote": "",
            "quotes": "public",
            "media": [],
            "poll": None,
            "at": kopi.now().isoformat(),
        }
        box.store.put("status", made["id"], status)
        box.statuses.of.setdefault(kopi.account_id, {})[made["id"]] = None
    with pytest.raises(Uncertain):
        await connector.find(kopi, one)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_a_servers_clock_may_differ(box: Server, kopi: ContractSession, hours: int) -> None:
    box.lacks, box.version, box.clock_offset = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)", hours * 3600
    await published(kopi, saying("Sekali"))
    box.clock_offset += 30
    before = replace(await delivery(kopi, saying("Sekali")), begun_at=kopi.now())
    assert isinstance(await connector.find(kopi, before), PendingStep)
    one = await lost(box, kopi, saying("Sekali"))
    assert not isinstance(await connector.find(kopi, one), PendingStep | None)


async def test_deleting_a_missing_post_or_somebody_elses(
    box: Server, http: aiohttp.ClientSession, kopi: ContractSession
) -> None:
    mine = await published(kopi, saying("x"))
    await connector.delete(kopi, mine)
    await connector.delete(kopi, mine)
    theirs = await published(await signed_in(box, http, KABAR), saying("y"))
    with pytest.raises(Rejected):
        await connector.delete(kopi, theirs)
    assert texts(box) == ["y"]
