"""What a post's page says about its rights: grouped by answer, with the way to all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kicau.archive.item_queries import rights_of_deliveries
from kicau.publishing.models import Delivery, Draft
from kicau.rights.models import USES
from kicau.web.rights import labels as words
from kicau.workspaces.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRights:
    """Of one delivery, or of a draft that is not out."""

    groups: list[tuple[Any, list[Any]]]  # (what is said, the uses of which it is said), in words
    items: Sequence[UUID] = ()  # its parts in the archive; none while it is not out


def rights_of_posts(actor: Actor, rows: Sequence[Delivery]) -> dict[UUID, PostRights]:
    """Of those that are in the archive."""
    found = rights_of_deliveries(actor, [row.id for row in rows if row.remote_ids])
    return {
        id_: PostRights(
            groups=_group_by_verdict(one.answers, {key: badge.word for key, badge in words.VERDICT_BADGES.items()}),
            items=one.items,
        )
        for id_, one in found.items()
    }


def rights_of_draft(draft: Draft) -> PostRights:
    """What its author says of it."""
    said = {use: draft.ai_use.get(use, "unknown") for use in USES}
    return PostRights(groups=_group_by_verdict(said, words.VALUE_LABELS))


def _group_by_verdict(said: Mapping[str, str], named: Mapping[str, Any]) -> list[tuple[Any, list[Any]]]:
    groups = [(word, [words.USE_LABELS[use][0] for use in USES if said[use] == key]) for key, word in named.items()]
    return [group for group in groups if group[1]]
