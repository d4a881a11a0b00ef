"""What was published with Kicau enters the archive by itself; where an import brought it before, it is the same item."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from kicau.archive import semantic_search
from kicau.archive.imports.copy_rows import RowEncoder
from kicau.archive.imports.item_writer import ArchiveWriter
from kicau.archive.models import Item, ItemOrigin
from kicau.archive.record_statements import bind_by_files
from kicau.base import clock
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.connector.archives.records import ArchiveRecord
from kicau.connector.capabilities import is_for_few
from kicau.connector.content import JSON
from kicau.publishing.models import Delivery, DeliveryState, Revision
from kicau.rights import statements
from kicau.rights.decisions import LIMITED_AUDIENCE_KEY
from kicau.rights.models import USES, Layer, Origin, Party, Statement, Subject
from kicau.rights.statements import NewStatement
from kicau.workspaces.models import Workspace

BATCH_SIZE = 2000  # deliveries
POST_SOURCE = "kicau:post/"  # what its author said when the post was written
RECENT_PERIOD = timedelta(days=2)  # what the chore looks at; an import looks at everything
DENY_ALL_USES = {use: "deny" for use in USES if use not in ("archive", "search")}
LINK_DELIVERIES_SQL = """
UPDATE archive_item i SET delivery_id = d.delivery, campaign_id = d.campaign
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS d(delivery, campaign, network, remote_id)
WHERE i.workspace_id = %s AND i.network = d.network AND i.remote_id = d.remote_id AND i.delivery_id IS NULL
"""
# Other words, stemmed as an import does it (writing.py).
REWRITE_EDITED_SQL = """
UPDATE archive_item SET text = %(text)s, media = %(media)s, search = to_tsvector(CASE language WHEN 'id'
    THEN 'indonesian'::regconfig WHEN 'en' THEN 'english'::regconfig ELSE 'simple'::regconfig END, left(%(words)s, 200000))
WHERE workspace_id = %(workspace)s AND network = %(network)s AND remote_id = %(remote_id)s AND delivery_id = %(delivery)s
  AND (text, media) IS DISTINCT FROM (%(text)s, %(media)s::jsonb)
RETURNING id
"""


def archive_published(workspace: Workspace | None = None) -> int:
    """Take in what is out and not here yet, of one workspace whole or of all what is recent; returns how many
    deliveries that were. Marks what was deleted from its network."""
    rows = Delivery.objects.exclude(remote_ids=[]).filter(
        ~Exists(Item.objects.filter(delivery=OuterRef("id"))),
        state__in=[DeliveryState.PUBLISHED, DeliveryState.DELETED],
    )
    if workspace is None:
        rows = rows.filter(changed_at__gte=clock.now() - RECENT_PERIOD)
        _mark_deleted(Item.objects.filter(delivery__changed_at__gte=clock.now() - RECENT_PERIOD))
        spaces = Workspace.objects.filter(id__in=rows.values("workspace_id"))
    else:
        _mark_deleted(Item.objects.filter(workspace=workspace))
        spaces = Workspace.objects.filter(id=workspace.id)
    _rewrite_edited(workspace)
    done = 0
    for space in spaces:
        found = list(
            rows.filter(workspace=space).select_related("draft", "channel").order_by("published_at", "id")[:BATCH_SIZE]
        )
        while found:
            _archive_deliveries(space, found)
            done += len(found)
            found = (
                list(
                    rows.filter(workspace=space, id__gt=found[-1].id)
                    .select_related("draft", "channel")
                    .order_by("id")[:BATCH_SIZE]
                )
                if len(found) == BATCH_SIZE
                else []
            )
    return done


@transaction.atomic
def _archive_deliveries(workspace: Workspace, found: Sequence[Delivery]) -> None:
    for generated in (False, True):
        some = [d for d in found if (d.draft.origin == Origin.GENERATED) == generated]
        if not some:
            continue
        acquired = Origin.GENERATED if generated else Origin.COMPOSED
        source, _ = ItemOrigin.objects.get_or_create(
            workspace=workspace, acquired=acquired, network="", of_import=None, label=""
        )
        own = {f"{d.network}:{d.channel.account_id}" for d in some}
        writer = ArchiveWriter(source, own)
        for batch in RowEncoder("", "", "", "").batches(r for d in some for r in delivery_records(d)):
            writer.write(batch)
        writer.close()
    _link_deliveries(workspace, found)
    _record_author_rules(workspace, found)
    bind_by_files(workspace, list(Item.objects.filter(delivery__in=[d.id for d in found]).values_list("id", flat=True)))


def delivery_records(delivery: Delivery) -> Iterator[ArchiveRecord]:
    """Its parts as they stand on the network, each one item."""
    parts = delivery.rendered.get("parts", [])
    channel = delivery.channel
    ids = archive_remote_ids(delivery)
    for place, remote_id in enumerate(ids):
        shown = [parts[place]] if len(ids) == len(parts) else parts if place == 0 else []
        yield ArchiveRecord(
            remote_id=remote_id,
            network=delivery.network,
            text="\n\n".join(p.get("text", "") for p in shown),
            posted_at=delivery.published_at,
            url=web_address(delivery.url) if place == 0 else "",
            kind="reply" if place or delivery.rendered.get("reply_to") else "post",
            reply_to=ids[place - 1] if place else str(delivery.rendered.get("reply_to") or ""),
            language=str(delivery.rendered.get("language") or "")[:2],
            author_id=channel.account_id,
            author_handle=channel.handle,
            author_name=channel.name,
            media=[_medium_json(m) for p in shown for m in p.get("media", [])],
            deleted_at=delivery.changed_at if delivery.state == DeliveryState.DELETED else None,
        )


def archive_remote_ids(delivery: Delivery) -> list[str]:
    """As the archive knows them: with the server where the network is many."""
    host = delivery.channel.host
    return [f"{host}/{one}" if host else one for one in delivery.remote_ids]


def _medium_json(rendered: dict[str, Any]) -> dict[str, JSON]:
    medium = rendered.get("media", {})
    return {
        "name": medium.get("name", ""),
        "kind": medium.get("kind", ""),
        "alt": medium.get("alt", ""),
        "url": "",
        "sha256": medium.get("ref", "").partition("/")[2],
    }


def _link_deliveries(workspace: Workspace, found: Sequence[Delivery]) -> None:
    told = [(d, remote_id) for d in found for remote_id in archive_remote_ids(d)]
    with connection.cursor() as cursor:
        cursor.execute(
            LINK_DELIVERIES_SQL,
            [
                [d.id for d, _ in told],
                [d.draft.campaign_id for d, _ in told],
                [d.network for d, _ in told],
                [remote_id for _, remote_id in told],
                workspace.id,
            ],
        )


def _record_author_rules(workspace: Workspace, found: Sequence[Delivery]) -> None:
    """What a post's author said of this very post, where that differs from the workspace's own rule; who wrote for a few
    wants nothing made of it that others could read it in, unless they say so."""
    wishes: dict[UUID, tuple[Delivery, str, dict[str, str]]] = {}
    for one in found:
        wish = one.draft.ai_use if one.draft.ai_use and one.draft.ai_use != workspace.ai_use else {}
        few = is_for_few(registry.get_connector(one.network).baseline.options, one.rendered.get("options") or {})
        if wish or few:
            wishes[one.id] = (one, LIMITED_AUDIENCE_KEY if few else "", {**(DENY_ALL_USES if few else {}), **wish})
    recorded = Statement.objects.filter(
        workspace_id=workspace.id, item=OuterRef("id"), layer=Layer.AUTHOR, source__startswith=POST_SOURCE
    )
    items = list(
        Item.objects.filter(~Exists(recorded), workspace=workspace, delivery_id__in=wishes).values_list(
            "id", "delivery_id"
        )
    )
    statements.record_statements(
        workspace.id,
        [
            NewStatement(
                layer=Layer.AUTHOR,
                party=Party.AUTHOR,
                subject=Subject.ITEM,
                item=item,
                key=key,
                says=says,
                source=f"{POST_SOURCE}{delivery.draft_id}",
                valid_from=delivery.draft.created_at,
            )
            for item, delivery_id in items
            for delivery, key, says in [wishes[delivery_id]]
        ],
        by=None,
    )
    Item.objects.filter(id__in=[item for item, _ in items]).update(said=True)


def _mark_deleted(items: QuerySet[Item]) -> None:
    items.filter(delivery__state=DeliveryState.DELETED, deleted_at=None).update(deleted_at=clock.now())


@transaction.atomic
def _rewrite_edited(workspace: Workspace | None) -> None:
    """What was edited on its network since it was taken in reads here as it does there."""
    edited = Delivery.objects.filter(revisions__state=Revision.State.DONE).select_related("channel").distinct()
    edited = (
        edited.filter(workspace=workspace) if workspace else edited.filter(changed_at__gte=clock.now() - RECENT_PERIOD)
    )
    changed: list[UUID] = []
    with connection.cursor() as cursor:
        for delivery in edited:
            for one in delivery_records(delivery):
                alts = " ".join(str(medium.get("alt") or "") for medium in one.media)
                cursor.execute(
                    REWRITE_EDITED_SQL,
                    {
                        "text": one.text,
                        "media": json.dumps(one.media),
                        "words": f"{one.text} {alts}",
                        "workspace": delivery.workspace_id,
                        "network": one.network,
                        "remote_id": one.remote_id,
                        "delivery": delivery.id,
                    },
                )
                changed += [row[0] for row in cursor.fetchall()]
    if changed:
        semantic_search.delete_embeddings(changed)
        for space in Workspace.objects.filter(id__in=Item.objects.filter(id__in=changed).values("workspace")):
            bind_by_files(space, changed)
