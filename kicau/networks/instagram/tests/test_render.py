"""What the preview says of a post for Instagram."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kicau.connector.content import Draft, Media, MediaKind, Part
from kicau.networks.instagram.limits import baseline
from kicau.networks.instagram.render import find_spans, render


def media(**how):
    return Media(
        **{
            "ref": "m",
            "kind": MediaKind.IMAGE,
            "mime": "image/jpeg",
            "size": 1000,
            "name": "m",
            "width": 1080,
            "height": 1080,
            **how,
        }
    )


def clip(**how):
    return media(
        **{
            "kind": MediaKind.VIDEO,
            "mime": "video/mp4",
            "height": 1920,
            "duration_ms": 30_000,
            "fps": 30.0,
            "video_codec": "h264",
            **how,
        }
    )


def drafted(*files, text="a", **how):
    return Draft(parts=(Part(text=text, media=files),), **how)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#kopi #2026 #senja_☕ #東京", [("tag", "#kopi"), ("tag", "#2026"), ("tag", "#senja_☕"), ("tag", "#東京")]),
        ("@kopi.senja. dan @kabar_pagi!", [("mention", "@kopi.senja"), ("mention", "@kabar_pagi")]),
        ("surel a@b.id, https://a.id/#x, a#b", []),
        ("@" + "a" * 31, []),
    ],
)
def test_spans_are_instagrams_own(text, found):
    told = find_spans(text)
    assert [(str(one.kind), one.text) for one in told] == found
    assert all(text[one.start : one.end] == one.text for one in told)


def test_a_nine_megabyte_png_gets_a_jpeg_copy_and_says_so():
    told = render(drafted(media(mime="image/png", size=9_000_000, width=4000, height=4000)), baseline)
    recipe = told.parts[0].media[0].recipe
    assert told.problems == ()
    assert (recipe.mime, recipe.max_width, recipe.max_size) == ("image/jpeg", 1440, 8_000_000)
    assert (recipe.min_aspect, recipe.max_aspect) == (0.8, 1.91)
    assert [notice.code for notice in told.notices] == ["will-convert"]
    assert all(word in told.notices[0].sentence for word in ("Instagram", "8 MB", "9 MB", "JPEG"))


def test_a_tall_picture_is_padded_never_cropped():
    told = render(drafted(media(width=1080, height=1920)), baseline)
    assert told.parts[0].media[0].recipe.min_aspect == 0.8
    assert told.problems == ()


def test_a_story_takes_a_tall_picture_as_it_is_and_no_text():
    told = render(drafted(media(width=1080, height=1920), options={"format": "story"}), baseline)
    assert told.parts[0].media[0].recipe is None
    assert told.parts[0].text == ""
    assert [notice.code for notice in told.notices] == ["text-not-shown"]


@pytest.mark.parametrize(
    ("files", "asked", "chosen"),
    [
        ((media(),), "auto", "auto"),
        ((clip(),), "auto", "reel"),
        ((media(), clip()), "auto", "auto"),
        ((clip(),), "story", "story"),
    ],
)
def test_the_format_is_settled_in_the_preview(files, asked, chosen):
    told = render(drafted(*files, options={"format": asked}), baseline)
    assert told.options == {"format": chosen, "share_to_feed": "true"}


def test_a_story_is_one_file():
    told = render(drafted(media(), media(), options={"format": "story"}), baseline)
    assert "too-many-media" in [problem.code for problem in told.problems]


def test_a_carousels_video_is_shorter_than_a_reel():
    long = clip(duration_ms=120_000)
    assert render(drafted(long), baseline).problems == ()
    assert [problem.code for problem in render(drafted(media(), long), baseline).problems] == ["too-long-video"]


def test_other_shapes_in_a_carousel_are_told():
    told = render(drafted(media(), media(height=1350)), baseline)
    assert [notice.code for notice in told.notices] == ["cropped-to-first"]


def test_alt_text_of_a_video_is_told_to_stay():
    assert [notice.code for notice in render(drafted(clip(alt="Uap")), baseline).notices] == ["alt-not-taken"]


def test_a_full_quota_is_told_with_the_time_it_frees_and_blocks_nothing():
    can = replace(baseline, quota={"posts-24h": 50, "posts-24h-used": 50, "posts-24h-resets": 1_795_600_000})
    told = render(drafted(media()), can)
    assert told.problems == ()
    assert [notice.code for notice in told.notices] == ["quota-full"]
    assert "2026-11-25 09:46 UTC" in told.notices[0].sentence
    assert render(drafted(media()), replace(can, quota={"posts-24h": 50, "posts-24h-used": 49})).notices == ()


def test_charges_count_one_post_of_the_quota():
    told = render(drafted(media(), media(), first_comment="b"), baseline)
    assert [(charge.meter, charge.units) for charge in told.charges] == [("posts-24h", 1), ("calls", 7)]
