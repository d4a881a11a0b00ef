"""`kicau rights read` and `write`: what is declared, and the rule in each form."""

from __future__ import annotations

import pytest
from PIL import Image

from kicau.workspaces import acts as workspaces

pytestmark = pytest.mark.django_db


def test_the_rule_is_written_and_read_again(kicau, actor, tmp_path):
    workspaces.change_workspace(actor, ai_use={"train_gen": "deny", "search": "allow"})
    robots = kicau("rights", "write", "robots")
    assert "Content-Usage: / train-ai=n, search=y" in robots.out
    (tmp_path / "robots.txt").write_text(robots.out)
    heard = kicau("rights", "read", str(tmp_path / "robots.txt"), "--json").json
    assert heard["says"] == {"train_gen": "deny", "train_other": "deny", "search": "allow"}  # ai-train is of any model
    assert heard["sources"][0]["declarations"][0]["vocabulary"] == "aipref"
    Image.new("RGB", (20, 20)).save(tmp_path / "cup.png")
    marked = str(tmp_path / "marked.png")
    assert kicau("rights", "write", "iptc", "--into", str(tmp_path / "cup.png"), "--out", marked).code == 0
    kept = kicau("rights", "read", marked, "--keep")
    assert "train_gen=deny" in kept.out
    assert "Kept: 1" in kept.out
    assert "Nothing new to keep" in kicau("rights", "read", marked, "--keep").out
    assert kicau("rights", "read", str(tmp_path / "none")).code == 2
    nonsense = kicau("rights", "write", "nonsense")
    assert nonsense.code == 1
    assert (
        "There is no form 'nonsense'; the forms are: robots, headers, html, rsl, tdmrep, lexicon-ai, iptc, cawg, odrl."
        in nonsense.err
    )
    assert kicau("rights", "write", "rsl", "--into", marked, "--out", marked).code == 2
