"""Kinds and visibilities of tables: only what was a public post of its author becomes one; what is unknown is asked."""

from __future__ import annotations

import json

import pytest

from kicau.archive.imports import actions, import_job
from kicau.archive.models import ArchiveImport, Item
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed

MESSAGES = [
    "dm",
    "DM",
    "DMs",
    "direct",
    "direct_message",
    "Direct Message",
    "message",
    "private",
    "private-message",
    "pesan",
    "Pesan Langsung",
    "pesan pribadi",
    "chat",
    "Obrolan",
    "japri",
    "inbox",
    "draf",
]
REPOSTS = [
    "retweet",
    "Retweet",
    "RT",
    "re-tweet",
    "boost",
    "reblog",
    "share",
    "Shares",
    "repost",
    "bagikan",
    "Dibagikan",
    "bagi ulang",
    "unggah ulang",
]
POSTS = {
    "post": "post",
    "Tweet": "post",
    "kiriman": "post",
    "unggahan": "post",
    "balasan": "reply",
    "Komentar": "comment",
    "kutipan": "quote",
    "artikel": "article",
    "Reel": "post",
    "": "post",
}
FOR_FEW = [
    "followers",
    "Followers-only",
    "private",
    "direct",
    "friends",
    "only me",
    "CONNECTIONS",
    "pengikut",
    "Hanya Pengikut",
    "teman",
    "hanya saya",
    "terbatas",
    "pribadi",
    "close_friends",
    "circle",
    "draft",
]
FOR_ALL = ["public", "Public", "everyone", "unlisted", "publik", "Semua orang", "umum"]


def csv(tmp_path, header: str, rows: list[str]):
    path = tmp_path / "kiriman.csv"
    path.write_text("\n".join([f"text,{header}", *(f"nomor {n},{row}" for n, row in enumerate(rows))]) + "\n")
    return path


def texts() -> set[str]:
    return set(Item.objects.values_list("text", flat=True))


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_in_a_table_is_left_out(take, tmp_path, kind):
    row = take(csv(tmp_path, "kind", [kind, "post"]), account="kopisenja", network="x")
    assert (row.state, texts(), [one["code"] for one in row.skips]) == ("done", {"nomor 1"}, ["for-few"])


@pytest.mark.parametrize("kind", REPOSTS)
def test_a_repost_in_a_table_is_not_our_own_words(take, tmp_path, kind):
    path = tmp_path / "kiriman.csv"
    path.write_text(f"text,kind,author\nKata orang lain,{kind},kopisenja\nRT @teman: kata teman,post,kopisenja\n")
    row = take(path, account="kopisenja", network="x")
    assert (row.state, row.new) == ("done", 2)
    found = {i.text: (i.kind, i.standing.own, i.standing.author) for i in Item.objects.select_related("standing")}
    assert found["Kata orang lain"] == ("repost", False, "x:somebody else")
    assert found["RT @teman: kata teman"] == ("repost", False, "x:teman")


def test_posts_of_each_kind_stay_what_they_are(take, tmp_path):
    row = take(csv(tmp_path, "jenis", list(POSTS)), account="kopisenja", network="x")
    assert (row.state, row.skips) == ("done", [])
    found = [(i.kind, i.standing.own) for i in sorted(Item.objects.select_related("standing"), key=lambda i: i.text)]
    assert found == [(kind, True) for kind in POSTS.values()]


@pytest.mark.parametrize("column", ["visibility", "Privacy", "audience", "visibilitas"])
def test_who_could_read_a_row_is_read(take, tmp_path, column):
    row = take(csv(tmp_path, column, [*FOR_FEW, *FOR_ALL]), account="kopisenja", network="x")
    assert (row.state, row.skipped, row.new) == ("done", len(FOR_FEW), len(FOR_ALL))
    assert texts() == {f"nomor {n}" for n in range(len(FOR_FEW), len(FOR_FEW) + len(FOR_ALL))}


def test_a_yes_or_no_says_who_could_read_a_row_too(take, tmp_path):
    rows = [
        {"text": "1", "is_private": True},
        {"text": "2", "is_private": "ya"},
        {"text": "3", "protected": 1},
        {"text": "4", "public": "false"},
        {"text": "5", "visibility": {"value": "FRIENDS"}},
        {"text": "6", "visibility": "public", "is_private": "yes"},
        {"text": "7", "is_private": False, "public": True},
        {"text": "8", "visibility": {"value": "EVERYONE"}},
        {"text": "9", "reblog": {"id": 9}},
        {"text": "10", "reblog": None},
    ]
    path = tmp_path / "kiriman.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in rows))
    row = take(path, account="kopisenja", network="x")
    assert (row.state, row.skipped) == ("done", 6)
    assert {i.text: i.standing.own for i in Item.objects.select_related("standing")} == {
        "7": True,
        "8": True,
        "9": False,
        "10": True,
    }


def test_an_unknown_kind_or_visibility_is_asked_about_and_not_guessed(actor, member, take, tmp_path):
    rows = [
        "post,public",
        "acara spesial,public",
        "lowongan,public",
        "post,lokal",
        "acara spesial,lokal",
        "post,",
        "dm,lokal",
        "lowongan,public",
    ]
    path = csv(tmp_path, "kind,visibility", rows)
    row = take(path, account="kopisenja", network="x")
    assert (row.state, row.problem["code"], row.read, row.new, row.skipped) == ("asking", "values", 8, 1, 7)
    assert texts() == {"nomor 0"}
    assert import_job.next_due_import() is None
    asked = {one.key: one.count for one in actions.unknown_values(row)}
    assert asked == {"kind:acara spesial": 2, "kind:lowongan": 2, "visibility:lokal": 1, "visibility:": 1}
    answers = {
        "kind:acara spesial": "post",
        "kind:lowongan": "message",
        "visibility:lokal": "public",
        "visibility:": "private",
    }
    with pytest.raises(NotAllowed):
        actions.answer_values(member("viewer"), row.id, answers)
    for wrong in ({}, {**answers, "kind:lowongan": "public"}):
        with pytest.raises(ValidationFailed):
            actions.answer_values(actor, row.id, wrong)
    with pytest.raises(Conflict):
        actions.answer_import(actor, row.id, "imported")
    actions.stop_import(actor, row.id)
    assert actions.resume_import(actor, row.id).state == "asking"
    actions.answer_values(actor, row.id, answers)
    done = import_job.run_import(row.id)
    assert (done.state, done.new, done.skipped) == ("done", 4, 4)
    assert texts() == {"nomor 0", "nomor 1", "nomor 3", "nomor 4"}
    assert [(one["code"], one["count"]) for one in done.skips] == [("for-few", 4)]
    with pytest.raises(Conflict):
        actions.answer_values(actor, row.id, answers)


def test_what_an_answer_brings_to_light_is_asked_next(actor, take, tmp_path):
    row = take(csv(tmp_path, "kind,visibility", ["lowongan,lokal", "post,public"]), account="kopisenja", network="x")
    assert [one.key for one in actions.unknown_values(row)] == ["kind:lowongan"]
    actions.answer_values(actor, row.id, {"kind:lowongan": "repost"})
    row = import_job.run_import(row.id)
    assert (row.state, [one.key for one in actions.unknown_values(row)]) == ("asking", ["visibility:lokal"])
    actions.answer_values(actor, row.id, {"visibility:lokal": "public"})
    row = import_job.run_import(row.id)
    assert (row.state, row.new, row.known, row.skips) == ("done", 2, 0, [])
    assert Item.objects.get(kind="repost").standing.own is False


def test_killed_after_an_answer_nothing_is_read_twice(actor, take, tmp_path, monkeypatch):
    from kicau.archive.imports import copy_rows

    monkeypatch.setattr(copy_rows, "BATCH_SIZE", 2)
    row = take(csv(tmp_path, "kind", ["post", *["lowongan"] * 7]), account="kopisenja", network="x")
    actions.answer_values(actor, row.id, {"kind:lowongan": "post"})

    def killed(at: ArchiveImport) -> None:
        if at.new >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_job.run_import(row.id, killed)
    done = import_job.run_import(row.id)
    assert (done.state, done.new, done.known, done.skipped) == ("done", 8, 0, 0)
