from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from kicau.connector.content import Delivery, Draft, Link, MediaKind, Part
from kicau.networks.bluesky import limits, records
from kicau.networks.bluesky.limits import baseline
from kicau.networks.bluesky.render import render
from kicau.networks.bluesky.sandbox import schemas
from kicau.networks.bluesky.tests.cast import CUP, DRAFTS, media


def saying(text: str, **more: object) -> Draft:
    return Draft(parts=(Part(text=text),), **more)  # type: ignore[arg-type]


def notices(draft: Draft) -> dict[str, str]:
    return {n.code: n.sentence for n in render(draft, baseline).notices}


def test_a_limit_is_told_in_one_sentence() -> None:
    (problem,) = render(saying("é" * 301), baseline).problems
    assert (
        problem.sentence
        == "On Bluesky, the text has 301 graphemes, but the limit is 300. Shorten the text, or split it into a thread (several connected posts)."
    )
    assert (problem.field, problem.limit, problem.actual, problem.fix) == ("parts.0.text", 300, 301, "split")


def test_bytes_are_a_limit_of_their_own() -> None:
    (problem,) = render(Draft(parts=(Part(text="x"), Part(text="👨‍👩‍👧‍👦" * 121))), baseline).problems
    assert problem.sentence.startswith(
        "On Bluesky, part 2 of the text has a size of 3025 bytes, but the limit is 3000 bytes"
    )
    assert problem.field == "parts.1.text"


def test_line_ends_are_one_character() -> None:
    made = render(saying("a\r\nb"), baseline)
    assert (made.parts[0].text, made.parts[0].used) == ("a\nb", 3)


@pytest.mark.parametrize("name", list(DRAFTS))
def test_every_draft_is_publishable(name: str) -> None:
    assert render(DRAFTS[name], baseline).problems == ()


def test_pictures_that_are_too_large_are_copied() -> None:
    big = media("cup", size=2_000_001)
    made = render(Draft(parts=(Part(text="x", media=(big, media("shop", mime="image/heic"))),)), baseline)
    assert made.problems == ()
    first, second = (one.recipe for one in made.parts[0].media)
    assert first is not None
    assert second is not None
    assert (first.mime, first.max_size) == ("image/jpeg", 2_000_000)


def test_a_server_with_a_lower_limit() -> None:
    can = limits.capabilities_for_server(5_242_880)
    pour = Draft(parts=(Part(text="x", media=(media("pour", size=5_242_881),)),))
    (problem,) = render(pour, can).problems
    assert (
        problem.sentence
        == "The file size of pour.mp4 is 5.2 MB, but on Bluesky each video can be at most 5.2 MB. Use a smaller file."
    )
    assert render(pour, baseline).problems == ()
    assert limits.capabilities_for_server(10**9).media[MediaKind.VIDEO].max_size == 300_000_000
    assert limits.capabilities_for_server(0) is baseline


def test_a_card_beside_files_is_left_out_only_where_the_address_stays() -> None:
    link = Link(url="https://kopisenja.example", title="t")
    in_text = Draft(parts=(Part(text="see https://kopisenja.example", media=(CUP,)),), link=link)
    made = render(in_text, baseline)
    assert (made.link, made.problems) == (None, ())
    assert "card-left-out" in notices(in_text)
    elsewhere = replace(in_text, parts=(Part(text="x", media=(CUP,)),))
    assert [p.code for p in render(elsewhere, baseline).problems] == ["link-with-media"]


def test_a_card_without_a_title_says_where_it_leads() -> None:
    draft = saying("x", link=Link(url="https://kopisenja.example/a"))
    made = render(draft, baseline)
    assert made.problems == ()
    assert made.link is not None
    assert made.link.title == "kopisenja.example"
    assert "card-without-title" in notices(draft)
    for url in ("https://x y", "http:///x", "javascript:alert(1)", ""):
        assert [p.code for p in render(saying("x", link=Link(url=url)), baseline).problems] == ["bad-link"]
    assert render(saying("x", link=Link(url="https://[")), baseline).link is not None


def test_a_thumbnail_is_made_smaller_or_told() -> None:
    link = Link(url="https://kopisenja.example", title="t", thumbnail=media("cup", size=1_000_001))
    made = render(saying("x", link=link), baseline)
    assert made.problems == ()
    assert [(n.code, n.field) for n in made.notices] == [("will-convert", "link.thumbnail")]
    shown = records.card_picture(made)
    assert shown is not None
    assert shown.recipe == limits.CARD_PICTURE_RECIPE
    (problem,) = render(saying("x", link=link, convert=False), baseline).problems
    assert (problem.code, problem.field) == ("too-large", "link.thumbnail")


def test_what_will_not_be_as_it_seems_is_told() -> None:
    gif = media("cup", kind=MediaKind.GIF, mime="image/gif", frames=20)
    assert "gif-stands-still" in notices(Draft(parts=(Part(text="x", media=(gif,)),)))
    assert "tag-too-long" in notices(saying("#" + "a" * 65))


def test_posts_are_named_by_address_or_page() -> None:
    uri = "at://kopisenja.test/app.bsky.feed.post/3n32ye4jrkk27"
    for given in (uri, "https://bsky.app/profile/kopisenja.test/post/3n32ye4jrkk27?x=1"):
        made = render(saying("x", reply_to=given, options={"quote": given}), baseline)
        assert made.problems == ()
        assert (made.reply_to, made.options["quote"]) == (uri, uri)
    assert [p.field for p in render(saying("x", options={"quote": "nope"}), baseline).problems] == ["options.quote"]


def test_points_are_foretold() -> None:
    assert [c.units for c in render(DRAFTS["text"], baseline).charges] == [2]
    assert [c.units for c in render(DRAFTS["thread"], baseline).charges] == [6]
    assert [c.units for c in render(DRAFTS["gated-thread"], baseline).charges] == [3 * 3 + 2]


def test_work_ahead_of_time() -> None:
    assert [render(DRAFTS[n], baseline).lead for n in ("text", "pictures", "video")] == [0, 60, 300]
    assert render(saying("@kabarpagi.test"), baseline).lead == 60


def test_a_language_may_be_several() -> None:
    assert render(saying("x", language="id, en_GB"), baseline).language == "id,en-GB"


# Keys and moments


def new_id() -> UUID:
    """A UUID of version 7, as a delivery's key is."""
    return UUID(int=(time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | uuid4().int & ~(0xF << 76) & (1 << 80) - 1)


def test_record_keys_are_tids_of_the_past_and_stay() -> None:
    keys = [new_id() for _ in range(2000)]
    made = [records.record_key(key, part) for key in keys for part in (0, 1)]
    assert len(set(made)) == 4000
    assert all(schemas.TID_PATTERN.fullmatch(key) for key in made)
    assert made == [records.record_key(UUID(str(key)), part) for key in keys for part in (0, 1)]
    now = time_of(records.record_key(new_id(), 0))
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(hours=20)
    assert time_of(records.record_key(uuid4(), 3)).year in (2025, 2026)


def time_of(tid: str) -> datetime:
    number = 0
    for char in tid:
        number = number << 5 | records.TID_ALPHABET.index(char)
    return datetime.fromtimestamp((number >> 10) / 1e6, UTC)


def test_a_record_says_the_planned_second_unless_that_is_long_over() -> None:
    due = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    delivery = Delivery(key=uuid4(), post=render(DRAFTS["text"], baseline), due_at=due)
    assert records.created_at(delivery, 0, due + timedelta(minutes=9)) == "2026-11-24T05:00:00.000Z"
    assert records.created_at(delivery, 2, due) == "2026-11-24T05:00:00.002Z"
    assert records.created_at(delivery, 0, due + timedelta(hours=3, minutes=7)) == "2026-11-24T08:00:00.000Z"
    assert records.created_at(replace(delivery, due_at=None), 0, due) == "2026-11-24T05:00:00.000Z"
