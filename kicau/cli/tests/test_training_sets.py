"""`kicau training-sets`: what is asked wrongly is one sentence, and what is made can be handed out and taken back."""

import pytest

from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.rights.statements import NewStatement
from kicau.training_sets import build


@pytest.fixture
def items(actor):
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:kopisenja", own=True, acquired=["imported"]
    )
    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    return [
        Item.objects.create(
            workspace=actor.workspace,
            network="x",
            remote_id=str(n),
            standing=standing,
            text=f"Tulisan nomor {n} tentang kopi dan senja",
            sources=[],
        )
        for n in range(3)
    ]


def test_what_is_named_wrongly_is_one_sentence_and_nothing_is_kept(kicau, items):
    for wrong, sentence in (
        (("--network", "twiter"), "Kicau does not know the social network 'twiter'. Choose one of these: "),
        (
            ("--language", "indonesia"),
            "'indonesia' is not a language code. Enter a code of two letters, for example id or en.",
        ),
        (
            ("--meets", "nothing"),
            "'nothing' is not a condition that you can set for the use of content. Choose one of these conditions: ",
        ),
    ):
        told = kicau("training-sets", "build", "Suara", *wrong)
        assert (told.code, told.out) == (1, "")
        assert told.err.startswith(sentence)
        assert told.err.count("\n") == 1
    assert kicau("training-sets", "list", "--json").json == []


def test_a_set_is_made_given_taken_back_from_and_acknowledged(kicau, actor, items, tmp_path):
    made = kicau("training-sets", "build", "Suara", "--network", "x", "--json").json
    assert (made["state"], made["records"]) == ("ready", 3)
    other = kicau("training-sets", "build", "Suara", "--language", "en")  # it would not be heeded: nothing is made
    assert (other.code, other.err.strip()) == (
        2,
        "Suara already exists with other languages. Change it on its page, or choose another name.",
    )
    assert kicau("training-sets", "show", "Suara", "--json").json["version"] == 1
    assert kicau("training-sets", "build", "Suara", "--network", "x", "--json").json["version"] == 2  # the same again
    given = kicau("training-sets", "export", "Suara", tmp_path / "out", "--for", "Lab Bahasa")
    assert (given.code, (tmp_path / "out" / "train.jsonl").exists()) == (0, True)
    add_statements(
        actor,
        [
            NewStatement(
                layer="withdrawal", party="author", subject="item", item=items[0].id, says={"train_gen": "deny"}
            )
        ],
    )
    build.make_next()
    refused = kicau("training-sets", "export", "Suara", tmp_path / "again", "--version", "2")
    assert (refused.code, refused.err) == (
        1,
        "Some content in version 2 was later removed from the training set. Use version 3, which does not contain the removed content.\n",
    )
    (recipient,) = kicau("training-sets", "show", "Suara", "--version", "2", "--json").json["recipients"]
    assert (recipient["owes"], recipient["acknowledged"]) == (3, False)
    assert "Lab Bahasa acknowledged version 3." in kicau("training-sets", "acknowledge", recipient["id"]).out
    for command in (("show", "Lain"), ("export", "Lain", tmp_path / "x"), ("acknowledge", str(actor.workspace.id))):
        told = kicau("training-sets", *command)
        assert (told.code, told.err.count("\n")) == (3, 1)


def test_own_copies_of_a_forbidden_text_are_listed_and_decided(kicau, actor, items):
    Item.objects.filter(id=items[1].id).update(text=f"Sekali lagi: {items[0].text}")
    Item.objects.filter(id=items[2].id).update(text=f"Terakhir: {items[0].text}")
    refusal = {"layer": "withdrawal", "party": "author", "says": {"train_gen": "deny"}}
    add_statements(actor, [NewStatement(subject="item", item=items[0].id, **refusal)])
    assert kicau("training-sets", "build", "Suara").code == 0
    asked = kicau("training-sets", "questions", "Suara", "--json").json
    assert {one["item"] for one in asked} == {str(items[1].id), str(items[2].id)}
    assert {one["original"] for one in asked} == {str(items[0].id)}
    decided = kicau("training-sets", "questions", "Suara", "--include", str(items[1].id), "--exclude", str(items[2].id))
    assert "There is nothing to decide" in decided.out
    assert kicau("training-sets", "questions", "Suara", "--include", str(items[1].id)).code == 3
    kicau("training-sets", "build", "Suara")
    assert kicau("training-sets", "show", "Suara", "--json").json["records"] == 1
