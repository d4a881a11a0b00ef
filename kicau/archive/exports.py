"""Everything out again, at any time: a zip with the items as lines of JSON, what is said of them, and their media."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from kicau.archive.models import UNKNOWN_DATE, Item, ItemOrigin
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.archive.search import ArchiveQuery, matching_ids
from kicau.base import clock
from kicau.base.batches import in_batches
from kicau.media import library
from kicau.rights import statements
from kicau.rights.models import USES, Statement
from kicau.workspaces.actors import Actor, Permission

BATCH_SIZE = 1000  # items
README_TEMPLATE = """Everything that Kicau's archive holds of {workspace}, as of {at}.

items.jsonl       one post a line; `origins` are the ways by which it came (see sources.json), `rights` what it may be
                  used for, and why not known where it is unknown
statements.jsonl  what was said about uses, of single items and of more
sources.json      the origins
media/            files, named by the SHA-256 of their content (see `media` of an item)
"""


def export_json_lines(actor: Actor, query: ArchiveQuery) -> Iterator[bytes]:
    """Each item that matches as a line of JSON, newest first."""
    actor.require(Permission.READ)
    for some in _batches(actor, query):
        yield b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in some)


def export_zip(actor: Actor, query: ArchiveQuery, *, media: bool = True) -> Iterator[bytes]:
    """The pieces of a zip, made as it is read: nothing of it is kept in memory or on disk."""
    actor.require(Permission.READ)
    out = _ZipBuffer()
    kept: dict[str, str] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        packed.writestr(
            "README.txt", README_TEMPLATE.format(workspace=actor.workspace.name, at=f"{clock.now():%Y-%m-%d %H:%M} UTC")
        )
        packed.writestr("sources.json", json.dumps(_sources_json(actor), ensure_ascii=False, indent=2))
        with packed.open("items.jsonl", "w", force_zip64=True) as file:
            for some in _batches(actor, query):
                for one in some:
                    kept |= {m["sha256"]: m.get("name", "") for m in one["media"] if m.get("sha256")}
                    file.write(json.dumps(one, ensure_ascii=False).encode() + b"\n")
                yield out.taken()
        with packed.open("statements.jsonl", "w", force_zip64=True) as file:
            for said in in_batches(Statement.objects.defer("raw").filter(workspace_id=actor.workspace.id), BATCH_SIZE):
                for row in said:
                    file.write(json.dumps(_statement_json(row), ensure_ascii=False).encode() + b"\n")
                yield out.taken()
        yield out.taken()
        for digest, name in kept.items() if media else ():
            path = library.original_path(f"{actor.workspace.id.hex}/{digest}")
            if path.exists():
                suffix = "." + name.rsplit(".", 1)[-1] if "." in name else ""
                with (
                    packed.open(zipfile.ZipInfo(f"media/{digest}{suffix}"), "w", force_zip64=True) as file,
                    path.open("rb") as source,
                ):
                    while piece := source.read(1 << 20):
                        file.write(piece)
                        yield out.taken()
    yield out.taken()


class _ZipBuffer(io.RawIOBase):
    """What is written, until it is taken."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        return data


def _batches(actor: Actor, query: ArchiveQuery) -> Iterator[list[dict[str, Any]]]:
    judge = RightsEvaluator(actor.workspace)
    wanted = list(matching_ids(actor, query))
    for begin in range(0, len(wanted), BATCH_SIZE):
        some = wanted[begin : begin + BATCH_SIZE]
        rows = {
            i.id: i for i in Item.objects.select_related("standing", "campaign").defer("search").filter(id__in=some)
        }
        own = statements.item_statements(actor.workspace.id, [i.id for i in rows.values() if i.said])
        yield [_item_json(rows[id_], judge, own) for id_ in some if id_ in rows]


def _item_json(item: Item, judge: RightsEvaluator, own: dict[UUID, list[Any]]) -> dict[str, Any]:
    facts, standing = item.facts(), item.standing
    return {
        "id": str(item.id),
        "network": item.network,
        "remote_id": item.remote_id,
        "url": item.url,
        "kind": item.kind,
        "text": item.text,
        "language": item.language,
        "posted_at": None if item.posted_at == UNKNOWN_DATE else item.posted_at.isoformat(),
        "posted_to": item.posted_to,
        "reply_to": item.reply_to,
        "author": {
            "key": standing.author,
            "handle": standing.author_handle,
            "name": standing.author_name,
            "own": standing.own,
        },
        "licence": standing.licence,
        "acquired": standing.acquired,
        "origins": item.sources,
        "media": item.media,
        "extra": item.extra,
        "campaign": item.campaign.name if item.campaign else "",
        "post": str(item.delivery_id or ""),
        "added_at": item.added_at.isoformat(),
        "deleted_at": item.deleted_at.isoformat() if item.deleted_at else None,
        "rights": {use: str(judge.decide(use, facts, own.get(item.id, ())).answer) for use in USES},
    }


def _sources_json(actor: Actor) -> list[dict[str, Any]]:
    rows = ItemOrigin.objects.filter(workspace=actor.workspace).order_by("id")
    return [
        {"id": s.id, "acquired": s.acquired, "network": s.network, "name": s.label, "since": s.created_at.isoformat()}
        for s in rows
    ]


def _statement_json(row: Statement) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "layer": row.layer,
        "party": row.party,
        "party_name": row.party_name,
        "subject": row.subject,
        "key": row.key,
        "item": str(row.item or ""),
        "network": row.network,
        "acquired": row.acquired,
        "says": row.says,
        "conditions": row.conditions,
        "source": row.source,
        "raw_sha256": row.raw_sha256,
        "parser": row.parser,
        "observed_at": row.observed_at.isoformat(),
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
        "note": row.note,
    }
