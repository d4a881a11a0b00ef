"""A published post is changed on its network, and what becomes of that is known, over real HTTP."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from kicau.archive.imports.own_posts import archive_published
from kicau.archive.models import Item
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.connector.sandbox.server import OrderedFault
from kicau.costs.models import Charge, Purpose
from kicau.publishing.edits import post_edits
from kicau.publishing.edits.post_edits import PostEditInput
from kicau.publishing.models import Attempt, Revision
from kicau.rights.models import ActivityEntry
from kicau.workspaces.models import Role


def texts(network) -> list[str]:
    return [one.text for one in network.public_posts()]


@pytest.mark.django_db(transaction=True)
async def test_a_thread_is_changed_part_by_part_and_a_lost_answer_is_looked_up(
    post, shop, state, network, client, actor
):
    row = await sync_to_async(post)("satu", "dua")
    await shop.work(lambda: state(row) == "published")
    shown = await sync_to_async(post_edits.preview_edit)(actor, row.id, PostEditInput(texts={1: "dua, mended"}))
    assert ([p.text for p in shown.after.parts], shown.parts, shown.problems) == (["satu", "dua, mended"], (1,), ())
    await sync_to_async(archive_published)()
    done = await post_edits.apply_edit(actor, row.id, PostEditInput(texts={1: "dua, mended"}), client=client)
    await sync_to_async(archive_published)()
    kept = {item.text: str(item.search) async for item in Item.objects.filter(delivery=row)}
    assert (set(kept), "mended" in kept["dua, mended"]) == ({"satu", "dua, mended"}, True), (
        "the archive reads as readers do"
    )
    assert texts(network) == [p["text"] for p in done.rendered["parts"]] == ["satu", "dua, mended"]
    assert await Charge.objects.filter(delivery_id=row.id, purpose=Purpose.EDIT, meter="read").acount() == 1
    assert await ActivityEntry.objects.filter(act="delivery.edited", subject=str(row.id)).aexists()

    # The answer is lost and so is the look after it: what became of it is open, and nothing else is changed meanwhile.
    network.faults += [
        OrderedFault(effect="drop-after", method="PUT"),
        OrderedFault(effect="drop", method="GET", skip=1),
    ]
    with pytest.raises(Conflict, match=r"did not confirm whether it changed the published post."):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "satu, mended"}), client=client)
    with pytest.raises(Conflict, match="Kicau does not know yet whether an earlier edit"):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "tiga"}), client=client)
    before = len(network.requests)
    await post_edits.resolve_edit(actor, row.id, client=client)
    assert [one["method"] for one in list(network.requests)[before:]] == ["GET"]
    assert texts(network) == ["satu, mended", "dua, mended"]
    await row.arefresh_from_db()
    assert row.head == "satu, mended"

    # A process that died before it sent anything: the look finds the post as it was, and it is sent.
    _, left = await sync_to_async(post_edits._begin_edit)(actor, row.id, PostEditInput(texts={0: "satu", 1: "dua"}))
    assert left.state == "begun"
    await post_edits.resolve_edit(actor, row.id, client=client)
    assert texts(network) == ["satu", "dua"]


@pytest.mark.django_db(transaction=True)
async def test_what_is_not_changed_is_told_and_leaves_everything_as_it_was(
    post, shop, state, network, client, actor, workspace
):
    row = await sync_to_async(post)("satu")
    with pytest.raises(Conflict, match="so you cannot edit it on the network"):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "dua"}), client=client)
    await shop.work(lambda: state(row) == "published")
    for change, why, words in (
        (PostEditInput(texts={0: "x" * 101}), ValidationFailed, "the limit is 100"),
        (PostEditInput(texts={7: "x"}), ValidationFailed, "This post has no part 8"),
        (PostEditInput(options={"tone": "quiet"}), ValidationFailed, "you cannot change “Tone” of a published post"),
        (PostEditInput(texts={0: "satu"}), Conflict, "You have not changed anything: this post is the"),
    ):
        with pytest.raises(why, match=words):
            await post_edits.apply_edit(actor, row.id, change, client=client)
    viewer = type(actor)(workspace=workspace, person=actor.person, role=Role.VIEWER, via="web")
    with pytest.raises(NotAllowed):
        await post_edits.apply_edit(viewer, row.id, PostEditInput(texts={0: "dua"}), client=client)
    with pytest.raises(Conflict, match="Kicau already knows the result of every edit of"):
        await post_edits.resolve_edit(actor, row.id, client=client)

    (there,) = network.store.all("post")
    network.store.put("post", there["id"], {**there, "text": "by hand"})
    with pytest.raises(ValidationFailed, match="Someone edited this published post directly on Stranger"):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "dua"}), client=client)
    network.faults.append(OrderedFault(effect="rate-limit", seconds=60))
    with pytest.raises(Conflict, match="Kicau could not send your edit of the post to Stranger"):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "dua"}), client=client)
    network.store.remove("post", there["id"])
    with pytest.raises(ValidationFailed, match="it no longer exists on Stranger"):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "dua"}), client=client)
    await row.arefresh_from_db()
    assert (row.head, row.state) == ("satu", "published")
    assert {r.state async for r in Revision.objects.all()} == {"refused"}
    assert await Attempt.objects.filter(delivery=row, outcome="edit-refused").acount() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_refused_look_leaves_open_what_became_of_a_change(post, shop, state, network, client, actor, status):
    row = await sync_to_async(post)("satu")
    await shop.work(lambda: state(row) == "published")
    network.faults += [
        OrderedFault(effect="drop-after", method="PUT"),
        OrderedFault(effect="drop", method="GET", skip=1),
    ]
    with pytest.raises(Conflict, match=r"did not confirm whether it changed the published post."):
        await post_edits.apply_edit(actor, row.id, PostEditInput(texts={0: "dua"}), client=client)
    network.faults[:] = [OrderedFault(effect="status", status=status, text="no", method="GET")]
    with pytest.raises(Conflict, match=r"did not confirm whether it changed the published post."):
        await post_edits.resolve_edit(actor, row.id, client=client)
    assert (await Revision.objects.aget(delivery=row)).state == "unknown"
    await post_edits.resolve_edit(actor, row.id, client=client)
    await row.arefresh_from_db()
    assert (texts(network), row.head) == (["dua"], "dua")
