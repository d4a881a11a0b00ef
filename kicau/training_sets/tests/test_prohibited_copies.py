"""Copies of forbidden texts are found when a set is made: others' stay out, our own are asked about."""

from __future__ import annotations

import base64
import csv
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.base import clock
from kicau.base.errors import Conflict, NotFound
from kicau.rights.statements import NewStatement
from kicau.training_sets import actions, build, build_queue, prohibited_copies, recipients, retraction, versions
from kicau.training_sets.models import VersionState
from kicau.training_sets.prohibited_copies import TextCopy
from kicau.workspaces.actions import update_workspace

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "Resep kopi tubruk nenek kami memakai kayu manis, sedikit garam dan air sumur dari lereng Puntang"
LONGER = f"{SECRET} yang kami ambil setiap pagi sebelum matahari terbit"
COMMON = "Terima kasih banyak"


@pytest.mark.parametrize(
    ("text", "original", "is_found"),
    [
        (SECRET, SECRET, True),
        (SECRET.upper() + "!!!", SECRET, True),
        (SECRET.replace(" ", "\n"), SECRET, True),
        (f"Kata nenek: “{SECRET}” Setuju?", SECRET, True),
        (f"{SECRET} https://kopi.example/resep #kopi", SECRET, True),
        (LONGER.replace("sedikit", "secubit"), LONGER, True),
        (f"Bagus! {LONGER.replace('dan air', 'serta air')} Begitu katanya.", LONGER, True),
        (SECRET.replace("sedikit garam", "sedikit (sungguh) garam"), SECRET, True),
        ("Harga kopi kebun 12 hari ini 41 ribu per kilo", "Harga kopi kebun 17 hari ini 41 ribu per kilo", False),
        (SECRET.replace("nenek", "kakek").replace("Puntang", "Gede"), SECRET, False),
        (SECRET[:50], SECRET, False),
        ("Resep kopi tubruk kami memakai gula aren", SECRET, False),
        ("Besok kedai tutup, ya. Sampai jumpa lusa!", "Besok kedai tutup, ya.", True),
        (f"{COMMON} sudah mampir ke kedai kami sore ini", COMMON, False),
        (COMMON, COMMON, True),
        ("Buka", "Buka", True),
        ("", SECRET, False),
        ("今天的咖啡很好喝我们明天再来吧", "今天的咖啡很好喝我们明天再来吧", True),
        ("他说：今天的咖啡很好喝我们明天再来吧。真的吗？", "今天的咖啡很好喝我们明天再来吧", True),
    ],
)
def test_what_repeats_or_quotes_in_full(text, original, is_found):
    found = prohibited_copies.find_copies(
        ["Tidak ada apa-apa di sini", text], ["Sesuatu yang lain sama sekali", original]
    )
    assert [(one.text, one.original) for one in found] == ([(1, 1)] if is_found else [])


def test_many_texts_are_compared_as_few():
    dice = random.Random(6)
    words = [f"kata{n}" for n in range(500)]
    originals = [" ".join(dice.choices(words, k=dice.randrange(4, 30))) for _ in range(300)]
    texts, expected = [], []
    for n in range(600):
        text = " ".join(dice.choices(words, k=12))
        if n % 3 == 0:
            original = dice.randrange(len(originals))
            text = dice.choice((f"{text} {originals[original]} {text}", originals[original]))
            expected.append(TextCopy(n, original, text == originals[original]))
        texts.append(text)
    assert prohibited_copies.find_copies(texts, originals) == expected


@pytest.fixture
def plant(actor):
    """A function that adds a post; each at a later time."""
    update_workspace(actor, ai_use={"train_gen": "allow"})
    count = iter(range(999))

    def add(text, *, own=True, network="x", author="", licence="", acquired="imported", allows="", **more):
        n = next(count)
        standing, _ = RightsContext.objects.get_or_create(
            workspace=actor.workspace,
            network=network,
            author=author or f"{network}:{'kami' if own else 'teman'}",
            own=own,
            licence=licence,
            acquired=[acquired],
        )
        more.setdefault("posted_at", DAY + timedelta(hours=n))
        item = Item.objects.create(
            workspace=actor.workspace,
            network=network,
            remote_id=f"{n}",
            standing=standing,
            text=text,
            sources=[1],
            **more,
        )
        if allows:
            layer, _, value = allows.partition("=")
            add_statements(
                actor,
                [NewStatement(layer=layer, party="author", subject="item", item=item.id, says={"train_gen": value})],
            )
        return item

    return add


def made(actor, **more):
    """Which items are in, and each other's reason."""
    of = actions.create_set(actor, name=f"Set {clock.now()}", **more)
    version = build.make_version(actions.order_version(actor, of.id))
    with (versions.version_folder(version) / "excluded.csv").open(encoding="utf-8") as rows:
        why = {row["item"]: row["reason"] for row in csv.DictReader(rows)}
    return of, {str(id_) for id_ in version.members.values_list("item_id", flat=True)}, why


def test_a_cross_post_of_a_withdrawn_post_waits_for_a_decision(actor, plant):
    withdrawn = plant(SECRET, allows="withdrawal=deny")
    twin, quote = plant(SECRET + "!", network="bluesky"), plant(f"Kata nenek: {SECRET}. Setuju?", network="mastodon")
    other = plant("Kedai buka jam delapan pagi, ada kopi susu dan roti bakar")
    of, inside, why = made(actor)
    assert inside == {str(other.id)}
    assert why[str(withdrawn.id)].startswith("No. ")
    for one in (twin, quote):
        assert why[str(one.id)].startswith(
            "Excluded from the training set until someone in this workspace decides whether to use the text. It is your own content"
        )
        assert "withdrew the permission to use this content for" in why[str(one.id)]
    asked = actions.open_questions(actor, of.id)
    assert {(q.item.id, q.original.id) for q in asked} == {(twin.id, withdrawn.id), (quote.id, withdrawn.id)}
    actions.answer_question(actor, of.id, quote.id, may_be_used=True)
    actions.answer_question(actor, of.id, twin.id, may_be_used=False)
    assert actions.open_questions(actor, of.id) == []
    with pytest.raises(NotFound):
        actions.answer_question(actor, of.id, other.id, may_be_used=True)
    _, inside, why = made(actor)
    assert inside == {str(other.id), str(quote.id)}
    assert "refused" in why[str(twin.id)]


@pytest.mark.parametrize(
    "prohibition",
    [
        {"allows": "withdrawal=deny"},
        {"allows": "grant=deny"},
        {"allows": "author=deny"},
        {"licence": "CC-BY-ND-4.0"},
        {"licence": "CC-BY-4.0"},  # nobody keeps its condition
        {"allows": "grant=unknown"},
        {"allows": "contract=deny"},
        {"kind": "message", "allows": "grant=allow"},
        {},  # nobody has said anything
    ],
)
def test_a_forbidden_text_quoted_in_full_in_our_own_post(actor, plant, prohibition):
    original = plant(SECRET, own=False, **prohibition)
    quote, part = plant(f"Menurut teman: “{SECRET}”"), plant(f"Menurut teman: “{SECRET[:40]} …”")
    _, inside, why = made(actor)
    assert inside == {str(part.id)}
    assert why[str(quote.id)].startswith("Excluded from the training set until someone in this workspace decides")
    assert str(original.id) in why


def test_others_copies_stay_out_with_that_reason(actor, plant):
    plant(SECRET, own=False, allows="author=deny")
    thief = plant(f"{SECRET} (dari teman)", own=False, author="x:pencuri", licence="CC0-1.0")
    of, inside, why = made(actor)
    assert inside == set()
    assert why[str(thief.id)].startswith(
        "Excluded from the training set because the text repeats or fully quotes another text that may not be used. No. "
    )
    assert actions.open_questions(actor, of.id) == []


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (
            {"own": False, "author": "x:a"},
            {"own": False, "author": "mastodon:a", "network": "mastodon", "licence": "CC0-1.0"},
        ),
        ({"own": False, "allows": "contract=deny"}, {"own": False, "network": "mastodon", "licence": "CC0-1.0"}),
        ({"allows": "contract=deny"}, {"network": "bluesky"}),
        ({"own": False, "posted_at": DAY + timedelta(days=99)}, {}),
        ({"own": False, "licence": "CC0-1.0"}, {}),
    ],
)
def test_what_binds_one_copy_alone_leaves_the_same_words_free_elsewhere(actor, plant, original, copy):
    plant(SECRET, **original)
    free = plant(SECRET if copy or original.get("posted_at") else f"Kata teman: {SECRET}", **copy)
    _, inside, why = made(actor, options={"without_repeats": False})
    assert str(free.id) in inside, why


def test_greetings_are_anybodys(actor, plant):
    plant(COMMON, own=False, allows="grant=deny")
    mine, longer = plant(COMMON), plant(f"{COMMON} untuk semua yang mampir hari ini")
    _, inside, _ = made(actor)
    assert inside == {str(mine.id), str(longer.id)}


def withdraw(actor, item, value="deny"):
    given = NewStatement(layer="withdrawal", party="author", subject="item", item=item.id, says={"train_gen": value})
    return add_statements(actor, [given])


def test_what_is_taken_back_later_takes_its_copies_along(actor, plant):
    original, twin = plant(SECRET), plant(f"Lagi: {SECRET}", network="bluesky")
    other = plant("Kedai buka jam delapan pagi, ada kopi susu dan roti bakar")
    of, inside, _ = made(actor, options={"without_repeats": False})
    assert inside == {str(one.id) for one in (original, twin, other)}
    kept = recipients.add_recipient(actor, of.versions.get(), name="Lab Bahasa")
    withdraw(actor, original)
    newest = of.versions.first()
    assert newest.number == 2
    assert newest.delta["record_ids"] == [str(original.id)]
    recipients.acknowledge(actor, kept.id)
    assert build.make_next() == 1
    newest.refresh_from_db()
    assert newest.state == VersionState.READY
    assert set(newest.delta["record_ids"]) == {str(original.id), str(twin.id)}
    assert set(json.loads(base64.b64decode(newest.delta["signed"]))["record_ids"]) == set(newest.delta["record_ids"])
    assert recipients.unconfirmed_recipients(actor).get() == kept  # what they confirmed named one record less
    assert {str(m) for m in newest.members.values_list("item_id", flat=True)} == {str(other.id)}
    assert build.make_next() == 0


def test_copies_of_what_was_never_in_a_set_are_taken_back_before_anybody_is_handed_it(actor, plant):
    """No transaction looks for copies, and none has to: the set is closed until the process that makes sets has done it."""
    original = plant(SECRET, kind="repost")
    twin, other = plant(f"Lagi: {SECRET}", network="bluesky"), plant("Kedai buka jam delapan pagi, ada kopi susu")
    of, inside, _ = made(actor)
    assert inside == {str(twin.id), str(other.id)}
    version = of.versions.get()
    assert actions.file_of(actor, version, "train.jsonl").exists()
    withdraw(actor, original)
    for give in (
        lambda: actions.file_of(actor, version, "train.jsonl"),
        lambda: recipients.add_recipient(actor, version, name="Lab Bahasa"),
    ):
        with pytest.raises(Conflict, match="Kicau is checking whether this training set contains copies"):
            give()
    assert build.make_next() == 1
    newest = of.versions.first()
    assert (newest.number, newest.delta["record_ids"]) == (2, [str(twin.id)])
    assert [row.state for row in of.versions.all()] == [VersionState.READY, VersionState.SUPERSEDED]


def test_what_forbids_nothing_closes_no_set(actor, plant):
    item = plant(SECRET)
    of, _, _ = made(actor)
    add_statements(
        actor,
        [NewStatement(layer="grant", party="author", subject="item", item=item.id, says={"train_gen": "allow"})],
    )
    assert actions.file_of(actor, of.versions.get(), "train.jsonl").exists()


def test_another_rule_of_the_workspace_reaches_the_sets_in_its_own_transaction(actor, plant):
    granted = plant(SECRET, allows="grant=allow")
    plant("Kedai buka jam delapan pagi, ada kopi susu dan roti bakar")
    of, inside, _ = made(actor)
    assert len(inside) == 2
    version = of.versions.get()
    with transaction.atomic():
        update_workspace(actor, ai_use={"train_gen": "deny"})
        assert of.versions.count() == 2
        transaction.set_rollback(True)
    assert of.versions.count() == 1
    update_workspace(actor, name="Kopi Pagi")
    update_workspace(actor, ai_use={"train_gen": "allow"})
    assert actions.file_of(actor, version, "train.jsonl").exists()  # the rule is as it was
    update_workspace(actor, ai_use={"train_gen": "deny"})
    version.refresh_from_db()
    assert version.state == VersionState.SUPERSEDED
    build.make_next()
    newest = of.versions.first()
    assert {str(m) for m in newest.members.values_list("item_id", flat=True)} == {str(granted.id)}


def test_a_rule_against_others_words_finds_their_copies(actor, plant):
    """The quoted text itself is in no set, since it is a repost; and only now somebody says no."""
    plant(SECRET, own=False, licence="CC0-1.0", kind="repost")
    quote = plant(f"Kata teman: “{SECRET}”")
    of, inside, _ = made(actor)
    assert inside == {str(quote.id)}
    add_statements(
        actor,
        [NewStatement(layer="withdrawal", party="author", subject="author", key="x:teman", says={"train_gen": "deny"})],
    )
    with pytest.raises(Conflict):
        actions.file_of(actor, of.versions.get(), "train.jsonl")
    build.make_next()
    assert of.versions.first().delta["record_ids"] == [str(quote.id)]


def test_what_ended_by_itself_takes_its_copies_along(actor, plant, monkeypatch):
    original = plant(SECRET, own=False, kind="repost")
    grant = NewStatement(
        layer="grant",
        party="author",
        subject="item",
        item=original.id,
        says={"train_gen": "allow"},
        valid_until=clock.now() + timedelta(days=2),
    )
    add_statements(actor, [grant])
    quote = plant(f"Kata teman: “{SECRET}”", posted_at=DAY + timedelta(days=1))
    of, inside, _ = made(actor)
    assert inside == {str(quote.id)}
    retraction.retract_expired(actor.workspace)
    assert actions.file_of(actor, of.versions.get(), "train.jsonl").exists()
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=3))
    retraction.retract_expired(actor.workspace)
    build.make_next()
    assert of.versions.first().delta["record_ids"] == [str(quote.id)]
    retraction.retract_expired(actor.workspace)
    assert not of.copy_reviews.exists()


def test_what_is_said_while_a_version_waits_is_not_in_it_when_it_is_ready(actor, plant):
    original, twin = plant(SECRET), plant(f"Lagi: {SECRET}", network="bluesky")
    plant("Kedai buka jam delapan pagi, ada kopi susu dan roti bakar")
    of = actions.create_set(actor, name="Suara kami", options={"without_repeats": False})
    version = actions.order_version(actor, of.id)
    withdraw(actor, original)
    build.make_version(version)
    version.refresh_from_db()
    assert version.state == VersionState.SUPERSEDED
    build.make_next()
    newest = of.versions.first()
    assert set(newest.delta["record_ids"]) == {str(original.id), str(twin.id)}
    assert newest.state == VersionState.READY
    assert newest.members.count() == 1


def test_a_review_that_fails_keeps_the_set_closed_and_is_tried_again(actor, plant, monkeypatch):
    original = plant(SECRET, kind="repost")
    plant(f"Lagi: {SECRET}", network="bluesky")
    of, _, _ = made(actor)
    withdraw(actor, original)
    with monkeypatch.context() as broken:
        broken.setattr(retraction, "_copies_of", lambda *_: 1 / 0)
        assert build.make_next() == 1
    with pytest.raises(Conflict):
        actions.file_of(actor, of.versions.get(), "train.jsonl")
    assert build_queue.sets_to_review() == []
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=2))
    assert build.make_next() == 1
    assert of.versions.count() == 2


def test_no_change_of_permission_waits_for_the_search(actor, plant, monkeypatch):
    """It compiles itself at first, and may read the whole archive: only the process that makes sets begins it."""
    original, twin = plant(SECRET), plant(f"Lagi: {SECRET}", network="bluesky")
    of, _, _ = made(actor, options={"without_repeats": False})
    with monkeypatch.context() as closed:
        closed.setattr(prohibited_copies, "find_copies", lambda *_: 1 / 0)
        withdraw(actor, original)
        update_workspace(actor, others_ai_use={"train_gen": "deny"})
        retraction.retract_expired(actor.workspace)
    assert build.make_next() == 1
    assert set(of.versions.first().delta["record_ids"]) == {str(original.id), str(twin.id)}


def test_a_preview_asks(actor, plant):
    plant(SECRET, allows="withdrawal=deny")
    twin = plant(SECRET, network="bluesky")
    of = actions.create_set(actor, name="Suara kami")
    build.make_preview(actions.request_preview(actor, of.id))
    assert [q.item.id for q in actions.open_questions(actor, of.id)] == [twin.id]
