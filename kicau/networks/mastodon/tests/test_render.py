from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kicau.connector.content import Charge, Draft, Link, Media, MediaKind, Part, Poll, SpanKind
from kicau.networks.mastodon import servers
from kicau.networks.mastodon.limits import baseline, capabilities_of_server
from kicau.networks.mastodon.render import focal_point, render
from kicau.networks.mastodon.tests.cast import CUP, DRAFTS, media, saying

TODAY = date(2026, 11, 24)


def told(draft: Draft, can: object = baseline) -> dict[str, str]:
    return {p.code: p.sentence for p in render(draft, can).problems}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(DRAFTS))
def test_each_draft_of_the_cast_can_go_out(name: str) -> None:
    assert render(DRAFTS[name], baseline).problems == ()


def test_the_limit_is_exact_and_the_warning_counts() -> None:
    assert told(saying("a" * 500)) == {}
    assert told(saying("a" * 501)) == {
        "too-long": "On Mastodon, the text has 501 characters, but the limit is 500. Shorten the text, or split it into a thread (several connected posts)."
    }
    assert told(saying("a" * 496, options={"warning": "awas"})) == {}
    assert "too-long" in told(saying("a" * 497, options={"warning": "awas"}))


def test_each_part_of_a_thread_counts_with_the_warning() -> None:
    thread = Draft(parts=(Part(text="a"), Part(text="b" * 3)), options={"warning": "w" * 10})
    assert [part.used for part in render(thread, baseline).parts] == [11, 13]


def test_links_and_mentions_are_shortened_and_marked() -> None:
    made = render(saying("  @amy@kopi.social https://kopisenja.com/" + "a" * 600 + " #x \n"), baseline)
    part = made.parts[0]
    assert (made.problems, part.used) == ((), 4 + 1 + 23 + 1 + 2)
    assert [span.kind for span in part.spans] == [SpanKind.MENTION, SpanKind.LINK, SpanKind.TAG]
    assert part.text.endswith("#x")


def test_what_is_blank_is_told() -> None:
    assert told(saying(" "))["empty"] == "For Mastodon, the post is empty. Write text or add a file."
    assert told(Draft(parts=(Part(text="a"), Part(text=""))))["empty"].startswith(
        "For Mastodon, part 2 of the thread is empty"
    )
    assert "has a content warning but no text and no" in told(saying("", options={"warning": "awas"}))["empty"]
    assert told(saying("", options={"quote": "1"})) == {}
    assert (
        told(saying("", poll=Poll(options=("a", "b"))))["empty"]
        == "A poll on Mastodon needs a question. Write the question into the text of the post."
    )


def test_a_link_is_put_into_the_text() -> None:
    made = render(saying("Read", link=Link(url="https://kopi.id/a", title="T")), baseline)
    assert made.parts[0].text == "Read\n\nhttps://kopi.id/a"
    assert {n.code for n in made.notices} == {"no-link-card", "link-in-text"}
    there = render(saying("https://kopi.id/a", link=Link(url="https://kopi.id/a")), baseline)
    assert (there.parts[0].text, there.notices) == ("https://kopi.id/a", ())


@pytest.mark.parametrize(
    ("tag", "sent"), [("", ""), ("id", "id"), ("id-ID", "id"), ("en_GB", "en"), ("zh-Hant-TW", "zh-TW"), ("zh", "zh")]
)
def test_languages_as_mastodon_knows_them(tag: str, sent: str) -> None:
    assert render(saying("x", language=tag), baseline).language == sent


def test_pictures_and_gifs_go_together_and_a_video_alone() -> None:
    assert told(saying("x", CUP, media("steam"))) == {}
    assert told(saying("x", media("steam"), media("pour"))) == {
        "mixed-media": "Mastodon does not allow a video together with other files in one post. Remove the video, or remove the other files."
    }


def test_pictures_that_a_server_does_not_take_are_converted() -> None:
    huge = Media(ref="h", kind=MediaKind.IMAGE, mime="image/png", size=9_000_000, width=10_000, height=5_000)
    (one,) = render(saying("x", huge), baseline).parts[0].media
    assert one.recipe is not None
    assert one.recipe.max_width * one.recipe.max_height <= 33_177_600
    assert abs(one.recipe.max_width / one.recipe.max_height - 2) < 0.01
    still = Media(ref="g", kind=MediaKind.IMAGE, mime="image/gif", size=9_000, width=1300, height=800)
    (one,) = render(saying("x", still), baseline).parts[0].media
    assert one.recipe is not None
    small = replace(still, width=1280, height=720)
    assert render(saying("x", small), baseline).parts[0].media[0].recipe is None
    moving = replace(still, kind=MediaKind.GIF, frames=9)
    assert "too-many-pixels" in told(saying("x", moving))


def test_a_file_must_be_smaller_than_the_limit() -> None:
    assert told(saying("x", media("pour", size=103_809_023))) == {}
    assert "too-large" in told(saying("x", media("pour", size=103_809_024)))


def test_a_long_video_may_be_cut() -> None:
    long = media("pour", duration_ms=25 * 60_000, fps=30.0)
    assert [n.sentence for n in render(saying("x", long), baseline).notices] == [
        "Mastodon may show only the first 20 min of the video pour.mp4. If its end is important, shorten the video."
    ]


@pytest.mark.parametrize("given", ["0.2", "a,b", "0,2", "1,2,3", "nan,0"])
def test_a_wrong_focal_point_is_told(given: str) -> None:
    assert "bad-focus" in told(saying("x", CUP, options={"focus": given}))


def test_focal_points_go_by_the_order_of_the_files() -> None:
    made = render(saying("x", CUP, media("shop"), options={"focus": " ; -1,1"}), baseline)
    assert made.problems == ()
    assert [focal_point(made, n) for n in range(3)] == ["", "-1,1", ""]


def test_references_are_ids_or_addresses() -> None:
    server = servers.parse_server_info({"version": "4.5.0", "api_versions": {"mastodon": 7}}, "kopi.social", "s")
    can = capabilities_of_server(server, TODAY)
    for given, kept in (
        ("109300000000000001", "109300000000000001"),
        ("https://kopi.social/@amy/109300000000000001", "109300000000000001"),
        ("https://kopi.social/@bob@lain.social/1093?x=1", "1093"),
        ("https://lain.social/@bob/5", "https://lain.social/@bob/5"),
    ):
        made = render(saying("x", reply_to=given, options={"quote": given}), can)
        assert (made.reply_to, made.options["quote"], made.problems) == (kept, kept, ()), given
    assert told(saying("x", reply_to="/@amy/5"))["bad-reference"].startswith(
        "'/@amy/5' is not the link or ID of a Mastodon post"
    )


def test_lead_and_charges() -> None:
    assert [render(saying("x", *files), baseline).lead for files in ((), (CUP,), (media("pour"),))] == [0, 60, 600]
    thread = Draft(parts=(Part(text="a", media=(CUP,)), Part(text="b")), reply_to="https://lain.social/@bob/5")
    assert render(thread, baseline).charges == (Charge("calls", 4),)
