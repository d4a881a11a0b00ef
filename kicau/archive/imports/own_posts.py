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
from kicau.archive.imports.copy_rows import Encoder
from kicau.archive.imports.item_writer import Writer
from kicau.archive.models import Item, Source
from kicau.base import clock
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.connector.archives.records import Record
from kicau.connector.capabilities import is_for_few
from kicau.connector.content import JSON
from kicau.publishing.models import Delivery, DeliveryState, Revision
from kicau.rights import statements
from kicau.rights.decisions import FEW
from kicau.rights.models import USES, Layer, Origin, Party, Subject
from kicau.rights.statements import NewStatement
from kicau.workspaces.models import Workspace

AT_ONCE = 2000  # deliveries
RECENT = timedelta(days=2)  # what the chore looks at; an import looks at everything
CLOSED = {use: "deny" for use in USES if use not in ("archive", "search")}
LINK = """
UPDATE archive_item i SET delivery_id = d.delivery, campaign_id = d.campaign
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS d(delivery, campaign, network, remote_id)
WHERE i.workspace_id = %s AND i.network = d.network AND i.remote_id = d.remote_id AND i.delivery_id IS NULL
"""
# Other words, stemmed as an import does it (writing.py).
REWRITE = """
UPDATE archive_item SET text = %(text)s, media = %(media)s, search = to_tsvector(CASE language WHEN 'id'
    THEN 'indonesian'::regconfig WHEN 'en' THEN 'english'::regconfig ELSE 'simple'::regconfig END, left(%(words)s, 200000))
WHERE workspace_id = %(workspace)s AND network = %(network)s AND remote_id = %(remote_id)s AND delivery_id = %(delivery)s
  AND (text, media) IS DISTINCT FROM (%(text)s, %(media)s::jsonb)
RETURNING id
"""


def keep_published(workspace: Workspace | None = None) -> int:
    """Take in what is out and not here yet, of one workspace whole or of all what is recent; returns how many
    deliveries that were. Marks what was deleted from its network."""
    rows = Delivery.objects.exclude(remote_ids=[]).filter(
        ~Exists(Item.objects.filter(delivery=OuterRef("id"))),
        state__in=[DeliveryState.PUBLISHED, DeliveryState.DELETED],
    )
    if workspace is None:
        rows = rows.filter(changed_at__gte=clock.now() - RECENT)
        _mark_deleted(Item.objects.filter(delivery__changed_at__gte=clock.now() - RECENT))
        spaces = Workspace.objects.filter(id__in=rows.values("workspace_id"))
    else:
        _mark_deleted(Item.objects.filter(workspace=workspace))
        spaces = Workspace.objects.filter(id=workspace.id)
    _rewrite(workspace)
    done = 0
    for space in spaces:
        found = list(
            rows.filter(workspace=space).select_related("draft", "channel").order_by("published_at", "id")[:AT_ONCE]
        )
        while found:
            _take(space, found)
            done += len(found)
            found = (
                list(
                    rows.filter(workspace=space, id__gt=found[-1].id)
                    .select_related("draft", "channel")
                    .order_by("id")[:AT_ONCE]
                )
                if len(found) == AT_ONCE
                else []
            )
    return done


@transaction.atomic
def _take(workspace: Workspace, found: Sequence[Delivery]) -> None:
    for generated in (False, True):
        some = [d for d in found if (d.draft.origin == Origin.GENERATED) == generated]
        if not some:
            continue
        acquired = Origin.GENERATED if generated else Origin.COMPOSED
        source, _ = Source.objects.get_or_create(
            workspace=workspace, acquired=acquired, network="", of_import=None, label=""
        )
        own = {f"{d.network}:{d.channel.account_id}" for d in some}
        writer = Writer(source, own)
        for batch in Encoder("", "", "", "").batches(r for d in some for r in records(d)):
            writer.write(batch)
        writer.close()
    _link(workspace, found)
    _keep_wishes(workspace, found)


def records(delivery: Delivery) -> Iterator[Record]:
    """Its parts as they stand on the network, each one item."""
    parts = delivery.rendered.get("parts", [])
    channel = delivery.channel
    ids = remote_ids(delivery)
    for place, remote_id in enumerate(ids):
        shown = [parts[place]] if len(ids) == len(parts) else parts if place == 0 else []
        yield Record(
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
            media=[_medium(m) for p in shown for m in p.get("media", [])],
            deleted_at=delivery.changed_at if delivery.state == DeliveryState.DELETED else None,
        )


def remote_ids(delivery: Delivery) -> list[str]:
    """As the archive knows them: with the server where the network is many."""
    host = delivery.channel.host
    return [f"{host}/{one}" if host else one for one in delivery.remote_ids]


def _medium(rendered: dict[str, Any]) -> dict[str, JSON]:
    medium = rendered.get("media", {})
    return {
        "name": medium.get("name", ""),
        "kind": medium.get("kind", ""),
        "alt": medium.get("alt", ""),
        "url": "",
        "sha256": medium.get("ref", "").partition("/")[2],
    }


def _link(workspace: Workspace, found: Sequence[Delivery]) -> None:
    told = [(d, remote_id) for d in found for remote_id in remote_ids(d)]
    with connection.cursor() as cursor:
        cursor.execute(
            LINK,
            [
                [d.id for d, _ in told],
                [d.draft.campaign_id for d, _ in told],
                [d.network for d, _ in told],
                [remote_id for _, remote_id in told],
                workspace.id,
            ],
        )


def _keep_wishes(workspace: Workspace, found: Sequence[Delivery]) -> None:
    """What a post's author said of this very post, where that differs from the workspace's own rule; who wrote for a few
    wants nothing made of it that others could read it in, unless they say so."""
    wishes: dict[UUID, tuple[Delivery, str, dict[str, str]]] = {}
    for one in found:
        wish = one.draft.ai_use if one.draft.ai_use and one.draft.ai_use != workspace.ai_use else {}
        few = is_for_few(registry.get(one.network).baseline.options, one.rendered.get("options") or {})
        if wish or few:
            wishes[one.id] = (one, FEW if few else "", {**(CLOSED if few else {}), **wish})
    items = list(
        Item.objects.filter(workspace=workspace, delivery_id__in=wishes, said=False).values_list("id", "delivery_id")
    )
    statements.keep(
        workspace.id,
        [
            NewStatement(
                layer=Layer.AUTHOR,
                party=Party.AUTHOR,
                subject=Subject.ITEM,
                item=item,
                key=key,
                says=says,
                source=f"kicau:post/{delivery.draft_id}",
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
def _rewrite(workspace: Workspace | None) -> None:
    """What was edited on its network since it was taken in reads here as it does there."""
    edited = Delivery.objects.filter(revisions__state=Revision.State.DONE).select_related("channel").distinct()
    edited = edited.filter(workspace=workspace) if workspace else edited.filter(changed_at__gte=clock.now() - RECENT)
    changed: list[UUID] = []
    with connection.cursor() as cursor:
        for delivery in edited:
            for one in records(delivery):
                alts = " ".join(str(medium.get("alt") or "") for medium in one.media)
                cursor.execute(
                    REWRITE,
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
        semantic_search.forget(changed)
