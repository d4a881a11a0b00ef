"""Archives taken in: once whatever happens, with every origin; and what is bad about them is told."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection
from PIL import Image

from kicau.archive.imports import actions, copy_rows, import_job, own_posts
from kicau.archive.imports.own_posts import archive_published
from kicau.archive.models import ArchiveImport, Item, RightsContext
from kicau.archive.policy_decisions import decide_item
from kicau.archive.record_statements import add_statements
from kicau.archive.search import ArchiveQuery, find_items
from kicau.archive.tests.conftest import account, assigned, tweet, zipped
from kicau.base.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector.archives import files as archives
from kicau.connector.archives import streams
from kicau.connector.session import Credentials
from kicau.media import library
from kicau.media.models import Medium
from kicau.publishing.content import compositions
from kicau.publishing.models import DeliveryState
from kicau.publishing.scheduling import schedule
from kicau.rights.sentences import decision_reason
from kicau.rights.statements import NewStatement


@pytest.fixture
def channel(actor):
    app = register_app("x", "id", "secret")
    return Channel.objects.create(
        workspace=actor.workspace,
        network="x",
        app=app,
        key="x-kopisenja",
        account_id="4242",
        handle="kopisenja",
        name="Kopi Senja",
        credentials=to_stored(Credentials(access_token="none")),
    )


@pytest.fixture
def mastodon(actor):
    app = register_app("mastodon", "id", "secret", name="kopi.social")
    return Channel.objects.create(
        workspace=actor.workspace,
        network="mastodon",
        app=app,
        key="mastodon-senja",
        account_id="7",
        handle="senja",
        name="Senja",
        host="kopi.social",
        credentials=to_stored(Credentials(access_token="none")),
    )


def texts(actor, words: str = "") -> list[str]:
    return [i.text for i in find_items(actor, ArchiveQuery(words=words)).items]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "#a05030").save(out, "PNG")
    return out.getvalue()


def codes(row: ArchiveImport) -> dict[str, int]:
    return {one["code"]: one["count"] for one in row.skips}


def test_every_form_of_a_post(actor, archive, take):
    longer = "kopi " * 80 + "https://kopisenja.example/panjang"
    noted = {
        "text": longer.replace("https://kopisenja.example/panjang", "https://t.co/z"),
        "urls": [{"shortUrl": "https://t.co/z", "expandedUrl": "https://kopisenja.example/panjang"}, "odd"],
    }
    more = {
        "data/tweets-part1.js": assigned(
            "tweets.part1",
            [
                tweet(
                    3,
                    "Berjalan di hujan & senja &amp; kopi https://t.co/a",
                    entities={"urls": [{"url": "https://t.co/a", "expanded_url": "https://kopisenja.example/menu"}]},
                )
            ],
        ),
        "data/tweet.js": assigned("tweet.part0", [tweet(4, "older form")["tweet"]]),
        "data/js/tweets/2012_01.js": "Grailbird.data.tweets_2012_01 =\n"
        + json.dumps([{"id_str": "5", "text": "oldest form", "created_at": "2012-01-31 12:00:00 +0000"}]),
        "data/deleted-tweets.js": assigned(
            "deleted_tweets.part0", [tweet(6, "taken down", deleted_at="2023-01-02T03:04:05.000Z")]
        ),
        "data/note-tweet.js": assigned(
            "note_tweet.part0",
            [{"noteTweet": {"noteTweetId": "9", "createdAt": "2018-10-10T20:00:07.000Z", "core": noted}}],
        ),
        "data/tweets_media/1008-cup.jpg": picture(),
    }
    cup = {
        "media": [
            {
                "url": "https://t.co/p",
                "media_url_https": "https://pbs.example/cup.jpg",
                "type": "photo",
                "ext_alt_text": "Secangkir robusta",
            }
        ]
    }
    row = take(
        archive(
            tweet(1, "kopi pagi", favorite_count="3"),
            tweet(
                2,
                "RT @teman: bukan kata kami",
                entities={"user_mentions": [{"screen_name": "teman", "id_str": "77", "name": "Teman"}]},
            ),
            tweet(7, longer[:270] + "… https://t.co/x"),
            tweet(8, "gambar https://t.co/p", extended_entities=cup, entities=cup),
            tweet(9, "jawab", in_reply_to_status_id_str="1001"),
            more=more,
        )
    )
    assert (row.state, row.new, row.skipped, row.cursor) == ("done", 9, 0, {"read": 9})
    items = {i.remote_id: i for i in Item.objects.select_related("standing")}
    assert items["1001"].posted_at == datetime(2018, 10, 10, 20, 0, 1, tzinfo=UTC)
    assert items["1001"].extra == {"likes": 3}
    assert items["1001"].standing.own
    assert (items["1002"].kind, items["1002"].standing.author, items["1002"].standing.own) == ("repost", "x:77", False)
    assert items["1003"].text == "Berjalan di hujan & senja & kopi https://kopisenja.example/menu"
    assert items["1006"].deleted_at.year == 2023
    assert items["1007"].text == longer
    kept = Medium.objects.get(id=items["1008"].media[0]["medium"])
    assert (kept.origin, kept.alt, library.original_path(kept.ref).read_bytes()) == (
        "imported",
        "Secangkir robusta",
        picture(),
    )
    assert (items["1009"].kind, items["1009"].reply_to) == ("reply", "1001")
    assert texts(actor, "jalan") == [items["1003"].text]  # stemmed in Indonesian
    assert texts(actor, "robusta") == ["gambar"]  # the description of a picture


def test_twice_is_once_with_both_origins(actor, archive, take, channel):
    draft = compositions.create_draft(
        actor,
        compositions.Composition(parts=(compositions.PartContent(text="Kopi kami"),), ai_use={"train_gen": "deny"}),
    )
    (delivery,) = schedule.schedule(
        actor, compositions.one_draft(actor, draft.id), ["x-kopisenja"], datetime.now(UTC)
    ).deliveries
    delivery.state, delivery.remote_ids, delivery.published_at = DeliveryState.PUBLISHED, ["1001"], delivery.due_at
    delivery.save()
    first = take(archive(tweet(1, "Kopi kami"), tweet(2, "lain"), tweet(2, "lain")))
    assert (first.new, first.known, codes(first)) == (1, 1, {"twice": 1})
    ours = Item.objects.select_related("standing").get(remote_id="1001")
    assert (ours.standing.acquired, ours.delivery_id, ours.said) == (["composed", "imported"], delivery.id, True)
    second = take(archive(tweet(1, "Kopi kami"), tweet(3, "baru")))
    assert (second.new, second.known) == (1, 1)
    assert len(Item.objects.get(remote_id="1001").sources) == 3
    assert archive_published(actor.workspace) == 0
    table = zipped(
        ours_by_text(archive), {"posts.csv": f"text,date,network\nKopi kami,{delivery.published_at.isoformat()},x\n"}
    )
    assert (
        take(table, account="KopiSenja").known == 1
    )  # a file without ids: the same text within minutes is the same post


def test_what_was_published_for_a_few_is_used_for_nothing_unless_its_author_says_so(actor, mastodon):
    actor.workspace.ai_use = dict.fromkeys(("train_gen", "ground", "search", "archive"), "allow")
    actor.workspace.save()

    def out(number: int, visibility: str, **more: dict[str, str]):
        draft = compositions.create_draft(
            actor,
            compositions.Composition(
                parts=(compositions.PartContent(text=f"Kopi {number}"),),
                options={"mastodon.visibility": visibility},
                **more,
            ),
        )
        (row,) = schedule.schedule(
            actor, compositions.one_draft(actor, draft.id), [mastodon.key], datetime.now(UTC)
        ).deliveries
        row.state, row.remote_ids, row.published_at = DeliveryState.PUBLISHED, [str(number)], row.due_at
        row.save()

    out(1, "unlisted")
    out(2, "private")
    out(3, "direct", ai_use={"train_gen": "allow"})
    assert archive_published(actor.workspace) == 3

    def told(number: int) -> dict[str, str]:
        item = Item.objects.get(remote_id__endswith=f"/{number}")
        made = decide_item(actor, item.id).decisions
        return {use: decision_reason(made[use]).code for use in ("train_gen", "ground", "search")}

    assert told(1) == {"train_gen": "own-allows", "ground": "own-allows", "search": "own-allows"}
    assert told(2) == {"train_gen": "for-few", "ground": "for-few", "search": "own-allows"}
    assert told(3) == {"train_gen": "author-allows", "ground": "for-few", "search": "own-allows"}


def test_what_somebody_said_before_does_not_hide_that_a_post_was_for_a_few(actor, mastodon):
    """The archive had the post already, and something was said of it."""
    actor.workspace.ai_use = {"train_gen": "allow"}
    actor.workspace.save()
    draft = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text="Kopi"),), options={"mastodon.visibility": "private"}
        ),
    )
    (row,) = schedule.schedule(
        actor, compositions.one_draft(actor, draft.id), [mastodon.key], datetime.now(UTC)
    ).deliveries
    row.state, row.remote_ids, row.published_at = DeliveryState.PUBLISHED, ["1"], row.due_at
    row.save()
    shared = RightsContext.objects.create(
        workspace=actor.workspace,
        network="mastodon",
        author=f"mastodon:{mastodon.account_id}",
        own=True,
        acquired=["imported"],
    )
    item = Item.objects.create(
        workspace=actor.workspace,
        network="mastodon",
        remote_id=own_posts.archive_remote_ids(row)[0],
        standing=shared,
        sources=[1],
        text="Kopi",
    )
    given = NewStatement(layer="author", party="author", subject="item", item=item.id, says={"search": "allow"})
    add_statements(actor, [given])
    assert archive_published(actor.workspace) == 1
    assert decide_item(actor, item.id).decisions["train_gen"].answer == "no"


def ours_by_text(archive):
    return archive(name="plain.zip")


@contextmanager
def seen_at_work(import_id):
    """Another process works on it, or did so until its machine was cut off."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(%s)", [import_id.int & (2**63 - 1)])
        yield
    finally:
        other.close()


def test_killed_it_goes_on_and_nothing_is_twice(actor, archive, take, monkeypatch):
    monkeypatch.setattr(copy_rows, "BATCH_SIZE", 10)
    path = archive(*(tweet(n, f"nomor {n}") for n in range(55)))
    row = actions.begin_import(actor, path, acquired="imported")

    def killed(at):
        if at.read >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_job.run_import(row.id, killed)
    row.refresh_from_db()
    assert (row.state, row.read, Item.objects.count()) == ("running", 20, 20)
    assert (import_job.next_due_import(), actions.display_state(row)) == (
        row.id,
        "waiting",
    )  # nobody holds it, so that no lease is waited for
    with seen_at_work(row.id):
        assert (import_job.next_due_import(), actions.display_state(row)) == (None, "running")
        assert import_job.run_import(row.id).read == 20
        ArchiveImport.objects.update(lease_until=row.created_at)  # a machine cut off keeps its lock, but no lease
        assert import_job.next_due_import() == row.id
    done = import_job.run_import(row.id)
    assert (done.state, done.read) == ("done", 55)
    assert (ArchiveImport.objects.get().new, Item.objects.count(), done.skipped) == (55, 55, 0)

    other = actions.begin_import(actor, archive(*(tweet(n, f"lagi {n}") for n in range(60, 100))), acquired="imported")
    stopped = import_job.run_import(
        other.id, lambda at: at.state == "running" and at.read == 10 and actions.stop_import(actor, at.id)
    )
    assert (stopped.state, Item.objects.count()) == ("canceled", 65)
    actions.resume_import(actor, other.id)
    assert import_job.run_import(other.id).state == "done"
    assert Item.objects.count() == 95
    with pytest.raises(Conflict):
        actions.resume_import(actor, other.id)


def test_somebody_elses_archive_asks(actor, archive, member, channel):
    path = archive(tweet(1, "kata orang"), owner=account("99", "tetangga"))
    row = actions.begin_import(actor, path)
    assert (row.state, row.problem["code"], row.problem["params"]["account"]) == (
        "asking",
        "another-account",
        "@tetangga",
    )
    assert import_job.next_due_import() is None
    with pytest.raises(NotAllowed):
        actions.answer_import(member("viewer"), row.id, "received")
    with pytest.raises(NotFound):
        actions.answer_import(actor, "nothing", "received")
    actions.stop_import(actor, row.id)
    assert actions.resume_import(actor, row.id).state == "asking"  # it is not taken for our own by the way
    actions.answer_import(actor, row.id, "received")
    assert import_job.run_import(row.id).new == 1
    standing = Item.objects.get().standing
    assert (standing.own, standing.acquired, standing.author_handle) == (False, ["received"], "tetangga")
    assert actions.begin_import(actor, archive(tweet(2, "kata kami"))).state == "waiting"


def test_an_archive_of_a_network_of_which_no_channel_is_connected_asks_whose_it_is(actor, archive):
    path = archive(tweet(1, "kata siapa"))
    row = actions.begin_import(actor, path)
    assert (row.state, row.problem["code"]) == ("asking", "another-account")
    assert "this workspace has no X channel" in row.problem["message"].format_map(row.problem["params"])
    assert import_job.next_due_import() is None, "nothing counts as our own before somebody says so"
    with pytest.raises(ValidationFailed):
        actions.begin_import(actor, path, asks=())
    actions.answer_import(actor, row.id, "received")
    assert import_job.run_import(row.id).new == 1
    assert not Item.objects.get().standing.own


def test_a_download_that_names_no_account_asks_whose_it_is(actor, archive, channel):
    nobody = assigned("account.part0", [{"account": {}}])
    row = actions.begin_import(actor, archive(tweet(1, "kata siapa"), owner=nobody))
    assert (row.account_id, row.account_handle, row.account_name) == ("", "", "")
    assert (row.state, row.problem["code"]) == ("asking", actions.OWNER_QUESTION)
    assert import_job.next_due_import() is None
    actions.answer_import(actor, row.id, "imported")
    assert import_job.run_import(row.id).new == 1
    assert Item.objects.get().standing.own


def test_bad_archives_are_told_and_the_rest_is_read(actor, archive, take, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNCHECKED_BYTES", 1_000_000)
    good = assigned("tweets.part1", [tweet(n, f"baik {n}") for n in range(20, 24)])
    more = {
        "../../etc/passwd.js": "x",
        "data/tweets-part1.js": good.replace('"baik 21"', '"baik 21', 1),
        "data/tweets-part2.js": assigned("tweets.part2", [tweet(n, "potong") for n in range(30, 33)])[:-90],
        "data/tweets-part3.js": "window.YTD.tweets.part3 = [" + " " * 4_000_000 + "]",
        "data/tweets-part4.js": json.dumps([tweet(40, "satu baris"), tweet(41, "\ud83d separuh \x00 nol")]),
        "data/tweets-part5.js": "nothing at all",
    }
    row = take(archive(tweet(1, "awal"), more=more))
    assert row.state == "done"
    assert codes(row) == {"outside": 1, "malformed": 1, "cut": 1, "bomb": 1, "no-list": 1} | {
        c: n for c, n in codes(row).items() if c == "malformed"
    }
    assert {"1001", "1020", "1022", "1023", "1030", "1040", "1041"} <= set(
        Item.objects.values_list("remote_id", flat=True)
    )

    broken = archive(tweet(1, "x"))
    broken.write_bytes(broken.read_bytes()[:-300])
    empty, picture = tmp_path / "empty.zip", tmp_path / "cup.jpg"
    empty.write_bytes(b"")
    picture.write_bytes(b"\xff\xd8\xff\xe0 no archive")
    for path in (broken, empty, picture, tmp_path / "missing.zip"):
        with pytest.raises(ValidationFailed) as told:
            actions.begin_import(actor, path)
        assert path.name in str(told.value)


def test_tables_and_lines_of_any_kind(actor, take, tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_ENTRY_BYTES", 3000)
    table = tmp_path / "posts.csv"
    table.write_bytes(
        b'Date;Content;Link\n2024-02-01;Buka pagi;https://a.example/1\n31/01/2024;"dua\nbaris";javascript:alert(1)\nnanti;tanpa jam;\n;;\n'
        + b"2024-02-02;caf\xe9;\n"
    )
    row = take(table, network="x", account="kopisenja")
    assert (row.new, row.skipped) == (4, 0)
    dated = {i.text: (i.posted_to, i.posted_at.date().isoformat()) for i in Item.objects.all()}
    assert dated == {
        "Buka pagi": ("day", "2024-02-01"),
        "dua\nbaris": ("day", "2024-01-31"),
        "tanpa jam": ("none", "1970-01-01"),
        "café": ("day", "2024-02-02"),
    }
    kept = {i.text: i.url for i in Item.objects.all()}
    assert (kept["Buka pagi"], kept["dua\nbaris"]) == ("https://a.example/1", ""), "only a page's address is kept"
    assert take(table, network="x", account="kopisenja").new == 0

    lines = tmp_path / "posts.jsonl.gz"
    content = b"\n".join(
        [
            json.dumps({"text": "satu", "created_at": 1700000000}).encode(),
            b'{"text": "' + b"a" * 9000 + b'"}',
            b"{broken",
            b'{"other": 1}',
            *(b'{"text": "baris %d"}' % n for n in range(200)),
        ]
    )
    lines.write_bytes(gzip.compress(content)[:-12])
    row = take(lines, network="x")
    assert set(codes(row)) == {"too-long", "malformed", "no-text", "broken"}
    assert "satu" in texts(actor)

    packed = tmp_path / "posts.tar.gz"
    with tarfile.open(packed, "w:gz") as tape:
        tape.add(table, "posts.csv")
    assert take(packed, network="x", account="lain").new == 4
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        z.writestr("a.csv", "text,text\n" + "kopi,\n" * 3)
    assert take(tmp_path / "a.zip").new in (0, 1)


def test_what_a_table_says_is_by_a_connected_handle_is_our_own(take, channel, tmp_path):
    table = tmp_path / "kiriman.csv"
    table.write_text(
        "teks,jejaring,author\nKata kami,x,@KopiSenja\nKata teman,x,teman\nDi tempat lain,threads,kopisenja\n"
    )
    take(table)
    assert {i.text: i.standing.own for i in Item.objects.select_related("standing")} == {
        "Kata kami": True,
        "Kata teman": False,
        "Di tempat lain": False,
    }


def test_what_shares_an_id_or_has_no_date_that_can_be_read_is_told(take, tmp_path):
    table = tmp_path / "kiriman.csv"
    table.write_text(
        "id,isi,tanggal\n1,Pertama,31/01/2024 08.15\n1,Lain sama sekali,2024-02-01\n2,Dua,1/2/2024\n2,Dua,1/2/2024\n3,Tiga,12/31/2024\n4,Empat,2024-02-30\n5,Lima,\n"
    )
    row = take(table, network="x", account="kopisenja")
    assert (row.new, row.skipped) == (5, 2)
    assert {(s["code"], s["count"], tuple(s["examples"])) for s in row.skips} == {
        ("same-id", 1, ("1",)),
        ("twice", 1, ("2",)),
        ("no-date", 2, ("kiriman.csv #6: 12/31/2024", "kiriman.csv #7: 2024-02-30")),
    }
    again = take(table, network="x", account="kopisenja")
    assert ({k: n for k, n in codes(again).items() if k != "no-date"}, again.new) == ({"same-id": 1, "twice": 1}, 0)
    dated = {i.text: (i.posted_to, i.posted_at.isoformat()) for i in Item.objects.all()}
    assert dated["Pertama"] == ("second", "2024-01-31T08:15:00+00:00")
    assert dated["Dua"] == ("day", "2024-02-01T00:00:00+00:00")
    assert {dated[text][0] for text in ("Tiga", "Empat", "Lima")} == {"none"}


def test_a_packing_that_cannot_be_undone_here_is_told(actor, archive):
    """Deflate64, with which Windows packs large folders."""
    path = archive(tweet(1, "x"))
    packed = bytearray(path.read_bytes())
    for mark, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = -1
        while (at := packed.find(mark, at + 1)) >= 0:
            packed[at + method] = 9
    path.write_bytes(packed)
    row = import_job.run_import(actions.begin_import(actor, path, acquired="imported").id)
    assert (row.new, codes(row)) == (0, {"packing": 1})


def test_a_packed_file_that_ends_too_early_is_told_once(take, tmp_path):
    path = tmp_path / "posts.jsonl.gz"
    lines = b"".join(b'{"id": "%d", "text": "baris %s"}\n' % (n, str(hash(str(n))).encode()) for n in range(3000))
    path.write_bytes(gzip.compress(lines)[:-4000])
    row = take(path, network="x")
    assert (codes(row), row.skipped) == ({"broken": 1}, 1)
    assert row.skips[0]["examples"] == [f"posts.jsonl #{row.new + 1}"]
