"""Two hundred planted items of every kind in both kinds of sets: nothing forbidden in, nothing permitted out, each reason
right. One kind goes by the workspace's rule (Settings), the other by a statement about its own words.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from kicau.archive.imports import actions as imports
from kicau.archive.imports import import_job
from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.archive.tests.conftest import zipped
from kicau.base import clock
from kicau.rights.models import Statement, Terms
from kicau.rights.statements import NewStatement
from kicau.training_sets import actions, build, versions
from kicau.workspaces.actions import update_workspace

DAY = datetime(2026, 3, 1, tzinfo=UTC)
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
NOBODY, UNMET, LICENCE = "Nobody has stated", "only if certain conditions are met", "The licence"
ASKED = "Excluded from the training set until someone in this workspace decides"
COPY = "Excluded from the training set because the text repeats or fully quotes another text"
NOT_PUBLIC = "because the content is a private message or a repost of someone else's post"
LINES = [
    "Pagi ini biji dari kebun {} tiba di kedai, wanginya seperti jeruk dan madu hutan",
    "Menurut warga {} hujan semalam membuat jalan ke pasar tertutup lumpur sampai siang",
    "Kami belajar membuat roti sourdough dari {} dengan ragi alami selama sembilan hari",
    "Kereta dari stasiun {} terlambat dua jam karena pohon tumbang di dekat jembatan lama",
    "Lomba menggambar anak di {} diikuti seratus peserta dari empat puluh sekolah dasar",
    "Harga cabai di pasar {} naik lagi, pedagang berharap panen raya datang bulan depan",
]


@dataclass(frozen=True)
class Plant:
    """One item and what is right for it: `reason` is a part of the sentence, or "" where it may be used."""

    kind: str
    item: str
    reason: str


class Garden:
    """Plants items the ways by which they come: files through the import, what a network brings through the archive's table."""

    def __init__(self, actor, folder):
        self.actor, self.folder, self.plants, self.count = actor, folder, [], 0

    def text(self):
        self.count += 1
        number = self.count
        return f"{LINES[number % len(LINES)].format(f'Desa{number}')}, catatan Nomor{number * 7919}"

    def add(self, label, reason, *, own=False, way="received", licence="", text="", network="x", author="", **more):
        text = text or self.text()
        self.count += 1
        standing, _ = RightsContext.objects.get_or_create(
            workspace=self.actor.workspace,
            network=network,
            author=author or (f"{network}:kami" if own else f"{network}:orang{self.count}"),
            own=own,
            licence=licence,
            acquired=[way],
        )
        item = Item.objects.create(
            workspace=self.actor.workspace,
            network=network,
            remote_id=f"p{self.count}",
            standing=standing,
            text=text,
            sources=[1],
            posted_at=DAY + timedelta(hours=self.count),
            **more,
        )
        self.plants.append(Plant(label, str(item.id), reason))
        return item

    def say(self, item, layer, value, *, party="author", ends=None, **more):
        given = NewStatement(
            layer=layer, party=party, subject="item", item=item.id, says={"train_gen": value}, valid_until=ends, **more
        )
        return add_statements(self.actor, [given])[0]

    def table(self, rows, acquired):
        """A file of rows with `kind` and `reason`, which are right for each; through the import."""
        path = self.folder / f"{self.count}-{acquired}.jsonl"
        for row in rows:
            row["id"] = f"t{self.count}"
            row.setdefault("text", self.text())
        path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if k[:1] != "_"}) for row in rows))
        import_job.run_import(imports.begin_import(self.actor, path, network="x", account="akun", acquired=acquired).id)
        for row in rows:
            found = Item.objects.filter(remote_id=row["id"]).first()
            self.plants.append(Plant(row["_kind"], str(found.id) if found else "", row["_reason"]))

    def archive(self, name, files, expected):
        path = zipped(self.folder / name, files)
        import_job.run_import(imports.begin_import(self.actor, path, acquired="imported").id)
        for kind, text, reason in expected:
            found = Item.objects.filter(text=text).first()
            self.plants.append(Plant(kind, str(found.id) if found else "", reason))


LICENCES = {  # as others name them: what is right where attribution is kept and nothing else
    "CC0-1.0": "",
    "cc0": "",
    "Public Domain": "",
    "https://creativecommons.org/publicdomain/zero/1.0/": "",
    "CC-BY-4.0": "",
    "cc by 4.0": "",
    "mit or cc-by-nd-4.0": "",
    "CC-BY-NC-4.0 OR CC-BY-3.0": "",
    "(MIT AND CC-BY-4.0)": "",
    "apache-2.0 with llvm-exception": "",
    "CC-BY-ND-4.0": LICENCE,
    "cc by-nd 4.0": LICENCE,
    "CC-BY-NC-ND-4.0": LICENCE,
    "https://creativecommons.org/licenses/by-nc-nd/3.0/deed.id": LICENCE,
    "Creative Commons Attribution-NoDerivatives 4.0 International": LICENCE,
    "CC0-1.0 AND CC-BY-ND-4.0": LICENCE,
    "All rights reserved": LICENCE,
    "CC-BY-NC-4.0": UNMET,
    "CC BY-SA 4.0": UNMET,
    "CC0-1.0 AND CC-BY-NC-SA-4.0": UNMET,
    "Lisensi khusus Toko Kita": "does not state whether",
    "LicenseRef-ours AND CC0-1.0": "does not state whether",
    "MIT WITH No-exception": "does not state whether",
}


def plant_all(garden):
    for spelled, reason in LICENCES.items():
        rows = [
            {"_kind": f"licence {spelled}", "_reason": reason, "license": spelled, "author": f"orang{n}"}
            for n in range(2)
        ]
        garden.table(rows, "received")
    garden.table([{"_kind": "own, licensed", "_reason": "", "licence": "CC-BY-4.0"} for _ in range(4)], "imported")
    garden.table([{"_kind": "own", "_reason": ""} for _ in range(20)], "imported")
    garden.table([{"_kind": "others, nothing said", "_reason": NOBODY} for _ in range(10)], "received")
    private = ("dm", "DM", "direct", "Direct message", "message", "private", "pesan", "chat", "pesan langsung")
    rows = [{"_kind": f"kind {one}", "_reason": None, "kind": one} for one in private]
    rows += [{"_kind": f"kind {one}", "_reason": None, "kind": one} for one in ("retweet", "boost", "share", "repost")]
    rows += [{"_kind": f"kind {one}", "_reason": "", "kind": one} for one in ("post", "reply", "tweet")]
    rows += [
        {"_kind": f"visibility {one}", "_reason": None, "visibility": one}
        for one in ("followers", "private", "direct", "friends", "pengikut", "only me")
    ]
    rows += [{"_kind": f"visibility {one}", "_reason": "", "visibility": one} for one in ("public", "publik")]
    rows += [{"_kind": "nobody knows this kind", "_reason": None, "kind": "zzz"}]
    garden.table(rows, "imported")
    for way in ("fetched", "received", "generated"):
        for _ in range(3):
            garden.add(f"others {way}", "Nobody has reviewed" if way == "fetched" else NOBODY, way=way)
            refused = garden.add(f"others {way}, refused", "refused", way=way)
            garden.say(refused, "grant", "deny")
            granted = garden.add(f"others {way}, granted", "Nobody has reviewed" if way == "fetched" else "", way=way)
            garden.say(granted, "grant", "allow")
    for _ in range(3):
        for own in (False, True):
            garden.say(
                garden.add("withdrawn", "withdrew the permission", own=own, licence="CC0-1.0"), "withdrawal", "deny"
            )
            garden.say(
                garden.add("author denies", "does not want this content to be used", own=own, licence="CC0-1.0"),
                "author",
                "deny",
            )
            garden.say(
                garden.add("left open", "says neither yes nor no to using this content", own=own, licence="CC0-1.0"),
                "grant",
                "unknown",
            )
            condition = {"conditions": {"payment": "Rp1.000"}}
            garden.say(garden.add("conditional, unmet", UNMET, own=own), "grant", "conditional", **condition)
            condition = {"conditions": {"attribution": "naming the author"}}
            garden.say(garden.add("conditional, met", "", own=own), "grant", "conditional", **condition)
            expired = garden.say(garden.add("expired grant", "" if own else NOBODY, own=own), "grant", "allow")
            Statement.objects.filter(id=expired.id).update(valid_from=DAY, valid_until=clock.now() - timedelta(hours=1))
            ended = garden.say(garden.add("withdrawal ended", "" if own else NOBODY, own=own), "withdrawal", "deny")
            Statement.objects.filter(id=ended.id).update(valid_from=DAY, valid_until=clock.now() - timedelta(hours=1))
            running_out = {"ends": clock.now() + timedelta(hours=1)}
            garden.say(garden.add("grant that ends later", "", own=own), "grant", "allow", **running_out)
        garden.say(garden.add("the workspace grants others' words", NOBODY), "grant", "allow", party="workspace")
        garden.add("private message", NOT_PUBLIC, own=True, kind="message")
        garden.add("repost", NOT_PUBLIC, own=True, kind="repost")
        garden.add("deleted", "because the post was deleted", own=True, deleted_at=DAY)
    for _ in range(3):
        mine = garden.add("withdrawn, with copies", "withdrew the permission", own=True)
        garden.say(mine, "withdrawal", "deny")
        garden.add("own cross-post of a withdrawn post", ASKED, own=True, network="bluesky", text=mine.text)
        decided = garden.add("own cross-post, decided", "", own=True, network="mastodon", text=f"Ulang: {mine.text}")
        garden.say(decided, "grant", "allow")
        theirs = garden.add("refused, quoted", "refused")
        garden.say(theirs, "grant", "deny")
        garden.add("own quote in full", ASKED, own=True, text=f"Kata teman: “{theirs.text}” Bagaimana menurut Anda?")
        garden.add(
            "own quote in part", "", own=True, text=f"{garden.text()}, seperti “{' '.join(theirs.text.split()[:5])} …”"
        )
        garden.add("another's copy", COPY, licence="CC0-1.0", text=f"{theirs.text}!")
        silent = garden.add("nothing said, quoted", NOBODY)
        garden.add("own quote of what nobody permitted", ASKED, own=True, text=f"{silent.text} (kiriman teman)")
        free = garden.add("permitted, quoted", "", licence="CC0-1.0")
        garden.add("own quote of what is permitted", "", own=True, text=f"Setuju sekali dengan ini: {free.text}")
    note = {"type": "Note", "published": "2026-03-01T08:00:00Z", "attributedTo": "https://m.example/users/kami"}
    audiences = {
        "Mastodon, public": ([PUBLIC], [], ""),
        "Mastodon, unlisted": ([], [PUBLIC], ""),
        "Mastodon, followers": (["https://m.example/users/kami/followers"], [], None),
        "Mastodon, one person": (["https://m.example/users/teman"], [], None),
        "Mastodon, nobody": ([], [], None),
    }
    expected, activities = [], []
    for n, (kind, (to, cc, reason)) in enumerate(audiences.items()):
        text = garden.text()
        expected.append((kind, text, reason))
        told = note | {
            "id": f"https://m.example/users/kami/statuses/{900 + n}",
            "content": f"<p>{text}</p>",
            "to": to,
            "cc": cc,
        }
        activities.append({"type": "Create", "id": f"{told['id']}/activity", "to": to, "cc": cc, "object": told})
    actor_file = {"id": "https://m.example/users/kami", "type": "Person", "preferredUsername": "kami", "name": "Kami"}
    outbox = {"type": "OrderedCollection", "totalItems": len(activities), "orderedItems": activities}
    garden.archive("mastodon.zip", {"actor.json": json.dumps(actor_file), "outbox.json": json.dumps(outbox)}, expected)


@pytest.mark.parametrize(("rule", "format"), [("settings", "text"), ("statement", "text"), ("settings", "chat")])
def test_two_hundred_planted_items(actor, tmp_path, rule, format):
    Terms.objects.create(
        network="x",
        acquired="fetched",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No training.",
        source="https://x.example/terms",
    )
    if rule == "settings":
        update_workspace(actor, ai_use={"train_gen": "allow"})
    else:
        own = NewStatement(layer="author", party="author", subject="author", key="own", says={"train_gen": "allow"})
        add_statements(actor, [own])
    garden = Garden(actor, tmp_path)
    plant_all(garden)
    assert len(garden.plants) >= 200
    of = actions.create_set(actor, name="Tanam", meets=["attribution"], format=format)
    version = build.make_version(actions.order_version(actor, of.id))
    folder = versions.version_folder(version)
    with (folder / "excluded.csv").open(encoding="utf-8") as rows:
        why = {row["item"]: row["reason"] for row in csv.DictReader(rows)}
    records = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    inside = {str(id_) for id_ in version.members.values_list("item_id", flat=True)}
    assert not inside & set(why)
    others = {str(id_) for id_ in Item.objects.filter(standing__own=False).values_list("id", flat=True)}
    wrong = Counter()
    for plant in garden.plants:
        if plant.reason is None:  # not public: not in the archive at all, or left out
            right = not plant.item or (plant.item not in inside and plant.item in why)
        elif plant.reason:
            right = plant.item not in inside and plant.reason in why.get(plant.item, "")
        elif format == "text":
            right = plant.item in inside
        else:  # others' words stand in conversations alone
            right = plant.item in inside or plant.item in others
        wrong[f"{plant.kind}: {why.get(plant.item, 'IN')}"] += not right
    assert +wrong == {}
    for record in records:
        if record["licence"] not in ("", "CC0-1.0", "CC-PDM-1.0") and format == "text" and record["source"] == "x":
            assert (
                record["duties"] == "attribution" or "our own" in record["reason"] or "your own" in record["reason"]
            ), record
