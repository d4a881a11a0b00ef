"""Training sets' pages: looked at before they are made, reviewed, made, handed out, and taken back from."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.rights.models import Terms
from kicau.rights.statements import NewStatement
from kicau.training_sets import build
from kicau.training_sets.models import (
    PersonalDataFinding,
    Recipient,
    TrainingSet,
    TrainingSetPreview,
    TrainingSetVersion,
)


@pytest.fixture
def archive(actor):
    """Ten posts of our own, three fetched under terms that forbid it, two of somebody who said nothing."""
    Terms.objects.create(
        network="x",
        acquired="fetched",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No training.",
        source="https://x.example/terms",
        reviewed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    made = []
    for author, own, way, n in (
        ("x:1", True, "imported", 10),
        ("x:2", False, "fetched", 3),
        ("x:3", False, "imported", 2),
    ):
        standing = RightsContext.objects.create(
            workspace=actor.workspace, network="x", author=author, own=own, acquired=[way]
        )
        for at in range(n):
            text = f"Tulisan nomor {at} dari {author} tentang kopi, senja dan kota; hubungi 0812-3456-78{at:02}"
            made.append(
                Item(
                    workspace=actor.workspace,
                    network="x",
                    remote_id=f"{author}/{at}",
                    standing=standing,
                    text=text,
                    sources=[],
                    posted_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=len(made)),
                )
            )
    Item.objects.bulk_create(made)
    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    return made


FORM = {
    "name": "Suara kami",
    "purpose": "Balasan",
    "use": "train_gen",
    "format": "text",
    "train": "100",
    "validation": "0",
    "test": "0",
    "least_words": "1",
    "personal": ["phone"],
}


def test_from_a_query_to_files_and_back(page, actor, archive, django_assert_max_num_queries):
    def get(name, *args, **query):
        with django_assert_max_num_queries(12):
            answer = page.get(reverse(name, args=args), query)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    assert "You have no training set yet" in get("training-sets")
    assert 'value="kopi"' in get("training-set-new", words="kopi", network="x")
    wrong = page.post(reverse("training-set-new"), FORM | {"test": "20"})
    assert (wrong.status_code, "Use whole numbers that add up to 100" in wrong.content.decode()) == (422, True)
    page.post(reverse("training-set-new"), FORM)
    of = TrainingSet.objects.get()
    assert "Kicau will check your posts as soon as other tasks are finished" in get("training-set", of.id)
    build.make_next()
    shown = get("training-set", of.id)
    for said in (
        "The terms of use of X, which apply to this copy of the content, do not allow it to be used for training a generative AI model",
        "Nobody has stated whether this content may be used for training a generative AI model",
        "Ask the author for permission",
        "Create version 1 of the training set",
        "Review texts with personal data: 10",
    ):
        assert said in shown, said
    assert re.search(r'number">3</span>\s*<span>No. The terms', shown)

    # a person looks at what rules found: one is none, the others go
    review = get("training-set-personal-data", of.id, kind="phone")
    assert "<mark>0812-3456-7800</mark>" in review
    first = PersonalDataFinding.objects.first()
    page.post(reverse("training-set-personal-data", args=[of.id]) + "?kind=phone", {f"p{first.id}": "keep"})
    page.post(reverse("training-set-personal-data", args=[of.id]) + "?kind=phone", {"rest": "replace"})
    page.post(reverse("training-set-preview", args=[of.id]))
    build.make_next()
    assert PersonalDataFinding.objects.filter(is_kept=True).count() == 1
    assert TrainingSetPreview.objects.get().personal == {"phone": 9}

    page.post(reverse("training-set-create-version", args=[of.id]))
    assert (
        "Kicau is still creating another version"
        in page.post(reverse("training-set-create-version", args=[of.id]), follow=True).content.decode()
    )
    build.make_next()
    shown = get("training-set-version", of.id, 1)
    assert "5 posts were left out of this version of the training set" in shown
    lines = b"".join(page.get(reverse("training-set-file", args=[of.id, 1, "train.jsonl"])).streaming_content).decode()
    assert (lines.count("0812-"), lines.count("[phone]")) == (1, 9)
    assert page.get(reverse("training-set-file", args=[of.id, 1, "..keys"])).status_code == 404

    # somebody has it; one post is taken back; they confirm by their link
    page.post(
        reverse("training-set-add-recipient", args=[of.id, 1]), {"name": "Lab Bahasa", "contact": "lab@example.org"}
    )
    page.post(reverse("archive-add-statement", args=[archive[0].id]), {"verb": "withdraw"})
    assert page.get(reverse("training-set-file", args=[of.id, 1, "train.jsonl"])).status_code == 409
    build.make_next()
    shown = get("training-set-version", of.id, 2)
    assert "1 record of training set version 1 is not in this version" in shown
    assert "withdrew the permission to use this content for training a generative AI model" in shown
    assert TrainingSetVersion.objects.get(number=2).effect_ms < 5000
    assert json.loads(page.get(reverse("training-set-delta", args=[of.id, 2])).content)["record_ids"] == [
        str(archive[0].id)
    ]
    assert "The recipient has not been asked to confirm the removal of the content yet" in get("training-set", of.id)
    assert "Content was removed after this preview was created. Update the preview" in get("training-set", of.id)
    assert "Create version 3 of the training set" not in get("training-set", of.id)
    page.post(reverse("training-set-preview", args=[of.id]))
    build.make_next()
    assert "Content was removed after this preview was created. Update the preview" not in get("training-set", of.id)
    assert "1 recipient has not confirmed that they no longer use the removed content" in get("training-sets")
    asked = page.post(reverse("recipient-ask", args=[Recipient.objects.get().id])).content.decode()
    assert "mailto:lab@example.org" in asked
    link = "/retractions/" + re.search(r"/retractions/([\w-]+)<", asked)[1]
    outside = Client()
    seen = outside.get(link).content.decode()
    assert "1 of the records in your version of the training set may no longer be used" in seen
    assert "record_ids" in outside.get(f"{link}/2.json").content.decode()
    outside.post(link, {"name": "Tono"})
    assert "Tono confirmed on" in outside.get(link).content.decode()
    assert re.search("Tono confirmed on .+ that they no longer use the records removed", get("training-set", of.id))
    assert outside.get("/retractions/nonsense").status_code == 410


def test_where_nothing_is_asked_for_it_says_so_and_blames_no_permission(page, archive):
    page.post(reverse("training-set-new"), FORM | {"words": "teh"})
    build.make_next()
    shown = page.get(reverse("training-set", args=[TrainingSet.objects.get().id])).content.decode()
    assert "No posts in the archive match your filters" in shown
    assert "No post can be included yet" not in shown


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        (
            {"networks": "twiter"},
            "networks",
            "Kicau does not know the social network 'twiter'. Choose one of these: bluesky, ",
        ),
        (
            {"kinds": "posts"},
            "kinds",
            "Kicau does not know the content type 'posts'. Choose one of: post, reply, ",
        ),
        (
            {"author": "@kopisenya"},
            "author",
            "The archive has no posts by '@kopisenya'. Enter the author's account name (handle) exactly as the archive shows it.",
        ),
        (
            {"languages": "id, indonesia"},
            "languages",
            "'indonesia' is not a language code. Enter a code of two letters, for example id or en.",
        ),
        (
            {"since": "2026-04-01", "until": "2026-03-01"},
            "until",
            "The end date must be after the start date. Choose a later end date.",
        ),
    ],
)
def test_what_a_query_names_wrongly_is_told_beside_its_field(page, archive, typed, field, sentence):
    answer = page.post(reverse("training-set-new"), FORM | typed)
    shown = html.unescape(answer.content.decode())
    assert (answer.status_code, shown.count(sentence)) == (422, 1)
    assert re.search(rf'name="{field}".*?' + re.escape(sentence), shown, re.DOTALL)
    assert 'value="Suara kami"' in shown
    assert not TrainingSet.objects.exists()
    page.post(
        reverse("training-set-new"),
        FORM | {"networks": "x", "kinds": "post", "author": "x:1", "languages": "id", "until": "2026-04-01"},
    )
    changed = page.post(reverse("training-set-change", args=[TrainingSet.objects.get().id]), FORM | typed)
    assert html.unescape(changed.content.decode()).count(sentence) == 1


def test_all_that_a_query_names_wrongly_is_told_at_once(page, archive):
    typed = {"networks": "twiter", "author": "@kopisenya", "since": "2026-04-01", "until": "2026-03-01"}
    shown = html.unescape(page.post(reverse("training-set-new"), FORM | typed).content.decode())
    for sentence in (
        "Kicau does not know the social network 'twiter'",
        "The archive has no posts by '@kopisenya'",
        "The end date must be after the start date.",
    ):
        assert shown.count(sentence) == 1, sentence


def test_what_is_not_known_is_refused_with_the_way_out_and_roles_hold(page, member, actor, archive):
    page.post(reverse("training-set-new"), FORM | {"author": "x:3"})
    of = TrainingSet.objects.get()
    build.make_next()
    shown = page.get(reverse("training-set", args=[of.id])).content.decode()
    assert "No post can be included yet" in shown
    assert "Create version" not in shown
    assert reverse("rights") in shown
    page.post(reverse("training-set-change", args=[of.id]), FORM | {"own": "yes", "format": "chat"})
    of.refresh_from_db()
    assert (of.query, of.format) == ({"own": True}, "chat")
    assert 'value="chat" checked' in page.get(reverse("training-set-change", args=[of.id])).content.decode()
    page.post(reverse("choose-language"), {"language": "id"})
    build.make_next()
    assert "Buat set data latih versi 1" in page.get(reverse("training-set", args=[of.id])).content.decode()
    client = Client()
    client.force_login(member("viewer").person)
    assert client.get(reverse("training-set", args=[of.id])).status_code == 200
    for name in ("training-set-change", "training-set-personal-data"):
        refused = client.get(reverse(name, args=[of.id]))
        assert (refused.status_code, "rights and training sets" in refused.content.decode()) == (403, True), name


def test_our_own_copies_of_a_forbidden_text_are_decided_on_the_page(page, actor, archive):
    withdrawn, ours = archive[0], archive[1]
    Item.objects.filter(id=ours.id).update(text=f"Sekali lagi: {withdrawn.text}")
    refusal = {"layer": "withdrawal", "party": "author", "says": {"train_gen": "deny"}}
    add_statements(actor, [NewStatement(subject="item", item=withdrawn.id, **refusal)])
    page.post(reverse("training-set-new"), FORM)
    of = TrainingSet.objects.get()
    build.make_next()
    shown = page.get(reverse("training-set", args=[of.id])).content.decode()
    assert "1 of your posts needs your decision" in shown
    assert "Excluded from the training set until someone in this workspace decides" in shown
    decide = reverse("training-set-answer-question", args=[of.id, ours.id])
    assert (
        page.post(reverse("training-set-answer-question", args=[of.id, withdrawn.id]), {"verdict": "use"}).status_code
        == 404
    )
    page.post(decide, {"verdict": "use"})
    assert "needs your decision" not in page.get(reverse("training-set", args=[of.id])).content.decode()
    page.post(reverse("training-set-preview", args=[of.id]))
    build.make_next()
    assert (
        "Excluded from the training set until someone in this workspace decides"
        not in page.get(reverse("training-set", args=[of.id])).content.decode()
    )
