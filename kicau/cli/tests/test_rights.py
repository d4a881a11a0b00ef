"""`kicau rights read` and `write`: what is declared, and the rule in each form."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from kicau.archive.imports import import_job
from kicau.archive.imports.actions import begin_import
from kicau.archive.models import Item
from kicau.base import clock
from kicau.publishing.models import Campaign
from kicau.rights.models import Terms
from kicau.rights.uses import PURPOSES
from kicau.workspaces import actions as workspaces

pytestmark = pytest.mark.django_db


def test_a_change_is_tried_and_nothing_is_changed(kicau, actor, tmp_path):
    table = tmp_path / "posts.csv"
    table.write_text("id,text,author\n1,Kopi,kopisenja\n2,Teh,teman\n")
    import_job.run_import(begin_import(actor, table, network="x", account="kopisenja", acquired="imported").id)
    terms = Terms.objects.create(
        network="x",
        acquired="imported",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No training.",
        source="https://x.example/terms",
    )

    def moved(*arguments):
        found = {one["use"]: one for one in kicau("rights", "simulate", "--json", *arguments).json}
        return found["train_gen"]["entering"], found["train_gen"]["leaving"]

    workspaces.update_workspace(actor, ai_use={"train_gen": "allow"})
    assert moved("--terms", str(terms.id), "--value", "train_gen=allow") == (2, 0)
    assert moved("--terms", str(terms.id)) == (0, 0)
    terms.says, terms.reviewed_at, terms.reviewed_by = {"train_gen": "allow"}, clock.now(), "Sari"
    terms.save()
    assert moved("--terms", str(terms.id), "--value", "train_gen=deny") == (0, 2)
    assert moved("--author", "x:teman", "--layer", "grant", "--value", "train_gen=deny") == (0, 1)
    kept = kicau("rights", "add", "--author", "x:teman", "--layer", "grant", "--value", "train_gen=deny", "--json").json
    assert moved("--end", kept["id"]) == (1, 0)
    (why,) = next(
        e for e in kicau("rights", "simulate", "--json", "--end", kept["id"]).json if e["use"] == "train_gen"
    )["why_enter"]
    assert (why["items"], why["sentence"].split(".")[0]) == (1, "Yes")
    assert why["sentence"] in kicau("rights", "simulate", "--end", kept["id"]).out
    assert kicau("rights", "simulate").code == 2
    assert kicau("rights", "simulate", "--terms", "1", "--author", "own", "--value", "search=deny").code == 2
    assert "no row of terms" in kicau("rights", "simulate", "--terms", "999").err.lower()
    assert "Kicau does not know the purpose 'dream'." in kicau("rights", "simulate", "--value", "dream=deny").err


def test_items_of_a_campaign_are_found(kicau, actor, tmp_path):
    table = tmp_path / "posts.csv"
    table.write_text("id,text\n1,Kopi pagi\n2,Kopi sore\n")
    import_job.run_import(begin_import(actor, table, network="x", account="kopisenja", acquired="imported").id)
    rain = Campaign.objects.create(workspace=actor.workspace, name="Hujan")
    Item.objects.filter(remote_id="2").update(campaign=rain)
    (found,) = kicau("archive", "search", "kopi", "--campaign", "Hujan", "--json").json
    assert found["text"] == "Kopi sore"
    out = tmp_path / "out.jsonl"
    assert kicau("archive", "export", str(out), "--campaign", "Hujan").code == 0
    assert "Kopi sore" in out.read_text()
    assert "Kopi pagi" not in out.read_text()
    missing = kicau("archive", "search", "kopi", "--campaign", "Kemarau")
    assert missing.code == 2
    assert "There is no campaign 'Kemarau'" in missing.err


def test_the_rule_is_written_and_read_again(kicau, actor, tmp_path):
    workspaces.update_workspace(actor, ai_use={"train_gen": "deny", "search": "allow"})
    robots = kicau("rights", "write", "robots")
    assert "Content-Usage: / train-ai=n, search=y" in robots.out
    (tmp_path / "robots.txt").write_text(robots.out)
    heard = kicau("rights", "read", str(tmp_path / "robots.txt"), "--json").json
    assert heard["says"] == {"train_gen": "deny", "train_other": "deny", "search": "allow"}  # ai-train is of any model
    assert heard["sources"][0]["declarations"][0]["vocabulary"] == "aipref"
    Image.new("RGB", (20, 20)).save(tmp_path / "cup.png")
    marked = str(tmp_path / "marked.png")
    assert kicau("rights", "write", "iptc", "--into", str(tmp_path / "cup.png"), "--out", marked).code == 0
    kept = kicau("rights", "read", marked, "--save")
    assert "train_gen=deny" in kept.out
    assert "Recorded statements: 1" in kept.out
    assert "There is nothing new to record" in kicau("rights", "read", marked, "--save").out
    assert kicau("rights", "read", str(tmp_path / "none")).code == 2
    nonsense = kicau("rights", "write", "nonsense")
    assert nonsense.code == 1
    assert (
        "Kicau cannot write your content rules in the format 'nonsense'. Choose one of these formats: robots, headers, html, rsl, tdmrep, lexicon-ai, iptc, cawg, odrl."
        in nonsense.err
    )
    assert kicau("rights", "write", "rsl", "--into", marked, "--out", marked).code == 2


def test_an_archive_is_taken_in_and_what_is_wrong_is_one_sentence(kicau, actor, tmp_path):
    table = tmp_path / "kiriman.csv"
    table.write_text("id,isi,tanggal\n1,Kopi pagi,31/01/2024 08.15\n2,Kopi sore,kemarin\n")
    told = kicau("archive", "import", str(table))
    assert (told.code, told.err.strip()) == (
        2,
        "Kicau cannot tell from the archive kiriman.csv who owns it. Choose whether it is your own archive or someone else gave it to you. Run it again with --own or --received.",
    )
    assert kicau("archive", "imports", "--json").json == []
    told = kicau("archive", "import", str(table), "--own")
    assert (told.code, told.err) == (0, "")
    assert "kiriman.csv: done. 2 new, 0 already in the archive, 0 skipped." in told.out
    assert "Kicau could not read the date of a post in kiriman.csv" in told.out
    for whose in ("--received", "--own"):
        assert "0 new, 2 already in the archive" in kicau("archive", "import", str(table), whose).out
    assert [row["acquired"] for row in kicau("archive", "imports", "--json").json] == [
        "imported",
        "received",
        "imported",
    ]
    budi = workspaces.add_person("budi@kopisenja.example", "Budi", "hujan-di-bandung-41", proved=True)
    workspaces.set_member_role(actor, budi, "viewer")
    told = kicau(
        "--as", "budi@kopisenja.example", "archive", "resume", kicau("archive", "imports", "--json").json[0]["id"]
    )
    assert (told.code, "Ask someone with the role contributor or higher to do it." in told.err) == (3, True)
    broken = tmp_path / "a.zip"
    broken.write_bytes(b"PK nothing")
    told = kicau("archive", "import", str(broken))
    assert (told.code, told.err.strip()) == (
        1,
        "The archive file a.zip is damaged or incomplete. Download it from the network again, then upload the new copy.",
    )


def test_what_unknown_kinds_and_visibilities_mean_is_answered(kicau, actor, tmp_path):
    table = tmp_path / "kiriman.csv"
    table.write_text("id,text,kind,visibility\n1,Satu,post,public\n2,Dua,lowongan,public\n3,Tiga,post,lokal\n")
    begun = kicau("archive", "import", table, "--network", "x", "--account", "kopisenja", "--own")
    assert (begun.code, "kiriman.csv: asking. 1 new, 0 already in the archive, 2 skipped." in begun.out) == (1, True)
    (row,) = kicau("archive", "imports", "--json").json
    assert f"To continue, run: kicau archive answer {row['id']} 'kind:lowongan=…' 'visibility:lokal=…'" in begun.out
    for wrong in ("kind:lowongan=public", "kind:lowongan=post", "kind:lowongan"):
        refused = kicau("archive", "answer", row["id"], wrong)
        assert (refused.code, refused.err.count("\n")) == (1, 1), wrong
    done = kicau("archive", "answer", row["id"], "kind:lowongan=post", "visibility:lokal=private")
    assert (done.code, "kiriman.csv: done. 2 new, 0 already in the archive, 1 skipped." in done.out) == (0, True)
    assert kicau("archive", "answer", row["id"], "kind:lowongan=post", "visibility:lokal=private").code == 1
    assert [one["state"] for one in kicau("archive", "imports", "--json").json] == ["done"]


def test_a_statement_ends_after_its_last_day_and_names_its_copies(kicau, actor):
    workspaces.update_workspace(actor, timezone="Asia/Jakarta")
    today = clock.now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    say = ("rights", "add", "--value", "train_gen=deny", "--author", "x:teman")
    passed = kicau(*say, "--until", f"{today - timedelta(days=1)}")
    assert passed.code == 1
    assert "has already passed" in passed.err
    assert kicau(*say, "--until", f"{today}", "--acquired", "fetched").code == 0
    assert kicau(*say, "--acquired", "stolen").code == 1
    (kept,) = kicau("rights", "list", "--json").json
    end = datetime.combine(today + timedelta(days=1), time(), ZoneInfo("Asia/Jakarta"))
    assert (datetime.fromisoformat(kept["valid_until"]), kept["acquired"]) == (end, "fetched")
    assert f"{end:%Y-%m-%d %H:%M}" in kicau("rights", "list").out
    for value in ("allow", "unknown", "conditional"):
        assert (
            "A withdrawal of permission can only forbid uses of the content, not allow them."
            in kicau("rights", "add", "--layer", "withdrawal", "--value", f"train_gen={value}").err
        )


def test_two_rules(kicau, actor):
    assert kicau("rights", "rule", "--own", "train_gen=allow", "--others", "search=allow").code == 0
    kicau("rights", "rule", "--others", "train_gen=deny", "--others", "search=none")
    rules = kicau("rights", "rule", "--json").json
    assert rules == {"own": {"train_gen": "allow"}, "others": {"train_gen": "deny"}}
    for use in ("train_gen", "train_other", "synthesise", "redistribute"):
        for value in ("allow", "conditional"):
            refused = kicau("rights", "rule", "--others", f"{use}={value}")
            assert refused.code == 1
            assert f"cannot allow this use: {PURPOSES[use]}." in refused.err
            assert kicau("rights", "simulate", "--others", f"{use}={value}").code == 1
    assert kicau("rights", "rule", "--json").json == rules
