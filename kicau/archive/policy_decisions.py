"""What items may be used for: one by one with the whole reason, or half a million at once with the same answers.

Items that share a standing, and of which nothing is said singly, share their decision: it is made once for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from kicau.archive.models import Item, RightsContext, file_digests
from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid, id_among
from kicau.rights import statements
from kicau.rights.decisions import Decision, ItemFacts, RightsVerdict, StatementFacts, judge_statements
from kicau.rights.models import USES, Subject
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

BATCH_SIZE = 5000  # items whose own statements are fetched together


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedItems:
    """Items of some standings, but for those of which something is said singly or by a site: they are named."""

    standings: tuple[int, ...]
    items: tuple[UUID, ...]
    sites: tuple[str, ...]  # beginnings of addresses

    @property
    def q(self) -> Q:
        plain = Q(standing_id__in=self.standings, said=False)
        for site in self.sites:
            plain &= ~Q(url__istartswith=site)
        return plain | Q(id__in=self.items)


class RightsEvaluator:
    """All that is said in a workspace, ready to decide over any of its items, as of one moment.

    `policy`, `others`, `ended` and `added` judge as if they held: for looking at a change before it is made.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        at: datetime | None = None,
        policy: Mapping[str, str] | None = None,
        others: Mapping[str, str] | None = None,
        added: Iterable[StatementFacts] = (),
        ended: Iterable[str] = (),
        terms: Iterable[StatementFacts] | None = None,
    ) -> None:
        self.workspace = workspace
        self.at = at or clock.now()
        self._ended = frozenset(ended)
        spoken = [
            *statements.policy_statements(
                workspace.ai_use if policy is None else policy, workspace.others_ai_use if others is None else others
            ),
            *(statements.terms_statements() if terms is None else terms),
            *statements.general_statements(workspace.id),
            *(added := list(added)),
        ]
        valid = [s for s in spoken if s.is_valid(self.at) and s.id not in self._ended]
        self._sites = [s for s in valid if s.subject == Subject.SITE]
        self._singly = [s for s in valid if s.item is not None]
        self._files: dict[str, list[StatementFacts]] = {}
        for said in valid:
            if said.subject == Subject.FILE:
                self._files.setdefault(said.key, []).append(said)
        self._general = [s for s in valid if s.subject not in (Subject.SITE, Subject.FILE) and s.item is None]
        fresh = {s.key for s in added if s.subject == Subject.FILE}
        self._holding = set(items_with_files(workspace.id, fresh).values_list("id", flat=True)) if fresh else set()
        self._shared: dict[ItemFacts, list[StatementFacts]] = {}
        self._made: dict[tuple[object, ...], Decision] = {}

    @property
    def sites(self) -> tuple[str, ...]:
        """Beginnings of addresses under which somebody says something."""
        return tuple(sorted({site.key for site in self._sites}))

    @property
    def named(self) -> tuple[UUID, ...]:
        """Items of which `added` speaks singly, or of one of their files."""
        return (*(s.item for s in self._singly if s.item), *self._holding)

    def decide(
        self, use: str, facts: ItemFacts, own: Sequence[StatementFacts] = (), meets: Iterable[str] = ()
    ) -> Decision:
        """`own`: what is said of the item itself."""
        is_plain = facts.item is None and not facts.url and not facts.files
        shared = facts if is_plain else replace(facts, item=None, url="", files=())
        mine = self._shared.get(shared)
        if mine is None:
            mine = self._shared[shared] = [s for s in self._general if s.speaks_of(shared)]
        told = (*own, *self._singly, *self._sites, *(s for key in facts.files for s in self._files.get(key, ())))
        more = [s for s in told if s.speaks_of(facts) and s.is_valid(self.at) and s.id not in self._ended]
        kept = frozenset(meets)
        key = (use, shared, kept, *(s.id for s in more))
        found = self._made.get(key)
        if found is None:
            found = judge_statements(use, facts, [s for s in (*mine, *more) if s.concerns(use, facts)], kept)
            if not any(s.item for s in more):
                self._made[key] = found
        return found

    def decide_items(
        self, use: str, items: QuerySet[Item], meets: Iterable[str] = ()
    ) -> Iterator[tuple[UUID, Decision]]:
        """Of each item (in the order of `items`); about 500,000 in some seconds. Equal decisions are the same object."""
        known = {s.id: s.facts() for s in RightsContext.objects.filter(workspace=self.workspace)}
        kept = frozenset(meets)
        hypothetical = set(self.named)
        needs_url = bool(self._sites)
        shared = {} if needs_url else {id_: self.decide(use, facts, meets=kept) for id_, facts in known.items()}
        rows = items.values_list("id", "standing_id", "said", "url").iterator(chunk_size=BATCH_SIZE)
        for batch in _batches(rows, BATCH_SIZE):
            own = statements.item_statements(self.workspace.id, [row[0] for row in batch if row[2]])
            files = self._digests([row[0] for row in batch if row[2] or row[0] in hypothetical])
            for id_, standing, said, url in batch:
                if not (said or needs_url or id_ in hypothetical):
                    yield id_, shared[standing]
                else:
                    facts = replace(known[standing], item=id_, url=url, files=files.get(id_, ()))
                    yield id_, self.decide(use, facts, own.get(id_, ()), kept)

    def _digests(self, items: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
        """By item, its files, where anybody says anything about files."""
        if not self._files or not items:
            return {}
        rows = Item.objects.filter(id__in=id_among(items)).exclude(media=[]).values_list("id", "media")
        return {id_: file_digests(media) for id_, media in rows}

    def permitted(
        self, use: str, answers: Iterable[str] = (RightsVerdict.YES,), meets: Iterable[str] = ()
    ) -> PermittedItems:
        """The items whose answer is one of `answers`, as a condition for queries. Equal to `decide_items`."""
        wanted = frozenset(answers)
        standings = [
            s.id
            for s in RightsContext.objects.filter(workspace=self.workspace)
            if self.decide(use, s.facts(), meets=meets).answer in wanted
        ]
        sites = self.sites
        touched = Q(said=True)
        for site in sites:
            touched |= Q(url__istartswith=site)
        singly = Item.objects.filter(touched, workspace=self.workspace)
        found = [id_ for id_, decision in self.decide_items(use, singly, meets) if decision.answer in wanted]
        return PermittedItems(standings=tuple(standings), items=tuple(found), sites=sites)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDecisions:
    """All uses of one item."""

    item: Item
    decisions: Mapping[str, Decision]  # by use


def decide_item(actor: Actor, item_id: UUID | str, *, meets: Iterable[str] = ()) -> ItemDecisions:
    """What one item may be used for, use by use. Raises NotFound."""
    actor.require(Permission.READ)
    item = Item.objects.select_related("standing").filter(workspace=actor.workspace, id=as_uuid(item_id)).first()
    if item is None:
        raise NotFound("item", item_id)
    judging = RightsEvaluator(actor.workspace)
    own = statements.item_statements(actor.workspace.id, [item.id]).get(item.id, []) if item.said else []
    facts = item.facts()
    return ItemDecisions(item=item, decisions={use: judging.decide(use, facts, own, meets) for use in USES})


def items_with_files(workspace_id: UUID, digests: Collection[str]) -> QuerySet[Item]:
    """Items that hold one of these files."""
    holds = Q(pk__in=[])
    for digest in digests:
        holds |= Q(media__contains=[{"sha256": digest}])
    return Item.objects.filter(holds, workspace_id=workspace_id)


def check_use(use: str) -> str:
    if use not in USES:
        raise validation_failed(
            "use",
            "Kicau does not know the purpose {use!r}. Choose what the content may be used for: {uses}.",
            use=use,
            uses=", ".join(USES),
        )
    return use


def _batches[T](rows: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
