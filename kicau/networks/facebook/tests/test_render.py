"""What the preview says of a post for Facebook."""

from __future__ import annotations

import pytest

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, SpanKind
from kicau.networks.facebook.limits import baseline
from kicau.networks.facebook.render import find_spans, render


def media(**how):
    return Media(
        **{
            "ref": "m",
            "kind": MediaKind.IMAGE,
            "mime": "image/jpeg",
            "size": 1000,
            "name": "m",
            "width": 800,
            "height": 600,
            **how,
        }
    )


def clip(**how):
    return media(
        **{
            "kind": MediaKind.VIDEO,
            "mime": "video/mp4",
            "width": 1080,
            "height": 1920,
            "duration_ms": 30_000,
            "fps": 30.0,
            **how,
        }
    )


def drafted(*files, text="a", **how):
    return Draft(parts=(Part(text=text, media=files),), **how)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Baca https://a.id/b, lalu www.c.id.", [("link", "https://a.id/b"), ("link", "www.c.id")]),
        ("(https://a.id/x_(y)) dan", [("link", "https://a.id/x_(y")]),
        ("#kopi #2026 #kopi2026 #東京", [("tag", "#kopi"), ("tag", "#kopi2026"), ("tag", "#東京")]),
        ("a#b &#39; https://a.id/#c", [("link", "https://a.id/#c")]),
        (
            "Halo @[102200000000101] dan @[5:1:Nama], surel a@b.id",
            [("mention", "@[102200000000101]"), ("mention", "@[5:1:Nama]")],
        ),
    ],
)
def test_spans_are_facebooks_own(text, found):
    told = find_spans(text)
    assert [(str(one.kind), one.text) for one in told] == found
    assert all(text[one.start : one.end] == one.text for one in told)


def test_a_span_names_what_it_stands_for():
    link, mention = find_spans("www.a.id @[77]")
    assert (link.kind, link.target) == (SpanKind.LINK, "http://www.a.id")
    assert mention.target == "77"


def test_length_is_counted_in_characters_of_what_is_sent():
    part = render(drafted(text="  kopi ☕\r\nsenja  "), baseline).parts[0]
    assert (part.text, part.used, part.limit) == ("kopi ☕\nsenja", 12, 63_206)


@pytest.mark.parametrize(
    ("video", "asked", "chosen"),
    [
        (clip(), "auto", "reel"),
        (clip(), "video", "video"),
        (clip(width=1920, height=1080), "auto", "video"),
        (clip(duration_ms=95_000), "auto", "video"),
        (clip(width=360, height=640), "auto", "video"),
        (clip(fps=12.0), "auto", "video"),
        (clip(width=1920, height=1080), "reel", "reel"),
    ],
)
def test_a_video_becomes_a_reel_where_it_fits(video, asked, chosen):
    assert render(drafted(video, options={"format": asked}), baseline).options["format"] == chosen


def test_a_large_png_gets_a_copy_and_says_so():
    told = render(drafted(media(mime="image/png", size=9_000_000)), baseline)
    assert told.problems == ()
    assert told.parts[0].media[0].recipe.mime == "image/jpeg"
    assert [notice.code for notice in told.notices] == ["will-convert"]
    assert "4 MB" in told.notices[0].sentence


def test_a_large_png_that_must_not_be_copied_is_a_problem():
    told = render(drafted(media(mime="image/png", size=9_000_000), convert=False), baseline)
    assert [(problem.code, problem.fix, problem.field) for problem in told.problems] == [
        ("too-large", "convert", "parts.0.media.0")
    ]


def test_a_card_of_ones_own_is_told_not_to_be_shown():
    told = render(Draft(parts=(Part(text="a"),), link=Link(url="https://a.id", title="Judul")), baseline)
    assert [notice.code for notice in told.notices] == ["own-card-unused"]
    assert told.problems == ()


def test_a_comment_has_its_own_limit():
    told = render(drafted(first_comment="a" * 8001), baseline)
    assert [(problem.code, problem.field, problem.limit) for problem in told.problems] == [
        ("too-long", "first_comment", 8000)
    ]


def test_charges_count_calls():
    assert [(c.meter, c.units) for c in render(drafted(media(), media(), first_comment="b"), baseline).charges] == [
        ("calls", 4)
    ]
