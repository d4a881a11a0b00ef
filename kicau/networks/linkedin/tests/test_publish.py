"""What the contract does not ask: LinkedIn's own ways, through the sandbox."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import uuid4

import pytest

from kicau.connector import clock
from kicau.connector.content import Delivery, Draft, Part, PendingStep, Poll, PublishedPost
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.errors import AuthExpired, RateLimited, Rejected, Unavailable
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.linkedin import upload
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import DRAFTS, FILES, MP4, TRICKY


def delivery(draft: Draft) -> Delivery:
    post = connector.render(draft, connector.baseline)
    assert post.problems == ()
    return Delivery(key=uuid4(), post=post)


async def publish(session: ContractSession, name: str) -> PublishedPost:
    return await run_to_end(connector, session, delivery(DRAFTS[name]))


def only(box: Server):  # type: ignore[no-untyped-def]
    (post,) = box.public_posts()
    return post


async def test_mentions_and_hashtags_are_links_there(firm: ContractSession, box: Server) -> None:
    await publish(firm, "picture-and-comment")
    post = only(box)
    assert post.extra["mentions"] == ["urn:li:person:sK7wUlan3d", "urn:li:organization:5012346"]
    assert post.extra["tags"] == ["KopiNusantara"]
    assert post.extra["comments"] == ["Details: https://kopisenja.example/panen_2026 (stok terbatas)"]
    assert post.media[0]["alt"] == "A cup of coffee on a wooden table"


async def test_a_post_for_connections_is_for_them_alone(sari: ContractSession, box: Server) -> None:
    draft = Draft(parts=(Part(text="Untuk rekan"),), options={"visibility": "CONNECTIONS"})
    await run_to_end(connector, sari, delivery(draft))
    assert only(box).extra["visibility"] == "CONNECTIONS"


async def test_nothing_is_cut(firm: ContractSession, box: Server) -> None:
    await publish(firm, "reserved-characters")
    assert (only(box).text, only(box).extra["cut"]) == (TRICKY, "")


async def test_the_files_arrive_whole(firm: ContractSession, box: Server) -> None:
    await publish(firm, "video")
    assert only(box).media[0]["sha256"] == hashlib.sha256(MP4).hexdigest()
    puts = [r["path"] for r in box.requests if r["method"] == "PUT"]
    assert len(puts) == 3, "two parts, of 4 MB and of what is left, and the cover"
    async with firm.http.client.get(only(box).media[0]["url"]) as answer:
        assert await answer.read() == MP4


async def test_a_card_has_our_title_and_picture(firm: ContractSession, box: Server) -> None:
    await publish(firm, "article")
    article = only(box).extra["article"]
    assert article["title"] == "A farm story"
    assert article["description"] == "From the (high) slopes"
    assert article["thumbnail"].startswith("urn:li:image:")
    async with firm.http.client.get(only(box).url) as page:
        assert "A farm story" in await page.text()


async def test_a_document_and_a_poll(firm: ContractSession, box: Server) -> None:
    await publish(firm, "document")
    await publish(firm, "poll")
    document, poll = box.public_posts()
    assert document.extra["title"] == "Menu, November"
    assert poll.extra["poll"]["settings"] == {"duration": "THREE_DAYS"}
    assert [o["text"] for o in poll.extra["poll"]["options"]] == ["Gayo", "Toraja", "Kintamani"]


async def test_keys_go_out_escaped(firm: ContractSession, box: Server) -> None:
    done = await publish(firm, "text")
    await connector.delete(firm, done.ids[0])
    path = next(r["path"] for r in box.requests if r["method"] == "DELETE")
    assert path.startswith("/rest/posts/urn%3Ali%3Ashare%3A")


async def test_a_member_comments_once_a_minute(firm: ContractSession, box: Server) -> None:
    first, second = (
        delivery(DRAFTS["picture-and-comment"]),
        delivery(Draft(parts=(Part(text="Another"),), first_comment="and more")),
    )
    await run_to_end(connector, firm, first)
    with clock.freeze_clock(clock.now()):
        step = await connector.publish(firm, second)
        assert isinstance(step, PendingStep)
        waits = await connector.publish(firm, replace(second, progress=step.progress))
        assert isinstance(waits, PendingStep)
        assert waits.after.total_seconds() == 60
    assert "allows each member only one comment a minute, so" in waits.note
    box.clock_offset = 61
    done = await connector.publish(firm, replace(second, progress=waits.progress))
    assert isinstance(done, PublishedPost)
    assert [p.extra["comments"] for p in box.public_posts()][1] == ["and more"]


async def test_a_daily_limit_holds_a_comment_too(firm: ContractSession, box: Server) -> None:
    step = await connector.publish(firm, delivery(Draft(parts=(Part(text="x"),), first_comment="y")))
    assert isinstance(step, PendingStep)
    box.member_calls_a_day = 0
    with pytest.raises(RateLimited):
        await connector.publish(
            firm, replace(delivery(Draft(parts=(Part(text="x"),), first_comment="y")), progress=step.progress)
        )


async def test_a_refused_comment_leaves_the_post_published(firm: ContractSession, box: Server) -> None:
    box.faults.append(
        OrderedFault(
            effect="status", path="comments", status=400, text='{"message": "Comments are turned off", "status": 400}'
        )
    )
    done = await run_to_end(connector, firm, delivery(Draft(parts=(Part(text="x"),), first_comment="y")))
    (warning,) = done.warnings
    assert "Comments are turned off" in warning.sentence
    assert len(list(box.public_posts())) == 1


async def test_a_lost_comment_of_a_member_is_a_warning(sari: ContractSession, box: Server) -> None:
    box.faults.append(OrderedFault(effect="drop-after", path="comments"))
    done = await run_to_end(connector, sari, delivery(Draft(parts=(Part(text="x"),), first_comment="y")))
    assert [w.code for w in done.warnings] == ["no-first-comment"]
    assert only(box).extra["comments"] == ["y"]


async def test_a_duplicate_is_refused_in_a_sentence(firm: ContractSession, box: Server) -> None:
    done = await publish(firm, "text")
    with pytest.raises(Rejected) as told:
        await publish(firm, "text")
    assert told.value.problems[0].code == "duplicate"
    assert done.ids[0] in told.value.problems[0].sentence


async def test_a_file_that_is_no_video_is_refused(firm: ContractSession, box: Server, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "fake.mp4"
    path.write_bytes(b"not a video at all" * 10_000)
    firm.files = {**FILES, "pour": replace(FILES["pour"], path=path, size=path.stat().st_size)}
    with pytest.raises(Rejected) as told:
        await publish(firm, "video")
    assert "could not process the file pour.mp4" in told.value.problems[0].sentence
    assert list(box.public_posts()) == []


async def test_a_member_posts_a_document_whose_status_is_not_told(
    sari: ContractSession, box: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = delivery(DRAFTS["document"])
    sent = await connector.publish(sari, first)
    assert isinstance(sent, PendingStep)
    blind = await connector.publish(sari, replace(first, progress=sent.progress))
    assert isinstance(blind, PendingStep)
    assert blind.after == upload.BLIND_PROCESSING_WAIT
    done = await run_to_end(connector, sari, replace(first, progress=blind.progress))
    assert only(box).id == done.ids[0]


async def test_a_file_still_in_work_is_waited_for(sari: ContractSession, box: Server) -> None:
    box.processing_seconds = 0.3
    first = delivery(DRAFTS["document"])
    step = await connector.publish(sari, first)
    notes = []
    for _ in range(3):
        assert isinstance(step, PendingStep)
        notes.append(step.note)
        step = await connector.publish(sari, replace(first, progress=step.progress))
    assert isinstance(step, PendingStep)
    assert "is still processing one of the files in this" in step.note
    box.clock_offset = 1
    assert isinstance(await connector.publish(sari, replace(first, progress=step.progress)), PublishedPost)


async def test_upload_addresses_that_expired_are_asked_for_again(firm: ContractSession, box: Server) -> None:
    first = delivery(DRAFTS["video"])
    step = await connector.publish(firm, first)
    assert isinstance(step, PendingStep)
    (entry,) = step.progress["files"]  # type: ignore[misc]
    old = {**entry, "until": 1000}
    again = await connector.publish(firm, replace(first, progress={"files": [old]}))
    assert isinstance(again, PendingStep)
    assert again.progress["files"][0]["urn"] != entry["urn"]  # type: ignore[index]
    await run_to_end(connector, firm, replace(first, progress=again.progress))
    assert len(list(box.public_posts())) == 1


async def test_an_expired_version_is_a_sentence(firm: ContractSession, box: Server) -> None:
    box.versions = frozenset({"203001"})
    with pytest.raises(Rejected) as told:
        await publish(firm, "text")
    assert told.value.problems[0].code == "expired-version"


async def test_a_lost_role_or_scope_asks_for_a_reconnect(
    firm: ContractSession, sari: ContractSession, box: Server
) -> None:
    (role,) = [r for r in box.store.all("role") if r["role"] == "ADMINISTRATOR"]
    box.store.put("role", f"{role['roleAssignee']}|{role['organization']}", {**role, "state": "REVOKED"})
    with pytest.raises(AuthExpired) as told:
        await publish(firm, "text")
    assert told.value.missing == {"w_organization_social"}
    token = box.store.get("token", sari.credentials.access_token)
    box.store.put("token", sari.credentials.access_token, {**token, "scopes": ["r_basicprofile"]})  # type: ignore[dict-item]
    with pytest.raises(AuthExpired) as told:
        await publish(sari, "text")
    assert told.value.missing == {"w_member_social"}


async def test_a_post_that_an_image_identifies_is_found_by_it(firm: ContractSession, box: Server) -> None:
    """Another post of the same words is not taken for this one."""
    draft = Draft(parts=DRAFTS["picture-and-comment"].parts)
    await run_to_end(connector, firm, delivery(draft))
    second = replace(delivery(draft), begun_at=firm.now())
    step = await connector.publish(firm, second)
    assert isinstance(step, PendingStep)
    assert await connector.find(firm, replace(second, progress=step.progress)) is None


async def test_an_older_post_of_the_same_words_is_not_found(firm: ContractSession, box: Server) -> None:
    done = await publish(firm, "text")
    looked = replace(delivery(DRAFTS["text"]), begun_at=firm.now())
    found = await connector.find(firm, looked)
    assert isinstance(found, PublishedPost)
    assert found.ids == done.ids
    post = box.store.get("post", done.ids[0])
    box.store.put("post", done.ids[0], {**post, "createdAt": post["createdAt"] - 120_000})  # type: ignore[index,dict-item]
    assert await connector.find(firm, looked) is None


async def test_a_busy_author_is_looked_through(firm: ContractSession, box: Server) -> None:
    done = await publish(firm, "text")
    looked = replace(delivery(DRAFTS["text"]), begun_at=firm.now())
    post = box.store.get("post", done.ids[0]) or {}
    for n in range(300):
        urn = f"urn:li:share:{7_000_000_000_000_000_000 + n}"
        box.store.put("post", urn, {**post, "id": urn, "commentary": f"Kabar {n}"})
        box.posts.of[post["author"]][urn] = None
    found = await connector.find(firm, looked)
    assert isinstance(found, PublishedPost)
    assert found.ids == done.ids


async def test_a_poll_is_not_taken_for_a_text(firm: ContractSession) -> None:
    await run_to_end(
        connector, firm, delivery(Draft(parts=(Part(text="Same words"),), poll=Poll(options=("a", "b"), question="q")))
    )
    assert (
        await connector.find(firm, replace(delivery(Draft(parts=(Part(text="Same words"),))), begun_at=firm.now()))
        is None
    )


async def test_deleting_a_post_that_never_existed_succeeds(firm: ContractSession) -> None:
    await connector.delete(firm, "urn:li:share:1")


async def test_the_token_goes_to_no_stranger(firm: ContractSession) -> None:
    assert upload._is_linkedin_host("https://www.linkedin.com/dms-uploads/x", firm)
    assert upload._is_linkedin_host(firm.app.endpoints["api"] + "/dms-uploads/x", firm)
    assert not upload._is_linkedin_host("https://linkedin.com.example/x", firm)
    assert not upload._is_linkedin_host("http://www.linkedin.com/x", firm)


async def test_a_file_that_shrank_is_told(firm: ContractSession, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "cup.jpg"
    path.write_bytes(b"short")
    firm.files = {**FILES, "cup": replace(FILES["cup"], path=path)}
    with pytest.raises(Unavailable):
        await connector.publish(firm, delivery(DRAFTS["picture-and-comment"]))
