"""What the preview says of a post for Threads: its own count of characters above all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kicau.connector.content import Draft, Link, Part, Poll
from kicau.networks.threads import text
from kicau.networks.threads.limits import baseline
from kicau.networks.threads.render import render
from kicau.networks.threads.tests.test_contract import clip, drafted, measured


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("kopi", 4),
        ("é", 1),
        ("e\u0301", 2),
        ("☕", 3),
        ("😀", 4),
        ("❤️", 6),
        ("1️⃣", 7),
        ("🇮🇩", 8),
        ("👨‍👩‍👧‍👦", 25),
        ("© 2026 ½", 8),
        ("שלום", 4),
        ("ꦏꦺꦴꦥꦶ", 5),
        ("", 0),
    ],
)
def test_an_emoji_weighs_its_bytes(written, count):
    assert text.count_characters(written) == count


@pytest.mark.parametrize("unit", ["a", "é", "☕", "👨‍👩‍👧‍👦", "🇮🇩"])
def test_one_past_the_limit_is_too_long(unit):
    fits = unit * (500 // text.count_characters(unit))
    fits += "a" * (500 - text.count_characters(fits))
    assert render(drafted(text=fits), baseline).problems == ()
    (told,) = render(drafted(text=fits + "a"), baseline).problems
    assert (told.code, told.actual, told.limit, told.fix) == ("too-long", 501, 500, "split")


def test_links_mentions_and_the_first_tag_are_marked():
    told = text.find_spans("Menu (https://a.example/x_(y)). @kopi.senja #kopi #susu https://a.example/#z")
    assert [(str(one.kind), one.text) for one in told] == [
        ("link", "https://a.example/x_(y)"),
        ("mention", "@kopi.senja"),
        ("tag", "#kopi"),
        ("link", "https://a.example/#z"),
    ]
    assert [str(one.kind) for one in text.find_spans("#kopi", tags=False)] == []
    written = "☕ @kabarpagi"
    (one,) = text.find_spans(written)
    assert written[one.start : one.end] == "@kabarpagi"


def test_a_link_is_attached_to_text_alone_and_goes_into_the_text_beside_files():
    link = Link(url="https://a.example/", title="Judul")
    alone = render(drafted(text="Menu", link=link), baseline)
    assert (alone.link.url, alone.link.title) == ("https://a.example/", "")
    assert [one.code for one in alone.notices] == ["no-own-card"]
    beside = render(drafted(measured(), text="Menu", link=link), baseline)
    assert beside.link is None
    assert beside.parts[0].text == "Menu\n\nhttps://a.example/"
    assert [one.code for one in beside.notices] == ["no-own-card", "link-in-text"]
    polled = render(drafted(text="Menu?", link=link, poll=Poll(options=("a", "b"))), baseline)
    assert polled.parts[0].text.endswith("https://a.example/")


def test_only_a_reply_is_left_to_the_author_above():
    options = {"reply_control": "parent_post_author_only"}
    assert [one.field for one in render(drafted(text="a", options=options), baseline).problems] == [
        "options.reply_control"
    ]
    assert render(drafted(text="a", options=options, reply_to="17900000000000001"), baseline).problems == ()


def test_a_topic_may_be_written_with_its_mark_and_takes_the_place_of_a_tag():
    told = render(drafted(text="Pagi #kopi", options={"topic": "#Kopi susu"}), baseline)
    assert told.problems == ()
    assert told.options["topic"] == "Kopi susu"
    assert told.parts[0].spans == ()


def test_charges_count_posts_and_replies_apart():
    three = Draft(parts=(Part(text="a"), Part(text="b"), Part(text="c", media=(measured(), clip()))))
    assert [(one.meter, one.units) for one in render(three, baseline).charges] == [
        ("posts-24h", 1),
        ("replies-24h", 2),
        ("calls", 12),
    ]
    answer = render(drafted(text="a", reply_to="17900000000000001"), baseline)
    assert [one.meter for one in answer.charges] == ["replies-24h", "calls"]


def test_a_full_quota_is_told_with_the_time_it_frees_and_blocks_nothing():
    can = replace(
        baseline,
        quota={
            "posts-24h": 250,
            "posts-24h-used": 250,
            "posts-24h-resets": 1_795_600_000,
            "replies-24h": 1000,
            "replies-24h-used": 999,
        },
    )
    told = render(Draft(parts=(Part(text="a"), Part(text="b"))), can)
    assert told.problems == ()
    assert [one.code for one in told.notices] == ["quota-full"]
    assert "2026-11-25 09:46 UTC" in told.notices[0].sentence
    assert len(render(Draft(parts=tuple(Part(text=c) for c in "abc")), can).notices) == 2
