"""The files that came with an archive, into the library: each looked into by its content, each kept once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from kicau.archive.models import Item, ItemOrigin
from kicau.archive.record_statements import bind_by_files
from kicau.base.errors import ValidationFailed
from kicau.connector.archives.files import ArchiveFiles, UnreadableFile
from kicau.connector.archives.records import SkippedEntry, skip_entry
from kicau.media import library
from kicau.media.actions import MAX_FILE_BYTES, add_medium
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Workspace

BATCH_SIZE = 200  # items between two looks at whether to go on


def import_media(
    actor: Actor, source: ItemOrigin, files: ArchiveFiles, go_on: Callable[[list[SkippedEntry]], None]
) -> None:
    """Of every item of `source`; one that is in the library already is passed over, so that a new start goes on.

    `go_on` is given what was left out, from time to time, and may raise.
    """
    names = set(files.names())
    if not names:
        return
    rows = (
        Item.objects.filter(workspace=actor.workspace, sources__contains=[source.id]).exclude(media=[]).order_by("id")
    )
    left: list[SkippedEntry] = []
    found: dict[UUID, list[dict[str, Any]]] = {}
    for number, (id_, media) in enumerate(rows.values_list("id", "media").iterator(chunk_size=BATCH_SIZE), 1):
        changed = [_import_file(actor, source, files, names, one, left) for one in media]
        if changed != media:
            found[id_] = changed
        if number % BATCH_SIZE == 0:
            _keep_files(actor.workspace, found)
            go_on(left)
            left, found = [], {}
    _keep_files(actor.workspace, found)
    go_on(left)


@transaction.atomic
def _keep_files(workspace: Workspace, found: dict[UUID, list[dict[str, Any]]]) -> None:
    """No item has a file that does not bind it yet."""
    for id_, media in found.items():
        Item.objects.filter(id=id_).update(media=media)
    bind_by_files(workspace, found)


def _import_file(
    actor: Actor,
    source: ItemOrigin,
    files: ArchiveFiles,
    names: set[str],
    one: dict[str, Any],
    left: list[SkippedEntry],
) -> dict[str, Any]:
    name = str(one.get("file") or "")
    if one.get("sha256") or name not in names:
        return one
    copy = library.scratch_file()
    try:
        with files.open(name) as packed, copy.open("wb") as out:
            size = 0
            while piece := packed.read(1 << 20):
                size += len(piece)
                if size > MAX_FILE_BYTES:
                    left.append(
                        skip_entry(
                            "file-too-large",
                            "Kicau imported the archive without one image or video, because its file is larger than the media library allows.",
                            name,
                        )
                    )
                    return one
                out.write(piece)
        medium = add_medium(
            actor,
            copy,
            str(one.get("name") or name.rsplit("/", 1)[-1]),
            alt=str(one.get("alt") or ""),
            origin=source.acquired,
            origin_detail=f"{source.label}, {name}"[:500],
            move=True,
        )
        return one | {"sha256": medium.sha256, "medium": str(medium.id)}
    except UnreadableFile as exc:
        left.append(
            SkippedEntry(
                code=exc.problem.code, message=exc.problem.message, params=dict(exc.problem.params), where=name
            )
        )
    except ValidationFailed as exc:
        problem = exc.problems[0]
        left.append(SkippedEntry(code=problem.code, message=problem.message, params=dict(problem.params), where=name))
    finally:
        copy.unlink(missing_ok=True)
    return one
