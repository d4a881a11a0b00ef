"""Nonsense in every field of every form about archive, rights, sets, audits and canaries: never a fault."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kicau.archive.models import Item, RightsContext
from kicau.training_sets import actions, build

NONSENSE = {
    "nul": "a\x00b",
    "long": "x" * 6000,
    "negative": "-5",
    "no day": "2024-13-45",
    "huge": "99999999999999999999",
    "superscript": "²",
}
GOOD = {
    "about": "licence|",
    "key": "K",
    "layer": "grant",
    "train_gen": "conditional",
    "name": "N",
    "purpose": "p",
    "use": "train_gen",
    "format": "text",
    "train": "80",
    "validation": "10",
    "test": "10",
    "least_words": "1",
    "candidates": "1000",
    "language": "id",
    "sentence": "",
}
FORMS = {
    # Before the forms that change what the version may contain; after them it is no longer shared.
    "training-set-add-recipient": ["name", "contact"],
    "rights-add-statement": ["about", "key", "layer", "name", "source", "note", "train_gen", "how-payment"],
    "rights-update-declarations": ["terms_url"],
    "rights-read-declarations": ["url"],
    "rights-policy-effects": ["about", "ends", "terms"],
    "archive-add-statement": ["note", "how-payment"],
    "archive-import-start": ["network", "account", "acquired"],
    "training-set-new": [
        "name",
        "purpose",
        "use",
        "format",
        "words",
        "own",
        "since",
        "until",
        "author",
        "prompt",
        "languages",
        "least_words",
        "train",
        "validation",
        "test",
        "networks",
        "kinds",
        "meets",
        "personal",
    ],
    "training-set-personal-data": ["rest", "p1", "p²"],
    "dataset-audit-new": ["name", "where", "words", "author", "since", "until", "own", "networks"],
    "dataset-audit-check": ["key"],
    "canaries": ["name", "candidates", "language", "sentence"],
}
ASKED = (
    "words",
    "author",
    "network",
    "kind",
    "acquired",
    "since",
    "until",
    "campaign",
    "use",
    "answer",
    "own",
    "year",
    "after",
    "order",
)


@pytest.fixture
def things(actor):
    """What the forms' addresses name: an item, and a set with a version."""
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    item = Item.objects.create(
        workspace=actor.workspace, network="x", remote_id="1", standing=standing, text="Kopi", sources=[]
    )
    of = actions.create_set(actor, name="S", purpose="p")
    build.make_version(actions.order_version(actor, of.id))
    return {
        "archive-add-statement": [item.id],
        "training-set-add-recipient": [of.id, 1],
        "training-set-personal-data": [of.id],
    }


def files(form: str) -> dict[str, SimpleUploadedFile]:
    return {
        "archive-import-start": {"file": SimpleUploadedFile("a.csv", b"text\nHalo\n")},
        "dataset-audit-new": {"file": SimpleUploadedFile("a.jsonl", b'{"text": "halo"}\n')},
        "dataset-audit-check": {"bundle": SimpleUploadedFile("a.json", b"{}")},
    }.get(form, {})


@pytest.mark.parametrize("kind", NONSENSE)
def test_forms_take_it_or_say_what_is_wrong(page, things, kind):
    for form, fields in FORMS.items():
        for field in fields:
            good = {} if form == "rights-policy-effects" else GOOD
            answer = page.post(reverse(form, args=things.get(form)), good | {field: NONSENSE[kind]} | files(form))
            assert answer.status_code in (200, 302, 404, 422), (form, field)


@pytest.mark.parametrize("kind", NONSENSE)
def test_searches_take_it_or_say_what_is_wrong(page, things, kind):
    for view in ("archive", "archive-facets"):
        for field in ASKED:
            assert page.get(reverse(view), {"use": "train_gen", field: NONSENSE[kind]}).status_code in (200, 422), field
    for field in ("after", "kind", "state"):
        address = reverse("training-set-personal-data", args=things["training-set-personal-data"])
        assert page.get(address, {field: NONSENSE[kind]}).status_code == 200, field


def test_a_recipient_without_a_name_is_asked_for_it_and_the_rest_is_kept(page, things):
    answer = page.post(
        reverse("training-set-add-recipient", args=things["training-set-add-recipient"]),
        {"name": " ", "contact": "data@lab.example"},
    )
    shown = answer.content.decode()
    assert (
        answer.status_code,
        shown.count("Enter the name of the person or organization that receives the training set."),
    ) == (422, 1)
    assert 'value="data@lab.example"' in shown
