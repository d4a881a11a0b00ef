"""`kicau dataset-audit` at the shell."""

from __future__ import annotations

import json

import pytest

POSTS = {
    "kopi": "Pagi ini kami buka lebih awal: kopi susu gula aren gratis untuk lima puluh orang pertama di Braga",
    "hujan": "Hujan deras sejak subuh, jalur Lembang ditutup sampai sore, pakai jalan memutar lewat Dago",
}


@pytest.fixture
def files(tmp_path):
    """Posts to look for, data that holds one of them, and data that holds none."""
    lines = [json.dumps({"id": name, "text": text}) for name, text in POSTS.items()]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines))
    (tmp_path / "data.jsonl").write_text(json.dumps({"text": POSTS["kopi"]}) + "\n")
    old = "\n".join(json.dumps({"text": f"catatan lama nomor {n} tentang sungai dan sawah"}) for n in range(50))
    (tmp_path / "old.jsonl").write_text(old + "\n")
    return tmp_path


def test_what_control_measured_and_rates_by_length_are_printed(kicau, files):
    asked = (
        "dataset-audit",
        files / "data.jsonl",
        "--posts",
        files / "posts.jsonl",
        "--out",
        files / "out",
        "--processes",
        1,
    )
    said = kicau(*asked, "--control", files / "old.jsonl")
    assert said.code == 0, said.err
    assert "0 pairs in 50 texts of" in said.out
    assert "13-20 words: " in said.out
    report = json.loads((files / "out" / "report.json").read_text())
    rates = report["by_length"]["13-20"]
    assert rates["0% of words changed"]["tries"] == 2
    assert "Add data that cannot contain the posts" in kicau(*asked).out


def test_a_missing_folder_of_evidence_is_found_before_the_search(kicau, files, actor):
    from kicau.evidence.models import Leaf

    asked = (
        "dataset-audit",
        files / "data.jsonl",
        "--posts",
        files / "posts.jsonl",
        "--out",
        files / "out",
        "--processes",
        1,
    )
    said = kicau(*asked, "--evidence", files / "missing" / "e.json")
    assert said.code == 1
    assert "is missing or not writable" in said.err
    assert not (files / "out").exists()
    assert not Leaf.objects.exists()
