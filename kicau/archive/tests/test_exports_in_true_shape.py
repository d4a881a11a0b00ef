"""Each network's own export as its versions wrote it: everything public is read, nothing else is, and a file that says it
holds more than was found is named. The counts to compare with are made here from the bytes, without the readers."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kicau.archive.imports import import_job
from kicau.archive.models import Item
from kicau.archive.tests import sample_exports as samples
from kicau.archive.tests.conftest import assigned, tweet, zipped
from kicau.archive.tests.test_networks_downloads import car, cid_of

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def contents(path: Path) -> dict[str, str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            return {name: packed.read(name).decode() for name in packed.namelist()}
    with tarfile.open(path) as tape:
        return {one.name: tape.extractfile(one).read().decode() for one in tape}  # type: ignore[union-attr]


def every_entry(path: Path) -> list[dict[str, Any]]:
    """The entries under each `orderedItems`, also where the key is there twice."""
    found: list[dict[str, Any]] = []

    def collected(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(entry for key, value in pairs if key == "orderedItems" for entry in value)
        return dict(pairs)

    json.loads(contents(path)["outbox.json"], object_pairs_hook=collected)
    return found


def public_notes(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        one["object"]
        for one in entries
        if one["type"] == "Create" and PUBLIC in one["object"]["to"] + one["object"]["cc"]
    ]


def every_post(path: Path) -> list[dict[str, Any]]:
    """Of an X archive."""
    found: list[dict[str, Any]] = []
    for name, text in contents(path).items():
        if re.search(r"(^|/)((deleted|community)-)?tweets?(-part\d+)?\.js$", name):
            found += [one.get("tweet", one) for one in json.loads(text.partition(" = ")[2])]
    return found


def counts(row) -> dict[str, int]:
    return {one["code"]: one["count"] for one in row.skips}


@pytest.mark.parametrize(
    ("version", "doubled"), [*((v, False) for v in samples.MASTODON_VERSIONS), ("4.3", True), ("4.4", True)]
)
def test_an_export_of_mastodon_is_read_whole(take, tmp_path, version, doubled):
    path = samples.mastodon(tmp_path, version, 400, doubled=doubled)
    entries = every_entry(path)
    public = public_notes(entries)
    assert len(entries) == 400
    assert 0 < len(public) < 400
    row = take(path)
    boosts = sum(one["type"] == "Announce" for one in entries)
    assert (row.state, row.network, row.new, row.skipped) == (
        "done",
        "mastodon",
        len(public),
        400 - len(public) - boosts,
    )
    assert counts(row) == {"boost": boosts, "for-few": 400 - len(public) - boosts}
    assert set(Item.objects.values_list("url", flat=True)) == {one["url"] for one in public}


@pytest.mark.parametrize("doubled", [False, True])
def test_an_export_that_holds_less_than_it_says_is_named(take, tmp_path, doubled):
    row = take(samples.mastodon(tmp_path, "4.3", 50, doubled=doubled, total=90))
    assert (counts(row)["incomplete"], row.state) == (1, "done")
    (one,) = [one for one in row.skips if one["code"] == "incomplete"]
    assert (one["params"]["expected"], one["params"]["found"]) == (90, 50)


def test_a_total_behind_the_entries_is_read_too(take, tmp_path):
    """As Pleroma and Akkoma write it."""
    note = {"id": "https://kopi.social/objects/1", "type": "Note", "content": "Satu", "to": [PUBLIC], "cc": []}
    text = json.dumps(
        {"type": "OrderedCollection", "orderedItems": [{"type": "Create", "object": note}], "totalItems": 3}
    )
    row = take(zipped(tmp_path / "outbox.zip", {"outbox.json": text}))
    assert (row.new, counts(row)) == (1, {"incomplete": 1})


def test_a_post_that_is_addressed_to_nobody_is_not_public(take, tmp_path):
    def entry(number: int, **addressed: object) -> dict[str, Any]:
        note = {
            "id": f"https://kopi.social/statuses/{number}",
            "type": "Note",
            "content": f"<p>{number}</p>",
            **addressed,
        }
        return {"type": "Create", "object": note}

    entries = [
        entry(1, to=[], cc=[]),
        entry(2),
        entry(3, to=None, cc=None),
        {**entry(4, to=[], cc=[]), "to": [PUBLIC]},  # what the post itself says is what counts
        {"type": "Create", "object": "bear:?t=abc&u=https://kopi.social/statuses/5"},
        {**entry(6), "to": [PUBLIC], "cc": []},
        entry(7, to=[PUBLIC], cc=[]),
    ]
    row = take(
        zipped(
            tmp_path / "outbox.zip", {"outbox.json": json.dumps({"type": "OrderedCollection", "orderedItems": entries})}
        )
    )
    assert (row.new, counts(row)) == (2, {"for-few": 5})
    assert set(Item.objects.values_list("text", flat=True)) == {"6", "7"}


@pytest.mark.parametrize("year", samples.X_YEARS)
def test_an_archive_of_x_is_read_whole(take, tmp_path, year):
    path = samples.x(tmp_path, year, 300)
    posts = every_post(path)
    row = take(path)
    assert (row.state, row.network, row.new, row.skipped, row.skips) == ("done", "x", len(posts), 0, [])
    assert set(Item.objects.values_list("remote_id", flat=True)) == {one["id_str"] for one in posts}
    assert Item.objects.filter(deleted_at__isnull=False).count() == (0 if year == 2019 else 4)
    assert Item.objects.filter(kind="repost").count() == sum(one["full_text"].startswith("RT @") for one in posts)


@pytest.mark.parametrize("year", [2022, 2024, 2026])
def test_an_archive_of_x_that_holds_less_than_its_manifest_counts_is_named(take, tmp_path, year):
    row = take(samples.x(tmp_path, year, 20, lost=5))
    assert counts(row) == {"incomplete": 1}


def test_what_an_archive_of_x_lists_and_does_not_hold_is_named(take, tmp_path):
    whole = contents(samples.x(tmp_path, 2024, 20))
    del whole["data/tweets-part1.js"]
    whole["data/manifest.js"] = whole["data/manifest.js"].replace(
        '"isPartialArchive" : false', '"isPartialArchive" : true'
    )
    row = take(zipped(tmp_path / "part.zip", dict(whole)))
    assert (counts(row), row.skipped) == ({"partial": 1, "missing": 1}, 0)
    old = {
        "data/js/user_details.js": 'var user_details = {"screen_name":"kopisenja","full_name":"Kopi","id":"4242"}',
        "data/js/tweet_index.js": 'var tweet_index = [{"file_name":"data/js/tweets/2012_01.js","tweet_count":3}]',
        "data/js/tweets/2012_01.js": 'Grailbird.data.tweets_2012_01 = [{"id_str":"1","text":"satu","user":{"protected":true}},'
        ' {"id_str":"2","text":"dua","user":{"protected":false}}]',
    }
    row = take(zipped(tmp_path / "2012.zip", old))
    assert (row.new, counts(row)) == (1, {"for-few": 1, "incomplete": 1})


HISTORIES: dict[str, tuple[list[tuple[str, str]], set[int]]] = {
    # Posts are of every tenth day from 2025-01-01 on, ten in all; what is public of them, by number.
    "never": ([], set(range(10))),
    "still protected": ([("2025-02-01T00:00:00.000Z", "Protect")], set()),
    "protected for a time": (
        [("2025-01-15T00:00:00.000Z", "Protect"), ("2025-02-15T00:00:00.000Z", "Unprotect")],
        {0, 1, 5, 6, 7, 8, 9},
    ),
    "newest first": (
        [("2025-02-15T00:00:00.000Z", "Unprotect"), ("2025-01-15T00:00:00.000Z", "Protect")],
        {0, 1, 5, 6, 7, 8, 9},
    ),
    "protected since before the history": ([("2025-02-15T00:00:00.000Z", "Unprotect")], {5, 6, 7, 8, 9}),
    "a history that nobody can read": ([("sometime", "Protect")], set()),
}


@pytest.mark.parametrize("named", HISTORIES)
def test_posts_of_an_account_that_was_protected_are_not_public(take, tmp_path, named):
    history, public = HISTORIES[named]
    days = ["Jan 01", "Jan 11", "Jan 21", "Jan 31", "Feb 10", "Feb 20", "Mar 02", "Mar 12", "Mar 22", "Apr 01"]
    posts = [tweet(n, f"nomor {n}", created_at=f"Wed {day} 08:00:00 +0000 2025") for n, day in enumerate(days)]
    entries = [{"protectedHistory": {"protectedAt": at, "action": action}} for at, action in history]
    files = {
        "data/account.js": assigned("account.part0", [{"account": {"accountId": "4242", "username": "kopisenja"}}]),
        "data/tweets.js": assigned("tweets.part0", posts),
        "data/protected-history.js": assigned("protected_history.part0", entries),
    }
    row = take(zipped(tmp_path / "x.zip", files))
    assert {int(text.split()[1]) for text in Item.objects.values_list("text", flat=True)} == public
    assert counts(row) == ({"for-few": 10 - len(public)} if len(public) < 10 else {})


def test_what_x_itself_marks_as_for_some_alone_is_not_public(take, tmp_path):
    files = {
        "data/tweets.js": assigned(
            "tweets.part0",
            [tweet(1, "semua", scopes={"followers": False}), tweet(2, "pengikut", scopes={"followers": True})],
        ),
        "data/twitter-circle-tweet.js": assigned("twitter_circle_tweet.part0", [tweet(3, "lingkaran")]),
    }
    row = take(zipped(tmp_path / "x.zip", files))
    assert (row.new, counts(row)) == (1, {"for-few": 2})
    assert Item.objects.get().extra == {}


def test_a_repository_of_bluesky_without_all_its_blocks_is_named(take, tmp_path):
    posts = [
        {"$type": "app.bsky.feed.post", "text": f"Langit {n}", "createdAt": "2024-05-01T07:00:00Z"} for n in range(4)
    ]
    keys = [b"app.bsky.feed.post/3a", b"b", b"c", b"d"]
    entries = [
        {"p": 0 if n == 0 else 20, "k": key, "v": cid_of(post), "t": cid_of({"lost": 1}) if n == 3 else None}
        for n, (key, post) in enumerate(zip(keys, posts, strict=True))
    ]
    node = {"l": None, "e": entries}
    commit = {"did": "did:plc:senja", "version": 3, "data": cid_of(node), "rev": "1", "prev": None, "sig": b"s"}
    path = tmp_path / "repo.car"
    path.write_bytes(car(commit, node, posts[0]))
    row = take(path)
    assert (row.new, row.skipped) == (1, 0)
    assert {one["code"]: one["params"]["count"] for one in row.skips} == {"missing-posts": 3, "missing-nodes": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", None),
        ("{}", None),
        ('{"comments_v2": []}', None),
        ('{"comments_v2"', "no-list"),
        ('{"reason": "nothing was exported"}', "no-list"),
        ('{"comments_v2": [{"data": []}', "cut"),
    ],
)
def test_a_file_without_its_list_is_named(take, tmp_path, text, code):
    posts = json.dumps([{"timestamp": 1700000000, "data": [{"post": "Satu"}]}])
    files = {"posts/your_posts_1.json": posts, "comments_and_reactions/comments.json": text}
    row = take(zipped(tmp_path / "facebook.zip", files))
    assert row.new == 1
    assert set(counts(row)) - {"malformed"} == ({code} if code else set())


def test_each_list_of_a_file_is_read(take, tmp_path):
    def comment(text: str) -> dict[str, Any]:
        return {"data": [{"comment": {"timestamp": 1700000200, "comment": text}}]}

    lists = {"comments_v2": [comment("satu")], "note": 'a ": [b', "comments_v3": [comment("dua")]}
    posts = json.dumps([{"timestamp": 1700000000, "data": [{"post": "Tiga"}]}])
    files = {"posts/your_posts_1.json": posts, "comments_and_reactions/comments.json": json.dumps(lists)}
    assert take(zipped(tmp_path / "facebook.zip", files)).new == 3


def test_an_archive_with_more_files_than_are_looked_at_says_so(take, tmp_path, monkeypatch):
    from kicau.connector.archives import files

    monkeypatch.setattr(files, "MAX_FILES", 2)
    posts = json.dumps([{"timestamp": 1700000000, "data": [{"post": "Satu"}]}])
    row = take(zipped(tmp_path / "facebook.zip", {f"posts/your_posts_{n}.json": posts for n in range(3)}))
    assert (row.new, counts(row)["too-many-files"]) == (1, 1)
    assert import_job.next_due_import() is None
