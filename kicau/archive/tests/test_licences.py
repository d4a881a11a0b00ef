"""A licence is read wherever somebody names one: in tables, lines, data sets, archives, pictures, pages and feeds."""

from __future__ import annotations

import csv
import json

import pytest
from PIL import Image

from kicau.archive import declaration_scanner
from kicau.archive.imports import actions, import_job
from kicau.archive.models import Item
from kicau.archive.policy_decisions import RightsEvaluator, decide_item
from kicau.archive.record_statements import add_statements
from kicau.archive.tests.conftest import zipped
from kicau.base.errors import ValidationFailed
from kicau.rights.models import Statement
from kicau.rights.statements import NewStatement

ND = "CC-BY-ND-4.0"
DEED = "https://creativecommons.org/licenses/by-nd/4.0/"


def taken(actor, path):
    row = actions.begin_import(actor, path, network="x", account="teman", acquired="received")
    import_job.run_import(row.id)
    return Item.objects.select_related("standing").order_by("remote_id")


@pytest.mark.parametrize("column", ["licence", "License", "lisensi", "license_url", "rights", "dc:rights", "SPDX ID"])
@pytest.mark.parametrize("spelled", ["cc by-nd 4.0", DEED])
def test_columns_of_a_table(actor, tmp_path, column, spelled):
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text", column], ["1", "Kopi pagi", spelled], ["2", "Teh sore", ""]])
    assert [one.standing.licence for one in taken(actor, tmp_path / "a.csv")] == [ND, ""]


@pytest.mark.parametrize(
    "more",
    [
        {"license": {"name": "CC BY-ND 4.0", "url": DEED}},
        {"license": [{"@id": DEED}]},
        {"licenses": [{"path": DEED, "title": "whatever"}]},
        {"metadata": {"license": "cc-by-nd-4.0"}},
        {"meta": {"License": {"spdx": "CC-BY-ND-4.0"}}},
    ],
)
def test_objects_of_a_line(actor, tmp_path, more):
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "1", "text": "Kopi pagi", **more}) + "\n")
    assert [one.standing.licence for one in taken(actor, tmp_path / "a.jsonl")] == [ND]


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("README.md", "---\nlanguage: id\nlicense: cc-by-nd-4.0\n---\n# Kopi\n"),
        ("README.md", "---\nlicense:\n- cc-by-nd-4.0\n---\n"),
        ("README.md", "---\r\nlicense: [cc-by-nd-4.0]\r\n---\r\n"),
        ("croissant.json", json.dumps({"@type": "sc:Dataset", "license": DEED})),
        ("datapackage.json", json.dumps({"licenses": [{"name": "CC-BY-ND-4.0", "path": DEED}]})),
        ("data/dataset_info.json", json.dumps({"license": "cc-by-nd-4.0"})),
    ],
)
def test_a_data_set_names_the_licence_of_all_its_lines(actor, tmp_path, name, described):
    lines = [{"id": "1", "text": "Kopi pagi"}, {"id": "2", "text": "Teh sore", "license": "cc0"}]
    path = zipped(tmp_path / "a.zip", {name: described, "data/train.jsonl": "\n".join(map(json.dumps, lines))})
    assert [one.standing.licence for one in taken(actor, path)] == [ND, "CC0-1.0"]


def test_what_is_not_understood_is_kept_as_it_was_written_and_holds_back(actor, tmp_path):
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"id": "1", "text": "Kopi pagi", "license": "Lisensi  khusus Toko"}) + "\n"
    )
    (item,) = taken(actor, tmp_path / "a.jsonl")
    assert item.standing.licence == "Lisensi khusus Toko"
    assert {str(d.answer) for d in decide_item(actor, item.id).decisions.values()} == {"unknown"}


@pytest.mark.parametrize(
    "field",
    [
        f'<cc:license xmlns:cc="http://creativecommons.org/ns#" rdf:resource="{DEED}"/>',
        f"<xmpRights:WebStatement>{DEED}</xmpRights:WebStatement>",
        '<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">CC BY-ND 4.0</rdf:li></rdf:Alt></xmpRights:UsageTerms>',
        '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">CC BY-ND 4.0</rdf:li></rdf:Alt></dc:rights>',
    ],
)
def test_a_picture_names_its_licence(actor, tmp_path, field):
    packet = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <rdf:Description rdf:about="">{field}</rdf:Description></rdf:RDF></x:xmpmeta>"""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", xmp=packet.encode())
    heard = declaration_scanner.scan_file(actor, "a.jpg", (tmp_path / "a.jpg").read_bytes())
    assert heard.says["train_gen"] == "deny"
    (kept,) = declaration_scanner.record_declarations(actor, heard)
    assert (kept.layer, kept.party, kept.says["train_gen"]) == ("licence", "author", "deny")


@pytest.mark.parametrize(
    "body",
    [
        f'<html><head><link rel="license" href="{DEED}"></head><body>Kopi</body></html>',
        f'<html><body>Kopi <a rel="nofollow license" href="{DEED}">CC</a></body></html>',
        '<html><head><meta name="dcterms.license" content="CC BY-ND 4.0"></head></html>',
        f'<rss version="2.0" xmlns:creativeCommons="http://backend.userland.com/creativeCommonsRssModule"><channel><creativeCommons:license>{DEED}</creativeCommons:license></channel></rss>',
        f'<rss version="2.0" xmlns:cc="http://creativecommons.org/ns#"><channel><cc:license resource="{DEED}"/></channel></rss>',
        f'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="license" href="{DEED}"/></feed>',
        '<feed xmlns="http://www.w3.org/2005/Atom"><rights>CC BY-ND 4.0</rights></feed>',
        json.dumps({"@type": "sc:Dataset", "sc:license": DEED}),
        json.dumps({"license": {"@id": DEED}}),
    ],
)
def test_pages_feeds_and_descriptions(actor, body):
    assert declaration_scanner.scan_file(actor, "a", body.encode()).says["train_gen"] == "deny"


def test_statements_find_items_whatever_the_spelling(actor, tmp_path):
    rows = [
        "id,text,licence,url",
        f"1,Kopi,{ND},https://X.com/a/1",
        "2,Teh,mit or cc-by-nd-4.0,https://x.com/b/2",
        "3,Susu,cc-by-4.0,",
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    items = list(taken(actor, tmp_path / "a.csv"))
    add_statements(
        actor,
        [NewStatement(layer="grant", party="author", subject="licence", key="cc by-nd 4.0", says={"search": "deny"})],
    )
    add_statements(
        actor,
        [
            NewStatement(
                layer="grant", party="author", subject="site", key="https://X.COM:443/a", says={"embed": "deny"}
            )
        ],
    )
    assert list(Statement.objects.order_by("id").values_list("key", flat=True)) == [ND, "https://x.com/a"]
    judge = RightsEvaluator(actor.workspace)
    for use, denied in (("search", [0, 1]), ("embed", [0])):
        answers = {id_: d.answer for id_, d in judge.decide_items(use, Item.objects.all())}
        assert [n for n, item in enumerate(items) if answers[item.id] == "no"] == denied
        assert set(Item.objects.filter(judge.permitted(use, ["no"]).q)) == {items[n] for n in denied}
    for subject, key in (
        ("licence", "CC-BY-4.0 OR"),
        ("licence", "(MIT"),
        ("site", "ftp://x.com"),
        ("site", "https://"),
    ):
        with pytest.raises(ValidationFailed):
            add_statements(
                actor, [NewStatement(layer="grant", party="author", subject=subject, key=key, says={"search": "deny"})]
            )
