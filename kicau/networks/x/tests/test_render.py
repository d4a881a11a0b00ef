"""What the preview says, before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kicau.connector.content import Charge, Draft, Link, Part, Poll, Problem, SpanKind
from kicau.networks.x import limits
from kicau.networks.x.connector import connector
from kicau.networks.x.tests.cast import media

CAN = limits.baseline
PREMIUM = limits.capabilities_for_tier(premium=True, tier="")
ENTERPRISE = limits.capabilities_for_tier(premium=False, tier="enterprise")


def draft(text: str = "Pagi", **more: object) -> Draft:
    return Draft(parts=(Part(text=text),), **more)  # type: ignore[arg-type]


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def test_a_link_weighs_23_and_costs_more() -> None:
    plain, linked = (connector.render(draft(text), CAN) for text in ("Pagi", "Pagi https://kopisenja.com/" + "x" * 300))
    assert (plain.parts[0].used, linked.parts[0].used) == (4, 28)
    assert (plain.charges, linked.charges) == ((Charge("post", proven=True),), (Charge("post-with-link", proven=True),))
    assert not linked.problems


def test_too_long_says_how_long_and_what_now() -> None:
    told = connector.render(draft("a" * 300), CAN).problems[0]
    assert (
        told.sentence
        == "On X, the text has 300 characters, but the limit is 280. Shorten the text, or split it into a thread (several connected posts)."
    )
    assert (told.field, told.limit, told.actual, told.fix) == ("parts.0.text", 280, 300, "split")


def test_a_premium_account_writes_longer_and_is_told_where_it_folds() -> None:
    rendered = connector.render(draft("a" * 300), PREMIUM)
    assert rendered.problems == ()
    assert codes(rendered.notices) == ["folds"]
    assert codes(connector.render(draft("a" * 25_001), PREMIUM).problems) == ["too-long"]


def test_a_premium_account_shows_longer_videos() -> None:
    long = Draft(parts=(Part(text="Film", media=(replace(media("pour"), duration_ms=600_000),)),))
    assert codes(connector.render(long, CAN).problems) == ["too-long-video"]
    assert connector.render(long, PREMIUM).problems == ()


def test_emoji_as_phones_type_them_weigh_2() -> None:
    rendered = connector.render(draft("Ngopi dulu ☕️⚡️⭐️ " * 14), CAN)
    assert (rendered.parts[0].used, rendered.problems, rendered.notices) == (252, (), ())


def test_emoji_that_x_may_count_as_several_are_named_to_the_author() -> None:
    parts = (Part(text="Pagi 👍🏽"), Part(text="Selamat Natal 🧑‍🎄 ❤️‍🔥 🧑‍🎄"))
    rendered = connector.render(Draft(parts=parts), CAN)
    assert rendered.parts[1].used == 14 + 5 + 1 + 5 + 1 + 5
    assert [(one.code, one.field) for one in rendered.notices] == [("heavy-emoji", "parts.1.text")]
    assert "2 characters: 🧑‍🎄 ❤️‍🔥." in rendered.notices[0].sentence


def test_spans_are_where_the_text_has_them() -> None:
    text = "👩🏽‍🍳 @kabarpagi lihat kopisenja.com dan https://x.com/a #kopi $TSLA"
    part = connector.render(draft(text), CAN).parts[0]
    assert all(text[span.start : span.end] == span.text for span in part.spans)
    assert [(span.kind, span.target) for span in part.spans] == [
        (SpanKind.MENTION, "kabarpagi"),
        (SpanKind.LINK, "http://kopisenja.com"),
        (SpanKind.LINK, "https://x.com/a"),
        (SpanKind.TAG, "kopi"),
        (SpanKind.TAG, "$TSLA"),
    ]


def test_charges_name_every_alt_text_and_part() -> None:
    thread = Draft(
        parts=(
            Part(text="Satu", media=(media("red", "merah"), media("green"))),
            Part(text="Dua: https://kopisenja.com", media=(media("blue", "biru"),)),
        )
    )
    assert connector.render(thread, CAN).charges == (
        Charge("media-metadata"),
        Charge("media-metadata"),
        Charge("post", proven=True),
        Charge("post-with-link", proven=True),
    )


def test_a_large_picture_is_converted_unless_forbidden() -> None:
    large = Draft(parts=(Part(text="Foto", media=(replace(media("red"), size=9_000_000),)),))
    offered, forbidden = connector.render(large, CAN), connector.render(replace(large, convert=False), CAN)
    assert codes(offered.notices) == ["will-convert"]
    recipe = offered.parts[0].media[0].recipe
    assert recipe is not None
    assert (recipe.mime, recipe.max_size) == ("image/jpeg", 5_000_000)
    assert [(p.code, p.fix) for p in forbidden.problems] == [("too-large", "convert")]


def test_a_phone_picture_is_converted() -> None:
    heic = Draft(parts=(Part(text="Foto", media=(replace(media("red"), mime="image/heic"),)),))
    assert connector.render(heic, CAN).problems == ()


def test_a_video_may_stand_upright_but_not_be_larger() -> None:
    def told(width: int, height: int) -> list[str]:
        video = replace(media("pour"), width=width, height=height)
        return codes(connector.render(Draft(parts=(Part(text="Film", media=(video,)),)), CAN).problems)

    assert told(720, 1280) == told(1280, 1024) == []
    assert told(1920, 1080) == ["too-wide", "too-many-pixels"]
    assert told(31, 64) == ["too-narrow"]


def test_an_alt_text_on_a_video_is_not_sent_and_not_charged() -> None:
    rendered = connector.render(Draft(parts=(Part(text="Film", media=(media("pour", "Menuang kopi"),)),)), CAN)
    assert codes(rendered.notices) == ["no-alt-on-video"]
    assert rendered.charges == (Charge("post", proven=True),)


def test_a_link_card_becomes_a_link_in_the_text() -> None:
    card = Link(url="https://kopisenja.com/menu", title="Menu", description="Semua kopi kami")
    rendered = connector.render(draft("Menu baru", link=card), CAN)
    assert rendered.parts[0].text == "Menu baru\nhttps://kopisenja.com/menu"
    assert rendered.charges == (Charge("post-with-link", proven=True),)
    assert sorted(codes(rendered.notices)) == ["link-in-text", "no-link-card"]
    there = connector.render(draft("Menu: https://kopisenja.com/menu", link=Link(url=card.url)), CAN)
    assert (there.parts[0].text, there.notices) == ("Menu: https://kopisenja.com/menu", ())


@pytest.mark.parametrize("given", ["1790000000000000020", "https://x.com/kabarpagi/status/1790000000000000020?s=20"])
def test_an_answer_takes_an_id_or_an_address(given: str) -> None:
    rendered = connector.render(draft("Terima kasih", reply_to=given), CAN)
    assert rendered.reply_to == "1790000000000000020"
    assert codes(rendered.notices) == ["summoned-only"]
    assert rendered.charges == (Charge("post-summoned-reply", proven=True),)


def test_only_an_enterprise_app_quotes() -> None:
    quoting = draft(options={"quote": "https://x.com/kabarpagi/status/20"})
    assert codes(connector.render(quoting, CAN).problems) == ["unknown-option"]
    allowed = connector.render(quoting, ENTERPRISE)
    assert (allowed.problems, allowed.options["quote"]) == ((), "20")
    assert "summoned-only" not in codes(connector.render(draft(reply_to="20"), ENTERPRISE).notices)


def test_problems_name_their_part() -> None:
    thread = Draft(parts=(Part(text="Satu"), Part(text=" "), Part(text="$A $B $C")))
    told = connector.render(thread, CAN).problems
    assert [(p.code, p.field) for p in told] == [("empty", "parts.1.text"), ("too-many-cashtags", "parts.2.text")]
    assert told[0].sentence == "For X, part 2 of the thread is empty. Write text or add an image."


def test_a_poll_without_a_question_of_its_own() -> None:
    rendered = connector.render(draft(poll=Poll(options=("ya", "tidak"), question="Setuju?")), CAN)
    assert (rendered.problems, codes(rendered.notices)) == ((), ["no-poll-question"])


def test_prices_foretell_what_a_link_costs() -> None:
    newest = connector.price_lists[-1]
    assert (newest.price("post", 1), newest.price("post-with-link", 1), newest.currency) == (15_000, 200_000, "USD")
    since = [one.since.isoformat() for one in connector.price_lists]
    assert (since[0], since[-2:], since == sorted(since)) == ("2023-03-10", ["2026-02-06", "2026-04-20"], True)
    meters = {charge.meter for charge in connector.render(draft("kopisenja.com"), CAN).charges}
    assert meters <= set(newest.prices)


@pytest.mark.parametrize(
    ("user", "premium"),
    [
        ({"subscription_type": "Premium"}, True),
        ({"subscription_type": "PremiumPlus", "verified_type": "none"}, True),
        ({"subscription_type": "None", "verified_type": "business"}, True),
        ({"subscription_type": "None", "verified_type": "none"}, False),
        ({}, False),
    ],
)
def test_premium_is_read_from_the_account(user: dict[str, object], premium: bool) -> None:
    assert limits.is_premium(user) is premium
