"""What is said of a picture binds the post that it stands in: its no and its conditions, never its yes."""

# ruff: noqa: F811 (fixtures of the archive)
from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image

from kicau.archive import record_statements
from kicau.archive.imports import import_job, media
from kicau.archive.models import ArchiveImport, Item, RightsContext
from kicau.archive.policy_decisions import RightsEvaluator, decide_item
from kicau.archive.policy_preview import PolicyChange, simulate_change
from kicau.archive.search import ArchiveQuery, count_facets
from kicau.archive.tests.conftest import archive, take, tweet  # noqa: F401 (fixtures)
from kicau.base.errors import Conflict
from kicau.rights.models import Statement
from kicau.rights.sentences import decision_reason
from kicau.rights.statements import NewStatement
from kicau.training_sets import actions, build, versions
from kicau.training_sets.models import VersionState
from kicau.workspaces.actions import create_workspace, update_workspace

TEXT = "Secangkir kopi tubruk di teras, difoto teman kami dari lereng Puntang pagi ini"


def picture(licence, shade=0):
    """With a notice in Exif; each shade is another file."""
    found = Image.Exif()
    if licence:
        found[0x8298] = f"© 2026 Sari. {licence}"
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(out, "JPEG", exif=found)
    return out.getvalue()


def photo(number, text, **more):
    media = {
        "url": f"https://t.co/p{number}",
        "media_url_https": f"https://pbs.example/cup{number}.jpg",
        "type": "photo",
    }
    return tweet(
        number,
        f"{text} https://t.co/p{number}",
        extended_entities={"media": [media]},
        entities={"media": [media]},
        **more,
    )


@pytest.fixture
def posts(actor, archive, take):
    """posts("CC BY-ND 4.0", …): one imported post of ours for each, with a picture that says so."""
    update_workspace(actor, ai_use={"train_gen": "allow"})
    actor.workspace.refresh_from_db()

    def make(*licences, **how):
        files = {f"data/tweets_media/{1000 + n}-cup{n}.jpg": picture(one, n) for n, one in enumerate(licences)}
        row = take(archive(*(photo(n, f"{TEXT}, nomor {n}") for n in range(len(licences))), more=files), **how)
        assert row.state == "done", row.problem
        return list(Item.objects.select_related("standing").order_by("remote_id"))

    return make


def answer(actor, item, *meets):
    return decide_item(actor, item.id, meets=meets).decisions["train_gen"]


def test_an_import_reads_its_pictures(actor, posts):
    denied, conditional, free, silent = posts("CC BY-ND 4.0", "CC BY 4.0", "CC0", "")
    assert [answer(actor, one).answer for one in (denied, conditional, free, silent)] == ["no", "unknown", "yes", "yes"]
    assert [answer(actor, one, "attribution").answer for one in (denied, conditional)] == ["no", "yes"]
    assert dict(answer(actor, conditional, "attribution").duties) == {"attribution": ""}
    assert [decision_reason(answer(actor, one)).code for one in (denied, conditional, free)] == [
        "file-denies",
        "file-conditions",
        "own-allows",
    ]
    judge = RightsEvaluator(actor.workspace)
    assert [d.answer for _, d in judge.decide_items("train_gen", Item.objects.order_by("remote_id"))] == [
        "no",
        "unknown",
        "yes",
        "yes",
    ]
    assert set(Item.objects.filter(judge.permitted("train_gen").q)) == {free, silent}
    assert count_facets(actor, ArchiveQuery()).answers == {"yes": 2, "no": 1, "unknown": 1}


def test_a_free_picture_frees_no_words(actor, posts):
    (item,) = posts("CC0", acquired="received", account="teman")
    assert not item.standing.own
    assert answer(actor, item).answer == "unknown"


def test_a_grant_of_the_post_does_not_lift_what_its_picture_says_but_one_of_the_picture_does(actor, posts):
    (item,) = posts("CC BY-ND 4.0")
    for subject, key, expected in (
        ("item", "", "no"),
        ("author", "own", "no"),
        ("file", item.media[0]["sha256"], "yes"),
    ):
        given = NewStatement(
            layer="grant",
            party="author",
            subject=subject,
            key=key,
            item=item.id if subject == "item" else None,
            says={"train_gen": "allow"},
        )
        record_statements.add_statements(actor, [given])
        assert answer(actor, item).answer == expected, subject


def test_the_end_of_the_statement_lifts_it(actor, posts):
    (item,) = posts("CC BY-ND 4.0")
    (said,) = Statement.objects.filter(subject="file")
    record_statements.end_statement(actor, said.id)
    assert answer(actor, item).answer == "yes"


def test_a_set_leaves_such_posts_out_and_names_the_duty(actor, posts):
    denied, conditional, silent = posts("CC BY-ND 4.0", "CC BY 4.0", "")
    of = actions.create_set(actor, name="Suara kami", meets=["attribution"], options={"without_repeats": False})
    version = build.make_version(actions.order_version(actor, of.id))
    folder = versions.version_folder(version)
    with (folder / "excluded.csv").open(encoding="utf-8") as rows:
        why = {row["item"]: row["reason"] for row in csv.DictReader(rows)}
    records = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert {r["id"]: r["duties"] for r in records} == {str(conditional.id): "attribution", str(silent.id): ""}
    assert list(why) == [str(denied.id)]
    assert why[str(denied.id)].startswith("No. The rights information of an image, video or document in this post")


def test_the_same_words_without_the_picture_stay_free(actor, posts):
    (denied,) = posts("CC BY-ND 4.0")
    other = Item.objects.create(
        workspace=actor.workspace,
        network="bluesky",
        remote_id="b1",
        standing=RightsContext.objects.create(
            workspace=actor.workspace, network="bluesky", author="bluesky:kami", own=True, acquired=["imported"]
        ),
        text=denied.text,
        sources=[1],
        posted_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    of = actions.create_set(actor, name="Suara kami")
    version = build.make_version(actions.order_version(actor, of.id))
    assert list(version.members.values_list("item_id", flat=True)) == [other.id]


def test_what_is_read_of_a_file_later_reaches_the_sets_at_once(actor, posts):
    (item,) = posts("")
    of = actions.create_set(actor, name="Suara kami")
    version = build.make_version(actions.order_version(actor, of.id))
    assert actions.file_of(actor, version, "train.jsonl").exists()
    digest = hashlib.sha256(picture("")).hexdigest()
    assert item.media[0]["sha256"] == digest
    no = NewStatement(layer="author", party="author", subject="file", key=digest, says={"train_gen": "deny"})
    (effect,) = simulate_change(actor, PolicyChange(added=[no]), ["train_gen"])
    assert (effect.leaving, [one.id for one in effect.leave]) == (1, [item.id])
    record_statements.add_statements(actor, [no])
    version.refresh_from_db()
    assert version.state == VersionState.SUPERSEDED
    with pytest.raises(Conflict):
        actions.file_of(actor, version, "train.jsonl")


def test_a_picture_that_comes_later_reaches_the_sets_at_once(actor, archive, take):
    update_workspace(actor, ai_use={"train_gen": "allow"})
    take(archive(tweet(1, TEXT)))
    of = actions.create_set(actor, name="Suara kami")
    version = build.make_version(actions.order_version(actor, of.id))
    assert version.records == 1
    take(archive(photo(1, TEXT), more={"data/tweets_media/1001-cup1.jpg": picture("CC BY-ND 4.0")}))
    version.refresh_from_db()
    assert version.state == VersionState.SUPERSEDED


def test_no_item_has_a_file_that_does_not_bind_it_yet(actor, posts, monkeypatch):
    """Also where the process ends between the two."""
    with monkeypatch.context() as broken:
        broken.setattr(media, "bind_by_files", lambda *_: 1 / 0)
        with pytest.raises(AssertionError, match="an error in Kicau"):  # the import did not end well
            posts("CC BY-ND 4.0")
    item = Item.objects.get()
    assert not item.media[0].get("sha256")
    row = ArchiveImport.objects.get()
    ArchiveImport.objects.filter(id=row.id).update(state="running", lease_until=None)
    import_job.run_import(row.id)
    item = Item.objects.select_related("standing").get()
    assert item.media[0]["sha256"]
    assert answer(actor, item).answer == "no"


def test_another_workspaces_file_binds_nothing_here(actor, owner, posts):
    (item,) = posts("")
    elsewhere = create_workspace(owner, "Lain")
    Statement.objects.create(
        workspace_id=elsewhere.id,
        layer="author",
        party="author",
        subject="file",
        key=item.media[0]["sha256"],
        says={"train_gen": "deny"},
    )
    record_statements.bind_by_files(actor.workspace, [item.id])
    assert answer(actor, item).answer == "yes"
    assert not Item.objects.get().said
