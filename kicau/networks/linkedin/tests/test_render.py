from __future__ import annotations

from dataclasses import replace

import pytest

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll, SpanKind
from kicau.networks.linkedin import limits
from kicau.networks.linkedin.limits import baseline, capabilities_for_kind
from kicau.networks.linkedin.render import render
from kicau.networks.linkedin.tests.cast import CUP, DRAFTS, TRICKY, media


def saying(text: str, **more: object) -> Draft:
    return Draft(parts=(Part(text=text),), **more)  # type: ignore[arg-type]


def notices(draft: Draft) -> dict[str, str]:
    return {n.code: n.sentence for n in render(draft, baseline).notices}


def test_a_limit_is_told_in_one_sentence() -> None:
    (problem,) = render(saying("a" * 3001), baseline).problems
    assert problem.sentence == "On LinkedIn, the text has 3001 characters, but the limit is 3000. Shorten the text."
    assert (problem.field, problem.limit, problem.actual) == ("parts.0.text", 3000, 3001)


def test_escaping_and_marks_are_not_counted() -> None:
    assert render(saying("(" * 3000), baseline).problems == ()
    (part,) = render(saying("@[Kopi Senja](urn:li:organization:5012346)"), baseline).parts
    assert (part.text, part.used) == ("Kopi Senja", 10)
    assert render(saying("😀" * 1500), baseline).problems == ()
    assert render(saying("😀" * 1501), baseline).problems[0].actual == 3002


def test_reserved_characters_are_shown_as_typed() -> None:
    (part,) = render(saying(TRICKY), baseline).parts
    assert part.text == TRICKY


def test_an_animated_gif_and_a_converted_picture() -> None:
    gif = media("cup", kind=MediaKind.GIF, mime="image/gif", frames=250)
    assert render(Draft(parts=(Part(text="x", media=(gif,)),)), baseline).problems == ()
    huge = Media(
        ref="h", kind=MediaKind.IMAGE, mime="image/png", size=30_000_000, width=8000, height=5000, name="huge.png"
    )
    webp = replace(huge, mime="image/webp", width=7000, height=5000, name="small.webp")
    made = render(Draft(parts=(Part(text="x", media=(huge, webp)),)), baseline)
    assert made.problems == ()
    assert [n.code for n in made.notices] == ["will-convert", "will-convert"]
    first, second = (one.recipe for one in made.parts[0].media)
    assert first is not None
    assert second is not None
    assert first.max_width * first.max_height <= limits.fact_number("image-max-pixels")
    assert (second.mime, second.max_width) == ("image/jpeg", 0), "it loses no pixel that LinkedIn would take"


def test_a_card_beside_files_is_left_out_only_where_the_address_stays() -> None:
    link = Link(url="https://kopisenja.example", title="t")
    in_text = Draft(parts=(Part(text="see https://kopisenja.example", media=(CUP,)),), link=link)
    made = render(in_text, baseline)
    assert (made.link, made.problems) == (None, ())
    assert "card-left-out" in notices(in_text)
    assert [p.code for p in render(replace(in_text, parts=(Part(text="x", media=(CUP,)),)), baseline).problems] == [
        "link-with-media"
    ]


def test_what_linkedin_will_not_do_is_told() -> None:
    assert "no-link-card" in notices(saying("https://kopisenja.example"))
    assert "alt-not-sent" in notices(Draft(parts=(Part(text="x", media=(media("menu", alt="a menu"),)),)))
    assert "comment-mentions" in notices(saying("x", first_comment="@[Kopi Senja](urn:li:organization:1) hi"))
    assert "no-link-card" not in notices(DRAFTS["article"])


def test_a_poll_without_a_question_asks_the_text() -> None:
    draft = saying("Which bean next?", poll=Poll(options=("Gayo", "Toraja"), minutes=1440))
    made = render(draft, baseline)
    assert made.problems == ()
    assert made.poll is not None
    assert made.poll.question == "Which bean next?"
    assert "question-from-text" in notices(draft)


def test_a_thumbnail_is_checked_like_any_picture() -> None:
    link = Link(url="https://kopisenja.example", title="t", thumbnail=replace(CUP, mime="image/webp", name="w.webp"))
    (problem,) = render(saying("x", link=link), baseline).problems
    assert (problem.code, problem.field, problem.fix) == ("wrong-type", "link.thumbnail", "")


def test_an_organisation_posts_to_anyone() -> None:
    draft = saying("x", options={"visibility": "CONNECTIONS"})
    assert render(draft, capabilities_for_kind("person")).problems == ()
    assert render(draft, capabilities_for_kind("organisation")).problems[0].code == "bad-option"
    assert render(saying("x"), baseline).options == {"visibility": "PUBLIC"}


def test_a_first_comment_has_its_own_counter() -> None:
    comment = render(saying("x", first_comment="kopi #senja"), baseline).first_comment
    assert comment is not None
    assert (comment.used, comment.limit) == (11, 1250)
    assert [s.kind for s in comment.spans] == [SpanKind.TAG]


@pytest.mark.parametrize("name", list(DRAFTS))
def test_every_post_needs_a_person(name: str) -> None:
    assert baseline.needs_confirmation
    assert render(DRAFTS[name], baseline).problems == ()


def test_scopes_are_data() -> None:
    assert limits.scopes_for("") == limits.scopes_for("standard") == limits.SCOPE_SETS["community"]
    assert limits.scopes_for("self-serve") == ("openid", "profile", "w_member_social")
    assert limits.scopes_for("openid profile w_member_social_feed") == ("openid", "profile", "w_member_social_feed")


def test_a_post_may_be_a_card_alone() -> None:
    made = render(Draft(parts=(), link=Link(url="https://kopisenja.example", title="t")), baseline)
    assert made.problems == ()
    assert len(made.parts) == 1


def test_a_long_run_of_brackets_takes_no_time() -> None:
    (part,) = render(saying("https://a.example/(x)" + ")" * 100_000), baseline).parts
    assert part.spans[0].text == "https://a.example/(x)"
